"""Ratios, boundaries, angles, areas and coincidences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from reprocess.physics.background import chance, expected_background
from reprocess.physics.coincidence import Spots, Windows, groups, near
from reprocess.physics.dispersion import dispersion, isotropy_boundary
from reprocess.physics.geometry import cell_area, distance_km, folded, invariant_latitude, loss_cone
from reprocess.physics.ratio import ratio


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


MINUTE = 60_000
EVENT = st.tuples(
    st.integers(0, 200).map(lambda minute: minute * MINUTE),
    st.sampled_from("abc"),
    st.sampled_from([4.0, 4.25, 5.0]),
    st.sampled_from([0.0, 0.5, 12.0, 23.5]),
)


@given(st.lists(EVENT, min_size=1, max_size=20))
def test_groups_are_numbered_in_time_and_hold_what_is_linked(rows) -> None:
    time, satellite, L, mlt = (np.array(x) for x in zip(*rows, strict=True))
    spots = Spots(time, time, L, mlt, satellite)
    linked = np.stack(near(spots, spots, Windows(), others=True), axis=1)
    number = groups(time, linked)
    assert all(number[i] == number[j] for i, j in linked)
    assert set(number) == set(range(1, len(set(number.tolist())) + 1))
    firsts = [time[number == k].min() for k in sorted(set(number.tolist()))]
    assert firsts == sorted(firsts)
    assert groups(time, linked[:0]).max() == len(rows)


def test_no_events_have_no_groups() -> None:
    assert groups(np.empty(0, np.int64), np.empty((0, 2), int)).size == 0
