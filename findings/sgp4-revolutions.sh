#!/usr/bin/env bash
# sgp4 writes two-line elements of a satellite with more than 99999 revolutions that it reads back with a tenth of them.
#
# Versions: sgp4 2.27.
# Expected: elements that sgp4 has read from an OMM, where the number of revolutions is bound to no columns, and writes
#   with export_tle are lines of 69 columns. Guessed was that the number comes back as it was, by some convention or other;
#   the two-line format has five columns for it.
# Seen: 113456 revolutions are written in six columns. The second line has 70, and its checksum is not in its place. No
#   warning is given. Read back by sgp4 it is revolution 11345; the orbit is the same. Its own verify_checksum refuses
#   the line, but twoline2rv does not call it. Up to 99999 all is well.
# For us: at 14 revolutions a day five digits last for 19 years, which NOAA-15, launched in 1998, has behind it. Who
#   tells passes by the number of the orbit keeps the OMM, or takes the number modulo 100000 before writing.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sgp4==2.27 2> /dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from sgp4 import exporter, omm
from sgp4.api import Satrec
from sgp4.io import verify_checksum

# Made up, of the kind that weather satellites have.
ELEMENTS = {
    "OBJECT_ID": "1998-999A",
    "NORAD_CAT_ID": "99998",
    "CLASSIFICATION_TYPE": "U",
    "EPHEMERIS_TYPE": "0",
    "ELEMENT_SET_NO": "999",
    "EPOCH": "2020-03-01T06:00:00.000000",
    "MEAN_MOTION": "14.25",
    "ECCENTRICITY": "0.001",
    "INCLINATION": "98.7",
    "RA_OF_ASC_NODE": "57.3",
    "ARG_OF_PERICENTER": "68.8",
    "MEAN_ANOMALY": "171.9",
    "BSTAR": "0.00001",
    "MEAN_MOTION_DOT": "0.000001",
    "MEAN_MOTION_DDOT": "0",
}


def there_and_back(revolutions):
    """Columns of the second line, revolutions read back, whether the checksum is right and the orbit the same."""
    satellite = Satrec()
    omm.initialize(satellite, ELEMENTS | {"REV_AT_EPOCH": str(revolutions)})
    lines = exporter.export_tle(satellite)
    back = Satrec.twoline2rv(*lines)
    print(lines[1])
    try:
        verify_checksum(*lines)
        right = True
    except ValueError:
        right = False
    (_, here, _), (_, there, _) = (each.sgp4(2458909.5, 0.5) for each in (satellite, back))
    return len(lines[1]), back.revnum, right, max(abs(a - b) for a, b in zip(here, there, strict=True)) < 0.1


print("sgp4", version("sgp4"))
found = {}
for revolutions in (99999, 113456):
    columns, back, right, same = found[revolutions] = there_and_back(revolutions)
    print(f"{revolutions} revolutions: {columns} columns, {back} read back, checksum right {right}, same orbit {same}")
seen = found == {99999: (69, 99999, True, True), 113456: (70, 11345, False, True)}
raise SystemExit(0 if seen else "no longer as described")
PYTHON
