"""Arrays inside a page: bytes that a script in it unpacks, without a network and without a library.

The content is JSON that describes the arrays, then the arrays; all of it gzip, in base64. So no text that it
holds can become markup. Each array is stored byte by byte of its numbers (all first bytes, then all second
ones), of increasing whole numbers the steps, of few values these and then which each is: gzip finds more
alike then.
"""

import base64
import gzip
import json
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

TYPES = {"uint8": "u1", "uint16": "u2", "int32": "i4", "float32": "f4"}
"""Types of numbers that a page can hold, and what it calls them."""


def pack(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], steps: Collection[str] = ()) -> str:
    """Return facts and arrays as text for a page; equal content gives equal text.

    Parameters
    ----------
    facts : mapping
        What JSON can hold.
    arrays : mapping of str to ndarray, shape (n,)
        Numbers of one of `TYPES`.
    steps : collection of str
        Which int32 arrays are stored as steps from one number to the next.

    Raises
    ------
    ValueError
        If an array is of another type.
    """
    described, planes = [], []
    for name, values in arrays.items():
        kind = TYPES.get(values.dtype.name)
        if kind is None or (name in steps and kind != "i4"):
            raise ValueError(
                f"{name} is {values.dtype}; a page holds {', '.join(TYPES)}, steps of int32 only"
            )
        stored = np.diff(values, prepend=np.int32(0)) if name in steps else values
        distinct, codes = (stored, None) if name in steps else _few(values)
        described.append([name, kind, values.size, int(name in steps), 0 if codes is None else distinct.size])
        planes.append(_planes(distinct, kind))
        if codes is not None:
            planes.append(_planes(codes, "u1" if distinct.size <= 256 else "u2"))
    head = json.dumps({"facts": facts, "arrays": described}, sort_keys=True, allow_nan=False).encode()
    content = b"".join([len(head).to_bytes(4, "little"), head, *planes])
    return base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()


def _few(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the distinct numbers and which of them each is, or all and nothing if they are not few."""
    most = min(values.size // 16, 2**16)
    if values.itemsize < 4 or not most:
        return values, None
    bits = values.view(np.int32)  # so that a number that is none is as good as any
    distinct, codes = np.unique(bits, return_inverse=True)
    return (values, None) if distinct.size > most else (distinct.view(values.dtype), codes)


def _planes(values: np.ndarray, kind: str) -> bytes:
    """Return the bytes of numbers: all first ones, which are the lowest, then all second ones and so on."""
    little = np.ascontiguousarray(values.astype(f"<{kind}"))
    return little.view(np.uint8).reshape(-1, little.itemsize).T.tobytes()
