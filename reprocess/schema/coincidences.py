"""What a run's events have in common with a list of another mission: columns of the table."""

from reprocess.schema.variables import Variable, by_name

_LIST = "the list"
_TABLE = "event table"
_PROJECT = "this project"
_MS = "milliseconds since 1970-01-01"

COINCIDENCE_COLUMNS = by_name(
    Variable("line", "int32", "1", "line of the list, from 1; its row where it is Parquet or a run", _LIST),
    Variable("listed_satellite", "str", "1", "who saw the listed event; empty where it is not told", _LIST),
    Variable("listed_class", "str", "1", "class of the listed event; empty where it is not told", _LIST),
    Variable("listed_start_time", "time", _MS, "start of the listed event (UTC)", _LIST),
    Variable(
        "listed_stop_time",
        "time",
        _MS,
        "its stop (UTC); its start where there is none",
        _LIST,
    ),
    Variable("listed_L", "float64", "1", "L of the listed event, by the list's own field model", _LIST),
    Variable("listed_MLT", "float64", "h", "magnetic local time of the listed event", _LIST),
    Variable(
        "observed_s",
        "float64",
        "s",
        "time that satellites of the run observed within the windows of the listed event, all added; NaN "
        "where that was not looked up",
        _PROJECT,
    ),
    Variable(
        "looking",
        "str",
        "1",
        "satellites that observed a record within the windows of the listed event, with spaces between them",
        _PROJECT,
    ),
    Variable(
        "satellite",
        "str",
        "1",
        "satellite of the event that coincides; empty if none",
        _TABLE,
    ),
    Variable("event_class", "str", "1", "its class", _TABLE),
    Variable("start_time", "time", _MS, "its first record (UTC)", _TABLE),
    Variable("stop_time", "time", _MS, "its last record (UTC)", _TABLE),
    Variable("L", "float64", "1", "McIlwain L at its peak", _TABLE),
    Variable("MLT", "float64", "h", "magnetic local time at its peak", _TABLE),
    Variable(
        "apart_s",
        "float64",
        "s",
        "time from the end of the earlier to the start of the later; 0 where they share a moment",
        _PROJECT,
    ),
    Variable("apart_L", "float64", "1", "L - listed_L", _PROJECT),
    Variable("apart_MLT", "float64", "h", "MLT - listed_MLT, -12 to 12", _PROJECT),
)
"""Columns of the table of listed events and what coincides with each: a row for each, one where none does."""
