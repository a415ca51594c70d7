"""Protons among the counts of E1-E3 (Lam et al. 2010)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq

from reprocess.physics.counts import electron_counts, proton_counts
from reprocess.physics.protons import PROTON_KEV, contamination, fractions
from reprocess.schema import FLUX_PER_COUNT

# Counts of the two real events of NOAA-18 on 2019-10-24, summed over their records in the published mode.
CSS = (np.array([3256.0, 1494.0, 408.0]), np.array([29821.0, 8973.0, 393.0, 5.0]))
REP = (np.array([61.5, 45.5, 18.0]), np.array([76.0, 31.0, 8.0, 0.0]))

COUNT = st.integers(0, 200_000)


@pytest.mark.parametrize(("event", "percent"), [(CSS, [64, 25, 63]), (REP, [23, 16, 29])])
def test_fixed_shares_of_the_real_events(event, percent) -> None:
    # CSS, E1: 0.1875 x 8973 + 393 + 5 = 2080.4 of 3256; REP, E1: 0.1875 x 31 + 8 = 13.8 of 61.5
    np.testing.assert_allclose(100 * fractions(*event, "fixed"), percent, atol=0.6)


def test_an_exponential_replaces_the_fixed_share_where_two_channels_count() -> None:
    """By integration: the spectrum that gives P2 and P3, and how much of P2 it has above 210 keV."""
    p2, p3, p4 = CSS[1][1:]

    def ratio(slope: float, k: int) -> float:
        low, middle, high = PROTON_KEV[k : k + 3]

        def spectrum(energy: float) -> float:
            return float(np.exp(slope * (energy - middle)))

        return quad(spectrum, middle, high)[0] / quad(spectrum, low, middle)[0]

    k2 = brentq(lambda s: ratio(s, 1) - p3 / p2, -0.2, 0.2)
    k3 = brentq(lambda s: ratio(s, 2) - p4 / p3, -0.2, 0.2)

    def share(slope: float, low: float, energy: float, high: float) -> float:
        return float(
            (np.exp(slope * high) - np.exp(slope * energy)) / (np.exp(slope * high) - np.exp(slope * low))
        )

    expected = [
        share(k2, 80, 210, 240) * p2 + p3 + p4,
        share(k3, 240, 280, 800) * p3 + p4,
        share(k3, 240, 440, 800) * p3 + p4,
    ]
    np.testing.assert_allclose(contamination(CSS[1]), expected, rtol=1e-8)


def test_where_one_channel_counts_nothing_the_share_is_fixed() -> None:
    np.testing.assert_allclose(contamination(REP[1])[1:], contamination(REP[1], "fixed")[1:])
    assert contamination(REP[1])[0] < contamination(REP[1], "fixed")[0]


@given(COUNT, COUNT, COUNT)
def test_shares_of_any_counts(p2, p3, p4) -> None:
    protons = np.array([0.0, p2, p3, p4])
    e1, e2, e3 = contamination(protons)
    assert p3 + p4 <= e1 * (1 + 1e-9)
    assert e1 <= (p2 + p3 + p4) * (1 + 1e-9)
    assert p4 <= e3 * (1 + 1e-9)
    assert e3 <= e2 * (1 + 1e-9)
    assert e2 <= (p3 + p4) * (1 + 1e-9)
    if p2 > 160 / 560 * p3 > 0 and p3 > 560 / 1700 * p4 > 0:  # a spectrum that falls
        assert np.all(contamination(protons) <= contamination(protons, "fixed") * (1 + 1e-9))


def test_a_spectrum_without_slope_has_the_fixed_shares() -> None:
    flat = np.array([50.0, 160.0, 560.0, 1700.0])
    np.testing.assert_allclose(contamination(flat), contamination(flat, "fixed"), rtol=1e-6)


def test_records_are_independent_and_missing_counts_are_none() -> None:
    records = np.array([[0, 10, 40, 7], [10, 80, 5, 1], [4, 3, np.nan, 2], [1, 0, 2, 0]]).T
    together = contamination(records)
    assert together.shape == (3, 4)
    for k, record in enumerate(records.T):
        np.testing.assert_allclose(together[:, k], contamination(np.nan_to_num(record)), rtol=1e-8)


def test_nothing_counted_has_no_share_and_no_share_exceeds_one() -> None:
    shares = fractions(np.array([[0.0, 5.0], [0.0, 5.0], [0.0, 5.0]]), np.full((4, 2), 9.0))
    assert np.isnan(shares[:, 0]).all()
    assert np.all(shares[:, 1] == 1)


def test_a_rule_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="'flat' is no rule"):
        contamination(REP[1], "flat")  # type: ignore[arg-type]


def test_counts_of_fluxes() -> None:
    counts = np.array([[3.0, 52.5], [2.0, 40.0], [1.0, 0.0], [0.0, 7.0]])
    flux = counts * np.array([[FLUX_PER_COUNT[f"e{k}"]] for k in range(1, 5)])
    flux[3, 0] = -999
    found = electron_counts(flux.astype(np.float32))
    assert np.isnan(found[3, 0])
    np.testing.assert_array_equal(np.nan_to_num(found), counts)
    protons = np.arange(12.0).reshape(6, 2)
    flux = protons * np.array([[FLUX_PER_COUNT[f"p{k}"]] for k in range(1, 7)])
    np.testing.assert_array_equal(proton_counts(flux.astype(np.float32)), protons)
    with pytest.raises(ValueError, match="5 channels, the telescope has 4"):
        electron_counts(np.zeros((5, 2)))
