"""What every product for other programs says of itself, in the words of CF and ACDD.

Left out on purpose: the date of creation (equal inputs give equal bytes), persons and addresses, and
what this project has no authority over (publisher, naming authority).
"""

from collections.abc import Mapping
from typing import Any

PRODUCT: dict[str, str | float] = {
    "Conventions": "CF-1.11, ACDD-1.3",
    "keywords": (
        "relativistic electron precipitation, radiation belts, magnetosphere, space physics, "
        "L shell, magnetic local time, POES, MetOp, SEM-2, MEPED"
    ),
    "source": "electron fluxes of SEM-2 MEPED on NOAA POES and EUMETSAT MetOp (NOAA Level 1b, proc.nc)",
    "references": (
        "Capannolo et al. (2022), Frontiers in Astronomy and Space Sciences 9, 858990, "
        "https://doi.org/10.3389/fspas.2022.858990"
    ),
    "project": "reprocess",
    "creator_name": "The reprocess developers",
    "creator_type": "group",
    "license": "Freely distributed",
    "acknowledgement": "NOAA's National Centers for Environmental Information provide the measurements.",
    "instrument": "SEM-2 MEPED",
    # The satellites pass over all longitudes and both polar regions.
    "geospatial_lat_min": -90.0,
    "geospatial_lat_max": 90.0,
    "geospatial_lat_units": "degrees_north",
    "geospatial_lon_min": -180.0,
    "geospatial_lon_max": 180.0,
    "geospatial_lon_units": "degrees_east",
}
"""Attributes of every file; what it is and what it is made of comes on top."""

FILL = 9.969209968386869e36
"""What stands for NaN in NetCDF: a number, because NCO and CDO compare with it and NaN equals nothing.

It is what the NetCDF library itself fills with.
"""


def says_simulated(attrs: Mapping[Any, Any]) -> bool:
    """Tell whether a file or table is simulated, by its title or comment, or the attribute ``simulated``."""
    told = f"{attrs.get('title', '')} {attrs.get('comment', '')}"
    return "simulated" in attrs or "simulat" in told.lower()
