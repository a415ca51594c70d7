#!/usr/bin/env bash
# cdflib writes NaN as -1e31 also where the variable's own FILLVAL says otherwise; read back it is a measurement.
#
# Versions: cdflib 1.3.4, xarray 2025.7.1, numpy 2.2.6.
# Expected: xarray_to_cdf writes a NaN as the FILLVAL that the variable has, or refuses; cdf_to_xarray with
#   fillval_to_nan gives back NaN where there was one.
# Seen: FILLVAL = -999 goes to the file, and the NaN beside it as -1e31. Both are read back: -999 as NaN, and the
#   NaN as -1e31, a number like any other. Of FILLVAL = -1e31 both come back as NaN.
# For us: fluxes with -999 as their sentinel, as NOAA's are, must have their NaN filled before they go to a CDF.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet cdflib==1.3.4 xarray==2025.7.1 numpy==2.2.6 2> /dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import logging
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr
from cdflib.xarray import cdf_to_xarray, xarray_to_cdf

logging.disable(logging.CRITICAL)


def there_and_back(fill):
    flux = ("time", np.array([1, fill, np.nan, 4], np.float32), {"FILLVAL": np.float32(fill)})
    time = np.datetime64("2015-03-01", "ns") + np.arange(4) * np.timedelta64(2, "s")
    xarray_to_cdf(xr.Dataset({"flux": flux}, {"time": time}), "a.cdf", istp=False)
    back = cdf_to_xarray("a.cdf", fillval_to_nan=True)["flux"].values
    Path("a.cdf").unlink()
    return back


print("cdflib", version("cdflib"))
for fill in (-999, -1e31):
    print(f"FILLVAL {fill:g}: [1, {fill:g}, nan, 4] comes back as {there_and_back(fill).tolist()}")
nan = np.nan
seen = np.array_equal(there_and_back(-999), np.float32([1, nan, -1e31, 4]), equal_nan=True)
seen &= np.array_equal(there_and_back(-1e31), np.float32([1, nan, nan, 4]), equal_nan=True)
raise SystemExit(0 if seen else "no longer as described")
PYTHON
