"""Which events were found: true and found intervals side by side.

A true event is *matched* if an event of its class was found that overlaps it, give or take
`TOLERANCE_S`; *confused* if only one of the other class was; *missed* otherwise. One that has no
record that the mode observes, though the file has some, can be none of these: it is *not observed*. A found
event is a *false alarm* if no true event of any class overlaps it, and *right* if one of its own class does.
"""

import numpy as np
import pandas as pd

from reprocess import schema

TOLERANCE_S = 6.0
"""Half a window: the class of a window may belong to any of its records."""

NOT_OBSERVED = "not_observed"
OUTCOMES = ("matched", "confused", "missed", NOT_OBSERVED)


def match_events(truth: pd.DataFrame, found: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Compare true with found events.

    Parameters
    ----------
    truth, found : pandas.DataFrame
        With satellite, event_class, start_time and stop_time (UTC, naive); the true events with
        observed besides.

    Returns
    -------
    outcome : ndarray of str, shape (len(truth),)
        One of `OUTCOMES`.
    verdict : ndarray of str, shape (len(found),)
        ``right``, ``confused`` or ``false alarm``.
    """
    same, any_ = overlapped(truth, found)
    outcome = np.where(same, "matched", np.where(any_, "confused", "missed"))
    outcome = np.where(truth["observed"].to_numpy(bool), outcome, NOT_OBSERVED)
    same, any_ = overlapped(found, truth)
    return outcome, np.where(same, "right", np.where(any_, "confused", "false alarm"))


def overlapped(events: pd.DataFrame, others: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Tell which events overlap one of the others of the same class, and of any class.

    The arguments are those of `match_events`, either way round.
    """
    same, any_ = np.zeros(len(events), bool), np.zeros(len(events), bool)
    for satellite in events["satellite"].unique():
        here = (events["satellite"] == satellite).to_numpy()
        for name in schema.EVENT_CLASSES:
            chosen = others[(others["satellite"] == satellite) & (others["event_class"] == name)]
            hit = count_overlaps(events[here], chosen) > 0
            any_[here] |= hit
            same[here] |= hit & (events.loc[here, "event_class"] == name).to_numpy()
    return same, any_


def count_overlaps(events: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Count, for each event, the others that overlap it or come as near as `TOLERANCE_S`.

    Whatever overlaps an event starts before it ends. From the number of others that do, take the
    number that end before it starts; each of these starts before it ends too.
    """
    tolerance = round(TOLERANCE_S * 1000)
    starts, stops = np.sort(_ms(others["start_time"])), np.sort(_ms(others["stop_time"]))
    begun = np.searchsorted(starts, _ms(events["stop_time"]) + tolerance, "right")
    ended = np.searchsorted(stops, _ms(events["start_time"]) - tolerance, "left")
    return begun - ended


def _ms(times: pd.Series) -> np.ndarray:
    return times.to_numpy("datetime64[ms]").astype(np.int64)
