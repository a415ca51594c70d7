"""What an archive of NOAA files holds: one granule per satellite-day.

The archive is any fsspec URL of a folder. NOAA lays files out as
``YYYY/<satellite>/poes_<abbr>_YYYYMMDD_proc.nc``; a flat folder works as well, because only the
file name is read.
"""

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import fsspec

from reprocess import schema
from reprocess.errors import CatalogError

_NAME = re.compile(r"poes_(?P<abbr>[nm]\d\d)_(?P<date>\d{8})_proc\.nc")
_VERSIONS = ("mtime", "ETag", "LastModified", "Last-Modified")
_BY_ABBR = {s.abbr: s.directory for s in schema.SATELLITES.values()}


@dataclass(frozen=True, order=True)
class Granule:
    """One NOAA file: a satellite-day at its source."""

    satellite: str
    day: int
    """Position on the `day` axis."""
    url: str
    """Where it is read from; fsspec opens it."""
    size: int
    """Bytes."""
    version: str
    """Modification time or etag; with `url` and `size` it tells a replaced file from the old one."""

    @property
    def date(self) -> dt.date:
        """Calendar date (UTC)."""
        return schema.day_date(self.day)

    @property
    def identity(self) -> dict[str, str | int]:
        """What must be equal for the file to count as unchanged."""
        return {"url": self.url, "size": self.size, "version": self.version}


@dataclass(frozen=True)
class Catalog:
    """The granules of an archive, and the NetCDF files in it that are none."""

    granules: list[Granule]
    """Sorted by satellite and day; at most one per satellite-day."""
    ignored: list[str]
    """NetCDF files whose name is not that of a known satellite-day."""

    def select(
        self,
        satellites: Collection[str] = (),
        start: dt.date | None = None,
        end: dt.date | None = None,
    ) -> list[Granule]:
        """Return the granules of these satellites (all if empty) from `start` to `end`, both inclusive."""
        return [
            g
            for g in self.granules
            if (not satellites or g.satellite in satellites)
            and (start is None or g.date >= start)
            and (end is None or g.date <= end)
        ]


def list_archive(url: str) -> Catalog:
    """List every satellite-day under a folder.

    Parameters
    ----------
    url : str
        Local path or fsspec URL of the folder that holds the years (or the files themselves).

    Raises
    ------
    CatalogError
        If the folder does not exist, holds no satellite-day, or holds one twice.
    """
    try:
        fs, root = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as e:
        raise CatalogError(f"{url!r} is no address that can be listed: {e}") from e
    if not fs.isdir(root):
        raise CatalogError(f"the archive {url!r} is not a folder; give the folder that holds NOAA's years")
    granules: dict[tuple[str, int], Granule] = {}
    ignored = []
    for path, info in sorted(fs.find(root, detail=True).items()):
        granule = _granule(fs, path, info)
        if granule is None:
            if path.endswith(".nc"):
                ignored.append(path)
            continue
        first = granules.setdefault((granule.satellite, granule.day), granule)
        if first is not granule:
            raise CatalogError(
                f"{granule.satellite} {granule.date} is in the archive twice, as {first.url} and "
                f"{granule.url}; remove one of them"
            )
    if not granules:
        raise CatalogError(
            f"no satellite-day under {url!r}; files are expected to be named "
            f"poes_<n15|n18|m02|…>_YYYYMMDD_proc.nc ({len(ignored)} other .nc files found)"
        )
    return Catalog(sorted(granules.values()), ignored)


def is_local(url: str) -> bool:
    """Tell whether a source is a file on this machine."""
    return fsspec.core.split_protocol(url)[0] in {None, "file", "local"}


def local_identity(url: str) -> dict[str, str | int] | None:
    """Return size and version of a local source as it is now, None if it is remote or gone."""
    if not is_local(url):
        return None
    fs, path = fsspec.core.url_to_fs(url)
    try:
        info = fs.info(path)
    except FileNotFoundError:
        return None
    return {"size": int(info["size"]), "version": _version(info)}


def _version(info: dict[str, Any]) -> str:
    return next((str(info[key]) for key in _VERSIONS if info.get(key) is not None), "")


def _granule(fs: Any, path: str, info: dict[str, Any]) -> Granule | None:
    """Return the granule a listing entry stands for, None if its name is not that of one."""
    match = _NAME.fullmatch(path.rsplit("/", 1)[-1])
    if match is None or match["abbr"] not in _BY_ABBR:
        return None
    try:
        day = schema.day_index(dt.datetime.strptime(match["date"], "%Y%m%d").date())
    except ValueError:
        return None
    if info.get("size") is None:
        info = fs.info(path)  # listings over http have names only
    size = int(info.get("size") or 0)
    return Granule(_BY_ABBR[match["abbr"]], day, fs.unstrip_protocol(path), size, _version(info))
