"""The arrays of `archive.zarr` and `classes.zarr`: names, dimensions, dtypes, units and sources.

Sources: NOAA's SEM-2 Level 1b files (`proc.nc`) for variable names, units and sentinels; the
padding is this project's decision (docs/design.md).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reprocess.schema.calendar import DAYS, EPOCH, RECORDS
from reprocess.schema.events import CLASSES
from reprocess.schema.instrument import E4_MISSING, ELECTRON_KEV
from reprocess.schema.states import STATUS


@dataclass(frozen=True)
class ArraySpec:
    """One array of `archive.zarr`, and where it comes from."""

    name: str
    dims: tuple[str, ...]
    """Leading dimension is always `day`."""
    dtype: str
    fill: float | int
    """Value of days never written and of the padding after the last record."""
    attrs: dict[str, Any]
    """CF attributes; `missing_value` is what NOAA writes where there is no value, kept as it is."""
    sources: tuple[str, ...] = field(default=())
    """NOAA variables, in C order of the dimensions between `day` and `record`."""
    source_dtype: str = "float32"

    @property
    def shape(self) -> tuple[int, ...]:
        """Full shape of the array."""
        return tuple(DIMS[d] for d in self.dims)

    @property
    def day_shape(self) -> tuple[int, ...]:
        """Shape of one day."""
        return self.shape[1:]


DIMS = {
    "day": DAYS,
    "telescope": 2,
    "energy": 4,
    "channel": 6,
    "record": RECORDS,
    "digest_byte": 32,
    "class_index": len(CLASSES),
}

_PROJECT = "this project"
_SEM2 = "NOAA SEM-2 documentation"

COORDINATES: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "day": (
        np.arange(DAYS, dtype=np.int32),
        {
            "units": f"days since {EPOCH.isoformat()}",
            "calendar": "proleptic_gregorian",
            "standard_name": "time",
            "long_name": "day (UTC)",
            "source": _PROJECT,
            "axis": "T",
        },
    ),
    "telescope": (
        np.array([0, 90], np.int16),
        {
            "units": "degree",
            "long_name": "MEPED telescope: 0 looks away from the Earth, 90 against the satellite's motion",
            "source": _SEM2,
        },
    ),
    "energy": (
        np.array(ELECTRON_KEV, np.int16),
        {
            "units": "keV",
            "long_name": "lower energy of the electron channels E1-E4 (E4 is derived from P6)",
            "source": _SEM2,
        },
    ),
    "channel": (
        np.arange(1, 7, dtype=np.int8),
        {
            "units": "1",
            "long_name": "proton channel P1-P6 (39, 115, 332, 1105, 2723 keV, above 6.2 MeV)",
            "source": _SEM2,
        },
    ),
}
"""Coordinate values and attributes stored in each satellite's group."""

ELECTRON_VARIABLES = tuple(f"mep_ele_tel{t}_flux_e{e}" for t in (0, 90) for e in range(1, 5))
PROTON_VARIABLES = tuple(f"mep_pro_tel{t}_flux_p{p}" for t in (0, 90) for p in range(1, 7))

NO_TIME = int(np.iinfo(np.int64).min)
"""Padding of `time`; it is what NumPy reads as NaT."""


def _level1b(variables: str) -> str:
    return f"NOAA SEM-2 Level 1b, {variables}"


def _record_array(name: str, source: str, units: str, long_name: str, **attrs: Any) -> ArraySpec:
    return ArraySpec(
        name,
        ("day", "record"),
        "float32",
        np.nan,
        {"units": units, "long_name": long_name, "source": _level1b(source), **attrs},
        (source,),
    )


def _pitch_angle(where: str, long_name: str, **attrs: Any) -> ArraySpec:
    sources = (f"meped_alpha_0_{where}", f"meped_alpha_90_{where}")
    return ArraySpec(
        f"pitch_angle_{where}",
        ("day", "telescope", "record"),
        "float32",
        np.nan,
        {"units": "degree", "long_name": long_name, "source": _level1b(", ".join(sources)), **attrs},
        sources,
    )


_OF_ANOTHER_EPOCH = (
    "IGRF of another epoch than L_IGRF, which is of the day: files of 2019 hold the field of 2015.0, "
    "up to 300 nT from that of the day"
)

RECORD_ARRAYS = (
    ArraySpec(
        "time",
        ("day", "record"),
        "int64",
        NO_TIME,
        {
            "units": "milliseconds since 1970-01-01",
            "calendar": "proleptic_gregorian",
            "standard_name": "time",
            "long_name": "time tag of the record (UTC)",
            "source": _level1b("time"),
            "missing_value": NO_TIME,
        },
        ("time",),
        "uint64",
    ),
    ArraySpec(
        "electron_flux",
        ("day", "telescope", "energy", "record"),
        "float32",
        np.nan,
        {
            "units": "cm-2 s-1 sr-1",
            "long_name": "integral electron flux, MEPED",
            "source": _level1b(f"{ELECTRON_VARIABLES[0]} to {ELECTRON_VARIABLES[-1]}"),
            "missing_value": E4_MISSING,
            "comment": (
                "-999 occurs in E4 only, where protons (P5) make the derived channel unusable; "
                "no protons are subtracted from E1-E3: all fluxes are counts times a constant of the channel"
            ),
        },
        ELECTRON_VARIABLES,
    ),
    ArraySpec(
        "proton_flux",
        ("day", "telescope", "channel", "record"),
        "float32",
        np.nan,
        {
            "units": "cm-2 s-1 sr-1 keV-1",
            "long_name": "differential proton flux, MEPED",
            "source": _level1b(f"{PROTON_VARIABLES[0]} to {PROTON_VARIABLES[-1]}"),
            "comment": "P6 is integral (cm-2 s-1 sr-1), mostly relativistic electrons where P5 is quiet",
        },
        PROTON_VARIABLES,
    ),
    _record_array(
        "latitude", "lat", "degrees_north", "geodetic latitude of the satellite", standard_name="latitude"
    ),
    _record_array(
        "longitude", "lon", "degrees_east", "longitude of the satellite, 0-360", standard_name="longitude"
    ),
    _record_array(
        "altitude", "alt", "km", "altitude of the satellite", standard_name="altitude", positive="up"
    ),
    _record_array(
        "L_IGRF",
        "L_IGRF",
        "1",
        "McIlwain L shell, IGRF field of the day",
        missing_value=-1.0,
        comment="-1 where the file has none, nearly all of it conjugate to the South Atlantic Anomaly",
    ),
    _record_array(
        "MLT",
        "MLT",
        "h",
        "magnetic local time of the foot point",
        comment="from the longitude of AACGM coordinates, of which it shares the uncertainty of about 0.2 h",
    ),
    _record_array("foot_latitude", "geod_lat_foot", "degrees_north", "geodetic latitude of the foot point"),
    _record_array("foot_longitude", "geod_lon_foot", "degrees_east", "longitude of the foot point"),
    _record_array(
        "B_sat", "Btot_sat", "nT", "IGRF magnetic field strength at the satellite", comment=_OF_ANOTHER_EPOCH
    ),
    _record_array(
        "B_foot",
        "Btot_foot",
        "nT",
        "IGRF magnetic field strength at the foot point",
        comment=f"{_OF_ANOTHER_EPOCH}; it is the field at 106 to 110 km geodetic altitude",
    ),
    _pitch_angle("sat", "pitch angle of the telescope axis at the satellite"),
    _pitch_angle(
        "foot",
        "pitch angle of the telescope axis mapped to the foot point",
        valid_range=[-1.0, 180.0],
        comment=(
            "-1 is not missing: the axis is outside the bounce loss cone, its particles mirror above the "
            "foot point; else arcsin(sin(pitch_angle_sat) sqrt(B_foot / B_sat)), or 180 degrees less that"
        ),
    ),
    ArraySpec(
        "ifc_on",
        ("day", "record"),
        "int8",
        -1,
        {
            "units": "1",
            "long_name": "MEPED in-flight calibration, forward-filled over its 16-record frame",
            "source": _level1b("mep_IFC_on"),
            "flag_values": [-1, 0, 1],
            "flag_meanings": "unknown off on",
        },
        ("mep_IFC_on",),
        "int8",
    ),
)
"""Arrays with one value per record, in the order they are written."""


DAY_ARRAYS = (
    ArraySpec(
        "status",
        ("day",),
        "int8",
        STATUS["not_ingested"],
        {
            "units": "1",
            "long_name": "state of the satellite-day; reasons are in the ledger",
            "source": _PROJECT,
            "flag_values": list(STATUS.values()),
            "flag_meanings": " ".join(STATUS),
        },
    ),
    ArraySpec(
        "source_digest",
        ("day", "digest_byte"),
        "uint8",
        0,
        {"units": "1", "long_name": "sha256 of the NOAA file", "source": "NOAA's file"},
    ),
    ArraySpec(
        "record_count",
        ("day",),
        "int32",
        -1,
        {
            "units": "1",
            "long_name": "records in the day; -1 never ingested, 0 nothing usable in the file",
            "source": _PROJECT,
        },
    ),
)
"""Arrays with one value per day; `record_count` is written last and makes a day valid."""

ARCHIVE_ARRAYS = {spec.name: spec for spec in (*RECORD_ARRAYS, *DAY_ARRAYS)}

CLASS_ARRAYS = {
    spec.name: spec
    for spec in (
        ArraySpec(
            "class",
            ("day", "record"),
            "int8",
            -1,
            {
                "units": "1",
                "long_name": "class of the window that stands for the record; -1 where there is none",
                "source": "the run's model (largest of the probabilities)",
                "flag_values": list(range(len(CLASSES))),
                "flag_meanings": " ".join(CLASSES),
            },
        ),
        ArraySpec(
            "probability",
            ("day", "class_index", "record"),
            "float32",
            np.nan,
            {
                "units": "1",
                "long_name": "probability of each class by the window that stands for the record",
                "source": "the run's model (softmax output)",
            },
        ),
    )
}
"""Arrays of a run's `classes.zarr`."""
