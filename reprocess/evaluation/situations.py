"""Events by situation: what becomes of those that are rare and hard.

True events have their situations from the list (`schema.SITUATIONS`). A found event belongs to those of the
true events that it overlaps; one that overlaps none, a false alarm, to those that the run's own marks tell.
Situations overlap, so rows do not add up.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from reprocess import schema
from reprocess.evaluation.matching import NOT_OBSERVED, OUTCOMES, overlapped
from reprocess.maps.occurrence import poisson_interval

CONFIDENCE = 0.95
"""Chance that an interval holds the truth."""

_FLAGS = {
    "at_gap": ("time_gap",),
    "in_L_hole": ("L_interpolated", "L_traced"),
    "in_calibration": ("calibration",),
}
"""The flags of a found event, by either mode, that tell of the same situation."""

_MIDNIGHT_MS = 14_000
"""Seven records: nearer to midnight, windows are lost."""


def describe(truth: pd.DataFrame, found: pd.DataFrame, days: int) -> dict[str, Any]:
    """Return counts, shares and intervals of true events with `outcome`, found ones with `verdict`.

    Recall is of the true events that are observed.
    """
    counts = {name: int((truth["outcome"] == name).sum()) for name in OUTCOMES}
    observed = len(truth) - counts[NOT_OBSERVED]
    right, alarms = (int((found["verdict"] == name).sum()) for name in ("right", "false alarm"))
    return {
        "true": len(truth),
        **counts,
        "found": len(found),
        "right": right,
        "false_alarms": alarms,
        "recall": _share(counts["matched"], observed),
        "recall_interval": share_interval(counts["matched"], observed),
        "precision": _share(right, len(found)),
        "precision_interval": share_interval(right, len(found)),
        "false_alarms_per_day": _share(alarms, days),
        "false_alarms_per_day_interval": rate_interval(alarms, days),
    }


def score_situations(truth: pd.DataFrame, found: pd.DataFrame, days: int) -> dict[str, dict[str, Any]]:
    """Return what `describe` does for each situation of the list, and for events in none.

    Parameters
    ----------
    truth : pandas.DataFrame
        True events with `outcome` and a column for each situation.
    found : pandas.DataFrame
        Found events with `verdict`, times as those of the truth.
    days : int
        Satellite-days.
    """
    ours = {name: truth[name].to_numpy(bool) for name in schema.SITUATIONS}
    theirs = {name: _found_in(name, truth[mask], found) for name, mask in ours.items()}
    ours["none"] = ~np.any(list(ours.values()), axis=0)
    theirs["none"] = ~np.any(list(theirs.values()), axis=0)
    return {name: describe(truth[ours[name]], found[theirs[name]], days) for name in ours}


def _found_in(name: str, truth: pd.DataFrame, found: pd.DataFrame) -> np.ndarray:
    """Tell which found events are in a situation; `truth` holds the true events in it."""
    alarm = (found["verdict"] == "false alarm").to_numpy()
    return np.where(alarm, _marked(name, found), overlapped(found, truth)[1])


def _marked(name: str, found: pd.DataFrame) -> np.ndarray:
    """Tell which found events the run itself marks as in a situation; none where it has no mark for it."""
    if name in _FLAGS:
        bits = sum(schema.EVENT_FLAGS[flag] for flag in _FLAGS[name])
        return (found["quality_flags"].to_numpy() & bits) > 0
    if name == "at_midnight":
        start, stop = (
            found[k].to_numpy("datetime64[ms]").astype(np.int64) % schema.MS_PER_DAY
            for k in ("start_time", "stop_time")
        )
        return (start < _MIDNIGHT_MS) | (stop >= schema.MS_PER_DAY - _MIDNIGHT_MS)
    return np.zeros(len(found), bool)


def share_interval(part: int, whole: int) -> list[float] | None:
    """Return the exact (Clopper-Pearson) interval of a share; None of nothing."""
    if not whole:
        return None
    tail = (1 - CONFIDENCE) / 2
    low = betaincinv(part, whole - part + 1, tail) if part else 0.0
    high = betaincinv(part + 1, whole - part, 1 - tail) if part < whole else 1.0
    return [float(low), float(high)]


def rate_interval(count: int, days: int) -> list[float] | None:
    """Return the exact (Garwood) interval of a Poisson rate a day; None of no days."""
    if not days:
        return None
    return [float(limit / days) for limit in poisson_interval(np.array(count), CONFIDENCE)]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
