"""Geomagnetic indices that a user brings: from files as they are published to a value at any time."""
