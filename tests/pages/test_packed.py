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

    def planes(kind: str, size: int) -> np.ndarray:
        nonlocal start
        width = np.dtype(kind).itemsize
        plane = np.frombuffer(content, np.uint8, size * width, start).reshape(width, size)
        start += size * width
        return np.ascontiguousarray(plane.T).view(f"<{kind}").ravel()

    for name, kind, size, is_steps, distinct in head["arrays"]:
        values = planes(kind, distinct or size)
        if distinct:
            values = values[planes("u2" if distinct > 256 else "u1", size)]
        found[name] = np.cumsum(values, dtype=np.int32) if is_steps else values
    assert start == len(content)
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


@pytest.mark.parametrize("distinct", [1, 2, 256, 257, 4096, 70_000])
def test_few_numbers_take_little_and_none_is_lost(distinct: int) -> None:
    rng = np.random.default_rng(distinct)
    numbers = rng.integers(-(2**31), 2**31, distinct).astype(np.int32)
    whole = rng.permutation(np.resize(numbers, 40_000))
    given_ = {"whole": whole, "single": whole.view(np.float32), "little": np.float32([0.0, -0.0, np.nan])}
    packed = pack({}, given_)
    _, found = unpack(packed)
    for name, values in given_.items():
        np.testing.assert_array_equal(found[name].view(np.int32), values.view(np.int32), err_msg=name)
    assert (len(packed) < 4 / 3 * 8 * 40_000 * 0.6) == (distinct <= 2500)


@pytest.mark.parametrize(("dtype", "steps"), [("float64", ()), ("int64", ()), ("float32", ("x",))])
def test_other_numbers_are_refused(dtype: str, steps: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=f"x is {dtype}; a page holds"):
        pack({}, {"x": np.zeros(3, dtype)}, steps)
