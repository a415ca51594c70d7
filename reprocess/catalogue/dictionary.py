"""What everything that is stored is, in words: made of the declarations in `schema`, nothing else.

``make columns`` writes docs/columns.md, which is what this module prints under ``python -m``.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from reprocess import schema
from reprocess.schema.differences import DIFFERENCES
from reprocess.schema.flags import EVENT, PEAK, RECORD
from reprocess.schema.properties import MATCH_COLUMNS, PROPERTY_COLUMNS


class Entry(NamedTuple):
    """One column or variable, in words."""

    name: str
    dtype: str
    units: str
    meaning: str
    source: str
    dims: tuple[str, ...]


def _entry(name: str, dtype: str, attrs: dict[str, Any], dims: tuple[str, ...]) -> Entry:
    phrases = [attrs["long_name"]]
    if "flag_values" in attrs:
        words = attrs["flag_meanings"].split()
        phrases.append(", ".join(f"{v} {word}" for v, word in zip(attrs["flag_values"], words, strict=True)))
    if "flag_masks" in attrs:
        phrases.append("the bits are listed below")
    elif "comment" in attrs:
        phrases.append(attrs["comment"])
    return Entry(name, dtype, attrs["units"], "; ".join(phrases), attrs["source"], dims)


def unit_in_text(dtype: str, units: str) -> str:
    """Return a column's unit as a table in text has it: times are ISO 8601 there, and words have none."""
    return {"time": "UTC", "str": "-"}.get(dtype, units)


def of_variables(variables: Iterable[schema.Variable]) -> list[Entry]:
    """Return the entries of declared columns or variables."""
    return [_entry(v.name, v.dtype, v.attrs, v.dims) for v in variables]


def of_arrays(arrays: Iterable[schema.ArraySpec]) -> list[Entry]:
    """Return the entries of declared arrays."""
    return [_entry(spec.name, spec.dtype, spec.attrs, spec.dims) for spec in arrays]


def describe_events() -> bytes:
    """Return columns and flags of the event table as text for people."""
    entries = of_variables(schema.EVENT_COLUMNS.values())
    width = [max(len(row[k]) for row in entries) for k in range(3)]
    lines = [
        f"{e.name:{width[0]}}  {e.dtype:{width[1]}}  {e.units:{width[2]}}  {e.meaning} [{e.source}]"
        for e in entries
    ]
    longest = max(len(flag.name) for flag in schema.FLAGS)
    lines += ["", "quality_flags is the sum of:"]
    lines += [f"{flag.bit:3}  {flag.name:{longest}}  {flag.meaning}" for flag in schema.FLAGS]
    return ("\n".join(lines) + "\n").encode()


def describe_events_json() -> bytes:
    """Return columns and flags of the event table as JSON."""
    columns = [
        {"name": e.name, "dtype": e.dtype, "units": e.units, "meaning": e.meaning, "source": e.source}
        for e in of_variables(schema.EVENT_COLUMNS.values())
    ]
    flags = [flag._asdict() for flag in schema.FLAGS]
    return (json.dumps({"columns": columns, "flags": flags}, indent=1) + "\n").encode()


_INTRODUCTION = """# What is stored

Every column, array and flag. `make columns` generates this page from the declarations in `reprocess/schema`.
The same words are in the files, as field metadata in Parquet and attributes in Zarr and NetCDF (`units`,
`long_name`, `source`, `comment`). Text and plain numbers have the unit 1. The dtype `time` is UTC with
milliseconds. Dwell is always in seconds; records are counted, one every 2 s.
"""


_BITS = """### Bits of `quality_flags`

Records have flags too, so that the time observed can be told by them as well as events. An event has a flag
of *records* if any of its records has it, one of the *peak* if the record at its peak has it; the others
are of *events* alone. [flags.md](flags.md) tells which are for what, and what leaving them out does."""

_OF = {RECORD: "records", PEAK: "peak", EVENT: "events"}


def _of_events() -> list[tuple[str, str, Sequence[Entry]]]:
    return [
        (
            "Event table",
            "`runs/NAME/events/` in Parquet, and what `reprocess events` prints; one row per event. "
            "`satellite` is in the name of the folder.",
            of_variables(schema.EVENT_COLUMNS.values()),
        ),
        (
            "Properties of events",
            "`runs/NAME/properties/` in Parquet, which `reprocess describe` makes; one row per event, in the "
            "order of the event part. [physics.md](physics.md) tells what they rest on.",
            of_variables(PROPERTY_COLUMNS.values()),
        ),
        (
            "Events of several satellites",
            "In the folder that `reprocess catalogue` writes, and in no part: they depend on all events of a "
            "run.",
            of_variables(MATCH_COLUMNS.values()),
        ),
        (
            "Pairs of events of two runs",
            "What `reprocess compare -o` writes; a row per pair, and per event without one.",
            of_variables(schema.PAIR_COLUMNS.values()),
        ),
        (
            "Coincidences with a list",
            "What `reprocess match -o` writes; a row per coincidence, and per listed event without one.",
            of_variables(schema.COINCIDENCE_COLUMNS.values()),
        ),
    ]


def _of_maps() -> list[tuple[str, str, Sequence[Entry]]]:
    return [
        (
            "Exposure",
            "`runs/NAME/exposure.zarr`: seconds per cell of 0.1 in L by 0.25 h.",
            of_variables(_all(schema.EXPOSURE_COORDINATES, schema.GRID_COORDINATES, schema.EXPOSURE)),
        ),
        (
            "Occurrence",
            "`runs/NAME/occurrence.nc`: maps. Bins with dwell below `min_dwell_s` have no rate or fraction.",
            of_variables(_all(schema.OCCURRENCE_COORDINATES, schema.GRID_COORDINATES, schema.OCCURRENCE)),
        ),
        (
            "Passes",
            "Besides in maps by a geomagnetic index, with edges of their own or with `--passes`.",
            of_variables(schema.PASSES.values()),
        ),
        (
            "Differences",
            "`runs/NAME/maps/difference_by_THING.nc` (`map --by THING --difference`): two parts of a split, "
            "or each part against all others together.",
            of_variables(_all(schema.OCCURRENCE_COORDINATES, schema.GRID_COORDINATES, DIFFERENCES)),
        ),
    ]


def _of_parts() -> list[tuple[str, str, Sequence[Entry]]]:
    return [
        (
            "Dwell parts",
            "`runs/NAME/dwell/` in Parquet; one row per satellite-day, cell visited and set of flags. "
            "`satellite` is in the name of the folder.",
            of_variables(schema.DWELL_COLUMNS.values()),
        ),
        (
            "Position parts",
            "`runs/NAME/positions/` in Parquet, which a map of cells of its own or by a geomagnetic index "
            "makes ([statistics.md](statistics.md)); one row per stretch of records in one cell and minute. "
            "`satellite` is in the name of the folder.",
            of_variables(schema.POSITION_COLUMNS.values()),
        ),
    ]


def markdown() -> str:
    """Return the column dictionary, `docs/columns.md`."""
    sections: list[tuple[str, str, Sequence[Entry]]] = [
        *_of_events(),
        *_of_parts(),
        (
            "Archive",
            "`archive.zarr`, a group per satellite. Days without a file and what follows a day's last record "
            "hold NaN (`time`: the smallest integer, which NumPy reads as NaT; `ifc_on`: -1).",
            [*_coordinates(), *of_arrays(schema.ARCHIVE_ARRAYS.values())],
        ),
        (
            "Classes",
            "`runs/NAME/classes.zarr` of a run with `--classes`, a group per satellite, with the same days. "
            f"Classes by index: {', '.join(f'{k} {name}' for k, name in enumerate(schema.CLASSES))}.",
            of_arrays(schema.CLASS_ARRAYS.values()),
        ),
        *_of_maps(),
    ]
    parts = [_INTRODUCTION]
    for title, where, entries in sections:
        parts.append(f"## {title}\n\n{where}\n\n{_table(entries)}")
        if title == "Event table":
            rows = "\n".join(
                f"| {flag.bit} | `{flag.name}` | {_OF[flag.of]} | {flag.meaning} |" for flag in schema.FLAGS
            )
            parts.append(f"{_BITS}\n\n| bit | flag | of | meaning |\n|---:|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _all(*groups: dict[str, schema.Variable]) -> list[schema.Variable]:
    return [variable for group in groups for variable in group.values()]


def _coordinates() -> list[Entry]:
    return [
        _entry(name, str(values.dtype), attrs, (name,))
        for name, (values, attrs) in schema.COORDINATES.items()
    ]


def _table(entries: Sequence[Entry]) -> str:
    dims = any(entry.dims for entry in entries)
    head = ["name", "dtype", "unit", *(["dimensions"] if dims else []), "meaning", "source"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for entry in entries:
        of = [", ".join(entry.dims)] if dims else []
        cells = [f"`{entry.name}`", entry.dtype, entry.units, *of, entry.meaning, entry.source]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
