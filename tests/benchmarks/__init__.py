"""Measurements, not tests: `make bench` runs `cost`; `codecs`, `workers`, `scheduler` run by themselves."""

RECORDS = 43_200
"""Records of the days that are measured: a whole day at 2 s."""

SATELLITE = "noaa18"

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
"""What keeps the libraries of a process to one thread, and TensorFlow quiet."""
