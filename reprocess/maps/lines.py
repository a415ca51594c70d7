"""What profiles, months and coverage are drawn of: events and dwell along an axis, and their intervals.

Events and dwell are summed first; the division is last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from reprocess import schema
from reprocess.errors import SplitError
from reprocess.maps.intervals import Limits, block_interval, poisson_interval
from reprocess.maps.plain import edges_of
from reprocess.maps.tally import chosen_blocks, place_events, tally
from reprocess.schema.grid import Grid, coarse_bins
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.parts import read_dwell, read_event_columns
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

SECTORS = ((21.0, 3.0), (3.0, 9.0), (9.0, 15.0), (15.0, 21.0))
"""Hours of MLT around midnight, dawn, noon and dusk."""

SHELLS = ((2.5, 4.0), (4.0, 5.5), (5.5, 7.0), (7.0, 8.5))
"""Ranges of L."""

Span = tuple[float, float]
"""From and to; MLT may go on over midnight."""


@dataclass(frozen=True)
class Rates:
    """Events and dwell along one axis, shape (n,) each."""

    edges: np.ndarray
    """Shape (n + 1,)."""
    events: np.ndarray
    hours: np.ndarray
    """Dwell; bins with less than `min_hours` get no rate."""
    min_hours: float = schema.SAMPLING_S / 3600
    blocks: tuple[np.ndarray, np.ndarray] | None = None
    """Events and hours of each calendar block, shape (blocks, n); without them intervals are Poisson's."""

    @cached_property
    def limits(self) -> np.ndarray:
        """Rate, and lower and upper limit of its 68 % interval, per hour; NaN where dwell is too short."""
        hours = np.where(self.hours >= max(self.min_hours, schema.SAMPLING_S / 3600), self.hours, np.nan)
        found = np.stack([self.events, *poisson_interval(self.events)]) / hours
        if self._drawn is not None:
            of_blocks = self.of_blocks & np.isfinite(hours)
            found[1:, of_blocks] = np.stack([self._drawn.lower, self._drawn.upper])[:, of_blocks]
        return found

    @property
    def of_blocks(self) -> np.ndarray:
        """Which intervals are of calendar blocks; others are Poisson's, a lower bound. Shape (n,)."""
        return np.zeros(self.events.size, bool) if self._drawn is None else np.isfinite(self._drawn.lower)

    @cached_property
    def _drawn(self) -> Limits | None:
        return block_interval(*self.blocks) if self.blocks is not None else None


def bins_within(edges: np.ndarray, name: str, span: Span) -> np.ndarray:
    """Return the positions of the bins that make up a range, int, shape (k,).

    Raises
    ------
    SplitError
        If the range is not one of whole bins: bins are never cut.
    """
    first, last = span
    if first == last or not all(np.isclose(edges, value).any() for value in span):
        raise SplitError(
            f"{name} {first:g} to {last:g} cuts bins, whose edges are {', '.join(f'{x:g}' for x in edges)}; "
            "give a range between edges"
        )
    if first > last and name == "L":
        raise SplitError(f"L {first:g} to {last:g} ends before it begins; only MLT goes round")
    middle = (edges[:-1] + edges[1:]) / 2
    inside = (middle > first) & (middle < last) if first < last else (middle > first) | (middle < last)
    return np.flatnonzero(inside)


def rates_along(dataset: xr.Dataset, axis: str, name: str, span: Span) -> Rates:
    """Sum events of a class and dwell over a part of the other axis; the intervals are Poisson's.

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
    SplitError
        As `bins_within`.
    """
    L, MLT = edges_of(dataset)
    along, other, edges = (L, "MLT", MLT) if axis == "L" else (MLT, "L", L)
    chosen = dataset.sel(event_class=name).isel({other: bins_within(edges, other, span)})
    events, dwell = chosen.events.sum(other).values, chosen.dwell.sum(other).values
    return Rates(along, events, dwell / 3600, float(dataset.attrs.get("min_dwell_s", 0)) / 3600)


def profiles(
    run: Run,
    receipts: Iterable[DetectReceipt],
    grid: Grid,
    axis: str,
    spans: Sequence[Span],
    min_dwell_s: float = 0.0,
    choice: Choice = EVERYTHING,
) -> dict[str, list[Rates]]:
    """Return the profiles of a run by class, one for each range, with intervals of calendar blocks.

    Parameters
    ----------
    run : Run
    receipts : iterable of DetectReceipt
        Receipts of its blocks, such as ``run.ledger.done()``.
    grid : Grid
        Made by `schema.grid.make_grid`.
    axis : str
        ``L`` or ``MLT``, what the profiles go along.
    spans : sequence of tuple of float
        Ranges of the other axis, of whole bins.
    min_dwell_s : float
        Bins with less dwell get no rate.
    choice : Choice
        What of the run is looked at.

    Raises
    ------
    LedgerError, FlagError
        As `occurrence.make_maps`.
    SplitError
        As `bins_within`.
    """
    L_along = axis == "L"
    along, edges = (grid.L_edges, grid.MLT_edges) if L_along else (grid.MLT_edges, grid.L_edges)
    chosen = [bins_within(edges, "MLT" if L_along else "L", span) for span in spans]
    counted = tally(run, chosen_blocks(run, receipts, choice), grid, replace(choice, classes=()))

    def summed(values: np.ndarray, bins: np.ndarray) -> np.ndarray:
        by_bin = values.reshape(values.shape[0], *grid.shape)
        return np.asarray(np.take(by_bin, bins, axis=2 if L_along else 1).sum(axis=2 if L_along else 1))

    def rates(events: np.ndarray, bins: np.ndarray) -> Rates:
        number, seconds = summed(events, bins), summed(counted.dwell[0], bins)
        total, hours = number.sum(axis=0), seconds.sum(axis=0) / 3600
        return Rates(along, total, hours, min_dwell_s / 3600, (number, seconds / 3600))

    by_class = dict(zip(schema.EVENT_CLASSES, counted.events[0], strict=True))
    return {
        name: [rates(events, bins) for bins in chosen]
        for name, events in by_class.items()
        if not choice.classes or name in choice.classes
    }


def by_month(
    run: Run, receipts: Iterable[DetectReceipt], grid: Grid, choice: Choice = EVERYTHING
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Return the dwell of a run by satellite and month, and the events that belong to it.

    Parameters
    ----------
    run, receipts, grid, choice
        As `profiles`; only what lies within the edges of the grid is counted.

    Returns
    -------
    xarray.Dataset and DataFrame
        ``dwell`` (s) with the dimensions satellite and month, those from the first to the last with a day;
        the events' satellite, class and time of their peak. `rates_by_month` and what draws months take both.

    Raises
    ------
    LedgerError, FlagError
        As `occurrence.make_maps`.
    """
    chosen = chosen_blocks(run, receipts, choice)
    found = np.unique([np.datetime64(date, "M") for r in chosen for date in r["days"]])
    months = np.arange(found[0], found[-1] + 1)
    satellites, bins = sorted({r["satellite"] for r in chosen}), coarse_bins(grid)
    seconds = np.zeros((len(satellites), months.size), np.int64)
    for satellite, columns in read_dwell(run, chosen, choice):
        inside = bins[columns["cell"]] >= 0
        date = np.datetime64(schema.EPOCH, "D") + columns["day"][inside].astype(int)
        month = (date.astype("datetime64[M]") - months[0]).astype(int)
        records = np.bincount(month, columns["records"][inside], months.size)
        seconds[satellites.index(satellite)] += records.astype(int) * int(schema.SAMPLING_S)
    names = ["event_class", "peak_time", "L", "MLT", "latitude", "quality_flags"]
    events = read_event_columns(run, chosen, names, choice)
    on_map, _, _ = place_events(events, grid)
    coordinates = {"satellite": satellites, "month": months.astype("datetime64[s]")}
    dwell = xr.Dataset({"dwell": (("satellite", "month"), seconds)}, coordinates)
    return dwell, events.loc[on_map, ["satellite", "event_class", "peak_time"]]


def rates_by_month(
    exposure: xr.Dataset, events: pd.DataFrame, name: str, satellite: str | None = None
) -> Rates:
    """Count the events of a class by month, over the dwell of the month; intervals are Poisson's.

    Parameters
    ----------
    exposure : xarray.Dataset
        A run's ``exposure.zarr``, or what `by_month` gives.
    events : DataFrame
        Its event table, or a part of it.
    name : str
        The class.
    satellite : str, optional
        All satellites if left out.

    Returns
    -------
    Rates
        Edges are dates, datetime64[D]. Dwell is all that of the exposure: of a whole run L 1 to 15.
    """
    edges = month_edges(exposure)
    mine, dwell = events[events["event_class"] == name], hours_by_month(exposure)
    if satellite is not None:
        mine, dwell = mine[mine["satellite"] == satellite], dwell.sel(satellite=[satellite])
    months = edges[:-1].astype("datetime64[M]")
    peak = mine["peak_time"].dt.tz_localize(None).to_numpy().astype("datetime64[M]")
    place = (peak - months[0]).astype(int)
    counts = np.bincount(place[(place >= 0) & (place < months.size)], minlength=months.size)
    return Rates(edges, counts, dwell.sum("satellite").values)


def hours_by_month(exposure: xr.Dataset) -> xr.DataArray:
    """Return dwell (h) by satellite and month."""
    dwell = exposure.dwell
    rest = [dim for dim in dwell.dims if dim not in {"satellite", "month"}]
    return dwell.sum(rest).transpose("satellite", "month") / 3600


def month_edges(exposure: xr.Dataset) -> np.ndarray:
    """Return the first day of each month and the day after the last, datetime64[D], shape (n + 1,)."""
    months = exposure["month"].values.astype("datetime64[M]")
    return np.append(months, months[-1] + 1).astype("datetime64[D]")
