"""Whether a store has all that it holds besides records, told from its JSON: Zarr takes 0.4 s to import."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numcodecs import Zstd

from reprocess import schema
from reprocess.files import find
from reprocess.schema import ArraySpec

LAYOUT = 1
"""Version of the layout that `work.layout` describes; a store of another layout is refused."""

ARCHIVE_TITLE = "POES/MetOp SEM-2 MEPED records"
CLASSES_TITLE = "Class of every record"


def is_whole(path: Path, satellites: Iterable[str], arrays: Mapping[str, ArraySpec], title: str) -> bool:
    """Tell whether a store has groups, arrays, coordinates and attributes as this version writes them.

    False where that cannot be told without Zarr. The form of an array, which nothing changes, is not seen.
    """
    try:
        return not leftovers(path) and all(_checks(path, satellites, arrays, title))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):  # missing, or damaged
        return False


def _checks(
    path: Path, satellites: Iterable[str], arrays: Mapping[str, ArraySpec], title: str
) -> Iterator[bool]:
    """Yield whether each thing is as it has to be."""
    root = _attributes(path)
    yield root["layout"] == LAYOUT and root_attributes(title).items() <= root.items()
    coordinates = [name for name in schema.COORDINATES if any(name in spec.dims for spec in arrays.values())]
    for satellite in satellites:
        group = path / satellite
        yield _attributes(group)["platform"] == schema.SATELLITES[satellite].name
        yield from (_attributes(group / name) == spec.attrs for name, spec in arrays.items())
        yield from (_has_coordinate(group / name, name) for name in coordinates)


def root_attributes(title: str) -> dict[str, str]:
    """Return what a store says of itself, besides its layout."""
    return {"Conventions": "CF-1.11", "title": title}


def leftovers(path: Path) -> list[Path]:
    """Return what killed writers of metadata left behind; those of shards go when the shard is written."""
    return [leftover for depth in ("", "*/", "*/*/") for leftover in find(path, f"{depth}zarr.*.partial")]


def _attributes(folder: Path) -> dict[str, Any]:
    attributes: dict[str, Any] = json.loads((folder / "zarr.json").read_bytes())["attributes"]
    return attributes


def _has_coordinate(folder: Path, name: str) -> bool:
    """Tell whether a coordinate is there, in one chunk of the codecs it is written with, with its values."""
    values, attributes = schema.COORDINATES[name]
    values = np.asarray(values)
    document = json.loads((folder / "zarr.json").read_bytes())
    form = {
        "shape": list(values.shape),
        "data_type": values.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(values.shape)}},
        "codecs": [
            {"name": "bytes"} | ({"configuration": {"endian": "little"}} if values.itemsize > 1 else {}),
            {"name": "zstd", "configuration": {"level": 0, "checksum": False}},
        ],
        "attributes": attributes,
    }
    if any(document[key] != value for key, value in form.items()):
        return False
    stored = Zstd().decode((folder / "c" / "0").read_bytes())
    return bytes(stored) == values.astype(values.dtype.newbyteorder("<")).tobytes()
