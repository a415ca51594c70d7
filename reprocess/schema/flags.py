"""Flags: what deserves a second look about a record or an event, as bits with meanings.

Nothing is dropped for a flag when events are found. Whoever makes a table, a map or a page of them may leave
flags out, of events and of the time observed alike (`work.choice`).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from reprocess.schema.background import SOLAR_P5
from reprocess.schema.calendar import GAP_S
from reprocess.schema.instrument import E4_MISSING

NEAR = 7
"""Records from a gap or a calibration within which something is adjacent to it: the length of a window."""

ADJACENT = 3
"""Records at most between events of two classes that are adjacent; in mode ``continuous`` one structure."""

ANOMALY_NT = {"SAA": 22_000.0, "SAA_wide": 24_000.0}
"""Field at the satellite (nT) below which a record is in the South Atlantic Anomaly. On real days 84 % of
E4 at 0 degrees is missing below 18,000 and none above 21,000; of E4 at 90 degrees 0.13 % at 22,000 to
24,000 and none above. 2.8 % of the time in the belt lies below 22,000, 6.0 % below 24,000."""

LOW_PROBABILITY = 0.6
"""Mean probability of its class below which an event has the flag ``low_probability``."""

CONTAMINATED = 0.5
"""Share of protons in the counts of an electron channel above which it is contaminated."""

RECORD, PEAK, EVENT = "record", "peak", "event"
"""What a flag is of. A record's flags are known of all time observed: an event has those of any of its
records, or those of the record at its peak, where its position is. The others are of events alone."""


class Flag(NamedTuple):
    """One bit of `quality_flags`."""

    name: str
    bit: int
    meaning: str
    of: str
    """`RECORD`, `PEAK` or `EVENT`."""


FLAGS = (
    Flag(
        "calibration", 1,
        "an in-flight calibration was on; its pulses look like precipitation", RECORD,
    ),
    Flag(
        "L_interpolated", 2,
        "L is the method's spline, not a measured value; the event is on no map, such time is in no dwell",
        PEAK,
    ),
    Flag("time_gap", 4, f"a window spans more than {GAP_S:g} s between two records", RECORD),
    Flag(
        "E4_missing", 8,
        f"E4 is {E4_MISSING:g} in either telescope: protons made the channel unusable", RECORD,
    ),
    Flag("overlaps_other_class", 16, "shares a record with an event of the other class", EVENT),
    Flag(
        "beside_missing", 32,
        "a record that is no measurement (a fill value) touches the windows beside it, where an event may "
        "have gone on",
        RECORD,
    ),
    Flag("simulated", 64, "the file says that it is simulated: not a measurement", RECORD),
    Flag("L_traced", 128, "L is of the field line through the satellite: the file has none there", PEAK),
    Flag(
        "channel_order", 256,
        "the largest E4 exceeds the largest E3, and E2 or E1 too, at 0 degrees: fewer electrons above a "
        "lower energy than above a higher one; told in mode `continuous`, dropped in mode `published`",
        EVENT,
    ),
    Flag(
        "SAA", 512,
        f"in the South Atlantic Anomaly: field at the satellite below {ANOMALY_NT['SAA']:,.0f} nT", PEAK,
    ),
    Flag(
        "SAA_wide", 1024,
        "in or near the South Atlantic Anomaly: field at the satellite below "
        f"{ANOMALY_NT['SAA_wide']:,.0f} nT",
        PEAK,
    ),
    Flag(
        "E4_missing_90", 2048,
        f"E4 is {E4_MISSING:g} at 90 degrees, which says nothing against the 0 degree one", RECORD,
    ),
    Flag(
        "proton_contaminated", 4096,
        f"protons may be more than {CONTAMINATED:.0%} of the event's counts in E1, E2 or E3 at 0 degrees, by "
        "P2 to P4 with the fixed shares of Lam et al. (2010), the larger of two estimates; many CSS events "
        "are so, and leaving them out removes these systematically",
        EVENT,
    ),
    Flag(
        "solar_protons", 8192,
        f"on a day (UTC) of solar protons: P5 at 0 degrees over the polar caps counts {SOLAR_P5:g} a second "
        "or more on average, ten times what it does on quiet days; never tried on a real solar proton event",
        RECORD,
    ),
    Flag(
        "gap_adjacent", 16_384,
        f"within {NEAR} records of a step of more than {GAP_S:g} s between records; in mode `continuous` "
        "also of an end of the data",
        RECORD,
    ),
    Flag(
        "calibration_adjacent", 32_768,
        f"within {NEAR} records of a calibration; in mode `continuous`, whose rule keeps away from it, of "
        "the records that it keeps away from",
        RECORD,
    ),
    Flag(
        "low_probability", 65_536,
        f"the mean probability of its class is below {LOW_PROBABILITY:g}", EVENT,
    ),
    Flag(
        "adjacent_other_class", 131_072,
        f"at most {ADJACENT} records from an event of the other class, or overlapping it", EVENT,
    ),
)  # fmt: skip


EVENT_FLAGS = {flag.name: flag.bit for flag in FLAGS}
"""Bits by name."""

FLAG_MEANINGS = {flag.name: flag.meaning for flag in FLAGS}
"""What each flag tells."""

FIRST_FLAGS = 127
"""The bits that version 0.1.0 told, whose files do not say which these are."""


def bits_of(names: Iterable[str]) -> int:
    """Return the sum of the bits of flags."""
    return sum(EVENT_FLAGS[name] for name in set(names))


OF_RECORDS = bits_of(flag.name for flag in FLAGS if flag.of == RECORD)
"""Bits of records that an event has if any of its records does."""

OF_PEAKS = bits_of(flag.name for flag in FLAGS if flag.of == PEAK)
"""Bits of records that an event has if the record at its peak does."""


def masks_of(flags: Iterable[Flag]) -> dict[str, Any]:
    """Return the CF attributes that name the bits of a column with these flags."""
    flags = list(flags)
    return {
        "flag_masks": [flag.bit for flag in flags],
        "flag_meanings": " ".join(flag.name for flag in flags),
    }


def told_as(flags: Iterable[Flag]) -> dict[str, Any]:
    """Return these and, as a comment, what each flag tells."""
    flags = list(flags)
    return masks_of(flags) | {"comment": "; ".join(f"{flag.name}: {flag.meaning}" for flag in flags)}
