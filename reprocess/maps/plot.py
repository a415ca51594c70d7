"""Figures of maps: dials of one run, and of the difference of two; rows of dials with their words."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from reprocess.files import write_atomic
from reprocess.maps.attributes import lacking_in_words
from reprocess.maps.dials import (
    Scale,
    difference_scale,
    draw_bar,
    draw_dial,
    dwell_scale,
    limit_of,
    of_class,
    rate_scale,
    relative_scale,
    relative_uncertainty,
)
from reprocess.maps.plain import edges_of
from reprocess.pages.style import CLASS_LABELS, LETTERS, WIDTHS_MM, image, inches, new_figure, style
from reprocess.pages.words import counted, noun_of, to_be

if TYPE_CHECKING:
    from reprocess.maps.plain import AnyMaps, Maps

_PER_MM = 0.68
"""Letters of 8 points in a millimetre."""


@dataclass(frozen=True)
class Panel:
    """One dial of a figure."""

    title: str
    values: np.ndarray
    """Shape (n_L, n_MLT), NaN where there is none to show."""
    scale: Scale
    thin: np.ndarray | None = None
    """Bins that were observed too shortly, bool."""
    marked: np.ndarray | None = None
    """Bins with a dot, bool."""


def plot_occurrence(
    dataset: "AnyMaps",
    folder: Path,
    stem: str = "occurrence",
    formats: Sequence[str] = ("png",),
    vmax: float | None = None,
    uncertainty: str = "none",
) -> list[Path]:
    """Write one figure per class, all on one scale, in each format.

    Parameters
    ----------
    dataset : Maps or xarray.Dataset
        What `occurrence.make_maps` returns.
    folder : Path
        Where the files go.
    stem : str
        How their names begin.
    formats : sequence of str
        Some of `schema.IMAGE_FORMATS`.
    vmax, uncertainty
        As `occurrence_figure`.

    Returns
    -------
    list of Path
        ``<stem>_<class>.<format>``.
    """
    return write_figures(
        lambda name: occurrence_figure(dataset, name, vmax, uncertainty), dataset, folder / stem, formats
    )


def write_figures(
    draw: Callable[[str], Figure], dataset: "AnyMaps", stem: Path, formats: Sequence[str] = ("png",)
) -> list[Path]:
    """Write a figure for each class of a dataset in each format, and return the files.

    Parameters
    ----------
    draw : callable
        Gives the figure of a class.
    dataset : Maps or xarray.Dataset
        Whose classes are drawn.
    stem : Path
        How the names of the files begin, with their folder: ``<stem>_<class>.<format>``.
    formats : sequence of str
        Some of `schema.IMAGE_FORMATS`.
    """
    paths = []
    for name in dataset["event_class"].values.tolist():
        with style(LETTERS["two"]):
            figure = draw(name)
            for kind in formats:
                paths.append(stem.with_name(f"{stem.name}_{name}.{kind}"))
                write_atomic(paths[-1], image(figure, kind))
    return paths


def draw_occurrence(dataset: "AnyMaps", name: str) -> bytes:
    """Return the figure of one class as PNG."""
    with style(LETTERS["two"]):
        return image(occurrence_figure(dataset, name), "png")


def occurrence_figure(
    dataset: "AnyMaps", name: str, vmax: float | None = None, uncertainty: str = "none"
) -> Figure:
    """Draw the event rate of a class, and beside it the dwell that it rests on.

    Parameters
    ----------
    dataset : Maps or xarray.Dataset
        What `occurrence.make_maps` returns. The scale of rates is that of all its classes.
    name : str
        The class.
    vmax : float, optional
        Where the scale of rates ends, events per hour; else what `dials.rate_scale` gives.
    uncertainty : str
        ``none``; ``relative``: half of the 68 % interval over the rate, on a dial of its own; ``interval``:
        both limits of the interval, on the scale of the rates.
    """
    chosen = of_class(dataset, name)
    highest = limit_of(dataset, "upper") if uncertainty == "interval" else dataset["event_rate"].values
    scale = rate_scale(highest, certain_rate(dataset), vmax=vmax)
    dwell = dataset["dwell"].values / 3600
    rate, thin = chosen["event_rate"].values, dwell > 0
    panels = [Panel("event rate", rate, scale, thin)]
    if uncertainty == "relative":
        relative = relative_uncertainty(chosen)
        panels.append(Panel("its relative uncertainty", relative, relative_scale(relative), thin))
    elif uncertainty == "interval":
        for which in ("lower", "upper"):
            panels.append(Panel(f"{which} limit (68 %)", limit_of(chosen, which), scale, thin))
    if "pass_probability" in dataset:
        every = 100 * dataset["pass_probability"].values
        shares = rate_scale(every, every, "passes with an event (%)")
        panels.append(Panel("probability per pass", 100 * chosen["pass_probability"].values, shares, thin))
    panels.append(Panel("dwell", np.where(dwell > 0, dwell, np.nan), dwell_scale(dwell)))
    words = colours_in_words(dataset, {"relative": "b", "interval": "b and c"}.get(uncertainty, ""))
    notes = [_counted(dataset, chosen), words]
    notes.append("The scale of rates is the same for all classes; it ends " + end_in_words(dataset, vmax))
    notes += intervals_in_words(dataset)
    return draw_panels(panels, edges_of(dataset), heading_of(dataset, CLASS_LABELS[name]), notes)


def difference_figure(
    first: "AnyMaps", second: "AnyMaps", name: str, labels: tuple[str, str], vmax: float | None = None
) -> Figure:
    """Draw the event rates of a class in two datasets, and the second less the first.

    Parameters
    ----------
    first, second : Maps or xarray.Dataset
        With the variables and the bins of one ``occurrence.nc``.
    name : str
        The class.
    labels : tuple of str
        What the two are.
    vmax : float, optional
        Where the scale of the difference ends on either side, events per hour.

    Raises
    ------
    ValueError
        If their bins differ.
    """
    if any(not np.array_equal(a, b) for a, b in zip(edges_of(first), edges_of(second), strict=True)):
        raise ValueError(
            "maps with other bins have no difference; make both with the same --l-edges and --mlt-edges"
        )
    parts = [of_class(dataset, name) for dataset in (first, second)]
    rates = np.stack([part["event_rate"].values for part in parts])
    lower, upper = (np.stack([limit_of(part, x) for part in parts]) for x in ("lower", "upper"))
    scale, difference = (
        rate_scale(rates, np.stack([certain_rate(part) for part in parts])),
        rates[1] - rates[0],
    )
    overlap = ~(np.maximum(*lower) > np.minimum(*upper)) & np.isfinite(difference)  # or are not known
    thin = [part["dwell"].values > 0 for part in parts]
    signed = difference_scale(difference, "difference (events per hour of dwell)", vmax)
    panels = [Panel(label, *x) for label, *x in zip(labels, rates, (scale, scale), thin, strict=True)]
    panels.append(Panel(f"{labels[1]} less {labels[0]}", difference, signed, thin[0] & thin[1], overlap))
    notes = [colours_in_words(first), "Dots: the 68 % intervals of the two overlap, or one of both has none"]
    for label, dataset in zip(labels, (first, second), strict=True):
        notes += [f"{label}: {words}" for words in lacking_in_words(dataset.attrs)]
    return draw_panels(panels, edges_of(first), heading_of(first, CLASS_LABELS[name]), notes)


def certain_rate(dataset: "AnyMaps") -> np.ndarray:
    """Return the rate that every bin has at least, by its count alone: every bin has this limit."""
    poisson = "event_rate_poisson_lower"
    return np.asarray(dataset[poisson if poisson in dataset else "event_rate_lower"].values)


def intervals_in_words(dataset: "AnyMaps") -> list[str]:
    """Say that a map has no intervals, if it has none, and what is told about its bins besides."""
    notes = [str(dataset.attrs[name]) for name in ("warning",) if name in dataset.attrs]
    if "interval_note" in dataset.attrs:
        notes.append(f"{dataset.attrs['interval_note']}; Poisson's are shown, a lower bound")
    return notes


def draw_panels(
    panels: Sequence[Panel],
    edges: tuple[np.ndarray, np.ndarray],
    heading: tuple[str, str],
    notes: Sequence[str],
    columns: int | None = None,
    width: str = "two",
) -> Figure:
    """Draw dials in rows, with letters; dials that share a scale with all others share its bar.

    Parameters
    ----------
    panels : sequence of Panel
    edges : tuple of ndarray
        Edges of the bins in L and in MLT (h).
    heading : tuple of str
        A line in bold and one below it.
    notes : sequence of str
        Sentences below all dials.
    columns : int, optional
        Dials in a row; as many as there are up to 3, and 2 for four, if left out.
    width : str
        ``one`` or ``two`` columns of a journal.
    """
    columns = columns or (2 if len(panels) == 4 else min(len(panels), 3))
    rows = -(-len(panels) // columns)
    one_bar = len(panels) > 1 and all(panel.scale is panels[0].scale for panel in panels)
    letters = int(WIDTHS_MM[width] * _PER_MM)
    lines = [part for note in notes for part in textwrap.wrap(note, letters, break_on_hyphens=False)]
    wide, cell = WIDTHS_MM[width], WIDTHS_MM[width] / columns
    dial = min(0.74 * cell, 62.0)
    above = 6.0 + 3.4 * max(panel.title.count("\n") for panel in panels)
    tall = above + dial + (9 if one_bar else 23)
    top, bottom = 10.0, 3.5 * len(lines) + 2 + (15 if one_bar else 0)
    height = top + rows * tall + bottom
    figure = new_figure(inches(wide), inches(height))

    def box(left: float, low: float, across: float, up: float) -> tuple[float, float, float, float]:
        return left / wide, low / height, across / wide, up / height

    for k, panel in enumerate(panels):
        row, column = divmod(k, columns)
        left, high = column * cell, height - top - row * tall
        low = high - above - dial - 3.5
        axes = figure.add_axes(box(left + (cell - dial) / 2, low, dial, dial), projection="polar")
        draw_dial(
            axes,
            edges,
            panel.values,
            panel.scale,
            panel.thin,
            marked=panel.marked,
            labels=dial > 38 or k == 0,
        )
        letter = ascii_lowercase[k] if k < len(ascii_lowercase) else f"{k + 1}"
        figure.text((left + 1) / wide, (high - 0.5) / height, letter, fontweight="bold", va="top")
        figure.text((left + cell / 2) / wide, (high - 0.5) / height, panel.title, va="top", ha="center")
        if not one_bar:
            draw_bar(figure.add_axes(box(left + 0.14 * cell, low - 9, 0.72 * cell, 2.2)), panel.scale)
    if one_bar:
        draw_bar(figure.add_axes(box(0.3 * wide, bottom - 4.0, 0.4 * wide, 2.2)), panels[0].scale)
    figure.text(1 / wide, (height - 1) / height, heading[0], va="top", fontweight="bold")
    figure.text(1 / wide, (height - 5) / height, heading[1], va="top")
    for k, line in enumerate(lines):
        low = (1 + 3.5 * (len(lines) - 1 - k)) / height
        figure.text(1 / wide, low, line, va="bottom", fontsize=0.88 * LETTERS["two"])
    return figure


def heading_of(dataset: "AnyMaps", what: str) -> tuple[str, str]:
    """Return what a figure is of, and in a second line of which satellites, days, model and rules."""
    satellites = str(dataset.attrs["satellites"]).split()
    who = ", ".join(satellites) if len(satellites) < 4 else f"{len(satellites)} satellites"
    start, end = (dataset.attrs[f"time_coverage_{which}"] for which in ("start", "end"))
    origin = "SIMULATED DATA: " if dataset.attrs.get("simulated_satellite_days") else ""
    days = int(dataset.attrs["satellite_days"])
    how = f"model {dataset.attrs['model']}, rules {dataset.attrs['rules']}"
    side = dataset.attrs.get("chosen_hemispheres", "")
    half = f"hemisphere {side} alone" if len(side) == 1 else "both hemispheres"
    return f"{origin}{what}", f"{who}, {start} to {end}, {counted(days, 'satellite-day')}, {half}; {how}"


def _counted(dataset: "AnyMaps", chosen: "Maps") -> str:
    """Say how many events the rates rest on, and how many are not among them."""
    events, known = chosen["events"].values, np.isfinite(chosen["event_rate"].values)
    shown, hidden = int(events[known].sum()), int(events[~known].sum())
    text = f"{counted(shown, 'event')} in bins with a rate"
    if hidden:
        text += f", {hidden:,} in hatched bins"
    if off := int(dataset.attrs.get("events_off_map", 0)):
        be = to_be(off)
        text += (
            f"; {counted(off, 'event')} of all classes {be} on no map (L outside its edges, or interpolated)"
        )
    return "; ".join([text, *lacking_in_words(dataset.attrs)])


def colours_in_words(dataset: "AnyMaps", limits: str = "") -> str:
    """Say what stands for no event, too little time and none.

    Parameters
    ----------
    dataset : Maps or xarray.Dataset
    limits : str
        Letters of the dials that show intervals: ``b`` those relative to the rate, ``b and c`` both limits.
    """
    minutes = float(dataset.attrs["min_dwell_s"]) / 60
    none = "white: observed, no event" + (", so no uncertainty in b" if limits == "b" else "")
    short = f"observed for under {minutes:g} {noun_of(minutes, 'minute')}, no rate"
    rates, known = dataset["event_rate"].values, np.isfinite(limit_of(dataset, "lower"))
    if limits and (np.isfinite(rates) & ~known & ((rates > 0) | (limits != "b"))).any():
        short += f", or in {limits} no interval (events in too few calendar blocks)"
    return f"{none}; hatched: {short}; grey: never observed"


def end_in_words(dataset: "AnyMaps", vmax: float | None) -> str:
    """Say where the scale of rates ends."""
    if vmax is not None:
        return "where it was told to (--vmax)"
    own = "interval_note" in dataset.attrs or "event_rate_poisson_lower" not in dataset
    interval = "68 % interval" if own else "Poisson interval"
    return f"with the largest lower limit of a bin's {interval}, rounded up"
