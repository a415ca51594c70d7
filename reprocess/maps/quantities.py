"""Maps of what events are like: quartiles of a property by bin, and the energy that events bring down."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reprocess import schema
from reprocess.errors import SplitError
from reprocess.maps.exposure import as_plain
from reprocess.maps.intervals import (
    MIN_BLOCKS,
    MIN_BLOCKS_WITH,
    block_interval,
    calendar_block,
    draw_blocks,
    effective_blocks,
    spread_limits,
)
from reprocess.maps.split import event_days
from reprocess.maps.tally import Tally, place_events
from reprocess.physics.geometry import cell_area
from reprocess.schema import EVENT_CLASSES, EVENT_COLUMNS, Variable
from reprocess.schema.grid import Grid
from reprocess.schema.properties import PROPERTY_COLUMNS, PROPERTY_KEY
from reprocess.work.choice import Choice
from reprocess.work.described import read_properties
from reprocess.work.parts import read_events
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

ENERGY = ("energy_flux_40", "energy_flux_612")
"""Properties of which a map tells the mean over all time observed, and the power over a hemisphere."""

POWER = (
    "sum over bins of the mean energy flux over all time observed, both hemispheres together, times the "
    "bin's area at 120 km in one hemisphere (dipole); bins without a rate are left out; "
    "uncertain by a factor of several"
)
"""What the power is."""

_NUMBERS = {"float32", "float64", "int32"}
_BIN = ("event_class", "L", "MLT")


def read_values(run: Run, receipts: list[DetectReceipt], name: str, choice: Choice) -> pd.DataFrame:
    """Return the chosen events with a property in the column ``value``, and their seconds in ``seconds``.

    Raises
    ------
    SplitError
        If there is no such property that is a number.
    LedgerError
        If events were not described, which properties beyond the event table need.
    """
    events = read_events(run, receipts, choice)
    if name in EVENT_COLUMNS and EVENT_COLUMNS[name].dtype in _NUMBERS:
        return events.assign(value=events[name].astype(float), seconds=events["duration_s"].astype(float))
    if name not in PROPERTY_COLUMNS or PROPERTY_COLUMNS[name].dtype not in _NUMBERS:
        known = {**EVENT_COLUMNS, **PROPERTY_COLUMNS}
        numbers = ", ".join(key for key, column in known.items() if column.dtype in _NUMBERS)
        raise SplitError(f"{name!r} is no property of events that is a number; there are {numbers}")
    found = read_properties(run, choice.receipts(receipts))
    key = ["satellite", *PROPERTY_KEY]
    columns = found[[*key, name, "records"]].rename(columns={name: "value", "records": "of_event"})
    table = events.merge(columns, on=key, how="left", validate="one_to_one")
    return table.assign(value=table["value"].astype(float), seconds=table["of_event"] * schema.SAMPLING_S)


def with_property(
    dataset: xr.Dataset,
    run: Run,
    receipts: list[DetectReceipt],
    grid: Grid,
    counted: Tally,
    name: str,
    choice: Choice,
) -> xr.Dataset:
    """Return maps with the quartiles of a property by bin, and flux and power if it is one of `ENERGY`.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `occurrence.occurrence` returns for the same run, grid, tally and choice, without a split.
    run : Run
    receipts : list of DetectReceipt
    grid : Grid
    counted : Tally
    name : str
        Column of the event table or of `PROPERTY_COLUMNS` that holds numbers.
    choice : Choice

    Raises
    ------
    SplitError, LedgerError
        As `read_values`.
    """
    table = read_values(run, receipts, name, replace(choice, classes=()))
    on_map, kind, bin_ = place_events(table, grid)
    events = table[on_map]
    block = np.searchsorted(counted.blocks, calendar_block(event_days(events)))
    values = events["value"].to_numpy()
    known = np.isfinite(values)
    column = (EVENT_COLUMNS | PROPERTY_COLUMNS)[name]
    seconds, bins = counted.dwell[0], counted.dwell.shape[-1]
    cell = (kind * bins + bin_)[known]
    found = _quartiles(values[known], cell, block[known], seconds, len(EVENT_CLASSES) * bins)
    shape = (len(EVENT_CLASSES), *grid.shape)
    variables = {
        f"{name}_{which}": as_plain(_declared(name, which, column), numbers.reshape(shape))
        for which, numbers in found.items()
    }
    told: dict[str, Any] = {"property": name, "property_events_without_value": int((~known).sum())}
    if name in ENERGY:
        weight = values * events["seconds"].to_numpy()
        energy = np.zeros((len(EVENT_CLASSES), *seconds.shape))
        np.add.at(energy, (kind[known], block[known], bin_[known]), weight[known])
        seen = np.isfinite(dataset.event_rate.values[0]).ravel()
        variables |= _energy(name, energy, seconds, seen, grid)
        told["power_is"] = POWER
    made = xr.Dataset(variables).assign_coords(event_class=list(EVENT_CLASSES))
    chosen = made.sel(event_class=dataset.event_class.values)
    return dataset.assign(
        {key: variable.variable for key, variable in chosen.data_vars.items()}
    ).assign_attrs(told)


def _declared(name: str, which: str, column: Variable) -> Variable:
    words = {
        "count": "events with a value of",
        "median": "median over events of",
        "quartile_lower": "lower quartile over events of",
        "quartile_upper": "upper quartile over events of",
        "median_lower": "lower limit of the median over events of",
        "median_upper": "upper limit of the median over events of",
    }
    units, dtype = ("1", "int32") if which == "count" else (column.units, "float64")
    how = (
        "68.27 % interval from drawing calendar blocks with replacement"
        if "median_" in which
        else column.source
    )
    return Variable(f"{name}_{which}", dtype, units, f"{words[which]} {name}: {column.meaning}", how, _BIN)


def _quartiles(
    values: np.ndarray, cell: np.ndarray, block: np.ndarray, seconds: np.ndarray, cells: int
) -> dict[str, np.ndarray]:
    """Return count, quartiles and limits of the median of the values in each cell, shape (cells,)."""
    names = ("median", "quartile_lower", "quartile_upper", "median_lower", "median_upper")
    found = {name: np.full(cells, np.nan) for name in names}
    blocks = np.tile(effective_blocks(seconds.astype(float)), cells // seconds.shape[1])
    order = np.lexsort((values, cell))
    occupied, starts = np.unique(cell[order], return_index=True)
    for k, rows in zip(occupied.tolist(), np.split(order, starts[1:]), strict=True):
        if not rows.size:
            continue
        quartiles = np.quantile(values[rows], [0.5, 0.25, 0.75])
        for name, value in zip(names[:3], quartiles, strict=True):
            found[name][k] = value
        if blocks[k] > MIN_BLOCKS - 1e-6 and np.unique(block[rows]).size >= MIN_BLOCKS_WITH:
            drawn = _drawn_medians(values[rows], draw_blocks(seconds.shape[0])[:, block[rows]])
            low, high = spread_limits(quartiles[:1], drawn[:, np.newaxis], blocks[k : k + 1])
            found["median_lower"][k] = max(low[0], values[rows[0]])
            found["median_upper"][k] = min(high[0], values[rows[-1]])
    return {"count": np.bincount(cell, minlength=cells), **found}


def _drawn_medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the median of increasing values with weights, shape (draws, n), for each draw that has any."""
    above = np.cumsum(weights, axis=1)
    drawn = above[:, -1] > 0
    above, half = above[drawn], above[drawn, -1:] / 2
    return (values[(above >= half).argmax(axis=1)] + values[(above > half).argmax(axis=1)]) / 2


def _energy(
    name: str, energy: np.ndarray, seconds: np.ndarray, seen: np.ndarray, grid: Grid
) -> dict[str, Any]:
    """Return mean energy flux by bin and power over a hemisphere, with intervals, as xarray takes them.

    Parameters
    ----------
    name : str
    energy : ndarray
        Energy flux times seconds of events, mJ m-2, shape (classes, blocks, bins).
    seconds : ndarray
        Dwell, shape (blocks, bins).
    seen : ndarray of bool
        Bins that have a rate.
    grid : Grid
    """
    dwell = np.where(seen, seconds.sum(axis=0), np.nan)
    shape = (energy.shape[0], *grid.shape)
    flux = energy.sum(axis=1) / dwell
    limits = [block_interval(of_class, seconds) for of_class in energy]
    lower, upper = (
        np.where(seen, [getattr(one, which) for one in limits], np.nan) for which in ("lower", "upper")
    )
    low, high = (edges[:, np.newaxis] for edges in (grid.L_edges[:-1], grid.L_edges[1:]))
    area = (cell_area(low, high, np.diff(grid.MLT_edges)[np.newaxis]) * 1e-9).ravel()[seen]  # mW to MW
    power = flux[:, seen] @ area
    spread = np.array([_power_limits(of_class[:, seen], seconds[:, seen], area) for of_class in energy])
    mean = f"events' {name} times their duration over dwell; uncertain by a factor of several"
    per_bin = {"": flux, "_lower": lower, "_upper": upper}
    of_all = {"": power, "_lower": spread[:, 0], "_upper": spread[:, 1]}
    block = "68.27 % interval from drawing calendar blocks with replacement"
    found = {
        f"mean_{name}{end}": Variable(
            f"mean_{name}{end}", "float64", "mW m-2", mean, block if end else mean, _BIN
        )
        for end in per_bin
    }
    variables = {
        key: as_plain(v, per_bin[key.removeprefix(f"mean_{name}")].reshape(shape)) for key, v in found.items()
    }
    for end, values in of_all.items():
        declared = Variable(f"power{end}", "float64", "MW", POWER, block if end else POWER, _BIN[:1])
        variables[f"power{end}"] = as_plain(declared, values)
    return variables


def _power_limits(energy: np.ndarray, seconds: np.ndarray, area: np.ndarray) -> tuple[float, float]:
    """Return the limits of the power of one class; NaN where there are too few blocks."""
    blocks = effective_blocks(seconds.sum(axis=1, keepdims=True).astype(float))
    if (
        not area.size
        or blocks[0] <= MIN_BLOCKS - 1e-6
        or np.count_nonzero(energy.sum(axis=1)) < MIN_BLOCKS_WITH
    ):
        return np.nan, np.nan
    weights = draw_blocks(seconds.shape[0])
    dwell, ratio = weights @ seconds, energy.sum(axis=0) / seconds.sum(axis=0)
    drawn = np.where(dwell > 0, (weights @ energy) / np.where(dwell > 0, dwell, 1), ratio) @ area
    low, high = spread_limits(np.array([ratio @ area]), drawn[:, np.newaxis], blocks)
    return max(float(low[0]), 0.0), float(high[0])
