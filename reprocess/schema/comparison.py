"""What a comparison of two runs tells of events: kinds of pairs, columns of the table of all pairs."""

from reprocess.schema.variables import Variable, by_name

PAIR_KINDS = ("kept", "moved", "relabelled", "lost", "gained")
"""What became of an event from run A to run B, in this order: the two last have no partner."""

PAIR_MEANINGS = {
    "kept": "the same first and last record and class in A and B",
    "moved": "the same class, another first or last record",
    "relabelled": "the other class, whatever its extent",
    "lost": "in A, and in B no event that is left for it",
    "gained": "in B, and in A no event that is left for it",
}

_TABLE = "event table"
_PROJECT = "this project"


def _of_both(name: str, dtype: str, units: str, meaning: str) -> list[Variable]:
    return [
        Variable(f"{name}_{run.lower()}", dtype, units, f"{meaning}, in run {run}", f"{_TABLE} of run {run}")
        for run in ("A", "B")
    ]


PAIR_COLUMNS = by_name(
    Variable("satellite", "str", "1", "satellite, by the name of its directory at NOAA", _TABLE),
    Variable(
        "kind",
        "str",
        "1",
        "; ".join(f"{kind}: {meaning}" for kind, meaning in PAIR_MEANINGS.items()),
        _PROJECT,
    ),
    *_of_both("event_class", "str", "1", "class of the event; empty where there is none"),
    *_of_both("start_time", "time", "milliseconds since 1970-01-01", "first record of the event (UTC)"),
    *_of_both("stop_time", "time", "milliseconds since 1970-01-01", "last record of the event (UTC)"),
    *_of_both("L", "float64", "1", "McIlwain L at the peak"),
    *_of_both("MLT", "float64", "h", "magnetic local time at the peak"),
    *_of_both("latitude", "float64", "degrees_north", "geodetic latitude of the satellite at the peak"),
    Variable(
        "overlap_s",
        "float64",
        "s",
        "time from the first to the last record that both events have; 0 where that is one record",
        _PROJECT,
    ),
    Variable(
        "entangled",
        "bool",
        "1",
        "whether a lost or gained event shares a record with an event of the other run, which has another "
        "partner: one event there is several here",
        _PROJECT,
    ),
    Variable(
        "cause",
        "str",
        "1",
        "what made the difference, where that is shown: a rule of mode continuous that does it when switched "
        "alone, a filter of the published mode, or the one thing that differs between the runs",
        _PROJECT,
    ),
)
"""Columns of the table of all pairs."""
