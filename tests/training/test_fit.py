"""Training on tiny data: repeatable, resumable to the bit, and stopping with words where it cannot go on.

Tracing a network takes seconds; trainings are shared and copied where that is as good.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprocess.classifier.bundle import WEIGHTS, save_bundle, weight_shapes
from reprocess.classifier.engine import ENGINES
from reprocess.errors import TrainingError
from reprocess.training.dataset import Dataset, fit_scaling, standardise
from reprocess.training.options import Options

if TYPE_CHECKING:
    from reprocess.training.fit import Trained

OPTIONS = Options(units=4, dense=8, batch=32, epochs=4, learning_rate=0.01, decay=0.8)
INTERRUPTED_AFTER = 2


def made(seed: int, n: int = 300) -> Dataset:
    """Windows whose classes differ in level, as events differ from quiet records."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, n, p=(0.6, 0.3, 0.1)).astype(np.int8)
    level = np.array([0, 1.5, -1.5])[labels][:, None, None]
    windows = (3 + level + rng.normal(0, 1, (n, 7, 8))).astype(np.float32)
    return Dataset(windows, labels, np.full(n, f"noaa18 2015-{seed:02d}"))


TRAINING, VALIDATION = made(1), made(2, 150)


class StoppedError(Exception):
    """What an interruption raises."""


def ignore(number: int, losses: dict[str, float]) -> None:
    """Report to nobody."""


@pytest.fixture(scope="module")
def fitting() -> ModuleType:
    """The module under test, which loads TensorFlow: not in each process that collects tests."""
    from reprocess.training import fit

    return fit


@pytest.fixture(scope="module")
def training_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="module")
def undisturbed(fitting: ModuleType, training_folder: Path) -> "Trained":
    """A training, which beside it leaves what lay there when `INTERRUPTED_AFTER` epochs had ended."""
    state = training_folder / "undisturbed"

    def keep(number: int, losses: dict[str, float]) -> None:
        if number == INTERRUPTED_AFTER:
            shutil.copytree(state, training_folder / "interrupted")

    return fitting.train(TRAINING, VALIDATION, OPTIONS, state, keep)


@pytest.fixture
def state(undisturbed: "Trained", training_folder: Path, tmp_path: Path) -> Path:
    """What a training leaves that is killed after `INTERRUPTED_AFTER` epochs."""
    return shutil.copytree(training_folder / "interrupted", tmp_path / "state")


def history(state: Path) -> list[dict[str, float]]:
    kept: list[dict[str, float]] = json.loads((state / "history.json").read_text())["history"]
    return kept


def epochs(state: Path) -> set[int]:
    return {int(path.stem.removeprefix("epoch-")) for path in state.glob("epoch-*.keras")}


def test_it_learns(fitting: ModuleType, undisturbed: "Trained") -> None:
    losses = [h["loss"] for h in undisturbed.history]
    assert len(losses) == OPTIONS.epochs
    assert losses[-1] < 0.8 * losses[0]
    assert undisturbed.history[-1]["val_accuracy"] > 0.8
    assert undisturbed.best == fitting.best_epoch(undisturbed.history)
    shapes = {name: array.shape for name, array in undisturbed.weights.items()}
    assert shapes == weight_shapes(OPTIONS.units, OPTIONS.dense)


def test_an_interrupted_training_ends_as_an_undisturbed_one(
    fitting: ModuleType, undisturbed: "Trained", state: Path
) -> None:
    """Killed once more while it wrote the third epoch, which no history names."""
    assert len(history(state)) == INTERRUPTED_AFTER
    (state / "epoch-0003.keras").write_bytes(b"half a file")
    seen: list[int] = []
    found = fitting.train(TRAINING, VALIDATION, OPTIONS, state, lambda number, _: seen.append(number))
    assert seen == [3, 4], "epochs that were kept are not done again"
    for name in WEIGHTS:
        np.testing.assert_array_equal(found.weights[name], undisturbed.weights[name])
    assert (found.scaling, found.history, found.best) == (
        undisturbed.scaling, undisturbed.history, undisturbed.best
    )  # fmt: skip
    seen.clear()
    again = fitting.train(TRAINING, VALIDATION, OPTIONS, state, lambda number, _: seen.append(number))
    assert seen == [], "a training that ended is only read again"
    np.testing.assert_array_equal(again.weights["softmax_kernel"], found.weights["softmax_kernel"])


def test_other_data_start_over_and_validation_does_not_reach_the_scaling(
    fitting: ModuleType, undisturbed: "Trained", state: Path
) -> None:
    shifted = replace(VALIDATION, windows=VALIDATION.windows + 100)
    seen: list[dict[str, float]] = []

    def stop(number: int, losses: dict[str, float]) -> None:
        seen.append(losses)
        raise StoppedError

    with pytest.raises(StoppedError):
        fitting.train(TRAINING, shifted, OPTIONS, state, stop)
    assert history(state) == seen
    assert epochs(state) == {1}
    assert undisturbed.scaling == fit_scaling(TRAINING)
    for name in ("loss", "accuracy"):
        assert seen[0][name] == undisturbed.history[0][name], "one seed, and training saw no other data"
    assert seen[0]["val_loss"] != undisturbed.history[0]["val_loss"]


@pytest.mark.parametrize(
    ("training", "validation", "options"),
    [
        (TRAINING, VALIDATION, replace(OPTIONS, dropout=0.4)),
        (TRAINING, VALIDATION, replace(OPTIONS, seed=2)),
        (replace(TRAINING, windows=TRAINING.windows + np.float32(1)), VALIDATION, OPTIONS),
        (replace(TRAINING, labels=TRAINING.labels[::-1].copy()), VALIDATION, OPTIONS),
        (TRAINING, made(4, 150), OPTIONS),
        (VALIDATION, TRAINING, OPTIONS),
    ],
    ids=["options", "seed", "windows", "labels", "validation", "exchanged"],
)
def test_epochs_of_another_training_are_disowned_before_one_is_replaced(
    fitting: ModuleType,
    training: Dataset,
    validation: Dataset,
    options: Options,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A training killed while it writes its first epoch must not leave that to the other one's history."""

    def killed(*_: object) -> None:
        raise StoppedError

    monkeypatch.setattr(fitting, "build_network", killed)
    with pytest.raises(StoppedError):
        fitting.train(training, validation, options, state, ignore)
    assert not (state / "history.json").exists()


def test_it_stops_early_and_keeps_the_best_weights(fitting: ModuleType, tmp_path: Path) -> None:
    """Validation labels are wrong in a way that learning makes worse in the end."""
    wrong = replace(VALIDATION, labels=((VALIDATION.labels + 1) % 3).astype(np.int8))
    state, options = tmp_path / "state", replace(OPTIONS, epochs=30, patience=2)

    def copy(number: int, losses: dict[str, float]) -> None:
        shutil.copy(state / f"epoch-{number:04d}.keras", tmp_path / f"{number}.keras")

    found = fitting.train(TRAINING, wrong, options, state, copy)
    losses = [h["val_loss"] for h in found.history]
    assert len(losses) < 30
    assert found.best == int(np.argmin(losses)) == len(losses) - 1 - options.patience
    assert epochs(state) == {found.best + 1, len(losses)}, "two epochs are kept, not all"
    best, last = (
        fitting.keras.models.load_model(tmp_path / f"{n}.keras") for n in (found.best + 1, len(losses))
    )
    for kept, weights in zip(found.weights.values(), best.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, weights)
    assert not np.array_equal(best.get_weights()[0], last.get_weights()[0])
    rates = [float(network.optimizer.learning_rate) for network in (best, last)]
    np.testing.assert_allclose(
        rates, [0.01 * 0.8 ** (n - 1) for n in (found.best + 1, len(losses))], rtol=1e-6
    )


def test_the_first_of_equal_epochs_is_the_best(fitting: ModuleType) -> None:
    assert fitting.best_epoch([{"val_loss": x} for x in (0.5, 0.2, 0.3, 0.2)]) == 1


def fitted(
    fitting: ModuleType, options: Options, state: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, dict[str, Any]]:
    """Return the network and what it is told to fit, without fitting."""
    calls: list[tuple[Any, dict[str, Any]]] = []

    def fit(self: Any, x: np.ndarray, y: np.ndarray, **arguments: Any) -> None:
        calls.append((self, {"x": x, "y": y, **arguments}))
        raise StoppedError

    monkeypatch.setattr(fitting.keras.Sequential, "fit", fit)
    with pytest.raises(StoppedError):
        fitting.train(TRAINING, VALIDATION, options, state, ignore)
    return calls[0]


def test_options_reach_the_network(
    fitting: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(5, 9, 0.25, "sgd", 0.02, 1.0, 17, 3, 2, False, 6)
    network, arguments = fitted(fitting, options, tmp_path, monkeypatch)
    shapes = [w.shape for w in network.get_weights()]
    assert shapes == list(weight_shapes(5, 9).values())
    assert [layer.rate for layer in network.layers if isinstance(layer, fitting.keras.layers.Dropout)] == [
        0.25,
        0.25,
    ]
    assert isinstance(network.optimizer, fitting.keras.optimizers.SGD)
    assert float(network.optimizer.learning_rate) == pytest.approx(0.02)
    assert (arguments["batch_size"], arguments["class_weight"]) == (17, None)
    other, _ = fitted(fitting, replace(options, seed=7), tmp_path, monkeypatch)
    assert not np.array_equal(other.get_weights()[0], network.get_weights()[0])


def test_windows_are_shuffled_with_their_labels(
    fitting: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first = fitted(fitting, OPTIONS, tmp_path, monkeypatch)
    _, second = fitted(fitting, replace(OPTIONS, seed=2), tmp_path, monkeypatch)
    assert first["class_weight"] == fitting.class_weights(TRAINING.labels)
    scaled = standardise(TRAINING, fit_scaling(TRAINING))
    for call in (first, second):
        place = {w.tobytes(): i for i, w in enumerate(scaled)}
        order = [place[w.tobytes()] for w in call["x"]]
        assert sorted(order) == list(range(len(scaled))) != order
        np.testing.assert_array_equal(call["y"].argmax(axis=1), TRAINING.labels[order])
    assert not np.array_equal(first["x"], second["x"])


def test_a_loss_that_is_no_number_is_an_error(fitting: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"epoch 1 ended with .*nan.*; lower --learning-rate \(now 1e\+30"
    ):
        fitting.train(TRAINING, VALIDATION, replace(OPTIONS, learning_rate=1e30), tmp_path, ignore)
    assert list(tmp_path.iterdir()) == [], "nothing is kept of it"


@pytest.mark.parametrize("name", ["adamant", "", "LossScaleOptimizer"])
def test_an_unknown_optimiser_is_named(fitting: ModuleType, name: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=f"Keras has no optimiser '{name}'; usual ones: adam, sgd"):
        fitting.train(TRAINING, VALIDATION, replace(OPTIONS, optimizer=name), tmp_path, ignore)


def test_class_weights_average_one_and_follow_the_root_of_the_share(fitting: ModuleType) -> None:
    labels = np.repeat(np.array([0, 1, 2], np.int8), (1600, 400, 100))
    weights = fitting.class_weights(labels)
    assert np.mean([weights[int(k)] for k in labels]) == pytest.approx(1)
    assert weights[1] / weights[0] == pytest.approx(2)
    assert weights[2] / weights[0] == pytest.approx(4)
    assert fitting.class_weights(np.array([0, 1, 2])) == pytest.approx({0: 1, 1: 1, 2: 1})


def test_engines_give_what_keras_gives(fitting: ModuleType, undisturbed: "Trained", tmp_path: Path) -> None:
    bundle = save_bundle(tmp_path, {"name": "tiny"}, undisturbed.weights, undisturbed.scaling)
    network = fitting.build_network(OPTIONS.units, OPTIONS.dense)
    network.set_weights(list(undisturbed.weights.values()))
    windows = standardise(made(5, 1500), undisturbed.scaling)
    expected = network.predict(windows, verbose=0)
    assert np.ptp(expected, axis=0).min() > 0.5, "all classes are told apart"
    for engine in ENGINES.values():
        found = engine(bundle).predict(windows)
        assert np.abs(found - expected).max() < 1e-5
        np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
