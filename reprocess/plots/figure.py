"""Whole figures of records over time: panels, headings, and what a reader must know."""

import textwrap
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reprocess.pages.style import LETTERS, WIDTHS_MM, image, inches, new_figure, style
from reprocess.plots.choice import stamp
from reprocess.plots.panels import (
    MANY,
    MEAN_S,
    draw_flux,
    draw_probabilities,
    draw_strip,
    label_time,
    strip_rows,
)
from reprocess.plots.view import View
from reprocess.schema import EVENT_FLAGS, SATELLITES

if TYPE_CHECKING:
    import pandas as pd

_PER_MM = 0.55


def render_view(
    view: View,
    title: str,
    kind: str = "png",
    *,
    width: str = "two",
    dpi: float = 150,
    counts: bool = False,
    names: tuple[str, ...] = ("L", "MLT"),
) -> bytes:
    """Return a figure of a view in one of `schema.IMAGE_FORMATS`; the rest as `draw_view`."""
    with style(LETTERS[width]):
        return image(draw_view(view, title, width=width, counts=counts, names=names), kind, dpi)


def draw_view(
    view: View,
    title: str,
    *,
    width: str = "two",
    counts: bool = False,
    names: tuple[str, ...] = ("L", "MLT"),
) -> Figure:
    """Draw fluxes of both telescopes, class probabilities, and a strip of events and flags.

    Parameters
    ----------
    view : View
    title : str
    width : str
        ``one`` or ``two`` columns of a journal.
    counts : bool
        Whether to draw counts in place of fluxes.
    names : tuple of str
        What stands below UT, names of `View.place`.
    """
    names_of_rows = [name for name, _, _ in strip_rows(view)]
    rows = len(names_of_rows)
    title = _wrapped(title, width)
    size = LETTERS[width] / 72
    heights = [inches(38), inches(38), inches(22), max(rows, 1) * 1.5 * size]
    notes = _footnotes(view, width)
    top, bottom = (
        (3.6 + 1.3 * title.count("\n") + (1.5 if width == "one" else 0)) * size,
        (1.6 + 1.25 * (len(names) + 1 + len(notes))) * size,
    )
    gap = 0.08
    height = sum(heights) + 3 * gap + top + bottom
    wide = inches(WIDTHS_MM[width])
    figure = new_figure(wide, height)
    left = (2.2 + 0.56 * max(12, *map(len, names_of_rows), 0)) * size
    right = 2.7 * size
    axes: list[Axes] = []
    low = height - top
    for tall in heights:
        low -= tall
        box = (left / wide, low / height, 1 - (left + right) / wide, tall / height)
        axes.append(figure.add_axes(box, sharex=axes[0] if axes else None))
        low -= gap
    draw_panels(axes, view, counts=counts)
    label_time(axes[-1], view, 9 if width == "two" else 4, names)
    _head(figure, axes, title, height, size)
    for k, note in enumerate(notes):
        figure.text(
            0.006,
            ((len(notes) - 1 - k) * 1.25 + 0.5) * size / height,
            note,
            va="bottom",
            fontsize=0.88 * LETTERS[width],
        )
    return figure


def draw_panels(axes: list[Axes], view: View, *, counts: bool = False) -> list[Axes]:
    """Draw on four axes, from top to bottom: both telescopes, probabilities, the strip."""
    for telescope, panel in zip((0, 90), axes, strict=False):
        draw_flux(panel, view, telescope, counts=counts)
    draw_probabilities(axes[2], view)
    draw_strip(axes[3], view)
    for panel in axes[:-1]:
        panel.tick_params(axis="x", which="both", labelbottom=False)
    return axes


def _head(figure: Figure, axes: list[Axes], title: str, height: float, size: float) -> None:
    figure.text(0.006, 1 - 0.5 * size / height, title, va="top", fontweight="bold")
    for panel, letter in zip(axes[:3], "abc", strict=False):
        figure.text(0.006, panel.get_position().y1, letter, va="top", fontweight="bold")
    handles, labels = axes[0].get_legend_handles_labels()
    more = axes[2].get_legend_handles_labels()
    box = axes[0].get_position()
    legend = figure.legend(
        handles + more[0], labels + [f"P({name})" for name in more[1]], loc="lower left", frameon=False,
        ncols=8 if figure.get_figwidth() > inches(WIDTHS_MM["one"]) else 3, bbox_to_anchor=(box.x0, box.y1),
        borderaxespad=0.1, borderpad=0.2, columnspacing=1.0, handlelength=1.4, handletextpad=0.4,
    )  # fmt: skip
    for handle in legend.get_lines():
        handle.set_linewidth(1.2)


def _footnotes(view: View, width: str) -> list[str]:
    """Return lines of what must be known."""
    words = ["grey band: no count"]
    if view.time.size > MANY:
        words.append(f"fluxes are means over {MEAN_S:g} s")
    if view.flags["calibration"].any():
        words.append("hatched: calibration")
    if view.events is not None and len(view.events):
        words.append("shaded: events")
    text = "; ".join([*words, *view.notes])
    return _wrapped(text, width, 1.15).split("\n")


def _wrapped(text: str, width: str, more: float = 1.0) -> str:
    """Break lines so that they fit a width, `more` than what letters of a heading need."""
    letters = int(WIDTHS_MM[width] * _PER_MM * more)
    return "\n".join(
        part for line in text.split("\n") for part in textwrap.wrap(line, letters, break_on_hyphens=False)
    )


def title_of_day(view: View, run: str = "") -> str:
    """Return the heading of a satellite-day."""
    return _titled(view, f"{stamp(view.start_ms)[:10]}", run)


def title_of_pass(view: View, run: str = "") -> str:
    """Return the heading of a crossing of the belt."""
    latitude = view.place["latitude"]
    side = "northern" if latitude[latitude.size // 2] >= 0 else "southern"
    L = view.place["L"]
    known = L[L == L]
    way = "outbound" if known.size and known[-1] > known[0] else "inbound"
    when = f"{stamp(view.start_ms)} to {stamp(view.stop_ms)[11:]} UT"
    return _titled(view, f"{when}, {side} hemisphere, {way}", run)


def title_of_event(view: View, events: "pd.DataFrame", position: int) -> str:
    """Return the heading of an event: which it is, where, and its flags."""
    row = events.to_dict("index")[position]
    flags = [name.replace("_", " ") for name, bit in EVENT_FLAGS.items() if int(row["quality_flags"]) & bit]
    first = f"{row['event_class']} event {position + 1}, peak {row['peak_time']:%Y-%m-%d %H:%M:%S} UT"
    place = (
        f"L {row['L']:.2f}, MLT {row['MLT']:.1f} h, latitude {row['latitude']:.1f}°, longitude "
        f"{row['longitude']:.1f}°; flags: {', '.join(flags) or 'none'}"
    )
    return f"{_titled(view, first, str(row['run']))}\n{place}"


def _titled(view: View, words: str, run: str) -> str:
    origin = "SIMULATED DATA: " if view.simulated else ""
    whose = f"{SATELLITES[view.satellite].name}, " if view.satellite else ""
    return f"{origin}{whose}{words}" + (f", run {run}" if run else "")
