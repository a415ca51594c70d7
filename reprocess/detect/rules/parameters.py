"""What the rules of mode ``continuous`` are set to: names, units, defaults and reasons, said once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from reprocess.errors import RuleError


def _rule(default: Any, unit: str, what: str, why: str, *limits: float) -> Any:
    """Declare a rule: what it is set to by default and the smallest and largest value that it can have."""
    return field(default=default, metadata={"unit": unit, "what": what, "why": why, "limits": limits})


@dataclass(frozen=True)
class Parameters:
    """What each rule is set to; None, or False, switches a rule off."""

    gap: float | None = _rule(
        3.0, "s", "no window spans a longer step between records",
        "steps are 1.991 to 2.009 s; a window over a gap mixes places far apart", 2.1, 86_400,
    )  # fmt: skip
    calibration: float | None = _rule(
        16.0, "records",
        "no window touches a record from so many before the first to so many after the last flag of an "
        "in-flight calibration",
        "384 s of pulses that look like precipitation; NOAA's own aggregation leaves out the same",
        0, 1000,
    )  # fmt: skip
    not_a_measurement: bool = _rule(
        True, "", "a record with a value that no telemetry code gives is missing: in no window, no time",
        "fill values and damage make events of 1e37",
    )  # fmt: skip
    solar_protons: float | None = _rule(
        1.2, "counts per second",
        "no record is observed around which, half an orbit (1530 records) on either side, the mean of E4 at "
        "0 degrees over the polar caps is larger; where E4 is missing it counts 3; "
        "the flag of this name is another test, by P5 and whole days",
        "protons of some MeV count as electrons; they make nearly all false alarms. Without them the mean is "
        "0.43 to 0.59", 0.7, 1e6,
    )  # fmt: skip
    L_traced: bool = _rule(
        True, "", "where the file has no L, in the one region conjugate to the Anomaly, L is that of the "
        "field line; else such records are not observed",
        "the published spline is wrong about the belt there; 7 to 16 % of northern belt records are lost",
    )  # fmt: skip
    belt: tuple[float, float] | None = _rule(
        (2.5, 8.5), "L", "an event belongs to the belt if its peak lies between, both ends included",
        "the published margin of ten records lets in what is half an L shell away", 0, 1000,
    )  # fmt: skip
    decode: float | None = _rule(
        0.4, "probability",
        "records with P(REP) + P(CSS) of at least this make structures, each of one class: that of the "
        "larger sum of ln P(REP) - ln P(CSS); off: each record has its likeliest class, and each class "
        "events of its own",
        "the best class of every window alone makes two events of one",
        0.01, 0.999,
    )  # fmt: skip
    join: int | None = _rule(
        5, "records", "two records of a structure have at most so many missing between them, by true time",
        "windows of seven records cannot tell a shorter pause; the published rule compares starts and loses "
        "the ends of chains; with six at most, no event holds a record that is missing or calibrating",
        0, 6,
    )  # fmt: skip
    length: int | None = _rule(
        1500, "records", "what is longer is no event",
        "half an orbit: the belt is crossed in minutes, only a classifier that fails marks more", 10, 40_000,
    )  # fmt: skip
    peak: float | None = _rule(
        2.0, "counts per second", "the largest E4 at 0 degrees reaches this",
        "as published: one count tells nothing", 1, 1e6,
    )  # fmt: skip
    significance: float | None = _rule(
        1e-3, "probability",
        "background alone gives the event's counts of E4 at 0 degrees with at most this Poisson probability; "
        "it is the mean over the polar caps of the satellite's month, and the leak, in each record",
        "two counts are reached by 7 to 12 % of records that hold nothing but background",
        1e-300, 0.5,
    )  # fmt: skip
    leak: float | None = _rule(
        0.02, "counts per count", "background at 0 degrees for each count of E4 at 90 degrees",
        "measured in the quiet belt: 0.48 + 0.02 times the counts at 90 degrees", 0, 1,
    )  # fmt: skip
    order: bool = _rule(
        True, "", "events with more electrons above a higher energy are flagged, channel_order",
        "a question to the instrument; the published rule drops them in silence",
    )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters as `run.json` keeps them."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    def changed(self, changes: Mapping[str, Any]) -> "Parameters":
        """Return the parameters with some rules set otherwise.

        Parameters
        ----------
        changes : mapping of str to object
            By name of the rule: a number, for `belt` two, as numbers or as text; None to switch it off.

        Raises
        ------
        RuleError
            If there is no such rule, or it cannot be set to that.
        """
        values = {name: _value(name, value) for name, value in changes.items()}
        return replace(self, **values)


DEFAULTS = Parameters()
RULES = {f.name: f for f in fields(Parameters)}
"""The rules by name; the metadata have their ``unit``, ``what``, ``why`` and ``limits``."""


def _value(name: str, given: Any) -> Any:
    """Return what a rule is to be set to."""
    if name not in RULES:
        raise RuleError(f"there is no rule {name!r}; rules are {', '.join(RULES)}")
    default, limits = RULES[name].default, RULES[name].metadata["limits"]
    if isinstance(default, bool):
        if given is None or isinstance(given, bool):
            return bool(given)
        raise RuleError(f"rule {name} has no value, got {given!r}; switch it off with --no-rule {name}")
    if given is None:
        return None
    words = (
        given.split(":") if isinstance(given, str) else given if isinstance(given, list | tuple) else [given]
    )
    low, high = limits
    try:
        kind = int if isinstance(default, int) else float
        numbers = tuple(kind(word) for word in words)
    except (TypeError, ValueError):
        numbers = ()
    wanted = len(default) if isinstance(default, tuple) else 1
    fits = len(numbers) == wanted and all(low <= n <= high for n in numbers)
    if not fits or list(numbers) != sorted(numbers):
        form = "two numbers, low:high," if wanted == 2 else "a whole number" if kind is int else "a number"
        unit = RULES[name].metadata["unit"]
        raise RuleError(
            f"rule {name} takes {form} from {low:g} to {high:g} ({unit}), got {given!r}; "
            f"--no-rule {name} switches it off"
        )
    return numbers if wanted == 2 else numbers[0]
