"""What the energy flux of an event is unsure of beyond counting, as simulated events show it.

Where counts are many, two causes remain. Aurora and drizzle in the event's records are counted with it: an
amount that does not depend on the event, so that it weighs most in weak ones. Spectra are no pieces of
exponentials: a REP whose low energies hardly precipitate, a CSS that falls as a power law beyond 612 keV,
where nothing is measured. Which records an event is given is no error: the energy flux is the mean of these.
The terms were found by ``docs/measure_properties.py`` with ``--calibrate`` on simulated days, for extents of
any kind (docs/physics.md); of the real instrument they know nothing.
"""

from dataclasses import dataclass

import numpy as np

from reprocess.physics.fit import ENERGIES_KEV


@dataclass(frozen=True)
class Term:
    """Room on one side of an energy flux."""

    share: float = 0.0
    """A share of the energy flux, as a logarithm."""
    amount: float = 0.0
    """mW m-2, whatever the energy flux."""

    def of(self, energy: np.ndarray) -> np.ndarray:
        """Return the room as a logarithm: share and amount are independent of each other."""
        return np.hypot(self.share, self.amount / np.maximum(energy, 1e-12))


TERMS: dict[str, tuple[tuple[Term, Term], tuple[Term, Term]]] = {
    "REP": ((Term(0.07, 0.001), Term()), (Term(0.1), Term())),
    "CSS": ((Term(0.06, 0.0015), Term()), (Term(), Term(0.26))),
}
"""By class: below and above the energy flux above 40 keV, below and above that above 612 keV."""


def widened(energy: np.ndarray, limits: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return limits that make room for what is not modelled, beside the counting that they are of.

    Parameters
    ----------
    energy : ndarray, shape (2, n)
        Above 40 and above 612 keV, mW m-2.
    limits : ndarray, shape (2, 2, n)
        Lower and upper along the first axis, of counting alone.
    classes : ndarray of str, shape (n,)
        REP or CSS.

    Returns
    -------
    ndarray, shape (2, 2, n)
        Logarithms of both are added as independent errors are: in quadrature.
    """
    found = limits.copy()
    for name, terms in TERMS.items():
        which = classes == name
        for k in range(len(ENERGIES_KEV)):
            known = which & (energy[k] > 0)
            value = energy[k, known]
            for end, sign in ((0, -1.0), (1, 1.0)):
                limit = np.maximum(limits[end, k, known], 1e-12 * value)
                counting = np.log(limit / value)
                found[end, k, known] = value * np.exp(sign * np.hypot(counting, terms[k][end].of(value)))
    return found
