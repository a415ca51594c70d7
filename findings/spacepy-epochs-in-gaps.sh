#!/usr/bin/env bash
# SpacePy's superposed epochs take records from far away where the data have a gap, and label them as near.
#
# Versions: spacepy 0.7.0, numpy 2.2.6, scipy 1.16.0, matplotlib 3.10.3.
# Expected: Sea is given a time for every sample; lags of -3 to 3 h around an epoch in a gap are missing.
# Seen: the window is a number of samples around the nearest one. Of hourly data without the hours 20-39, the window of
#   an epoch at hour 30 has samples 13 h before to 13 h after it, labelled -3 to 3 h. No warning says so.
# For us: a satellite's records end and begin again several times a day; they must be laid on an even time axis, with
#   NaN where there is none, before epochs are superposed.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export SPACEPY="$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet spacepy==0.7.0 numpy==2.2.6 scipy==1.16.0 matplotlib==3.10.3 2> /dev/null
cd "$folder"
"$folder/venv/bin/python" - 2> /dev/null <<'PYTHON'
import datetime as dt
from importlib.metadata import version

import numpy as np
from spacepy.seapy import Sea

start = dt.datetime(2015, 3, 1)


def lags(hours, epochs):
    """Hours between each epoch and the samples that were taken for lags of -3 to 3 h."""
    hour = dt.timedelta(hours=1)
    times = [start + int(h) * hour for h in hours]
    sea = Sea(hours.astype(float), times, [start + e * hour for e in epochs], window=3 * hour, delta=hour, verbose=False)
    sea.sea()
    return (sea.datacube - np.array(epochs)[:, None]).astype(int).tolist()


whole, gap = np.arange(100), np.r_[0:20, 40:100]
EPOCHS = [30, 70]
print("spacepy", version("spacepy"))
found = [lags(hours, EPOCHS) for hours in (whole, gap)]
print(f"no gap: epochs at {EPOCHS} h, samples at {found[0]}")
print(f"hours 20-39 missing: samples at {found[1]}")
right = [-3, -2, -1, 0, 1, 2, 3]
seen = found == [[right, right], [[-13, -12, -11, 10, 11, 12, 13], right]]
raise SystemExit(0 if seen else "no longer as described")
PYTHON
