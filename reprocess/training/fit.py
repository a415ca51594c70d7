"""Trains the network of the paper with Keras.

The architecture is that of Capannolo, Li & Huang (2022): bidirectional LSTM (relu), dropout, dense
(relu), dropout, softmax; Adam, categorical cross-entropy. Sizes, dropout, optimiser and stopping are
options. Every epoch is a function of the state on disk before it and of the seed, so a training that
was interrupted ends with the weights it would have had.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reprocess.classifier.bundle import WEIGHTS
from reprocess.classifier.features import Scaling
from reprocess.classifier.framework import keras, tf
from reprocess.classifier.network import build_network
from reprocess.errors import TrainingError
from reprocess.files import write_atomic
from reprocess.schema import CLASSES
from reprocess.training.dataset import Dataset, fit_scaling, standardise
from reprocess.training.options import Options

History = list[dict[str, float]]
"""Per epoch: loss, accuracy, val_loss, val_accuracy."""


@dataclass(frozen=True)
class Trained:
    """A trained network and what happened on the way."""

    weights: dict[str, np.ndarray]
    """Tensors by name, as bundles hold them."""
    scaling: Scaling
    history: History
    best: int
    """Position in `history` of the epoch whose weights these are."""


def train(
    training: Dataset,
    validation: Dataset,
    options: Options,
    state: Path,
    report: Callable[[int, dict[str, float]], None],
) -> Trained:
    """Train until the validation loss no longer falls; return the weights of its smallest.

    Parameters
    ----------
    training, validation : Dataset
        What `dataset.split_groups` returns; scaling is fitted on the first only.
    options : Options
    state : Path
        Folder where every epoch is kept until the caller removes it; a training with the same data
        and options goes on from there, another one starts over.
    report : callable
        Called after each epoch with its number, from 1, and its losses.

    Raises
    ------
    TrainingError
        If the loss is not a number, or there is no such optimiser.
    """
    tf.config.experimental.enable_op_determinism()
    scaling = fit_scaling(training)
    x, y = standardise(training, scaling), keras.utils.to_categorical(training.labels, len(CLASSES))
    checked = (
        standardise(validation, scaling),
        keras.utils.to_categorical(validation.labels, len(CLASSES)),
    )
    weights = class_weights(training.labels) if options.class_weights else None
    identity = {"options": asdict(options), "training": training.digest, "validation": validation.digest}
    history, kept = _resume(state, identity)
    network = kept or _compile(_network(options), options.optimizer)
    while not _ended(history, options):
        network.optimizer.learning_rate = options.learning_rate * options.decay ** len(history)
        order = np.random.default_rng([options.seed, len(history)]).permutation(len(x))
        fitted = network.fit(
            x[order],
            y[order],
            validation_data=checked,
            batch_size=options.batch,
            class_weight=weights,
            shuffle=False,
            verbose=0,
        ).history
        losses = {name: float(values[0]) for name, values in sorted(fitted.items())}
        if not np.isfinite(list(losses.values())).all():
            raise TrainingError(
                f"epoch {len(history) + 1} ended with {losses}; lower --learning-rate "
                f"(now {options.learning_rate})"
            )
        history.append(losses)
        _keep(state, identity, history, network)
        report(len(history), losses)
    best = best_epoch(history)
    tensors = dict(zip(WEIGHTS, _load(state, best + 1).get_weights(), strict=True))
    return Trained(tensors, scaling, history, best)


def _network(options: Options) -> keras.Model:
    return build_network(options.units, options.dense, options.dropout, options.seed)


def _compile(network: keras.Model, name: str) -> keras.Model:
    try:
        optimizer = keras.optimizers.get(name)
    except (ValueError, TypeError, KeyError) as e:  # some wrap another one and cannot be made by name
        raise TrainingError(f"Keras has no optimiser {name!r}; usual ones: adam, sgd") from e
    network.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return network


def class_weights(labels: np.ndarray) -> dict[int, float]:
    """Return weights inverse to the square root of each class's share, one on average over windows."""
    share = np.bincount(labels, minlength=len(CLASSES)) / labels.size
    weights = 1 / np.sqrt(share)
    weights /= (weights * share).sum()
    return dict(enumerate(weights.tolist()))


def best_epoch(history: History) -> int:
    """Return the position of the smallest validation loss, the first of equals."""
    return int(np.argmin([losses["val_loss"] for losses in history]))


def _ended(history: History, options: Options) -> bool:
    if len(history) >= options.epochs:
        return True
    return bool(history) and len(history) - 1 - best_epoch(history) >= options.patience


def _resume(state: Path, identity: dict[str, Any]) -> tuple[History, keras.Model | None]:
    """Return the epochs kept in `state` and the network after the last; none if of another training."""
    path = state / "history.json"
    kept = json.loads(path.read_bytes()) if path.exists() else {}
    if kept.get("identity") == identity:
        network = _load(state, len(kept["history"]))
        for dropout, value in zip(_dropout_states(network), kept["dropout"], strict=True):
            dropout.assign(np.array(value, dropout.dtype))
        return kept["history"], network
    path.unlink(missing_ok=True)  # before the first epoch of this training replaces one that it names
    return [], None


def _keep(state: Path, identity: dict[str, Any], history: History, network: keras.Model) -> None:
    """Keep an epoch on disk; the history that names it is written last."""
    state.mkdir(parents=True, exist_ok=True)
    network.save(_path(state, len(history)))
    dropout = [value.numpy().tolist() for value in _dropout_states(network)]
    kept = {"identity": identity, "history": history, "dropout": dropout}
    write_atomic(state / "history.json", json.dumps(kept).encode())
    wanted = {_path(state, n) for n in (len(history), best_epoch(history) + 1)}
    for path in set(state.glob("epoch-*.keras")) - wanted:
        path.unlink()


def _dropout_states(network: keras.Model) -> list[Any]:
    """Return where the random numbers of each dropout layer stand, which Keras does not save."""
    return [layer.seed_generator.state for layer in network.layers if isinstance(layer, keras.layers.Dropout)]


def _load(state: Path, number: int) -> keras.Model:
    return keras.models.load_model(_path(state, number))


def _path(state: Path, number: int) -> Path:
    return state / f"epoch-{number:04d}.keras"
