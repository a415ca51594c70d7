"""Maps are the bytes that xarray would write, and no others."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reprocess import schema
from reprocess.maps.netcdf import encode

DIMS = ("part", "L")
SHAPE = (2, 3)
NUMBERS = st.sampled_from(["f8", "f4", "i4", "i8", "i2"]).flatmap(
    lambda dtype: arrays.arrays(
        dtype,
        SHAPE,
        elements=st.floats(-1e6, 1e6, width=32) | st.just(np.nan)
        if dtype.startswith("f")
        else st.integers(-30_000, 30_000),
    )
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["units", "long_name", "source", "valid_min"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=9)
    | st.integers(-9, 9)
    | st.floats(-9, 9),
)


def by_xarray(dataset: xr.Dataset) -> bytes:
    encoding = {
        name: {"_FillValue": schema.FILL if v.dtype.kind == "f" and np.isnan(v.values).any() else None}
        for name, v in dataset.variables.items()
    }
    return bytes(dataset.to_netcdf(engine="scipy", format="NETCDF3_64BIT", encoding=encoding))


@given(values=st.lists(NUMBERS, max_size=3), attributes=st.lists(ATTRIBUTES, min_size=5, max_size=5))
def test_bytes_are_those_of_xarray(values: list[np.ndarray], attributes: list[dict[str, object]]) -> None:
    labels = np.array(["noaa15", "all years"])
    bounds = np.array([[2.5, 3.0], [3.0, 3.5], [3.5, 4.0]])
    found = {f"v{k}": (DIMS, v, attributes[k]) for k, v in enumerate(values)}
    found["total"] = ((), np.float64(3), {})
    found["L_bounds"] = (("L", "edge"), bounds, attributes[3])
    dataset = xr.Dataset(
        found,
        coords={
            "part": ("part", labels, {"long_name": "what the map is split by"}),
            "L": ("L", bounds.mean(axis=1), attributes[3] | {"bounds": "L_bounds"}),
        },
        attrs=attributes[4],
    )
    assert encode(dataset) == by_xarray(dataset)


def test_what_was_read_is_written_again(tmp_path) -> None:
    dataset = xr.Dataset({"n": ("part", np.array([1, 2]))}, coords={"part": ["REP", "CSS"]})
    path = tmp_path / "a.nc"
    path.write_bytes(encode(dataset))
    assert encode(xr.load_dataset(path, engine="scipy")) == path.read_bytes()


def test_number_too_large_for_the_format_is_refused() -> None:
    with pytest.raises(ValueError, match=r"seconds has 3000000000, which is more than NetCDF's 32 bits hold"):
        encode(xr.Dataset({"seconds": ("L", np.array([3_000_000_000]))}))
