"""Model bundles: a card one can read and weights that are plain arrays.

A bundle is a folder with ``card.json`` and ``weights.npz``. No pickle is involved. The card
carries the sha256 of the weights, and the sha256 of the card identifies the model.
"""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from reprocess.classifier.features import FEATURES, WINDOW, Scaling
from reprocess.errors import ModelError
from reprocess.files import find, sha256, write_atomic
from reprocess.schema import CLASSES, MODES

UNITS = 64
"""LSTM units in each direction of the paper's network."""

DENSE = 256
"""Units of its dense layer."""


def weight_shapes(units: int = UNITS, dense: int = DENSE) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of a network's tensors; gates are in the order i, f, c, o."""
    lstm = {"kernel": (len(FEATURES), 4 * units), "recurrent": (units, 4 * units), "bias": (4 * units,)}
    return {
        **{f"{direction}_{part}": lstm[part] for direction in ("forward", "backward") for part in lstm},
        "dense_kernel": (2 * units, dense),
        "dense_bias": (dense,),
        "softmax_kernel": (dense, len(CLASSES)),
        "softmax_bias": (len(CLASSES),),
    }


WEIGHTS = weight_shapes()
"""Tensors of the paper's network."""


def describe_network(weights: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Describe the network that has these tensors; only the two sizes can differ from the paper's."""
    units, dense = weights["forward_recurrent"].shape[0], weights["dense_bias"].size
    return {
        "layers": (
            f"bidirectional LSTM {units} (relu, recurrent sigmoid), dropout, "
            f"dense {dense} (relu), dropout, dense {len(CLASSES)} (softmax)"
        ),
        "parameters": sum(array.size for array in weights.values()),
        "window": WINDOW,
        "features": list(FEATURES),
        "classes": list(CLASSES),
        "gate_order": "ifco",
    }


@dataclass(frozen=True)
class Bundle:
    """A model ready for an engine."""

    path: Path
    card: dict[str, Any]
    weights: Mapping[str, np.ndarray]
    scaling: Scaling

    @property
    def name(self) -> str:
        """Name of the model."""
        return str(self.card["name"])

    @property
    def operations(self) -> int:
        """Floating-point operations of the network for a window.

        A multiplication and an addition each time that an element of a matrix is used: at every record
        of the window by the LSTM, once by the dense layers.
        """
        return sum(
            2 * array.size * (WINDOW if name.startswith(("forward", "backward")) else 1)
            for name, array in self.weights.items()
            if array.ndim == 2
        )

    @property
    def sha256(self) -> str:
        """Identity of the model: sha256 of its card, which holds that of the weights.

        Evaluations are left out: they are measured later and change no result.
        """
        return sha256(_card_bytes({k: v for k, v in self.card.items() if k != "evaluations"}))


def user_models() -> Path:
    """Return the folder of imported models: $REPROCESS_MODELS or the user's data folder.

    Raises
    ------
    ModelError
        If the user has no home, as in containers with an unknown user.
    """
    if named := os.environ.get("REPROCESS_MODELS"):
        return Path(named)
    try:
        folder = platformdirs.user_data_path("reprocess") / "models"
    except RuntimeError:
        folder = Path("~")
    if not folder.is_absolute():
        raise ModelError("this user has no home folder for models; name one: export REPROCESS_MODELS=FOLDER")
    return folder


def model_folders() -> list[Path]:
    """Return the folders that models are known by name in, the user's first if there is one."""
    try:
        return [user_models(), shipped_models()]
    except ModelError:
        return [shipped_models()]


def shipped_models() -> Path:
    """Return the folder of cards and models that come with this project."""
    package = Path(__file__).parents[1]
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"


def load_bundle(path: Path) -> Bundle:
    """Read and check a bundle.

    Raises
    ------
    ModelError
        If a file is missing, the weights are not those of the card, or shapes, window, features or classes do
        not fit.
    """
    try:
        card = json.loads((path / "card.json").read_bytes())
        data = (path / "weights.npz").read_bytes()
    except FileNotFoundError as e:
        raise ModelError(f"{path} is no model bundle: {e.filename} is missing") from e
    except ValueError as e:
        raise ModelError(f"{path / 'card.json'} is not JSON: {e}") from e
    try:
        expected = card["weights_sha256"]
        values = card["scaling"]
        scaling = Scaling(
            tuple(values["fill"]), values["epsilon"], tuple(values["mean"]), tuple(values["scale"])
        )
    except (KeyError, TypeError) as e:
        raise ModelError(f"{path / 'card.json'} lacks or misnames an entry: {e}") from e
    if sha256(data) != expected:
        raise ModelError(f"{path / 'weights.npz'} has sha256 {sha256(data)}, its card says {expected}")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            weights = {name: arrays[name] for name in arrays.files}
    except (ValueError, EOFError, OSError, AttributeError, zipfile.BadZipFile) as e:
        raise ModelError(f"{path / 'weights.npz'} holds no plain arrays: {e}") from e
    check_weights(weights)
    check_scaling(scaling)
    _check_architecture(path, card.get("architecture", {}))
    return Bundle(path, card, weights, scaling)


def _check_architecture(path: Path, said: Mapping[str, Any]) -> None:
    """Refuse a model of other windows, features or classes: the shapes of its tensors would fit."""
    for name, ours in (("window", WINDOW), ("features", list(FEATURES)), ("classes", list(CLASSES))):
        if said.get(name, ours) != ours:
            raise ModelError(
                f"{path / 'card.json'}: the model is for {name} {said[name]}, and this program has {ours} "
                "(classifier.features); train it again, or use the version that it was made with"
            )


def save_bundle(
    path: Path, card: dict[str, Any], weights: Mapping[str, np.ndarray], scaling: Scaling
) -> Bundle:
    """Write a bundle; the card is completed with architecture, scaling and digests, and written last.

    Raises
    ------
    ModelError
        If shapes do not fit the network.
    """
    check_weights(weights)
    check_scaling(scaling)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: weights[name] for name in WEIGHTS})
    card = {
        **card,
        "architecture": describe_network(weights),
        "scaling": {
            "fill": list(scaling.fill),
            "epsilon": scaling.epsilon,
            "mean": list(scaling.mean),
            "scale": list(scaling.scale),
        },
        "weights_sha256": sha256(buffer.getvalue()),
    }
    write_atomic(path / "weights.npz", buffer.getvalue())
    write_atomic(path / "card.json", _card_bytes(card))
    return load_bundle(path)


def note_evaluation(path: Path, facts: dict[str, Any]) -> None:
    """Write figures of an evaluation into a card, in place of earlier ones of the same model and mode.

    Parameters
    ----------
    path : Path
        Folder of the bundle whose card is written.
    facts : dict
        With the name of the evaluated ``model``, which may be another one for comparison, and of the
        ``mode``. The entry is named after both, in mode ``published`` after the model alone.
    """
    bundle = load_bundle(path)
    first = MODES[0]
    mode = facts.get("mode", first)
    name = facts["model"] if mode == first else f"{facts['model']} {mode}"
    evaluations = bundle.card.get("evaluations", {}) | {name: facts}
    write_atomic(path / "card.json", _card_bytes(bundle.card | {"evaluations": evaluations}))


def check_weights(weights: Mapping[str, np.ndarray]) -> None:
    """Check names, shapes and values of the tensors.

    Raises
    ------
    ModelError
        With the tensors that do not fit.
    """
    found = {name: array.shape for name, array in weights.items()}
    units, dense = found.get("forward_recurrent", ())[:1], found.get("dense_kernel", ())[1:2]
    wanted = weight_shapes(*(units or (UNITS,)), *(dense or (DENSE,)))
    if found != wanted:
        names = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
        wrong = ", ".join(f"{n} {found.get(n)} instead of {wanted.get(n)}" for n in names)
        raise ModelError(f"these tensors are not the network's: {wrong}")
    bad = [n for n, a in weights.items() if a.dtype != np.float32 or not np.isfinite(a).all()]
    if bad:
        raise ModelError(f"tensors must be finite float32; {', '.join(bad)} are not")


def check_scaling(scaling: Scaling) -> None:
    """Check that there is one positive scale per feature.

    Raises
    ------
    ModelError
        With the values found.
    """
    sizes = {"fill": 2, "mean": len(FEATURES), "scale": len(FEATURES)}
    complete = all(len(getattr(scaling, name)) == size for name, size in sizes.items())
    values = [scaling.epsilon, *scaling.fill, *scaling.mean, *scaling.scale]
    numbers = all(isinstance(x, int | float) and np.isfinite(x) for x in values)
    if not complete or not numbers or min(scaling.epsilon, *scaling.fill, *scaling.scale) <= 0:
        raise ModelError(
            f"scaling needs 2 fills, {len(FEATURES)} means and {len(FEATURES)} scales, all finite numbers "
            f"and all but the means positive; got {scaling}"
        )


def find_model(name: str) -> Path:
    """Return the folder of a model given by name or by path.

    Raises
    ------
    ModelError
        If there is none, with what there is.
    """
    for candidate in (Path(name), *(folder / name for folder in model_folders())):
        if (candidate / "weights.npz").is_file() and (candidate / "card.json").is_file():
            return candidate.resolve()
    if Path(name).is_dir():
        missing = next(f for f in ("weights.npz", "card.json") if not (Path(name) / f).is_file())
        raise ModelError(
            f"{Path(name).resolve()} is no model bundle: {missing} is missing; give the folder that "
            "reprocess train or reprocess model import wrote"
        )
    known = ", ".join(sorted(m.name for m in list_models() if m.usable)) or "none"
    hint = ""
    if (shipped_models() / name / "card.json").is_file():
        hint = f"; its weights are not part of this project, run: reprocess model fetch {name}"
    raise ModelError(f"there is no model {name!r} (usable: {known}){hint}")


@dataclass(frozen=True)
class ListedModel:
    """A line of `reprocess model list`."""

    name: str
    path: Path
    usable: bool
    """Whether the weights are here, not only the card."""
    card: dict[str, Any]


def list_models() -> list[ListedModel]:
    """Return every model known by name; a user's copy goes before the shipped card."""
    found: dict[str, ListedModel] = {}
    for folder in model_folders():
        for card in find(folder, "*/card.json"):
            path = card.parent
            usable = (path / "weights.npz").is_file()
            try:
                content = json.loads(card.read_bytes())
            except ValueError as e:
                usable, content = False, {"title": f"its card is damaged: {e}"}
            found.setdefault(path.name, ListedModel(path.name, path, usable, content))
    return [found[name] for name in sorted(found)]


def _card_bytes(card: dict[str, Any]) -> bytes:
    """Return a card as JSON in one order: the title, which says what the model is for, first."""
    ordered = json.loads(json.dumps(card, sort_keys=True))
    first = {name: ordered.pop(name) for name in ("title",) if name in ordered}
    return (json.dumps(first | ordered, indent=1) + "\n").encode()
