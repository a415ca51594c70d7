"""The one style of all figures, and how a figure becomes bytes.

Colours are those of Okabe and Ito and of viridis, which people with any colour vision tell apart. What a
colour tells is told by a place, a letter or a marker, too.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image  # matplotlib's own writer of PNG

CLASS_COLOURS = {"none": "0.45", "REP": "#0072b2", "CSS": "#d55e00"}
"""Colours of what the classifier tells apart."""

CLASS_LABELS = {"REP": "wave-driven (REP)", "CSS": "current sheet scattering (CSS)"}

ENERGY_COLOURS = ("#440154", "#31688e", "#35b779", "#e3a008")
"""Colours of the electron channels E1-E4."""

ENERGY_MARKERS = ("o", "s", "^", "D")

WIDTHS_MM = {"one": 95.0, "two": 190.0}
"""A figure over one and over two columns of a journal (those of AGU)."""

LETTERS = {"one": 6.5, "two": 8.0}
"""Size of letters by width, points."""

_MM = 1 / 25.4

_SETTINGS = {
    "font.size": 9,
    "hatch.linewidth": 0.5,
    "svg.hashsalt": "reprocess",  # else SVG has random names in it
    "pdf.fonttype": 42,  # fonts that journals accept
}

_PNG_LEVEL = 3
"""Level of zlib; at 6 figures are 2 to 7 % smaller and take twice the time to compress."""

_WITHOUT: dict[str, dict[str, None]] = {
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    "svg": {"Creator": None, "Date": None},
}
"""What formats would say of the time of writing and of the version of matplotlib."""


@contextmanager
def style(size: float | None = None) -> Iterator[None]:
    """Draw with the project's settings, whatever those of the user are: equal data, equal bytes.

    Parameters
    ----------
    size : float, optional
        Size of letters, points; 9 if left out.
    """
    settings = _SETTINGS if size is None else _SETTINGS | {"font.size": size, "axes.linewidth": 0.6}
    with mpl.style.context(["default", settings]):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; sizes are in inches."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def inches(millimetres: float) -> float:
    """Return a length in inches, which matplotlib takes."""
    return millimetres * _MM


def png(figure: Figure) -> bytes:
    """Return a figure as PNG, without the version of matplotlib in it."""
    return image(figure, "png")


def image(figure: Figure, kind: str, dpi: float = 150) -> bytes:
    """Return a figure as bytes, which are the same for equal figures.

    Parameters
    ----------
    figure : Figure
    kind : str
        One of `schema.IMAGE_FORMATS`.
    dpi : float
        Dots per inch of PNG, and of what is kept as dots within PDF and SVG.
    """
    buffer = io.BytesIO()
    with mpl.rc_context({name: _SETTINGS[name] for name in ("svg.hashsalt", "pdf.fonttype")}):
        if kind == "png":
            _dots(figure, dpi).save(buffer, "png", dpi=(dpi, dpi), compress_level=_PNG_LEVEL)
        else:
            figure.savefig(buffer, format=kind, dpi=dpi, metadata=_WITHOUT[kind])
    return buffer.getvalue()


def _dots(figure: Figure, dpi: float) -> Image.Image:
    """Return what is drawn without its opacity, which is 1: in half the time, a tenth fewer bytes."""
    before, canvas = figure.dpi, FigureCanvasAgg(figure)
    try:
        figure.dpi = dpi
        canvas.draw()
        return Image.fromarray(np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    finally:
        figure.dpi = before
