"""A synthetic SEM-2 archive with known truth: orbits, geomagnetic field, particles, instrument, files."""

from reprocess.simulate.archive import simulate_archive, simulate_day
from reprocess.simulate.errors import SimulationError
from reprocess.simulate.truth import TRUTH_COLUMNS

__all__ = ["TRUTH_COLUMNS", "SimulationError", "simulate_archive", "simulate_day"]
