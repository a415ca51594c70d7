import gzip
import json

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from reprocess import schema
from reprocess.classifier.features import PUBLISHED_FILL, fill_flux
from reprocess.detect.rules.published import (
    E4_THRESHOLD,
    MODES,
    find_runs,
    interpolate_L,
    join,
    near_belt,
    physical,
    postprocess,
)
from tests.support.fake import COUNT_E

PUBLISHED, EARLY = MODES["published"], MODES["published-2022"]
STAGES = ("runs", "in_L", "joined", "final")


def quiet(n: int) -> np.ndarray:
    """Fluxes that pass the physical filter everywhere: E4 below E3, 90 degrees positive."""
    flux = np.empty((2, 4, n), np.float32)
    flux[:] = np.array([9000, 8000, 7000, 6000], np.float32)[:, np.newaxis]
    return flux


def day(n: int, *events: tuple[int, int, int], L: float = 5.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Classes with runs (value, first, last), constant L, fluxes that pass."""
    classes = np.zeros(max(n - 7, 0), np.int8)
    for value, first, last in events:
        classes[first : last + 1] = value
    return classes, np.full(n, L, np.float32), quiet(n)


def kept(e1=100.0, e2=100.0, e3=100.0, e4=500.0, e4_90=1.0) -> bool:
    """Ask the physical filter about a single record."""
    filled = fill_flux(np.float32([[[e1], [e2], [e3], [e4]]] * 2), PUBLISHED_FILL)
    return physical(filled[0], np.float32([e4_90]), 0, 0)


# The published code's own results


def test_golden_cases(shared):
    with gzip.open(shared / "golden" / "postprocessing.json.gz") as file:
        cases = json.load(file)
    assert len(cases) == 150
    compared = dict.fromkeys(STAGES, 0)
    for number, case in enumerate(cases):
        L = np.array(case["L"], np.float32)
        flux = np.array(case["flux"], np.float32).reshape(len(L), 4, 2).transpose(2, 1, 0)
        classes = np.array(case["flag"], np.int8)
        assert classes.size == L.size - 7
        found = postprocess(classes, L, flux, PUBLISHED)
        assert list(found) == ["REP", "CSS"]
        for name, stages in found.items():
            for stage in STAGES:
                expected = case["events"][name][stage]
                assert getattr(stages, stage).tolist() == expected, (number, name, stage)
                compared[stage] += len(expected)
    assert compared["runs"] > compared["in_L"] > compared["joined"] > compared["final"] > 100


# Step 5: runs


def test_maximal_runs():
    classes = np.array([1, 1, 0, 1, 2, 2, 1, 0])
    assert find_runs(classes, 1).tolist() == [[0, 1], [3, 3], [6, 6]]
    assert find_runs(classes, 2).tolist() == [[4, 5]]


def test_run_open_at_the_last_window_is_lost():
    assert find_runs(np.array([1, 0, 1, 1]), 1).tolist() == [[0, 0]]
    assert find_runs(np.array([1, 0, 1, 0]), 1).tolist() == [[0, 0], [2, 2]]
    assert find_runs(np.array([1, 1, 1]), 1).tolist() == []


@pytest.mark.parametrize("classes", [[], [0], [1], [0, 0, 0]])
def test_no_runs(classes):
    runs = find_runs(np.array(classes, np.int8), 1)
    assert runs.shape == (0, 2)


# Step 6: the L filter


@pytest.mark.parametrize(
    ("where", "near"), [(19, False), (20, True), (30, True), (35, True), (45, True), (46, False)]
)
def test_margin_of_ten_records(where, near):
    in_range = np.zeros(100, bool)
    in_range[where] = True
    assert near_belt(np.array([[30, 35]]), in_range, wrap=False).tolist() == [near]


@pytest.mark.parametrize(("L", "near"), [(2.49, 0), (2.5, 1), (8.5, 1), (8.51, 0), (0.0, 0), (107.0, 0)])
def test_L_range_is_closed(L, near):
    classes, values, flux = day(40, (1, 10, 12))
    values[:] = L
    for rules in MODES.values():
        assert len(postprocess(classes, values, flux, rules)["REP"].in_L) == near


def test_margin_is_clipped_to_the_day():
    in_range = np.zeros(30, bool)
    in_range[[0, 29]] = True
    runs = np.array([[3, 4], [11, 12], [19, 19], [18, 18]])
    assert near_belt(runs, in_range, wrap=False).tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("first", "where", "near"), [(0, 90, True), (0, 89, False), (4, 94, True), (4, 93, False)]
)
def test_early_release_looks_back_around_the_day(first, where, near):
    in_range = np.zeros(100, bool)
    in_range[where] = True
    runs = np.array([[first, first + 1]])
    assert near_belt(runs, in_range, wrap=True).tolist() == [near]
    assert near_belt(runs, in_range, wrap=False).tolist() == [False]


def test_wrapping_never_looks_ahead():
    in_range = np.zeros(100, bool)
    in_range[0] = True
    assert near_belt(np.array([[90, 91], [10, 11], [11, 12]]), in_range, wrap=True).tolist() == [
        False,
        True,
        False,
    ]


def test_wrapping_on_the_shortest_day_with_a_run():
    for where in range(9):
        in_range = np.arange(9) == where
        assert near_belt(np.array([[0, 0]]), in_range, wrap=True).tolist() == [True]


# Step 6: interpolation of L


def test_spline_is_not_a_knot():
    # The not-a-knot spline through samples of a cubic is that cubic; no other end condition is.
    x = np.arange(30.0)
    L = (2 + (x - 12) ** 3 / 500 + x / 3).astype(np.float32) + np.float32(4)
    truth = L.copy()
    L[[1, 2, 13, 14, 15, 28]] = -1
    repaired = interpolate_L(L)
    assert repaired.dtype == np.float32
    np.testing.assert_allclose(repaired, truth, rtol=1e-5)
    np.testing.assert_array_equal(repaired[L >= 0], truth[L >= 0])
    assert np.count_nonzero(L == -1) == 6  # the input is left alone


@pytest.mark.parametrize("seed", range(8))
def test_spline_is_that_through_all_values(seed):
    # Only values near gaps are looked at; noise as large as the values shows whatever others would do.
    rng = np.random.default_rng(seed)
    L = rng.uniform(1, 15, 4000).astype(np.float32)
    for start, length in zip(rng.integers(0, 4000, 9), rng.choice([1, 2, 40, 600], 9), strict=True):
        L[start : start + length] = -1
    invalid = L < 0
    whole = CubicSpline(np.flatnonzero(~invalid), L[~invalid])(np.flatnonzero(invalid))
    np.testing.assert_array_equal(interpolate_L(L)[invalid], whole.astype(np.float32))


def test_spline_overshoots_in_a_long_gap():
    L = np.concatenate([np.linspace(3, 9, 10), np.full(40, -1), np.linspace(9, 3, 10)]).astype(np.float32)
    inside = interpolate_L(L)[10:50]
    assert inside.max() > 14


def test_overshoot_decides_about_events():
    # Measured L falls from 16 to 10 and rises again; only the spline between comes into the belt.
    L = np.concatenate([np.linspace(16, 10, 10), np.full(40, -1), np.linspace(10, 16, 10)]).astype(np.float32)
    spline = interpolate_L(L)
    assert 2.5 < spline[28:31].min() < 8.5
    classes, _, flux = day(60, (1, 28, 30))
    assert postprocess(classes, L, flux, PUBLISHED)["REP"].in_L.tolist() == [[28, 30]]
    assert postprocess(classes, L, flux, EARLY)["REP"].in_L.tolist() == []


def test_only_the_later_release_repairs_L():
    classes, L, flux = day(60, (1, 25, 27))
    L[10:45] = -1
    assert postprocess(classes, L, flux, PUBLISHED)["REP"].in_L.tolist() == [[25, 27]]
    assert postprocess(classes, L, flux, EARLY)["REP"].in_L.tolist() == []


def test_zero_is_a_valid_L():
    L = np.array([0, 0, 6, -1, 0, 0], np.float32)
    repaired = interpolate_L(L)
    np.testing.assert_array_equal(repaired[[0, 1, 2, 4, 5]], L[[0, 1, 2, 4, 5]])
    assert repaired[3] > 0


@pytest.mark.parametrize("L", [[], [-1], [-1, -1, -1], [-1, 4, -1], [3, 4, 5], [0.5]])
def test_nothing_to_interpolate(L):
    values = np.array(L, np.float32)
    np.testing.assert_array_equal(interpolate_L(values), values)


def test_two_valid_values_give_a_line():
    np.testing.assert_allclose(interpolate_L(np.float32([4, -1, -1, 7, -1])), [4, 5, 6, 7, 8], rtol=1e-6)


# Steps 7 and 8


def test_centring():
    classes, L, flux = day(60, (1, 20, 22), (2, 40, 40))
    found = postprocess(classes, L, flux, PUBLISHED)
    assert found["REP"].in_L.tolist() == [[20, 22]]
    assert found["REP"].joined.tolist() == found["REP"].final.tolist() == [[23, 25]]
    assert found["CSS"].final.tolist() == [[43, 43]]


@pytest.mark.parametrize(
    ("events", "joined"),
    [
        ([], []),
        ([[10, 12]], [[10, 12]]),
        ([[10, 11], [15, 17]], [[10, 17]]),  # starts five apart
        ([[10, 11], [16, 17]], [[10, 11], [16, 17]]),  # six apart
        ([[10, 20], [22, 23]], [[10, 20], [22, 23]]),  # one record between them, but starts far apart
        ([[10, 12], [14, 16], [18, 30]], [[10, 16]]),  # the third one's extent is lost
        ([[1, 1], [3, 3], [5, 5], [7, 9], [13, 14]], [[1, 3], [13, 14]]),
        ([[1, 1], [3, 3], [20, 20], [22, 22], [24, 24]], [[1, 3], [20, 22]]),
        ([[10, 40], [14, 16]], [[10, 40]]),
    ],
)
def test_join(events, joined):
    given = np.array(events, int).reshape(-1, 2)
    before = given.copy()
    assert join(given).tolist() == joined
    np.testing.assert_array_equal(given, before)


# Step 9


@pytest.mark.parametrize(
    ("counts", "passes"), [(0, False), (1, False), (2, False), (3, True), (4, True), (2000, True)]
)
def test_counts_in_e4(counts, passes):
    flux = np.float32(counts) * COUNT_E[3]
    assert kept(e3=1e6, e4=flux) is passes


def test_exactly_two_counts_fall_short():
    stored = np.float32(363.63635)
    assert float(stored) < E4_THRESHOLD == 2 * 181.81818
    assert not kept(e3=1e6, e4=stored)
    assert kept(e3=1e6, e4=np.nextafter(stored, np.float32(400)))


@pytest.mark.parametrize(("e4_90", "passes"), [(-999, False), (-1, False), (0, False), (0.001, True)])
def test_mean_of_raw_e4_90(e4_90, passes):
    assert kept(e4_90=e4_90, e3=600) is passes


def test_sentinels_count_in_the_mean():
    filled = np.float32([[1000] * 4] * 4)
    assert physical(filled, np.float32([-999, 500, 499.5, 1]), 0, 3)
    assert not physical(filled, np.float32([-999, 500, 499, 1]), 0, 3)
    assert not physical(filled, np.float32([-999, 500, 498, 1e6]), 0, 3)  # the last record is not seen


@pytest.mark.parametrize(
    ("e1", "e2", "e3", "e4", "passes"),
    [
        (0, 0, 500, 500, True),  # not above E3
        (0, 0, 499, 500, False),
        (500, 500, 499, 500, True),  # above E3, but not above E2 and E1
        (499, 500, 499, 500, False),
        (500, 499, 499, 500, False),
        (9000, 499, 100, 500, False),
        (499, 9000, 100, 500, False),
        (0, 0, 0, 500, False),
    ],
)
def test_spectrum(e1, e2, e3, e4, passes):
    assert kept(e1, e2, e3, e4) is passes


def test_channels_are_compared_by_their_maxima():
    filled = np.float32([[10, 10, 10, 0], [10, 10, 10, 0], [900, 10, 10, 0], [10, 800, 10, 0]])
    assert physical(filled, np.ones(4, np.float32), 0, 3)
    assert not physical(filled, np.ones(4, np.float32), 1, 3)


def test_the_last_record_is_not_seen():
    filled = np.full((4, 10), 100, np.float32)
    filled[2:, 6] = 5000, 4000
    ones = np.ones(10, np.float32)
    assert not physical(filled, ones, 4, 6)
    assert physical(filled, ones, 4, 7)
    assert physical(filled, ones, 6, 6)  # unless it is the only one
    assert not physical(filled, ones, 5, 6)


def test_fluxes_without_a_count_are_filled_before_the_comparison():
    # E1 to E3 of zero become 0.01: E4 is above all of them.
    classes, L, flux = day(60, (1, 20, 22))
    flux[0, :3] = 0
    assert postprocess(classes, L, flux, PUBLISHED)["REP"].final.tolist() == []
    assert postprocess(classes, L, flux, PUBLISHED)["REP"].joined.tolist() == [[23, 25]]


# All steps


def test_the_filter_drops_single_events():
    classes, L, flux = day(100, (1, 20, 22), (1, 40, 42), (1, 60, 62))
    flux[0, 3, 43:46] = 100
    assert postprocess(classes, L, flux, PUBLISHED)["REP"].final.tolist() == [[23, 25], [63, 65]]


def test_classes_are_independent_and_may_overlap():
    classes, L, flux = day(60)
    classes[20:30] = [1, 2, 1, 2, 1, 1, 2, 2, 2, 1]
    found = postprocess(classes, L, flux, PUBLISHED)
    assert found["REP"].final.tolist() == [[23, 25]]  # a chain
    assert found["CSS"].final.tolist() == [[24, 26]]
    (first, last), (start, stop) = found["REP"].final[0], found["CSS"].final[0]
    assert first <= stop
    assert start <= last


def test_early_release_stops_after_the_L_filter():
    classes, L, flux = day(60, (1, 20, 22), (1, 24, 25), (2, 45, 52))
    flux[0, 3] = 0  # would fail the physical filter
    found = postprocess(classes, L, flux, EARLY)
    for stage in STAGES:
        assert getattr(found["REP"], stage).tolist() == [[20, 22], [24, 25]]
        assert getattr(found["CSS"], stage).tolist() == []


def test_early_release_wraps():
    classes, L, flux = day(100, (1, 3, 4), L=20)
    L[-5] = 5
    assert postprocess(classes, L, flux, EARLY)["REP"].final.tolist() == [[3, 4]]
    assert postprocess(classes, L, flux, PUBLISHED)["REP"].final.tolist() == []


def test_modes():
    assert list(MODES) == ["published", "published-2022"]
    for name, rules in MODES.items():
        assert rules.name == name
    assert (PUBLISHED.repair_L, PUBLISHED.wrap, PUBLISHED.refine, PUBLISHED.offset) == (True, False, True, 3)
    assert (EARLY.repair_L, EARLY.wrap, EARLY.refine, EARLY.offset) == (False, True, False, 0)
    assert schema.EARLY_MODES == tuple(name for name, rules in MODES.items() if rules.offset == 0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n", [0, 1, 7, 8])
def test_days_too_short_for_an_event(n, mode):
    classes, L, flux = day(n)
    classes[:] = 1
    for stages in postprocess(classes, L, flux, MODES[mode]).values():
        for stage in STAGES:
            assert getattr(stages, stage).shape == (0, 2)


def test_shortest_day_with_an_event():
    classes, L, flux = day(9, (1, 0, 0))
    assert postprocess(classes, L, flux, PUBLISHED)["REP"].final.tolist() == [[3, 3]]


def test_inputs_are_left_alone():
    classes, L, flux = day(60, (1, 20, 22))
    L[5:9] = -1
    flux[:, 3, ::4] = -999
    copies = [a.copy() for a in (classes, L, flux)]
    postprocess(classes, L, flux, PUBLISHED)
    for given, copy in zip((classes, L, flux), copies, strict=True):
        np.testing.assert_array_equal(given, copy)
