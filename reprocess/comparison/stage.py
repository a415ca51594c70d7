"""Two runs compared: what they are, which days both have, what became of each event, how far they agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.classifier.bundle import find_model
from reprocess.classifier.engine import get_engine
from reprocess.comparison.agreement import (
    CONFIDENCE,
    block_numbers,
    count_kinds,
    count_pairs,
    count_seconds,
    count_shifts,
    score_pairs,
    score_seconds,
)
from reprocess.comparison.causes import NOT_SHOWN, differing, explain, only_cause
from reprocess.comparison.maps import Key, RateMaps, compare_maps, map_blocks
from reprocess.comparison.pairs import pair_events
from reprocess.errors import ComparisonError
from reprocess.maps.intervals import CALENDAR_BLOCK_DAYS, MIN_BLOCKS, calendar_block
from reprocess.pages.words import counted
from reprocess.schema import PAIR_COLUMNS
from reprocess.schema.grid import Grid
from reprocess.work.ledger import source_digest
from reprocess.work.parts import EVENT_ORDER, read_event_columns
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import ClassifiedDays, DetectReceipt, days_of

_COMPARED = ("date", "event_class", "start_time", "stop_time", "L", "MLT", "latitude", "quality_flags")
"""Columns of events that matching, maps and causes look at: a sixth of them all."""


@dataclass(frozen=True)
class Side:
    """One of the two runs."""

    label: str
    """A or B."""
    work: Work
    run: Run
    identity: Mapping[str, Any]
    receipts: list[DetectReceipt]
    days: ClassifiedDays

    @classmethod
    def of(cls, label: str, work: Work, run: Run) -> "Side":
        """Read what a run is and which days it has.

        Raises
        ------
        ComparisonError
            If no day of it is done.
        """
        receipts = list(run.ledger.done())
        days = days_of(receipts)
        if not days:
            raise ComparisonError(
                f"run {run.name!r} in {work.root} has no satellite-day that is done; run detect first"
            )
        return cls(label, work, run, run.read_identity() or {}, receipts, days)


@dataclass(frozen=True)
class Comparison:
    """All that two runs were compared in."""

    a: Side
    b: Side
    pairs: pd.DataFrame
    """`schema.PAIR_COLUMNS`."""
    facts: dict[str, Any]
    """Days, counts, scores and causes, ready for JSON."""
    maps: RateMaps
    grid: Grid


def compare_runs(a: Side, b: Side, grid: Grid, min_dwell_s: float, *, by_rule: bool = False) -> Comparison:
    """Compare two runs on the satellite-days that both have.

    Parameters
    ----------
    a, b : Side
    grid : Grid
        Bins of the maps.
    min_dwell_s : float
        Dwell below which a bin has no rate.
    by_rule : bool
        Whether to look for the rule behind each difference, which does the days again: about 0.8 s each.

    Raises
    ------
    ComparisonError
        If no day is in both, or rules are to be looked for and cannot be.
    ModelError
        If rules are to be looked for and the model is not on this machine.
    """
    common = set(a.days.keys() & b.days.keys())
    if not common:
        raise ComparisonError(
            f"runs {a.run.name!r} and {b.run.name!r} have no satellite-day in common: "
            f"A has {_span(a.days)}, B has {_span(b.days)}"
        )
    blocks = block_numbers(schema.day_index(date) for _, date in common)
    first, second = tables = [_events(side, common) for side in (a, b)]
    pairs = pair_events(first, second)
    pairs["cause"] = _causes(a, b, pairs, common, by_rule)
    dwell_s = _dwell_s(a, b, common, blocks)
    seconds = count_seconds(first, second, dwell_s.min(axis=0), blocks)
    ours, theirs = (
        map_blocks(side.run, side.receipts, table, common, grid, blocks)
        for side, table in zip((a, b), tables, strict=True)
    )
    facts = {
        "runs": {side.label: _identity(side) for side in (a, b)},
        "differs": [
            {"name": name, "A": ours, "B": theirs} for name, ours, theirs in differing(a.identity, b.identity)
        ],
        "days": _days(a, b, common),
        "dwell_s": {side.label: int(row.sum()) for side, row in zip((a, b), dwell_s, strict=True)},
        "events": {side.label: len(table) for side, table in zip((a, b), tables, strict=True)},
        "kinds": count_kinds(pairs),
        "shifts": count_shifts(pairs),
        "entangled": int(pairs["entangled"].sum()),
        "causes": _count_causes(pairs),
        "by_event": score_pairs(count_pairs(pairs, blocks)),
        "by_second": score_seconds(seconds),
        "intervals": _intervals(blocks.size),
    }
    return Comparison(a, b, pairs[list(PAIR_COLUMNS)], facts, compare_maps(ours, theirs, min_dwell_s), grid)


def _span(days: ClassifiedDays) -> str:
    dates, satellites = sorted(date for _, date in days), sorted({satellite for satellite, _ in days})
    return f"{len(days)} of {', '.join(satellites)} from {dates[0]} to {dates[-1]}"


def _events(side: Side, days: set[Key]) -> pd.DataFrame:
    """Return what is compared of the events that begin on these days, in the order of `read_events`."""
    events = read_event_columns(side.run, side.receipts, _COMPARED)
    keys = pd.MultiIndex.from_frame(events[["satellite", "date"]])
    return events[keys.isin(list(days))].sort_values(EVENT_ORDER, ignore_index=True)


def _causes(a: Side, b: Side, pairs: pd.DataFrame, common: set[Key], by_rule: bool) -> pd.Series:
    """Return the cause of each pair; empty where nothing differs."""
    cause = only_cause(a.identity, b.identity)
    of_days = {key: _same_inputs(a.days[key], b.days[key]) for key in common}
    start = pairs["start_time_a"].fillna(pairs["start_time_b"]).dt.strftime("%Y-%m-%d")
    same = np.array([of_days.get(key, False) for key in zip(pairs["satellite"], start, strict=True)], bool)
    differs = (pairs["kind"] != "kept").to_numpy()
    found = pd.Series(
        np.where(differs, np.where(same, cause, NOT_SHOWN), ""), index=pairs.index, dtype=object
    )
    if by_rule:
        if a.work.root != b.work.root:
            raise ComparisonError(
                f"the rules behind differences are found in one archive, and A is of {a.work.root}, B of "
                f"{b.work.root}; compare two runs of one WORK, or leave --explain out"
            )
        bundle, engine = get_engine(
            find_model(a.identity["model"]), a.identity["model_sha256"], a.identity["engine"]
        )
        identities = {"a": a.identity, "b": b.identity}
        for row, name in explain(a.work, pairs[same], identities, bundle, engine):
            known = name != NOT_SHOWN or cause == NOT_SHOWN
            found[row] = name if known else f"{cause}, rule {NOT_SHOWN}"
    return found


def _same_inputs(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Tell whether a day was classified from the same file, with the same days around it where both look."""
    names = ("source_sha256", *(name for name in ("neighbours", "background") if name in a and name in b))
    return all(a.get(name) == b.get(name) for name in names)


def _dwell_s(a: Side, b: Side, common: set[Key], blocks: np.ndarray) -> np.ndarray:
    """Return the seconds that each run observed in each calendar block, shape (2, n)."""
    keys = sorted(common)
    rows = np.searchsorted(
        blocks, calendar_block(np.array([schema.day_index(date) for _, date in keys], int))
    )
    seconds = [[side.days[key]["classifiable"] * schema.SAMPLING_S for key in keys] for side in (a, b)]
    return np.stack([np.bincount(rows, values, blocks.size) for values in seconds])


def _identity(side: Side) -> dict[str, Any]:
    names = ("model", "model_sha256", "mode", "rules", "engine", "code_version")
    card = side.identity.get("model_card", {})
    return {
        "work": side.work.root.name,
        "run": side.run.name,
        **{name: side.identity.get(name) for name in names},
        "title": card.get("title", ""),
        "source_digest": source_digest(side.receipts),
        "simulated_satellite_days": sum(bool(day.get("simulated")) for day in side.days.values()),
    }


def _days(a: Side, b: Side, common: set[Key]) -> dict[str, Any]:
    """Return which days are compared, and which of each run are not, by satellite."""
    dates = sorted(date for _, date in common)
    other_files = sorted(
        key for key in common if a.days[key]["source_sha256"] != b.days[key]["source_sha256"]
    )
    return {
        "common": len(common),
        "first": dates[0],
        "last": dates[-1],
        "satellites": _by_satellite(common),
        "only": {side.label: _by_satellite(side.days.keys() - common) for side in (a, b)},
        "of_other_files": [" ".join(key) for key in other_files],
    }


def _by_satellite(days: Any) -> dict[str, int]:
    names = [satellite for satellite, _ in days]
    return {name: names.count(name) for name in sorted(set(names))}


def _count_causes(pairs: pd.DataFrame) -> list[dict[str, Any]]:
    """Return how many differences of each kind have which cause, the most frequent first."""
    differ = pairs[pairs["kind"] != "kept"]
    counts = differ.groupby(["kind", "entangled", "cause"]).size().reset_index(name="pairs")
    order = {kind: k for k, kind in enumerate(schema.PAIR_KINDS)}
    rows = sorted(
        counts.to_dict("records"), key=lambda r: (order[r["kind"]], -r["pairs"], r["cause"], r["entangled"])
    )
    return [
        {"kind": r["kind"], "entangled": bool(r["entangled"]), "cause": r["cause"], "pairs": int(r["pairs"])}
        for r in rows
    ]


def _intervals(blocks: int) -> dict[str, Any]:
    given = blocks >= MIN_BLOCKS
    of = f"{counted(blocks, 'calendar block')} of {CALENDAR_BLOCK_DAYS} days"
    why = (
        f"{100 * CONFIDENCE:g} %, from {of} that all satellites share, drawn with replacement"
        if given
        else f"none: the days lie in {of}, and resampling says nothing below {MIN_BLOCKS}"
    )
    return {"given": given, "blocks": blocks, "block_days": CALENDAR_BLOCK_DAYS, "words": why}
