"""What a store holds besides the values of its arrays: coordinates, and attributes of arrays."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import ZstdCodec

from reprocess import schema
from reprocess.errors import StoreError

COORDINATES = ZstdCodec(level=0, checksum=False)


def require_coordinate(group: Path, name: str) -> None:
    """Write a coordinate unless it is there with its values; a killed writer may have left it without."""
    values, attributes = schema.COORDINATES[name]
    if not (group / name / "zarr.json").is_file():
        zarr.create_array(
            group, name=name, data=values, dimension_names=(name,), attributes=attributes, zarr_format=3,
            compressors=COORDINATES,
        )  # fmt: skip
        return
    require_attributes(group / name / "zarr.json", attributes)
    coordinate = zarr.open_array(group / name, mode="r+", zarr_format=3)
    if not np.array_equal(np.asarray(coordinate[:]), values):
        coordinate[:] = values


def require_attributes(file: Path, attributes: Mapping[str, Any]) -> None:
    """Write the attributes of an array unless they are there.

    Raises
    ------
    StoreError
        If what describes the array is damaged.
    """
    try:
        found = json.loads(file.read_bytes())["attributes"]
    except (ValueError, KeyError, TypeError) as e:
        raise StoreError(f"{file} is damaged ({e}); reprocess audit WORK --repair writes it again") from e
    if found != attributes:
        zarr.open_array(file.parent, mode="r+", zarr_format=3).attrs.put(dict(attributes))


def holds_coordinate(group: Path, name: str) -> bool:
    """Tell whether a coordinate's values can be read and are what they must be."""
    values, _ = schema.COORDINATES[name]
    try:
        return np.array_equal(np.asarray(zarr.open_array(group / name, mode="r", zarr_format=3)[:]), values)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError):  # what Zarr and its codecs raise
        return False
