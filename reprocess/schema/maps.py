"""What is counted and summed per cell of L by MLT: the dwell parts, `exposure.zarr`, `occurrence.nc`."""

from dataclasses import replace

from reprocess.schema.calendar import EPOCH, SAMPLING_S
from reprocess.schema.events import EVENT_CLASSES
from reprocess.schema.flags import EVENT, FLAGS, masks_of, told_as
from reprocess.schema.variables import Variable, by_name

_PROJECT = "this project"
_MEASURED = {"coverage_content_type": "physicalMeasurement"}
_LIMIT = {"coverage_content_type": "qualityInformation"}
_SUM = {"cell_methods": "L: sum MLT: sum"}
_CELL = ("satellite", "month", "hemisphere", "L", "MLT")
_BIN = ("event_class", "L", "MLT")

DWELL_COLUMNS = by_name(
    Variable(
        "day", "int32", f"days since {EPOCH.isoformat()}", "day (UTC) of the records", "name of NOAA's file"
    ),
    Variable(
        "cell",
        "int32",
        "1",
        "position of the cell in exposure.zarr, hemisphere by L by MLT in C order",
        "(hemisphere * 140 + L bin) * 96 + MLT bin",
    ),
    Variable(
        "records",
        "int32",
        "1",
        "classifiable records of the day in the cell that have the row's flags",
        _PROJECT,
    ),
    *(
        Variable(
            f"records_{name}", "int32", "1", f"those of the records that are within {name} events", _PROJECT
        )
        for name in EVENT_CLASSES
    ),
    Variable(
        "quality_flags",
        "int32",
        "1",
        "what deserves a second look about the records of the row: the sum of the bits that are set",
        _PROJECT,
        more=told_as(flag for flag in FLAGS if flag.of != EVENT),
    ),
    *(
        Variable(
            f"quality_flags_{name}",
            "int32",
            "1",
            f"quality_flags of the {name} event that the records of the row are within; 0 outside of events "
            "too",
            _PROJECT,
            more=masks_of(FLAGS),
        )
        for name in EVENT_CLASSES
    ),
)
"""Columns of the dwell parts: a row for each day, cell and combination of flags, so that dwell and
precipitation without some of them can be summed."""

POSITION_COLUMNS = by_name(
    DWELL_COLUMNS["day"],
    Variable("minute", "int32", "min", "minute of the day (UTC) that the records are in", _PROJECT),
    Variable(
        "cell",
        "int32",
        "1",
        "position of the cell of the map, hemisphere by L by MLT in C order",
        "(hemisphere * L bins + L bin) * MLT bins + MLT bin",
    ),
    Variable(
        "records",
        "int32",
        "1",
        "classifiable records, one after the other, in the cell and the minute, that have the row's flags",
        _PROJECT,
    ),
    *(DWELL_COLUMNS[f"records_{name}"] for name in EVENT_CLASSES),
    Variable("enters", "int32", "1", "1 if a crossing of the cell begins with the row, else 0", _PROJECT),
    *(
        Variable(f"peaks_{name}", "int32", "1", f"{name} events whose peak is among the records", _PROJECT)
        for name in EVENT_CLASSES
    ),
    *(DWELL_COLUMNS[name] for name in DWELL_COLUMNS if name.startswith("quality_flags")),
)
"""Columns of the position parts, which a map of its own cells or by time of day is made of: a row for each
stretch of records in one cell and minute, in order of time."""

EXPOSURE = by_name(
    Variable(
        "dwell",
        "int32",
        "s",
        "time of classifiable records",
        f"{SAMPLING_S:g} s * sum of records of the dwell parts",
        _CELL,
    ),
    *(
        Variable(
            f"precipitation_{name}",
            "int32",
            "s",
            f"time within {name} events",
            f"{SAMPLING_S:g} s * sum of records_{name} of the dwell parts",
            _CELL,
        )
        for name in EVENT_CLASSES
    ),
)
"""Variables of `exposure.zarr`."""

RECORDS_OF = {"dwell": "records", **{f"precipitation_{name}": f"records_{name}" for name in EVENT_CLASSES}}
"""The column of the dwell parts that each variable of `exposure.zarr` is the sum of."""

# MLT is not in "hour": CDO takes such an axis for time. CF has bounds called as what they bound.
GRID_COORDINATES = by_name(
    Variable("L", "float64", "1", "McIlwain L shell", _PROJECT, ("L",), {"bounds": "L_bounds"}),
    Variable("L_bounds", "float64", "1", "McIlwain L shell", _PROJECT, ("L", "edge")),
    Variable(
        "MLT",
        "float64",
        "h",
        "magnetic local time",
        _PROJECT,
        ("MLT",),
        {"bounds": "MLT_bounds"},
    ),
    Variable("MLT_bounds", "float64", "h", "magnetic local time", _PROJECT, ("MLT", "edge")),
)
"""Coordinates of exposure and maps; bins are half-open."""

EXPOSURE_COORDINATES = by_name(
    Variable(
        "satellite",
        "str",
        "1",
        "satellite, by the name of its directory at NOAA",
        "name of NOAA's file",
        ("satellite",),
    ),
    Variable(
        "month",
        "int64",
        f"days since {EPOCH.isoformat()}",
        "first day of the month (UTC)",
        _PROJECT,
        ("month",),
    ),
    Variable(
        "hemisphere",
        "str",
        "1",
        "hemisphere by the sign of the geodetic latitude; the equator is N",
        "NOAA SEM-2 Level 1b, sign of lat",
        ("hemisphere",),
    ),
)
"""Further coordinates of `exposure.zarr`."""

_RATE = "events / (dwell / 3600 s)"
_POISSON = "exact Poisson interval (Garwood, 1936) of 68.27 % / (dwell / 3600 s)"
_BLOCKS = "68.27 % interval from drawing calendar blocks of 27 days with replacement, docs/statistics.md"
_TOO_SHORT = {"comment": "too short where events are not independent: a lower bound of the uncertainty"}


def _with_limits(variable: Variable) -> tuple[Variable, Variable, Variable]:
    """Return a ratio with its limits from calendar blocks."""
    name = variable.name
    more = {**variable.more, **_MEASURED, "ancillary_variables": f"{name}_lower {name}_upper"}
    lower, upper = (
        Variable(
            f"{name}_{which}", "float64", variable.units, f"{which} limit of the {variable.meaning}", _BLOCKS,
            variable.dims, _LIMIT,
        )
        for which in ("lower", "upper")
    )  # fmt: skip
    return replace(variable, more=more), lower, upper


OCCURRENCE = by_name(
    Variable(
        "events", "int32", "1", "events whose peak is in the bin", "event table", _BIN, _MEASURED | _SUM
    ),
    Variable(
        "dwell",
        "float64",
        "s",
        "time of classifiable records, all satellites",
        f"{SAMPLING_S:g} s * sum of records of the dwell parts",
        _BIN[1:],
        {"coverage_content_type": "auxiliaryInformation", **_SUM},
    ),
    Variable(
        "blocks",
        "int32",
        "1",
        "calendar blocks of 27 days in which the bin was observed",
        _PROJECT,
        _BIN[1:],
        {"coverage_content_type": "auxiliaryInformation"},
    ),
    *_with_limits(Variable("event_rate", "float64", "h-1", "events per hour of dwell", _RATE, _BIN)),
    *(
        Variable(
            f"event_rate_poisson_{which}",
            "float64",
            "h-1",
            f"{which} limit of the event rate if events were independent",
            _POISSON,
            _BIN,
            _LIMIT | _TOO_SHORT,
        )
        for which in ("lower", "upper")
    ),
    Variable(
        "event_dispersion",
        "float64",
        "1",
        "variance over mean of the events of a calendar block, 1 if they are independent",
        "sum over blocks of (events - expected)^2 / expected, over blocks less one; expected by dwell",
        _BIN,
        _LIMIT,
    ),
    Variable(
        "precipitation",
        "float64",
        "s",
        "time within events",
        f"{SAMPLING_S:g} s * sum of the class's records of the dwell parts",
        _BIN,
        _MEASURED | _SUM,
    ),
    *_with_limits(
        Variable(
            "occurrence_fraction",
            "float64",
            "1",
            "time within events over dwell",
            "precipitation / dwell",
            _BIN,
        )
    ),
    *_with_limits(
        Variable(
            "rep_share",
            "float64",
            "1",
            "share of REP among REP and CSS events",
            "events of REP / events",
            _BIN[1:],
        )
    ),
)
"""Variables of `occurrence.nc`."""

PASSES = by_name(
    Variable(
        "passes",
        "int32",
        "1",
        "passes: crossings of the bin by a satellite without a gap in the data, cut at midnight (UTC)",
        "position parts",
        _BIN[1:],
        {"coverage_content_type": "auxiliaryInformation", **_SUM},
    ),
    Variable(
        "passes_with_event",
        "int32",
        "1",
        "passes within which an event has its peak",
        "position parts",
        _BIN,
        _MEASURED | _SUM,
    ),
    *_with_limits(
        Variable(
            "pass_probability",
            "float64",
            "1",
            "share of passes within which an event has its peak",
            "passes_with_event / passes",
            _BIN,
            {"comment": "depends on how long a pass of the bin lasts, so compare bins of one size only"},
        )
    ),
)
"""Further variables of a map that is made of position parts."""

OCCURRENCE_COORDINATES = by_name(
    Variable(
        "event_class",
        "str",
        "1",
        "what drove the precipitation: waves (REP) or current sheet scattering (CSS)",
        "Capannolo et al. (2022), in the run's mode",
        ("event_class",),
    ),
)
"""Further coordinates of `occurrence.nc`."""
