#!/usr/bin/env bash
# astropy's Rayleigh and V tests take counts per bin of local time for so many measurements as there are bins.
#
# Versions: astropy 7.1.0, numpy 2.2.6, scipy 1.16.0.
# Expected: the documentation wants weights of grouped data whose sum is the number of observations. So the events in
#   24 bins of magnetic local time, given as weights of 24 angles, have the p-value of their list.
# Seen: they do not. The tests take the number of bins for the number of events: 384 events with a clear
#   maximum give p = 0.69, their list gives 0.002; ten times the events give 0.69 again.
# For us: whether precipitation prefers a local time must be asked of the list of events, not of a histogram.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet astropy==7.1.0 numpy==2.2.6 scipy==1.16.0 2> /dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from astropy.stats.circstats import rayleightest, vtest

mlt = np.arange(24) + 0.5
angle = mlt * np.pi / 12
events = np.rint(16 + 4 * np.cos(angle - np.pi / 12 * 2)).astype(int)
listed = np.repeat(angle, events)
print("astropy", version("astropy"), "events", events.sum(), "in", len(mlt), "bins")
for name, test in (("Rayleigh", rayleightest), ("V", vtest)):
    found = [float(test(listed)), float(test(angle, weights=events)), float(test(angle, weights=10 * events))]
    print(f"{name}: list of events {found[0]:.3g}, counts as weights {found[1]:.3g}, ten times the counts {found[2]:.3g}")
of_list, of_counts, of_ten = (
    float(rayleightest(listed)),
    float(rayleightest(angle, weights=events)),
    float(rayleightest(angle, weights=10 * events)),
)
seen = of_list < 0.01 < 0.5 < of_counts and abs(of_ten - of_counts) < 1e-9
raise SystemExit(0 if seen else "no longer as described")
PYTHON
