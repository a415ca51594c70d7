"""What an archive of NOAA files holds: one granule per satellite-day.

The archive is a local folder, an https listing such as NCEI's, or any fsspec URL. NOAA lays files
out as ``YYYY/<satellite>/poes_<abbr>_YYYYMMDD_proc.nc``; a flat folder works as well, because only
the file name is read. Folders that NOAA's layout gives to a year or a satellite that is not asked
for are not opened. Whatever else could be a satellite-day is named with the reason why it is not read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from reprocess import schema
from reprocess.errors import ListingError, SourceError
from reprocess.schema.granules import Granule, LeftOut, Listing, Selection
from reprocess.sources.entry import Entry
from reprocess.sources.local import local_path
from reprocess.sources.naming import read_name
from reprocess.sources.remote import is_local, open_folder
from reprocess.sources.walk import Walk

ARCHIVES = {
    "noaa": "https://www.ncei.noaa.gov/data/poes-metop-space-environment-monitor/access/l1b/v01r00/",
}
"""Archives with a name of their own: NOAA's SEM-2 Level 1b at NCEI."""


_FOLDER = "give the folder that holds NOAA's years"
_REMEDIES = {
    "not_found": _FOLDER,
    "html_page": _FOLDER,
    "unreadable": "mend that, or give a folder, an http(s) listing or a URL that fsspec reads",
    "connection": "check the address and the network, or give the same command again later",
    "refused": "check user, password or key, and whether you may read there",
    "certificate": "set REQUESTS_CA_BUNDLE to the file of certificates that your site gives out",
    "proxy": "check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY in your environment",
}
"""What to do if a folder cannot be listed, by reason."""


def real_folder(url: str) -> Path | None:
    """Return the real path of an archive on this machine, None for one elsewhere."""
    address = ARCHIVES.get(url, url)
    return Path(local_path(address)).resolve() if is_local(address) else None


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
        with ThreadPoolExecutor(schema.CONNECTIONS) as pool:
            walk = Walk(folder, asked).through(pool)
            found, others = _granules(walk.files, asked)
            untold = [key for key, entry in found.items() if entry.size is None or not entry.version]
            described = pool.map(folder.describe, [found[key] for key in untold])
            found |= dict(zip(untold, described, strict=True))  # what the listing told no size or version of
            granules = [_granule(key, entry) for key, entry in found.items()]
    except SourceError as e:
        remedy = _REMEDIES.get(e.reason, "give the same command again later")
        raise ListingError(f"the archive {url!r} cannot be listed ({e}); {remedy}") from e
    everything = Listing(granules, sorted({*walk.left_out, *others}), folder.url_of(folder.root), asked)
    left_out = [x for x in everything.left_out if everything.covers(x)]
    if not granules and asked == Selection():
        raise ListingError(
            f"no satellite-day under {url!r}; files are expected to be named "
            f"poes_<n15|n18|m02|…>_YYYYMMDD_proc.nc{_also(left_out)}"
        )
    return replace(everything, left_out=left_out)


def _also(left_out: Sequence[LeftOut]) -> str:
    """Say what there is instead of satellite-days."""
    reasons = Counter(x.reason for x in left_out)
    told = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    return f"; left out: {told}, for example {left_out[0].url}" if left_out else ""


def _granules(files: Iterable[Entry], asked: Selection) -> tuple[dict[tuple[str, int], Entry], list[LeftOut]]:
    """Return the satellite-days asked for among files, by satellite and day, and what else could be one."""
    found: dict[tuple[str, int], Entry] = {}
    left_out = []
    for entry in files:
        named = read_name(entry.name)
        if reason := _reason(entry, named.reason, named.is_day):
            left_out.append(LeftOut(entry.url, reason, named.satellite, named.day))
        elif named.is_day:
            first = found.setdefault((named.satellite, named.day), entry)
            if first is not entry and not (entry.real and entry.real == first.real):
                raise ListingError(
                    f"{named.satellite} {schema.day_date(named.day)} is in the archive twice, as {first.url} "
                    f"and {entry.url}; remove one of them"
                )
    return {key: found[key] for key in sorted(found) if asked.has(_granule(key, found[key]))}, left_out


def _reason(entry: Entry, by_name: str, is_day: bool) -> str:
    """Return why a file is left out; what may be a folder of days, if it could be looked at, counts too."""
    if not entry.trouble or by_name:
        return by_name
    if entry.trouble == "not_a_file":
        return entry.trouble if is_day else ""
    hidden, has_suffix = entry.name.startswith("."), "." in entry.name
    return entry.trouble if is_day or not (hidden or has_suffix) else ""


def _granule(key: tuple[str, int], entry: Entry) -> Granule:
    return Granule(*key, entry.url, entry.size or 0, entry.version)
