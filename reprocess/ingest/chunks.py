"""The values of a file that is made as NOAA's files are, without the inflating of HDF5.

HDF5 finds the chunks; libdeflate inflates them in a fifth to a third of the time that HDF5's zlib takes. It
makes the same checks, of the stream's form, its length and its Adler-32 (RFC 1950). Everything that NOAA's
files do not have is left to HDF5 (other types, layouts and filters, filters that were skipped for a chunk,
chunks that were never written), and so is everything that fails: what HDF5 says of damage is what is told.
"""

import struct
from collections.abc import Mapping

import h5py
import numpy as np
from deflate import DeflateError, zlib_decompress
from numcodecs import Blosc

_SHUFFLE, _DEFLATE = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE
_HIGHEST_LEVEL = 9

_BLOSC, _HEADER = Blosc(), struct.Struct("<4B5I")
_SHUFFLED = 0x01 | 0x10 | 0x80
"""Flags of a chunk of Blosc: bytes are shuffled, and in one block, of zstd if it were compressed."""


def inflated(
    file: h5py.File, data: bytes, wanted: Mapping[str, str], longest: int
) -> dict[str, np.ndarray] | None:
    """Return variables of a file from its bytes, or None if HDF5 has to read them.

    Parameters
    ----------
    file : h5py.File
        The file, open.
    data : bytes
        The same file; it begins with HDF5's signature, so that addresses count from its first byte.
    wanted : mapping of str to str
        dtype of each variable by name, ``time`` among them.
    longest : int
        Values that a variable, and a chunk, may have.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        By name; n is the length of ``time``.

    Raises
    ------
    OSError, RuntimeError, KeyError, TypeError, ValueError
        As h5py has it, for a damaged file.
    """
    whole = memoryview(data)
    shape = _variable(file, "time").shape
    if len(shape) != 1 or not 0 < shape[0] <= longest:
        return None
    types = {dtype: h5py.h5t.py_create(np.dtype(dtype)) for dtype in set(wanted.values())}
    found = {}
    for name, dtype in wanted.items():
        variable = _variable(file, name)
        if variable.shape != shape or not variable.get_type().equal(types[dtype]):
            return None
        values = _values(variable, shape[0], np.dtype(dtype), whole, longest)
        if values is None:
            return None
        found[name] = values
    return found


def _variable(file: h5py.File, name: str) -> h5py.h5d.DatasetID:
    """Return a variable without what h5py makes of it, which takes as long as inflating it."""
    return h5py.h5d.open(file.id, name.encode())


def _values(
    variable: h5py.h5d.DatasetID, length: int, dtype: np.dtype, whole: memoryview, longest: int
) -> np.ndarray | None:
    """Return the values of a variable, or None if HDF5 has to read them."""
    stored = variable.get_create_plist()
    if stored.get_layout() != h5py.h5d.CHUNKED:
        return None
    (n,) = stored.get_chunk()
    shuffled = _filters(stored, dtype.itemsize)
    if shuffled is None or n > longest:
        return None
    pieces = []
    for start in range(0, length, n):
        chunk = _inflate(variable, start, n * dtype.itemsize, whole)
        if chunk is None:
            return None
        pieces.append(
            _unshuffled(chunk, dtype) if shuffled and dtype.itemsize > 1 else np.frombuffer(chunk, dtype)
        )
    return (pieces[0] if len(pieces) == 1 else np.concatenate(pieces))[:length]


def _filters(stored: h5py.h5p.PropDCID, item: int) -> bool | None:
    """Tell whether values of so many bytes are shuffled before they are deflated; None if it is otherwise."""
    filters = [stored.get_filter(i) for i in range(stored.get_nfilters())]
    if not filters or filters[-1][0] != _DEFLATE or not _is_level(filters[-1][2]):
        return None
    before = [(number, values) for number, _, values, _ in filters[:-1]]
    return bool(before) if before in ([], [(_SHUFFLE, (item,))]) else None


def _is_level(values: tuple[int, ...]) -> bool:
    """Tell whether a filter's values are one level of zlib: HDF5 refuses others when it reads."""
    return len(values) == 1 and values[0] <= _HIGHEST_LEVEL


def _inflate(variable: h5py.h5d.DatasetID, start: int, size: int, whole: memoryview) -> bytearray | None:
    """Return what the chunk from a value on holds, as long as it has to be, or None."""
    info = variable.get_chunk_info_by_coord((start,))
    if info.byte_offset is None or info.filter_mask or info.byte_offset + info.size > len(whole):
        return None
    try:
        chunk = zlib_decompress(whole[info.byte_offset : info.byte_offset + info.size], size)
    except DeflateError:
        return None
    return chunk if len(chunk) == size else None


def _unshuffled(chunk: bytearray, dtype: np.dtype) -> np.ndarray:
    """Return values whose first bytes come first, then all second ones, and so on (HDF5's shuffle filter).

    Blosc does that too, in a third of numpy's time. It takes the bytes as what it calls a chunk: a header,
    where the only block begins, and the length of that, which is that of the values, as nothing is
    compressed (C-Blosc's chunk format, version 1).
    """
    size, values = len(chunk), np.empty(len(chunk) // dtype.itemsize, dtype)
    header = _HEADER.pack(2, 1, _SHUFFLED, dtype.itemsize, size, size, _HEADER.size + size, 20, size)
    _BLOSC.decode(header + chunk, values)
    return values
