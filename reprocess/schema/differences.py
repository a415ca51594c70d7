"""What files of differences between parts of a split hold (`maps.contrast`)."""

from reprocess.schema.variables import Variable, by_name

_BIN = ("event_class", "L", "MLT")
_SUMS = ("event_class",)
_PROJECT = "this project"
_BLOCKS = "68.27 % interval from drawing calendar blocks of 27 days with replacement, docs/statistics.md"
_SIDES = (("first", "the first part"), ("second", "the second part"))


def _of_side(side: str, words: str) -> tuple[Variable, ...]:
    return (
        Variable(
            f"events_{side}", "int32", "1", f"events of {words} whose peak is in the bin", "event table", _BIN
        ),
        Variable(
            f"dwell_{side}", "float64", "s", f"time of classifiable records of {words}", _PROJECT, _BIN[1:]
        ),
        Variable(
            f"event_rate_{side}",
            "float64",
            "h-1",
            f"events per hour of dwell of {words}",
            f"events_{side} / (dwell_{side} / 3600 s)",
            _BIN,
        ),
    )


def _limits(name: str, units: str, words: str, dims: tuple[str, ...]) -> tuple[Variable, ...]:
    return tuple(
        Variable(f"{name}_{which}", "float64", units, f"{which} limit of the {words}", _BLOCKS, dims)
        for which in ("lower", "upper")
    )


DIFFERENCES = by_name(
    *(variable for side in _SIDES for variable in _of_side(*side)),
    Variable(
        "event_rate_difference",
        "float64",
        "h-1",
        "event rate of the first part less that of the second",
        "event_rate_first - event_rate_second",
        _BIN,
    ),
    *_limits("event_rate_difference", "h-1", "difference of event rates", _BIN),
    Variable(
        "event_rate_ratio",
        "float64",
        "1",
        "event rate of the first part over that of the second; infinite where the second has no event",
        "event_rate_first / event_rate_second",
        _BIN,
    ),
    Variable(
        "p_value",
        "float64",
        "1",
        "chance of a difference as large in either direction if both parts had one rate; "
        "missing where blocks or events are too few to be tested",
        "permuted calendar blocks, docs/statistics.md",
        _BIN,
    ),
    Variable(
        "significant",
        "int32",
        "1",
        "whether the bin differs, with the file's false-discovery rate over all that is tested",
        "Benjamini and Hochberg (1995) on p_value",
        _BIN,
        {"flag_values": [-1, 0, 1], "flag_meanings": "not_tested no yes"},
    ),
    Variable(
        "events_compared",
        "int32",
        "1",
        "events of the first part in bins and calendar blocks that both parts observed",
        "event table",
        _SUMS,
    ),
    Variable(
        "events_expected",
        "float64",
        "1",
        "events that the first part would have there with the second part's rates, bin by bin",
        "sum over bins of dwell_first * event_rate_second",
        _SUMS,
    ),
    Variable(
        "standardised_ratio",
        "float64",
        "1",
        "events of the first part over those expected of the second part's rates",
        "events_compared / events_expected",
        _SUMS,
    ),
    *_limits("standardised_ratio", "1", "standardised ratio", _SUMS),
    Variable("bins_compared", "int32", "1", "bins that both parts observed", _PROJECT, ()),
    Variable(
        "blocks_compared",
        "int32",
        "1",
        "calendar blocks that standardised_ratio is of: those of both parts, or all if "
        "there are fewer than ten",
        _PROJECT,
        (),
    ),
    Variable(
        "common_share",
        "float64",
        "1",
        "share of both parts' dwell that is in bins which both observed",
        _PROJECT,
        (),
    ),
)
"""Variables of a file of differences; of each part from all others they have its dimension first."""
