#!/usr/bin/env bash
# Importing dask_jobqueue makes an interrupted program end with exit code 0, and no KeyboardInterrupt is raised.
#
# Versions: dask-jobqueue 0.9.0, dask and distributed 2025.7.0.
# Expected: importing a library leaves Python's handler of SIGINT alone: a program that is interrupted gets
#   KeyboardInterrupt, cleans up, and ends with a code that is not 0.
# Seen: the import installs a handler of its own, which ends the program with 0. `except KeyboardInterrupt` is
#   never entered; a script that goes by exit codes takes a run that was cut short for a complete one.
# For us: the handler is put back after the import.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dask-jobqueue==0.9.0 dask==2025.7.0 distributed==2025.7.0 2> /dev/null
cat > "$folder/work.py" <<'PYTHON'
import os
import signal
import sys

if "with" in sys.argv:
    import dask_jobqueue

    print("dask-jobqueue", dask_jobqueue.__version__)
try:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(10**6):
        pass
except KeyboardInterrupt:
    print("KeyboardInterrupt")
    sys.exit(130)
print("went on")
sys.exit(1)
PYTHON
code() {
    set +e
    "$folder/venv/bin/python" "$folder/work.py" "$@"
    echo "exit code $?"
    set -e
}
without=$(code without)
with=$(code with)
echo "without dask_jobqueue: $without"
echo "with dask_jobqueue: $with"
[ "$without" = "$(printf 'KeyboardInterrupt\nexit code 130')" ] && [ "$with" = "$(printf 'dask-jobqueue 0.9.0\nexit code 0')" ]
