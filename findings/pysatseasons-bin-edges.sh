#!/usr/bin/env bash
# pysatSeasons takes a list of bin edges for "lowest, highest, number of bins", and maps another range without a word.
#
# Versions: pysatSeasons 0.2.1, pysat 3.2.2, numpy 2.2.6, pandas 2.3.0, xarray 2025.7.1.
# Expected: the documentation of occur_prob lets bins be [min, max, number of bins] or the edges themselves. So L edges
#   3, 4, 5, 6, 8, 10 give the five shells between them.
# Seen: the first three numbers alone are used, as lowest, highest and number. There are five bins as asked, but they
#   lie between L = 3 and 4: days with measurements further out are not counted, and the bin that should be L = 5-6 has
#   the occurrence of 3.4-3.6. No warning is given. The same edges as floating-point numbers end with a TypeError.
# For us: who compares our maps over L and MLT with pysatSeasons' gives [min, max, number], and looks at the edges that
#   come back with return_bins=True.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pysatSeasons==0.2.1 pysat==3.2.2 numpy==2.2.6 pandas==2.3.0 xarray==2025.7.1 \
    2> /dev/null
cd "$folder"
# pysat keeps its settings in the home directory.
export HOME="$folder"
mkdir data
"$folder/venv/bin/python" -c 'import pysat; pysat.params["data_dirs"] = "data"' > /dev/null 2>&1
"$folder/venv/bin/python" - 2> /dev/null <<'PYTHON'
import datetime as dt
from importlib.metadata import version

import numpy as np
import pysat
from pysatSeasons import occur_prob

SHELLS = [3.5, 4.5, 5.5, 7, 9]


def measured(satellite):
    """A sample a day in every shell and sector of six hours; what is counted is there at L = 5.5 only."""
    satellite["L"], satellite["MLT"] = np.repeat(SHELLS, 4), np.tile([3.0, 9, 15, 21], len(SHELLS))
    satellite["counts"] = np.where(satellite["L"] == 5.5, 100.0, 0.0)


def by_shell(bins):
    """Edges that were used, days with measurements and occurrence in the first sector."""
    satellite = pysat.Instrument("pysat", "testing", num_samples=4 * len(SHELLS))
    satellite.custom_attach(measured)
    satellite.bounds = dt.datetime(2009, 1, 1), dt.datetime(2009, 1, 3)
    found = occur_prob.daily2D(satellite, bins, "L", [0, 24, 4], "MLT", ["counts"], [50], return_bins=True)["counts"]
    return np.round(found["bin_x"], 9).tolist(), found["count"][0].tolist(), found["prob"][0].tolist()


print("pysatSeasons", version("pysatSeasons"), "pysat", version("pysat"))
found = {}
for bins in ([3, 8, 5], [3, 4, 5, 6, 8, 10]):
    edges, days, occurrence = by_shell(bins)
    found[len(bins)] = edges, days, occurrence[2]
    print(f"asked {bins}: edges {edges}, days {days}, occurrence {occurrence}")
seen = found[3] == ([3, 4, 5, 6, 7, 8], [3, 3, 3, 0, 3], 1)
seen &= found[6] == ([3, 3.2, 3.4, 3.6, 3.8, 4], [0, 0, 3, 0, 0], 0)
try:
    by_shell([3.0, 4.0, 5.0, 6.0, 8.0, 10.0])
    seen = False
except TypeError as e:
    print(f"the same edges as floating-point numbers: TypeError: {e}")
raise SystemExit(0 if seen else "no longer as described")
PYTHON
