#!/usr/bin/env bash
# speasy returns the whole variable where it is sliced by times as text, and goes by the machine's zone for others.
#
# Versions: speasy 1.9.1, numpy 2.2.6, astropy 7.1.0, pandas 2.3.3.
# Expected: spz.get_data takes times as text and those of datetime without a zone as UTC; a slice of what it returns
#   takes both alike, or refuses text.
# Seen: between two texts lies everything, whatever they say: times, or words that are none. No warning is given.
#   Between two times of datetime without a zone lies what lies between them in local time: nothing of data from 00:00
#   to 00:18 UTC where clocks are two hours ahead. With datetime64, or a zone, the slice is right.
# For us: a slice of minutes around an event is cut with datetime64.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet speasy==1.9.1 numpy==2.2.6 astropy==7.1.0 pandas==2.3.3 2> /dev/null
HOME=$folder SPEASY_CORE_DISABLED_PROVIDERS=amda,cda,csa,ssc,uiowa TZ=EET-2 "$folder/venv/bin/python" - <<'PYTHON'
import datetime as dt
from importlib.metadata import version

import numpy as np
from speasy.core.data_containers import DataContainer, VariableTimeAxis
from speasy.products.variable import SpeasyVariable

first = np.datetime64("2015-03-01T00:00:00", "ns")
time = first + np.arange(10) * np.timedelta64(2, "m")
counts = DataContainer(values=np.arange(10.0).reshape(-1, 1), meta={}, name="counts")
variable = SpeasyVariable(axes=[VariableTimeAxis(values=time)], values=counts, columns=["counts"])


def between(start, stop):
    """Return the values of a slice."""
    return [int(value) for value in variable[start:stop].values.ravel()]


print("speasy", version("speasy"))
slices = {
    "datetime64": between(np.datetime64("2015-03-01T00:04:00"), np.datetime64("2015-03-01T00:08:00")),
    "text": between("2015-03-01T00:04:00", "2015-03-01T00:08:00"),
    "words": between("dusk", "dawn"),
    "datetime, UTC": between(
        dt.datetime(2015, 3, 1, 0, 4, tzinfo=dt.timezone.utc), dt.datetime(2015, 3, 1, 0, 8, tzinfo=dt.timezone.utc)
    ),
    "datetime": between(dt.datetime(2015, 3, 1, 0, 4), dt.datetime(2015, 3, 1, 0, 8)),
}
for kind, values in slices.items():
    print(f"{kind}: {values}")
seen = slices["datetime64"] == slices["datetime, UTC"] == [2, 3]
seen &= slices["text"] == slices["words"] == list(range(10)) and slices["datetime"] == []
raise SystemExit(0 if seen else "no longer as described")
PYTHON
