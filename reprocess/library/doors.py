"""Records as other programs hold them, under the names that `classify` takes.

Both were tried on data made in their form, never on files or downloads of those programs.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from reprocess import schema
from reprocess.errors import DataError
from reprocess.schema import RECORD_ARRAYS

_NAMES = tuple(dict.fromkeys(name for spec in RECORD_ARRAYS[1:] for name in spec.sources))
_NEEDED = (*schema.ELECTRON_VARIABLES, "L_IGRF", "MLT", "lat", "lon")

CDAWEB = {
    "lat": "latitude",
    "lon": "longitude",
    "alt": "altitude",
    "l_igrf": "L_IGRF",
    "mlt": "MLT",
    "mep_ifc_on": "mep_IFC_on",
}
"""CDAWeb's variables of one value per record, and ours; fluxes are said in `from_cdaweb`."""

_CDF_FILL = -1e30
"""CDF's fill values of real numbers are -1e31."""


def from_tplot(get_data: Callable[[str], Any], *, prefix: str = "", satellite: str = "") -> xr.Dataset:
    """Return the records that tplot variables of pyspedas hold, for `classify`.

    Parameters
    ----------
    get_data : callable
        ``pyspedas.get_data``: from a name to ``times`` (seconds since 1970, UTC) and ``y``, or None.
    prefix : str
        What stands before NOAA's names, which loading with ``ncei_l1b_server=True`` keeps.
    satellite : str, optional
        Directory name, as ``noaa18``.

    Returns
    -------
    xarray.Dataset
        Dimension time; NOAA's names and units.

    Raises
    ------
    DataError
        If a variable that events need is not there, or times of variables differ.

    Examples
    --------
    >>> ds = reprocess.from_tplot(pyspedas.get_data, satellite="noaa18")  # doctest: +SKIP
    >>> events = reprocess.classify(ds, model="capannolo2022").events  # doctest: +SKIP
    """
    found: dict[str, np.ndarray] = {}
    time: np.ndarray | None = None
    for name in _NAMES:
        one = get_data(prefix + name)
        if one is None:
            if name in _NEEDED:
                raise DataError(
                    f"there is no tplot variable {prefix + name!r}; load the Level 1b files "
                    "(ncei_l1b_server=True), and give the prefix of their names if they have one"
                )
            continue
        times = np.asarray(one[0])
        if time is not None and not np.array_equal(time, times):
            raise DataError(f"tplot variable {prefix + name!r} has other times than {prefix + _NAMES[0]!r}")
        time, found[name] = times, np.asarray(one[1])
    milliseconds = np.rint(np.asarray(time, np.float64) * 1000).astype("datetime64[ms]")
    data = {name: ("time", values) for name, values in found.items()}
    return _labelled(xr.Dataset(data, coords={"time": milliseconds}), satellite)


def from_cdaweb(data: Mapping[str, Any] | xr.Dataset, *, satellite: str = "") -> xr.Dataset:
    """Return the records of a CDF file of CDAWeb (``…_poes-sem2_fluxes-2sec_….cdf``), for `classify`.

    Parameters
    ----------
    data : mapping or Dataset
        Arrays by the file's names, small or capital: ``Epoch`` (datetime64, UTC), ``mep_ele_flux`` (n, 2
        telescopes, 4 channels), ``lat``, ``lon``, ``l_igrf``, ``mlt``; if there, ``alt``, ``mep_ifc_on``,
        ``mep_pro_flux`` (n, 2, 5), ``mep_pro_flux_p6`` (n, 2). ``cdflib.xarray.cdf_to_xarray(path,
        to_datetime=True)`` gives them. Units are taken to be NOAA's.
    satellite : str, optional
        Directory name, as ``metop01``, which CDAWeb calls metop1.

    Returns
    -------
    xarray.Dataset
        Dimensions time, telescope, energy, channel; the archive's names. CDF's fill (-1e31) is NaN.

    Raises
    ------
    DataError
        If a variable is missing or has another shape.

    Notes
    -----
    Never tried on a file of CDAWeb: names and shapes are as described for them. Look at the fluxes first.

    Examples
    --------
    >>> cdf = cdflib.xarray.cdf_to_xarray(path, to_datetime=True)  # doctest: +SKIP
    >>> ds = reprocess.from_cdaweb(cdf, satellite="metop01")  # doctest: +SKIP
    """
    held = {str(name).lower(): np.asarray(data[name]) for name in _every(data)}
    lacking = [name for name in ("epoch", "mep_ele_flux", "lat", "lon", "l_igrf", "mlt") if name not in held]
    if lacking:
        raise DataError(
            f"the CDF data lack {', '.join(lacking)}; they have {', '.join(sorted(held)) or 'none'}"
        )
    time = held["epoch"]
    if time.dtype.kind != "M":
        raise DataError(
            f"Epoch is {time.dtype}, not datetime64; "
            "read it with cdflib.xarray.cdf_to_xarray(…, to_datetime=True)"
        )
    n = time.size
    electrons = _measured(_shaped(held, "mep_ele_flux", (n, 2, 4)))
    made: dict[str, Any] = {"electron_flux": (("telescope", "energy", "time"), electrons.transpose(1, 2, 0))}
    if {"mep_pro_flux", "mep_pro_flux_p6"} <= held.keys():
        integral = _shaped(held, "mep_pro_flux_p6", (n, 2))[..., np.newaxis]
        protons = _measured(np.concatenate([_shaped(held, "mep_pro_flux", (n, 2, 5)), integral], axis=2))
        made["proton_flux"] = (("telescope", "channel", "time"), protons.transpose(1, 2, 0))
    for theirs, ours in CDAWEB.items():
        if theirs in held:
            made[ours] = ("time", _measured(_shaped(held, theirs, (n,))))
    coords = {name: schema.COORDINATES[name][0] for name in ("telescope", "energy")}
    return _labelled(xr.Dataset(made, coords={"time": time, **coords}), satellite)


def _every(data: Mapping[str, Any] | xr.Dataset) -> list[Any]:
    return list(data.variables) if isinstance(data, xr.Dataset) else list(data)


def _shaped(held: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    if held[name].shape != shape:
        raise DataError(f"{name} has shape {held[name].shape}, not {shape}: records, telescopes, channels")
    return held[name]


def _measured(values: np.ndarray) -> np.ndarray:
    """Return values with CDF's fill as NaN."""
    return np.where(values > _CDF_FILL, values, np.nan) if values.dtype.kind == "f" else values


def _labelled(dataset: xr.Dataset, satellite: str) -> xr.Dataset:
    return dataset.assign_attrs(satellite=satellite) if satellite else dataset
