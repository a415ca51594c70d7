"""Profiles, months and coverage of maps, with intervals. Each function draws on axes that are given.

Events and dwell are summed first; the division is last, and the interval is the exact Poisson one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import MultipleLocator

from reprocess import schema
from reprocess.maps.dials import UNOBSERVED, Scale, edges_of
from reprocess.maps.occurrence import poisson_interval
from reprocess.pages.style import CLASS_COLOURS, CLASS_LABELS

SECTORS = ((21.0, 3.0), (3.0, 9.0), (9.0, 15.0), (15.0, 21.0))
"""Hours of MLT around midnight, dawn, noon and dusk."""

SHELLS = ((2.5, 4.0), (4.0, 5.5), (5.5, 7.0), (7.0, 8.5))
"""Ranges of L."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
MARKERS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True)
class Rates:
    """Events and dwell along one axis, shape (n,) each."""

    edges: np.ndarray
    """Shape (n + 1,)."""
    events: np.ndarray
    hours: np.ndarray
    """Dwell; bins with less than `min_hours` get no rate."""
    min_hours: float = schema.SAMPLING_S / 3600

    @property
    def limits(self) -> np.ndarray:
        """Rate, and lower and upper limit of its 68 % interval, per hour; NaN where dwell is too short."""
        hours = np.where(self.hours >= max(self.min_hours, schema.SAMPLING_S / 3600), self.hours, np.nan)
        return np.stack([self.events, *poisson_interval(self.events)]) / hours


def rates_along(dataset: xr.Dataset, axis: str, name: str, span: tuple[float, float]) -> Rates:
    """Sum events of a class and dwell over a part of the other axis.

    Parameters
    ----------
    dataset : xarray.Dataset
        With the variables of ``occurrence.nc``.
    axis : str
        ``L`` or ``MLT``, what the profile goes along.
    name : str
        The class.
    span : tuple of float
        From and to on the other axis; MLT may go on over midnight.

    Raises
    ------
    ValueError
        If the span is not one of whole bins: bins are never cut.
    """
    L, MLT = edges_of(dataset)
    along, other = (L, "MLT") if axis == "L" else (MLT, "L")
    edges = MLT if axis == "L" else L
    first, last = span
    if not all(np.isclose(edges, value).any() for value in span):
        raise ValueError(
            f"{other} {first:g} to {last:g} cuts bins, whose edges are {', '.join(f'{x:g}' for x in edges)}; "
            "give a range between edges"
        )
    middle = (edges[:-1] + edges[1:]) / 2
    inside = (middle > first) & (middle < last) if first < last else (middle > first) | (middle < last)
    chosen = dataset.sel(event_class=name).isel({other: np.flatnonzero(inside)})
    events, dwell = chosen.events.sum(other).values, chosen.dwell.sum(other).values
    return Rates(along, events, dwell / 3600, float(dataset.attrs.get("min_dwell_s", 0)) / 3600)


def draw_L_profiles(
    axes: Axes, dataset: xr.Dataset, name: str, sectors: Sequence[tuple[float, float]] = SECTORS
) -> Axes:
    """Draw the event rate of a class by L, a line for each sector of MLT, with 68 % intervals."""
    labels = [f"{first:02.0f}-{last:02.0f} h MLT" for first, last in sectors]
    draw_rates(axes, [rates_along(dataset, "L", name, span) for span in sectors], labels)
    axes.set_xlabel("L")
    axes.xaxis.set_major_locator(MultipleLocator(1))
    return axes


def draw_MLT_profiles(
    axes: Axes, dataset: xr.Dataset, name: str, shells: Sequence[tuple[float, float]] = SHELLS
) -> Axes:
    """Draw the event rate of a class by MLT, a line for each range of L, with 68 % intervals."""
    labels = [f"L {first:g}-{last:g}" for first, last in shells]
    draw_rates(axes, [rates_along(dataset, "MLT", name, span) for span in shells], labels)
    axes.set_xlabel("MLT (h)")
    axes.xaxis.set_major_locator(MultipleLocator(3))
    return axes


def draw_rates(axes: Axes, lines: Sequence[Rates], labels: Sequence[str]) -> Axes:
    """Draw rates with their intervals, side by side within each bin.

    The axis shows every rate; an interval that leaves it, as in hardly observed bins, ends in a triangle.
    """
    every = np.stack([line.limits for line in lines])
    known = np.isfinite(every[:, 0])
    top = max(1.25 * every[:, 0][known].max(), np.median(every[:, 2][known])) if known.any() else 1.0
    top = 1.08 * float(top) or 1.0
    for k, (line, label) in enumerate(zip(lines, labels, strict=True)):
        width = np.diff(line.edges)
        at = line.edges[:-1] + width * (k + 1) / (len(lines) + 1)
        rate, lower, upper = line.limits
        colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
        axes.errorbar(
            at,
            rate,
            [rate - lower, upper - rate],
            fmt=marker,
            ms=2.8,
            mew=0,
            lw=0.8,
            color=colour,
            label=label,
        )
        axes.plot(at, rate, "-", lw=0.5, alpha=0.5, color=colour)
        beyond = upper > top
        axes.plot(at[beyond], np.full(beyond.sum(), 0.975 * top), "^", ms=3.5, mew=0, color=colour)
    axes.set_ylim(-0.03 * top, top)
    axes.set_xlim(lines[0].edges[0], lines[0].edges[-1])
    axes.set_ylabel("events per hour of dwell")
    axes.grid(alpha=0.3)
    return axes


def rates_by_month(
    exposure: xr.Dataset, events: pd.DataFrame, name: str, satellite: str | None = None
) -> Rates:
    """Count the events of a class by month, over the dwell of the month.

    Parameters
    ----------
    exposure : xarray.Dataset
        A run's ``exposure.zarr``.
    events : DataFrame
        Its event table, or a part of it.
    name : str
        The class.
    satellite : str, optional
        All satellites if left out.

    Returns
    -------
    Rates
        Edges are dates, datetime64[D]. Dwell is that of the whole grid, L 1 to 15.
    """
    months = exposure["month"].values.astype("datetime64[M]")
    mine = events[events["event_class"] == name]
    dwell = exposure.dwell.sum(["hemisphere", "L", "MLT"])
    if satellite is not None:
        mine, dwell = mine[mine["satellite"] == satellite], dwell.sel(satellite=[satellite])
    peak = mine["peak_time"].dt.tz_localize(None).to_numpy().astype("datetime64[M]")
    place = (peak - months[0]).astype(int)
    counts = np.bincount(place[(place >= 0) & (place < months.size)], minlength=months.size)
    edges = np.append(months, months[-1] + 1).astype("datetime64[D]")
    return Rates(edges, counts, dwell.sum("satellite").values / 3600)


def draw_months(axes: Axes, exposure: xr.Dataset, events: pd.DataFrame) -> Axes:
    """Draw events per hour of dwell by month, REP and CSS with 68 % intervals."""
    for k, (name, marker) in enumerate(zip(schema.EVENT_CLASSES, "sv", strict=True)):
        line = rates_by_month(exposure, events, name)
        days = np.diff(line.edges).astype(int)
        at = line.edges[:-1].astype("datetime64[m]") + (days * 1440 * (k + 1) // 3)
        rate, lower, upper = line.limits
        axes.errorbar(
            at, rate, [rate - lower, upper - rate], fmt=f"{marker}-", ms=3, mew=0, lw=0.8,
            color=CLASS_COLOURS[name], label=CLASS_LABELS[name],
        )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.set_ylabel("events per hour\nof dwell")
    axes.grid(alpha=0.3)
    return _dated(axes, line.edges)


def draw_exposure(axes: Axes, exposure: xr.Dataset) -> Axes:
    """Draw the dwell of all satellites together by month, which rates by month rest on."""
    hours = exposure.dwell.sum(["satellite", "hemisphere", "L", "MLT"]).values / 3600
    edges = _month_edges(exposure)
    axes.stairs(hours, edges, fill=True, color="0.7")
    axes.set_ylabel("dwell (h)")
    return _dated(axes, edges)


def draw_coverage(axes: Axes, exposure: xr.Dataset, scale: Scale) -> Axes:
    """Draw the dwell of each satellite by month, a row for each; months without any are grey.

    Parameters
    ----------
    axes : Axes
    exposure : xarray.Dataset
        A run's ``exposure.zarr``.
    scale : Scale
        For hours of dwell, as `dials.dwell_scale` gives.
    """
    hours = exposure.dwell.sum(["hemisphere", "L", "MLT"]).transpose("satellite", "month").values / 3600
    edges = _month_edges(exposure)
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


def _month_edges(exposure: xr.Dataset) -> np.ndarray:
    months = exposure["month"].values.astype("datetime64[M]")
    return np.append(months, months[-1] + 1).astype("datetime64[D]")


def _dated(axes: Axes, edges: np.ndarray) -> Axes:
    locator = AutoDateLocator(minticks=2, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_xlim(edges[0], edges[-1])
    return axes
