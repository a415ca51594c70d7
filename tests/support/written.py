"""Formats that any part of the archive can be written in, and how each is read back, as users do."""

import xarray as xr

WRITERS = {
    "zarr": lambda part, path: part.to_zarr(path, zarr_format=3, consolidated=False),
    "classic": lambda part, path: part.to_netcdf(path, engine="scipy", format="NETCDF3_64BIT"),
    "netcdf4": lambda part, path: part.to_netcdf(path, engine="h5netcdf"),
}
READERS = {
    "zarr": lambda path: xr.open_zarr(path, consolidated=False),
    "classic": lambda path: xr.open_dataset(path, engine="scipy"),
    "netcdf4": lambda path: xr.open_dataset(path, engine="h5netcdf"),
}
