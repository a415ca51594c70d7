"""A synthetic SEM-2 archive with known truth: orbits, geomagnetic field, particles, instrument, files."""

from reprocess.simulate.archive import SimulatedDay, simulate_archive, simulate_day, simulated_day
from reprocess.simulate.errors import SimulationError
from reprocess.simulate.truth import TRUTH_COLUMNS

__all__ = [
    "TRUTH_COLUMNS",
    "SimulatedDay",
    "SimulationError",
    "simulate_archive",
    "simulate_day",
    "simulated_day",
]
