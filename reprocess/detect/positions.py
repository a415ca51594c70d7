"""The pass over positions: where a run's observed time was each minute, by the cells of a map.

One task per block. It writes a whole part in one step and nothing passes through the scheduler. What is
counted is what `detect.dwell` counts, by the same rules, from the archive's records and the run's events.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from reprocess import schema
from reprocess.detect.dwell import place, spread
from reprocess.detect.flags import GAP_MS, peak_of, record_flags
from reprocess.detect.known import event_intervals, known_stretch
from reprocess.detect.rules.mode import Look, Mode, Stretch
from reprocess.detect.rules.modes import mode_of
from reprocess.detect.series import Series
from reprocess.errors import LedgerError
from reprocess.execution.mapping import Progress, count_blocks
from reprocess.execution.share import Share, client_of
from reprocess.execution.workers import Workers
from reprocess.pages.words import counted
from reprocess.schema.grid import Grid
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.described import made_from
from reprocess.work.held import held_near
from reprocess.work.parts import part_path, read_part
from reprocess.work.paths import Run, Work
from reprocess.work.positions import position_origin, position_path, write_positions
from reprocess.work.receipts import ClassifiedDay, DetectReceipt

if TYPE_CHECKING:
    from reprocess.detect.known import Events

_MS_PER_MINUTE = 60_000


@dataclass(frozen=True)
class PositionPlan:
    """One block to look through."""

    work: Path
    run: str
    satellite: str
    block: int
    days: tuple[int, ...]
    """Positions on the `day` axis of the days that were classified."""
    grid: Grid


def plan_positions(work: Work, run: Run, grid: Grid, choice: Choice = EVERYTHING) -> list[PositionPlan]:
    """Return the blocks whose position parts are missing or made from something else."""
    plans = []
    for receipt in choice.receipts(run.ledger.done()):
        block = receipt["satellite"], receipt["block"]
        if not position_origin(receipt, grid).items() <= made_from(position_path(run, grid, *block)).items():
            whole = cast(DetectReceipt, run.ledger.read(*block))  # whose days a choice must not lessen
            days = tuple(sorted(map(schema.day_index, whole["days"])))
            plans.append(PositionPlan(work.root, run.name, *block, days, grid))
    return plans


def find_positions(
    work: Work, run: Run, grid: Grid, choice: Choice, where: Workers | Share, progress: Progress
) -> int:
    """Make the position parts that are missing or outdated; return of how many satellite-days.

    Raises
    ------
    IncompleteError
        If a block could not be looked through; the others are.
    """

    def say(days: int) -> str:
        return f"positions of {counted(days, 'day')}"

    plans = plan_positions(work, run, grid, choice)
    return count_blocks(
        client_of(where, plans), positions_of_block, plans, "positions", progress, say, "looked through"
    )


def positions_of_block(plan: PositionPlan) -> int:
    """Write the positions of a block; return of how many days they are.

    Raises
    ------
    LedgerError
        If the archive is not what the run's days were classified from.
    """
    work = Work(plan.work)
    run = work.run(plan.run)
    receipt = cast(DetectReceipt, run.ledger.read(plan.satellite, plan.block))
    _require_same(work, plan, receipt)
    part = read_part(
        part_path(run.events, plan.satellite, plan.block), receipt["outputs"]["events"], _OF_EVENTS
    )
    # Arrays of Python's strings: a day's few events are looked at one by one, which Arrow's are slow for.
    events = {
        name: np.array(part[name].to_pylist(), object) if name in _TEXTS else part[name].to_numpy()
        for name in _OF_EVENTS
    }
    mode = mode_of(run.read_identity() or {})
    series = Series(work, plan.satellite, mode.arrays, plan.days)
    rows = []
    for day in plan.days:
        date = schema.day_date(day).isoformat()
        facts = receipt["days"][date]
        own = events["date"] == date
        of_day = {name: values[own] for name, values in events.items()}
        rows.append(_of_day(series, day, mode, of_day, facts, plan))
    empty = np.empty(0, np.int32)
    columns = {
        name: np.concatenate([empty, *(row[name] for row in rows)]) for name in schema.POSITION_COLUMNS
    }
    path = position_path(run, plan.grid, plan.satellite, plan.block)
    write_positions(path, columns, position_origin(receipt, plan.grid))
    return len(plan.days)


_TEXTS = ("date", "stop_date", "event_class")

_OF_EVENTS = (*_TEXTS, "start_index", "stop_index", "quality_flags")


def _require_same(work: Work, plan: PositionPlan, receipt: DetectReceipt) -> None:
    """Make sure that the archive's days are those that were classified."""
    near = range(max(plan.block - 2, 0), plan.block + 3)
    held = held_near(work.ledger, plan.satellite, near)
    for date, facts in sorted(receipt["days"].items()):
        if changes := held.changes(plan.satellite, date, facts):
            now, then = changes[0]
            raise LedgerError(
                f"the archive has changed since {plan.satellite} {date} was classified ({now}, then {then}); "
                "give the command that made the run again"
            )


def _of_day(
    series: Series, day: int, mode: Mode, events: "Events", facts: ClassifiedDay, plan: PositionPlan
) -> dict[str, np.ndarray]:
    """Return the rows of a day."""
    stretch = known_stretch(series, day, mode, events)
    look = mode.look(stretch)
    rows, count = rows_of_day(stretch, look, events, facts, day, plan.grid)
    claimed = facts.get("classifiable", count)
    if count != claimed:
        raise LedgerError(
            f"{plan.satellite} {schema.day_date(day)} has {count} classifiable records in the archive and "
            f"{claimed} in the run's ledger; reprocess audit tells more"
        )
    return rows


def rows_of_day(
    stretch: Stretch, look: Look, events: "Events", facts: ClassifiedDay, day: int, grid: Grid
) -> tuple[dict[str, np.ndarray], int]:
    """Return the rows of a day's position part by `schema.POSITION_COLUMNS`.

    Parameters
    ----------
    stretch, look
        The day's records, and what the run's mode sees in them.
    events : DataFrame, or mapping of str to ndarray
        The day's rows of the event table.
    facts : dict
        The day's entry in the run's ledger.
    day : int
        Position on the `day` axis.
    grid : Grid
        Cells of the map.

    Returns
    -------
    tuple of dict of str to ndarray and int
        In order of time; and the number of classifiable records, within the grid or not.
    """
    intervals, flags = event_intervals(events, facts, stretch)
    columns, count = find_rows(stretch, look, intervals, flags, record_flags(stretch, look), day, grid)
    carried = {name: facts.get("carried", {}).get(name, 0) for name in intervals}
    peaks = {
        name: [peak_of(stretch, first, last) for first, last in found[bool(carried[name]) :].tolist()]
        for name, found in intervals.items()
    }
    return columns | _peaks(columns.pop("first"), columns["records"], peaks), count


def find_rows(
    stretch: Stretch,
    look: Look,
    events: dict[str, np.ndarray],
    flags: dict[str, np.ndarray],
    of_records: np.ndarray,
    day: int,
    grid: Grid,
) -> tuple[dict[str, np.ndarray], int]:
    """Return the rows of a day's position part, in order of time.

    Parameters
    ----------
    stretch, look, events, flags, of_records, day
        As `dwell.count_dwell`.
    grid : Grid
        Cells of the map.

    Returns
    -------
    tuple of dict of str to ndarray and int
        By `schema.POSITION_COLUMNS` but for peaks, with the position in the stretch of the ``first`` record
        of each row; and the number of classifiable records, within the grid or not.
    """
    own = look.own(stretch)
    at = look.windows.offset + own.start + np.flatnonzero(look.possible[own])
    cell, count = place(stretch, look, grid)[at], at.size
    at, cell = at[cell >= 0], cell[cell >= 0]
    time = stretch.records["time"][at]
    start = int(np.datetime64(schema.day_date(day), "ms").astype(np.int64))
    keys = {"minute": (time - start) // _MS_PER_MINUTE, "cell": cell, "quality_flags": of_records[at]}
    within = {}
    for name in events:
        inside, bits = spread(events[name], flags[name], look.windows.records)
        within[f"records_{name}"], keys[f"quality_flags_{name}"] = inside[at], bits[at]
    enters = np.ones(at.size, bool)
    enters[1:] = (np.diff(at) != 1) | (np.diff(time) > GAP_MS) | (np.diff(cell) != 0)
    new = enters.copy()
    for values in (*keys.values(), *within.values()):
        new[1:] |= values[1:] != values[:-1]
    starts = np.flatnonzero(new)
    records = np.diff(np.append(starts, at.size))
    rows = {name: values[starts] for name, values in keys.items()}
    rows |= {name: records * inside[starts] for name, inside in within.items()}
    rows |= {"records": records, "enters": enters[starts], "day": np.full(starts.size, day)}
    return {name: values.astype(np.int32) for name, values in rows.items()} | {"first": at[starts]}, count


def _peaks(first: np.ndarray, records: np.ndarray, peaks: dict[str, list[int]]) -> dict[str, np.ndarray]:
    """Return how many of these records, by class, are among those of each row."""
    found = {}
    for name, positions in peaks.items():
        row = np.searchsorted(first, positions, side="right") - 1
        known = (
            (row >= 0) & (np.array(positions, int) < first[row] + records[row]) if first.size else row >= 0
        )
        found[f"peaks_{name}"] = np.bincount(row[known], minlength=first.size).astype(np.int32)
    return found
