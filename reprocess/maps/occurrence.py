"""Maps of occurrence by L shell and MLT.

State is integers: events per bin and seconds per bin, from the same binning; the division is
last. An event counts once, in the bin of its peak. Intervals are of calendar blocks that all satellites share
(`maps.intervals`); the exact Poisson interval of the rate stands beside them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from reprocess import schema
from reprocess.errors import LedgerError
from reprocess.files import write_atomic
from reprocess.maps.attributes import coverage_attributes, product_attributes
from reprocess.maps.exposure import BOUNDS, as_plain, grid_coordinates
from reprocess.maps.intervals import CALENDAR_BLOCK_DAYS, CONFIDENCE, why_no_interval
from reprocess.maps.intervals import poisson_interval as poisson_interval
from reprocess.maps.netcdf import decode, encode
from reprocess.maps.plain import Maps, Values, edges_of
from reprocess.maps.rates import rates
from reprocess.maps.split import REST, Axis, Columns
from reprocess.maps.tally import Tally, chosen_blocks, place_events, tally
from reprocess.schema import EVENT_CLASSES
from reprocess.schema.grid import Grid, any_grid
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.groups import Plain
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from reprocess.maps.plain import AnyMaps

_M = TypeVar("_M")

MLT_CERTAIN_H = 1.0
"""Bins of local time below which a map warns."""

MOST_NAMED = 6
"""Parts of a split that a warning names; of more it tells how many they are."""

_TEXTS = {
    "title": "Relativistic electron precipitation by L shell and magnetic local time",
    "summary": (
        "Events of relativistic electron precipitation that POES and MetOp satellites observed, driven by "
        "waves (REP) or by current sheet scattering (CSS) as a neural network tells them apart: per hour "
        "observed and as a fraction of the time observed, by McIlwain L shell and magnetic local time."
    ),
    "comment": (
        "The 0 degree telescope often sees trapped or quasi-trapped electrons outside strong "
        "diffusion (Selesnick et al. 2020): flux at 0 degrees is not all loss-cone flux."
    ),
}


def count_events(events: "pd.DataFrame", grid: Grid) -> tuple[np.ndarray, int]:
    """Count events by class and bin of their peak.

    Returns
    -------
    tuple of ndarray of int64, shape (2, n_L, n_MLT), and int
        Counts, and the number of events left out.
    """
    on_map, kind, bin_ = place_events(events, grid)
    shape = (len(EVENT_CLASSES), *grid.shape)
    counts = np.bincount(kind * (shape[1] * shape[2]) + bin_, minlength=int(np.prod(shape)))
    return counts.astype(np.int64).reshape(shape), int(np.count_nonzero(~on_map))


def make_maps(
    run: Run,
    receipts: Iterable[DetectReceipt],
    grid: Grid,
    min_dwell_s: float,
    choice: Choice = EVERYTHING,
    axes: Sequence[Axis] = (),
    rows: Iterable[tuple[str, Columns]] | None = None,
    count: Callable[..., Tally] = tally,
) -> Maps:
    """Make the maps of a run.

    Parameters
    ----------
    run : Run
    receipts : iterable of DetectReceipt
        Receipts of its blocks.
    grid : Grid
        Made by `grid.make_grid`.
    min_dwell_s : float
        Bins with less dwell get no rate and no share.
    choice : Choice
        What of the run is looked at; the attributes tell it.
    axes : sequence of Axis
        What the maps are split by: a dimension each.
    rows : iterable of tuple of str and dict, optional
        The time observed where it is not that of the run's dwell parts: `tally.tally`.
    count : callable
        `tally.tally`, or `sums.count`, which reads what is kept of blocks.

    Returns
    -------
    Maps
        Dimensions are those of the split, event_class, L, MLT; variables those of `schema.OCCURRENCE`, and of
        `schema.PASSES` with rows of positions.

    Raises
    ------
    LedgerError
        If the run has no done block of what is chosen, or a part is missing or damaged.
    FlagError
        If a flag is excluded that the run's parts do not tell of.
    SplitError
        If the run's parts do not tell what to split by.
    """
    chosen = chosen_blocks(run, receipts, choice)
    counted = count(run, chosen, grid, replace(choice, classes=()), axes, rows)
    values = rates(counted, min_dwell_s)
    if any(axis.of_dwell is None for axis in axes):  # time within events is not split by what events are
        values = {name: v for name, v in values.items() if not name.startswith(("precip", "occurrence_"))}
    classes = as_plain(schema.OCCURRENCE_COORDINATES["event_class"], np.array(list(EVENT_CLASSES)))
    coordinates = (
        {"event_class": classes} | {axis.name: _labels(axis) for axis in axes} | grid_coordinates(grid)
    )
    maps = Maps(
        {name: _variable(name, v, axes, grid) for name, v in values.items()}
        | {name: Values(*plain) for name, plain in coordinates.items()},
        list(coordinates),
        product_attributes(run, **_TEXTS)
        | coverage_attributes(run, chosen)
        | _own_attributes(counted, axes, grid, min_dwell_s, values)
        | choice.attributes,
    )
    return maps.of_classes(choice.classes) if choice.classes else maps


def _variable(name: str, values: np.ndarray, axes: Sequence[Axis], grid: Grid) -> Values:
    """Return a variable with a dimension for each axis of the split."""
    declared = (schema.OCCURRENCE | schema.PASSES)[name]
    lead = values.shape[1:-1]
    shaped = values.reshape(*(len(axis.labels) for axis in axes), *lead, *grid.shape)
    return Values((*(axis.name for axis in axes), *declared.dims), shaped, declared.attrs)


def _labels(axis: Axis) -> Plain:
    attributes = {"units": "1", "long_name": axis.meaning, "source": "this project"}
    return (axis.name,), np.array(axis.labels), attributes


def _own_attributes(
    counted: Tally, axes: Sequence[Axis], grid: Grid, min_dwell_s: float, values: Mapping[str, np.ndarray]
) -> dict[str, object]:
    """Return what maps say of how they were made."""
    note = why_no_interval(counted.blocks.size, bool(np.isfinite(values["event_rate_lower"]).any()))
    told = _warnings(counted, axes, grid) + ([] if note else _without_interval(axes, values))
    return {
        "interval_coverage": CONFIDENCE,
        "interval_method": "calendar blocks shared by all satellites, drawn with replacement",
        "interval_block_days": CALENDAR_BLOCK_DAYS,
        "interval_blocks": counted.blocks.size,
        **({"interval_note": note} if note else {}),
        "min_dwell_s": float(min_dwell_s),
        "events_off_map": counted.off_map,
        **({"split_by": " ".join(axis.name for axis in axes)} if axes else {}),
        **({"warning": "; ".join(told)} if told else {}),
        **_common_share(counted, axes, min_dwell_s),
        **{name: value for axis in axes for name, value in axis.attributes.items()},
    }


def _warnings(counted: Tally, axes: Sequence[Axis], grid: Grid) -> list[str]:
    """Return what a reader must know: parts without anything, bins finer than local time is known."""
    told = [axis.warning for axis in axes if axis.warning]
    for k, axis in enumerate(axes):
        seen = counted.dwell if axis.of_dwell and counted.dwell.shape[0] > 1 else counted.events
        by_part = seen.reshape(*(len(other.labels) for other in axes), -1)
        amount = np.moveaxis(by_part, k, 0).reshape(len(axis.labels), -1).sum(axis=1)
        if empty := [
            label for label, a in zip(axis.labels, amount, strict=True) if not a and label not in REST
        ]:
            told.append(f"no {'dwell' if axis.of_dwell else 'event'} in {axis.name} {', '.join(empty)}")
    return told + bins_too_fine(grid)


def bins_too_fine(grid: Grid) -> list[str]:
    """Say that bins are finer than local time is known, or nothing."""
    if np.diff(grid.MLT_edges).min() >= MLT_CERTAIN_H:
        return []
    return [f"bins of MLT under {MLT_CERTAIN_H:g} h: local time is uncertain by 0.2 h"]


def _without_interval(axes: Sequence[Axis], values: Mapping[str, np.ndarray]) -> list[str]:
    """Name the parts of a split that have rates and, unlike others, an interval in no bin."""
    has_rate, has_limit = (
        np.isfinite(values[name]).any(axis=(1, 2)) for name in ("event_rate", "event_rate_lower")
    )
    parts = list(product(*(axis.labels for axis in axes)))
    rest = np.array([bool(set(labels) & set(REST)) for labels in parts])
    some = values["events"].reshape(len(parts), -1).any(axis=1)
    lacks = has_rate & ~has_limit & (some | ~rest)
    without = [" ".join(labels) for labels, lacking in zip(parts, lacks, strict=True) if lacking]
    if not without:
        return []
    which = f"{len(without)} of {len(parts)} parts" if len(without) > MOST_NAMED else ", ".join(without)
    return [f"no intervals in {which}: too few calendar blocks were observed there, or had an event"]


def _common_share(counted: Tally, axes: Sequence[Axis], min_dwell_s: float) -> dict[str, float]:
    """Return which share of the time was observed in bins that both hemispheres were observed in."""
    names = [axis.name for axis in axes]
    if "hemisphere" not in names or counted.dwell.shape[0] == 1:
        return {}
    seconds = counted.dwell.sum(axis=1).reshape(*(len(axis.labels) for axis in axes), -1)
    by_half = np.moveaxis(seconds, names.index("hemisphere"), 0)
    both = (by_half >= max(min_dwell_s, schema.SAMPLING_S)).all(axis=0)
    return {"hemispheres_common_share": float(by_half[:, both].sum() / max(seconds.sum(), 1))}


def write_occurrence(path: Path, dataset: "AnyMaps") -> None:
    """Write the maps as NetCDF in one step; equal maps are equal bytes."""
    write_atomic(path, encode(dataset))


def load_occurrence(path: Path, run: str) -> "xr.Dataset":
    """Read one file of maps of a run.

    Raises
    ------
    LedgerError
        If there is none, or it is damaged.
    """
    import xarray as xr

    # Files of 0.1.0 have MLT in "hour", which xarray must not make time differences of.
    open_ = partial(xr.load_dataset, engine="scipy", decode_times=False)
    return _undamaged(lambda path: open_(path).set_coords(BOUNDS), path, run)


def read_maps(run: Run) -> Maps:
    """Read a run's own map without xarray; errors as `load_occurrence`."""
    return _undamaged(_decoded, run.occurrence, run.name)


def _decoded(path: Path) -> Maps:
    """Return the maps in a file of them; raises what `decode` does also if it does not tell its bins."""
    maps = decode(path.read_bytes())
    _ = [maps[name] for name in BOUNDS]
    return maps


def _undamaged(read: Callable[[Path], _M], path: Path, run: str) -> _M:
    """Return what is read of a file of maps, if there is one and it is whole."""
    if not path.exists():
        raise LedgerError(f"run {run!r} has no maps yet; run map first")
    try:
        return read(path)
    except (ValueError, TypeError, KeyError, IndexError, EOFError) as e:  # what SciPy raises of other bytes
        again = f"reprocess map WORK --run {run}"
        raise LedgerError(f"{path} is damaged ({type(e).__name__}); {again} makes it again") from e


def grid_of(maps: "AnyMaps") -> Grid:
    """Return the grid that maps were made on."""
    return any_grid(*edges_of(maps))


_EXACT = {"events", "dwell", "precipitation", "blocks"}


def compare_occurrence(run: Run, receipts: Iterable[DetectReceipt]) -> list[tuple[str, str]]:
    """Hold `occurrence.nc` against maps made again from the parts, on its own grid.

    Returns
    -------
    list of tuple of str
        What should be and what is, for every variable that differs: counts and seconds exactly,
        what is computed from them within 1e-9, for other versions of SciPy.
    """
    stored = read_maps(run)
    again = make_maps(run, receipts, grid_of(stored), float(stored.attrs["min_dwell_s"]))
    return [
        (
            f"{name} with sum {np.nansum(made.values):.9g}",
            f"sum {np.nansum(stored[name].values):.9g}" if name in stored else "no such variable",
        )
        for name, made in again.variables.items()
        if name not in again.coordinates and not (name in stored and _equal(name, stored[name], made))
    ]


def _equal(name: str, stored: Values, made: Values) -> bool:
    """Tell whether a variable is as it is made."""
    return np.allclose(stored.values, made.values, 0 if name in _EXACT else 1e-9, 0, equal_nan=True)
