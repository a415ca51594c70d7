#!/usr/bin/env bash
# A table with missing values that astropy writes to FITS comes back with other values missing, without a word.
#
# Versions: astropy 7.1.0, numpy 2.2.6.
# Expected: what is masked is masked again and nothing else is, as with ECSV and VOTable; or a warning.
# Seen: of whole numbers, a value that happens to be 999999 comes back as missing (it is the number that stands for
#   "missing" in the file); a missing yes-or-no comes back as True. No warning is given. ECSV and VOTable keep both.
# For us: event tables go to ECSV or VOTable for TOPCAT, not through astropy to FITS; milliseconds of a day and numbers
#   of records pass 999999 easily.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet astropy==7.1.0 numpy==2.2.6 pyyaml==6.0.2 2> /dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy as np
from astropy.table import MaskedColumn, Table

warnings.simplefilter("error")
missing = [False, False, True]
events = Table(
    {
        "msec": MaskedColumn([1, 999999, 3], mask=missing, dtype=np.int32),
        "seen": MaskedColumn([True, False, False], mask=missing),
    }
)
print("astropy", version("astropy"))
back = {}
for kind, name in (("fits", "a.fits"), ("ascii.ecsv", "a.ecsv"), ("votable", "a.vot")):
    events.write(name, format=kind)
    table = Table.read(name, format=kind)
    back[kind] = [MaskedColumn(table[column]).tolist() for column in ("msec", "seen")]
    print(f"{kind}: msec {back[kind][0]}, seen {back[kind][1]} (None: missing)")
whole = [[1, 999999, None], [True, False, None]]
seen = back["ascii.ecsv"] == whole and back["votable"] == whole
seen &= back["fits"] == [[1, None, None], [True, False, True]]
raise SystemExit(0 if seen else "no longer as described")
PYTHON
