"""What one block contributes to an evaluation: counts that add up in any order.

Windows are counted by true and found class, and their probabilities in bins, so that whole
archives need no more memory than a day. A window's truth is the class of the record at its centre.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.classifier.features import CENTRE, WINDOW
from reprocess.evaluation.truth import label_records, near_events, record_ranges
from reprocess.schema import CLASS_ARRAYS
from reprocess.schema.measurements import has_L, not_measured
from reprocess.work.paths import Work
from reprocess.work.store import SatelliteStore, open_classes, open_records

_ARRAYS = ("time", "electron_flux", "L_IGRF", "MLT")

NEAR, AROUND = WINDOW, 20
"""Records from an event: one window, and what training takes around events."""

SCOPES: dict[str, int | None] = {"near events": NEAR, "around events": AROUND, "whole days": None}
"""Sets of windows, by how far the centre may be from an event; all windows where it is None."""

LOGIT_EDGES = np.concatenate(
    [np.linspace(-104.0, -16.0, 880, endpoint=False), np.linspace(-16.0, 16.0, 1601), [17.0]]
)
"""Bins of probabilities, in log odds: 0.02 wide where it matters, as far as single precision goes, which
has numbers as small as 1e-45, but only 1 - 6e-8 between 16 and certainty."""

BINS = LOGIT_EDGES.size + 1

EVENT_KEY = ["satellite", "event_class", "start_time", "stop_time"]
TRUTH_COLUMNS = (*EVENT_KEY, "observed", "peak_e4", "L", "MLT", "L_min", "L_max", *schema.SITUATIONS)


@dataclass(frozen=True)
class EvaluatePlan:
    """One classified block and the events that truly are in it."""

    work: Path
    run: str
    satellite: str
    block: int
    days: tuple[int, ...]
    """Positions on the `day` axis, all of them classified."""
    offset: int
    """Records from the start of a window to the one that it stands for, of the run's mode."""
    events: pd.DataFrame
    """Rows of the satellite, in the form of `truth.EventList.table`."""


@dataclass(frozen=True)
class Tally:
    """Counts of windows, and the true events as the instrument saw them."""

    days: int
    confusion: np.ndarray
    """Windows by scope, true class, found class; int64, shape (scopes, 3, 3)."""
    scores: np.ndarray
    """Windows by scope, class, bin of that class's probability, and whether it is the true class;
    int64, shape (scopes, 3, BINS, 2)."""
    events: pd.DataFrame
    """`TRUTH_COLUMNS`; peak_e4 is the largest E4 at 0 degrees, cm-2 s-1 sr-1, L and MLT are there; observed
    tells whether the mode classifies the window around any of its records. An event that straddles
    midnight has a row for each day."""

    @classmethod
    def zero(cls) -> "Tally":
        """Return what adds nothing."""
        kinds = len(schema.CLASSES)
        return cls(
            0,
            np.zeros((len(SCOPES), kinds, kinds), np.int64),
            np.zeros((len(SCOPES), kinds, BINS, 2), np.int64),
            pd.DataFrame(columns=list(TRUTH_COLUMNS)),
        )

    def __add__(self, other: "Tally") -> "Tally":
        """Return both together."""
        tables = [t for t in (self.events, other.events) if len(t)]
        events = pd.concat(tables, ignore_index=True) if tables else self.events
        confusion, scores = self.confusion + other.confusion, self.scores + other.scores
        return Tally(self.days + other.days, confusion, scores, events)


def tally_block(plan: EvaluatePlan) -> Tally:
    """Compare the classes of a block's windows with the truth.

    The run must have been made with classes kept.
    """
    work, total = Work(plan.work), Tally.zero()
    run = work.run(plan.run)
    archive, classes = open_records(work, plan.satellite), open_classes(run, plan.satellite)
    ingested = work.ledger.require(plan.satellite, plan.block)
    archive.verify(plan.block, {name: ingested["outputs"][name] for name in _ARRAYS})
    classes.verify(plan.block, run.ledger.require(plan.satellite, plan.block)["outputs"]["classes"])
    for day in plan.days:
        total += _tally_day(plan, day, archive, classes)
    return total


def _tally_day(plan: EvaluatePlan, day: int, archive: SatelliteStore, classes: SatelliteStore) -> Tally:
    count = int(archive.read("record_count", day, day + 1)[0])
    records = archive.read_day(day, count, _ARRAYS)
    found = classes.read_day(day, count, tuple(CLASS_ARRAYS))
    labels = label_records(records["time"], plan.events)
    seen = np.flatnonzero(found["class"] >= 0)
    centre = seen - plan.offset + CENTRE
    true, guess, probability = labels[centre], found["class"][seen], found["probability"][:, seen]
    used = [_within(labels, reach)[centre] for reach in SCOPES.values()]
    return Tally(
        1,
        np.stack([count_confusion(true[use], guess[use]) for use in used]),
        np.stack([count_scores(true[use], probability[:, use]) for use in used]),
        _observe(plan.events, records, centre),
    )


def _within(labels: np.ndarray, reach: int | None) -> np.ndarray:
    """Tell which records are at most `reach` from one of an event; all if it is None."""
    if reach is None:
        return np.ones(labels.size, bool)
    return near_events(labels, reach)


def count_confusion(true: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """Count windows by true and found class; int64, shape (3, 3)."""
    kinds = len(schema.CLASSES)
    return np.bincount(true.astype(np.int64) * kinds + guess, minlength=kinds**2).reshape(kinds, kinds)


def count_scores(true: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Count windows by class, bin of its probability, and whether it is the true one.

    Parameters
    ----------
    true : ndarray of int, shape (n,)
    probability : ndarray of float32, shape (3, n)

    Returns
    -------
    ndarray of int64, shape (3, BINS, 2)
    """
    p = probability.astype(np.float64).clip(0, 1)  # engines may round past one
    with np.errstate(divide="ignore"):
        bins = np.searchsorted(LOGIT_EDGES, np.log(p) - np.log1p(-p), side="right")
    counts = [
        np.bincount(bins[k] * 2 + (true == k), minlength=2 * BINS).reshape(BINS, 2) for k in range(len(p))
    ]
    return np.stack(counts)


def bin_probabilities() -> np.ndarray:
    """Return a probability that stands for each bin, increasing; shape (BINS,)."""
    middles = (LOGIT_EDGES[1:] + LOGIT_EDGES[:-1]) / 2
    logits = np.concatenate(([LOGIT_EDGES[0] - 0.01], middles, [LOGIT_EDGES[-1] + 0.01]))
    return np.asarray(1 / (1 + np.exp(-logits)))


def _observe(events: pd.DataFrame, records: dict[str, np.ndarray], centre: np.ndarray) -> pd.DataFrame:
    """Return the events that have records on this day, with what the instrument saw of them.

    An event is observed if one of its records is among the centres of the windows that were classified.
    """
    rows = []
    ranges = record_ranges(records["time"], events)
    measured_e4 = np.where(not_measured(records), schema.E4_MISSING, records["electron_flux"][0, 3])
    for event, (start, stop) in zip(events.to_dict("records"), ranges, strict=True):
        if start == stop:
            continue
        e4, L, mlt = (
            measured_e4[start:stop],
            *(records[n][start:stop] for n in ("L_IGRF", "MLT")),
        )
        peak, known = int(e4.argmax()), L[has_L(L)]
        first, behind = np.searchsorted(centre, (start, stop))
        low, high = (known.min(), known.max()) if known.size else (np.nan, np.nan)
        seen = {"peak_e4": e4[peak], "L": L[peak], "MLT": mlt[peak]}
        rows.append(
            {name: event[name] for name in EVENT_KEY}
            | {"observed": bool(behind > first)}
            | {name: float(value) if value >= 0 else np.nan for name, value in seen.items()}
            | {"L_min": float(low), "L_max": float(high)}
            | {name: bool(event.get(name, False)) for name in schema.SITUATIONS}
        )
    return pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))
