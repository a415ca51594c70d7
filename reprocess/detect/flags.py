"""Flags of records and of events: bits that say what deserves a second look.

Records get theirs whether an event is found or not, so that the time observed can be told by them too. An
event has those of its records, or of the record at its peak, and some of its own (`schema.flags`). Nothing
here depends on where days and blocks are cut, but for what is said of a day (UTC) as a whole.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from reprocess.classifier.features import WINDOW
from reprocess.detect.rules.mode import Look, Mode, Stretch
from reprocess.physics.counts import electron_counts, proton_counts
from reprocess.physics.protons import fractions
from reprocess.schema import EVENT_CLASSES, EVENT_FLAGS, GAP_S, SAMPLING_S
from reprocess.schema.background import has_solar_protons
from reprocess.schema.flags import (
    ADJACENT,
    ANOMALY_NT,
    CONTAMINATED,
    LOW_PROBABILITY,
    NEAR,
    OF_PEAKS,
    OF_RECORDS,
    bits_of,
)
from reprocess.schema.measurements import LARGEST_COUNT
from reprocess.work.receipts import DayEntry

GAP_MS = round(1000 * GAP_S)
_STEP_MS = round(1000 * SAMPLING_S)

Intervals = Mapping[str, np.ndarray]
"""By class, positions of first and last record of events in a stretch; int, shape (k, 2)."""


def flags_of_day(entry: DayEntry) -> int:
    """Return the flags that all records of a day have, from what its ingestion says of it."""
    told = {
        "simulated": entry.get("simulated", False),
        "solar_protons": "polar_p5" in entry and has_solar_protons(entry["polar_p5"]),
    }
    return bits_of(name for name, present in told.items() if present)


def record_flags(stretch: Stretch, look: Look) -> np.ndarray:
    """Return the flags of each record of a stretch, int32, shape (n,).

    Notes
    -----
    Nearly all records have those of their day alone, so the others are found by position and put where
    they belong.
    """
    flags = np.zeros(look.L.size, np.int32)
    for date, first in sorted(stretch.firsts.items()):
        flags[max(first, 0) :] = stretch.flags.get(date, 0)
    for name, index in _flagged(stretch, look):
        flags[index] |= EVENT_FLAGS[name]
    return flags


def _flagged(stretch: Stretch, look: Look) -> Iterator[tuple[str, np.ndarray]]:
    """Yield flags and the positions of the records that have them."""
    r, n, offset = stretch.records, look.L.size, look.windows.offset
    gaps = np.flatnonzero(np.diff(r["time"]) > GAP_MS)  # after these records
    ends = [p for p, more in zip((-1, n - 1), stretch.truncated, strict=True) if not more and stretch.joined]
    e4 = r["electron_flux"][:, 3] < 0
    yield "calibration", np.flatnonzero(look.calibrating)
    yield "calibration_adjacent", _around(np.flatnonzero(look.avoided), NEAR, NEAR, n)
    yield "L_interpolated", np.flatnonzero((r["L_IGRF"] < 0) & ~look.traced)
    yield "L_traced", np.flatnonzero(look.traced)
    yield "time_gap", _around(gaps, WINDOW - 2 - offset, offset, n)
    yield "gap_adjacent", _around(np.append(gaps, ends).astype(int), NEAR - 1, NEAR, n)
    yield "E4_missing", np.flatnonzero(e4.any(axis=0))
    yield "E4_missing_90", np.flatnonzero(e4[1])
    yield "beside_missing", _around(np.flatnonzero(look.missing), WINDOW - offset, offset + 1, n)
    weak = np.flatnonzero(r["B_sat"] < max(ANOMALY_NT.values()))
    field = r["B_sat"][weak]
    for name, limit in ANOMALY_NT.items():
        yield name, weak[(field > 0) & (field < limit)]


def _around(index: np.ndarray, before: int, after: int, n: int) -> np.ndarray:
    """Return the positions from so many before to so many after some, of n; some more than once."""
    near = (index[:, np.newaxis] + np.arange(-before, after + 1)).ravel()
    return near[(near >= 0) & (near < n)]


def peak_of(stretch: Stretch, first: int, last: int) -> int:
    """Return the position of the first record of an event with its largest E4 at 0 degrees."""
    return first + int(np.argmax(stretch.records["electron_flux"][0, 3, first : last + 1]))


def mean_probability(probabilities: np.ndarray, look: Look, first: int, last: int, value: int) -> np.float32:
    """Return the mean probability of a class over the windows that stand for an event's records.

    Windows that are not known are left out: none may stand for records between others of the event.
    """
    own = probabilities[look.windows.standing_for(first, last), value]
    known = ~np.isnan(own)
    if known.any() and not known.all():
        own = own[known]
    return np.float32(own.mean(dtype=np.float64))


def event_flags(
    stretch: Stretch,
    look: Look,
    probabilities: np.ndarray,
    events: Intervals,
    of_records: np.ndarray,
    mode: Mode,
) -> dict[str, np.ndarray]:
    """Return the flags of the events that have a record in the day.

    Parameters
    ----------
    stretch : Stretch
    look : Look
    probabilities : ndarray of float32, shape (m, 3)
        Probabilities of the look's windows.
    events : mapping of str to ndarray
        All that are known in the stretch.
    of_records : ndarray of int32, shape (n,)
        What `record_flags` returns.
    mode : Mode

    Returns
    -------
    dict of str to ndarray of int32, shape (k,)
        By class, in the order of `events`; 0 for those that have no record in the day.
    """
    found = {}
    contaminated = _contaminated(stretch, events)
    for name, value in EVENT_CLASSES.items():
        others = np.concatenate([np.empty((0, 2), int), *(o for kind, o in events.items() if kind != name)])
        found[name] = np.zeros(len(events[name]), np.int32)
        for k, (first, last) in enumerate(events[name].tolist()):
            if first >= stretch.own.stop or last < stretch.own.start:
                continue
            probability = mean_probability(probabilities, look, first, last, value)
            bits = int(np.bitwise_or.reduce(of_records[first : last + 1])) & OF_RECORDS
            bits |= int(of_records[peak_of(stretch, first, last)]) & OF_PEAKS
            own = {
                "low_probability": is_low(probability),
                "proton_contaminated": (first, last) in contaminated,
                **_of_events(stretch, first, last, others, mode),
            }
            found[name][k] = bits | bits_of(flag for flag, present in own.items() if present)
    return found


def is_low(probability: np.float32) -> bool:
    """Tell whether an event has the flag ``low_probability``; one whose probability is not known has not."""
    return bool(probability < np.float32(LOW_PROBABILITY))


def _of_events(stretch: Stretch, first: int, last: int, others: np.ndarray, mode: Mode) -> dict[str, bool]:
    """Tell which flags of events alone one has."""
    time, flux = stretch.records["time"], stretch.records["electron_flux"][0, :, first : last + 1]
    overlapping = (others[:, 0] <= last) & (others[:, 1] >= first)
    # From the last record of the earlier of two events to the first of the later, if they do not overlap.
    before, after = np.minimum(others[:, 1], last), np.maximum(others[:, 0], first)
    near = (after - before <= ADJACENT + 1) & (time[after] - time[before] <= _STEP_MS * (ADJACENT + 1.5))
    return {
        "overlaps_other_class": bool(overlapping.any()),
        "adjacent_other_class": bool((overlapping | near).any()),
        "channel_order": mode.flags_order and _is_out_of_order(flux),
    }


def _contaminated(stretch: Stretch, events: Intervals) -> set[tuple[int, int]]:
    """Return the events with a record in the day in which protons are most counts of one of E1-E3."""
    own = stretch.own
    seen = [(a, b) for of in events.values() for a, b in of.tolist() if a < own.stop and b >= own.start]
    if not seen:
        return set()
    electrons = [stretch.records["electron_flux"][0, :3, first : last + 1] for first, last in seen]
    starts = np.cumsum([0, *(part.shape[1] for part in electrons[:-1])])
    counted = electron_counts(np.concatenate(electrons, axis=1))
    protons = proton_counts(np.concatenate([stretch.protons(*event) for event in seen], axis=1))
    protons[~(protons <= LARGEST_COUNT)] = 0  # what is missing, or no measurement
    electron_sums, proton_sums = (np.add.reduceat(x, starts, axis=1) for x in (counted, protons))
    most = fractions(electron_sums, proton_sums, "fixed") > CONTAMINATED
    return {event for event, channels in zip(seen, most.T, strict=True) if channels.any()}


def _is_out_of_order(flux: np.ndarray) -> bool:
    """Tell whether the largest E4 exceeds the largest E3, and the largest E2 or E1 too."""
    e1, e2, e3, e4 = flux.max(axis=-1)
    return bool(e4 > e3 and (e4 > e2 or e4 > e1))
