"""What is counted over the polar caps, where no belt electrons are: the background of E4, and solar protons.

Poleward of the outer belt E4 at 0 degrees counts nothing but noise and penetrating particles, with Poisson
statistics (ratio of variance and mean 0.96-1.03 on real days): what an event must stand out of. It is also a
free monitor of the channel's efficiency.
"""

from collections.abc import Iterable, Mapping
from typing import TypedDict

import numpy as np

from reprocess.schema.instrument import FLUX_PER_COUNT
from reprocess.schema.measurements import LARGEST_COUNT, has_L, not_measured

POLAR_L = 12.0
"""L shells beyond are poleward of the belt, at any activity."""

TYPICAL_BACKGROUND = 0.5
"""Counts per second where too few records tell: 0.43 to 0.59 on four real satellite-days."""

ENOUGH = 1000
"""Records that give a mean: its error is 0.02 counts per second then."""

STEP = 0.05
"""Counts per second that means are rounded to: errors are as large, and one more day seldom changes it."""


SOLAR_P5 = 0.15
"""Counts per second of P5 (2.5 to 6.9 MeV protons) at 0 degrees over the polar caps, mean of a day, from
which on there are solar protons. Three real quiet days have 0.013 to 0.015. An event of 10 protons cm-2 s-1
sr-1 above 10 MeV, the smallest that NOAA's space weather scale counts, gives about 0.3 if its spectrum
falls with E^-1.5."""

FEW = 100
"""Records below which P5 over the polar caps tells nothing: 15 counts are 1.5 on a quiet day."""


class PolarCounts(TypedDict):
    """Counts of a channel at 0 degrees over the polar caps, of one satellite-day."""

    records: int
    counts: int
    """Sum over these records, each 1 s of counting."""


def e4_counts(flux: np.ndarray) -> np.ndarray:
    """Return E4 of both telescopes in counts per second, int64, shape (2, n); 0 where it is missing."""
    e4 = np.clip(np.nan_to_num(flux[:, 3], nan=0.0), 0, 1e12)
    return np.rint(e4 / FLUX_PER_COUNT["e4"]).astype(np.int64)


def polar_counts(records: Mapping[str, np.ndarray]) -> dict[str, PolarCounts]:
    """Count E4 and P5 at 0 degrees poleward of the belt, but for calibrations and what is no measurement.

    Parameters
    ----------
    records : mapping of str to ndarray, shape (…, n)
        One day's, as stored; time, electron_flux, proton_flux, L_IGRF and ifc_on among them.

    Returns
    -------
    dict of str to PolarCounts
        `polar_e4`, of records in which E4 is not missing, and `polar_p5`.
    """
    L = records["L_IGRF"]
    cap = np.flatnonzero(has_L(L) & (L > POLAR_L) & (records["ifc_on"] != 1) & ~not_measured(records))
    flux = records["electron_flux"][..., cap]
    e4 = e4_counts(flux[..., flux[0, 3] >= 0])[0]
    p5 = np.rint(records["proton_flux"][0, 4, cap] / FLUX_PER_COUNT["p5"])
    p5 = p5[(p5 >= 0) & (p5 <= LARGEST_COUNT)].astype(np.int64)
    told = {"polar_e4": e4, "polar_p5": p5}
    return {name: {"records": int(counts.size), "counts": int(counts.sum())} for name, counts in told.items()}


def has_solar_protons(day: PolarCounts) -> bool:
    """Tell from P5 over the polar caps whether a satellite-day is one of solar protons."""
    return day["records"] >= FEW and day["counts"] >= SOLAR_P5 * day["records"]


def mean_background(days: Iterable[PolarCounts]) -> float:
    """Return the mean of E4 over the polar caps in counts per second, rounded to `STEP`.

    `TYPICAL_BACKGROUND` if the days have too few records; never less than one step.
    """
    days = list(days)
    records, counts = (sum(day[key] for day in days) for key in ("records", "counts"))
    if records < ENOUGH:
        return TYPICAL_BACKGROUND
    return round(max(round(counts / records / STEP), 1) * STEP, 10)
