#!/usr/bin/env bash
# ppigrf gives NaN for the eastward field at the north pole, and a number at the south pole.
#
# Versions: ppigrf 2.1.0, numpy 2.2.6.
# Expected: at both poles the components for the longitude asked for, as a hair beside them; or NaN at both.
# Seen: at latitude 90 the eastward component is NaN, with a RuntimeWarning of numpy, and the other two are right. At
#   -90 all three are numbers, since the cosine of that latitude is not quite 0 in floating point.
# For us: orbits and field lines that pass over the pole are looked at beside it.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ppigrf==2.1.0 numpy==2.2.6 pandas==2.3.3 2> /dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import datetime as dt
import warnings
from importlib.metadata import version

import numpy as np
import ppigrf

warnings.simplefilter("ignore", RuntimeWarning)


def field(latitude):
    """Eastward, northward and upward, nT, at 800 km over the meridian of 10 degrees."""
    return np.ravel(ppigrf.igrf(10, latitude, 800, dt.datetime(2015, 3, 1)))


print("ppigrf", version("ppigrf"))
for latitude in (89.9999, 90, -89.9999, -90):
    print(latitude, field(latitude).round(1).tolist())
north, south = field(90), field(-90)
seen = np.isnan(north[0]) and np.isfinite(north[1:]).all() and np.allclose(north[1:], field(89.9999)[1:], atol=1)
seen &= np.allclose(south, field(-89.9999), atol=1)
raise SystemExit(0 if seen else "no longer as described")
PYTHON
