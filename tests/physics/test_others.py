"""Ratios, boundaries, angles, areas and coincidences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from reprocess.physics.background import chance, expected_background
from reprocess.physics.coincidence import groups, matches, pairs
from reprocess.physics.dispersion import dispersion, isotropy_boundary
from reprocess.physics.geometry import cell_area, distance_km, folded, invariant_latitude, loss_cone
from reprocess.physics.ratio import ratio

MINUTE, DAY = 60_000, 86_400_000


def test_the_area_of_a_cell() -> None:
    assert cell_area(5, 6, 1) == pytest.approx(207_726_765_318.75, abs=0.01)


def test_cells_make_up_the_cap() -> None:
    edges = np.array([1.0, 1.2, 3, 8, 1e9])
    area = cell_area(edges[:-1], edges[1:], 24)
    assert area.sum() == pytest.approx(2 * np.pi * 6491.2e3**2, rel=1e-6)
    assert cell_area(0.5, 1.0, 24) == 0


def test_angles() -> None:
    np.testing.assert_allclose(
        loss_cone(np.array([25_000.0, 5e4, 0]), np.array([5e4, 25_000.0, 5e4])), [45, *[np.nan] * 2]
    )
    np.testing.assert_allclose(folded(np.array([10.0, 170, 90, 100])), [10, 10, 90, 80])
    np.testing.assert_allclose(invariant_latitude(np.array([1.0, 4, 0.5, np.nan])), [0, 60, np.nan, np.nan])
    assert distance_km([0, 0], [359, 1], 6371.2) == pytest.approx(2 * np.pi * 6371.2 / 180)
    assert distance_km([80, 80], [10, 10]) == 0


def test_the_chance_is_poisson() -> None:
    counts = np.arange(12)
    np.testing.assert_allclose(chance(counts, np.full(12, 3.0)), poisson.sf(counts - 1, 3.0))


def test_the_background_of_all_channels() -> None:
    found = expected_background(np.array([1.0, 2.0]), np.array([10.0, np.nan]))
    np.testing.assert_allclose(found, [[3.1, 6.2], [2.55, 5.1], [1.7, 3.4], [1.2, 2.0]])


def test_a_ratio_and_its_error() -> None:
    rng = np.random.default_rng(1)
    value, error = ratio(rng.poisson(50, 20_000) * 1.0, rng.poisson(200, 20_000) * 1.0, 10.0)
    assert np.mean(value) == pytest.approx(40 / 190, rel=0.02)
    assert np.mean(error) == pytest.approx(np.std(value), rel=0.05)
    nothing, _ = ratio(np.array([5.0]), np.array([3.0]), 10.0)
    assert np.isnan(nothing[0])


def pass_over(boundaries: np.ndarray, outwards: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Counts of two telescopes, (2, 4, n), and L, for isotropy outside a boundary of each energy."""
    L = np.linspace(5, 7, 81)
    share = 1 / (1 + np.exp(-(L - boundaries[:, None]) / 0.03))
    at_90 = np.full((4, 81), 2000.0)
    counts = np.random.default_rng(seed).poisson(np.stack([share * at_90, at_90])).astype(float)
    return (counts, L) if outwards else (counts[..., ::-1], L[::-1])


@pytest.mark.parametrize("outwards", [True, False])
def test_boundaries_and_their_dispersion(outwards: bool) -> None:
    true = np.array([6.2, 6.1, 6.02, 5.95])
    found = []
    for seed in range(100):
        counts, L = pass_over(true, outwards, seed)
        limits = [isotropy_boundary(L, *counts[:, k], peak=40) for k in range(4)]
        for (value, error), expected in zip(limits, true, strict=True):
            assert abs(value - expected) < 4 * error
        found.append(dispersion(*np.array(limits).T))
    slope, error = np.mean(found, axis=0)
    assert slope == pytest.approx(np.polyfit(np.log10([40, 130, 287, 612]), true, 1)[0], abs=0.01)
    assert np.std([s for s, _ in found]) < error  # where in a step it is, is the larger part of it
    assert error < 0.02


def test_no_boundary_where_nothing_is_counted_or_ratios_do_not_rise() -> None:
    L = np.linspace(5, 6, 20)
    assert np.isnan(isotropy_boundary(L, np.zeros(20), np.zeros(20), 10)).all()
    assert np.isnan(isotropy_boundary(L, np.linspace(500, 0, 20), np.full(20, 500.0), 10)).all()
    assert np.isnan(
        isotropy_boundary(np.full(20, -1.0), np.linspace(0, 500, 20), np.full(20, 500.0), 10)
    ).all()


def test_two_boundaries_have_no_slope() -> None:
    assert np.isnan(dispersion(np.array([6, 5.9, np.nan, np.nan]), np.full(4, 0.1))).all()


def events(*rows: tuple[float, str, float, float]) -> tuple[np.ndarray, ...]:
    time, satellite, L, mlt = zip(*rows, strict=True)
    return np.array(time, np.int64), np.array(satellite), np.array(L, float), np.array(mlt, float)


def test_matches_are_of_other_satellites_and_near_in_all() -> None:
    table = events(
        (0, "a", 5.0, 23.8),
        (29 * MINUTE, "b", 5.4, 0.5),  # over midnight in MLT
        (1 * MINUTE, "a", 5.0, 23.8),  # the same satellite
        (31 * MINUTE, "c", 5.0, 23.8),  # too late for the first of all
        (5 * MINUTE, "c", 5.6, 23.8),  # too far out for those at L 5
    )
    found, _ = matches(*table)
    assert found.tolist() == [1, 4, 2, 2, 1]
    assert found.tolist() == slow(*table)


def slow(time, satellite, L, mlt, shift=0) -> list[int]:
    n = len(time)
    return [
        sum(
            satellite[j] != satellite[i]
            and abs(time[j] + shift - time[i]) <= 30 * MINUTE
            and min(abs(mlt[i] - mlt[j]), 24 - abs(mlt[i] - mlt[j])) <= 1
            and abs(L[i] - L[j]) <= 0.5
            for j in range(n)
        )
        for i in range(n)
    ]


EVENT = st.tuples(
    st.integers(0, 200).map(lambda minute: minute * MINUTE),
    st.sampled_from("abc"),
    st.sampled_from([4.0, 4.25, 5.0]),
    st.sampled_from([0.0, 0.5, 12.0, 23.5]),
)


@given(st.lists(EVENT, min_size=1, max_size=30), st.sampled_from([0, 30 * MINUTE, -60 * MINUTE]))
def test_pairs_are_those_of_a_double_loop(rows, shift) -> None:
    table = events(*rows)
    found = pairs(*table, shift)
    assert np.bincount(found[:, 0], minlength=len(rows)).tolist() == slow(*table, shift)
    if not shift:
        assert {tuple(p) for p in found.tolist()} == {tuple(p[::-1]) for p in found.tolist()}


def test_controls_count_what_comes_back_every_day() -> None:
    rows = [(k * DAY, "ab"[k % 2], 5.0, 12.0) for k in range(20)]
    found, by_chance = matches(*events(*rows))
    assert not found.any()
    assert by_chance[10] == pytest.approx(4 / 6)  # of the other satellite after 1 and 3 days, either way


@given(st.lists(EVENT, min_size=1, max_size=20))
def test_groups_are_numbered_in_time_and_hold_what_is_linked(rows) -> None:
    table = events(*rows)
    linked = pairs(*table)
    number = groups(table[0], linked)
    assert all(number[i] == number[j] for i, j in linked)
    assert set(number) == set(range(1, len(set(number.tolist())) + 1))
    firsts = [table[0][number == k].min() for k in sorted(set(number.tolist()))]
    assert firsts == sorted(firsts)
    assert groups(table[0], linked[:0]).max() == len(rows)


def test_no_events_have_no_groups() -> None:
    assert groups(np.empty(0, np.int64), np.empty((0, 2), int)).size == 0
