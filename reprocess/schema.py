"""Names, dimensions, units and dtypes of everything that is stored.

One place for the contracts: the satellites, the arrays of `archive.zarr` and the NOAA variables
they come from, the columns of the event table, the grid of `exposure.zarr`. No I/O here.

Sources: NOAA's SEM-2 Level 1b files (`proc.nc`) for variable names, units and sentinels; the
calendar, the block size and the padding are this project's decisions (docs/design.md).
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SAMPLING_S = 2.0
"""Nominal time between records, in seconds."""

EPOCH = dt.date(1998, 1, 1)
"""Day 0 of the `day` axis: before the first POES satellite with SEM-2 (NOAA-15, May 1998)."""

DAYS = (dt.date(2030, 1, 1) - EPOCH).days
"""Length of the `day` axis; it ends with 2029-12-31."""

BLOCK_DAYS = 32
"""Days of one block: one shard row of every array, the unit of work."""

RECORDS = 43_400
"""Length of the padded `record` axis: 86 400 s at the shortest step seen (1.991 s) are 43 396."""

MS_PER_DAY = 86_400_000


@dataclass(frozen=True)
class Satellite:
    """One satellite as NOAA names it."""

    directory: str
    """Name of its folder in the archive and of its group in `archive.zarr`."""
    abbr: str
    """Its part of the file name."""
    sat_id: int
    """Value of `satID` in its files."""
    name: str
    """Its name in text."""


SATELLITES = {
    s.directory: s
    for s in (
        Satellite("noaa15", "n15", 4, "NOAA-15"),
        Satellite("noaa16", "n16", 2, "NOAA-16"),
        Satellite("noaa17", "n17", 6, "NOAA-17"),
        Satellite("noaa18", "n18", 7, "NOAA-18"),
        Satellite("noaa19", "n19", 8, "NOAA-19"),
        Satellite("metop02", "m02", 12, "MetOp-A"),
        Satellite("metop01", "m01", 11, "MetOp-B"),
        Satellite("metop03", "m03", 13, "MetOp-C"),
    )
}


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
    """CF attributes; `missing_value` is the sentinel NOAA uses in this variable, kept as it is."""
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


DIMS = {"day": DAYS, "telescope": 2, "energy": 4, "channel": 6, "record": RECORDS, "digest_byte": 32}

COORDINATES: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "day": (
        np.arange(DAYS, dtype=np.int32),
        {
            "units": f"days since {EPOCH.isoformat()}",
            "calendar": "proleptic_gregorian",
            "standard_name": "time",
            "axis": "T",
        },
    ),
    "telescope": (np.array([0, 90], np.int16), {"units": "degree", "long_name": "MEPED telescope"}),
    "energy": (
        np.array([40, 130, 287, 612], np.int16),
        {"units": "keV", "long_name": "lower energy of the electron channels E1-E4 (E4 is derived from P6)"},
    ),
    "channel": (
        np.arange(1, 7, dtype=np.int8),
        {"units": "1", "long_name": "proton channel P1-P6 (39, 115, 332, 1105, 2723 keV, above 6.2 MeV)"},
    ),
}
"""Coordinate values and attributes stored in each satellite's group."""

ELECTRON_VARIABLES = tuple(f"mep_ele_tel{t}_flux_e{e}" for t in (0, 90) for e in range(1, 5))
PROTON_VARIABLES = tuple(f"mep_pro_tel{t}_flux_p{p}" for t in (0, 90) for p in range(1, 7))

NO_TIME = int(np.iinfo(np.int64).min)
"""Padding of `time`; it is what NumPy reads as NaT."""


def _record_array(name: str, source: str, units: str, long_name: str, **attrs: Any) -> ArraySpec:
    return ArraySpec(
        name,
        ("day", "record"),
        "float32",
        np.nan,
        {"units": units, "long_name": long_name, **attrs},
        (source,),
    )


def _pitch_angle(where: str, long_name: str) -> ArraySpec:
    return ArraySpec(
        f"pitch_angle_{where}",
        ("day", "telescope", "record"),
        "float32",
        np.nan,
        {"units": "degree", "long_name": long_name, "missing_value": -1.0},
        (f"meped_alpha_0_{where}", f"meped_alpha_90_{where}"),
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
            "missing_value": -999.0,
            "comment": "-999 occurs in E4 only, where protons (P5) make the derived channel unusable",
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
            "comment": "P6 is integral (cm-2 s-1 sr-1), mostly relativistic electrons where P5 is quiet",
        },
        PROTON_VARIABLES,
    ),
    _record_array("latitude", "lat", "degrees_north", "geodetic latitude of the satellite"),
    _record_array("longitude", "lon", "degrees_east", "longitude of the satellite, 0-360"),
    _record_array("altitude", "alt", "km", "altitude of the satellite", standard_name="altitude"),
    _record_array("L_IGRF", "L_IGRF", "1", "McIlwain L shell, IGRF field", missing_value=-1.0),
    _record_array("MLT", "MLT", "hour", "magnetic local time"),
    _record_array("foot_latitude", "geod_lat_foot", "degrees_north", "geodetic latitude of the foot point"),
    _record_array("foot_longitude", "geod_lon_foot", "degrees_east", "longitude of the foot point"),
    _record_array("B_sat", "Btot_sat", "nT", "IGRF magnetic field strength at the satellite"),
    _record_array("B_foot", "Btot_foot", "nT", "IGRF magnetic field strength at the foot point"),
    _pitch_angle("sat", "pitch angle of the telescope axis at the satellite"),
    _pitch_angle("foot", "pitch angle of the telescope axis mapped to the foot point"),
    ArraySpec(
        "ifc_on",
        ("day", "record"),
        "int8",
        -1,
        {
            "units": "1",
            "long_name": "MEPED in-flight calibration, forward-filled over its 16-record frame",
            "flag_values": [-1, 0, 1],
            "flag_meanings": "unknown off on",
        },
        ("mep_IFC_on",),
        "int8",
    ),
)
"""Arrays with one value per record, in the order they are written."""

STATUS = {"not_ingested": 0, "ok": 1, "quarantined": 2}
"""Meanings of the `status` array."""

DAY_ARRAYS = (
    ArraySpec(
        "status",
        ("day",),
        "int8",
        STATUS["not_ingested"],
        {
            "units": "1",
            "long_name": "state of the satellite-day; reasons are in the ledger",
            "flag_values": list(STATUS.values()),
            "flag_meanings": " ".join(STATUS),
        },
    ),
    ArraySpec(
        "source_digest",
        ("day", "digest_byte"),
        "uint8",
        0,
        {"units": "1", "long_name": "sha256 of the NOAA file"},
    ),
    ArraySpec(
        "record_count",
        ("day",),
        "int32",
        -1,
        {"units": "1", "long_name": "records in the day; -1 never ingested, 0 nothing usable in the file"},
    ),
)
"""Arrays with one value per day; `record_count` is written last and makes a day valid."""

ARCHIVE_ARRAYS = {spec.name: spec for spec in (*RECORD_ARRAYS, *DAY_ARRAYS)}

REASONS = {
    "unreadable": "the file could not be read; it is tried again by the next run",
    "html_page": "the server sent an HTML page in place of the file; it is tried again by the next run",
    "too_large": "the file is far larger than a satellite-day can be",
    "not_hdf5": "the file is not NetCDF-4/HDF5",
    "truncated": "the file is HDF5 but incomplete or damaged",
    "missing_variable": "a variable that is needed is not in the file",
    "wrong_dtype": "a variable has another dtype than NOAA documents",
    "unequal_length": "the variables differ in length",
    "zero_records": "the file holds no record",
    "too_many_records": "more records than a day can hold",
    "wrong_satellite": "satID contradicts the file name",
    "wrong_date": "the times contradict the file name",
    "all_sentinel": "no usable electron flux, L shell or MLT in the whole file",
}
"""Why a satellite-day can be quarantined."""

RETRIED = frozenset({"unreadable", "html_page"})
"""Reasons that may go away while the file stays the same."""

DEFERRALS = {
    "not_found": "the file is listed but not there (HTTP 404, 410)",
    "server_error": "the server failed (HTTP 5xx)",
    "busy": "the server asked to come back later (HTTP 429, or Retry-After beyond what a worker waits)",
    "timeout": "no connection or no data within the time limit",
    "connection": "no connection, or it broke",
    "short_body": "fewer bytes came than were announced",
    "refused": "the server denies access (HTTP 401, 403 and other 4xx)",
    "changed": "the file has another size than a moment ago in the listing",
}
"""Why a satellite-day can be put off: the archive keeps what it has of it, the next run tries again."""

TRANSIENT = frozenset({"server_error", "busy", "timeout", "connection", "short_body", "html_page"})
"""What is tried again at once, with growing pauses, before a day is put off or quarantined."""

MAX_SOURCE_BYTES = 256 * 2**20
"""A day is 4-7 MB; a file of this size is something else, and would not fit a worker's memory."""

CLASSES = ("none", "REP", "CSS")
"""Classifier outputs by index: 0 none, 1 wave-driven precipitation, 2 current sheet scattering."""

EVENT_CLASSES = {"REP": 1, "CSS": 2}

EVENT_FLAGS = {
    "calibration": 1,
    "L_interpolated": 2,
    "time_gap": 4,
    "E4_missing": 8,
    "overlaps_other_class": 16,
}
"""Bits of the event table's `flags` column."""

FLAG_MEANINGS = {
    "calibration": "an in-flight calibration was on during the event; its pulses look like precipitation",
    "L_interpolated": "L at the peak is the method's spline, not a measured value; the event is on no map",
    "time_gap": "the event's windows span more than 3 s between two records",
    "E4_missing": "E4 is -999 in part of the event: protons made the channel unusable",
    "overlaps_other_class": "shares a record with an event of the other class",
}
"""What each flag tells."""

EVENT_COLUMNS = {
    "satellite": "str",
    "event_class": "str",
    "date": "str",
    "start_index": "int32",
    "stop_index": "int32",
    "start_time": "time",
    "stop_time": "time",
    "peak_time": "time",
    "L": "float32",
    "MLT": "float32",
    "latitude": "float32",
    "longitude": "float32",
    "L_min": "float32",
    "L_max": "float32",
    "delta_L": "float32",
    "hemisphere": "str",
    "duration_s": "float64",
    **{f"max_e{e}_{t}": "float32" for t in (0, 90) for e in range(1, 5)},
    "e4_ratio_0_90": "float32",
    "probability": "float32",
    "flags": "int32",
    "model": "str",
    "run": "str",
    "source_sha256": "str",
}
"""Columns of the event table; `time` is UTC with millisecond resolution."""

HEMISPHERES = ("N", "S")
"""By the sign of the satellite's geodetic latitude; the equator counts as north."""

L_EDGES = np.arange(10, 151) / 10
"""Fine L edges of `exposure.zarr`: 1.0 to 15.0 by 0.1."""

MLT_EDGES = np.arange(97) / 4
"""Fine MLT edges of `exposure.zarr`: 0 to 24 h by a quarter of an hour."""


def day_index(date: dt.date) -> int:
    """Return the position of `date` on the `day` axis.

    Raises
    ------
    ValueError
        If the date is outside the axis.
    """
    index = (date - EPOCH).days
    if not 0 <= index < DAYS:
        raise ValueError(f"{date} is outside the archive's calendar, {EPOCH} to {day_date(DAYS - 1)}")
    return index


def day_date(index: int) -> dt.date:
    """Return the date at a position of the `day` axis."""
    return EPOCH + dt.timedelta(days=int(index))


def block_days(block: int) -> range:
    """Return the positions on the `day` axis that belong to a block; the last block is short."""
    return range(block * BLOCK_DAYS, min((block + 1) * BLOCK_DAYS, DAYS))
