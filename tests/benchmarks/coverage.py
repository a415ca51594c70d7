"""How often intervals of maps cover the truth: ``python -m tests.benchmarks.coverage [--medians]``.

Events of bins of any rate, in the clusters of the simulator and with the activity that all satellites and
all bins share there. No fluxes and no classifier: what is tried is the arithmetic of intervals, of rates
or of the median of a property. Prints Markdown, which docs/statistics.md holds.
"""

import argparse
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.stats import binom

from reprocess.maps.intervals import (
    CALENDAR_BLOCK_DAYS,
    CONFIDENCE,
    block_interval,
    calendar_block,
    poisson_interval,
)
from reprocess.maps.quantities import quartiles
from reprocess.schema import MS_PER_DAY, day_index
from reprocess.simulate.activity import RATE_SPREAD, activity
from reprocess.simulate.structures import MEMBERS

TRUTHS = {
    "independent": (False, False),
    "clusters": (True, False),
    "activity": (False, True),
    "activity and clusters": (True, True),
}
"""What is true of events: whether they come in clusters, and with activity."""

FIRST = day_index("2013-01-01")
BINS = 100
EXPECTED = (0.5, 500.0)
"""Events that bins of a map expect in all, from the least to the most; even in the logarithm."""

FOLLOWS = 0.5
"""Power of the activity that values of a property go with, where the truth has activity."""

VALUE_SPREAD = 1.0
"""Standard deviation of the logarithm of values besides; where events come in clusters, those of a day and
bin share half of its variance."""

RANGES = (0.5, 2, 4, 8, 16, 32, 100, 500)
"""Of expected events, that coverage is told by."""


@dataclass(frozen=True)
class Coverage:
    """Share of the intervals shown that cover the truth."""

    blocks: float
    """Of calendar blocks."""
    alone: float
    """Those made as if events were independent, in the same bins: Poisson's, or of ranks for medians."""
    shares: np.ndarray
    """Of calendar blocks by seed."""
    expected: np.ndarray
    """Events expected in each bin, shape (seeds * BINS,)."""
    covered: np.ndarray
    """Whether each bin's interval of blocks covers the truth."""
    shown: np.ndarray
    """Whether each bin has one."""
    covered_alone: np.ndarray
    """Whether the interval of independent events covers it."""


def rates_of(truth: str, days: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the rate of events of each day over its mean."""
    if not TRUTHS[truth][1]:
        return np.ones(days.size)
    return activity(int(rng.integers(2**31)), (FIRST + days + 0.5) * MS_PER_DAY).rate


def counts(
    truth: str, rate: np.ndarray, expected: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return events and dwell by day and bin, shape (days, bins), dwell with a mean of about 1.

    Dwell differs from day to day by 20 %, and 3 % of the days are missing.
    """
    dwell = rng.lognormal(0, 0.2, (rate.size, expected.size)) * (rng.random((rate.size, 1)) > 0.03)
    mean = rate[:, np.newaxis] * dwell * expected / rate.size
    if not TRUTHS[truth][0]:
        return rng.poisson(mean), dwell
    first = rng.poisson(mean / MEMBERS)
    return first + rng.poisson(first * (MEMBERS - 1)), dwell


def coverage(
    truth: str, years: float, seeds: int, rng: np.random.Generator, length: int = CALENDAR_BLOCK_DAYS
) -> Coverage:
    """Return how often the intervals that are shown cover the truth.

    Parameters
    ----------
    truth : str
        One of `TRUTHS`.
    years : float
    seeds : int
        Maps, each with an activity of its own.
    rng : Generator
    length : int
        Days of a calendar block.
    """
    days = np.arange(round(365.25 * years))
    first = np.flatnonzero(np.diff(calendar_block(FIRST + days, length), prepend=-1))
    found = []
    for _ in range(seeds):
        expected = np.exp(rng.uniform(*np.log(EXPECTED), BINS))
        counted = counts(truth, rates_of(truth, days, rng), expected, rng)
        events, dwell = (np.add.reduceat(x, first) for x in counted)
        limits, true = block_interval(events, dwell), expected / days.size
        lower, upper = (limit / dwell.sum(axis=0) for limit in poisson_interval(events.sum(axis=0)))
        covered = (limits.lower <= true) & (true <= limits.upper)
        by_poisson = (lower <= true) & (true <= upper)
        found.append(np.stack([expected, np.isfinite(limits.lower), covered, by_poisson]))
    return _summed(found)


def values_of(
    truth: str, events: np.ndarray, rate: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a property of each event, and its day and bin, from the events by day and bin."""
    day, bin_ = (np.repeat(index, events[events > 0]) for index in np.nonzero(events))
    shared = 0.5 if TRUTHS[truth][0] else 0.0
    common = rng.normal(0, 1, events.shape)[day, bin_]
    noise = shared**0.5 * common + (1 - shared) ** 0.5 * rng.normal(0, 1, day.size)
    return np.exp(VALUE_SPREAD * noise + FOLLOWS * np.log(rate[day])), day, bin_


def true_median(truth: str) -> float:
    """Return the median over all events: log-normal, with a rate of log-normal distribution as the weight."""
    return float(np.exp(FOLLOWS * RATE_SPREAD**2 / 2)) if TRUTHS[truth][1] else 1.0


def median_coverage(truth: str, years: float, seeds: int, rng: np.random.Generator) -> Coverage:
    """Return how often the intervals of a property's median that are shown cover the truth, as `coverage`."""
    days = np.arange(round(365.25 * years))
    blocks = calendar_block(FIRST + days)
    first, true, found = np.flatnonzero(np.diff(blocks, prepend=-1)), true_median(truth), []
    for _ in range(seeds):
        expected, rate = np.exp(rng.uniform(*np.log(EXPECTED), BINS)), rates_of(truth, days, rng)
        events, dwell = counts(truth, rate, expected, rng)
        values, day, bin_ = values_of(truth, events, rate, rng)
        seconds = np.add.reduceat(dwell, first)
        limits = quartiles(values, bin_, blocks[day] - blocks[0], seconds, BINS)
        lower, upper = limits["median_lower"], limits["median_upper"]
        by_ranks = [_by_ranks(np.sort(values[bin_ == k]), true) for k in range(BINS)]
        found.append(np.stack([expected, np.isfinite(lower), (lower <= true) & (true <= upper), by_ranks]))
    return _summed(found)


def _by_ranks(values: np.ndarray, true: float) -> bool:
    """Tell whether the interval of a median that is made of ranks covers it; values are in order."""
    if not values.size:
        return False
    low, high = binom.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], values.size, 0.5).astype(int)
    return bool(values[max(low - 1, 0)] <= true <= values[min(high, values.size - 1)])


def _summed(found: list[np.ndarray]) -> Coverage:
    expected, shown, covered, alone = np.concatenate(found, axis=1)
    known = shown > 0
    shares = np.array([seed[2].sum() / max(seed[1].sum(), 1) for seed in found])
    return Coverage(
        float(covered[known].mean()) if known.any() else np.nan,
        float(alone[known].mean()) if known.any() else np.nan,
        shares, expected, covered > 0, known, alone > 0,
    )  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--medians", action="store_true", help="of the median of a property, not of rates")
    options = parser.parse_args()
    rng, of = np.random.default_rng(1), median_coverage if options.medians else coverage
    between = [f"{a:g}-{b:g}" for a, b in pairwise(RANGES)]
    alone = "Ranks" if options.medians else "Poisson"
    print(f"| years | truth | all shown | +- | {alone} | {' | '.join(between)} |")
    print("|---:|---|---:|---:|---:|" + "---:|" * len(between))
    for years in (0.75, 1, 3, 10):
        for truth in TRUTHS:
            found = of(truth, years, options.seeds, rng)
            cells = [_cell(found, a, b) for a, b in pairwise(RANGES)]
            error = found.shares.std(ddof=1) / options.seeds**0.5
            numbers = f"{100 * found.blocks:.1f} | {100 * error:.1f} | {100 * found.alone:.0f}"
            print(f"| {years:g} | {truth} | {numbers} | {' | '.join(cells)} |", flush=True)


def _cell(found: Coverage, least: float, most: float) -> str:
    """Return the coverage among bins that expect so many events, and the share of them that is shown."""
    inside = (found.expected >= least) & (found.expected < most)
    shown = inside & found.shown
    if not shown.any():
        return "-"
    return f"{100 * found.covered[shown].mean():.0f} ({100 * shown.sum() / inside.sum():.0f})"


if __name__ == "__main__":
    main()
