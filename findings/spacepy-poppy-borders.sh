#!/usr/bin/env bash
# SpacePy's association analysis counts a pair of events twice where its lag lies between two windows.
#
# Versions: spacepy 0.7.0, numpy 2.2.6, scipy 1.16.0, matplotlib 3.10.3.
# Expected: windows of half-width 10 s around lags 20 s apart share nothing but their borders; each pair of events is in
#   one of them, so that association numbers add up to the number of pairs.
# Seen: a window has both its ends. Ten pairs, each 10 s apart, are counted as ten at lag 0 and ten at lag 20.
# For us: records come every 2 s, so that lags on a border are the rule, not a chance; a half-width of an odd number of
#   seconds has none.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export SPACEPY="$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet spacepy==0.7.0 numpy==2.2.6 scipy==1.16.0 matplotlib==3.10.3 2> /dev/null
cd "$folder"
"$folder/venv/bin/python" - 2> /dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
from spacepy.poppy import PPro

one = np.arange(0.0, 1000.0, 100.0)
lags = np.arange(-40.0, 41.0, 20.0)
found = {}
for apart in (10.0, 8.0):
    process = PPro(one, one + apart, lags=lags, winhalf=10.0)
    process.assoc()
    found[apart] = process.assoc_total.astype(int).tolist()
    print(f"{len(one)} pairs {apart:g} s apart, lags {lags.astype(int).tolist()}: {found[apart]}")
print("spacepy", version("spacepy"))
seen = found[10.0] == [0, 0, 10, 10, 0] and found[8.0] in ([0, 0, 10, 0, 0], [0, 0, 0, 10, 0])
raise SystemExit(0 if seen else "no longer as described")
PYTHON
