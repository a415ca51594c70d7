"""Which windows the events of a day depend on, and running the network on no others.

A window is *wanted* if the rules of the mode could make it part of an event whatever its class.
Around every window that turns out to be of an event class, more windows are classified until
each run that was touched is known to its ends and so are the starts of the runs that could be
joined with it. docs/sparse.md proves that the events are then those of classifying everything.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reprocess.detect.rules.published import E4_THRESHOLD, JOIN_DISTANCE, L_MARGIN, Rules
from reprocess.schema import CLASSES

Classifier = Callable[[np.ndarray], np.ndarray]
"""From window numbers, shape (k,), to class probabilities, float32, shape (k, 3)."""


@dataclass(frozen=True)
class Classified:
    """What is known of a day's windows."""

    evaluated: np.ndarray
    """Whether the network has seen the window; bool, shape (m,)."""
    probabilities: np.ndarray
    """float32, shape (m, 3); NaN where not evaluated."""
    classes: np.ndarray
    """int8, shape (m,); 0 where not evaluated."""


def wanted_windows(in_range: np.ndarray, electron_flux: np.ndarray, rules: Rules) -> np.ndarray:
    """Return the windows from which every event of a day can be found.

    Parameters
    ----------
    in_range : ndarray of bool, shape (n,)
        Whether the record's L, repaired as the mode does, is within the outer belt.
    electron_flux : ndarray of float32, shape (2, 4, n)
        Telescopes 0 and 90 degrees, channels E1-E4, with sentinels, cm-2 s-1 sr-1.
    rules : Rules
        Rules of the mode.

    Returns
    -------
    ndarray of bool, shape (m,)
        With the physical filter: windows near the belt whose record has two counts; with each of these
        the windows before it in which a joined event could start, or the one after it that the event
        would reach, if no shorter one could be kept; and the edge of the belt where a run could reach in
        from such a record outside. Without it: every window near the belt.
    """
    windows = rules.windows(in_range.size)
    if not rules.refine:
        return _near(in_range, windows.count, L_MARGIN, rules.wrap)
    near = _near(in_range, windows.count, L_MARGIN + _GAP, rules.wrap)
    hot = electron_flux[0, 3, windows.seen].astype(np.float64) >= E4_THRESHOLD
    counted = np.flatnonzero(hot & near)
    short = _may_be_short(electron_flux, counted + windows.offset)
    starts, wanted = np.zeros(windows.count, bool), _edges(near, hot)
    starts[counted[short]] = True
    wanted[counted[~short]] = True
    reached = counted[~short] + _GAP
    wanted[reached[reached < windows.count]] = True
    return wanted | dilate(starts, _GAP, 0)


_GAP = JOIN_DISTANCE - 1
"""Windows from the start of a joined event to the last one that can lie between its runs."""


def _may_be_short(electron_flux: np.ndarray, records: np.ndarray) -> np.ndarray:
    """Tell which records could have the largest E4 of a short event that passes the physical filter.

    Such an event joins two runs with the record between them and ends before the window `_GAP` after it; the
    filter does not see its last record.

    Parameters
    ----------
    electron_flux : ndarray of float32, shape (2, 4, n)
    records : ndarray of int, shape (k,)

    Returns
    -------
    ndarray of bool, shape (k,)
    """
    around = np.clip(records[:, np.newaxis] + np.arange(-_GAP, _GAP - 1), 0, electron_flux.shape[2] - 1)
    e1, e2, e3 = np.fmax.reduce(
        electron_flux[0, :3][:, around], axis=-1
    )  # where one is NaN, the others count
    e4 = electron_flux[0, 3, records]
    ordered = (e4 <= e3) | ((e4 <= e2) & (e4 <= e1))
    return ordered & ~(electron_flux[1, 3][around] <= 0).all(axis=-1)


def _near(in_range: np.ndarray, windows: int, margin: int, wrap: bool) -> np.ndarray:
    """Tell which windows have a record in the L range within `margin` of their first record."""
    near = dilate(in_range, margin, margin)[:windows]
    if wrap:
        # A run that starts at k < margin looks back to the last margin - k records of the day.
        back = np.logical_or.accumulate(in_range[::-1][:margin])[::-1][:windows]
        near[: back.size] |= back
    return near


def _edges(near: np.ndarray, hot: np.ndarray) -> np.ndarray:
    """Return the windows near the belt next to a stretch outside of it that is hot somewhere."""
    inside = np.concatenate(([True], near, [True]))
    bounds = np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2)
    before = np.searchsorted(np.flatnonzero(hot), bounds)  # so many hot windows lie before each bound
    bounds = bounds[before[:, 1] > before[:, 0]]
    edges = np.zeros(near.size + 2, bool)  # one more at either end, for stretches at the day's ends
    edges[bounds[:, 0]] = True
    edges[bounds[:, 1] + 1] = True
    return edges[1:-1]


def dilate(mask: np.ndarray, before: int, after: int) -> np.ndarray:
    """Return a mask that is set from `before` places before to `after` places after each set place.

    Parameters
    ----------
    mask : ndarray of bool, shape (n,)
    before, after : int
        Not negative.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    wide = mask.copy()
    for part, reach in ((wide, after), (wide[::-1], before)):
        done = 0
        while done < reach:
            step = min(done + 1, reach - done)  # as far as what is set by now is wide
            part[step:] |= part[:-step]
            done += step
    return wide


def classify(
    classifier: Classifier, wanted: np.ndarray, rules: Rules, possible: np.ndarray | None = None
) -> Classified:
    """Classify the wanted windows and those that their classes make necessary.

    Parameters
    ----------
    classifier : callable
        The network; a window's result must not depend on the others of the call.
    wanted : ndarray of bool, shape (m,)
        What `wanted_windows` returns; all of them for everything.
    rules : Rules
        Rules of the mode.
    possible : ndarray of bool, shape (m,), optional
        Windows without a record that is no measurement; the others are never classified and count
        as class 0. All by default.
    """
    reach = JOIN_DISTANCE if rules.refine else 1
    return grow(classifier, wanted, lambda found: found.argmax(axis=1) != 0, reach, possible)


def grow(
    classifier: Classifier,
    wanted: np.ndarray,
    flag: Callable[[np.ndarray], np.ndarray],
    reach: int,
    possible: np.ndarray | None = None,
) -> Classified:
    """Classify the wanted windows, then those up to `reach` from every flagged one, until none is left.

    Parameters
    ----------
    classifier : callable
        As in `classify`.
    wanted : ndarray of bool, shape (m,)
    flag : callable
        From probabilities, shape (k, 3), to which of the windows are flagged, shape (k,).
    reach : int
        Windows from a flagged one that must be known too.
    possible : ndarray of bool, shape (m,), optional
        As in `classify`.
    """
    found = Classified(
        np.zeros(wanted.size, bool),
        np.full((wanted.size, len(CLASSES)), np.nan, np.float32),
        np.zeros(wanted.size, np.int8),
    )
    closed = np.zeros(wanted.size, bool) if possible is None else ~possible
    wanted, ahead = wanted & ~closed, 0
    while wanted.any():
        index = np.flatnonzero(wanted)
        found.probabilities[index] = classifier(index)
        found.classes[index] = found.probabilities[index].argmax(axis=1)
        found.evaluated[index] = True
        flagged = np.zeros(wanted.size, bool)
        flagged[index] = flag(found.probabilities[index])
        known = found.evaluated | closed
        missing = dilate(flagged, reach, reach) & ~known
        wanted = dilate(missing, ahead, ahead) & ~known
        ahead = 2 * ahead + reach  # follows a long run in few calls, past its end by its length at most
    return found
