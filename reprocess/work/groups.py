"""Small Zarr groups of their own that are written whole, such as the exposure of a run."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from reprocess.work.coordinates import COORDINATES
from reprocess.work.layout import SMOOTH

Plain = tuple[tuple[str, ...], np.ndarray, Mapping[str, Any]]
"""Dimensions, values and attributes of an array, as a variable of xarray takes them."""


def write_group(path: Path, arrays: Mapping[str, Plain], attributes: Mapping[str, Any]) -> None:
    """Write arrays as a Zarr group, replacing an older one whole.

    Arrays of more than two dimensions have a chunk for each index of the first two; a shard spans the second.
    Others are one chunk. What xarray would write is the same; it takes half a second to import.

    Parameters
    ----------
    path : Path
    arrays : mapping
        By name; text is of dtype object.
    attributes : mapping
        Those of the group.
    """
    temporary = path.with_name(path.name + ".partial")
    shutil.rmtree(temporary, ignore_errors=True)
    group = zarr.create_group(temporary, zarr_format=3, attributes=dict(attributes))
    for name, (dims, values, attrs) in arrays.items():
        _write(group, name, dims, values, attrs)
    outdated = path.with_name(path.name + ".old")
    shutil.rmtree(outdated, ignore_errors=True)
    if path.exists():
        path.rename(outdated)  # never a half-deleted group under the right name
    temporary.rename(path)
    shutil.rmtree(outdated, ignore_errors=True)


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Return arrays of a group that `write_group` wrote."""
    return {name: np.asarray(zarr.open_array(path / name, mode="r", zarr_format=3)[...]) for name in names}


def _write(
    group: zarr.Group, name: str, dims: tuple[str, ...], values: np.ndarray, attrs: Mapping[str, Any]
) -> None:
    shape = values.shape
    large = values.ndim > 2
    array = group.create_array(
        name,
        shape=shape,
        dtype=str if values.dtype == object else values.dtype,
        chunks=(1, 1, *shape[2:]) if large else shape,
        shards=(1, *shape[1:]) if large else None,
        compressors=SMOOTH if large else COORDINATES,
        fill_value={"f": np.nan, "O": ""}.get(values.dtype.kind, 0),
        dimension_names=dims,
        attributes=dict(attrs),
    )
    array[...] = values
