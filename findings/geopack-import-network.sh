#!/usr/bin/env bash
# geopack, the Python port of Tsyganenko's field models, cannot be imported where there is no network.
#
# Versions: geopack 1.0.13, numpy 2.2.6, scipy 1.15.3.
# Expected: the coefficients of the field are in the package, as in others; at worst there is a message.
# Seen: each import asks a server for the list of coefficients, and what is new is written into the installed package.
#   Without an answer "Failed to get the list" is printed and the import ends with "ValueError: max() arg is an
#   empty sequence": the package is installed with an empty folder for them.
# For us: nodes of clusters seldom reach the network. Whoever traces model fields in a job needs one import with a
#   network first, in an environment that can be written to.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet geopack==1.0.13 numpy==2.2.6 scipy==1.15.3 2> /dev/null
cd "$folder"
# No proxy listens there, so no request is answered.
export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

print("geopack", version("geopack"))
try:
    import geopack.geopack
except ValueError as e:
    print(f"import ends with ValueError: {e}")
    raise SystemExit(0 if "empty" in str(e) else "no longer as described")
raise SystemExit("no longer as described: it can be imported")
PYTHON
