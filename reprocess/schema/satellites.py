"""The satellites, as NOAA names them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Satellite:
    """One satellite as NOAA names it."""

    directory: str
    """Name of its folder in the archive and of its group in `archive.zarr`."""
    abbr: str
    """Its part of the file name."""
    sat_id: int
    """Value of `satID` in its files."""
    name: str
    """Its name in text."""


SATELLITES = {
    s.directory: s
    for s in (
        Satellite("noaa15", "n15", 4, "NOAA-15"),
        Satellite("noaa16", "n16", 2, "NOAA-16"),
        Satellite("noaa17", "n17", 6, "NOAA-17"),
        Satellite("noaa18", "n18", 7, "NOAA-18"),
        Satellite("noaa19", "n19", 8, "NOAA-19"),
        Satellite("metop02", "m02", 12, "MetOp-A"),
        Satellite("metop01", "m01", 11, "MetOp-B"),
        Satellite("metop03", "m03", 13, "MetOp-C"),
    )
}
