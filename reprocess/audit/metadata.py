"""The metadata of Zarr stores, held by what they say against what they must say.

Not by their bytes: versions of zarr-python spell the same array differently (``consolidated_metadata``
null or left out, an ``endian`` of single bytes, empty lists left out), and other programs may write
coordinates with bytes of their own.
"""

import json
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reprocess.audit.finding import GO_ON, Finding
from reprocess.files import sha256
from reprocess.work.coordinates import holds_coordinate
from reprocess.work.paths import Work

_REMEDY = "reprocess audit WORK --repair writes it again"

_IGNORED = frozenset({"consolidated_metadata"})
"""A copy of other metadata, which our readers do not go by."""


def audit_metadata(
    work: Work, store: Path, metadata: Mapping[str, bytes], recorded: Collection[str]
) -> Iterator[Finding]:
    """Hold a store's metadata and coordinates against what they must say.

    Parameters
    ----------
    work : Work
    store : Path
    metadata : mapping of str to bytes
        What `layout.metadata_files` returns.
    recorded : collection of str
        Satellites that a receipt claims something of; the others claim nothing.
    """
    for name, expected in metadata.items():
        where = (store / name).relative_to(work.root).as_posix()
        for kind, wanted, found in _differences(store, name, expected):
            if recorded if name == "zarr.json" else name.split("/")[0] in recorded:
                yield Finding(where, kind, wanted, found, _REMEDY, stage="metadata")
            else:
                yield Finding(where, "unfinished", wanted, found, GO_ON)


def _differences(store: Path, name: str, expected: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield kind, what must be and what is; one of them at most."""
    path = store / name
    if not path.is_file():
        yield "missing", f"sha256 {sha256(expected)}", "no file"
        return
    data = path.read_bytes()
    if data == expected:
        return
    if path.name != "zarr.json":
        coordinate = Path(name).parts[1]
        if not holds_coordinate(store / Path(name).parts[0], coordinate):
            yield "damaged", f"sha256 {sha256(expected)}", f"sha256 {sha256(data)}"
        return
    try:
        found = meaning(json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        yield "damaged", f"sha256 {sha256(expected)}", f"sha256 {sha256(data)} ({e})"
        return
    must = meaning(json.loads(expected))
    differing = sorted(key for key in must.keys() | found.keys() if must.get(key) != found.get(key))
    if differing == ["attributes"]:
        must, found = must["attributes"], found["attributes"]
        differing = sorted(key for key in must.keys() | found.keys() if must.get(key) != found.get(key))
        yield "outdated", _spelled(must, differing), _spelled(found, differing)
    elif differing:
        yield "damaged", _spelled(must, differing), _spelled(found, differing)


def _spelled(document: Mapping[str, Any], keys: Collection[str]) -> str:
    return ", ".join(f"{key} {json.dumps(document[key]) if key in document else 'not there'}" for key in keys)


def meaning(document: dict[str, Any]) -> dict[str, Any]:
    """Return what a ``zarr.json`` says, however it is spelled.

    Zarr specification 3, and what zarr-python 3.0.8 to 3.1.6 write for the same array.

    Raises
    ------
    TypeError, KeyError, AttributeError, ValueError
        If it is not metadata of an array or a group.
    """
    said = {key: value for key, value in document.items() if key not in _IGNORED}
    said["attributes"] = said.get("attributes") or {}
    if said["node_type"] != "array":
        return said
    size = np.dtype(_named(said["data_type"])["name"]).itemsize
    said["data_type"] = _named(said["data_type"])
    said["chunk_grid"] = _named(said["chunk_grid"])
    said["chunk_key_encoding"] = _named(said["chunk_key_encoding"], {"separator": "/"})
    said["fill_value"] = _number(said["fill_value"])
    said["codecs"] = [_codec(codec, size) for codec in said["codecs"]]
    if not said.get("storage_transformers"):
        said.pop("storage_transformers", None)
    return said


def _named(extension: str | dict[str, Any], defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the long form of a data type, codec and the like, which may be its mere name."""
    if isinstance(extension, str):
        extension = {"name": extension}
    return {
        "name": extension["name"],
        "configuration": {**(defaults or {}), **extension.get("configuration", {})},
    }


def _codec(codec: str | dict[str, Any], size: int) -> dict[str, Any]:
    """Return the long form of a codec; the order of bytes says nothing of values of one byte."""
    long = _named(codec)
    settings = long["configuration"]
    if long["name"] == "bytes" and size == 1:
        settings.pop("endian", None)
    if long["name"] == "sharding_indexed":
        settings.setdefault("index_location", "end")
        settings["codecs"] = [_codec(one, size) for one in settings["codecs"]]
        settings["index_codecs"] = [
            _codec(one, np.dtype(np.uint64).itemsize) for one in settings["index_codecs"]
        ]
    return long


def _number(fill: Any) -> Any:
    return "NaN" if isinstance(fill, float) and math.isnan(fill) else fill
