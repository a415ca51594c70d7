"""How far two runs agree: by event and by second, with intervals over calendar blocks.

F1 is 2 x common / (A + B), which is the same whichever run is taken for the truth. Cohen's kappa (1960)
is (p - e) / (1 - e), with p the share that agrees and e what two independent runs with these totals
would agree in. By second, each second within the dwell has one of the three classes; REP and CSS are so
rare that kappa and the F1 of "any event" nearly coincide.

Intervals resample calendar blocks that all satellites share: what drives precipitation acts on all of them
and lasts for days, so neither events nor satellite-days are independent. Quantiles of what is drawn are moved
away from the score as those of maps are (`maps.intervals.block_interval`), for Kish's number of blocks.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.evaluation.truth import label_records
from reprocess.maps.intervals import (
    CALENDAR_BLOCK_DAYS,
    MIN_BLOCKS,
    calendar_block,
    effective_blocks,
    spread_limits,
)
from reprocess.physics.coincidence import milliseconds
from reprocess.schema import CLASSES, EVENT_CLASSES, PAIR_KINDS

CONFIDENCE = 0.95

RESAMPLES = 1000
_SEED = 20220912
_SECOND_MS = 1000
_SAMPLING_MS = round(schema.SAMPLING_S * _SECOND_MS)
_BLOCK_MS = CALENDAR_BLOCK_DAYS * schema.MS_PER_DAY
_EPOCH_MS = int(np.datetime64(schema.EPOCH, "ms").astype(np.int64))

Statistic = Callable[[np.ndarray], np.ndarray]
"""From sums over blocks, shape (..., m), to a number for each, shape (...)."""


def block_numbers(days: Iterable[int]) -> np.ndarray:
    """Return the calendar blocks that positions on the `day` axis lie in, increasing, each once."""
    return np.unique(calendar_block(np.fromiter(days, np.int64)))


def block_at(time: np.ndarray) -> np.ndarray:
    """Return the calendar block of times in milliseconds since 1970."""
    return (time - _EPOCH_MS) // _BLOCK_MS


def count_pairs(pairs: pd.DataFrame, blocks: np.ndarray) -> np.ndarray:
    """Count pairs by calendar block, classes in A and B (0: no event) and whether the event is as it was.

    Parameters
    ----------
    pairs : pandas.DataFrame
        What `pairs.pair_events` returns.
    blocks : ndarray of int64, shape (n,)
        What `block_numbers` returns for the days that are compared.

    Returns
    -------
    ndarray of int64, shape (n, 3, 3)
        ``[block, class in A, class in B]`` by positions in `schema.CLASSES`.
    """
    start = np.minimum(
        *(pairs[f"start_time_{x}"].pipe(_ms_or_far) for x in ("a", "b"))  # of the earlier of the two
    )
    row = np.searchsorted(blocks, block_at(start))
    kinds = [pairs[f"event_class_{x}"].map(EVENT_CLASSES).fillna(0).to_numpy(np.int64) for x in ("a", "b")]
    flat = (row * 3 + kinds[0]) * 3 + kinds[1]
    return np.bincount(flat, minlength=blocks.size * 9).reshape(blocks.size, 3, 3)


def _ms_or_far(times: pd.Series) -> np.ndarray:
    return np.where(times.isna(), np.iinfo(np.int64).max, milliseconds(times))


def count_seconds(a: pd.DataFrame, b: pd.DataFrame, dwell_s: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Count seconds by calendar block and class in A and B.

    Parameters
    ----------
    a, b : pandas.DataFrame
        Event tables. An event lasts from its first record to two seconds after its last. Where two of a
        run share a record, its class is that of the event that begins later, as in `evaluation.truth`.
    dwell_s : ndarray, shape (n,)
        Seconds observed in each block.
    blocks : ndarray of int64, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n, 3, 3)
        Seconds with neither event are what is left of the dwell.
    """
    counts = np.zeros((blocks.size, 3, 3))
    edges_of_blocks = _EPOCH_MS + np.append(blocks, blocks[-1:] + 1) * _BLOCK_MS
    for satellite in sorted({*a["satellite"].unique(), *b["satellite"].unique()}):
        tables = [_plain(table[table["satellite"] == satellite]) for table in (a, b)]
        ends = [milliseconds(t[name]) + more for t in tables for name, more in _ENDS]
        edges = np.unique(np.concatenate([edges_of_blocks, *ends]))
        first, second = (label_records(edges[:-1], table).astype(np.int64) for table in tables)
        row = np.clip(np.searchsorted(blocks, block_at(edges[:-1])), 0, blocks.size - 1)
        flat = (row * 3 + first) * 3 + second
        seconds = np.diff(edges) / _SECOND_MS
        counts += np.bincount(flat, seconds, minlength=blocks.size * 9).reshape(counts.shape)
    counts[:, 0, 0] = 0
    counts[:, 0, 0] = np.maximum(dwell_s - counts.sum(axis=(1, 2)), 0)
    return counts


_ENDS = (("start_time", 0), ("stop_time", _SAMPLING_MS))


def _plain(events: pd.DataFrame) -> pd.DataFrame:
    """Return events as `label_records` takes them: of two that begin together, REP last."""
    times = {
        name: milliseconds(events[name]).astype("datetime64[ms]") for name in ("start_time", "stop_time")
    }
    return events.assign(**times).sort_values(["start_time", "event_class"])


def kappa(table: np.ndarray) -> np.ndarray:
    """Return Cohen's kappa of tables of agreement, shape (..., k, k); NaN where it is undefined."""
    table = np.asarray(table, np.float64)
    total = table.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        agreed = np.trace(table, axis1=-2, axis2=-1) / total
        chance = (table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1) / total**2
        return np.asarray((agreed - chance) / (1 - chance))


def f1(table: np.ndarray, kinds: Iterable[int] = (1, 2)) -> np.ndarray:
    """Return 2 x common / (A + B) of tables of agreement, shape (..., 3, 3), for these classes together."""
    chosen = list(kinds)
    common = np.asarray(sum(table[..., k, k] for k in chosen))
    both = table[..., chosen, :].sum(axis=(-2, -1)) + table[..., chosen].sum(axis=(-2, -1))
    return _ratio(2 * common, both)


def f1_of_any(table: np.ndarray) -> np.ndarray:
    """Return `f1` of events whatever their class."""
    common = table[..., 1:, 1:].sum(axis=(-2, -1))
    both = table[..., 1:, :].sum(axis=(-2, -1)) + table[..., :, 1:].sum(axis=(-2, -1))
    return _ratio(2 * common, both)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part / np.asarray(whole, np.float64))


STATISTICS: dict[str, Statistic] = {
    "F1, same class": f1,
    **{f"F1, {name}": (lambda table, k=k: f1(table, (k,))) for name, k in EVENT_CLASSES.items()},  # type: ignore[misc]
    "F1, either class": f1_of_any,
}
"""What is told of pairs and of seconds alike."""


def score_pairs(counts: np.ndarray) -> dict[str, Any]:
    """Return the agreement by event, from what `count_pairs` counts.

    Kappa is that of the classes of events that have a partner: whether A and B call them the same.
    """
    statistics = STATISTICS | {"kappa of the class of paired events": lambda t: kappa(t[..., 1:, 1:])}
    return scored(counts, statistics)


def score_seconds(counts: np.ndarray) -> dict[str, Any]:
    """Return the agreement by second, from what `count_seconds` counts."""
    return scored(counts, STATISTICS | {"kappa of none, REP and CSS": kappa})


def scored(counts: np.ndarray, statistics: dict[str, Statistic]) -> dict[str, Any]:
    """Return statistics of sums over blocks with their intervals, for JSON; what is undefined is None."""
    total = counts.sum(axis=0)
    found: dict[str, Any] = {
        "table": {x: {y: _number(total[i, j]) for j, y in enumerate(CLASSES)} for i, x in enumerate(CLASSES)}
    }
    resampled = resample(counts)
    blocks = effective_blocks((counts.sum(axis=(1, 2)) - counts[:, 0, 0])[:, np.newaxis])
    for name, statistic in statistics.items():
        value, least = statistic(total), -1 if name.startswith("kappa") else 0
        interval = None if resampled is None else limits(value, statistic(resampled), blocks, least)
        found[name] = {"value": _number(value), "interval": interval}
    return found


def resample(counts: np.ndarray) -> np.ndarray | None:
    """Return sums over blocks drawn with replacement, shape (RESAMPLES, ...); None of too few blocks."""
    size = counts.shape[0]
    if size < MIN_BLOCKS:
        return None
    weights = np.random.default_rng(_SEED).multinomial(size, np.full(size, 1 / size), RESAMPLES)
    return np.asarray(np.tensordot(weights.astype(np.float64), counts, axes=1))


def limits(value: np.ndarray, drawn: np.ndarray, blocks: np.ndarray, least: float = 0) -> list[float] | None:
    """Return the interval of a score, moved away from it as few blocks ask for; None where it has none.

    Parameters
    ----------
    value : ndarray, shape ()
        The score of all blocks, 1 at most.
    drawn : ndarray, shape (n,)
        Those of resampled blocks; one that is NaN leaves no interval.
    blocks : ndarray, shape (1,)
        How many blocks of equally many events (or seconds of them) would say as much; from 2 on.
    least : float
        The least that the score can be: 0 of F1, -1 of kappa.
    """
    if np.isnan(drawn).any() or blocks[0] < 2:
        return None
    lower, upper = spread_limits(np.atleast_1d(value), drawn[:, np.newaxis], blocks, CONFIDENCE)
    return [max(float(lower[0]), float(least)), min(float(upper[0]), 1.0)]


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def count_shifts(pairs: pd.DataFrame) -> dict[str, dict[str, float] | None]:
    """Return by how many seconds moved events begin and end later in B than in A: median, and nine in ten."""
    moved = pairs[pairs["kind"] == "moved"]
    found: dict[str, dict[str, float] | None] = {}
    for words, name in (("moved, first record", "start_time"), ("moved, last record", "stop_time")):
        later = (moved[f"{name}_b"] - moved[f"{name}_a"]).dt.total_seconds()
        shares = {"low": 0.05, "median": 0.5, "high": 0.95}
        found[words] = {k: float(later.quantile(q)) for k, q in shares.items()} if len(later) else None
    return found


def count_kinds(pairs: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return how many pairs of each kind there are: in all, and by class in A (in B where it is gained)."""
    own = pairs["event_class_a"].where(pairs["kind"] != PAIR_KINDS[4], pairs["event_class_b"])
    masks = {"all": np.ones(len(pairs), bool), **{name: (own == name).to_numpy() for name in EVENT_CLASSES}}
    return {
        name: {kind: int((pairs["kind"][mask] == kind).sum()) for kind in PAIR_KINDS}
        for name, mask in masks.items()
    }
