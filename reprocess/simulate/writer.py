"""NOAA's file: 158 variables, each on its own dimension of the same name.

The layout was read off real files. What is not MEPED, position or magnetic field is filled with the
values that are common in the real files; `variables.csv` lists every variable.
"""

import csv
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import h5py
import numpy as np

from reprocess.schema import MS_PER_DAY
from reprocess.simulate.coordinates import cartesian_to_geodetic, spherical_components
from reprocess.simulate.geometry import Geometry, total
from reprocess.simulate.telemetry import fluxes

GZIP_LEVEL = 4
"""NOAA compresses with level 9, which takes twice as long for 2 % less."""

GLOBAL_ATTRIBUTES = {
    "title": "Simulated POES/MetOp SEM-2 particle data in the layout of NOAA's processed files",
    "time_coverage_duration": "1day",
    "time_coverage_resolution": "2sec",
    "comment": "Not a measurement. Made by reprocess simulate.",
    "license": "Public",
}

TELESCOPE_ELEVATION = {"ted_alpha_0": 0, "meped_alpha_0": 0, "ted_alpha_30": 0, "meped_alpha_90": 1}
"""Telescope whose pitch angle a variable takes; TED's 30-degree one is given the zenith telescope's."""

PLACEHOLDERS = {
    "mep_omni_flux_p1": 0.02,
    "mep_omni_flux_p2": 0.003,
    "mep_omni_flux_p3": 0.0004,
    "mep_omni_flux_flag_fit": 1,
    "mep_omni_gamma_p1": -2.9,
    "mep_omni_gamma_p2": -2.9,
    "mep_omni_gamma_p3": -2.9,
}
"""The commonest values in real files of what is not simulated; 0 for the rest."""

TED_SAMPLED = {
    "ted_ele_tel0": (0, 4),
    "ted_ele_tel30": (1, 4),
    "ted_pro_tel0": (2, 4),
    "ted_pro_tel30": (3, 4),
}
"""Record of the cycle and its length at which the four TED flux steps of a sensor are sampled; else -1."""

TED_MW_PER_E1_COUNT = 2e-4
"""A plausible energy flux of 1-20 keV electrons beside one count of E1; not a simulation of TED."""


@dataclass(frozen=True)
class Variable:
    """One variable of NOAA's files."""

    name: str
    dtype: np.dtype
    units: str
    valid_range: tuple[float, ...]
    """As in the files, right or wrong."""
    fill: str
    long_name: str


@lru_cache(maxsize=1)
def variables() -> tuple[Variable, ...]:
    """Return the 158 variables in the order of NOAA's template."""
    text = resources.files("reprocess.simulate").joinpath("variables.csv").read_text(encoding="utf-8")
    return tuple(
        Variable(
            row["name"],
            np.dtype(row["dtype"]),
            row["units"],
            tuple(float(v) for v in row["valid_range"].split()),
            row["fill"],
            row["long_name"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def _pitch_at_foot(pitch: np.ndarray, field: np.ndarray, foot_field: np.ndarray) -> np.ndarray:
    """Return the pitch angle conserved to the foot point, degrees; -1 where the particle mirrors above it."""
    sine2 = np.sin(np.radians(pitch)) ** 2 * foot_field / field
    angle = np.degrees(np.arcsin(np.sqrt(np.minimum(sine2, 1))))
    return np.where(sine2 > 1, -1.0, np.where(pitch > 90, 180 - angle, angle))


def _time_variables(time_ms: np.ndarray) -> dict[str, np.ndarray]:
    days = time_ms.astype("datetime64[ms]").astype("datetime64[D]")
    year = days.astype("datetime64[Y]")
    return {
        "time": time_ms,
        "year": year.astype(int) + 1970,
        "day": (days - year.astype("datetime64[D]")).astype(int) + 1,
        "msec": time_ms % MS_PER_DAY,
    }


def _field_variables(geometry: Geometry) -> dict[str, np.ndarray]:
    """Return positions, fields and pitch angles, rounded as in the files."""
    magnetic = geometry.magnetic
    foot_lat, foot_lon, _ = cartesian_to_geodetic(magnetic.foot)
    field, foot_field = total(magnetic.field), total(magnetic.foot_field)
    out = {
        "alt": geometry.altitude,
        "lat": geometry.latitude,
        "lon": geometry.longitude,
        "Btot_sat": field,
        "Btot_foot": foot_field,
        "geod_lat_foot": foot_lat,
        "geod_lon_foot": foot_lon,
        "L_IGRF": magnetic.L,
        "MLT": magnetic.mlt,
    }
    unit = -geometry.satellite_axes[0]
    for name, vector, position in (
        ("sat", magnetic.field, unit),
        ("foot", magnetic.foot_field, magnetic.foot),
    ):
        for component, values in zip("rtp", spherical_components(vector, position), strict=True):
            out[f"B{component}_{name}"] = values
    for axis, values in zip("xyz", geometry.satellite_field, strict=True):
        out[f"B{axis}_sat"] = values
    for place in ("aacgm_lat_foot", "mag_lat_foot", "mag_lat_sat"):
        out[place] = magnetic.apex_latitude
        out[place.replace("lat", "lon")] = magnetic.apex_longitude
    for name, telescope in TELESCOPE_ELEVATION.items():
        pitch = geometry.pitch_angle[telescope]
        out[f"{name}_sat"] = pitch
        out[f"{name}_foot"] = _pitch_at_foot(pitch, field, foot_field)
    exact = ("alt", "lat", "lon")
    return {k: v if k in exact else np.round(v, 2) for k, v in out.items()}


def _other_variables(e1_counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return stand-ins for the low-energy detector (TED) and the omnidirectional ones."""
    n = len(e1_counts)
    out = {k: np.full(n, v) for k, v in PLACEHOLDERS.items()}
    energy_flux = np.round(TED_MW_PER_E1_COUNT * e1_counts, 4)
    for name in ("ted_ele_tel0_hi_eflux", "ted_ele_tel30_hi_eflux"):
        out[name] = energy_flux
    for name in ("ted_ele_eflux_atmo_hi", "ted_ele_eflux_atmo_total", "ted_total_eflux_atmo"):
        out[name] = np.round(np.pi * energy_flux, 4)
    for sensor, (first, cycle) in TED_SAMPLED.items():
        sampled = np.where(np.arange(n) % cycle == first, 0.0, -1.0)
        out |= {f"{sensor}_flux_{step}": sampled for step in (4, 8, 11, 14)}
    return out


def granule_variables(
    sat_id: int, geometry: Geometry, counts: np.ndarray, calibration_flag: np.ndarray, order: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the 158 variables of a satellite-day's file, all of one length.

    Parameters
    ----------
    sat_id : int
        NOAA's `satID`.
    geometry : Geometry
        Geometry of the whole day.
    counts : array of shape (2, 9, records)
        Decoded counts of the whole day.
    calibration_flag : int8 array of shape (records,)
        `mep_IFC_on` of the whole day.
    order : int array
        Records of the whole day that the file holds, in its order.
    """
    n = len(geometry.time_ms)
    values = _time_variables(geometry.time_ms) | _field_variables(geometry) | fluxes(counts)
    values |= _other_variables(counts[0, 0])
    values |= {
        "satID": np.full(n, sat_id),
        "ted_IFC_on": np.where(calibration_flag < 0, -1, 0),
        "mep_IFC_on": calibration_flag,
    }
    zeros = np.zeros(n)
    return {v.name: values.get(v.name, zeros)[order].astype(v.dtype) for v in variables()}


def write_granule(path: Path, data: dict[str, np.ndarray]) -> None:
    """Write a satellite-day in NOAA's layout; the file appears under its name only when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    with h5py.File(partial, "w") as file:
        for name, text in GLOBAL_ATTRIBUTES.items():
            file.attrs[name] = np.bytes_(text)
        for variable in variables():
            values = data[variable.name]
            dataset = file.create_dataset(
                variable.name,
                data=values,
                chunks=values.shape,
                compression="gzip",
                compression_opts=GZIP_LEVEL,
                shuffle=True,
                fillvalue=variable.dtype.type(variable.fill),
            )
            dataset.attrs["long_name"] = np.bytes_(variable.long_name)
            # NOAA's files hold empty attributes where there is no unit or range.
            dataset.attrs["units"] = np.bytes_(variable.units) if variable.units else h5py.Empty("S1")
            limits = variable.valid_range
            dataset.attrs["valid_range"] = np.array(limits) if limits else h5py.Empty("f8")
            dataset.make_scale(variable.name)
    os.replace(partial, path)
