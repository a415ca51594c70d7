"""Trains the network of the paper with Keras.

The architecture is that of Capannolo, Li & Huang (2022): bidirectional LSTM (relu), dropout, dense
(relu), dropout, softmax; Adam, categorical cross-entropy. Sizes, dropout, optimiser settings, class
weights and early stopping are options.
"""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reprocess.classifier.bundle import WEIGHTS, Bundle, save_bundle
from reprocess.dataset import Dataset, fit_scaling, standardise
from reprocess.errors import TrainingError
from reprocess.features import FEATURES, WINDOW
from reprocess.schema import CLASSES

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras


@dataclass(frozen=True)
class Options:
    """How to train."""

    units: int = 64
    """LSTM units in each direction."""
    dense: int = 256
    """Units of the dense layer."""
    dropout: float = 0.5
    optimizer: str = "adam"
    """Name of a Keras optimiser."""
    learning_rate: float = 1e-3
    batch: int = 512
    epochs: int = 40
    """At most."""
    patience: int = 6
    """Epochs without a smaller validation loss before stopping."""
    class_weights: bool = True
    """Weigh classes by the inverse square root of their share."""
    seed: int = 1


@dataclass(frozen=True)
class Trained:
    """A trained model and what happened on the way."""

    bundle: Bundle
    history: dict[str, list[float]]
    """Loss and accuracy by epoch, training and validation."""


def train(
    training: Dataset, validation: Dataset, options: Options, out: Path, card: dict[str, Any]
) -> Trained:
    """Train and write a bundle.

    An interrupted training goes on where its last whole epoch ended, from ``OUT/training/``, which is
    removed at the end.

    Parameters
    ----------
    training, validation : Dataset
        Of `dataset.split_groups`; scaling is fitted on the first only.
    options : Options
    out : Path
        Folder of the bundle; its name becomes the model's.
    card : dict
        Further entries of the card.

    Raises
    ------
    TrainingError
        If the loss is not a number.
    """
    keras.utils.set_random_seed(options.seed)
    scaling = fit_scaling(training)
    network = build_network(options)
    network.compile(
        keras.optimizers.get(
            {"class_name": options.optimizer, "config": {"learning_rate": options.learning_rate}}
        ),
        "categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=True,
    )
    history = network.fit(
        standardise(training.windows, scaling),
        keras.utils.to_categorical(training.labels, len(CLASSES)),
        validation_data=(
            standardise(validation.windows, scaling),
            keras.utils.to_categorical(validation.labels, len(CLASSES)),
        ),
        batch_size=options.batch,
        epochs=options.epochs,
        class_weight=class_weights(training.labels) if options.class_weights else None,
        callbacks=[
            keras.callbacks.TerminateOnNaN(),
            keras.callbacks.EarlyStopping(patience=options.patience, restore_best_weights=True),
            keras.callbacks.BackupAndRestore(str(out / "training")),
        ],
        verbose=2,
    ).history
    if not np.isfinite(history["loss"]).all():
        raise TrainingError(
            f"the loss is not a number after {len(history['loss'])} epochs; lower --learning-rate "
            f"(now {options.learning_rate})"
        )
    weights = dict(zip(WEIGHTS, network.get_weights(), strict=True))
    card = {"name": out.name, **card, "training_options": asdict(options), "epochs": len(history["loss"])}
    bundle = save_bundle(out, card, weights, scaling)
    return Trained(bundle, {name: [float(x) for x in values] for name, values in history.items()})


def build_network(options: Options) -> keras.Model:
    """Return the untrained network."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((WINDOW, len(FEATURES))),
            layers.Bidirectional(layers.LSTM(options.units, activation="relu")),
            layers.Dropout(options.dropout),
            layers.Dense(options.dense, activation="relu"),
            layers.Dropout(options.dropout),
            layers.Dense(len(CLASSES), activation="softmax"),
        ]
    )


def class_weights(labels: np.ndarray) -> dict[int, float]:
    """Return weights inverse to the square root of each class's share, one on average over windows."""
    share = np.bincount(labels, minlength=len(CLASSES)) / labels.size
    weights = 1 / np.sqrt(share)
    weights /= (weights * share).sum()
    return dict(enumerate(weights.tolist()))
