#!/usr/bin/env bash
# Ferret takes a coordinate that is called L for its time axis: `rate[l=4]` is the fourth shell, not the shell L = 4.
#
# Versions: Ferret 7.6 (ferret-vis 7.6.0-5 of Debian 12), with the libraries that Debian has for it.
# Expected: a rate by L shell and magnetic local time, as a NetCDF file of the classic format, lies on two axes of the
#   same kind (X and Y), whatever the coordinates are called; guessed was that L in an expression is Ferret's index along
#   time and nothing else.
# Seen: nothing is said; L goes on the T axis and Y stays empty. `rate[l=4]` is the fourth bin, which is L = 6 here,
#   `rate[t=4]` is L = 4, and `L[g=rate]` gives 1, 2, 3, 4. The same file with the coordinate named L_shell lies on X and
#   Y. K does the same with the Z axis.
# For us: L is the field's name and stays. Who reads maps with Ferret selects shells by `t=`, or renames L first.
# Exit status: 0 if seen as said, 1 if that has changed. Runs where apt-get downloads Debian 12's packages.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
quietly() { "$@" > /dev/null 2>> apt.txt || { cat apt.txt >&2; exit 1; }; }
needed=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances ferret-vis | grep -E '^lib' | grep -vE '^lib(c6|gcc-s1|crypt1|perl)')
quietly apt-get -o APT::Sandbox::User=root download ferret-vis=7.6.0-5 $needed
for package in *.deb; do dpkg -x "$package" root; done
python3 -m venv venv
venv/bin/pip install --quiet numpy==2.2.6 scipy==1.15.3 2> /dev/null
venv/bin/python - <<'PYTHON'
import numpy as np
from scipy.io import netcdf_file

# Four shells by six sectors of local time, made up: the rate counts the bins.
for shell in ("L", "L_shell"):
    with netcdf_file(f"{shell}.nc", "w", version=2) as file:
        for name, centres, units in ((shell, [3, 4, 5, 6], "1"), ("MLT", [2, 6, 10, 14, 18, 22], "h")):
            file.createDimension(name, len(centres))
            variable = file.createVariable(name, "d", (name,))
            variable[:] = centres
            variable.units = units
        rate = file.createVariable("rate", "d", (shell, "MLT"))
        rate[:] = np.arange(24).reshape(4, 6)
PYTHON

ask() {  # file, command: what Ferret answers
    printf 'use %s\n%s\nexit\n' "$1" "$2" > ask.jnl
    LD_LIBRARY_PATH="root/usr/lib/x86_64-linux-gnu:root/lib/x86_64-linux-gnu" FER_GO=. FER_DATA=. FER_DESCR=. FER_GRIDS=. \
        root/usr/bin/ferret_c -nojnl -script ask.jnl 2>&1 | grep -v -e NOTE -e Units
}
ask L.nc 'show grid rate' | grep -E '^ *(L|MLT|normal)'
echo '-- L_shell:'
ask L_shell.nc 'show grid rate' | grep -E '^ *(L|MLT|normal)'
echo '-- rate[i=1,l=4], rate[i=1,t=4]:'
ask L.nc 'list/nohead rate[i=1,l=4], rate[i=1,t=4]'
ask L.nc 'show grid rate' | grep -qE '^ *L +T \(1\)'
ask L_shell.nc 'show grid rate' | grep -qE '^ *L_SHELL +Y \(1\)'
ask L.nc 'list/nohead rate[i=1,l=4]' | grep -q '18.00'
ask L.nc 'list/nohead rate[i=1,t=4]' | grep -q '6.00'
