"""Models in the formats of other programs.

The exported network takes features, not fluxes: fill values, logarithm and standardisation are in the
model's card, and `features.scale_flux` is what applies them.
"""

from collections.abc import Callable
from pathlib import Path

from reprocess.classifier.bundle import WEIGHTS, Bundle
from reprocess.errors import ModelError
from reprocess.files import write_atomic


def export_model(bundle: Bundle, path: Path) -> None:
    """Write a network to a file whose suffix names the format, ``.onnx`` or ``.keras``.

    Input: features, float32; ONNX wants shape (7, n, 8), time first, Keras (n, 7, 8). Output:
    probabilities of none, REP and CSS, shape (n, 3).

    Raises
    ------
    ModelError
        If the suffix is another one.
    """
    if path.suffix not in _FORMATS:
        raise ModelError(f"{path} names no format; its suffix must be one of {', '.join(_FORMATS)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    _FORMATS[path.suffix](bundle, path)


def _onnx(bundle: Bundle, path: Path) -> None:
    from reprocess.classifier.onnx_engine import build_graph

    write_atomic(path, build_graph(bundle))


def _keras(bundle: Bundle, path: Path) -> None:
    from reprocess.classifier.network import build_network

    units, dense = bundle.weights["forward_recurrent"].shape[0], bundle.weights["dense_bias"].size
    network = build_network(units, dense)
    network.set_weights([bundle.weights[name] for name in WEIGHTS])
    network.save(path)


_FORMATS: dict[str, Callable[[Bundle, Path], None]] = {".onnx": _onnx, ".keras": _keras}
