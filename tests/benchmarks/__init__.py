"""Measurements, not tests: `make bench` runs `cost`; the others run by themselves."""

from pathlib import Path

from reprocess.execution.batch import ENVIRONMENT

RECORDS = 43_200
"""Records of the days that are measured: a whole day at 2 s."""

SATELLITE = "noaa18"

AS_A_WORKER = ENVIRONMENT | {"TF_CPP_MIN_LOG_LEVEL": "3"}
"""Environment of processes that are measured: a worker's, and TensorFlow quiet."""


def peak_mb() -> float:
    """Return the most memory this process has held, in MB (Linux).

    Not `resource.getrusage`, whose figure a process inherits from the one that started it.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
