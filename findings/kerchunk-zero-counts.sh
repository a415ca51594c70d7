#!/usr/bin/env bash
# Counts of zero in an HDF5 file are NaN when the file is read as Zarr through kerchunk's references.
#
# Versions: kerchunk 0.2.10, xarray 2025.7.1, zarr 3.1.3, h5py 3.14.0, numpy 2.2.6.
# Expected: an HDF5 file without any _FillValue, opened through references, has the values that h5netcdf gives:
#   counts [0, 1, 2, 0].
# Seen: [nan, 1, 2, nan], of whole numbers too, and the time axis begins with NaN. The fill value that HDF5 gives
#   every array (0, for chunks never written) becomes fill_value of Zarr 2, which xarray takes for "no measurement".
# For us: a detector over the poles counts zero most of the time. NOAA's files are spared, because the netCDF library
#   wrote them with fills of its own (9.97e36); HDF5 written by h5py with its defaults is not.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet kerchunk==0.2.10 xarray==2025.7.1 zarr==3.1.3 h5py==3.14.0 h5netcdf==1.6.4 \
    numpy==2.2.6 2> /dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import fsspec
import h5py
import numpy as np
import xarray as xr
from kerchunk.hdf import SingleHdf5ToZarr
from zarr.storage import FsspecStore

warnings.simplefilter("ignore")
COUNTS = np.array([0, 1, 2, 0], np.int16)
with h5py.File("a.nc", "w") as file:
    axis = file.create_dataset("time", data=np.arange(4))
    axis.make_scale("time")
    file.create_dataset("counts", data=COUNTS, chunks=(2,)).dims[0].attach_scale(axis)
    file.create_dataset("flux", data=COUNTS.astype(np.float32), chunks=(2,)).dims[0].attach_scale(axis)

references = SingleHdf5ToZarr("a.nc").translate()
files = fsspec.filesystem("reference", fo=references, asynchronous=True)
through = xr.open_dataset(FsspecStore(files, read_only=True), engine="zarr", consolidated=False)
plain = xr.open_dataset("a.nc", engine="h5netcdf")
print("kerchunk", version("kerchunk"), "xarray", version("xarray"), "zarr", version("zarr"))
for name in ("counts", "flux", "time"):
    print(f"{name}: h5netcdf {plain[name].values.tolist()}, through kerchunk {through[name].values.tolist()}")
masked = np.where(COUNTS == 0, np.nan, COUNTS)
seen = all(np.array_equal(through[n].values, masked, equal_nan=True) for n in ("counts", "flux"))
seen &= bool(np.isnan(through["time"].values[0])) and np.array_equal(plain["counts"].values, COUNTS)
raise SystemExit(0 if seen else "no longer as described")
PYTHON
