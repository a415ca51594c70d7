"""Profiles, months and coverage of maps, with intervals. Each function draws on axes that are given.

Intervals are those of the rates that are drawn: of calendar blocks, or the exact Poisson ones (`maps.lines`).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, YearLocator
from matplotlib.ticker import FuncFormatter, LogLocator, MultipleLocator, NullLocator

from reprocess import schema
from reprocess.maps.dials import UNOBSERVED, Scale
from reprocess.maps.lines import (
    SECTORS,
    SHELLS,
    Rates,
    Span,
    hours_by_month,
    month_edges,
    rates_along,
    rates_by_month,
)
from reprocess.pages.style import CLASS_COLOURS, CLASS_LABELS
from reprocess.schema.product import says_simulated

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
MARKERS = ("o", "s", "^", "D", "v", "P")


def draw_L_profiles(axes: Axes, dataset: xr.Dataset, name: str, sectors: Sequence[Span] = SECTORS) -> Axes:
    """Draw the event rate of a class by L, a line for each sector of MLT, with Poisson's 68 % intervals.

    A dataset of maps has no calendar blocks; `lines.profiles` and `draw_profiles` give intervals of these.
    The label of the rates says so where satellite-days of the map are simulated.
    """
    lines = [rates_along(dataset, "L", name, span) for span in sectors]
    return _marked(draw_profiles(axes, "L", sectors, lines), dataset)


def draw_MLT_profiles(axes: Axes, dataset: xr.Dataset, name: str, shells: Sequence[Span] = SHELLS) -> Axes:
    """Draw the event rate of a class by MLT, a line for each range of L; otherwise as `draw_L_profiles`."""
    lines = [rates_along(dataset, "MLT", name, span) for span in shells]
    return _marked(draw_profiles(axes, "MLT", shells, lines), dataset)


def _marked(axes: Axes, dataset: xr.Dataset) -> Axes:
    if dataset.attrs.get("simulated_satellite_days") or says_simulated(dataset.attrs):
        axes.set_ylabel(f"{axes.get_ylabel()}\n(simulated)")
    return axes


def draw_profiles(axes: Axes, axis: str, spans: Sequence[Span], lines: Sequence[Rates]) -> Axes:
    """Draw rates along L or MLT, a line for each range of the other, with 68 % intervals.

    Parameters
    ----------
    axes : Axes
    axis : str
        ``L`` or ``MLT``.
    spans : sequence of tuple of float
        The ranges.
    lines : sequence of Rates
        As `lines.profiles` gives them.
    """
    draw_rates(axes, lines, [label_of(axis, span) for span in spans])
    return along(axes, axis)


def label_of(axis: str, span: Span) -> str:
    """Return what a profile along an axis is called by its range of the other."""
    first, last = span
    return f"{first:02g}-{last:02g} h MLT" if axis == "L" else f"L {first:g}-{last:g}"


def along(axes: Axes, axis: str) -> Axes:
    """Name the horizontal axis and give it the ticks of the field."""
    axes.set_xlabel("L" if axis == "L" else "MLT (h)")
    axes.xaxis.set_major_locator(MultipleLocator(1 if axis == "L" else 3))
    return axes


def highest_of(lines: Sequence[Rates]) -> float:
    """Return where an axis ends that shows every rate and most intervals."""
    every = np.stack([line.limits for line in lines])
    known = np.isfinite(every[:, 0])
    top = max(1.25 * every[:, 0][known].max(), np.median(every[:, 2][known])) if known.any() else 1.0
    return 1.08 * float(top) or 1.0


def draw_rates(axes: Axes, lines: Sequence[Rates], labels: Sequence[str], top: float | None = None) -> Axes:
    """Draw rates with their intervals, side by side within each bin.

    The axis shows every rate; an interval that leaves it, as in hardly observed bins, ends in a triangle.
    Where calendar blocks are known and cannot give an interval, the marker is open and it is Poisson's.

    Parameters
    ----------
    axes : Axes
    lines : sequence of Rates
    labels : sequence of str
    top : float, optional
        Where the axis ends; `highest_of` the lines if left out.
    """
    top = highest_of(lines) if top is None else top
    for k, (line, label) in enumerate(zip(lines, labels, strict=True)):
        at, (rate, lower, upper) = _beside(line, k, len(lines)), line.limits
        colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
        axes.errorbar(
            at, rate, [rate - lower, upper - rate], fmt=marker, ms=2.8, mew=0, lw=0.8, color=colour,
            label=label,
        )  # fmt: skip
        axes.plot(at, rate, "-", lw=0.5, alpha=0.5, color=colour)
        unsure = ~line.of_blocks & (line.blocks is not None)
        axes.plot(  # above the filled ones
            at[unsure], rate[unsure], marker, ms=2.8, mew=0.6, mfc="white", mec=colour, zorder=3
        )
        beyond = upper > top
        axes.plot(at[beyond], np.full(beyond.sum(), 0.975 * top), "^", ms=3.5, mew=0, color=colour)
    axes.set_ylim(-0.03 * top, top)
    axes.set_xlim(lines[0].edges[0], lines[0].edges[-1])
    axes.set_ylabel("events per hour of dwell")
    axes.grid(alpha=0.3)
    return axes


def draw_dwell(axes: Axes, lines: Sequence[Rates]) -> Axes:
    """Draw the dwell that rates rest on, as `draw_rates` draws these; the axis is logarithmic."""
    for k, line in enumerate(lines):
        hours = np.where(line.hours > 0, line.hours, np.nan)
        colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
        axes.plot(_beside(line, k, len(lines)), hours, f"{marker}-", ms=2.2, mew=0, lw=0.5, color=colour)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 10 * low:  # a decade at least, which has two ticks: fewer would become many, one on another
        axes.set_ylim(np.sqrt(low * high / 10), np.sqrt(low * high * 10))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(lines[0].edges[0], lines[0].edges[-1])
    axes.set_ylabel("dwell (h),\nlogarithmic")
    axes.grid(alpha=0.3)
    return axes


def _beside(line: Rates, k: int, count: int) -> np.ndarray:
    """Return where the marks of one of several lines stand within their bins."""
    return np.asarray(line.edges[:-1] + np.diff(line.edges) * (k + 1) / (count + 1))


MOST_MARKED = 36
"""Months that marks with bars can be told apart of; more are drawn as steps within bands."""


def draw_months(
    axes: Axes, exposure: xr.Dataset, events: pd.DataFrame, names: Sequence[str] = tuple(schema.EVENT_CLASSES)
) -> Axes:
    """Draw events per hour of dwell by month, a line for each class, with Poisson's 68 % intervals.

    A month has one or two calendar blocks, which cannot give an interval: these are lower bounds. They are
    bars, or bands if there are more than `MOST_MARKED` months.
    """
    for k, (name, marker) in enumerate(zip(names, "sv", strict=False)):
        line, colour = rates_by_month(exposure, events, name), CLASS_COLOURS[name]
        rate, lower, upper = line.limits
        if rate.size > MOST_MARKED:
            axes.stairs(rate, line.edges, baseline=None, lw=0.8, color=colour, label=CLASS_LABELS[name])
            axes.stairs(upper, line.edges, baseline=lower, fill=True, alpha=0.3, lw=0, color=colour)
            continue
        days = np.diff(line.edges).astype(int)
        at = line.edges[:-1].astype("datetime64[m]") + (days * 1440 * (k + 1) // 3)
        axes.errorbar(
            at, rate, [rate - lower, upper - rate], fmt=f"{marker}-", ms=3, mew=0, lw=0.8,
            color=colour, label=CLASS_LABELS[name],
        )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.set_ylabel("events per hour\nof dwell")
    axes.grid(alpha=0.3)
    return _dated(axes, line.edges)


def draw_exposure(axes: Axes, exposure: xr.Dataset) -> Axes:
    """Draw the dwell of all satellites together by month, which rates by month rest on."""
    hours, edges = hours_by_month(exposure).sum("satellite").values, month_edges(exposure)
    axes.stairs(hours, edges, fill=True, color="0.7")
    axes.set_ylabel("dwell (h)")
    return _dated(axes, edges)


def draw_coverage(axes: Axes, exposure: xr.Dataset, scale: Scale) -> Axes:
    """Draw the dwell of each satellite by month, a row for each; months without any are grey.

    Parameters
    ----------
    axes : Axes
    exposure : xarray.Dataset
        A run's ``exposure.zarr``, or what `lines.by_month` gives.
    scale : Scale
        For hours of dwell, as `dials.dwell_scale` gives.
    """
    hours, edges = hours_by_month(exposure).values, month_edges(exposure)
    colours = scale.colours(hours)
    colours[hours == 0] = to_rgba(UNOBSERVED)
    for row, of_satellite in enumerate(colours):
        axes.bar(
            edges[:-1], 0.8, np.diff(edges).astype(int), row - 0.4, align="edge", color=of_satellite, lw=0
        )
    axes.set_yticks(range(len(hours)), exposure["satellite"].values.tolist())
    axes.set_ylim(len(hours) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    return _dated(axes, edges)


_YEARS_TICKED = 3
"""Years from which on every year has a tick and some have a label."""


def _dated(axes: Axes, edges: np.ndarray) -> Axes:
    locator = AutoDateLocator(minticks=2, maxticks=8)
    formats = ["%Y", "%Y-%m", "%d", "%H:%M", "%H:%M", "%S.%f"]
    firsts = ["", "%Y-%m", "%Y-%m-%d", "%d", "%H:%M", "%H:%M"]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        ConciseDateFormatter(locator, formats=formats, zero_formats=firsts, show_offset=False)
    )
    if (edges[-1] - edges[0]).astype(int) > 366 * _YEARS_TICKED:
        axes.xaxis.set_minor_locator(YearLocator())
    axes.set_xlim(edges[0], edges[-1])
    return axes
