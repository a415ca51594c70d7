"""A synthetic SEM-2 archive with known truth: orbits, geomagnetic field, particles, instrument, files."""

from reprocess.simulate.archive import TRUTH_COLUMNS, simulate_archive, simulate_day
from reprocess.simulate.errors import SimulationError

__all__ = ["TRUTH_COLUMNS", "SimulationError", "simulate_archive", "simulate_day"]
