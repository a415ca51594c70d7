"""The protocol every engine follows, and how a process gets one.

An engine is admitted by the parity test: probabilities within 1e-5 of the published ones and the
same classes.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from reprocess import schema
from reprocess.classifier.bundle import Bundle, load_bundle
from reprocess.errors import ModelError


class Engine(Protocol):
    """Runs the network."""

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Return class probabilities.

        Parameters
        ----------
        windows : ndarray of float32, shape (n, 7, 8)
            Features; may be a view.

        Returns
        -------
        ndarray of float32, shape (n, 3)
        """
        ...


def _onnxruntime(bundle: Bundle) -> Engine:
    from reprocess.classifier.onnx_engine import OnnxEngine

    return OnnxEngine(bundle)


def _tensorflow(bundle: Bundle) -> Engine:
    from reprocess.classifier.tensorflow_engine import TensorflowEngine

    return TensorflowEngine(bundle)


ENGINES: dict[str, Callable[[Bundle], Engine]] = dict(
    zip(schema.ENGINES, (_onnxruntime, _tensorflow), strict=True)
)
"""Implementations by name; the first is the default."""

DEFAULT_ENGINE = next(iter(ENGINES))


@lru_cache(maxsize=4)
def get_engine(path: Path, sha256: str, name: str) -> tuple[Bundle, Engine]:
    """Return a model and its engine, loaded once per process.

    Parameters
    ----------
    path : Path
        Folder of the bundle, on a file system that the workers see.
    sha256 : str
        Identity the bundle must have.
    name : str
        One of `ENGINES`.

    Raises
    ------
    ModelError
        If the bundle is not the expected one, or there is no such engine.
    """
    bundle = load_bundle(path)
    if bundle.sha256 != sha256:
        raise ModelError(f"the model in {path} is {bundle.sha256}, the run was planned with {sha256}")
    if name not in ENGINES:
        raise ModelError(f"there is no engine {name!r}; use one of {', '.join(ENGINES)}")
    return bundle, ENGINES[name](bundle)
