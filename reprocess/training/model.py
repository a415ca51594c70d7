"""From labelled windows to a model on disk: train, test, write card, weights and plot."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from reprocess import __version__
from reprocess.classifier.bundle import Bundle, save_bundle
from reprocess.classifier.engine import DEFAULT_ENGINE, ENGINES
from reprocess.evaluation.figures import draw_training
from reprocess.evaluation.scores import score_windows
from reprocess.evaluation.tally import count_confusion, count_scores
from reprocess.files import write_atomic
from reprocess.training.dataset import Dataset, standardise
from reprocess.training.fit import train
from reprocess.training.options import Options

_ROLES = ("training", "validation", "test")


def make_model(
    out: Path,
    parts: tuple[Dataset, Dataset, Dataset],
    options: Options,
    card: dict[str, Any],
    report: Callable[[int, dict[str, float]], None],
) -> Bundle:
    """Train on the first part, stop by the second, test on the third, and write a bundle.

    Parameters
    ----------
    out : Path
        Folder of the bundle; its name becomes the model's. ``training-state`` in it keeps the epochs
        of an interrupted training. ``training.png`` beside the card shows learning curves and the
        confusion matrix of the test part.
    parts : tuple of Dataset
        What `dataset.split_groups` returns.
    options : Options
    card : dict
        Further entries of the card.
    report : callable
        As for `fit.train`.

    Raises
    ------
    TrainingError
        If the training fails.
    """
    state = out / "training-state"
    trained = train(parts[0], parts[1], options, state, report)
    facts = {
        "options": asdict(options),
        "parts": {
            role: {
                "windows": part.counts,
                "satellite_months": np.unique(part.groups).tolist(),
                "sha256": part.digest,
            }
            for role, part in zip(_ROLES, parts, strict=True)
        },
        "history": trained.history,
        "best_epoch": trained.best + 1,
        "code_version": __version__,
    }
    draft = {"name": out.name, **card, "training": facts}
    bundle = save_bundle(out, draft, trained.weights, trained.scaling)
    probability = ENGINES[DEFAULT_ENGINE](bundle).predict(standardise(parts[2], trained.scaling))
    confusion = count_confusion(parts[2].labels, probability.argmax(axis=1))
    test = score_windows(confusion, count_scores(parts[2].labels, probability.T))
    bundle = save_bundle(out, draft | {"test": test}, trained.weights, trained.scaling)
    write_atomic(out / "training.png", draw_training(trained.history, trained.best, confusion))
    shutil.rmtree(state)
    return bundle
