"""How often intervals of maps cover the truth: ``python -m tests.benchmarks.coverage``.

Events of bins of any rate, in the clusters of the simulator and with the activity that all satellites and
all bins share there. No fluxes and no classifier: what is tried is the arithmetic of intervals. Prints
Markdown, which docs/statistics.md holds.
"""

import argparse
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reprocess.maps.intervals import CALENDAR_BLOCK_DAYS, block_interval, calendar_block, poisson_interval
from reprocess.schema import MS_PER_DAY, day_index
from reprocess.simulate.activity import activity
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

RANGES = (0.5, 2, 4, 8, 16, 32, 100, 500)
"""Of expected events, that coverage is told by."""


@dataclass(frozen=True)
class Coverage:
    """Share of the intervals shown that cover the truth."""

    blocks: float
    """Of calendar blocks."""
    poisson: float
    """Of Poisson, in the same bins."""
    shares: np.ndarray
    """Of calendar blocks by seed."""
    expected: np.ndarray
    """Events expected in each bin, shape (seeds * BINS,)."""
    covered: np.ndarray
    """Whether each bin's interval of blocks covers the truth."""
    shown: np.ndarray
    """Whether each bin has one."""


def counts(
    truth: str, days: np.ndarray, expected: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return events and dwell by day and bin, shape (days, bins), dwell with a mean of about 1.

    Dwell differs from day to day by 20 %, and 3 % of the days are missing.
    """
    clustered, active = TRUTHS[truth]
    rate = activity(int(rng.integers(2**31)), (FIRST + days + 0.5) * MS_PER_DAY).rate if active else 1.0
    dwell = rng.lognormal(0, 0.2, (days.size, expected.size)) * (rng.random((days.size, 1)) > 0.03)
    mean = np.broadcast_to(rate, days.size)[:, np.newaxis] * dwell * expected / days.size
    if not clustered:
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
        events, dwell = (np.add.reduceat(x, first) for x in counts(truth, days, expected, rng))
        limits, true = block_interval(events, dwell), expected / days.size
        lower, upper = (limit / dwell.sum(axis=0) for limit in poisson_interval(events.sum(axis=0)))
        covered = (limits.lower <= true) & (true <= limits.upper)
        by_poisson = (lower <= true) & (true <= upper)
        found.append(np.stack([expected, np.isfinite(limits.lower), covered, by_poisson]))
    expected, shown, covered, by_poisson = np.concatenate(found, axis=1)
    known = shown > 0
    shares = np.array([seed[2].sum() / max(seed[1].sum(), 1) for seed in found])
    return Coverage(
        float(covered[known].mean()) if known.any() else np.nan,
        float(by_poisson[known].mean()) if known.any() else np.nan,
        shares, expected, covered > 0, known,
    )  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=100)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    between = [f"{a:g}-{b:g}" for a, b in pairwise(RANGES)]
    print(f"| years | truth | all shown | +- | Poisson | {' | '.join(between)} |")
    print("|---:|---|---:|---:|---:|" + "---:|" * len(between))
    for years in (0.75, 1, 3, 10):
        for truth in TRUTHS:
            found = coverage(truth, years, options.seeds, rng)
            cells = [_cell(found, a, b) for a, b in pairwise(RANGES)]
            error = found.shares.std(ddof=1) / options.seeds**0.5
            numbers = f"{100 * found.blocks:.1f} | {100 * error:.1f} | {100 * found.poisson:.0f}"
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
