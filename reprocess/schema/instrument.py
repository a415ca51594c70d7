"""MEPED: its channels, and the flux that one count stands for.

The fluxes of NOAA's SEM-2 Level 1b files are whole counts times these constants.
"""

import math
from collections.abc import Mapping

ELECTRON_KEV = (40, 130, 287, 612)
"""Lower energies of the electron channels E1-E4, keV; E4 is derived from the proton channel P6."""

FLUX_PER_COUNT: Mapping[str, float] = {
    "e1": 80.64516,
    "e2": 69.44444,
    "e3": 133.33333,
    "e4": 181.81818,
    "p1": 2.32829,
    "p2": 0.73921,
    "p3": 0.24932,
    "p4": 0.0886,
    "p5": 0.04539,
    "p6": 243.90244,
}
"""Flux of one count: cm-2 s-1 sr-1 for E1-E4 and P6, per keV too for P1-P5."""

E4_MISSING = -999.0
"""E4 where protons make the channel unusable."""

ERG = 1.602176634e-9
"""mJ m-2 in a keV cm-2: a keV is 1.602176634e-16 J (exact, SI of 2019), 1 m2 is 10,000 cm2."""

MILLIWATT = math.pi * ERG
"""mW m-2 for one keV cm-2 s-1 sr-1, the same from all directions of a hemisphere."""
