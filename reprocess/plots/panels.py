"""Panels of records over time. Each function draws on axes that are given and returns them.

Time is in seconds from the start of what is shown; `label_time` writes UT, L and MLT below it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator
from matplotlib.transforms import blended_transform_factory

from reprocess import schema
from reprocess.pages.style import CLASS_COLOURS, ENERGY_COLOURS, ENERGY_MARKERS
from reprocess.plots.view import FLAGS, Marked, View
from reprocess.schema import CLASSES, ELECTRON_KEV, EVENT_CLASSES, EVENT_FLAGS, FLUX_PER_COUNT

MANY = 1500
"""Records beyond which fluxes are drawn as means, and no record has a mark of its own."""

MEAN_S = 32.0
"""What fluxes are averaged over then, seconds: 16 records, a third of a dot of a day on 190 mm at 150 dpi."""

COUNT = np.array([FLUX_PER_COUNT[f"e{k}"] for k in range(1, 5)])[:, np.newaxis]
"""Flux of one count in E1-E4, cm-2 s-1 sr-1."""

_LEAST = {True: 0.6, False: 40.0}
"""Below is zero, above one count and more: 69 cm-2 s-1 sr-1 in E2."""

_STEPS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200)

_NONE = "\N{EN DASH}"
"""Below a tick where there is nothing to tell."""

_HATCH: dict[str, Any] = {"facecolor": "none", "edgecolor": "0.55", "linewidth": 0, "hatch": "////"}


def broken(seconds: np.ndarray, *series: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return times and series with NaN in between wherever a record lacks: lines stop there.

    Parameters
    ----------
    seconds : ndarray of float, shape (n,)
        Increasing.
    *series : ndarray of float, shape (n,)
    """
    gaps = np.flatnonzero(np.diff(seconds) > schema.GAP_S) + 1
    return tuple(np.insert(values.astype(float), gaps, np.nan) for values in (seconds, *series))


def means(seconds: np.ndarray, values: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return middles of equal intervals and the means of the records in them, NaN where there is none.

    Parameters
    ----------
    seconds : ndarray of float, shape (n,)
        Increasing, from 0.
    values : ndarray of float, shape (k, n)
        NaN where missing, which is in no mean.
    width : float
        Length of the intervals, seconds.

    Returns
    -------
    tuple of ndarray, shapes (m,) and (k, m)
        Intervals from the first record's to the last one's.
    """
    if not seconds.size:
        return seconds, values
    interval = np.floor(seconds / width).astype(int)
    count = interval[-1] - interval[0] + 1
    known = np.isfinite(values)
    place = interval - interval[0]
    number = np.stack([np.bincount(place, row, count) for row in known])
    total = np.stack([np.bincount(place, row, count) for row in np.where(known, values, 0.0)])
    mean = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return (np.arange(interval[0], interval[-1] + 1) + 0.5) * width, mean


def spans(seconds: np.ndarray, held: np.ndarray) -> list[tuple[float, float]]:
    """Return first and last second of each uninterrupted row of records that something holds for.

    Half a sampling interval before the first record and after the last belongs to it.
    """
    half = schema.SAMPLING_S / 2
    index = np.flatnonzero(held)
    if not index.size:
        return []
    new = (np.diff(index) > 1) | (np.diff(seconds[index]) > schema.GAP_S)
    firsts, lasts = np.append(index[0], index[1:][new]), np.append(index[:-1][new], index[-1])
    return [(float(seconds[a]) - half, float(seconds[b]) + half) for a, b in zip(firsts, lasts, strict=True)]


def gaps(view: View) -> list[tuple[float, float]]:
    """Return where records lack, in seconds, at the ends of what is shown too."""
    half = schema.SAMPLING_S / 2
    edges = np.concatenate([[-half], view.seconds, [view.duration + half]])
    wide = np.flatnonzero(np.diff(edges) > schema.GAP_S)
    return [
        (0.0 if k == 0 else float(edges[k]) + half, min(float(edges[k + 1]) - half, view.duration))
        for k in wide
    ]


def event_spans(view: View, name: str) -> list[tuple[float, float]]:
    """Return first and last second of the events of a class, half a sampling interval added."""
    if view.events is None:
        return []
    chosen = view.events.where(view.events.event_class == name)
    half = 1000 * schema.SAMPLING_S / 2
    first, last = chosen.start_ms - view.start_ms, chosen.stop_ms - view.start_ms
    return list(zip(((first - half) / 1000).tolist(), ((last + half) / 1000).tolist(), strict=True))


def draw_flux(axes: Axes, view: View, telescope: int, *, counts: bool = False) -> Axes:
    """Draw the four channels of a telescope.

    The axis is logarithmic down to one count. Records without a count stand on a line of their own below,
    which is labelled 0.

    Parameters
    ----------
    axes : Axes
    view : View
    telescope : int
        0 or 90.
    counts : bool
        Whether to draw counts in place of fluxes.
    """
    values = view.flux[0 if telescope == 0 else 1] / (COUNT if counts else 1.0)
    many = view.time.size > MANY
    seconds, values = means(view.seconds, values, MEAN_S) if many else (view.seconds, values)
    least = _LEAST[counts] * (schema.SAMPLING_S / MEAN_S if many else 1)
    for k, energy in enumerate(ELECTRON_KEV):
        shown = np.where(values[k] > 0, values[k], least / 2 + 0 * values[k])
        at, shown = (seconds, shown) if many else broken(seconds, shown)
        axes.plot(
            at, shown, "-" if many else f"{ENERGY_MARKERS[k]}-", ms=1.8, lw=0.6 if many else 0.7, mew=0,
            color=ENERGY_COLOURS[k], label=f"E{k + 1} >{energy} keV", zorder=3 - k / 10,
        )  # fmt: skip
    zero_axis(axes, least, float(np.nanmax(values, initial=100 * _LEAST[counts])), minor=not many)
    axes.set_ylabel(f"counts s⁻¹ at {telescope}°" if counts else f"flux at {telescope}°\n(cm⁻² s⁻¹ sr⁻¹)")
    return _timed(axes, view)


def zero_axis(axes: Axes, least: float, largest: float, *, minor: bool = True) -> None:
    """Make the axis logarithmic from `least`, with a place for zero below and `minor` ticks if wanted."""
    axes.set_yscale("log")
    axes.set_ylim(least / 3.2, largest * 2)
    decades = range(int(np.ceil(np.log10(least))), int(np.log10(largest * 2)) + 1)
    every = 1 + len(decades) // 6
    shown = [k for k in decades if (k - decades[0]) % every == 0]
    # No mathematical text: parsing it would take a fifth of the time of a figure.
    axes.set_yticks([least / 2, *(10.0**k for k in shown)], ["0", *(f"10{_raised(k)}" for k in shown)])
    steps = range(1, 10) if minor else (1,)
    ticks = [m * 10.0**k for k in range(decades[0] - 1, decades[-1] + 1) for m in steps]
    ticks = [value for value in ticks if least < value < largest * 2]
    axes.yaxis.set_minor_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.axhline(least, color="0.5", lw=0.5, zorder=1)
    axes.axhspan(least / 3.2, least, color="0.94", lw=0, zorder=0)


def _raised(number: int) -> str:
    """Return a number in raised digits."""
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def draw_probabilities(axes: Axes, view: View) -> Axes:
    """Draw the probability of each class; where none is known, the panel says so."""
    if view.probability is None:
        text = "no run" if view.events is None else "not kept, and no model at hand"
        axes.text(
            0.5, 0.5, f"class probabilities: {text}", transform=axes.transAxes, ha="center", va="center"
        )
    else:
        many = view.time.size > MANY
        for name in EVENT_CLASSES:
            seconds, shown = broken(view.seconds, view.probability[CLASSES.index(name)])
            mark = {"REP": "s", "CSS": "^"}[name]
            axes.plot(
                seconds, shown, "-" if many else f"{mark}-", ms=2, lw=0.4 if many else 0.8, mew=0,
                color=CLASS_COLOURS[name], label=name, rasterized=many, zorder=3,
            )  # fmt: skip
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("class\nprobability")
    return _timed(axes, view)


def _timed(axes: Axes, view: View) -> Axes:
    """Set the limits of time, shade events and hatch calibrations."""
    axes.set_xlim(0, view.duration)
    shade_events(axes, view)
    _bars(axes, spans(view.seconds, view.flags["calibration"]), (0, 1), **_HATCH)
    axes.tick_params(which="both", direction="in", right=True, top=True)
    return axes


def shade_events(axes: Axes, view: View) -> Axes:
    """Shade the events over the whole height, REP and CSS in their colours."""
    for name in EVENT_CLASSES:
        colour = CLASS_COLOURS[name]
        _bars(
            axes,
            event_spans(view, name),
            (0, 1),
            facecolor=colour,
            alpha=0.2,
            edgecolor=colour,
            linewidth=0.4,
        )
    return axes


Row = tuple[str, list[tuple[float, float]], str]
"""Name, seconds from and to, colour."""


def strip_rows(view: View) -> list[Row]:
    """Return what `draw_strip` draws: events of each class, and flags and gaps as far as there are any."""
    rows: list[Row] = []
    if view.events is not None:
        rows += [(f"{name} event", event_spans(view, name), CLASS_COLOURS[name]) for name in EVENT_CLASSES]
        rows += [(name, found, "0.35") for name, found in _flagged(view, view.events)]
    rows += [(name, spans(view.seconds, view.flags[name]), "0.35") for name in FLAGS]
    rows.append(("no record", gaps(view), "0.7"))
    return [row for row in rows if row[1] or row[0].endswith(" event")]


def _flagged(view: View, events: Marked) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Yield flags of events that no record tells of, and where events have them."""
    for name, bit in EVENT_FLAGS.items():
        if name not in {"simulated", "calibration", "time_gap", "E4_missing"}:
            having = events.where(events.quality_flags & bit != 0)
            if not len(having):
                continue
            of_both = (event_spans(replace(view, events=having), kind) for kind in EVENT_CLASSES)
            yield name.replace("_", " "), sorted(chain.from_iterable(of_both))


def draw_strip(axes: Axes, view: View) -> Axes:
    """Draw the rows of `strip_rows`; bars have an outline, so that what is too short to resolve is seen."""
    rows = strip_rows(view)
    for k, (name, found, colour) in enumerate(rows):
        hatched = name == "calibration"
        look: dict[str, Any] = {"facecolor": "white", "hatch": "//////"} if hatched else {"facecolor": colour}
        _bars(axes, found, (k + 0.18, k + 0.82), edgecolor=colour, linewidth=0.7, data=True, **look)
    axes.set_yticks(np.arange(len(rows)) + 0.5, [name for name, _, _ in rows])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(max(len(rows), 1), 0)
    axes.set_xlim(0, view.duration)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", direction="in", top=True)
    return axes


def _bars(
    axes: Axes,
    found: Sequence[tuple[float, float]],
    height: tuple[float, float],
    *,
    data: bool = False,
    **look: Any,
) -> None:
    """Draw rectangles from second to second; heights are those of the data, or else shares of the axes."""
    if not found:
        return
    low, high = height
    boxes: Any = np.array([[(a, low), (b, low), (b, high), (a, high)] for a, b in found])
    transform = axes.transData if data else blended_transform_factory(axes.transData, axes.transAxes)
    axes.add_collection(
        PolyCollection(boxes, transform=transform, zorder=1 if not data else 3, **look), autolim=False
    )


def label_time(axes: Axes, view: View, most: int = 7, names: Sequence[str] = ("L", "MLT")) -> Axes:
    """Write UT and below it where the satellite was, at round times.

    Parameters
    ----------
    axes : Axes
        The lowest panel.
    view : View
    most : int
        Ticks at most.
    names : sequence of str
        Which of `View.place` stand below UT. They are those of the record next to the tick; none within
        `schema.GAP_S` is a dash.
    """
    step = next((s for s in _STEPS_S if view.duration / s <= most), 2 * _STEPS_S[-1])
    day_ms = view.start_ms % schema.MS_PER_DAY
    ticks = np.arange((-day_ms / 1000) % step, view.duration + 0.01, step)
    labels = []
    for tick in ticks:
        moment = np.datetime64(round(view.start_ms + 1000 * tick), "ms").astype("datetime64[s]").item()
        clock = f"{moment:%H:%M}" if step >= 60 else f"{moment:%H:%M:%S}"
        labels.append("\n".join([clock, *(_at(view, name, float(tick)) for name in names)]))
    axes.set_xticks(ticks, labels)
    axes.tick_params(axis="x", which="major", labelbottom=True)
    units = {"latitude": "lat (°)", "longitude": "lon (°)", "MLT": "MLT (h)"}
    text = "\n".join(["UT", *(units.get(name, name) for name in names)])
    size, pad = mpl.rcParams["font.size"], mpl.rcParams["xtick.major.pad"]
    left = -size * (1.9 if step >= 60 else 3.0)  # clear of a label that is centred on the corner
    axes.annotate(
        text, (0, 0), (left, -pad), "axes fraction", "offset points", ha="right", va="top", fontsize=size
    )
    return axes


def _at(view: View, name: str, seconds: float) -> str:
    """Return what a record next to a time has, as text."""
    if not view.time.size:
        return _NONE
    k = int(np.abs(view.seconds - seconds).argmin())
    value = float(view.place[name][k])
    if abs(view.seconds[k] - seconds) > schema.GAP_S or not np.isfinite(value):
        return _NONE
    return f"{value:.0f}" if name in ("latitude", "longitude") else f"{value:.1f}"
