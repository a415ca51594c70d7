"""Mode ``continuous``: the project's own rules, over records as one uninterrupted series.

Nothing here knows of days or blocks. A `Series` is a stretch of one satellite's records in order of time:
those to answer for, and the neighbours' records before and after them (the halo). Every rule looks at
times, never at positions in a file, so that the events of a record's stretch are the same wherever the
series is cut. docs/continuous.md tells what each rule does to real and simulated days.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

import numpy as np
from scipy.stats import poisson

from reprocess.classifier.features import CENTRE, WINDOW
from reprocess.detect.rules.sparse import Classified, Classifier, dilate, grow
from reprocess.schema import CLASSES

E4_FLUX_PER_COUNT = 181.81818

STEP_MS = 2000
"""Nominal time between records (steps are 1991-2009 ms where none is missing)."""

HALO = 256
"""Records of each neighbour that are looked at first; structures of half an orbit would be longer."""

CERTAIN = 1e-6
"""Smallest probability that is believed: a single record of a sharp network must not outvote all others."""

LEAK = 0.02
"""Counts of E4 at 0 degrees for each count at 90 degrees, measured in the quiet outer belt."""


@dataclass(frozen=True)
class Parameters:
    """What each rule is set to; None switches a rule off."""

    gap: float | None = 3.0
    """Seconds: no window spans a longer step between records."""
    calibration: float | None = 16.0
    """Records before the first and after the last flag of a calibration that no window touches."""
    L_traced: bool = True
    """Take L from the field line where the file has none; else such records are not observed."""
    belt: tuple[float, float] | None = (2.5, 8.5)
    """L of an event's peak, both ends included."""
    decode: float = 0.4
    """P(REP) + P(CSS) from which a record belongs to a structure."""
    join: int = 5
    """Records that may be missing between two records of one structure."""
    peak: float | None = 2.0
    """Counts per second of E4 at 0 degrees that a structure must reach."""
    significance: float | None = 1e-3
    """Largest Poisson probability that background alone gives the structure's counts."""

    def as_dict(self) -> dict[str, object]:
        """Return the parameters as `run.json` keeps them."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


RULES = {f.name: f.default for f in fields(Parameters)}
"""Names and defaults of the rules."""


@dataclass(frozen=True)
class Series:
    """Records of one satellite in order of time; `own` are those to answer for, the others the halo."""

    time: np.ndarray
    """int64, shape (n,), ms since 1970."""
    flux: np.ndarray
    """float32, shape (2, 4, n), cm-2 s-1 sr-1, sentinels as in the file."""
    calibrating: np.ndarray
    """bool, shape (n,): a calibration is on, from its first flag to 15 records after its last."""
    unusable: np.ndarray
    """bool, shape (n,): the record is no measurement."""
    L: np.ndarray
    """float32, shape (n,): L shell, negative where there is none."""
    own: slice
    truncated: tuple[bool, bool] = (False, False)
    """Whether the neighbour has more records before the first and after the last of the series."""


@dataclass(frozen=True)
class Structure:
    """One event: a stretch of records that precipitation of one kind explains."""

    first: int
    last: int
    """Positions in the series, both included."""
    value: int
    """Position of its class in `schema.CLASSES`."""
    peak: int
    """Position of the first record with the most counts of E4 at 0 degrees."""
    log_odds: float
    """Sum over its records of ln P(REP) - ln P(CSS)."""
    background_probability: float
    """Poisson probability that background alone gives as many counts."""


def e4_counts(flux: np.ndarray) -> np.ndarray:
    """Return E4 in counts per second, both telescopes, shape (2, n); 0 where the channel is missing."""
    return np.rint(np.maximum(flux[:, 3], 0) / E4_FLUX_PER_COUNT).astype(np.int64)


def observed(series: Series, parameters: Parameters) -> np.ndarray:
    """Tell which records an event could be found at: those in the middle of a window that breaks no rule.

    Returns
    -------
    ndarray of bool, shape (n,)
        Also what is counted as observed time. False at the outer ends of the series.
    """
    unfit = series.unusable | _near_calibration(series, parameters)
    broken = np.diff(series.time) > 1000 * (np.inf if parameters.gap is None else parameters.gap)
    clear = (_sums(unfit, WINDOW) == 0) & (_sums(broken, WINDOW - 1) == 0)
    middle = np.zeros(series.time.size, bool)
    middle[CENTRE : CENTRE + clear.size] = clear
    return middle & (series.L >= 0)


def _sums(mask: np.ndarray, length: int) -> np.ndarray:
    """Return how many of every `length` consecutive places are set."""
    total = np.concatenate(([0], np.cumsum(mask)))
    return total[length:] - total[: max(total.size - length, 0)]


def _near_calibration(series: Series, parameters: Parameters) -> np.ndarray:
    """Tell which records are within a calibration, or so close to one that its pulses may reach them."""
    if parameters.calibration is None or not series.calibrating.any():
        return np.zeros(series.time.size, bool)
    on = series.time[series.calibrating]
    before = STEP_MS * (parameters.calibration + 0.5)
    after = STEP_MS * max(parameters.calibration - 14.5, 0.5)  # the last flag stands for 16 records
    following = np.searchsorted(on, series.time)
    ahead = np.where(following < on.size, on[np.minimum(following, on.size - 1)] - series.time, np.inf)
    behind = np.where(following > 0, series.time - on[np.maximum(following - 1, 0)], np.inf)
    return (ahead <= before) | (behind <= after) | series.calibrating


def hot(series: Series, parameters: Parameters) -> np.ndarray:
    """Tell at which records an event could have its peak; bool, shape (n,)."""
    least = max(parameters.peak or 0, 1 if parameters.significance is not None else 0)
    peak = e4_counts(series.flux)[0] >= least
    return peak if parameters.belt is None else peak & in_belt(series.L, parameters)


def in_belt(L: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Tell which records lie where an event's peak must; bool, shape (n,)."""
    low, high = parameters.belt or (-np.inf, np.inf)
    return (np.float32(low) <= L) & (np.float32(high) >= L)


def wanted_records(series: Series, parameters: Parameters) -> np.ndarray:
    """Return the records whose windows decide which structures there are among the series' own.

    A structure that becomes an event has its peak at a hot record, and one of its records, at most
    `join` before, is flagged. One that crosses an end of the own stretch has a flagged record among the
    last `join` + 1 before that end.
    """
    start, stop, _ = series.own.indices(series.time.size)
    wanted = dilate(hot(series, parameters), parameters.join, 0)
    wanted[: max(start - parameters.join - 1, 0)] = False
    wanted[stop:] = False
    for end in (start, stop):
        wanted[max(end - parameters.join - 1, 0) : end] = True
    return wanted & observed(series, parameters)


def classify(
    series: Series, classifier: Classifier, parameters: Parameters, *, dense: bool = False
) -> Classified:
    """Classify the records that events among the series' own can depend on, or all of the observed ones.

    Parameters
    ----------
    series : Series
    classifier : callable
        From positions of records, shape (k,), to the probabilities of the windows around them.
    parameters : Parameters
    dense : bool
    """
    possible = observed(series, parameters)
    wanted = possible if dense else wanted_records(series, parameters)

    def flag(probabilities: np.ndarray) -> np.ndarray:
        return flagged(probabilities, parameters)

    return grow(classifier, wanted, flag, parameters.join + 1, possible)


def flagged(probabilities: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Tell which records belong to a structure; NaN, never classified, does not."""
    return probabilities[:, 1] + probabilities[:, 2] >= np.float32(parameters.decode)


def is_open(series: Series, found: Classified, parameters: Parameters) -> bool:
    """Tell whether a structure comes so near an end where the neighbour has more that the halo must grow."""
    near = np.flatnonzero(flagged(found.probabilities, parameters))
    margin = parameters.join + 1 + WINDOW + 2 * int(parameters.calibration or 0)
    before, after = series.truncated
    return bool(near.size) and bool(
        (before and near[0] < margin) or (after and near[-1] >= series.time.size - margin)
    )


def find_structures(
    series: Series, found: Classified, parameters: Parameters, background: float
) -> list[Structure]:
    """Return the events of a series, by first record; those of the halo too, as far as they are known.

    Parameters
    ----------
    series : Series
    found : Classified
        Of `classify`.
    parameters : Parameters
    background : float
        Mean counts per second of E4 at 0 degrees over the polar caps.
    """
    index = np.flatnonzero(flagged(found.probabilities, parameters))
    if not index.size:
        return []
    far = np.diff(series.time[index]) > STEP_MS * (parameters.join + 1.5)
    far |= np.diff(index) > parameters.join + 1  # records closer than 2 s must not join more of them
    parts = np.split(index, np.flatnonzero(far) + 1)
    counts = e4_counts(series.flux)
    structures = [_structure(part, found.probabilities, counts, background) for part in parts]
    possible = hot(series, parameters)
    return [s for s in structures if possible[s.peak] and _is_significant(s, parameters)]


def _structure(
    part: np.ndarray, probabilities: np.ndarray, counts: np.ndarray, background: float
) -> Structure:
    first, last = int(part[0]), int(part[-1])
    seen = slice(first, last + 1)
    logarithms = np.log(np.maximum(probabilities[part, 1:].astype(np.float64), CERTAIN))
    odds = float((logarithms[:, 0] - logarithms[:, 1]).sum())
    expected = (background + LEAK * counts[1, seen]).sum()
    by_chance = float(poisson.sf(counts[0, seen].sum() - 1, expected))
    value = CLASSES.index("REP") if odds > 0 else CLASSES.index("CSS")
    return Structure(first, last, value, first + int(np.argmax(counts[0, seen])), odds, by_chance)


def _is_significant(structure: Structure, parameters: Parameters) -> bool:
    limit = parameters.significance
    return limit is None or structure.background_probability <= limit


def search(
    stretch: Callable[[int], Series],
    classifier_of: Callable[[Series], Classifier],
    parameters: Parameters,
    background: float,
    *,
    dense: bool = False,
) -> tuple[Series, Classified, list[Structure]]:
    """Find the events of a stretch of records, with as much of its neighbours as they need.

    Parameters
    ----------
    stretch : callable
        Returns the series with so many records of halo on either side, or all that there are.
    classifier_of : callable
        Returns what classifies records of that series.
    parameters, background, dense
        As in `classify` and `find_structures`.

    Returns
    -------
    tuple of Series, Classified and list of Structure
        Structures that begin in the halo are among them; they belong to the neighbour.
    """
    halo = HALO
    while True:
        series = stretch(halo)
        found = classify(series, classifier_of(series), parameters, dense=dense)
        if not is_open(series, found, parameters):
            return series, found, find_structures(series, found, parameters, background)
        halo *= 8
