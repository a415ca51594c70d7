"""Classes and columns of the event table."""

from reprocess.schema.calendar import EPOCH, SAMPLING_S
from reprocess.schema.choices import EARLY_MODES
from reprocess.schema.flags import FLAGS, told_as
from reprocess.schema.instrument import ELECTRON_KEV
from reprocess.schema.variables import Variable, by_name

CLASSES = ("none", "REP", "CSS")
"""Classifier outputs by index: 0 none, 1 wave-driven precipitation, 2 current sheet scattering."""


EVENT_CLASSES = {"REP": 1, "CSS": 2}


SITUATIONS = {
    "at_midnight": "within 7 records of a midnight or over it",
    "at_gap": "within 7 records of a data gap or over it",
    "in_L_hole": "where L is not known",
    "in_anomaly": "in the South Atlantic Anomaly, below 22,000 nT",
    "in_calibration": "during a calibration",
    "in_conjunction": "another satellite saw the same within half an hour",
    "in_storm": "on a disturbed day",
}
"""Columns of an event list that tell in which hard situations its events are."""


_METHOD = "Capannolo et al. (2022), in the run's mode"
_PROJECT = "this project"


def _noaa(variable: str, where: str) -> str:
    return f"NOAA SEM-2 Level 1b, {variable} {where}"


def _largest(channel: int, telescope: int) -> Variable:
    energy = ELECTRON_KEV[channel - 1]
    return Variable(
        f"max_e{channel}_{telescope}",
        "float32",
        "cm-2 s-1 sr-1",
        f"largest flux of electrons above {energy} keV (E{channel}) in the {telescope} degree telescope; "
        "NaN where every value is missing",
        f"NOAA SEM-2 Level 1b, maximum of mep_ele_tel{telescope}_flux_e{channel} over the event's records",
    )


_EARLY = {"comment": f"of a window in the mode {', '.join(EARLY_MODES)}: three records (6 s) early"}

EVENT_COLUMNS = by_name(
    Variable(
        "satellite", "str", "1", "satellite, by the name of its directory at NOAA", "name of NOAA's file"
    ),
    Variable(
        "event_class",
        "str",
        "1",
        "what drove the precipitation: waves (REP) or current sheet scattering (CSS)",
        _METHOD,
    ),
    Variable("date", "str", "1", "day (UTC) whose file the event is in, YYYY-MM-DD", "name of NOAA's file"),
    Variable(
        "start_index",
        "int32",
        "1",
        "first record of the event within its day in the archive, from 0",
        _METHOD,
        more=_EARLY,
    ),
    Variable(
        "stop_index",
        "int32",
        "1",
        "last record of the event within its day (stop_date) in the archive, from 0",
        _METHOD,
        more=_EARLY,
    ),
    *(
        Variable(
            f"{name}_time",
            "time",
            "milliseconds since 1970-01-01",
            f"time tag of the event's {which} (UTC)",
            _noaa("time", where),
            more=_EARLY if name != "peak" else {},
        )
        for name, which, where in (
            ("start", "first record", "at start_index"),
            ("stop", "last record", "at stop_index"),
            ("peak", "first record with its largest E4 flux at 0 degrees, the peak", "at the peak"),
        )
    ),
    Variable(
        "L",
        "float32",
        "1",
        "McIlwain L at the peak; the method's spline where the flag L_interpolated is set",
        _noaa("L_IGRF", "at the peak"),
    ),
    Variable("MLT", "float32", "h", "magnetic local time at the peak", _noaa("MLT", "at the peak")),
    Variable(
        "latitude",
        "float32",
        "degrees_north",
        "geodetic latitude of the satellite at the peak",
        _noaa("lat", "at the peak"),
    ),
    Variable(
        "longitude",
        "float32",
        "degrees_east",
        "longitude of the satellite at the peak, 0-360",
        _noaa("lon", "at the peak"),
    ),
    Variable(
        "L_min",
        "float32",
        "1",
        "smallest measured L of the event's records; NaN where none is measured",
        "NOAA SEM-2 Level 1b, minimum of L_IGRF over the event's records, -1 left out",
    ),
    Variable(
        "L_max",
        "float32",
        "1",
        "largest measured L of the event's records; NaN where none is measured",
        "NOAA SEM-2 Level 1b, maximum of L_IGRF over the event's records, -1 left out",
    ),
    Variable("delta_L", "float32", "1", "extent of the event in measured L", "L_max - L_min"),
    Variable(
        "hemisphere",
        "str",
        "1",
        "hemisphere of the peak, N or S; the equator is N",
        "sign of latitude",
    ),
    Variable(
        "duration_s",
        "float64",
        "s",
        "time from the first to the last record, plus one sampling interval",
        f"stop_time - start_time + {SAMPLING_S:g} s",
    ),
    *(_largest(channel, telescope) for telescope in (0, 90) for channel in range(1, 5)),
    Variable(
        "e4_ratio_0_90",
        "float32",
        "1",
        "flux of E4 in the 0 degree over that in the 90 degree telescope at the peak; "
        "NaN where either is missing or the latter is 0",
        "mep_ele_tel0_flux_e4 / mep_ele_tel90_flux_e4 of NOAA SEM-2 Level 1b, at the peak",
    ),
    Variable(
        "probability",
        "float32",
        "1",
        "mean probability of the event's class over the windows that stand for its records",
        "the run's model (softmax output)",
    ),
    Variable(
        "quality_flags",
        "int32",
        "1",
        "what deserves a second look: the sum of the bits that are set",
        _PROJECT,
        more=told_as(FLAGS),
    ),
    Variable("model", "str", "1", "name of the run's model", _PROJECT),
    Variable("run", "str", "1", "name of the run", _PROJECT),
    Variable(
        "source_sha256",
        "str",
        "1",
        "sha256 of the file that the event was found in, in hexadecimal digits",
        "NOAA's file",
    ),
    Variable(
        "origin",
        "str",
        "1",
        "`measured`, or `simulated` where the file says so of itself; told by the flag, not stored in parts",
        _PROJECT,
    ),
    Variable(
        "stop_date",
        "str",
        "1",
        "day (UTC) whose file the event's last record is in, YYYY-MM-DD; stop_index is of that day",
        "name of NOAA's file",
    ),
    Variable(
        "structure",
        "int32",
        "1",
        f"number of the structure that the event is or is a part of: seconds from {EPOCH.isoformat()} to its "
        "first record; events of a satellite with one number are one thing seen twice; 0 where the mode "
        "does not tell",
        _PROJECT,
    ),
)
"""Columns of the event table."""
