"""Intervals of calendar blocks, and whether they cover the truth where events are not independent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocess.maps import intervals
from reprocess.maps.intervals import (
    CONFIDENCE,
    DRAWS,
    MIN_BLOCKS,
    MIN_BLOCKS_WITH,
    block_interval,
    calendar_block,
    dispersion,
    draw_blocks,
    effective_blocks,
    why_no_interval,
)
from tests.benchmarks.coverage import coverage, median_coverage


def test_blocks_are_of_the_calendar() -> None:
    assert calendar_block(np.array([0, 26, 27, 53, 54])).tolist() == [0, 0, 1, 1, 2]


def test_draws_are_of_as_many_blocks_and_always_the_same() -> None:
    drawn = draw_blocks(12)
    assert drawn.shape == (DRAWS, 12)
    assert (drawn.sum(axis=1) == 12).all()
    draw_blocks.cache_clear()
    np.testing.assert_array_equal(draw_blocks(12), drawn)


def test_equal_blocks_have_no_width() -> None:
    limits = block_interval(np.full((20, 2), 3), np.full((20, 2), 10.0))
    np.testing.assert_allclose(limits.lower, 0.3)
    np.testing.assert_allclose(limits.upper, 0.3)


def test_a_normal_mean_has_the_interval_of_student() -> None:
    values = np.random.default_rng(1).normal(100, 10, (12, 400))
    limits = block_interval(values, np.ones_like(values))
    half = (limits.upper - limits.lower) / 2
    expected = 1.0533 * values.std(axis=0, ddof=1) / 12**0.5  # t of 11 degrees for 68.27 %
    np.testing.assert_allclose(half.mean(), expected.mean(), rtol=0.03)


@given(st.integers(1, 40), st.integers(0, 1000))
def test_the_effective_number_is_that_of_equal_blocks(blocks: int, weight: int) -> None:
    found = effective_blocks(np.full((blocks, 1), float(weight)))
    assert found[0] == pytest.approx(blocks if weight else 0)


def test_one_heavy_block_counts_for_little_more_than_one() -> None:
    weight = np.ones((30, 1))
    weight[0] = 1000
    assert effective_blocks(weight)[0] < 1.1
    assert np.isnan(block_interval(weight, weight).lower).all()


@pytest.mark.parametrize(("blocks", "given"), [(MIN_BLOCKS - 1, False), (MIN_BLOCKS, True)])
def test_too_few_blocks_give_none(blocks: int, given: bool) -> None:
    limits = block_interval(np.arange(blocks)[:, np.newaxis], np.ones((blocks, 1)))
    assert np.isfinite(limits.lower[0]) == np.isfinite(limits.upper[0]) == given
    assert bool(why_no_interval(blocks)) != given


@pytest.mark.parametrize(("having", "given"), [(MIN_BLOCKS_WITH - 1, False), (MIN_BLOCKS_WITH, True)])
def test_events_in_too_few_blocks_give_none(having: int, given: bool) -> None:
    events = (np.arange(20) < having)[:, np.newaxis] * 4
    assert np.isfinite(block_interval(events, np.full((20, 1), 9)).lower[0]) == given
    # What is not of the numerator of a share is as rare.
    assert np.isfinite(block_interval(9 - events, np.full((20, 1), 9)).lower[0])
    assert np.isfinite(block_interval(9 - 2 * events, np.full((20, 1), 9), proportion=True).lower[0]) == given


def test_limits_stay_where_values_can_be() -> None:
    rng = np.random.default_rng(2)
    total = rng.integers(1, 4, (11, 300))
    part = np.minimum(rng.poisson(0.3, total.shape), total)
    limits = block_interval(part, total, proportion=True)
    known = np.isfinite(limits.lower)
    assert known.any()
    assert (limits.lower[known] >= 0).all()
    assert (limits.upper[known] <= 1).all()
    assert (limits.lower[known] <= (part.sum(axis=0) / total.sum(axis=0))[known]).all()


def test_many_cells_are_drawn_in_parts_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    events, dwell = rng.poisson(2, (15, 50)), rng.uniform(1, 2, (15, 50))
    at_once = block_interval(events, dwell)
    monkeypatch.setattr(intervals, "_AT_ONCE", 7)
    np.testing.assert_allclose(block_interval(events, dwell).lower, at_once.lower, rtol=1e-12)


def test_dispersion_by_hand() -> None:
    events = np.array([[0, 2], [4, 2]])
    # Expected 2 and 2: (4 + 4) / 2 over 1 less than two blocks; none where counts are as expected.
    assert dispersion(events, np.ones((2, 2))).tolist() == [4, 0]
    assert np.isnan(dispersion(events * 0, np.ones((2, 2)))).all()
    assert np.isnan(dispersion(events[:1], np.ones((1, 2)))).all()


@given(st.floats(0.5, 20), st.integers(0, 1000))
def test_independent_events_have_a_dispersion_of_one(mean: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dwell = rng.uniform(0.5, 2, (40, 200))
    assert dispersion(rng.poisson(mean * dwell), dwell).mean() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("truth", ["clusters", "activity and clusters"])
def test_intervals_cover_the_truth_within_five_points(truth: str) -> None:
    """Three years of the simulator's clusters and activity, bins of any rate (docs/statistics.md)."""
    found = coverage(truth, years=3, seeds=16, rng=np.random.default_rng(7))
    error = found.shares.std(ddof=1) / len(found.shares) ** 0.5  # bins of one seed share its activity
    assert abs(found.blocks - CONFIDENCE) < 0.05 + 2 * error
    assert error < 0.04
    assert found.alone < found.blocks - 0.05, "events that are independent do not test anything"


def test_intervals_of_medians_cover_the_truth_within_what_the_docs_tell() -> None:
    """Three years as above, of bins that expect some events at least (docs/statistics.md)."""
    found = median_coverage("activity and clusters", years=3, seeds=10, rng=np.random.default_rng(7))
    error = found.shares.std(ddof=1) / len(found.shares) ** 0.5
    many = found.shown & (found.expected >= 16)
    covered = found.covered[many].mean()
    assert abs(covered - CONFIDENCE) < 0.05 + 2 * error
    assert error < 0.03
    assert found.covered_alone[many].mean() < covered - 0.05, "independent events do not test anything"
