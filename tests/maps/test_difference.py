"""Differences between parts of a split: tests that are right if nothing differs, and find what does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from reprocess.maps.difference import (
    FALSE_DISCOVERIES,
    Part,
    difference_interval,
    discoveries,
    enough,
    p_values,
    permute,
    standardise,
)
from reprocess.maps.intervals import MIN_BLOCKS, MIN_BLOCKS_WITH, block_interval

HOUR = 3600.0
BLOCKS = 40


def two(
    seed: int,
    bins: int = 200,
    times: float = 1.0,
    longer: float = 1.0,
    spread: float = 0.8,
    level: float = 0.15,
) -> tuple[Part, Part]:
    """Parts of one activity, clusters of two; the first has `times` the rate, the second `longer` dwell."""
    rng = np.random.default_rng(seed)
    activity = np.exp(spread * rng.standard_normal((BLOCKS, 1)) - spread**2 / 2)
    seconds = [HOUR * by * rng.uniform(0.5, 1.5, (BLOCKS, bins)) for by in (1, longer)]
    rates = [activity * level * by / HOUR for by in (times, 1.0)]
    events = [2.0 * rng.poisson(rate * t) for rate, t in zip(rates, seconds, strict=True)]
    return Part(events[0], seconds[0]), Part(events[1], seconds[1])


def apart(pair: tuple[Part, Part]) -> tuple[Part, Part]:
    """The same, each observed in blocks of its own."""
    late = np.arange(BLOCKS)[:, np.newaxis] % 2 == 1
    return tuple(
        Part(np.where(late == k, part.events, 0), np.where(late == k, part.seconds, 0))
        for k, part in enumerate(pair)
    )  # type: ignore[return-value]


@pytest.mark.parametrize("case", ["together", "apart", "unequal"])
def test_where_nothing_differs_p_values_are_as_often_small_as_they_say(case: str) -> None:
    """Activity is common to all bins, so several archives are needed; clusters of two throughout."""
    found = []
    for seed in range(6):
        pair = two(seed, bins=60, longer=5 if case == "unequal" else 1)
        pair = apart(pair) if case == "apart" else pair
        p = p_values(*pair, enough(*pair, 600))
        found.append(p[np.isfinite(p)])
        assert discoveries(found[-1]).mean() < 0.1
    every = np.concatenate(found)
    assert every.size > 200
    for level in (0.05, 0.2):
        assert abs((every <= level).mean() - level) < 0.6 * level + 0.02


def test_what_differs_is_found_and_hardly_anything_else() -> None:
    a, b = two(1, bins=200)
    events = a.events.copy()
    rng = np.random.default_rng(4)
    events[:, :20] += 2.0 * rng.poisson(0.45 * a.seconds[:, :20] / HOUR)
    p = p_values(changed := Part(events, a.seconds), b, enough(changed, b, 600))
    found = discoveries(p)
    assert found[:20].mean() > 0.8
    assert found[20:].sum() <= 0.3 * found.sum()
    lower, upper = difference_interval(changed, b, enough(changed, b, 600))
    truth = np.where(np.arange(200) < 20, 0.9, 0.0) / HOUR
    inside = (lower <= truth) & (truth <= upper)
    assert 0.55 < inside.mean() < 0.82
    assert (lower[:20] > 0).mean() > 0.9


def test_what_both_share_in_time_is_no_difference() -> None:
    """Activity of blocks that both see does not hide what differs; of blocks apart it may."""
    pair = two(2, bins=30, times=1.3, level=5)
    tested = enough(*pair, 600)
    assert discoveries(p_values(*pair, tested)).mean() > 0.6
    together, separate = (difference_interval(*sides, tested) for sides in (pair, apart(pair)))
    assert np.mean(together[1] - together[0]) < 0.5 * np.mean(separate[1] - separate[0])


def test_sides_are_alike() -> None:
    a, b = two(3, bins=30, times=2.0)
    tested = enough(a, b, 600)
    np.testing.assert_array_equal(tested, enough(b, a, 600))
    np.testing.assert_allclose(p_values(a, b, tested), p_values(b, a, tested), atol=0.02)
    lower, upper = difference_interval(a, b, tested)
    back = difference_interval(b, a, tested)
    np.testing.assert_allclose(lower, -back[1])
    np.testing.assert_allclose(upper, -back[0])


def test_permuted_blocks_stay_with_as_many_to_each_part() -> None:
    a, b = two(0, bins=2)
    early = np.arange(BLOCKS)[:, np.newaxis] < 25
    a, b = Part(a.events * early, a.seconds * early), Part(b.events * early[::-1], b.seconds * early[::-1])
    only_a, both, only_b = slice(0, 15), slice(15, 25), slice(25, 40)
    change = permute(a, b, 400)
    assert set(np.unique(change)) == {0.0, 1.0}
    np.testing.assert_array_equal(change[:, only_a].sum(axis=1), change[:, only_b].sum(axis=1))
    assert abs(change[:, both].mean() - 0.5) < 0.05
    assert abs(change[:, only_a].mean() - 0.5) < 0.05
    np.testing.assert_array_equal(change, permute(a, b, 400))


@settings(max_examples=60)
@given(st.lists(st.one_of(st.floats(0, 1), st.just(np.nan)), max_size=30), st.floats(0.01, 0.5))
def test_discoveries_are_those_of_benjamini_and_hochberg(p: list[float], rate: float) -> None:
    values = np.array(p, float)
    known = np.isfinite(values)
    expected = np.zeros(values.size, bool)
    if known.any():
        expected[known] = false_discovery_control(values[known]) <= rate * (1 + 1e-12)
    near = np.zeros(values.size, bool)
    if known.any():
        near[known] = np.isclose(false_discovery_control(values[known]), rate, rtol=1e-9)
    np.testing.assert_array_equal(discoveries(values, rate)[~near], expected[~near])


def test_a_part_that_is_all_of_the_other_has_the_ratio_one() -> None:
    a, _ = two(5, bins=30)
    same = standardise(a, a, 600)
    assert (same.ratio, same.lower, same.upper) == (1, 1, 1)
    assert same.events == a.events.sum()
    double = standardise(Part(2 * a.events, a.seconds), a, 600)
    assert double.ratio == pytest.approx(2)


def test_the_ratio_covers_the_truth_and_goes_by_common_blocks() -> None:
    """Between parts of different activity in different years there is no such thing as one rate."""
    inside = []
    for seed in range(40):
        a, b = two(seed, bins=20, times=1.5)
        found = standardise(a, b, 600)
        inside.append(found.lower <= 1.5 <= found.upper)
    assert 0.5 < np.mean(inside) < 0.9
    a, b = two(1, bins=20)
    early, late = (np.arange(BLOCKS) < 30)[:, np.newaxis], (np.arange(BLOCKS) >= 10)[:, np.newaxis]
    some = standardise(
        Part(a.events * early, a.seconds * early), Part(b.events * late, b.seconds * late), 600
    )
    assert some.blocks == 20
    assert standardise(*apart((a, b)), 600).blocks == BLOCKS


def test_too_little_is_not_tested() -> None:
    a, b = two(6, bins=6)
    few = Part(a.events[: MIN_BLOCKS - 1], a.seconds[: MIN_BLOCKS - 1])
    other = Part(b.events[: MIN_BLOCKS - 1], b.seconds[: MIN_BLOCKS - 1])
    assert not enough(few, other, 600).any()
    assert np.isnan(p_values(few, other, enough(few, other, 600))).all()
    assert np.isnan(standardise(few, other, 600).lower)
    unseen = Part(np.zeros_like(b.events), np.zeros_like(b.seconds))
    assert not enough(a, unseen, 600).any()
    assert np.isnan(standardise(a, unseen, 600).ratio)
    rare = Part(np.zeros_like(a.events), a.seconds)
    rare.events[0, 0] = 50
    assert not enough(rare, Part(0 * b.events, b.seconds), 600).any(), "one storm is no difference"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_a_ratio_to_events_of_few_blocks_has_no_interval(blocks: int) -> None:
    """Draws without such a block expect nothing: the ratio is infinite, or 0 / 0."""
    a, b = (Part(part.events[:12], part.seconds[:12]) for part in two(5))
    rare = Part(np.where(np.arange(12)[:, np.newaxis] < blocks, 1.0, 0.0) * (b.events > 0), b.seconds)
    for pair in ((a, rare), (rare, a)):
        found = standardise(*pair, 600)
        assert np.isfinite(found.ratio)
        assert np.isfinite([found.lower, found.upper]).all() == (blocks >= MIN_BLOCKS_WITH)


@pytest.mark.filterwarnings("error")
def test_a_ratio_of_seasons_is_silent() -> None:
    """Parts of three blocks of twelve, in bins that the other hardly saw: drawn without any of them."""
    a, b = (Part(part.events[:12], part.seconds[:12]) for part in two(5))
    early = np.arange(12)[:, np.newaxis] < 3
    found = standardise(
        Part(a.events * early, a.seconds * early), Part(b.events * ~early, b.seconds * ~early), 600
    )
    assert found.ratio > 0
    assert np.isnan([found.lower, found.upper]).all()


def test_the_interval_is_wider_than_that_of_one_rate() -> None:
    a, b = two(7, bins=20)
    tested = enough(a, b, 600)
    lower, upper = difference_interval(a, b, tested)
    assert np.all(upper - lower > 0)
    spread = two(7, bins=20, spread=0.0)
    wide = np.subtract(*difference_interval(*spread, enough(*spread, 600))[::-1])
    alone = block_interval(spread[0].events, spread[0].seconds)
    assert np.nanmean(wide) > np.nanmean(alone.upper - alone.lower)
    assert FALSE_DISCOVERIES == 0.1
