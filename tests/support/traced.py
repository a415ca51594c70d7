"""The table of `reprocess.detect.rules.traced`, traced anew; as a program it writes the file."""

import numpy as np

from reprocess.detect.rules.traced import ALTITUDES_KM, FILE, LATITUDES, LONGITUDES, YEARS
from reprocess.simulate.coordinates import geodetic_to_cartesian
from reprocess.simulate.geomagnetic import _line_quantities, field_table


def traced(latitude: np.ndarray, longitude: np.ndarray, altitude: np.ndarray, year: int) -> np.ndarray:
    """1 / L of places in the field of the middle of a year, each line followed for itself."""
    return _line_quantities(field_table(year), geodetic_to_cartesian(latitude, longitude, altitude))[0]


def make_year(year: float) -> np.ndarray:
    """The table of one year, shape (altitudes, latitudes, longitudes)."""
    altitude, latitude, longitude = (
        a.ravel() for a in np.meshgrid(ALTITUDES_KM, LATITUDES, LONGITUDES, indexing="ij")
    )
    shape = len(ALTITUDES_KM), LATITUDES.size, LONGITUDES.size
    return traced(latitude, longitude, altitude, int(year)).reshape(shape).astype(np.float32)


if __name__ == "__main__":
    np.save(FILE, np.stack([make_year(year) for year in YEARS]))
