"""Differences of rates between two parts of a split, or of each part from all others together.

Both parts are counted by the same calendar blocks, which all satellites share: what activity does to a block
it does to both. Under the hypothesis that both have one rate, the parts of a block can be exchanged, and
blocks that only one part was observed in can be given to either. So each bin's p-value is that of permuted
blocks; which bins differ is said with a false-discovery rate over all bins that are tested.
"""

from dataclasses import dataclass

import numpy as np

from reprocess.maps.intervals import (
    MIN_BLOCKS,
    MIN_BLOCKS_WITH,
    draw_blocks,
    effective_blocks,
    spread_limits,
)

FALSE_DISCOVERIES = 0.1
"""Expected share of false ones among the bins that are said to differ."""

MIN_EXPECTED = 3.0
"""Events expected of either part if both have one rate, below which a bin is not tested."""

PERMUTATIONS = 9999

_SEED = 20220913
_AT_ONCE = 32  # bins whose permuted sums are held at once: 2.6 MB an array


@dataclass(frozen=True)
class Part:
    """What is counted of one part; columns are bins, or bins by class."""

    events: np.ndarray
    """Shape (blocks, n)."""
    seconds: np.ndarray
    """Dwell, shape (blocks, n)."""

    @property
    def rate(self) -> np.ndarray:
        """Events per second, shape (n,); NaN without dwell."""
        total = self.seconds.sum(axis=0)
        return np.divide(self.events.sum(axis=0), total, out=np.full(total.shape, np.nan), where=total > 0)

    def of(self, blocks: np.ndarray | slice, columns: np.ndarray | slice = slice(None)) -> "Part":
        """Return some blocks and columns."""
        return Part(self.events[blocks][:, columns], self.seconds[blocks][:, columns])

    @property
    def observed(self) -> np.ndarray:
        """Which blocks have any dwell, bool, shape (blocks,)."""
        return np.asarray((self.seconds > 0).any(axis=1))


def permute(first: Part, second: Part, count: int = PERMUTATIONS) -> np.ndarray:
    """Return which blocks change sides, float64, shape (count, blocks); always the same.

    Blocks of both parts change with a chance of one half. Those of one part alone are dealt out anew, to
    each part as many as it has.
    """
    rng = np.random.default_rng(_SEED)
    a, b = first.observed, second.observed
    change = rng.random((count, a.size)) < 0.5
    change[:, ~(a & b)] = False
    alone = np.flatnonzero(a ^ b)
    if alone.size:
        dealt = rng.permuted(np.tile(a[alone], (count, 1)), axis=1)
        change[:, alone] = dealt != a[alone]
    return change.astype(np.float64)


def p_values(first: Part, second: Part, tested: np.ndarray) -> np.ndarray:
    """Return the p-value of the difference of two rates for each column, from permuted blocks.

    What is compared is the difference over its standard error, which block by block residuals give: then
    parts of unequal dwell can be permuted too (Chung and Romano, 2013, Ann. Statist. 41, 484).

    Parameters
    ----------
    first, second : Part
        The same blocks and columns.
    tested : ndarray of bool, shape (n,)
        Which columns have enough of both (`enough`).

    Returns
    -------
    ndarray of float64, shape (n,)
        Two-sided; NaN where it is not tested.
    """
    found = np.full(tested.shape, np.nan)
    known = np.flatnonzero(tested)
    change = permute(first, second) if known.size else np.empty((0, 0))
    for start in range(0, known.size, _AT_ONCE):
        at = known[start : start + _AT_ONCE]
        a, b = (part.of(slice(None), at) for part in (first, second))
        own = np.abs(_studentised(a, b, np.zeros((1, change.shape[1]))))
        permuted = np.abs(_studentised(a, b, change))
        as_far = (permuted >= own * (1 - 1e-9)).sum(axis=0)
        found[at] = (1 + as_far) / (1 + len(change))
    return found


def _studentised(a: Part, b: Part, change: np.ndarray) -> np.ndarray:
    """Return differences over their standard errors, shape (permutations, n)."""

    def sides(of_a: np.ndarray, of_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moved = change @ (of_b - of_a)
        return of_a.sum(axis=0) + moved, of_b.sum(axis=0) - moved

    n = sides(a.events, b.events)
    t = [np.maximum(side, 1e-9) for side in sides(a.seconds, b.seconds)]
    nn, nt = sides(a.events**2, b.events**2), sides(a.events * a.seconds, b.events * b.seconds)
    tt = sides(a.seconds**2, b.seconds**2)
    crossed = sides(a.events * b.seconds, b.events * a.seconds)
    r = [x / y for x, y in zip(n, t, strict=True)]
    variance = sum((nn[k] - 2 * r[k] * nt[k] + r[k] ** 2 * tt[k]) / t[k] ** 2 for k in (0, 1))
    both = (a.events * b.events).sum(axis=0) + r[0] * r[1] * (a.seconds * b.seconds).sum(axis=0)
    variance -= 2 * (both - r[1] * crossed[0] - r[0] * crossed[1]) / (t[0] * t[1])
    rate = (n[0] + n[1]) / (t[0] + t[1])
    least = rate * (1 / t[0] + 1 / t[1])  # that of independent events: residuals of few of them say less
    return np.asarray((r[0] - r[1]) / np.sqrt(np.maximum(np.maximum(variance, least), 1e-30)))


def enough(first: Part, second: Part, min_dwell_s: float) -> np.ndarray:
    """Tell which columns can be tested: dwell, blocks, and events expected of both parts are enough.

    It looks at the events of both parts together alone: what is tested does not depend on what is found.
    """
    both = (first, second)
    dwell = np.stack([part.seconds.sum(axis=0) for part in both])
    blocks = np.stack([np.count_nonzero(part.seconds, axis=0) for part in both])
    events, seconds = first.events + second.events, first.seconds + second.seconds
    expected = events.sum(axis=0) * dwell.min(axis=0) / np.maximum(dwell.sum(axis=0), 1)
    return np.asarray(
        (dwell.min(axis=0) >= min_dwell_s)
        & (np.count_nonzero(seconds, axis=0) >= MIN_BLOCKS)
        & (blocks.min(axis=0) >= MIN_BLOCKS // 2)
        & (np.count_nonzero(events, axis=0) >= MIN_BLOCKS_WITH)
        & (expected >= MIN_EXPECTED)
    )


def discoveries(p: np.ndarray, rate: float = FALSE_DISCOVERIES) -> np.ndarray:
    """Return which p-values are small with this false-discovery rate; NaN never is.

    Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57, 289; right too where bins go up and down together.
    """
    known = np.sort(p[np.isfinite(p)])
    passed = np.flatnonzero(known <= rate * np.arange(1, known.size + 1) / max(known.size, 1))
    limit = known[passed[-1]] if passed.size else -1.0
    return np.asarray(np.isfinite(p) & (p <= limit))


def difference_interval(first: Part, second: Part, tested: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of the difference of rates (per second), by drawing the blocks anew for both alike.

    Returns
    -------
    tuple of ndarray of float64, shape (n,)
        As wide as `intervals.block_interval` makes them; NaN where it is not tested or the blocks of either
        part are too few.
    """
    few = np.minimum(*(effective_blocks(part.seconds) for part in (first, second)))
    known = tested & (few > MIN_BLOCKS - 1e-6)
    lower, upper = np.full(tested.shape, np.nan), np.full(tested.shape, np.nan)
    if known.any():
        a, b = (part.of(slice(None), known) for part in (first, second))
        weights = draw_blocks(len(a.events))
        drawn = _drawn_rate(weights, a) - _drawn_rate(weights, b)
        lower[known], upper[known] = spread_limits(a.rate - b.rate, drawn, few[known])
    return lower, upper


def _drawn_rate(weights: np.ndarray, part: Part) -> np.ndarray:
    seconds = weights @ part.seconds
    return np.where(seconds > 0, (weights @ part.events) / np.where(seconds > 0, seconds, 1), part.rate)


@dataclass(frozen=True)
class Standardised:
    """Events of one part over those expected if its bins had the rates of the other."""

    events: int
    expected: float
    ratio: float
    lower: float
    upper: float
    """Limits of 68.27 %; NaN of too few blocks, or too few with an event of either part."""
    blocks: int
    """Calendar blocks that it is of."""
    bins: int
    """Bins that both observed."""


def standardise(first: Part, second: Part, min_dwell_s: float) -> Standardised:
    """Hold one part against the other where both looked, all bins together.

    Only calendar blocks are used that both were observed in, if there are enough of them: else two
    satellites of different years would be compared at different activity. All blocks are used otherwise.

    Parameters
    ----------
    first, second : Part
        Columns are bins.
    min_dwell_s : float
        Dwell that either must have in a bin.
    """
    shared = first.observed & second.observed
    use = shared if shared.sum() >= MIN_BLOCKS else first.observed | second.observed
    a, b = first.of(use), second.of(use)
    bins = np.minimum(a.seconds.sum(axis=0), b.seconds.sum(axis=0)) >= min_dwell_s
    a, b = a.of(slice(None), bins), b.of(slice(None), bins)
    events, expected = int(a.events.sum()), float((a.seconds.sum(axis=0) * b.rate).sum())
    ratio = events / expected if expected else np.nan
    lower = upper = np.nan
    few = min(float(effective_blocks(part.seconds.sum(axis=1, keepdims=True))[0]) for part in (a, b))
    seen = min(np.count_nonzero(part.events.sum(axis=1)) for part in (a, b))
    if few > MIN_BLOCKS - 1e-6 and seen >= MIN_BLOCKS_WITH:
        weights = draw_blocks(int(use.sum()))
        expected_anew = ((weights @ a.seconds) * _drawn_rate(weights, b)).sum(axis=1)
        events_anew = weights @ a.events.sum(axis=1)
        without = np.full(events_anew.shape, np.inf)  # draws of no event of the second part
        drawn = np.divide(events_anew, expected_anew, out=without, where=expected_anew > 0)
        limits = spread_limits(np.array([ratio]), drawn[:, np.newaxis], np.array([few]))
        lower, upper = max(float(limits[0][0]), 0.0), float(limits[1][0])
    return Standardised(events, expected, ratio, lower, upper, int(use.sum()), int(bins.sum()))
