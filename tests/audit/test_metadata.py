"""Metadata are held by what they say, in the spelling of any zarr-python."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zarr
from numcodecs import Zstd

from reprocess import schema
from reprocess.audit.finding import Finding
from reprocess.audit.metadata import audit_metadata
from reprocess.audit.repair import repair
from reprocess.work.layout import create_store, metadata_files
from reprocess.work.paths import Work
from reprocess.work.whole import ARCHIVE_TITLE

pytestmark = pytest.mark.usefixtures("short_record_axis")

Change = Callable[[dict[str, Any]], object]
ARRAY, FLUX, GROUP = "noaa18/ifc_on/zarr.json", "noaa18/electron_flux/zarr.json", "noaa18/zarr.json"


@pytest.fixture(scope="module")
def metadata(short_record_axis: None) -> dict[str, bytes]:
    return metadata_files(["noaa18"], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)


@pytest.fixture
def work(metadata: dict[str, bytes], tmp_path: Path) -> Work:
    work = Work(tmp_path / "w")
    create_store(work.archive, ["noaa18"], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
    return work


def find(work: Work, metadata: dict[str, bytes]) -> list[Finding]:
    return list(audit_metadata(work, work.archive, metadata, {"noaa18"}))


def edit(path: Path, change: Change) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def inner(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the codecs within the shards."""
    codecs: list[dict[str, Any]] = document["codecs"][0]["configuration"]["codecs"]
    return codecs


SPELLINGS: dict[str, tuple[str, Change]] = {
    "indented otherwise": (ARRAY, lambda _: None),
    "3.0.8 and 3.1.3, groups": (GROUP, lambda d: d.update(consolidated_metadata=None)),
    "3.0.8, single bytes": (ARRAY, lambda d: inner(d)[0].update(configuration={"endian": "little"})),
    "no transformers": (ARRAY, lambda d: d.pop("storage_transformers")),
    "consolidated": (GROUP, lambda d: d.update(consolidated_metadata={"kind": "inline", "metadata": {}})),
    "mere name of a codec": (ARRAY, lambda d: inner(d).__setitem__(0, "bytes")),
    "long data type": (ARRAY, lambda d: d.update(data_type={"name": "int8", "configuration": {}})),
    "index at its default": (FLUX, lambda d: d["codecs"][0]["configuration"].pop("index_location")),
    "separator at its default": (FLUX, lambda d: d.update(chunk_key_encoding={"name": "default"})),
    "NaN as JSON has none": (FLUX, lambda d: d.update(fill_value=float("nan"))),
    "chunks as real numbers": (
        FLUX, lambda d: d["chunk_grid"]["configuration"].update(
            chunk_shape=[float(n) for n in d["chunk_grid"]["configuration"]["chunk_shape"]]
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SPELLINGS)
def test_another_spelling_is_no_finding(case: str, work: Work, metadata: dict[str, bytes]) -> None:
    name, change = SPELLINGS[case]
    edit(work.archive / name, change)
    assert (work.archive / name).read_bytes() != metadata[name]
    assert find(work, metadata) == []


OTHERS: dict[str, tuple[str, Change, str]] = {
    "shape": (FLUX, lambda d: d["shape"].__setitem__(0, 1), "damaged"),
    "dtype": (FLUX, lambda d: d.update(data_type="float64"), "damaged"),
    "fill value": (FLUX, lambda d: d.update(fill_value=0.0), "damaged"),
    "order of bytes": (FLUX, lambda d: inner(d)[0]["configuration"].update(endian="big"), "damaged"),
    "compression": (FLUX, lambda d: inner(d).pop(), "damaged"),
    "index": (FLUX, lambda d: d["codecs"][0]["configuration"].update(index_location="start"), "damaged"),
    "shards": (FLUX, lambda d: d["chunk_grid"]["configuration"]["chunk_shape"].__setitem__(0, 16), "damaged"),
    "dimensions": (FLUX, lambda d: d.pop("dimension_names"), "damaged"),
    "keys": (FLUX, lambda d: d["chunk_key_encoding"]["configuration"].update(separator="."), "damaged"),
    "kind of node": (FLUX, lambda d: d.update(node_type="group"), "damaged"),
    "no kind of node": (FLUX, lambda d: d.pop("node_type"), "damaged"),
    "no data type": (FLUX, lambda d: d.update(data_type="no such"), "damaged"),
    "unit": (FLUX, lambda d: d["attributes"].update(units="1"), "outdated"),
    "attributes": (FLUX, lambda d: d.pop("attributes"), "outdated"),
    "title": ("zarr.json", lambda d: d["attributes"].update(title="mine"), "outdated"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_meaning_is_found_and_a_repair_ends_it(
    case: str, work: Work, metadata: dict[str, bytes]
) -> None:
    name, change, kind = OTHERS[case]
    edit(work.archive / name, change)
    (finding,) = find(work, metadata)
    assert (finding.kind, finding.stage, finding.path) == (kind, "metadata", f"archive.zarr/{name}")
    assert finding.expected != finding.found
    repair(work, [finding])
    assert find(work, metadata) == []


def test_a_finding_names_what_differs(work: Work, metadata: dict[str, bytes]) -> None:
    edit(work.archive / FLUX, lambda d: d["attributes"].update(units="1"))
    (finding,) = find(work, metadata)
    assert (finding.expected, finding.found) == ('units "cm-2 s-1 sr-1"', 'units "1"')
    edit(work.archive / FLUX, lambda d: d.pop("dimension_names"))
    (finding,) = find(work, metadata)
    assert finding.expected.endswith('dimension_names ["day", "telescope", "energy", "record"]')
    assert finding.found.endswith("dimension_names not there")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "{}"])
def test_what_is_no_metadata_is_damaged(text: str, work: Work, metadata: dict[str, bytes]) -> None:
    (work.archive / FLUX).write_text(text, encoding="utf-8")
    (finding,) = find(work, metadata)
    assert finding.kind == "damaged"


def test_a_coordinate_may_have_other_bytes_but_no_other_values(
    work: Work, metadata: dict[str, bytes]
) -> None:
    path = work.archive / "noaa18/energy/c/0"
    values = zarr.open_array(work.archive / "noaa18/energy", mode="r")[:]
    path.write_bytes(Zstd(level=9, checksum=True).encode(values.tobytes()))
    assert path.read_bytes() != metadata["noaa18/energy/c/0"]
    assert find(work, metadata) == []
    path.write_bytes(Zstd().encode((values + 1).tobytes()))
    assert [(f.kind, f.path) for f in find(work, metadata)] == [("damaged", "archive.zarr/noaa18/energy/c/0")]
    path.write_bytes(b"x")
    assert [f.kind for f in find(work, metadata)] == ["damaged"]
    repair(work, find(work, metadata))
    assert find(work, metadata) == []


def test_a_store_of_which_no_record_speaks_is_unfinished(work: Work, metadata: dict[str, bytes]) -> None:
    shutil.rmtree(work.archive / "noaa18/electron_flux")
    (finding,) = audit_metadata(work, work.archive, metadata, set())
    assert (finding.kind, finding.stage) == ("unfinished", "")
