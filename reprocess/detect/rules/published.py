"""From a class per window to events: the published rules.

Steps 5 to 9 of the code released with Capannolo, Li & Huang 2022 (doi
10.3389/fspas.2022.858990). Two releases differ and both are modes here: ``published`` (July 2024)
and ``published-2022``. Their quirks are kept, because results must equal what was published:
a run still open at the last window is lost, joining looks at starts and loses the tail of a chain
of three, and the physical filter does not see an event's last record.

Indices are window numbers up to the L filter; the centring then makes them record numbers. All
intervals are inclusive, shape (k, 2).
"""

from dataclasses import dataclass

import numpy as np

from reprocess import schema
from reprocess.classifier.features import CENTRE, PUBLISHED_FILL, Windows
from reprocess.detect.rules.spline import cubic_spline
from reprocess.schema import EVENT_CLASSES, FLUX_PER_COUNT
from reprocess.schema.measurements import has_L

L_MIN, L_MAX = 2.5, 8.5
"""L shells of the outer belt that an event must come near."""

L_MARGIN = 10
"""Records before and after a run in which L is looked at."""

JOIN_DISTANCE = 5
"""Events whose starts are this close, in records, are joined."""

SPLINE_REACH = 64
"""Records from an invalid L to the last valid one that the spline goes through. Between records that follow
each other what a value does to the curve falls by 2 + sqrt(3) a record, by 64 to 10^-36: far below the
last bit, so the curve is that through all values."""

E4_THRESHOLD = 2 * FLUX_PER_COUNT["e4"]
"""Two counts per second in E4, cm-2 s-1 sr-1; see `physical` for what happens at exactly two."""


@dataclass(frozen=True)
class Rules:
    """What a mode does; every difference between modes is a field here."""

    name: str
    repair_L: bool
    """Interpolate invalid L before the L filter."""
    wrap: bool
    """Let the L filter's look back before the first record continue at the end of the day."""
    refine: bool
    """Centre, join and apply the physical filter."""

    @property
    def offset(self) -> int:
        """Records from the start of a window to the record that its class is given to."""
        return CENTRE if self.refine else 0

    def windows(self, records: int) -> Windows:
        """Return the windows of a day of so many records."""
        return Windows(records, self.offset)


_RELEASE_2024, _RELEASE_2022 = schema.PUBLISHED_MODES

MODES = {
    rules.name: rules
    for rules in (
        Rules(_RELEASE_2024, repair_L=True, wrap=False, refine=True),
        Rules(_RELEASE_2022, repair_L=False, wrap=True, refine=False),
    )
}


@dataclass(frozen=True)
class Stages:
    """Intervals of one class after each step."""

    runs: np.ndarray
    in_L: np.ndarray
    joined: np.ndarray
    final: np.ndarray


def postprocess(
    classes: np.ndarray, L: np.ndarray, electron_flux: np.ndarray, rules: Rules
) -> dict[str, Stages]:
    """Find the events of each class in one satellite-day.

    Parameters
    ----------
    classes : ndarray of int8, shape (max(n - 7, 0),)
        Class of each window.
    L : ndarray of float32, shape (n,)
        L shell as in the file, invalid where negative.
    electron_flux : ndarray of float32, shape (2, 4, n)
        Telescopes 0 and 90 degrees, channels E1-E4, with sentinels, cm-2 s-1 sr-1.
    rules : Rules
        One of `MODES`.

    Returns
    -------
    dict of str to Stages
        By event class. With ``published-2022`` the method ends at the L filter: ``joined`` and
        ``final`` repeat ``in_L`` and remain window numbers.
    """
    return find_events(classes, in_L_range(repair_L(L, rules)), electron_flux, rules)


def repair_L(L: np.ndarray, rules: Rules) -> np.ndarray:
    """Return L with invalid values interpolated, if the mode does that."""
    return interpolate_L(L) if rules.repair_L else L


def in_L_range(L: np.ndarray) -> np.ndarray:
    """Tell which records are within the L shells that an event must come near."""
    return (L >= L_MIN) & (L <= L_MAX)


def find_events(
    classes: np.ndarray, in_range: np.ndarray, electron_flux: np.ndarray, rules: Rules
) -> dict[str, Stages]:
    """Do what `postprocess` does, given which records are within the L range (bool, shape (n,))."""
    result = {}
    for name, value in EVENT_CLASSES.items():
        runs = find_runs(classes, value)
        in_belt = runs[near_belt(runs, in_range, rules.wrap)]
        if not rules.refine:
            result[name] = Stages(runs, in_belt, in_belt, in_belt)
            continue
        joined = join(in_belt + rules.offset)
        kept = [physical(electron_flux[0], electron_flux[1, 3], first, last) for first, last in joined]
        result[name] = Stages(runs, in_belt, joined, joined[np.array(kept, bool)])
    return result


def find_runs(classes: np.ndarray, value: int) -> np.ndarray:
    """Return maximal runs of one class; a run that reaches the last window is dropped.

    Parameters
    ----------
    classes : ndarray of int, shape (m,)
    value : int

    Returns
    -------
    ndarray of int64, shape (k, 2)
    """
    hit = np.concatenate(([False], classes == value, [False]))
    edges = np.flatnonzero(hit[1:] != hit[:-1]).reshape(-1, 2)
    edges[:, 1] -= 1
    return edges[edges[:, 1] < classes.size - 1]


def interpolate_L(L: np.ndarray) -> np.ndarray:
    """Replace L that is no value by a cubic spline through the others, over the record number.

    The spline (not-a-knot) is the published one; it overshoots inside long gaps. With fewer than
    two valid values there is nothing to interpolate and L is returned as it is. It goes through the
    valid values within `SPLINE_REACH` of an invalid one.

    Parameters
    ----------
    L : ndarray of float32, shape (n,)

    Returns
    -------
    ndarray of float32, shape (n,)
    """
    invalid = ~has_L(L)
    valid = np.flatnonzero(~invalid)
    if not invalid.any() or valid.size < 2:
        return L
    near = np.zeros(L.size, bool)
    for edge in np.flatnonzero(invalid[1:] != invalid[:-1]).tolist():
        near[max(edge - SPLINE_REACH, 0) : edge + SPLINE_REACH + 2] = True
    knots = np.flatnonzero(near & ~invalid)
    repaired = L.copy()
    repaired[invalid] = cubic_spline(knots, L[knots], np.flatnonzero(invalid)).astype(np.float32)
    return repaired


def near_belt(runs: np.ndarray, in_range: np.ndarray, wrap: bool) -> np.ndarray:
    """Tell which runs have a record in the L range, up to `L_MARGIN` records before or after.

    Parameters
    ----------
    runs : ndarray of int, shape (k, 2)
    in_range : ndarray of bool, shape (n,)
    wrap : bool
        Whether positions before the first record stand for the end of the day.

    Returns
    -------
    ndarray of bool, shape (k,)
    """
    inside = np.flatnonzero(in_range)
    first, last = runs[:, 0] - L_MARGIN, runs[:, 1] + L_MARGIN
    near = np.searchsorted(inside, last, "right") > np.searchsorted(inside, first)
    if wrap:
        # A look-back of k records before the first one sees the day's last k records.
        near |= inside.size > np.searchsorted(inside, in_range.size + np.minimum(first, 0))
    return near


def join(events: np.ndarray) -> np.ndarray:
    """Join events that start within `JOIN_DISTANCE` of the one before, as published.

    Each event takes the extent of its successor as it was, then all successors go at once: in a
    chain of three the last one's extent is lost.

    Parameters
    ----------
    events : ndarray of int, shape (k, 2)
        Sorted by start.

    Returns
    -------
    ndarray of int, shape (j, 2)
    """
    joined = events.copy()
    close = np.diff(events[:, 0]) <= JOIN_DISTANCE
    head = np.flatnonzero(close)
    joined[head, 0] = np.minimum(events[head, 0], events[head + 1, 0])
    joined[head, 1] = np.maximum(events[head, 1], events[head + 1, 1])
    return joined[np.concatenate(([True], ~close))[: len(joined)]]


def physical(flux_0: np.ndarray, e4_90: np.ndarray, first: int, last: int) -> bool:
    """Tell whether an event's fluxes look like relativistic precipitation.

    Parameters
    ----------
    flux_0 : ndarray of float32, shape (4, n)
        E1-E4 of the 0 degree telescope with their sentinels; values that are not positive are
        replaced as for the classifier first.
    e4_90 : ndarray of float32, shape (n,)
        E4 of the 90 degree telescope with its sentinels.
    first, last : int
        The event; its last record is left out unless it is the only one.
    """
    seen = slice(first, max(last, first + 1))
    # In double precision, as published: a stored E4 of exactly two counts (363.63635) falls short.
    largest = np.where(flux_0[:, seen] <= 0, np.float32(PUBLISHED_FILL[0]), flux_0[:, seen]).max(axis=1)
    e1, e2, e3, e4 = (float(x) for x in largest)
    if e4 < E4_THRESHOLD or e4_90[seen].mean(dtype=np.float64) <= 0:
        return False
    return e4 <= e3 or (e4 <= e2 and e4 <= e1)
