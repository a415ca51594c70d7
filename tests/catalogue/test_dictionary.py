"""What is stored says what it is, and the column dictionary says the same."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray as xr
import zarr

from reprocess import schema
from reprocess.catalogue.dictionary import describe_events, describe_events_json, markdown
from reprocess.classifier.bundle import Bundle
from reprocess.detect.plan import Settings
from reprocess.detect.stage import detect
from reprocess.execution.share import Share
from reprocess.ingest.stage import ingest
from reprocess.maps.stage import Split, make_difference, make_map
from reprocess.schema.grid import make_grid
from reprocess.sources.listing import list_archive
from reprocess.work.parts import NOT_STORED
from reprocess.work.paths import Work
from tests.support import fake
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.usefixtures("short_record_axis")

TABLES = {
    "Event table": "runs/r/events",
    "Dwell parts": "runs/r/dwell",
    "Archive": "archive.zarr",
    "Classes": "runs/r/classes.zarr",
    "Exposure": "runs/r/exposure.zarr",
    "Occurrence": "runs/r/occurrence.nc",
    "Differences": "runs/r/maps/apart.nc",
}
"""Headings of docs/columns.md, and what they are about."""


class Stored(NamedTuple):
    """One column or variable as it lies on the disk."""

    place: str
    name: str
    dtype: str
    dims: tuple[str, ...]
    attrs: Mapping[str, Any]


@pytest.fixture(scope="module")
def work(
    fake_archive: Path,
    random_model: Bundle,
    short_record_axis: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Work:
    """A run with everything that can be kept."""
    work, granules = (
        Work(tmp_path_factory.mktemp("described") / "w"),
        list_archive(str(fake_archive)).granules,
    )
    settings = Settings(random_model.path, random_model.sha256, "published", "onnxruntime", True, True)
    ingest(work, granules, Share(1, 1), fake.Silence())
    detect(work, work.run("r"), settings, granules, Share(1, 1), fake.Silence())
    grid = make_grid(np.arange(1, 15.5, 1), np.arange(0, 25, 6))
    make_map(work, work.run("r"), grid, 0)
    make_difference(work, work.run("r"), grid, 0, "apart", Split(("satellite",)), ("noaa18", "metop01"))
    return work


def stored(root: Path) -> Iterator[Stored]:
    """Yield every column of every Parquet file and every variable of every Zarr and NetCDF file."""
    for path in root.rglob("*.parquet"):
        for field in pq.read_schema(path):
            attrs = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
            kind = {"string": "str", "float": "float32", "double": "float64", "timestamp[ms, tz=UTC]": "time"}
            dtype = kind.get(str(field.type), str(field.type))
            yield Stored(path.relative_to(root).parent.parent.as_posix(), field.name, dtype, (), attrs)
    for path in root.rglob("zarr.json"):
        if json.loads(path.read_text())["node_type"] == "array":
            array = zarr.open_array(path.parent, mode="r")
            place = next(p for p in path.relative_to(root).parents if p.suffix == ".zarr").as_posix()
            dtype = "str" if array.dtype.kind in "TO" else str(array.dtype)
            yield Stored(place, path.parent.name, dtype, array.metadata.dimension_names, array.attrs.asdict())
    for path in root.rglob("*.nc"):
        with xr.open_dataset(path, engine="scipy", decode_cf=False) as dataset:
            parents = {array.attrs.get("bounds"): array for array in dataset.variables.values()}
            for name, array in dataset.variables.items():
                text = array.dtype.kind == "S"
                dims = array.dims[:-1] if text else array.dims
                dtype = "str" if text else array.dtype.newbyteorder("=").name
                attrs = array.attrs
                if name in parents:  # bounds have the words of what they are bounds of (CF 7.1)
                    attrs = {key: parents[name].attrs[key] for key in ("units", "long_name")} | attrs
                yield Stored(path.relative_to(root).as_posix(), str(name), dtype, dims, attrs)


def test_everything_stored_says_its_unit_its_meaning_and_its_source(work: Work) -> None:
    found = list(stored(work.root))
    assert {one.place for one in found} == set(TABLES.values())
    for one in found:
        for key in ("units", "long_name", "source"):
            assert one.attrs.get(key), f"{one.place}: {one.name} has no {key}"
        assert not one.attrs["long_name"].endswith("."), one.name


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """Return the rows of the table under a heading, by name; cells without the name."""
    section = re.split(r"^##+ ", text.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


@pytest.mark.parametrize("heading", TABLES)
def test_the_dictionary_lists_what_is_stored_as_it_is_stored(work: Work, heading: str) -> None:
    told = rows(markdown(), heading)
    found = {one.name: one for one in stored(work.root) if one.place == TABLES[heading]}
    folder = set(NOT_STORED) if heading == "Event table" else set()  # of the path and of a flag
    shared_axes = set(schema.COORDINATES) if heading == "Classes" else set()
    assert told.keys() - folder == found.keys() - shared_axes
    for name, cells in told.items():
        if name in folder:
            continue
        one = found[name]
        assert cells[:2] == [one.dtype, one.attrs["units"]], name
        assert cells[2] == ", ".join(one.dims) or not one.dims, name
        assert cells[-2].startswith(one.attrs["long_name"]), name
        assert cells[-1] == one.attrs["source"], name


def test_the_page_is_what_the_declarations_give() -> None:
    assert (REPOSITORY / "docs/columns.md").read_text(encoding="utf-8") == markdown(), "run: make columns"


def test_the_page_lists_every_flag() -> None:
    for flag in schema.FLAGS:
        of = {"record": "records", "peak": "peak", "event": "events"}[flag.of]
        assert f"| {flag.bit} | `{flag.name}` | {of} | {flag.meaning} |" in markdown()


def test_columns_and_flags_of_the_event_table_are_described_in_text_and_json() -> None:
    described = json.loads(describe_events_json())
    text = describe_events().decode().splitlines()
    assert [column["name"] for column in described["columns"]] == list(schema.EVENT_COLUMNS)
    for line, column in zip(text, described["columns"], strict=False):
        assert line.split()[0] == column["name"]
        assert all(column[key] in line for key in ("dtype", "units", "meaning", "source"))
        assert column["meaning"].startswith(schema.EVENT_COLUMNS[column["name"]].meaning)
    assert {flag["name"]: flag["bit"] for flag in described["flags"]} == schema.EVENT_FLAGS
    for line, flag in zip(text[-len(schema.FLAGS) :], described["flags"], strict=True):
        assert line.split()[:2] == [str(flag["bit"]), flag["name"]]
        assert line.endswith(flag["meaning"])
