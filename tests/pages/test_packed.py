"""Arrays inside a page come out of it as they went in."""

import base64
import gzip
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reprocess.pages.packed import TYPES, pack


def unpack(text: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a page's script does."""
    content = gzip.decompress(base64.b64decode(text))
    start = 4 + int.from_bytes(content[:4], "little")
    head = json.loads(content[4:start])
    found = {}
    for name, kind, size, is_steps in head["arrays"]:
        width = np.dtype(kind).itemsize
        plane = np.frombuffer(content, np.uint8, size * width, start).reshape(width, size)
        values = np.ascontiguousarray(plane.T).view(f"<{kind}").ravel()
        found[name] = np.cumsum(values, dtype=np.int32) if is_steps else values
        start += size * width
    return head["facts"], found


@settings(max_examples=30)
@given(st.data(), st.text(max_size=5))
def test_what_goes_in_comes_out(data: st.DataObject, text: str) -> None:
    given_ = {name: data.draw(arrays.arrays(name, 3)) for name in TYPES}
    steps = data.draw(st.sets(st.just("int32")))
    facts, found = unpack(packed := pack({"text": text}, given_, steps))
    assert facts == {"text": text}
    for name, values in given_.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype
    assert packed == pack({"text": text}, given_, steps)
    assert set(packed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


@pytest.mark.parametrize(("dtype", "steps"), [("float64", ()), ("int64", ()), ("float32", ("x",))])
def test_other_numbers_are_refused(dtype: str, steps: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=f"x is {dtype}; a page holds"):
        pack({}, {"x": np.zeros(3, dtype)}, steps)
