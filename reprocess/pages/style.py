"""The one style of all figures, and how a figure becomes bytes."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


@contextmanager
def style() -> Iterator[None]:
    """Draw with the project's settings, whatever those of the user are: equal data, equal bytes."""
    with mpl.style.context(["default", {"font.size": 9, "hatch.linewidth": 0.5}]):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; sizes are in inches."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """Return a figure as PNG, without the version of matplotlib in it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return buffer.getvalue()
