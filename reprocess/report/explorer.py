"""The explorer: one page in which a run's maps, profiles and events are chosen and looked at.

The page holds sums of integers (records observed and within events, by satellite, month, calendar block,
hemisphere, bin, flags and part of an index if one is given) and the event table; its script adds them up as
`maps.tally` does and divides last. So what it shows of any choice is what ``reprocess map`` has of the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from reprocess import schema
from reprocess.maps.dials import THIN, UNOBSERVED, ZERO, dwell_scale, rate_scale
from reprocess.maps.intervals import calendar_block, facts_of_intervals
from reprocess.maps.split import SEASONS, Axis, Columns, event_days
from reprocess.maps.stage import bins_of
from reprocess.maps.tally import chosen_blocks, place_events
from reprocess.pages.packed import pack
from reprocess.pages.render import render, script
from reprocess.pages.style import CLASS_COLOURS, CLASS_LABELS
from reprocess.report.passages import Passages, passage_arrays, passage_facts
from reprocess.schema import EVENT_CLASSES, EVENT_COLUMNS, FLAGS, HEMISPHERES, RECORDS_OF
from reprocess.schema.grid import FINE, Grid, coarse_bins
from reprocess.work.parts import bits_told, read_dwell, read_events
from reprocess.work.paths import Run
from reprocess.work.positions import read_positions
from reprocess.work.receipts import DetectReceipt

LEFT_OUT = (
    "start_index", "stop_index", "L_min", "L_max", "max_e1_90", "max_e2_90", "max_e3_90", "model", "run",
    "source_sha256", "origin", "stop_date", "structure",
)  # fmt: skip
"""Columns of the event table that the page leaves out: they would be half of its bytes."""

KEPT = {name: column for name, column in EVENT_COLUMNS.items() if name not in LEFT_OUT}

_HUES = 64
_FLAGS = 2 ** len(FLAGS)
_EPOCH_DAY = int(np.datetime64(schema.EPOCH, "D").astype(int))


@dataclass(frozen=True)
class Activity:
    """An index by whose parts the page can choose."""

    axis: Axis
    """Made by `maps.activity.index_axis` of all days of the run."""
    words: tuple[str, ...] = ()
    """Options by which ``reprocess map`` splits by the same."""


@dataclass(frozen=True)
class Periods:
    """Days that are in one month and in one calendar block, in order of time."""

    months: np.ndarray
    """datetime64[M], shape (n,)."""
    blocks: np.ndarray
    """Calendar block, shape (n,)."""
    of_day: np.ndarray
    """Period of each day of the `day` axis, -1 of days that the run has not."""


def periods_of(days: np.ndarray) -> Periods:
    """Return the periods of days on the `day` axis."""
    months = (np.datetime64(schema.EPOCH, "D") + days).astype("datetime64[M]")
    pairs = np.stack([months.astype(int), calendar_block(days)])
    found, which = np.unique(pairs, axis=1, return_inverse=True)
    of_day = np.full(schema.DAYS, -1)
    of_day[days] = which.ravel()
    return Periods(found[0].astype("datetime64[M]"), found[1], of_day)


def make_explorer(
    run: Run,
    receipts: Iterable[DetectReceipt],
    grid: Grid,
    min_dwell_s: float,
    lacking: int = 0,
    activity: Activity | None = None,
    passages: Passages | None = None,
    events: pd.DataFrame | None = None,
) -> bytes:
    """Return the explorer of a run as one HTML file.

    Parameters
    ----------
    run : Run
    receipts : iterable of DetectReceipt
        Receipts of its blocks.
    grid : Grid
        Bins of the maps, made by `schema.grid.make_grid`.
    min_dwell_s : float
        Bins with less dwell get no rate.
    lacking : int
        Satellite-days that were asked for and are not in the run; the page tells it.
    activity : Activity, optional
        Sums are those of the position parts of the grid then, which must be there.
    passages : Passages, optional
        Records of some events, made by `passages.find_passages`.
    events : DataFrame, optional
        The run's event table, if it was read before.

    Returns
    -------
    bytes
        UTF-8; equal WORK gives equal bytes.

    Raises
    ------
    LedgerError
        If nothing is done, or a part is missing or damaged.
    """
    done = chosen_blocks(run, receipts)
    satellites = sorted({receipt["satellite"] for receipt in done})
    dates = [(satellites.index(r["satellite"]), schema.day_index(date)) for r in done for date in r["days"]]
    every = np.unique([day for _, day in dates])
    periods = periods_of(every)
    days = np.zeros((len(satellites), periods.months.size), np.int32)
    for satellite, day in dates:
        days[satellite, periods.of_day[day]] += 1
    axis, count = activity.axis if activity else None, grid.shape[0] * grid.shape[1]
    rows = read_positions(run, done, grid) if activity else read_dwell(run, done)
    bins = np.tile(np.arange(count), len(HEMISPHERES)) if activity else coarse_bins(grid)
    groups, sums = sum_records(rows, bins, grid, satellites, periods, axis)
    table = read_events(run, done) if events is None else events
    facts = _facts(run, grid, min_dwell_s, periods) | {
        "satellites": satellites,
        "groups": groups,
        "flags": _flags(groups, table),
        "told": bits_told(run, done),
        "event_count": len(table),
        "columns": [[name, c.dtype, c.units, c.meaning] for name, c in KEPT.items()],
        "dates": [str(schema.day_date(int(day))) for day in every[[0, -1]]],
        "satellite_days": len(dates),
        "lacking": lacking,
        "activity": activity and _facts_of_activity(activity),
        "passages": passages and passage_facts(passages),
    }
    columns = event_arrays(table, grid, satellites, periods, axis)
    if passages:
        columns |= passage_arrays(passages, table)
    text = pack(facts, {"days": days.ravel(), **sums, **columns}, steps=("place", "start_day"))
    return render(
        "explorer.html", run=run.name, facts=facts, simulated=_simulated(done), packed=text,
        script=script("explorer.js"), left_out=LEFT_OUT,
    )  # fmt: skip


def _flags(groups: Sequence[Sequence[int]], table: pd.DataFrame) -> list[tuple[str, int, str]]:
    """Return name, bit and meaning of the flags that anything has."""
    has = int(
        np.bitwise_or.reduce(
            [*table["quality_flags"].to_numpy(int), *(flags for _, _, flags, _ in groups), 0]
        )
    )
    return [(flag.name, flag.bit, flag.meaning) for flag in FLAGS if flag.bit & has]


def _simulated(receipts: Sequence[DetectReceipt]) -> int:
    return sum(bool(entry.get("simulated")) for r in receipts for entry in r["days"].values())


def _facts_of_activity(activity: Activity) -> dict[str, Any]:
    axis = activity.axis
    facts = {"name": axis.name, "meaning": axis.meaning, "labels": axis.labels, "warning": axis.warning}
    return facts | {"words": activity.words, "files": axis.attributes.get("index_files", "")}


def _bin_words(bins: Mapping[str, Any], kept: Mapping[str, Any] | None) -> list[str]:
    """Return the options of `reprocess map` for these bins; none if the run's map has them."""
    if bins == kept:
        return []
    L, MLT = (",".join(f"{edge:.10g}" for edge in bins[name]) for name in ("L_edges", "MLT_edges"))
    return ["--l-edges", L, "--mlt-edges", MLT, "--min-dwell", f"{bins['min_dwell_s'] / 60:.10g}"]


def _facts(run: Run, grid: Grid, min_dwell_s: float, periods: Periods) -> dict[str, Any]:
    """Return what the page knows besides sums and events."""
    identity = run.read_identity() or {}
    blocks, position = np.unique(periods.blocks, return_inverse=True)
    one = np.ones(1)
    hues, paler = (
        scale.cmap(np.linspace(0, 1, _HUES)) for scale in (rate_scale(one, one, ""), dwell_scale(one))
    )
    return {
        "run": run.name,
        **{name: str(identity.get(name, "")) for name in ("model", "mode", "code_version")},
        "L_edges": grid.L_edges.tolist(),
        "MLT_edges": grid.MLT_edges.tolist(),
        "min_dwell_s": max(float(min_dwell_s), schema.SAMPLING_S),
        "bin_words": _bin_words(bins_of(grid, min_dwell_s), identity.get("bins")),
        "sampling_s": schema.SAMPLING_S,
        "months": [str(month) for month in periods.months],
        "blocks": int(blocks.size),
        "block_of": position.ravel().tolist(),
        "seasons": SEASONS,
        "hemispheres": HEMISPHERES,
        "classes": [[name, CLASS_LABELS[name], CLASS_COLOURS[name]] for name in EVENT_CLASSES],
        "hues": [to_hex(hue) for hue in hues],
        "hues_of_dwell": [to_hex(hue) for hue in paler],
        "colours": {"zero": to_hex(ZERO), "thin": to_hex(THIN), "unobserved": to_hex(UNOBSERVED)},
        "interval": facts_of_intervals(int(blocks.size)),
    }


def sum_records(
    rows: Iterable[tuple[str, Columns]],
    bins: np.ndarray,
    grid: Grid,
    satellites: Sequence[str],
    periods: Periods,
    axis: Axis | None = None,
) -> tuple[list[list[int]], dict[str, np.ndarray]]:
    """Sum records by what they are counted in, flags, satellite, period, hemisphere and bin.

    Parameters
    ----------
    rows : iterable of tuple of str and dict
        Satellite and columns of each block's dwell.
    bins : ndarray of int
        Bin of each cell of the rows, -1 outside the grid.
    grid : Grid
    satellites : sequence of str
    periods : Periods
    axis : Axis, optional
        What the records are split by besides.

    Returns
    -------
    list of list of int, and dict of str to ndarray of int32, shape (n,)
        For each group its kind (0 all records, 1 and 2 those within events of each class), part of the
        axis, flags (those of the records and, within events, those of the events) and length; of all groups
        one after the other
        ``place``, ((satellite * periods + period) * 2 + hemisphere) * bins + bin, and ``records``.
    """
    count, parts = grid.shape[0] * grid.shape[1], len(axis.labels) if axis else 1
    keys, sums = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for satellite, columns in rows:
        bin_ = bins[columns["cell"]]
        slot = satellites.index(satellite) * periods.months.size + periods.of_day[columns["day"]]
        place = (2 * slot + columns.get("south", columns["cell"] >= FINE.cells // 2)) * count + bin_
        part = _FLAGS * (axis.of_dwell(satellite, columns, "") if axis and axis.of_dwell else 0)
        flags = columns.get("quality_flags", np.zeros(place.size, np.int32)).astype(np.int64)
        for kind, name in enumerate(RECORDS_OF.values()):
            own = columns.get(f"quality_flags_{tuple(EVENT_CLASSES)[kind - 1]}", 0) if kind else 0
            kept = (bin_ >= 0) & (columns[name] > 0)
            found = _grouped((part + (flags | own))[kept], place[kept], columns[name][kept])
            keys.append(found[0] + (kind * parts * _FLAGS << 32))
            sums.append(found[1])
    key, records = _added(np.concatenate(keys), np.concatenate(sums))
    groups, lengths = np.unique(key >> 32, return_counts=True)
    split = np.unravel_index(groups, (len(RECORDS_OF), parts, _FLAGS))
    told = np.stack([*split, lengths], axis=1).tolist()
    place = (key & (2**32 - 1)).astype(np.int32)
    return told, {"place": place, "records": records.astype(np.int32)}


def _grouped(group: np.ndarray, place: np.ndarray, records: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each combination of group and place once, as one number, and its sum.

    Places of a block are near to each other and groups are few: there is room to count in.
    """
    if not place.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    present = np.zeros(int(group.max()) + 1, bool)
    present[group] = True
    values, first = np.flatnonzero(present), int(place.min())
    width = int(place.max()) - first + 1
    sums = np.bincount((np.cumsum(present) - 1)[group] * width + place - first, records)
    at = np.flatnonzero(sums)
    return (values[at // width] << 32) + first + at % width, sums[at].astype(np.int64)


def _added(key: np.ndarray, records: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each key once, increasing, and its sum: months go on from one block into the next."""
    order = np.argsort(key, kind="stable")
    key, total = key[order], np.cumsum(records[order])
    last = np.flatnonzero(np.append(key[1:] != key[:-1], True)) if key.size else np.empty(0, int)
    return key[last], np.diff(total[last], prepend=0)


def event_arrays(
    table: pd.DataFrame,
    grid: Grid,
    satellites: Sequence[str],
    periods: Periods,
    axis: Axis | None = None,
) -> dict[str, np.ndarray]:
    """Return the columns of the event table as arrays of a page.

    Events are in the order of the table, so that an event's number is its row, from 1.
    """
    on_map, _, bin_ = place_events(table, grid)
    bins = np.full(len(table), -1, np.int32)
    bins[on_map] = bin_
    milliseconds = {
        name: table[f"{name}_time"].to_numpy("datetime64[ms]").astype(np.int64)
        for name in ("start", "stop", "peak")
    }
    start, day = milliseconds["start"], event_days(table)
    since = start // schema.MS_PER_DAY
    arrays = {
        "satellite": np.searchsorted(satellites, table["satellite"].to_numpy(str)).astype(np.uint8),
        "event_class": np.select(
            [(table["event_class"] == name).to_numpy() for name in EVENT_CLASSES], [0, 1]
        ).astype(np.uint8),
        "period": periods.of_day[day].astype(np.uint16),
        "bin": bins,
        "start_day": since.astype(np.int32),
        "start_ms": (start % schema.MS_PER_DAY).astype(np.int32),
        "stop_after": (milliseconds["stop"] - start).astype(np.int32),
        "peak_after": (milliseconds["peak"] - start).astype(np.int32),
        "date_after": (day + _EPOCH_DAY - since).astype(np.int32),
    }
    if axis:
        arrays["part"] = axis.of_events(table).astype(np.uint8)
    return arrays | {
        name: table[name].to_numpy(column.dtype)
        for name, column in KEPT.items()
        if column.dtype in ("float32", "int32")
    }
