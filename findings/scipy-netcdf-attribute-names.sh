#!/usr/bin/env bash
# A NetCDF-3 file with a global attribute `mode` or `dimensions` cannot be written or read by xarray's engine scipy.
#
# Versions: xarray 2025.7.1, scipy 1.15.3, netCDF4 1.7.2, numpy 2.2.6.
# Expected: an attribute may have any name that NetCDF allows; at worst one is lost.
# Seen: SciPy keeps a file's attributes where it keeps its own state, under the same names. Writing `mode` ends with a
#   TypeError about bytes, and so does reading a file with `mode` or `dimensions`; of a variable, `data` ends with an
#   AttributeError and `dimensions` with a ValueError about the shape. No message names the attribute. The engine
#   netcdf4 reads all of these files.
# For us: instruments have modes. What a file says of a run's mode is called otherwise, as the same file must open everywhere.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet xarray==2025.7.1 scipy==1.15.3 netCDF4==1.7.2 numpy==2.2.6 2> /dev/null
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import xarray as xr


def outcome(engine_writes, engine_reads, of_file, of_variable):
    dataset = xr.Dataset({"counts": ("time", [1.0, 2.0], of_variable)}, attrs=of_file)
    try:
        dataset.to_netcdf("a.nc", engine=engine_writes, format="NETCDF3_CLASSIC")
    except (AttributeError, TypeError, ValueError) as e:
        return f"not written: {type(e).__name__}"
    try:
        with xr.open_dataset("a.nc", engine=engine_reads) as back:
            return "read" if back.attrs == of_file and back["counts"].attrs == of_variable else "changed"
    except (AttributeError, TypeError, ValueError) as e:
        return f"not read: {type(e).__name__}"


print("xarray", version("xarray"), "scipy", version("scipy"))
expected = {
    ("scipy", "scipy", "survey", ""): "read",
    ("scipy", "scipy", "mode", ""): "not written: TypeError",
    ("netcdf4", "scipy", "mode", ""): "not read: TypeError",
    ("netcdf4", "scipy", "dimensions", ""): "not read: TypeError",
    ("netcdf4", "netcdf4", "dimensions", ""): "read",
    ("netcdf4", "scipy", "", "data"): "not read: AttributeError",
    ("netcdf4", "scipy", "", "dimensions"): "not read: ValueError",
    ("netcdf4", "netcdf4", "", "dimensions"): "read",
}
seen = {}
for case in expected:
    writes, reads, of_file, of_variable = case
    attributes = [{name: "survey"} if name else {} for name in (of_file, of_variable)]
    seen[case] = outcome(writes, reads, *attributes)
    print(f"{writes} to {reads}, attribute of the file {of_file!r}, of a variable {of_variable!r}: {seen[case]}")
raise SystemExit(0 if seen == expected else "no longer as described")
PYTHON
