"""The background of E4: its counts over the polar caps, where no belt electrons are.

Poleward of the outer belt E4 at 0 degrees counts nothing but noise and penetrating particles, with Poisson
statistics (ratio of variance and mean 0.96-1.03 on real days): what an event must stand out of. It is also a
free monitor of the channel's efficiency.
"""

from collections.abc import Iterable, Mapping
from typing import TypedDict

import numpy as np

from reprocess.schema.instrument import FLUX_PER_COUNT
from reprocess.schema.measurements import has_L, not_measured

POLAR_L = 12.0
"""L shells beyond are poleward of the belt, at any activity."""

TYPICAL_BACKGROUND = 0.5
"""Counts per second where too few records tell: 0.43 to 0.59 on four real satellite-days."""

ENOUGH = 1000
"""Records that give a mean: its error is 0.02 counts per second then."""

STEP = 0.05
"""Counts per second that means are rounded to: errors are as large, and one more day seldom changes it."""


class PolarCounts(TypedDict):
    """E4 at 0 degrees over the polar caps, of one satellite-day."""

    records: int
    counts: int
    """Sum over these records, each 1 s of counting."""


def e4_counts(flux: np.ndarray) -> np.ndarray:
    """Return E4 of both telescopes in counts per second, int64, shape (2, n); 0 where it is missing."""
    e4 = np.clip(np.nan_to_num(flux[:, 3], nan=0.0), 0, 1e12)
    return np.rint(e4 / FLUX_PER_COUNT["e4"]).astype(np.int64)


def polar_counts(records: Mapping[str, np.ndarray]) -> PolarCounts:
    """Count E4 at 0 degrees poleward of the belt; calibrations and what is no measurement are left out.

    Parameters
    ----------
    records : mapping of str to ndarray, shape (…, n)
        One day's, as stored; time, electron_flux, L_IGRF and ifc_on among them.
    """
    L, flux = records["L_IGRF"], records["electron_flux"]
    seen = has_L(L) & (L > POLAR_L) & (flux[0, 3] >= 0) & (records["ifc_on"] != 1) & ~not_measured(records)
    counts = e4_counts(flux[..., seen])[0]
    return {"records": int(counts.size), "counts": int(counts.sum())}


def mean_background(days: Iterable[PolarCounts]) -> float:
    """Return the mean of E4 over the polar caps in counts per second, rounded to `STEP`.

    `TYPICAL_BACKGROUND` if the days have too few records; never less than one step.
    """
    days = list(days)
    records, counts = (sum(day[key] for day in days) for key in ("records", "counts"))
    if records < ENOUGH:
        return TYPICAL_BACKGROUND
    return round(max(round(counts / records / STEP), 1) * STEP, 10)
