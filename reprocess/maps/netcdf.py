"""Maps as NetCDF's classic format with 64-bit offsets.

HDF5 stamps the time of writing into every file; here equal maps are equal bytes. SciPy writes the file.
xarray's `to_netcdf` would have SciPy write the same one, byte for byte, but imports `distributed` to ask
whether it runs, which takes as long as drawing a figure.
"""

import io
from typing import Any

import numpy as np
import xarray as xr

from reprocess import schema

_OF_COORDINATE = ("units", "long_name")
"""Attributes that CF says bounds share with what they bound (section 7.1)."""


def encode(dataset: xr.Dataset) -> bytes:
    """Return a dataset as the bytes of a NetCDF file.

    Parameters
    ----------
    dataset : xarray.Dataset
        Numbers and text; attributes are numbers and text too. Missing numbers become `schema.FILL`.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If a whole number is too large for the format's 32 bits.
    """
    from scipy.io import netcdf_file

    buffer = io.BytesIO()
    file = netcdf_file(buffer, "w", version=2)
    _set(file, dataset.attrs)
    encoded = {str(name): _encode(dataset, str(name)) for name in dataset.variables}
    sizes = {d: n for dims, values, _ in encoded.values() for d, n in zip(dims, values.shape, strict=True)}
    for dimension, size in sizes.items():
        file.createDimension(dimension, size)
    for name, (dims, values, attributes) in encoded.items():
        variable = file.createVariable(name, values.dtype, dims)
        _set(variable, attributes)
        variable[...] = values
    file.flush()  # and not close(), which would close the buffer
    return buffer.getvalue()


def _encode(dataset: xr.Dataset, name: str) -> tuple[tuple[str, ...], np.ndarray, dict[str, Any]]:
    """Return a variable's dimensions, values and attributes as the format has them."""
    variable = dataset.variables[name]
    dims, values = tuple(str(d) for d in variable.dims), np.asarray(variable.values)
    attributes = {str(key): value for key, value in variable.attrs.items()}
    for other in dataset.variables.values():
        if other.attrs.get("bounds") == name:
            attributes = {k: v for k, v in attributes.items() if k not in _OF_COORDINATE}
    if values.dtype.kind in "OTU":  # text that was read from a file is objects
        text = np.strings.encode(values.astype(str), "utf-8")
        width = text.dtype.itemsize
        letters = np.ascontiguousarray(text).view("S1").reshape(*text.shape, width)
        return (*dims, f"string{width}"), letters, attributes | {"_Encoding": "utf-8"}
    if values.dtype.kind == "f" and (missing := np.isnan(values)).any():
        fill = values.dtype.type(schema.FILL)
        return dims, np.where(missing, fill, values), attributes | {"_FillValue": fill}
    return dims, _narrow(name, values), attributes


def _narrow(name: str, values: np.ndarray) -> np.ndarray:
    """Return numbers in a type that the format has: it has no whole numbers of 64 bits."""
    if values.dtype != np.int64:
        return values
    narrow = values.astype(np.int32)
    if not np.array_equal(narrow, values):
        raise ValueError(f"{name} has {np.abs(values).max()}, which is more than NetCDF's 32 bits hold")
    return narrow


def _set(holder: Any, attributes: dict[Any, Any]) -> None:
    """Give attributes to a file or a variable: text in UTF-8, numbers as arrays."""
    for key, value in attributes.items():
        plain = value.encode() if isinstance(value, str) else _narrow(str(key), np.atleast_1d(value))
        setattr(holder, str(key), plain)
