"""What an archive of NOAA files holds: one granule per satellite-day.

The archive is a local folder, an https listing such as NCEI's, or any fsspec URL. NOAA lays files
out as ``YYYY/<satellite>/poes_<abbr>_YYYYMMDD_proc.nc``; a flat folder works as well, because only
the file name is read. Folders named as a year or a satellite that is not asked for are not opened.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from reprocess import schema
from reprocess.errors import ListingError, SourceError
from reprocess.schema.granules import Granule, Listing, Selection
from reprocess.sources.remote import Folder, open_folder
from reprocess.sources.web import CONNECTIONS, Entry

ARCHIVES = {
    "noaa": "https://www.ncei.noaa.gov/data/poes-metop-space-environment-monitor/access/l1b/v01r00/",
}
"""Archives with a name of their own: NOAA's SEM-2 Level 1b at NCEI."""

_NAME = re.compile(r"poes_(?P<abbr>[nm]\d\d)_(?P<date>\d{8})_proc\.nc")
_BY_ABBR = {s.abbr: s.directory for s in schema.SATELLITES.values()}


def list_archive(
    url: str, selection: Selection | None = None, storage: Mapping[str, Any] | None = None
) -> Listing:
    """List the satellite-days under a folder.

    Parameters
    ----------
    url : str
        Local path or URL of the folder that holds the years (or the files themselves), or a name
        in `ARCHIVES`.
    selection : Selection, optional
        Which satellite-days to list.
    storage : mapping, optional
        Options of the fsspec file system.

    Raises
    ------
    ListingError
        If a folder cannot be listed, if the archive holds no satellite-day, or holds one twice. A
        listing is whole or fails: days must not seem to be gone because a server was busy.
    """
    asked = selection or Selection()
    try:
        folder = open_folder(ARCHIVES.get(url, url), storage or {})
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            files = _walk(folder, asked, pool)
            granules, ignored = _granules(folder, files, asked, pool)
    except SourceError as e:
        raise ListingError(
            f"the archive {url!r} cannot be listed ({e}); give the folder that holds NOAA's years"
        ) from e
    if not granules and asked == Selection():
        raise ListingError(
            f"no satellite-day under {url!r}; files are expected to be named "
            f"poes_<n15|n18|m02|…>_YYYYMMDD_proc.nc ({len(ignored)} other .nc files found)"
        )
    return Listing(granules, ignored, folder.url_of(folder.root), asked)


def _walk(folder: Folder, asked: Selection, pool: ThreadPoolExecutor) -> list[Entry]:
    """Return the files under a folder, going down level by level."""
    files: list[Entry] = []
    level = [folder.root]
    while level:
        entries = [entry for found in pool.map(folder.list, level) for entry in found]
        files += [entry for entry in entries if not entry.folder]
        level = [entry.path for entry in entries if entry.folder and asked.opens(entry.name)]
    return sorted(files, key=lambda entry: entry.path)


def _granules(
    folder: Folder, files: Iterable[Entry], asked: Selection, pool: ThreadPoolExecutor
) -> tuple[list[Granule], list[str]]:
    """Return the satellite-days among files, by satellite and day, and the NetCDF files that are none."""
    found: dict[tuple[str, int], Entry] = {}
    ignored = []
    for entry in files:
        key = _satellite_day(entry.name)
        if key is None:
            ignored += [entry.path] if entry.name.endswith(".nc") else []
            continue
        first = found.setdefault(key, entry)
        if first is not entry:
            raise ListingError(
                f"{key[0]} {schema.day_date(key[1])} is in the archive twice, as {first.url} and "
                f"{entry.url}; remove one of them"
            )
    granules = [g for key, entry in sorted(found.items()) if asked.has(g := _granule(key, entry))]
    told = pool.map(_completed(folder), (found[g.satellite, g.day] for g in granules))
    return [_granule((g.satellite, g.day), entry) for g, entry in zip(granules, told, strict=True)], ignored


def _satellite_day(name: str) -> tuple[str, int] | None:
    """Return the satellite and day a file name stands for, None if it is not the name of one."""
    match = _NAME.fullmatch(name)
    if match is None or match["abbr"] not in _BY_ABBR:
        return None
    try:
        day = schema.day_index(dt.datetime.strptime(match["date"], "%Y%m%d").date())
    except ValueError:
        return None
    return _BY_ABBR[match["abbr"]], day


def _granule(key: tuple[str, int], entry: Entry) -> Granule:
    return Granule(*key, entry.url, entry.size or 0, entry.version)


def _completed(folder: Folder) -> Callable[[Entry], Entry]:
    """Return a function that asks for a file's size and version if the listing told none."""

    def complete(entry: Entry) -> Entry:
        told = entry.size is not None and entry.version
        return entry if told else folder.describe(entry)

    return complete
