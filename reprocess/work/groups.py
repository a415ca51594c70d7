"""Small Zarr groups of their own that are written whole, such as the exposure of a run."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from reprocess.work.shards import join, pick

if TYPE_CHECKING:
    import zarr

Plain = tuple[tuple[str, ...], np.ndarray, Mapping[str, Any]]
"""Dimensions, values and attributes of an array, as a variable of xarray takes them."""


class Compressed(NamedTuple):
    """The values of an array of more than two dimensions, as its chunks are stored."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    rows: Sequence[Mapping[int, bytes]]
    """For each index of the first dimension: chunks by index of the second, all of them."""


def write_group(
    path: Path,
    arrays: Mapping[str, tuple[tuple[str, ...], np.ndarray | Compressed, Mapping[str, Any]]],
    attributes: Mapping[str, Any],
) -> None:
    """Write arrays as a Zarr group, replacing an older one whole.

    Arrays of more than two dimensions have a chunk for each index of the first two; a shard spans the second.
    Others are one chunk. What xarray would write is the same; it takes half a second to import.

    Parameters
    ----------
    path : Path
    arrays : mapping
        By name, as `Plain`, text of dtype object; or with values as `Compressed`.
    attributes : mapping
        Those of the group.
    """
    import zarr  # takes a third of a second, and what is written is mostly there already

    temporary = path.with_name(path.name + ".partial")
    shutil.rmtree(temporary, ignore_errors=True)
    group = zarr.create_group(temporary, zarr_format=3, attributes=dict(attributes))
    for name, (dims, values, attrs) in arrays.items():
        _write(group, temporary / name, dims, values, attrs)
    outdated = path.with_name(path.name + ".old")
    shutil.rmtree(outdated, ignore_errors=True)
    if path.exists():
        path.rename(outdated)  # never a half-deleted group under the right name
    temporary.rename(path)
    shutil.rmtree(outdated, ignore_errors=True)


def read_chunks(array: Path, row: int, shape: Sequence[int], positions: Collection[int]) -> dict[int, bytes]:
    """Return chunks as they are stored, of one index of the first dimension, by index of the second.

    Parameters
    ----------
    array : Path
        An array of more than two dimensions in a group that `write_group` wrote.
    row : int
        Index of the first dimension.
    shape : sequence of int
        The array's.
    positions : collection of int
        Indices of the second dimension.

    Raises
    ------
    OSError, ValueError
        If there is no such shard.
    """
    with open(_shard(array, row, shape), "rb") as file:
        return pick(file, shape[1], positions)


def _shard(array: Path, row: int, shape: Sequence[int]) -> Path:
    return array.joinpath("c", str(row), *["0"] * (len(shape) - 1))


def _write(
    group: "zarr.Group",
    folder: Path,
    dims: tuple[str, ...],
    values: np.ndarray | Compressed,
    attrs: Mapping[str, Any],
) -> None:
    from reprocess.work.coordinates import COORDINATES
    from reprocess.work.layout import SMOOTH

    shape, large = values.shape, len(values.shape) > 2
    array = group.create_array(
        folder.name,
        shape=shape,
        dtype=str if values.dtype == object else values.dtype,
        chunks=(1, 1, *shape[2:]) if large else shape,
        shards=(1, *shape[1:]) if large else None,
        compressors=SMOOTH if large else COORDINATES,
        fill_value={"f": np.nan, "O": ""}.get(values.dtype.kind, 0),
        dimension_names=dims,
        attributes=dict(attrs),
    )
    if isinstance(values, np.ndarray):
        array[...] = values
        return
    for row, chunks in enumerate(values.rows):
        shard = _shard(folder, row, shape)
        shard.parent.mkdir(parents=True)
        shard.write_bytes(join(chunks, shape[1]))
