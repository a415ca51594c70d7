"""Intervals of what is counted over time: resampled calendar blocks, and the exact Poisson interval.

Events come in clusters and with geomagnetic activity, which all satellites share and which lasts for days. So
neither events nor satellite-days are independent, and an interval made as if they were is too short by up
to a factor of several (docs/statistics.md has the numbers). Counts of whole calendar blocks, all satellites
together, are nearly independent where a block is much longer than activity lasts.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import gammaincinv, ndtri, stdtrit  # scipy.stats takes a second to import

from reprocess.schema.calendar import EPOCH

CONFIDENCE = 0.6827
"""Coverage of all intervals: one standard deviation of a normal distribution."""

CALENDAR_BLOCK_DAYS = 27
"""Length of a block: a rotation of the Sun, after which activity tends to come again."""

DRAWS = 1000
"""Times that the blocks are drawn anew."""

MIN_BLOCKS = 10
"""Blocks, weighted by what was observed in each, below which there is no interval."""

MIN_BLOCKS_WITH = 3
"""Blocks with any event below which there is no interval: fewer say nothing of how blocks differ."""

_SEED = 20220912
_AT_ONCE = 4096  # cells whose draws are held at once: 33 MB each for numerator, denominator and ratio


def calendar_block(day: np.ndarray, length: int = CALENDAR_BLOCK_DAYS) -> np.ndarray:
    """Return the calendar block of days on the `day` axis; the same for every satellite and selection."""
    return np.asarray(day) // length


def poisson_interval(counts: np.ndarray, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact central interval of a Poisson mean, too short where events are not independent.

    Parameters
    ----------
    counts : ndarray of int
        Events counted.
    confidence : float
        Coverage if events are independent; at least that much, whatever the mean.

    Returns
    -------
    tuple of ndarray of float64
        Lower and upper limit, in events. Garwood (1936), Biometrika 28, 437.
    """
    tail = (1 - confidence) / 2
    lower = np.where(counts > 0, gammaincinv(np.maximum(counts, 1), tail), 0.0)
    return lower, np.asarray(gammaincinv(counts + 1, 1 - tail))


@dataclass(frozen=True)
class Limits:
    """An interval of a ratio for each column; NaN where the data cannot give one."""

    lower: np.ndarray
    """float64, shape (n,)."""
    upper: np.ndarray
    """float64, shape (n,)."""


def block_interval(numerator: np.ndarray, denominator: np.ndarray, proportion: bool = False) -> Limits:
    """Return the interval of the ratio of two sums over calendar blocks, by drawing blocks anew.

    The same blocks are drawn for all columns. The quantiles of the drawn ratios are moved away from the ratio
    by sqrt(b / (b - 1)) and by the quantile of Student's t over that of the normal distribution,
    for b blocks weighted by what was observed in each: what few blocks vary less than the truth.

    Parameters
    ----------
    numerator, denominator : ndarray, shape (blocks, n)
        Sums of each block, of events and of hours for example.
    proportion : bool
        Whether the numerator is a part of the denominator: the limits do not exceed 1, and what is not of the
        numerator must be seen in as many blocks.

    Returns
    -------
    Limits
        NaN where blocks are fewer than `MIN_BLOCKS`, or those with anything in the numerator than
        `MIN_BLOCKS_WITH`.
    """
    numerator, denominator = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    blocks, n = numerator.shape
    lower, upper = np.full(n, np.nan), np.full(n, np.nan)
    known = np.flatnonzero(is_enough(numerator, denominator, proportion))
    weights = draw_blocks(blocks) if known.size else np.empty((0, blocks))
    for first in range(0, known.size, _AT_ONCE):
        at = known[first : first + _AT_ONCE]
        lower[at], upper[at] = _limits(weights, numerator[:, at], denominator[:, at])
    return Limits(np.maximum(lower, 0), np.minimum(upper, 1) if proportion else upper)


@lru_cache(4)
def draw_blocks(blocks: int, draws: int = DRAWS) -> np.ndarray:
    """Return how often each block is drawn, float64, shape (draws, blocks); always the same."""
    rng = np.random.default_rng(_SEED)
    return rng.multinomial(blocks, np.full(blocks, 1 / blocks), draws).astype(np.float64)


def effective_blocks(weight: np.ndarray) -> np.ndarray:
    """Return how many equal blocks would say as much as blocks of these weights, shape (n,).

    Kish's effective size: (sum of weights)^2 / sum of squares; weights have shape (blocks, n).
    """
    squares = (weight**2).sum(axis=0)
    return np.divide(weight.sum(axis=0) ** 2, squares, out=np.zeros(squares.shape), where=squares > 0)


def is_enough(numerator: np.ndarray, denominator: np.ndarray, proportion: bool) -> np.ndarray:
    """Tell for each column whether its blocks can give an interval."""
    enough = effective_blocks(denominator) > MIN_BLOCKS - 1e-6  # a sum of rounded squares
    enough &= np.count_nonzero(numerator > 0, axis=0) >= MIN_BLOCKS_WITH
    if proportion:
        enough &= np.count_nonzero(denominator > numerator, axis=0) >= MIN_BLOCKS_WITH
    return enough


def _limits(
    weights: np.ndarray, numerator: np.ndarray, denominator: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    ratio = numerator.sum(axis=0) / denominator.sum(axis=0)
    totals = weights @ denominator
    drawn = np.where(totals > 0, (weights @ numerator) / np.where(totals > 0, totals, 1), ratio)
    return spread_limits(ratio, drawn, effective_blocks(denominator))


def spread_limits(
    value: np.ndarray, drawn: np.ndarray, blocks: np.ndarray, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of values by what was drawn of them, moved away as `block_interval` says.

    Parameters
    ----------
    value : ndarray, shape (n,)
    drawn : ndarray, shape (draws, n)
    blocks : ndarray, shape (n,)
        Effective number of blocks, more than 1.
    confidence : float
        Share of draws between the quantiles.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    further = stdtrit(blocks - 1, 1 - tail) / ndtri(1 - tail) * np.sqrt(blocks / (blocks - 1))
    return value - further * (value - low), value + further * (high - value)


def dispersion(events: np.ndarray, dwell: np.ndarray) -> np.ndarray:
    """Return the variance over the mean of counts per block, float64, shape (n,).

    Pearson's: the mean over b - 1 of (count - expected)^2 / expected, where what is expected goes by the
    dwell of the block. 1 for independent events; NaN without events or with fewer than two blocks.

    Parameters
    ----------
    events, dwell : ndarray, shape (blocks, n)
    """
    total = dwell.sum(axis=0)
    rate = np.divide(events.sum(axis=0), total, out=np.zeros(total.shape), where=total > 0)
    expected = rate * dwell
    seen = expected > 0
    terms = np.divide((events - expected) ** 2, expected, out=np.zeros(expected.shape), where=seen)
    free = np.count_nonzero(seen, axis=0) - 1
    return np.where(free > 0, terms.sum(axis=0) / np.maximum(free, 1), np.nan)


def why_no_interval(blocks: int, given: bool = True) -> str:
    """Say why no bin has an interval, nothing if some may have.

    Parameters
    ----------
    blocks : int
        Calendar blocks of everything, whole or in part.
    given : bool
        Whether any bin has an interval, where that is known.
    """
    whole = f"{MIN_BLOCKS} calendar blocks of {CALENDAR_BLOCK_DAYS} days"
    there = f"there are {blocks} (since {EPOCH.isoformat()})"
    if blocks < MIN_BLOCKS:
        return f"no intervals: they need {whole}, {there}"
    if given:
        return ""
    return (
        f"no intervals: no bin has the dwell of {whole} with events in {MIN_BLOCKS_WITH}; {there}, "
        "of which those in part count for less"
    )


def facts_of_intervals(blocks: int) -> dict[str, Any]:
    """Return what a program elsewhere needs to give the same intervals as `block_interval`.

    Parameters
    ----------
    blocks : int
        Calendar blocks of everything; draws of so many are summed to be compared with those made elsewhere.

    Returns
    -------
    dict
        The limits above; state and increment of NumPy's generator (PCG64) where the draws begin; coefficients
        of the factor ``t(b - 1) / normal`` as a Chebyshev series in 1 / (b - 1), which goes from 0 to
        ``top``; the sum of all draws, each times its position modulo 65521.
    """
    tail, top = (1 - CONFIDENCE) / 2, 1 / (MIN_BLOCKS - 1.5)

    def further(x: np.ndarray) -> np.ndarray:
        return np.asarray(stdtrit(1 / x, 1 - tail) / ndtri(1 - tail))

    series = np.polynomial.Chebyshev.interpolate(further, 16, [0, top])
    start = np.random.PCG64(_SEED).state["state"]
    drawn = draw_blocks(blocks).ravel()
    return {
        "confidence": CONFIDENCE,
        "block_days": CALENDAR_BLOCK_DAYS,
        "draws": DRAWS,
        "min_blocks": MIN_BLOCKS,
        "min_blocks_with": MIN_BLOCKS_WITH,
        "state": str(start["state"]),
        "increment": str(start["inc"]),
        "top": top,
        "further": series.coef.tolist(),
        "draws_sum": float((drawn * (np.arange(drawn.size) % 65521)).sum()),
    }
