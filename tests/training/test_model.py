"""From parts of a dataset to a model on disk; the network itself is trained in classifier/test_training."""

import json
import struct
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprocess import __version__
from reprocess.classifier.bundle import Bundle, load_bundle, note_evaluation, weight_shapes
from reprocess.classifier.engine import DEFAULT_ENGINE, ENGINES
from reprocess.training import model as training_module
from reprocess.training.dataset import Dataset, fit_scaling, standardise
from reprocess.training.fit import Trained
from reprocess.training.model import make_model
from reprocess.training.options import Options

OPTIONS = Options(units=3, dense=5, epochs=4)
HISTORY = [
    {"loss": 1 / k, "accuracy": 0.5, "val_loss": 0.4 + (k - 2) ** 2, "val_accuracy": 0.6} for k in (1, 2, 3)
]
CARD = {"title": "for a test", "licence": "none", "events": 17, "command": "reprocess train"}


def made(seed: int, n: int) -> Dataset:
    rng = np.random.default_rng(seed)
    return Dataset(
        rng.normal(3, 2, (n, 7, 8)).astype(np.float32),
        rng.integers(0, 3, n).astype(np.int8),
        np.array([f"noaa18 2015-{seed + k % 2:02d}" for k in range(n)]),
    )


PARTS = made(1, 200), made(3, 50), made(5, 80)


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the training by its result, and leave the state that it leaves."""
    rng = np.random.default_rng(9)
    shapes = weight_shapes(OPTIONS.units, OPTIONS.dense)
    weights = {name: rng.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}

    def result(training: Dataset, validation: Dataset, options: Options, state: Path, report: Any) -> Trained:
        assert (training, validation, options) == (PARTS[0], PARTS[1], OPTIONS)
        state.mkdir(parents=True)
        (state / "epoch-0002.keras").write_bytes(b"weights")
        report(3, HISTORY[-1])
        return Trained(weights, fit_scaling(training), HISTORY, 1)

    monkeypatch.setattr(training_module, "train", result)


Make = Callable[[Path], Bundle]


@pytest.fixture
def make(train: None) -> Make:
    return lambda out: make_model(out, PARTS, OPTIONS, CARD, lambda *_: None)


def test_a_model_is_a_bundle_and_a_plot_and_nothing_else(make: Make, tmp_path: Path) -> None:
    bundle = make(tmp_path / "models" / "mine")
    assert {p.name for p in bundle.path.iterdir()} == {"card.json", "weights.npz", "training.png"}
    assert load_bundle(bundle.path).sha256 == bundle.sha256
    assert bundle.name == "mine"
    head = (bundle.path / "training.png").read_bytes()[:26]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert min(struct.unpack(">II", head[16:24])) > 400


def test_the_card_tells_how_it_was_made(make: Make, tmp_path: Path) -> None:
    bundle = make(tmp_path / "mine")
    card = json.loads((bundle.path / "card.json").read_text())
    assert {name: card[name] for name in CARD} == CARD
    assert card["architecture"]["layers"].startswith("bidirectional LSTM 3 (relu")
    facts = card["training"]
    assert facts["options"] == asdict(OPTIONS)
    assert facts["history"] == HISTORY
    assert facts["best_epoch"] == 2
    assert facts["code_version"] == __version__
    for role, part, months in zip(
        ("training", "validation", "test"),
        PARTS,
        (
            ["noaa18 2015-01", "noaa18 2015-02"],
            ["noaa18 2015-03", "noaa18 2015-04"],
            ["noaa18 2015-05", "noaa18 2015-06"],
        ),
        strict=True,
    ):
        found = facts["parts"][role]
        assert found == {"windows": part.counts, "satellite_months": months, "sha256": part.digest}
        assert sum(found["windows"]) == len(part.labels)
    assert card["scaling"]["mean"] == list(fit_scaling(PARTS[0]).mean)


def test_the_test_part_is_scored_with_the_model_that_is_written(make: Make, tmp_path: Path) -> None:
    bundle = make(tmp_path / "mine")
    windows = standardise(PARTS[2], bundle.scaling)
    guess = ENGINES[DEFAULT_ENGINE](bundle).predict(windows).argmax(axis=1)
    test = bundle.card["test"]
    assert test["windows"] == len(windows)
    assert test["micro"]["f1"] == pytest.approx(np.mean(guess == PARTS[2].labels))
    assert np.trace(test["confusion"]) == np.sum(guess == PARTS[2].labels)


def test_equal_trainings_are_equal_bytes(make: Make, tmp_path: Path) -> None:
    a, b = (make(tmp_path / folder / "mine").path for folder in "ab")
    for name in ("card.json", "weights.npz", "training.png"):
        assert (a / name).read_bytes() == (b / name).read_bytes()


def test_evaluations_do_not_change_which_model_it_is(make: Make, tmp_path: Path) -> None:
    bundle = make(tmp_path / "mine")
    note_evaluation(bundle.path, {"model": "mine", "event recall": 0.5})
    note_evaluation(bundle.path, {"model": "other", "event recall": 0.25})
    note_evaluation(bundle.path, {"model": "mine", "mode": "published-2022", "event recall": 0.3})
    note_evaluation(bundle.path, {"model": "mine", "mode": "published", "event recall": 0.75})
    noted = load_bundle(bundle.path)
    assert noted.sha256 == bundle.sha256
    assert {k: v["event recall"] for k, v in noted.card["evaluations"].items()} == {
        "mine": 0.75,
        "mine published-2022": 0.3,
        "other": 0.25,
    }
    assert {k: v for k, v in noted.card.items() if k != "evaluations"} == bundle.card


def test_training_again_replaces_the_model_and_its_evaluations(make: Make, tmp_path: Path) -> None:
    bundle = make(tmp_path / "mine")
    note_evaluation(bundle.path, {"model": "mine"})
    assert "evaluations" not in make(tmp_path / "mine").card
