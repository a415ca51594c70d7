"""Spectrum and energy flux of events from their summed counts, with all that can be chosen otherwise.

The numbers are those of the default choices: the spectrum in pieces, protons subtracted by the instrument's
rule, the same flux from all directions. What other choices give is the range.
"""

from dataclasses import dataclass

import numpy as np

from reprocess.physics.energy import SINE
from reprocess.physics.fit import ENERGIES_KEV, Fit, Observed, fit, shape_interval
from reprocess.physics.piecewise import Estimate, energy_interval, energy_of_bands
from reprocess.physics.protons import Rule, contamination
from reprocess.physics.response import Response
from reprocess.physics.spectra import EXPONENTIAL, POWER_LAW, band_counts
from reprocess.physics.unmodelled import widened

RULES: tuple[Rule | None, ...] = (None, "exponential", "fixed")
"""Protons left in, and subtracted by either rule."""

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Sums:
    """What events count in their records at 0 degrees, channels along the first axis."""

    counts: np.ndarray
    """E1-E4, shape (4, n), nothing subtracted."""
    seconds: np.ndarray
    """Live time of each, shape (4, n): records that are not missing."""
    background: np.ndarray
    """Counts of E1-E4 that are expected without an event, shape (4, n)."""
    protons: np.ndarray
    """P1-P4, shape (4, n)."""

    def observed(self, rule: Rule | None) -> Observed:
        """Return counts and what in them is not of electrons; protons are if no rule is given."""
        return Observed(self.counts, self.seconds, self.estimate(rule).expected(self.protons))

    def estimate(self, rule: Rule | None) -> Estimate:
        """Return how what is not of electrons follows from the counts of protons."""

        def expected(protons: np.ndarray) -> np.ndarray:
            found = self.background.copy()
            if rule is not None:
                found[:3] += np.minimum(contamination(protons, rule), self.counts[:3])
            return found

        return Estimate(self.protons, expected)


def spectrum_and_energy(sums: Sums, response: Response, classes: np.ndarray) -> Columns:
    """Return spectrum and energy flux of events.

    Parameters
    ----------
    sums : Sums
    response : Response
        That of the instrument that counted.
    classes : ndarray of str, shape (n,)
        REP or CSS: what is not modelled differs.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Columns of `schema.properties`: ``folding_energy``, ``spectral_exponent``, their deviances, and
        ``energy_flux_40``, ``energy_flux_612`` with error, limits and range. NaN where E4 was never seen; the
        form of spectrum as far as it can be told.
    """
    by_rule = {rule: sums.observed(rule) for rule in RULES}
    best = {rule: fit(seen, EXPONENTIAL, response) for rule, seen in by_rule.items()}
    usual, exponential = by_rule[response.protons], best[response.protons]
    power = {rule: fit(seen, POWER_LAW, response) for rule, seen in by_rule.items()}
    columns = _spectrum(usual, exponential, power[response.protons], response)
    energy, counting = energy_interval(
        usual, _stored(exponential, response), estimate=sums.estimate(response.protons)
    )
    limits = widened(energy, counting, classes)
    choices = np.concatenate([_choices(by_rule[r], best[r], power[r], response) for r in RULES])
    for k, name in enumerate(f"energy_flux_{e:.0f}" for e in ENERGIES_KEV):
        columns[name] = energy[k]
        columns[f"{name}_error"] = (counting[1, k] - counting[0, k]) / 2
        columns[f"{name}_lower"], columns[f"{name}_upper"] = limits[:, k]
        unknown = np.isnan(energy[k])
        least, most = choices[:, k].min(axis=0), SINE * choices[:, k].max(axis=0)
        columns[f"{name}_least"] = np.where(unknown, np.nan, least)
        columns[f"{name}_most"] = np.where(unknown, np.nan, most)
    return columns


def _stored(best: Fit, response: Response) -> np.ndarray:
    """Return the response for the exponential that fits best; for one in the middle where nothing is seen."""
    middle = np.sqrt(EXPONENTIAL.least * EXPONENTIAL.most)
    return response.stored(EXPONENTIAL.folding(np.where(np.isnan(best.shape), middle, best.shape)))


def _spectrum(seen: Observed, best: Fit, power: Fit, response: Response) -> Columns:
    """Return the two forms of spectrum; the interval is wider by as much as the exponential fits badly."""
    rise = np.maximum(best.deviance / np.maximum(best.dof, 1), 1.0)
    low, high = shape_interval(seen, EXPONENTIAL, response, best, rise)
    return {
        "folding_energy": best.shape,
        "folding_energy_lower": low,
        "folding_energy_upper": high,
        "exponential_deviance": best.deviance,
        "spectral_exponent": power.shape,
        "power_law_deviance": power.deviance,
        "deviance_dof": best.dof,
    }


def _choices(seen: Observed, best: Fit, power: Fit, response: Response) -> np.ndarray:
    """Return the energy flux by form of spectrum, shape (forms, 2, n).

    Among the forms with two parameters the better one counts: counts speak against the other.
    """
    counts, stored = band_counts(seen.counts), _stored(best, response)
    pieces = [energy_of_bands(counts, seen, stored, power_law) for power_law in (False, True)]
    two = np.where(best.deviance <= power.deviance, best.energy, power.energy)
    return np.stack([two, *pieces])
