"""Errors of the simulator."""

from reprocess.errors import ReprocessError


class SimulationError(ReprocessError):
    """Settings that no archive can be simulated from."""
