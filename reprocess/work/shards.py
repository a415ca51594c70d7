"""Shards as the Zarr 3 specification has them: chunks one after the other, and at the end an index of them.

zarr-python writes a shard from all of its rows: days that do not exist are compressed as padding, and
days that stay are decompressed and compressed again. Here chunks are put together as they are, and those of
single days are read without zarr's event loop, which takes longer than the decompression.

The format is the specification's sharding codec, version 1.0, with the index at the end: for each chunk its
offset and length in 64 bits, little-endian, all ones where it is missing, then CRC-32C (RFC 3720) of these.
"""

import os
from collections.abc import Collection, Mapping
from functools import cache, lru_cache
from typing import Any, BinaryIO

import numpy as np
from numcodecs import Blosc, Zstd, blosc

from reprocess.schema import BLOCK_DAYS, ArraySpec

ZSTD, BLOSC = Zstd(level=3), Blosc(cname="zstd", clevel=3, shuffle=Blosc.SHUFFLE)
"""What chunks of fluxes and of all else are compressed with; `work.layout` tells Zarr the same."""

blosc.use_threads = False  # there is one process per core

_MISSING = np.uint64(2**64 - 1)
_INDEX = np.dtype("<u8")
_CASTAGNOLI = 0x82F63B78  # the polynomial, bits reversed


def is_flux(spec: ArraySpec) -> bool:
    """Tell whether an array holds fluxes, whose values repeat as a whole."""
    return spec.name.endswith("flux")


def _codec(spec: ArraySpec) -> Zstd | Blosc:
    return ZSTD if is_flux(spec) else BLOSC


def _stored(spec: ArraySpec) -> np.dtype[Any]:
    """Return the type of an array's values as they lie in chunks."""
    return np.dtype(spec.dtype).newbyteorder("<")


def chunk_shape(spec: ArraySpec) -> tuple[int, ...]:
    """Return the shape of an array's chunks: a day's, or a block's if the array has one value per day."""
    return spec.day_shape or (BLOCK_DAYS,)


def chunk_count(spec: ArraySpec) -> int:
    """Return how many chunks a shard of an array has room for."""
    return BLOCK_DAYS if spec.day_shape else 1


def compress(spec: ArraySpec, values: np.ndarray) -> bytes:
    """Return what a chunk of an array holds as it is stored, filled where it has room for more values."""
    chunk = np.full(chunk_shape(spec), spec.fill, _stored(spec))
    chunk[..., : values.shape[-1]] = values
    return bytes(_codec(spec).encode(chunk))


def decompress(spec: ArraySpec, chunk: bytes) -> np.ndarray:
    """Return the values of a chunk, shape (…, n), not to be written to.

    Raises
    ------
    ValueError, RuntimeError
        If it is none.
    """
    return np.frombuffer(_codec(spec).decode(chunk), _stored(spec)).reshape(*chunk_shape(spec)[:-1], -1)


def join(chunks: Mapping[int, bytes], count: int) -> bytes:
    """Return a shard.

    Parameters
    ----------
    chunks : mapping of int to bytes
        Compressed chunks by position; the others read as fill values.
    count : int
        Chunks that a shard has room for.
    """
    index = np.full((count, 2), _MISSING, _INDEX)
    offset = 0
    for position, chunk in sorted(chunks.items()):
        index[position] = offset, len(chunk)
        offset += len(chunk)
    entries = index.tobytes()
    return b"".join([*(chunks[k] for k in sorted(chunks)), entries, crc32c(entries).to_bytes(4, "little")])


def pick(file: BinaryIO, count: int, positions: Collection[int]) -> dict[int, bytes]:
    """Return compressed chunks of a shard by position; missing ones are left out, no others are read.

    Parameters
    ----------
    file : binary file
        The shard.
    count : int
        Chunks that it has room for.
    positions : collection of int
        Which to return.

    Raises
    ------
    ValueError
        If the file is no such shard.
    """
    size = count * 2 * _INDEX.itemsize + 4
    end = file.seek(0, os.SEEK_END)
    file.seek(max(end - size, 0))
    index = file.read(size)
    if len(index) != size:
        raise ValueError(_DAMAGED)
    places, chunks = _places(index), {}
    for position in positions:
        if position in places:
            offset, length = places[position]
            if offset + length > end - size:
                raise ValueError(f"chunk {position} is said to end beyond the others")
            file.seek(offset)
            chunks[position] = file.read(length)
    return chunks


_DAMAGED = "the index at its end is damaged"


@lru_cache(64)  # days of a block are read a few at a time
def _places(index: bytes) -> dict[int, tuple[int, int]]:
    """Return offset and length of each chunk that a shard has, from its index."""
    entries, checksum = index[:-4], index[-4:]
    if crc32c(entries).to_bytes(4, "little") != checksum:
        raise ValueError(_DAMAGED)
    pairs = np.frombuffer(entries, _INDEX).reshape(-1, 2).tolist()
    return {
        position: (offset, length) for position, (offset, length) in enumerate(pairs) if offset != _MISSING
    }


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of a few hundred bytes, as RFC 3720 has it in appendix B.4."""
    remainder, table = 0xFFFFFFFF, _table()
    for byte in data:
        remainder = remainder >> 8 ^ table[(remainder ^ byte) & 0xFF]
    return remainder ^ 0xFFFFFFFF


@cache
def _table() -> list[int]:
    """Return the remainders of all bytes."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_CASTAGNOLI if byte & 1 else 0)
        table.append(byte)
    return table
