import math

import numpy as np
import pytest

from reprocess.classifier.features import (
    CENTRE,
    FEATURES,
    PUBLISHED_EPSILON,
    PUBLISHED_FILL,
    WINDOW,
    Scaling,
    Windows,
    fill_flux,
    scale_flux,
    windows,
)

SCALING = Scaling(
    PUBLISHED_FILL,
    PUBLISHED_EPSILON,
    tuple(float(k) for k in range(1, 9)),
    tuple(0.5 * k for k in range(2, 10)),
)


def flux_of(n: int) -> np.ndarray:
    """Positive fluxes, zeros and sentinels, all different where positive."""
    flux = (np.arange(2 * 4 * n, dtype=np.float32) * 7.5 + 3).reshape(2, 4, n)
    flux[:, 1, ::3] = 0
    flux[:, 3, 1::3] = -999
    return flux


def test_constants_of_the_paper():
    assert WINDOW == 7
    assert CENTRE == 3
    assert PUBLISHED_FILL == (0.01, 100.0)
    assert PUBLISHED_EPSILON == 0.001
    assert FEATURES == ("e1_0", "e1_90", "e2_0", "e2_90", "e3_0", "e3_90", "e4_0", "e4_90")


@pytest.mark.parametrize("offset", [0, CENTRE])
@pytest.mark.parametrize("n", [0, 1, 6, 7, 8, 9, 400])
def test_every_window_stands_for_one_record_and_is_found_by_it(n: int, offset: int):
    known, features = Windows(n, offset), np.arange(n, dtype=np.float32)[:, np.newaxis]
    made = windows(features)[:, :, 0].astype(int)  # the records of each window
    assert known.count == len(made)
    records = np.arange(n)[known.seen]
    assert records.tolist() == (np.arange(known.count) + offset).tolist()
    assert known.centre(records).tolist() == made[:, CENTRE].tolist()
    for first in records[::3].tolist():
        for last in {first, min(first + 5, records[-1])}:
            of_these = made[known.standing_for(first, last)]
            assert of_these[:, offset].tolist() == list(range(first, last + 1))
            assert np.arange(n)[known.span(first, last)].tolist() == sorted(set(of_these.ravel().tolist()))


def test_fill_by_telescope():
    flux = np.array([[[5, 0, -999, -1]] * 4, [[0.5, 0, -999, -1e-9]] * 4], np.float32)
    before = flux.copy()
    filled = fill_flux(flux, PUBLISHED_FILL)
    assert filled.dtype == np.float32
    np.testing.assert_array_equal(filled[0], np.float32([[5, 0.01, 0.01, 0.01]] * 4))
    np.testing.assert_array_equal(filled[1], np.float32([[0.5, 100, 100, 100]] * 4))
    np.testing.assert_array_equal(flux, before)


def test_fill_keeps_the_smallest_positive_flux():
    flux = np.full((2, 4, 1), np.nextafter(np.float32(0), np.float32(1)))
    np.testing.assert_array_equal(fill_flux(flux, PUBLISHED_FILL), flux)


def test_features_by_hand():
    n = 5
    flux = flux_of(n)
    features = scale_flux(flux, SCALING)
    assert features.shape == (n, 8)
    assert features.dtype == np.float32
    for record in range(n):
        for column, name in enumerate(FEATURES):
            energy, telescope = int(name[1]) - 1, 0 if name.endswith("_0") else 1
            value = float(flux[telescope, energy, record])
            value = (0.01, 100.0)[telescope] if value <= 0 else value
            expected = (math.log(value + 0.001) - SCALING.mean[column]) / SCALING.scale[column]
            assert features[record, column] == pytest.approx(expected, rel=2e-6, abs=2e-6)
    assert len(np.unique(features)) > 20  # a wrong order of features could not pass


def test_rounding_steps():
    # Added in single precision, logarithm rounded to single, standardised in double, rounded again.
    flux = np.full((2, 4, 1), 181.81818, np.float32)
    shifted = np.float32(flux[0, 0, 0] + np.float32(0.001))
    logarithm = np.float32(math.log(float(shifted)))
    expected = np.float32((float(logarithm) - 1.0) / 1.0)
    assert scale_flux(flux, SCALING)[0, 0] == expected


def test_features_do_not_depend_on_the_batch():
    flux = flux_of(1000)
    parts = [scale_flux(flux[:, :, a:b], SCALING) for a, b in ((0, 1), (1, 18), (18, 1000))]
    np.testing.assert_array_equal(np.concatenate(parts), scale_flux(flux, SCALING))


def test_no_records():
    assert scale_flux(np.empty((2, 4, 0), np.float32), SCALING).shape == (0, 8)


@pytest.mark.parametrize(("records", "count"), [(0, 0), (1, 0), (6, 0), (7, 0), (8, 1), (9, 2), (20, 13)])
def test_the_last_possible_window_is_never_made(records, count):
    features = np.arange(records * 8, dtype=np.float32).reshape(records, 8)
    made = windows(features)
    assert made.shape == (count, 7, 8)
    assert made.dtype == np.float32
    for i in range(count):
        np.testing.assert_array_equal(made[i], features[i : i + 7])


def test_windows_are_a_view():
    features = np.zeros((50, 8), np.float32)
    assert np.shares_memory(windows(features), features)


@pytest.mark.parametrize("n", [0, 1, 6, 7, 8, 9, 30])
def test_windows_clear_of_records(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(50):
        records = rng.random(n) < 0.1
        expected = [not records[i : i + WINDOW].any() for i in range(max(n - WINDOW, 0))]
        assert Windows(n).clear_of(records).tolist() == expected
