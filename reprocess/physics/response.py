"""What the electron channels count of an electron spectrum: the response of the telescopes.

A channel is no sharp threshold. Its response is given here as what the flux in NOAA's files is of the true
flux above the energy that the channel is labelled with, for spectra that fall exponentially.
"""

from dataclasses import dataclass

import numpy as np

from reprocess.physics.counts import ELECTRONS
from reprocess.physics.protons import Rule
from reprocess.schema import ELECTRON_KEV, FLUX_PER_COUNT

LABEL_KEV = np.array(ELECTRON_KEV, float)
"""Energies that E1-E4 are labelled with, keV."""

FLUX_OF_COUNT = np.array([FLUX_PER_COUNT[channel] for channel in ELECTRONS])
"""Flux, cm-2 s-1 sr-1, that NOAA's files have for one count of E1-E4."""


@dataclass(frozen=True)
class Response:
    """An instrument: how its electron channels answer."""

    name: str
    source: str
    folding_kev: tuple[float, ...]
    """E-folding energies of the exponential spectra."""
    share: tuple[tuple[float, ...], ...]
    """By channel E1-E4 and those energies: stored flux over true flux above the channel's energy."""
    protons: Rule
    """How protons that it counts as electrons are estimated."""

    def stored(self, folding_kev: np.ndarray) -> np.ndarray:
        """Return stored flux over true flux, linear between the energies and constant beyond them.

        Parameters
        ----------
        folding_kev : ndarray, shape (4, …)
            E-folding energy of the integral flux near the label of E1-E4.

        Returns
        -------
        ndarray, same shape
        """
        return np.stack(
            [
                np.interp(energies, self.folding_kev, share)
                for energies, share in zip(folding_kev, self.share, strict=True)
            ]
        )


MEASURED = Response(
    name="MEPED",
    source="simulated response of the MEPED telescopes, Yando et al. (2011), J. Geophys. Res. 116, A10231",
    folding_kev=(100.0, 150.0, 200.0, 300.0, 400.0, 600.0),
    share=(
        (0.75, 0.81, 0.85, 0.90, 0.93, 0.97),
        (0.92, 0.87, 0.86, 0.85, 0.85, 0.87),
        (1.14, 1.20, 1.23, 1.22, 1.20, 1.13),
        (0.65, 0.51, 0.52, 0.62, 0.72, 0.88),
    ),
    protons="exponential",
)
"""The real instrument. E4 counts what is above some 714 to 755 keV: half to 0.7 of the flux above 612 keV."""

SIMULATED = Response(
    name="simulated",
    source="reprocess.simulate: channels count all that is above their label and nothing else",
    folding_kev=(100.0, 600.0),
    share=((1.0, 1.0),) * 4,
    protons="fixed",
)
"""What `reprocess simulate` makes: sharp thresholds, protons by the fixed shares of Lam et al. (2010)."""
