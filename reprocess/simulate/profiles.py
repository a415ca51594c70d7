"""What a pass through a precipitation event sees: counts of electrons and protons along the orbit.

REP: isolated in L (0.05-1 wide), all energies at the same place, flux in the 0-degree telescope
approaching that in the 90-degree one, mostly with protons of tens to hundreds of keV alongside.

CSS: each energy is isotropic outside its own boundary, and the boundary of higher energies lies at lower
L; towards higher L the flux falls with the belt. Protons are scattered with the electrons.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from reprocess.schema import ELECTRON_KEV, FLUX_PER_COUNT, MILLIWATT

WIDTH_L, WIDTH_SPREAD, WIDTH_RANGE = 0.22, 0.7, (0.05, 1.0)
"""Full width of a REP at half maximum: log-normal, cut."""

ION_SHARE_REP = 0.8
"""Share of REP with protons."""
P3_PER_E3 = {"REP": 0.62, "CSS": 2.4}
"""Median of the counts of P3 over those of electrons in E3: about those of the one real event of each."""
P3_SPREAD = 0.7
P2_PER_P3 = {"REP": 4.0, "CSS": 23.0}
P1_PER_P2 = {"REP": 2.5, "CSS": 3.3}
P4_PER_P3 = 0.013
RATIO_SPREAD = 0.4
"""Ratios of proton channels: medians from the same events; they and the median above vary log-normally."""

_COUNTS_PER_E4 = np.array([[FLUX_PER_COUNT["e4"] / FLUX_PER_COUNT[c]] for c in ("e1", "e2", "e3", "e4")])
_THRESHOLD_KEV = np.array(ELECTRON_KEV, float)


@dataclass(frozen=True)
class Profile:
    """An event over the records of a stretch."""

    electrons: np.ndarray
    """(2, 4, records): counts of E1-E3 and P6 at 0 and 90 degrees, of electrons alone."""
    protons: np.ndarray
    """(4, records): counts of P1-P4, isotropic."""
    width: float
    """REP: full width at half maximum in L; CSS: 0, its records tell."""
    ratio: float
    """Flux at 0 over 90 degrees of the event itself, E4."""
    mean_kev: np.ndarray
    """(4,): mean energy of the electrons between the thresholds of E1, E2, E3 and E4, and above the last."""

    def energy_flux(self, records: slice) -> tuple[float, float]:
        """Return the true energy flux above 40 and 612 keV at 0 degrees, mW m-2, mean of records.

        It is that of electrons that fill the loss cone evenly, as in `physics.energy`.
        """
        flux = (self.electrons[0][:, records] / _COUNTS_PER_E4).mean(axis=1) * FLUX_PER_COUNT["e4"]
        above_40, above_612 = self._energy(flux[:, None])[:, 0]
        return float(above_40), float(above_612)

    def energy_flux_by_record(self) -> np.ndarray:
        """Return the same of each record, shape (2, records)."""
        return self._energy(self.electrons[0] / _COUNTS_PER_E4 * FLUX_PER_COUNT["e4"])

    def _energy(self, flux: np.ndarray) -> np.ndarray:
        """Return the energy flux above 40 and 612 keV that fluxes above E1-E4's thresholds have."""
        between = flux - np.append(flux[1:], np.zeros((1, flux.shape[1])), axis=0)
        energy = MILLIWATT * between * self.mean_kev[:, None]
        return np.stack([energy.sum(axis=0), energy[3]])


def _spectrum(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the flux between the thresholds of E1, E2, E3 and E4 and above the last, and mean energies.

    Flux is in units of that above E4, shape (4, 1); energies in keV, shape (4,). Exponential; half of the
    CSS fall as a power law from 100 keV on, more like the real one.
    """
    if kind == "CSS" and rng.uniform() < 0.5:
        exponent = rng.uniform(2.2, 3.2)
        integral = (712.0 / (_THRESHOLD_KEV + 100.0)) ** exponent
        above = (_THRESHOLD_KEV + 100.0) * integral / (exponent - 1)  # integral of the integral spectrum
    else:
        folding = rng.uniform(170.0, 450.0)
        integral = np.exp((_THRESHOLD_KEV[-1] - _THRESHOLD_KEV) / folding)
        above = folding * integral
    bands = integral - np.append(integral[1:], 0.0)
    energy = _THRESHOLD_KEV * integral + above
    return bands[:, None], (energy - np.append(energy[1:], 0.0)) / bands


def _channel_counts(bands: np.ndarray) -> np.ndarray:
    """Return counts of E1-E4, each the sum of all bands above its threshold; shapes (4, records)."""
    return _COUNTS_PER_E4 * np.cumsum(bands[::-1], axis=0)[::-1]


def _texture(rng: np.random.Generator, records: int, spread: float) -> np.ndarray:
    return np.exp(spread * rng.standard_normal(records))


def _protons(kind: str, e3: float, shape: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return counts of P1-P4 over a shape that rises to about 1, beside `e3` counts of electrons in E3."""
    p3 = e3 * rng.lognormal(np.log(P3_PER_E3[kind]), P3_SPREAD)
    p2 = p3 * rng.lognormal(np.log(P2_PER_P3[kind]), RATIO_SPREAD)
    p1 = p2 * rng.lognormal(np.log(P1_PER_P2[kind]), RATIO_SPREAD)
    return np.array([[p1], [p2], [p3], [P4_PER_P3 * p3]]) * shape


def rep_profile(
    shell: np.ndarray, centre_l: float, peak: float, shape_rng: np.random.Generator, rng: np.random.Generator
) -> Profile:
    """Return a REP over records at L `shell`.

    `shape_rng` draws what all passes through the structure see, `rng` the texture of this one.
    """
    width = float(np.clip(shape_rng.lognormal(np.log(WIDTH_L), WIDTH_SPREAD), *WIDTH_RANGE))
    flatness = shape_rng.choice([2.0, 4.0])  # Gaussian or flat-topped
    distance = np.abs(shell - centre_l) / (width / 2)
    shape = np.exp(-np.log(2.0) * distance**flatness) * _texture(rng, len(shell), 0.2)
    ratio = float(shape_rng.uniform(0.35, 1.05))
    # Low energies resonate less: their bands may be all but absent.
    weaker = np.array([shape_rng.uniform(a, 1.0) for a in (0.0, 0.1, 0.4, 1.0)])[:, None]
    bands, mean_kev = _spectrum("REP", shape_rng)
    at_0 = _channel_counts(bands * weaker * peak * shape)
    # What precipitates is scattered out of a belt that is wider than the scattering.
    belt = shape_rng.uniform(0.2, 1.0) * np.exp(-np.abs(shell - centre_l) / shape_rng.uniform(0.3, 0.8))
    source = np.maximum(at_0, _channel_counts(bands * peak * belt)) / ratio
    e3 = float(_channel_counts(bands * weaker * peak)[2, 0])
    with_protons = shape_rng.uniform() < ION_SHARE_REP
    protons = _protons("REP", e3, shape, shape_rng) * with_protons
    return Profile(np.stack([at_0, source]), protons, width, ratio, mean_kev)


def css_profile(
    shell: np.ndarray, centre_l: float, peak: float, shape_rng: np.random.Generator, rng: np.random.Generator
) -> Profile:
    """Return a CSS over records at L `shell`; arguments as of `rep_profile`.

    The trapped flux falls outwards with a scale length that is longer at low energies; the share that
    precipitates rises at each energy's isotropy boundary. That of protons lies outside E3's.
    """
    step = shape_rng.uniform(0.03, 0.30)
    boundary = centre_l + step * np.array([3.0, 1.9, 0.8, 0.0]) * shape_rng.uniform(0.7, 1.3, 4)
    edge = shape_rng.uniform(0.01, 0.08) * centre_l / 6
    outer = shape_rng.uniform(0.15, 0.45) * np.array([3.0, 2.0, 1.35, 1.0])
    ratio = float(shape_rng.uniform(0.75, 1.05))
    share = ratio * expit(np.clip((shell - boundary[:, None]) / edge, -40, 40))
    distance = shell - centre_l
    belt = np.exp(-np.clip(np.maximum(distance / outer[:, None], -distance / 0.8), 0, 40))
    belt = belt * _texture(rng, len(shell), 0.12)
    spectrum, mean_kev = _spectrum("CSS", shape_rng)
    bands = spectrum * belt
    trapped, precipitating = _channel_counts(bands), _channel_counts(bands * share)
    scale = peak / max(float(precipitating[3].max()), 1e-6)
    e3 = scale * float(precipitating[2].max())
    protons = _protons("CSS", e3, share[2] / ratio * belt[0], shape_rng)
    return Profile(np.stack([precipitating, trapped]) * scale, protons, 0.0, ratio, mean_kev)
