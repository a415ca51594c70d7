"""Energy flux: the reference value, fits and pieces, and the two real events."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize

from reprocess.physics.budget import Sums, spectrum_and_energy
from reprocess.physics.energy import exponential_segments, reference_energy_flux, segments
from reprocess.physics.fit import ENERGIES_KEV, Observed, fit, shape_interval
from reprocess.physics.piecewise import Estimate, energy_interval, energy_of_bands
from reprocess.physics.protons import Rule, contamination
from reprocess.physics.response import FLUX_OF_COUNT, LABEL_KEV, MEASURED, SIMULATED
from reprocess.physics.spectra import EXPONENTIAL, FORMS, HIGHEST_KEV, POWER_LAW, band_counts, bands
from reprocess.schema import MILLIWATT

REP = np.array(["REP"])
WORKED = np.array([1e5, 2e4, 5e3, 1e3])
SHAPES = {"exponential": 200.0, "power law": 3.0}


def test_the_reference_energy_flux_of_a_worked_example() -> None:
    np.testing.assert_allclose(segments(WORKED), [3830507.0448, 1552325.1131, 731313.8859], rtol=0, atol=5e-5)
    total, relativistic = reference_energy_flux(WORKED)
    assert float(total) == pytest.approx(0.0519248157, abs=5e-11)
    assert float(relativistic) == pytest.approx(0.0040968435, abs=5e-11)
    assert float(total) / MILLIWATT == pytest.approx(10316079.8976, abs=5e-5)
    assert float(relativistic) / MILLIWATT / 1e3 - 612 == pytest.approx(201.93385, abs=5e-6)


@pytest.mark.parametrize(("folding", "off"), [(50, 0.09), (100, 0.09), (200, 0.09), (400, 0.09)])
def test_the_reference_for_exponentials(folding: float, off: float) -> None:
    flux = np.exp(-LABEL_KEV / folding)
    true = MILLIWATT * flux[0] * (40 + folding)
    assert abs(float(reference_energy_flux(flux)[0]) / true - 1) < off


def test_a_spectrum_that_does_not_fall_has_no_reference() -> None:
    flux = np.stack([WORKED, WORKED[::-1], [1e5, 2e4, 5e3, 0]], axis=1)
    for energy in reference_energy_flux(flux):
        np.testing.assert_array_equal(np.isnan(energy), [False, True, True])


def test_exponential_pieces_are_exact_for_an_exponential() -> None:
    flux = np.exp(-LABEL_KEV / 150)
    expected = [quad(lambda e: np.exp(-e / 150), *LABEL_KEV[k : k + 2])[0] for k in range(3)]
    np.testing.assert_allclose(exponential_segments(flux), expected, rtol=1e-9)
    np.testing.assert_allclose(exponential_segments(np.ones(4)), np.diff(LABEL_KEV))


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.name)
@pytest.mark.parametrize("energy", ENERGIES_KEV)
def test_the_energy_of_a_form_is_its_integral(form, energy) -> None:
    shape = SHAPES[form.name]

    def integral(e: float) -> float:
        return float(form.integral(np.array(shape), e))

    inner = quad(integral, energy, HIGHEST_KEV, limit=200)[0]
    expected = energy * integral(energy) - HIGHEST_KEV * integral(HIGHEST_KEV) + inner
    assert float(form.energy_above(np.array(shape), energy)) == pytest.approx(expected, rel=1e-6)


def test_the_energy_of_a_power_of_one_is_its_limit() -> None:
    near = POWER_LAW.energy_above(np.array([1 - 1e-7, 1.0, 1 + 1e-7]), 40.0)
    np.testing.assert_allclose(near, near[1], rtol=1e-5)


def test_the_response_at_and_between_and_beyond_its_energies() -> None:
    stored = MEASURED.stored(np.array([[100.0], [125.0], [600.0], [2000.0]]))
    np.testing.assert_allclose(stored[:, 0], [0.75, (0.92 + 0.87) / 2, 1.13, 0.88])
    assert np.all(SIMULATED.stored(np.full((4, 1), 250.0)) == 1)


def observed(form, shape: float, flux: float, seconds: float, events: int, seed: int | None) -> Observed:
    """Counts of a known spectrum; as expected, without noise, if there is no seed."""
    background = np.array([1.6, 1.3, 0.9, 0.5]) * seconds
    mean = bands(form, np.full(events, shape), MEASURED) * flux * seconds + band_counts(background[:, None])
    counts = mean if seed is None else np.random.default_rng(seed).poisson(mean).astype(float)
    counts[1] += counts[2]
    counts[0] += counts[1]
    return Observed(counts, np.full((4, events), seconds), np.repeat(background[:, None], events, axis=1))


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.name)
def test_what_is_put_in_comes_out(form) -> None:
    seen = observed(form, SHAPES[form.name], 3e4, 8.0, 1, None)
    found = fit(seen, form, MEASURED)
    assert found.shape[0] == pytest.approx(SHAPES[form.name], rel=2e-3)
    assert found.flux[0] == pytest.approx(3e4, rel=2e-3)
    assert found.deviance[0] < 0.01
    assert found.dof[0] == 2
    true = [MILLIWATT * 3e4 * form.energy_above(SHAPES[form.name], e) for e in ENERGIES_KEV]
    np.testing.assert_allclose(found.energy[:, 0], true, rtol=1e-2)


def test_the_fit_is_where_an_optimiser_finds_it() -> None:
    seen = observed(EXPONENTIAL, 150.0, 4000.0, 6.0, 20, 3)
    found = fit(seen, EXPONENTIAL, MEASURED)
    counts, expected = band_counts(seen.counts), band_counts(seen.expected)
    for k in range(20):

        def deviance(x: np.ndarray, k: int = k) -> float:
            rate = bands(EXPONENTIAL, np.array([np.exp(x[1]).clip(20, 600)]), MEASURED)[:, 0]
            mean = np.exp(x[0]) * rate * 6 + expected[:, k]
            n = counts[:, k]
            return float(2 * (mean - n + np.where(n > 0, n * np.log(np.where(n > 0, n, 1) / mean), 0)).sum())

        best = minimize(deviance, [8.0, 5.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
        assert found.deviance[k] == pytest.approx(best.fun, abs=0.01)


def test_intervals_cover_as_often_as_they_say() -> None:
    events, flux, folding = 3000, 3000.0, 200.0
    seen = observed(EXPONENTIAL, folding, flux, 6.0, events, 1)
    found = fit(seen, EXPONENTIAL, MEASURED)
    low, high = shape_interval(seen, EXPONENTIAL, MEASURED, found, np.ones(events))
    assert np.mean((low <= folding) & (folding <= high)) == pytest.approx(0.6827, abs=0.03)
    stored = MEASURED.stored(EXPONENTIAL.folding(np.full(events, folding)))
    energy, limits = energy_interval(seen, stored)
    for k, threshold in enumerate(ENERGIES_KEV):
        true = MILLIWATT * flux * float(EXPONENTIAL.energy_above(np.array(folding), threshold))
        assert np.mean((limits[0, k] <= true) & (true <= limits[1, k])) == pytest.approx(0.6827, abs=0.04)
        assert np.median(energy[k]) == pytest.approx(true, rel=0.05)


@pytest.mark.parametrize("rule", ["fixed", "exponential"])
def test_intervals_cover_where_most_counts_are_of_protons(rule: Rule) -> None:
    """The proton telescope counts them too, so what is subtracted has an error of its own."""
    events, flux, folding, rng = 3000, 3e4, 200.0, np.random.default_rng(5)
    protons = np.array([0.0, 2e4, 4e3, 200.0])
    shape = np.full(events, folding)
    of_electrons = bands(EXPONENTIAL, shape, MEASURED) * flux * 6
    of_protons = band_counts(np.append(contamination(protons, rule), 0.0))[:, None]
    counts = rng.poisson(of_electrons + of_protons).astype(float)
    counts[:3] = np.cumsum(counts[2::-1], axis=0)[::-1]
    seen_protons = rng.poisson(protons[:, None], (4, events)).astype(float)
    sums = Sums(counts, np.full((4, events), 6.0), np.zeros((4, events)), seen_protons)
    stored = MEASURED.stored(EXPONENTIAL.folding(shape))
    seen, covered = sums.observed(rule), []
    exact = energy_of_bands(of_electrons, Observed(counts, sums.seconds, 0 * counts), stored)
    for estimate in (sums.estimate(rule), None):
        _, limits = energy_interval(seen, stored, estimate=estimate)
        covered.append(((limits[0] <= exact) & (exact <= limits[1])).mean(axis=1))
    assert covered[0] == pytest.approx([0.6827, 0.6827], abs=0.04)
    assert covered[1][0] < 0.62, "the counts of protons have no error to speak of: the test tells nothing"


def test_no_counts_of_protons_have_no_error() -> None:
    seen = observed(EXPONENTIAL, 150.0, 3000.0, 6.0, 5, 2)
    nothing = Estimate(np.zeros((4, 5)), lambda _: seen.expected)
    for plain, estimated in zip(
        energy_interval(seen, np.ones((4, 5))),
        energy_interval(seen, np.ones((4, 5)), estimate=nothing),
        strict=True,
    ):
        np.testing.assert_allclose(plain, estimated, rtol=1e-9)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3000), min_size=4, max_size=4), st.integers(1, 20))
def test_limits_of_any_counts_are_ordered_and_finite(numbers: list[int], seconds: int) -> None:
    counts = np.array(sorted(numbers[:3], reverse=True) + numbers[3:], float)[:, None]
    protons = np.array([40.0, 10.0, 2.0, 0.0])[:, None]
    sums = Sums(counts, np.full((4, 1), float(seconds)), np.full((4, 1), 0.6 * seconds), protons)
    found = spectrum_and_energy(sums, MEASURED, REP)
    for name in ("energy_flux_40", "energy_flux_612"):
        values = [found[f"{name}{end}"][0] for end in ("_lower", "", "_upper")]
        assert values[0] <= values[1] <= values[2]
        assert found[f"{name}_error"][0] >= 0
        assert np.isfinite(values).all()
        assert found[f"{name}_least"][0] <= values[1] * (1 + 1e-9)
        assert found[f"{name}_most"][0] >= 2 * values[1] * (1 - 1e-9)
    assert found["energy_flux_612"] <= found["energy_flux_40"] * (1 + 1e-9)


def test_the_interval_is_that_of_the_likelihood() -> None:
    """E4 alone: 9 counts have the interval of means m with 2 (m - 9 + 9 ln(9 / m)) <= 1: 6.33 to 12.34."""
    seen = Observed(
        np.array([[1e9], [1e9], [1e9], [9.0]]), np.ones((4, 1)), np.zeros((4, 1))
    )  # E1-E3 far above: their counts have no error to speak of
    _, limits = energy_interval(seen, np.ones((4, 1)))
    for end, counts in zip((0, 1), (6.330, 12.338), strict=True):
        mean = np.array([[0.0], [0.0], [1e9], [counts]])
        expected = energy_of_bands(mean, seen, np.ones((4, 1)))[1]
        np.testing.assert_allclose(limits[end, 1], expected, rtol=2e-2)


def test_without_e4_there_is_no_energy_but_a_spectrum() -> None:
    counts, seconds = np.array([[300.0], [120.0], [40.0], [0.0]]), np.array([[6.0], [6.0], [6.0], [0.0]])
    found = spectrum_and_energy(Sums(counts, seconds, np.zeros((4, 1)), np.zeros((4, 1))), MEASURED, REP)
    assert np.isnan([values[0] for name, values in found.items() if name.startswith("energy")]).all()
    assert 20 < found["folding_energy"][0] < 600
    assert found["deviance_dof"][0] == 1


def test_nothing_counted_is_no_spectrum() -> None:
    nothing = np.zeros((4, 1))
    found = spectrum_and_energy(
        Sums(nothing, np.full((4, 1), 6.0), np.full((4, 1), 3.0), nothing), MEASURED, REP
    )
    assert np.isnan(found["folding_energy"][0])
    assert found["energy_flux_40"][0] < 1e-9
    assert found["energy_flux_40_upper"][0] < 5e-3


def real(counts: list[float], protons: list[float], records: int) -> dict[str, float]:
    background = 0.6 * records * np.array([3.1, 2.55, 1.7, 1.0])
    columns = [np.array(x, float)[:, None] for x in (counts, [records] * 4, background, protons)]
    return {
        name: float(value[0]) for name, value in spectrum_and_energy(Sums(*columns), MEASURED, REP).items()
    }


def test_the_real_events_of_2019_10_24() -> None:
    """NOAA-18, summed counts at 0 degrees of the published events, records 18018-18023 and 18025-18026.

    By hand, the REP: E4 has 10 - 2 x 0.6 = 8.8 counts in 2 s, J = 4.4 x 181.82 / 0.72 = 1111 above 612 keV
    (the response for 400 keV). E3 has 18 - 2 - 8 (protons) = 8, which gives less than that, so the tail has
    the bound of 600 keV: 1111 x (612 + 600) = 1.35e6 keV cm-2 s-1 sr-1, times 5.03e-9: 0.0068 mW m-2. Below
    612 keV the flux hardly rises, so particles below it add less than 0.001.
    The CSS: E4 31 - 6 x 0.6 = 27.4 in 6 s, J = 4.57 x 181.82 / 0.65 = 1277. E3 408 - 6 - 83 = 319, J = 5890.
    Tail 325 / ln(4.61) = 213 keV, 1277 x 825 x 5.03e-9 = 0.0053. Above 40 keV, with J = 45,000, 15,000,
    5,900, 1,277: 40 x 45,000 + 90 x 27,300 + 157 x 9,700 + 325 x 3,000 + 1277 x 213 = 7.0e6, 0.035 mW m-2.
    """
    css = real([3256, 1494, 408, 31], [29821, 8973, 393, 5], 6)
    assert 0.011 < css["energy_flux_40"] < 0.041
    assert 0.0006 < css["energy_flux_612"] < 0.0065
    assert css["energy_flux_40"] == pytest.approx(0.035, rel=0.05)
    assert css["energy_flux_612"] == pytest.approx(0.0053, rel=0.05)
    rep = real([61.5, 45.5, 18, 10], [76, 31, 8, 0], 2)
    assert 0.007 < rep["energy_flux_40"] < 0.0085
    assert 0.005 < rep["energy_flux_612"] < 0.007
    assert rep["energy_flux_612"] == pytest.approx(0.0068, rel=0.1)
    # No form with two parameters is the real spectrum.
    assert min(css["exponential_deviance"], css["power_law_deviance"]) > 100


def test_flux_of_counts_are_the_files_constants() -> None:
    np.testing.assert_allclose(FLUX_OF_COUNT, [80.64516, 69.44444, 133.33333, 181.81818])
