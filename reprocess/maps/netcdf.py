"""Maps as NetCDF's classic format with 64-bit offsets.

HDF5 stamps the time of writing into every file; here equal maps are equal bytes. SciPy writes the file.
xarray's `to_netcdf` would have SciPy write the same one, byte for byte, but imports `distributed` to ask
whether it runs, which takes as long as drawing a figure.
"""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from reprocess import schema
from reprocess.maps.plain import Maps, Values

if TYPE_CHECKING:
    from reprocess.maps.plain import AnyMaps

_OF_COORDINATE = ("units", "long_name")
"""Attributes that CF says bounds share with what they bound (section 7.1)."""


def encode(dataset: "AnyMaps") -> bytes:
    """Return a dataset as the bytes of a NetCDF file.

    Parameters
    ----------
    dataset : Maps or xarray.Dataset
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


def decode(data: bytes) -> Maps:
    """Return the maps that `encode` made these bytes of; what names a dimension is a coordinate, and bounds.

    Raises
    ------
    ValueError, TypeError, KeyError, IndexError, EOFError
        If they are damaged.
    """
    from scipy.io import netcdf_file

    with netcdf_file(io.BytesIO(data), "r", mmap=False) as file:
        variables = {name: _decode(variable) for name, variable in file.variables.items()}
        attributes = _attributes(file)
    bounds = {one.attrs.get("bounds") for one in variables.values()}
    coordinates = [name for name, one in variables.items() if one.dims == (name,) or name in bounds]
    return Maps(variables, coordinates, attributes)


def _decode(variable: Any) -> Values:
    """Return a variable as numpy has it."""
    attributes, values = _attributes(variable), variable[...]
    if attributes.pop("_Encoding", None) is not None:
        width = values.shape[-1]
        text = np.ascontiguousarray(values).view(f"S{width}").reshape(values.shape[:-1])
        return Values(variable.dimensions[:-1], np.strings.decode(text, "utf-8"), attributes)
    values = values.astype(values.dtype.newbyteorder("="))
    if (fill := attributes.pop("_FillValue", None)) is not None:
        values = np.where(values == fill, np.nan, values)
    return Values(variable.dimensions, values, attributes)


def _attributes(holder: Any) -> dict[str, Any]:
    """Return what a file or a variable of SciPy's says of itself; xarray asks for it so, too."""
    plain = {}
    for key, value in holder._attributes.items():
        plain[key] = value.decode() if isinstance(value, bytes) else np.asarray(value).tolist()
    return plain


def _encode(dataset: "AnyMaps", name: str) -> tuple[tuple[str, ...], np.ndarray, dict[str, Any]]:
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


def _set(holder: Any, attributes: Mapping[Any, Any]) -> None:
    """Give attributes to a file or a variable: text in UTF-8, numbers as arrays."""
    for key, value in attributes.items():
        plain = value.encode() if isinstance(value, str) else _narrow(str(key), np.atleast_1d(value))
        setattr(holder, str(key), plain)
