"""Mode ``continuous``: the project's own rules, over records as one uninterrupted series.

Nothing here knows of blocks. A `Series` is a stretch of one satellite's records in order of time:
those to answer for, and the neighbours' records before and after them (the halo). Every rule looks at
times and at the records' order, never at positions in a file, so that what is found of a record is the
same wherever the series is cut. docs/continuous.md proves that, and that few windows are enough; it tells
what each rule does to real days.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from reprocess.classifier.features import CENTRE, WINDOW, Windows
from reprocess.detect.rules.calibration import FRAME, STEP_MS, calibrating, near_calibration
from reprocess.detect.rules.mode import RECORDS, Found, Look, Network, Stretch
from reprocess.detect.rules.once import once
from reprocess.detect.rules.parameters import DEFAULTS, Parameters
from reprocess.detect.rules.protons import NEAR, polar_mean
from reprocess.detect.rules.significance import chance, possible
from reprocess.detect.rules.sparse import Classified, Classifier, dilate, grow
from reprocess.detect.rules.traced import trace_L
from reprocess.schema import CLASSES, CONTINUOUS, EVENT_CLASSES
from reprocess.schema.background import TYPICAL_BACKGROUND, e4_counts
from reprocess.schema.flags import ADJACENT
from reprocess.schema.measurements import has_L, not_measured

HALO = 256
"""Records of each neighbour, of which all is known, that are looked at first; few structures are longer."""

CERTAIN = 1e-6
"""Smallest probability that is believed: a single record of a sharp network must not outvote all others."""


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
    background: np.ndarray
    """float64, shape (n,): counts per second of E4 over the polar caps, mean of the record's month."""
    own: slice
    truncated: tuple[bool, bool] = (False, False)
    """Whether the neighbour has more records before the first and after the last of the series."""

    @cached_property
    def polar_mean(self) -> np.ndarray:
        """As `protons.polar_mean`."""
        counts, missing = self.e4[0], self.flux[0, 3] < 0
        return polar_mean(counts, missing, self.L, ~(self.unusable | self.calibrating))

    @cached_property
    def e4(self) -> np.ndarray:
        """E4 of both telescopes in counts per second, as `e4_counts`."""
        return e4_counts(self.flux)

    @cached_property
    def known(self) -> dict[tuple[str, Parameters], np.ndarray]:
        """What `once` keeps."""
        return {}


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
    head: int
    """Position of the first record of the structure that it is a part of: its own, unless it is adjacent to
    one of the other class."""


@once
def observed(series: Series, parameters: Parameters) -> np.ndarray:
    """Tell which records an event could be found at: those in the middle of a window that breaks no rule.

    Returns
    -------
    ndarray of bool, shape (n,)
        Also what is counted as observed time. False at the outer ends of the series.
    """
    unfit = series.unusable | near(series, parameters)
    broken = np.diff(series.time) > 1000 * (np.inf if parameters.gap is None else parameters.gap)
    clear = (_sums(unfit, WINDOW) == 0) & (_sums(broken, WINDOW - 1) == 0)
    middle = np.zeros(series.time.size, bool)
    middle[CENTRE : CENTRE + clear.size] = clear
    middle &= series.L >= 0
    limit = parameters.solar_protons
    return middle if limit is None else middle & (series.polar_mean <= limit)


def _sums(mask: np.ndarray, length: int) -> np.ndarray:
    """Return how many of every `length` consecutive places are set."""
    total = np.concatenate(([0], np.cumsum(mask)))
    return total[length:] - total[: max(total.size - length, 0)]


@once
def near(series: Series, parameters: Parameters) -> np.ndarray:
    """Tell which records are near a calibration, as `near_calibration`."""
    return near_calibration(series.time, series.calibrating, parameters.calibration)


def hot(series: Series, parameters: Parameters) -> np.ndarray:
    """Tell at which records an event could have its peak; bool, shape (n,)."""
    least = max(parameters.peak or 0, 1 if parameters.significance is not None else 0)
    peak = series.e4[0] >= least
    return peak if parameters.belt is None else peak & in_belt(series.L, parameters)


def in_belt(L: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Tell which records lie where an event's peak must; bool, shape (n,)."""
    low, high = parameters.belt or (-np.inf, np.inf)
    return (np.float32(low) <= L) & (np.float32(high) >= L)


def _reach(parameters: Parameters) -> int:
    """Return how far, in records, one that belongs to a structure may be from the next that matters to it."""
    return max(parameters.join or 0, ADJACENT) + 1


def wanted_records(series: Series, parameters: Parameters) -> np.ndarray:
    """Return the records whose windows decide which structures there are among the series' own.

    A structure that becomes an event has its peak at a hot record that can be of significant counts, and
    one of its records, at most `join` before, is marked. One that crosses an end of the own stretch, or is
    adjacent to one that begins there, has a marked record among the last `_reach` before that end.
    """
    start, stop, _ = series.own.indices(series.time.size)
    peaks = hot(series, parameters)
    if parameters.significance is not None:
        peaks &= possible(series.e4[0], _expected(series, parameters), parameters.significance)
    wanted = dilate(peaks, parameters.join or 0, 0)
    wanted[: max(start - _reach(parameters), 0)] = False
    wanted[stop:] = False
    for end in (start, stop):
        wanted[max(end - _reach(parameters), 0) : end] = True
    return wanted & observed(series, parameters)


def classify(
    series: Series, classifier: Classifier, parameters: Parameters, *, dense: bool = False
) -> Classified:
    """Classify the records that events among the series' own can depend on, and all own ones if `dense`.

    Parameters
    ----------
    series : Series
    classifier : callable
        From positions of records, shape (k,), to the probabilities of the windows around them.
    parameters : Parameters
    dense : bool
    """
    seen = observed(series, parameters)
    wanted = wanted_records(series, parameters)
    if dense:
        wanted[series.own] = seen[series.own]

    def marked(probabilities: np.ndarray) -> np.ndarray:
        return marks(probabilities, parameters) > 0

    return grow(classifier, wanted, marked, _reach(parameters), seen)


def marks(probabilities: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Tell which records make structures, int, shape (n,); only those with equal numbers do so together.

    The number is 0 where a record does not, as one that was never classified, NaN.
    """
    if parameters.decode is None:
        return probabilities.argmax(axis=1)
    both = probabilities[:, 1] + probabilities[:, 2]
    return (both >= np.float32(parameters.decode)).astype(np.int64)


def is_open(series: Series, found: Classified, parameters: Parameters) -> bool:
    """Tell whether a structure comes so near an end where the neighbour has more that the halo must grow."""
    near = np.flatnonzero(marks(found.probabilities, parameters))
    margin = _margin(parameters)
    before, after = series.truncated
    return bool(near.size) and bool(
        (before and near[0] < margin) or (after and near[-1] >= series.time.size - margin)
    )


def _margin(parameters: Parameters) -> int:
    """Return how many records from an end of the series may not be known to be observed or not."""
    near = 0 if parameters.solar_protons is None else NEAR
    return _reach(parameters) + WINDOW + 2 * (int(parameters.calibration or 0) + FRAME) + near


def find_structures(series: Series, found: Classified, parameters: Parameters) -> list[Structure]:
    """Return the events of a series, by first record; those of the halo too, as far as they are known.

    Parameters
    ----------
    series : Series
    found : Classified
        What `classify` returns.
    parameters : Parameters
    """
    kinds, counts = marks(found.probabilities, parameters), series.e4
    expected = _expected(series, parameters)
    structures = []
    for kind in range(1, kinds.max(initial=0) + 1):
        index = np.flatnonzero(kinds == kind)
        for part in _chains(index, series.time, parameters.join or 0):
            value = kind if parameters.decode is None else None
            structures.append(_structure(part, found.probabilities, counts, expected, value))
    peaks = hot(series, parameters)
    kept = [s for s in structures if peaks[s.peak] and _is_event(s, parameters)]
    return _numbered(sorted(kept, key=lambda s: (s.first, s.value)), series.time)


def _chains(index: np.ndarray, time: np.ndarray, missing: int) -> list[np.ndarray]:
    """Split records where more than so many are missing between two, by true time and by number."""
    if not index.size:
        return []
    far = np.diff(time[index]) > STEP_MS * (missing + 1.5)
    far |= np.diff(index) > missing + 1  # records closer than 2 s must not join more of them
    return np.split(index, np.flatnonzero(far) + 1)


def _expected(series: Series, parameters: Parameters) -> np.ndarray:
    """Return the counts of E4 at 0 degrees that background gives in each record, shape (n,)."""
    return np.asarray(series.background + (parameters.leak or 0) * series.e4[1])


def _structure(
    part: np.ndarray, probabilities: np.ndarray, counts: np.ndarray, expected: np.ndarray, value: int | None
) -> Structure:
    first, last = int(part[0]), int(part[-1])
    seen = slice(first, last + 1)
    logarithms = np.log(np.maximum(probabilities[part, 1:].astype(np.float64), CERTAIN))
    odds = float((logarithms[:, 0] - logarithms[:, 1]).sum())
    by_chance = chance(int(counts[0, seen].sum()), expected[seen].sum())
    if value is None:
        value = CLASSES.index("REP") if odds > 0 else CLASSES.index("CSS")
    peak = first + int(np.argmax(counts[0, seen]))
    return Structure(first, last, value, peak, odds, by_chance, first)


def _is_event(structure: Structure, parameters: Parameters) -> bool:
    longest, limit = parameters.length, parameters.significance
    if longest is not None and structure.last - structure.first >= longest:
        return False
    return limit is None or structure.background_probability <= limit


def _numbered(structures: list[Structure], time: np.ndarray) -> list[Structure]:
    """Give events that are adjacent to one of the other class its number."""
    numbered: list[Structure] = []
    for structure in structures:
        head = structure.first
        for other in reversed(numbered):
            step = int(time[structure.first] - time[other.last])
            near = structure.first - other.last <= ADJACENT + 1 and step <= STEP_MS * (ADJACENT + 1.5)
            if near and other.value != structure.value:
                head = other.head
                break
        numbered.append(replace(structure, head=head))
    return numbered


def search(
    stretch: Callable[[int], Series],
    classifier_of: Callable[[Series], Classifier],
    parameters: Parameters,
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
    parameters, dense
        As in `classify`.

    Returns
    -------
    tuple of Series, Classified and list of Structure
        Structures that begin in the halo are among them; they belong to the neighbour.
    """
    halo = first_halo(parameters)
    enough = np.inf if parameters.length is None else parameters.length + _margin(parameters)
    while True:
        series = stretch(halo)
        found = classify(series, classifier_of(series), parameters, dense=dense)
        if not is_open(series, found, parameters) or halo >= enough:  # longer ones are no events
            return series, found, find_structures(series, found, parameters)
        halo = int(min(8 * halo, enough))


def first_halo(parameters: Parameters) -> int:
    """Return the records on either side that say what is observed, in the day and in `HALO` records more."""
    return HALO + _margin(parameters)


@dataclass(frozen=True)
class Continuous:
    """The mode: the rules above, set to some parameters, for the days of the archive."""

    parameters: Parameters = DEFAULTS
    arrays = (*RECORDS, "altitude")
    name = CONTINUOUS
    offset = CENTRE

    @classmethod
    def changed(cls, changes: Mapping[str, Any]) -> "Continuous":
        """Return the mode with some of its rules set otherwise; errors as `Parameters.changed`."""
        return cls(DEFAULTS.changed(changes))

    @cached_property
    def halo(self) -> int:
        """As `first_halo`."""
        return first_halo(self.parameters)

    @property
    def flags_order(self) -> bool:
        """Whether rule `order` is on."""
        return self.parameters.order

    def as_dict(self) -> dict[str, Any]:
        """As `Mode.as_dict`."""
        return {"name": self.name, **self.parameters.as_dict()}

    def look(self, stretch: Stretch) -> Look:
        """As `Mode.look`."""
        return self._look(stretch, {})[0]

    def _look(self, stretch: Stretch, background: Mapping[str, float]) -> tuple[Look, Series]:
        records, rules = stretch.records, self.parameters
        missing = not_measured(records)
        stored = records["L_IGRF"]
        L = trace_L(records) if rules.L_traced else stored
        traced = has_L(L) & (stored != L)
        unusable = missing if rules.not_a_measurement else np.zeros(missing.size, bool)
        series = Series(
            records["time"], records["electron_flux"], calibrating(records["ifc_on"], records["time"]),
            unusable, L, stretch.by_month(background, TYPICAL_BACKGROUND), stretch.own, stretch.truncated,
        )  # fmt: skip
        windows, close = Windows(L.size, left_out=0), near(series, rules)
        avoided = series.calibrating | (dilate(close, CENTRE, CENTRE) if close.any() else close)
        seen = observed(series, rules)[windows.seen]
        return Look(L, traced, missing, series.calibrating, avoided, windows, seen), series

    def find(
        self,
        stretch_of: Callable[[int], Stretch],
        network: Network,
        background: Mapping[str, float],
        dense: bool,
    ) -> Found:
        """As `Mode.find`."""
        looked: list[tuple[Stretch, Look]] = []

        def series_of(halo: int) -> Series:
            stretch = stretch_of(halo)
            look, series = self._look(stretch, background)
            looked[:] = [(stretch, look)]
            return series

        def classifier_of(series: Series) -> Classifier:
            return lambda index: network(series.flux, index - CENTRE)

        _, found, structures = search(series_of, classifier_of, self.parameters, dense=dense)
        ((stretch, look),) = looked
        at = look.windows.seen
        classified = Classified(found.evaluated[at], found.probabilities[at], found.classes[at])
        of = {name: [s for s in structures if s.value == value] for name, value in EVENT_CLASSES.items()}
        events = {n: np.array([(s.first, s.last) for s in own], int).reshape(-1, 2) for n, own in of.items()}
        heads = {n: np.array([s.head for s in own], int) for n, own in of.items()}
        return Found(stretch, look, classified, events, heads)
