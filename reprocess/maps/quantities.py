"""Maps of what events are like: quartiles of a property by bin, and the energy that events bring down."""

from collections.abc import Sequence
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
from reprocess.maps.split import Axis, event_days
from reprocess.maps.tally import Tally, parts_of, place_events
from reprocess.physics.geometry import cell_area
from reprocess.schema import EVENT_CLASSES, EVENT_COLUMNS, Variable
from reprocess.schema.grid import Grid
from reprocess.schema.properties import PROPERTY_COLUMNS, PROPERTY_KEY
from reprocess.work.choice import Choice
from reprocess.work.described import read_properties
from reprocess.work.groups import Plain
from reprocess.work.parts import read_events
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

ENERGY = ("energy_flux_40", "energy_flux_612")
"""Properties of which a map tells the mean over all time observed, and the power over a hemisphere."""

POWER = (
    "sum over bins of the mean energy flux over all time observed that the map is of, times the "
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
    axes: Sequence[Axis] = (),
) -> xr.Dataset:
    """Return maps with the quartiles of a property by bin, and flux and power if it is one of `ENERGY`.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `occurrence.make_maps` returns for the same run, grid, tally, choice and axes.
    run : Run
    receipts : list of DetectReceipt
    grid : Grid
    counted : Tally
    name : str
        Column of the event table or of `PROPERTY_COLUMNS` that holds numbers.
    choice : Choice
    axes : sequence of Axis
        What the maps are split by.

    Raises
    ------
    SplitError, LedgerError
        As `read_values`.
    """
    table = read_values(run, receipts, name, replace(choice, classes=()))
    on_map, kind, bin_ = place_events(table, grid)
    events = table[on_map]
    known = np.isfinite(events["value"].to_numpy())
    own = events[known].assign(
        kind=kind[known],
        bin=bin_[known],
        block=np.searchsorted(counted.blocks, calendar_block(event_days(events[known]))),
        part=parts_of(axes, [axis.of_events(events[known]) for axis in axes]),
    )
    rates = dataset.event_rate.values.reshape(len(counted.events), -1, counted.events.shape[-1])
    found = [
        _of_part(name, own[own["part"] == k], counted.dwell[min(k, len(counted.dwell) - 1)], seen, grid)
        for k, seen in enumerate(np.isfinite(rates[:, 0]))
    ]
    made = xr.Dataset({key: _stacked([one[key] for one in found], axes) for key in found[0]})
    chosen = made.assign_coords(event_class=list(EVENT_CLASSES)).sel(event_class=dataset.event_class.values)
    told: dict[str, Any] = {"property": name, "property_events_without_value": int((~known).sum())}
    return dataset.assign(
        {key: variable.variable for key, variable in chosen.data_vars.items()}
    ).assign_attrs(told | ({"power_is": POWER} if name in ENERGY else {}))


def _stacked(parts: list[Plain], axes: Sequence[Axis]) -> Plain:
    """Return a variable of all parts, a dimension for each axis first."""
    (dims, _, attributes), values = parts[0], np.stack([one[1] for one in parts])
    shape = (*(len(axis.labels) for axis in axes), *values.shape[1:])
    return (*(axis.name for axis in axes), *dims), values.reshape(shape), attributes


def _of_part(
    name: str, events: pd.DataFrame, seconds: np.ndarray, seen: np.ndarray, grid: Grid
) -> dict[str, Plain]:
    """Return what is told of a property of events of one part.

    Parameters
    ----------
    name : str
    events : DataFrame
        Those that have a value, with ``kind``, ``bin`` and ``block`` besides the columns of `read_values`.
    seconds : ndarray
        Dwell, shape (blocks, bins).
    seen : ndarray of bool
        Bins that have a rate.
    grid : Grid
    """
    bins, column = seconds.shape[-1], (EVENT_COLUMNS | PROPERTY_COLUMNS)[name]
    values, kind, bin_, block = (events[key].to_numpy() for key in ("value", "kind", "bin", "block"))
    found = quartiles(values, kind * bins + bin_, block, seconds, len(EVENT_CLASSES) * bins)
    shape = (len(EVENT_CLASSES), *grid.shape)
    variables = {
        f"{name}_{which}": as_plain(_declared(name, which, column), numbers.reshape(shape))
        for which, numbers in found.items()
    }
    if name not in ENERGY:
        return variables
    energy = np.zeros((len(EVENT_CLASSES), *seconds.shape))
    np.add.at(energy, (kind, block, bin_), values * events["seconds"].to_numpy())
    return variables | _energy(name, energy, seconds, seen, grid)


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


def quartiles(
    values: np.ndarray, cell: np.ndarray, block: np.ndarray, seconds: np.ndarray, cells: int
) -> dict[str, np.ndarray]:
    """Return count, quartiles and limits of the median of the values in each cell.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        A property of each event.
    cell : ndarray of int, shape (n,)
        Its cell: bins by class, the bin last.
    block : ndarray of int, shape (n,)
        Its calendar block, as a row of `seconds`.
    seconds : ndarray, shape (blocks, bins)
        Dwell.
    cells : int
        A multiple of the bins.

    Returns
    -------
    dict of str to ndarray, shape (cells,)
        ``count``; ``median``, ``quartile_lower``, ``quartile_upper``, NaN without a value;
        ``median_lower``, ``median_upper``, NaN where there are too few blocks, or blocks with events.
    """
    names = ("median", "quartile_lower", "quartile_upper", "median_lower", "median_upper")
    found = {name: np.full(cells, np.nan) for name in names}
    blocks = np.tile(effective_blocks(seconds.astype(float)), cells // seconds.shape[1])
    order = np.lexsort((values, cell))
    occupied, starts = np.unique(cell[order], return_index=True)
    of_cells = np.split(order, starts[1:]) if order.size else []
    for k, rows in zip(occupied.tolist(), of_cells, strict=True):
        of_cell = np.quantile(values[rows], [0.5, 0.25, 0.75])
        for name, value in zip(names[:3], of_cell, strict=True):
            found[name][k] = value
        if blocks[k] > MIN_BLOCKS - 1e-6 and np.unique(block[rows]).size >= MIN_BLOCKS_WITH:
            drawn = _drawn_medians(values[rows], draw_blocks(seconds.shape[0])[:, block[rows]])
            low, high = spread_limits(of_cell[:1], drawn[:, np.newaxis], blocks[k : k + 1])
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
) -> dict[str, Plain]:
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
