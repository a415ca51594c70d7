"""What is written on a figure, and where the renderer puts it."""

import itertools

from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def texts(figure: Figure) -> list[str]:
    """Return all that is written on a figure."""
    return [t.get_text() for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


def _boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    figure.canvas.draw()
    found = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    boxes = [(t.get_text(), t.get_window_extent()) for t in found]
    return [(text, box) for text, box in boxes if box.width > 0]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Return the pairs of texts whose boxes share a place."""
    pairs = itertools.combinations(_boxes(figure), 2)
    return [(a, b) for (a, one), (b, two) in pairs if one.overlaps(two)]


def outside(figure: Figure) -> list[str]:
    """Return the texts that leave the figure."""
    page = figure.bbox
    return [
        text
        for text, box in _boxes(figure)
        if box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1
    ]
