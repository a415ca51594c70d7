#!/usr/bin/env bash
# pyIGRF's yearly change of the magnetic field is wrong by thousands of nT in the last year that it has a field for.
#
# Versions: pyIGRF 0.3.3, numpy 2.2.6.
# Expected: igrf_variation gives a few nT to tens of nT a year wherever igrf_value gives a field, which is to 2025.0;
#   for later dates an error, NaN, or a field continued with a warning.
# Seen: the change is half the difference of the fields a year later and a year earlier, and the field of a date after
#   2025.0 is zero, with a total of 1 nT and two lines on standard output. So half the field itself comes out for 2024.5,
#   -5440 nT a year in the horizontal component, where ten years earlier it is -3.
# For us: days of 2024 and later are no place for it. (1.0.0, the newest, was installed without the file of its
#   coefficients and could not be imported.)
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyIGRF==0.3.3 numpy==2.2.6 2> /dev/null
"$folder/venv/bin/python" - <<'PYTHON'
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO

import numpy as np
import pyIGRF

print("pyIGRF", version("pyIGRF"))
PLACE = 60.0, 20.0, 850.0
"""Latitude, longitude (degrees), altitude (km)."""


def called(function, year):
    """Return horizontal, northward, eastward, downward and total, nT (a year), and what was printed."""
    said = StringIO()
    with redirect_stdout(said):
        values = function(*PLACE, year)
    return np.array(values[2:], float), said.getvalue()


changes = {}
for year in (2014.5, 2023.5, 2024.5):
    field, said = called(pyIGRF.igrf_value, year)
    changes[year], _ = called(pyIGRF.igrf_variation, year)
    print(f"{year}: field {field.round().tolist()} nT, change {changes[year].round().tolist()} nT a year")
after, said = called(pyIGRF.igrf_value, 2025.5)
print(f"2025.5: field {after.tolist()} nT")
seen = all(np.abs(changes[year]).max() < 50 for year in (2014.5, 2023.5))
seen &= np.allclose(2 * changes[2024.5], -called(pyIGRF.igrf_value, 2023.5)[0], rtol=1e-3, atol=1)
seen &= after.tolist() == [0, 0, 0, 0, 1] and "will not work" in said
raise SystemExit(0 if seen else "no longer as described")
PYTHON
