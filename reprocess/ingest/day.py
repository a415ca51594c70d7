"""One day of an archive, from its source to records or the reason why there are none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from reprocess import schema
from reprocess.errors import GranuleError, SourceError
from reprocess.files import sha256
from reprocess.ingest.reading import Records, read_records
from reprocess.schema import DayState
from reprocess.schema.background import polar_counts
from reprocess.schema.granules import Granule
from reprocess.sources.entry import Answer
from reprocess.sources.hdf5 import is_page
from reprocess.sources.remote import is_local, read_source
from reprocess.work.receipts import DayEntry, Source


@dataclass(frozen=True)
class Outcome:
    """What became of a day."""

    entry: DayEntry
    """For the receipt."""
    records: Records | None = None
    """If the file is good."""
    deferred: bool = False
    """Whether the day is put off: what the archive has of it stays."""
    pressing: bool = True
    """Whether the source may be asked several times for the next file: it is not in trouble."""


@dataclass(frozen=True)
class Known:
    """What the ledger says of a day before its file is read."""

    held: bool = False
    """Whether the archive has records of it, of an earlier version."""
    bad_sha256: str = ""
    """What the bytes that came last time and were no records have."""


def read_day(granule: Granule, storage: Mapping[str, Any], tries: int, known: Known) -> Outcome:
    """Read a day's file.

    Over a network, what is no whole HDF5 file is the network's doing until the very same bytes come
    again in a later run: pages of proxies, answers of gateways and bodies cut short pass.

    Parameters
    ----------
    granule : Granule
    storage : mapping
        Options of the source's file system, as of fsspec.
    tries : int
        Requests before a web server is given up.
    known : Known
    """
    try:
        answer = read_source(granule.url, granule.size, storage, tries)
    except SourceError as e:
        entry: DayEntry = {"source": cast(Source, granule.identity), "reason": e.reason, "detail": e.detail}
        definite = e.reason not in schema.DEFERRALS
        return _refused(entry, known, definite, pressing=e.reason not in schema.TRANSIENT)
    source = cast(Source, granule.identity | answer.facts | {"sha256": sha256(answer.body)})
    try:
        records = read_records(answer.body, granule.satellite, granule.day)
    except GranuleError as e:
        return _unusable({"source": source, "reason": e.reason, "detail": e.detail}, answer, known)
    except (ImportError, MemoryError):
        raise  # of this machine, not of the file
    except Exception as e:  # noqa: BLE001  # whatever it is, it is of this file and costs this day only
        detail = f"{type(e).__name__}: {e}"
        return Outcome({"source": source, "reason": "failed", "detail": detail}, deferred=True)
    return Outcome({"source": source} | facts_of(records), records)


def facts_of(records: Records) -> DayEntry:
    """Return what the receipt says of a good day's records."""
    facts: DayEntry = {
        "status": DayState.OK.value,
        "records": records.count,
        "in_file": records.in_file,
        "outside_day": records.outside_day,
        "duplicates": records.duplicates,
        "reordered": records.reordered,
        "not_measured": records.not_measured,
    }
    counted = polar_counts(records.arrays)
    facts |= {"polar_e4": counted["polar_e4"], "polar_p5": counted["polar_p5"]}
    if records.simulated:
        facts["simulated"] = True
    return facts


def _unusable(entry: DayEntry, answer: Answer, known: Known) -> Outcome:
    """Return what becomes of a day whose bytes came and are no records."""
    if is_local(entry["source"]["url"]):
        return _refused(entry, known, definite=True)
    if entry["reason"] == "not_hdf5" and is_page(answer.body):
        entry = entry | {"reason": "html_page"}
    if entry["reason"] in schema.DOUBTED and entry["source"]["sha256"] != known.bad_sha256:
        detail = f"{entry['reason']}, {entry['detail']}; quarantined if the same bytes come in the next run"
        doubted: DayEntry = {"source": entry["source"], "reason": "not_the_file", "detail": detail}
        return _refused(doubted, known, definite=False, pressing=False)
    return _refused(entry, known, definite=True)


def _refused(entry: DayEntry, known: Known, definite: bool, pressing: bool = True) -> Outcome:
    """Return a day that is put off or quarantined; what may pass never costs good data."""
    if not definite or (known.held and entry["reason"] in schema.RETRIED):
        return Outcome(entry, deferred=True, pressing=pressing)
    return Outcome(entry | {"status": DayState.QUARANTINED.value}, pressing=pressing)
