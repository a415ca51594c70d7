#!/usr/bin/env bash
# pyspedas' averages of so many samples carry times at which nothing was measured where the data have a gap.
#
# Versions: pyspedas 2.0.6, numpy 2.2.6.
# Expected: avg_data(width=4) gives each average the mean time of its four samples, or the middle of their span.
# Seen: the span of the whole variable is divided evenly. Samples at 0-6 s and 100-106 s give averages at 26.5 and
#   79.5 s, in the gap. Without a gap they are off too: 3.5 and 10.5 s for 0-6 and 8-14 s. With res= the times are right.
# For us: records of 2 s have gaps of minutes to hours every day; averages over them want res=, in seconds.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspedas==2.0.6 numpy==2.2.6 2> /dev/null
cd "$folder"
"$folder/venv/bin/python" - 2> /dev/null <<'PYTHON'
import logging
from importlib.metadata import version

import numpy as np
from pyspedas import avg_data, get_data, store_data

logging.disable(logging.CRITICAL)
START = 1.425168e9


def averages(seconds, **how):
    store_data("counts", data={"x": START + seconds, "y": seconds})
    avg_data("counts", newname="mean", **how)
    mean = get_data("mean")
    had = np.isfinite(mean.y)
    return (mean.times[had] - START).tolist(), mean.y[had].tolist()


even = np.arange(8) * 2.0
gap = even + np.where(even < 8, 0, 92)
print("pyspedas", version("pyspedas"))
found = {}
for name, seconds in (("no gap", even), ("gap", gap)):
    found[name] = averages(seconds, width=4)
    print(f"{name}: samples at {seconds.tolist()} s; averages at {found[name][0]}, mean times {found[name][1]}")
print("gap, res=8:", averages(gap, res=8.0))
seen = found == {"no gap": ([3.5, 10.5], [3.0, 11.0]), "gap": ([26.5, 79.5], [3.0, 103.0])}
raise SystemExit(0 if seen else "no longer as described")
PYTHON
