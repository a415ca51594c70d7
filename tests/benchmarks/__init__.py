"""Measurements, not tests: `make bench` runs `cost`, `python -m tests.benchmarks.codecs` the codecs."""

RECORDS = 43_200
"""Records of the days that are measured: a whole day at 2 s."""

SATELLITE = "noaa18"
