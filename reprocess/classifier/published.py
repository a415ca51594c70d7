"""Gets the published model: from a local copy or from its authors' repository.

The files were released with Capannolo, Li & Huang 2022 without a licence, so they are not part
of this project. Where they are, which revision, and their sha256 sums stand in the shipped card.
Weights are taken from the bytes of the TensorFlow checkpoint, without TensorFlow; no graph is loaded
or run, and the scaler's pickle is read, not executed.
"""

import json
import math
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from reprocess.classifier.bundle import (
    WEIGHTS,
    Bundle,
    save_bundle,
    shipped_models,
    user_models,
    weight_shapes,
)
from reprocess.classifier.features import PUBLISHED_EPSILON, PUBLISHED_FILL, Scaling
from reprocess.classifier.scaler import read_scaler
from reprocess.errors import ModelError, SourceError
from reprocess.files import sha256
from reprocess.schema import PUBLISHED_MODEL
from reprocess.sources.remote import read_bytes

_SCALER = "LSTM_scaler.joblib"
_TENSORS = "REPs_classifier_model/variables/variables.data-00000-of-00001"

_OFFSETS = {
    "forward_kernel": 135204,
    "forward_recurrent": 143396,
    "forward_bias": 208932,
    "backward_kernel": 209956,
    "backward_recurrent": 218148,
    "backward_bias": 283684,
    "dense_kernel": 0,
    "dense_bias": 131072,
    "softmax_kernel": 132096,
    "softmax_bias": 135168,
}
"""Where tensors begin in the file that has them one after the other, in bytes. Its sum is pinned, so that
what TensorFlow's checkpoint says of them need not be read."""


def import_published(folder: Path, name: str = PUBLISHED_MODEL) -> Bundle:
    """Turn a local copy of the released files into a bundle under the user's models.

    Parameters
    ----------
    folder : Path
        Holds ``LSTM_scaler.joblib`` and ``REPs_classifier_model/``.
    name : str
        Name of the new model.

    Raises
    ------
    ModelError
        If a file is missing or is not the released one, or its content does not fit.
    """
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ModelError(f"{name!r} cannot name a model; use a plain name without '/'")
    card = published_card()
    for relative, expected in card["source"]["files"].items():
        path = folder / relative
        if not path.is_file():
            raise ModelError(f"{path} is missing; {folder} must hold {', '.join(card['source']['files'])}")
        found = sha256(path.read_bytes())
        if found != expected:
            raise ModelError(f"{path} has sha256 {found}, the released file has {expected}; refused")
    mean, scale = read_scaler((folder / _SCALER).read_bytes())
    scaling = Scaling(PUBLISHED_FILL, PUBLISHED_EPSILON, tuple(mean.tolist()), tuple(scale.tolist()))
    weights = read_tensors((folder / _TENSORS).read_bytes())
    return save_bundle(user_models() / name, card | {"name": name}, weights, scaling)


def fetch_published(base_url: str | None = None) -> Bundle:
    """Download the released files at the pinned revision and import them.

    Parameters
    ----------
    base_url : str, optional
        Where the files are served instead of at the address in the card; sums are checked all the same.

    Raises
    ------
    ModelError
        If a file cannot be downloaded or is not the released one.
    """
    source = published_card()["source"]
    base = (base_url or source["base_url"]).rstrip("/")
    with tempfile.TemporaryDirectory() as folder:
        for relative in source["files"]:
            path = Path(folder) / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.write_bytes(read_bytes(f"{base}/{relative}"))
            except SourceError as e:
                raise ModelError(
                    f"cannot download {e.detail}; check the network, or copy "
                    "the files and use: reprocess model import"
                ) from e
        return import_published(Path(folder))


def published_card() -> dict[str, Any]:
    """Return the card of the published model as shipped: no weights, no scaling, but their sources."""
    card: dict[str, Any] = json.loads((shipped_models() / PUBLISHED_MODEL / "card.json").read_bytes())
    return card


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """Return the network's tensors out of the file of the released checkpoint that has them.

    Parameters
    ----------
    content : bytes
        The released file, whole: 32-bit floats, least significant byte first.

    Returns
    -------
    dict of str to ndarray
        The tensors of `bundle.WEIGHTS`, in that order, float32.
    """
    shapes = weight_shapes()
    return {
        name: np.frombuffer(content, "<f4", math.prod(shapes[name]), _OFFSETS[name])
        .reshape(shapes[name])
        .astype(np.float32)
        for name in WEIGHTS
    }
