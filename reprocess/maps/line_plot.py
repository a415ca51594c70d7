"""Figures of profiles, months and coverage: panels, headings, and what a reader must know."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reprocess.maps.attributes import coverage_attributes, lacking_in_words, product_attributes
from reprocess.maps.dials import draw_bar, dwell_scale
from reprocess.maps.intervals import CALENDAR_BLOCK_DAYS, why_no_interval
from reprocess.maps.lines import Rates, Span, hours_by_month, rates_by_month
from reprocess.maps.plot import heading_of
from reprocess.maps.profiles import (
    MOST_MARKED,
    along,
    draw_coverage,
    draw_dwell,
    draw_exposure,
    draw_months,
    draw_rates,
    highest_of,
    label_of,
)
from reprocess.maps.tally import chosen_blocks
from reprocess.pages.style import CLASS_LABELS, LETTERS, WIDTHS_MM, inches, new_figure
from reprocess.pages.words import counted
from reprocess.schema import EVENT_CLASSES
from reprocess.schema.grid import Grid
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.paths import Run, Work
from reprocess.work.surveyed import lacking, survey_of

_PER_MM = 0.62
"""Letters of 8 points in a millimetre."""
_LINE = 1.25
"""Height of a line in that of its letters."""


@dataclass(frozen=True)
class Words:
    """What stands around a figure."""

    title: str
    """In bold, above all."""
    subtitle: str
    notes: Sequence[str]
    """Sentences below all."""
    width: str = "two"
    """``one`` or ``two`` columns of a journal."""

    @property
    def letter(self) -> float:
        """Height of a letter, inches."""
        return LETTERS[self.width] / 72

    def wrapped(self, text: str) -> list[str]:
        """Return lines that fit the width."""
        letters = int(WIDTHS_MM[self.width] * _PER_MM * LETTERS["two"] / LETTERS[self.width])
        return textwrap.wrap(text, letters, break_on_hyphens=False)


def profile_figure(
    lines: Mapping[str, Sequence[Rates]], axis: str, spans: Sequence[Span], words: Words
) -> Figure:
    """Draw rates along L or MLT, a panel for each class on one scale, and below it the dwell.

    Parameters
    ----------
    lines : mapping of str to sequence of Rates
        What `lines.profiles` gives.
    axis : str
        ``L`` or ``MLT``.
    spans : sequence of tuple of float
        Ranges of the other axis.
    words : Words
        Notes on the intervals come to those that are given.
    """
    names, every = list(lines), [rates for of_class in lines.values() for rates in of_class]
    short = f"No mark: observed for under {every[0].min_hours * 60:g} minutes"
    shown = Words(words.title, words.subtitle, [*words.notes, short, *_intervals(every)], words.width)
    columns = len(names) if words.width == "two" else 1
    rows = -(-len(names) // columns)
    tall = [46.0] * rows + [20.0]
    figure, axes = _framed(tall, columns, shown, above=2.8 if words.width == "one" else 1.5, gap=6.5)
    top, labels = highest_of(every), [label_of(axis, span) for span in spans]
    for k, name in enumerate(names):
        panel = axes[k // columns][k % columns]
        draw_rates(panel, lines[name], labels, top)
        events = sum(int(line.events.sum()) for line in lines[name])
        panel.set_title(
            f"{CLASS_LABELS[name]}, {counted(events, 'event')}", fontsize=LETTERS[words.width], pad=3
        )
        along(panel, axis).set_xlabel("")
        panel.tick_params(axis="x", labelbottom=False)
    for panel in axes[-1]:
        along(draw_dwell(panel, lines[names[0]]), axis)
    for row in axes:
        for panel in row[1:]:
            panel.set_ylabel("")
            panel.tick_params(axis="y", labelleft=False)
    _legend(figure, axes[0][0], shown, len(spans))
    return figure


def months_figure(
    exposure: xr.Dataset, events: pd.DataFrame, words: Words, names: Sequence[str] = tuple(EVENT_CLASSES)
) -> Figure:
    """Draw rates by month, and below them the dwell that they rest on.

    Both classes have one panel, or one each on one scale if there are more months than marks can be told
    apart of (`profiles.MOST_MARKED`).

    Parameters
    ----------
    exposure, events
        What `lines.by_month` gives.
    words : Words
        A note on the intervals comes to those that are given.
    names : sequence of str
        Classes that the events are of.
    """
    if exposure.sizes["month"] > MOST_MARKED:
        return _many_months(exposure, events, words, names)
    figure, axes = _framed([46.0, 20.0], 1, _with_bars(words, "Bars"), above=1.5, gap=6.5, right=3.5)
    draw_months(axes[0][0], exposure, events, names).tick_params(axis="x", labelbottom=False)
    axes[0][0].xaxis.get_offset_text().set_visible(False)
    draw_exposure(axes[1][0], exposure)
    _legend(figure, axes[0][0], words, 2)
    return figure


def _many_months(exposure: xr.Dataset, events: pd.DataFrame, words: Words, names: Sequence[str]) -> Figure:
    shown = _with_bars(words, "Bands (those of hardly observed months may leave the panel)")
    figure, axes = _framed([*[30.0] * len(names), 18.0], 1, shown, gap=7.5, right=3.5)
    top = highest_of([rates_by_month(exposure, events, name) for name in names])
    for (panel,), name in zip(axes, names, strict=False):
        draw_months(panel, exposure, events, (name,)).tick_params(axis="x", which="both", labelbottom=False)
        panel.set_ylim(0, top)
        panel.set_title(CLASS_LABELS[name], fontsize=LETTERS[words.width], pad=3)
    draw_exposure(axes[-1][0], exposure)
    return figure


def _with_bars(words: Words, drawn: str) -> Words:
    """Return the words of a figure of months, with what their intervals are."""
    note = f"{drawn}: exact Poisson intervals (68 %), a lower bound: a month has too few calendar blocks for"
    return replace(words, notes=[*words.notes, f"{note} others"])


def coverage_figure(exposure: xr.Dataset, events: pd.DataFrame, words: Words) -> Figure:
    """Draw the dwell of each satellite by month, with its sum and its events.

    Parameters
    ----------
    exposure, events
        What `lines.by_month` gives.
    words : Words
    """
    hours = hours_by_month(exposure)
    scale = dwell_scale(hours.values)
    shown = Words(words.title, words.subtitle, [*words.notes, "Grey: no dwell"], words.width)
    row = 1.9 * words.letter * 25.4
    figure, axes = _framed(
        [row * max(len(hours), 2), 2.2], 1, shown, left=6.5, right=15.0, gap=9.0, letters=False
    )
    panel = draw_coverage(axes[0][0], exposure, scale)
    counts = events["satellite"].value_counts()
    for k, name in enumerate(exposure["satellite"].values.tolist()):
        text = f"{float(hours[k].sum()):,.0f} h, {counted(int(counts.get(name, 0)), 'event')}"
        panel.text(1.01, k, text, transform=panel.get_yaxis_transform(), va="center")
    draw_bar(axes[1][0], scale)
    return figure


def words_around(
    work: Work, run: Run, grid: Grid, title: str, choice: Choice = EVERYTHING, width: str = "two"
) -> Words:
    """Return what stands around a figure of what is done of a run.

    Parameters
    ----------
    work : Work
    run : Run
    grid : Grid
        Events and time within its edges are drawn.
    title : str
        What is drawn.
    choice : Choice
        What of the run is looked at.
    width : str
        ``one`` or ``two``.

    Raises
    ------
    LedgerError
        If nothing of it is done.
    """
    chosen = chosen_blocks(run, run.ledger.done(), choice)
    attributes = product_attributes(run) | coverage_attributes(run, chosen) | choice.attributes
    missing = lacking(survey_of(work, run).state, run.name, choice)
    (L, L_end), (MLT, MLT_end) = (edges[[0, -1]] for edges in (grid.L_edges, grid.MLT_edges))
    place = f"Events and dwell with L {L:g} to {L_end:g}"
    place += "" if (MLT, MLT_end) == (0, 24) else f" and MLT {MLT:g} to {MLT_end:g} h"
    place += f", without what is flagged {', '.join(choice.exclude)}" if choice.exclude else ""
    note = "; ".join([place, *lacking_in_words(missing)])
    return Words(*heading_of(xr.Dataset(attrs=attributes), title), [note], width)


def _intervals(lines: Sequence[Rates]) -> list[str]:
    """Say of what kind the intervals are."""
    blocks = max(len(line.blocks[1]) if line.blocks else 0 for line in lines)
    poisson = "exact Poisson intervals (68 %), a lower bound"
    known = [line.of_blocks[np.isfinite(line.limits[0])] for line in lines]
    if why := why_no_interval(blocks, any(found.any() for found in known)):
        return [f"Bars: {poisson}; {why}"]
    own = f"68 % intervals of {blocks} calendar blocks of {CALENDAR_BLOCK_DAYS} days, all satellites together"
    if all(found.all() for found in known):
        return [f"Bars: {own}"]
    return [f"Filled markers: {own}; open: too few blocks with events in the bin, so {poisson}"]


def _framed(
    tall: Sequence[float],
    columns: int,
    words: Words,
    *,
    left: float = 8.0,
    right: float = 1.5,
    above: float = 0.0,
    gap: float = 4.0,
    letters: bool = True,
) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with its words, and rows of axes.

    Parameters
    ----------
    tall : sequence of float
        Height of each row of axes, mm.
    columns : int
    words : Words
    left, right : float
        Room beside the axes, in letters.
    above : float
        Room for a legend, in lines.
    gap : float
        Between rows, mm.
    letters : bool
        Whether panels are lettered.
    """
    size, wide = words.letter, inches(WIDTHS_MM[words.width])
    title, subtitle = words.wrapped(words.title), words.wrapped(words.subtitle)
    notes = [line for note in words.notes for line in words.wrapped(note)]
    top = (len(title) + len(subtitle) + above + 2.2) * _LINE * size
    bottom = (len(notes) + 3.4) * _LINE * size
    high = top + bottom + inches(sum(tall) + gap * (len(tall) - 1))
    figure = new_figure(wide, high)
    between = 1.5 * size
    across = (wide - (left + right) * size - between * (columns - 1)) / columns
    rows, low = [], high - top
    for height in tall:
        low -= inches(height)
        box = [((left * size + k * (across + between)) / wide, low / high) for k in range(columns)]
        rows.append([figure.add_axes((*at, across / wide, inches(height) / high)) for at in box])
        low -= inches(gap)
    for letter, panel in zip(
        ascii_lowercase, (panel for row in rows for panel in row if letters), strict=False
    ):
        place = panel.get_position()
        where = place.x0 - 0.9 * size / wide, place.y1 + 0.3 * size / high
        figure.text(*where, letter, fontweight="bold", ha="right", va="bottom")
    for k, line in enumerate([*title, *subtitle]):
        at = 1 - (0.5 + k * _LINE) * size / high
        figure.text(0.006, at, line, va="top", fontweight="bold" if k < len(title) else "normal")
    for k, line in enumerate(reversed(notes)):
        at = (0.5 + k * _LINE) * size / high
        figure.text(0.006, at, line, va="bottom", fontsize=0.88 * LETTERS[words.width])
    return figure, rows


def _legend(figure: Figure, axes: Axes, words: Words, count: int) -> None:
    """Name the lines above all panels."""
    lines = len(words.wrapped(words.title)) + len(words.wrapped(words.subtitle))
    high = figure.get_figheight()
    figure.legend(
        *axes.get_legend_handles_labels(), loc="upper left", ncols=count if words.width == "two" else 2,
        frameon=False, borderaxespad=0, borderpad=0, columnspacing=1.2, handletextpad=0.4,
        bbox_to_anchor=(axes.get_position().x0, 1 - (0.8 + lines * _LINE) * words.letter / high),
    )  # fmt: skip
