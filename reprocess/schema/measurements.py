"""What the instrument and NOAA's processing can give, and which records hold something else.

Fluxes are counts, sent as one of 256 codes, times a constant per channel. Whatever no code gives is no
measurement: the fill value of NetCDF (9.97e36) in records that were never written, infinity, NaN, negative
values other than the -999 of E4. Such a record is missing: in no window, no event and no dwell.
"""

from collections.abc import Mapping

import numpy as np

from reprocess.schema.instrument import E4_MISSING, FLUX_PER_COUNT

LARGEST_COUNT = 2_047_999.5
"""Counts that the highest of the 256 codes stands for."""

L_MISSING = -1.0
"""L_IGRF where NOAA has none."""

LARGEST_L = 1000.0
"""L shells beyond are no measurement; the largest seen in NOAA's files is 107."""

LARGEST_FLUX = np.array(
    [[np.float32(FLUX_PER_COUNT[f"e{e}"] * LARGEST_COUNT * (1 + 1e-6))] for e in range(1, 5)]
)
"""Of E1-E4 with the highest code, cm-2 s-1 sr-1; float32, shape (4, 1)."""
_LIMITS = {"MLT": (0, 24), "latitude": (-90, 90), "longitude": (-180, 360)}


def has_L(L: np.ndarray) -> np.ndarray:
    """Tell which L shells are values, not NOAA's sentinel or something impossible; bool, same shape."""
    return (L >= 0) & (L <= LARGEST_L)


def impossible_values(records: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Tell which records hold values that are no measurement.

    Parameters
    ----------
    records : mapping of str to ndarray, shape (…, n)
        As stored; of these, electron_flux (cm-2 s-1 sr-1), L_IGRF, MLT (h), latitude and longitude
        (degrees) are looked at if they are there.

    Returns
    -------
    dict of str to ndarray of bool, shape (n,)
        By name of array; only those that have such values.
    """
    found = {}
    for name in ("electron_flux", "L_IGRF", *_LIMITS):
        if name in records and (wrong := _impossible(name, records[name])).any():
            found[name] = wrong
    return found


def _impossible(name: str, values: np.ndarray) -> np.ndarray:
    if name == "electron_flux":
        return _impossible_flux(values)
    if name == "L_IGRF":
        return ~(has_L(values) | (values == L_MISSING))
    low, high = _LIMITS[name]
    return ~((values >= low) & (values <= high))


def _impossible_flux(flux: np.ndarray) -> np.ndarray:
    """Tell it of records, shape (n,); of a day without such values from its extremes alone."""
    e4 = flux[:, 3]
    negative = (e4 < 0) & (e4 != E4_MISSING)
    if not negative.any() and flux.size:
        low, high = flux.min(axis=-1, keepdims=True), flux.max(axis=-1, keepdims=True)
        if np.all(low[:, :3] >= 0) and np.all(low[:, 3] >= E4_MISSING) and np.all(high <= LARGEST_FLUX):
            return np.zeros(flux.shape[-1], bool)
    wrong = ~((flux >= 0) & (flux <= LARGEST_FLUX))
    wrong[:, 3] &= e4 != E4_MISSING
    return np.asarray(wrong.any(axis=(0, 1)))


def not_measured(records: Mapping[str, np.ndarray]) -> np.ndarray:
    """Tell which records are missing because a value in them is no measurement.

    Parameters
    ----------
    records : mapping of str to ndarray, shape (…, n)
        As in `impossible_values`, ``time`` among them.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    missing = np.zeros(records["time"].size, bool)
    for wrong in impossible_values(records).values():
        missing |= wrong
    return missing
