"""What is done, missing and left out, told from the ledger alone."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypedDict, overload

from reprocess import schema
from reprocess.errors import LedgerError
from reprocess.pages.words import numbered, to_be
from reprocess.schema import DayState
from reprocess.schema.granules import Granule, LeftOut, block_of
from reprocess.work.asked import read_asked, read_left_out
from reprocess.work.held import Held
from reprocess.work.ledger import BlockLedger
from reprocess.work.paths import SUMS, Run, Sum, Work
from reprocess.work.receipts import (
    ClassifiedDay,
    ClassifiedDays,
    DayEntry,
    Days,
    DetectReceipt,
    IngestReceipt,
    days_of,
    deferred_of,
)

_OK = DayState.OK.value
_LISTED = (DayState.QUARANTINED, DayState.DEFERRED, DayState.MISSING, DayState.LOST)
_COUNTS = ("planned", DayState.OK, *_LISTED, "records", "not_measured")


class ListedDay(TypedDict, total=False):
    """A satellite-day that `status` lists."""

    satellite: str
    date: str
    url: str
    reason: str
    detail: str
    why: str
    """In words, of `not_ingested`."""
    kept: bool
    """Whether something of a vanished day was read."""


class LeftOutEntry(TypedDict, total=False):
    """Something in the archive that is not read."""

    url: str
    reason: str
    """One of `schema.LEFT_OUT`."""
    counts: bool
    """Whether a satellite-day may be missing for it."""
    satellite: str
    date: str


class FailedBlock(TypedDict):
    """A block that could not be done."""

    satellite: str
    block: int
    reason: str


class IngestState(TypedDict):
    """The state of ingestion; days by the words of `DayState`."""

    satellites: dict[str, dict[str, int]]
    """Satellite-days by state, as ``planned``, ``records``, and ``not_measured``: values that are none."""
    years: list[dict[str, Any]]
    """The same by satellite and year; ``failed``: how many of the missing are in failed blocks."""
    quarantined: list[ListedDay]
    deferred: list[ListedDay]
    missing: list[ListedDay]
    lost: list[ListedDay]
    vanished: list[ListedDay]
    """Days that their archive lists no longer."""
    left_out: list[LeftOutEntry]
    simulated: int
    """Ingested satellite-days whose files say that they are simulated."""
    reasons: dict[str, dict[str, int]]
    """How many days are quarantined, deferred or left out, by reason."""
    failed_blocks: list[FailedBlock]
    gone: list[FailedBlock]
    """Blocks that the ledger claims and the archive has no data of."""


class RunState(TypedDict):
    """The state of one run."""

    model: str | None
    mode: str | None
    engine: str | None
    days_done: int
    """Satellite-days classified as they are now."""
    missing: list[ListedDay]
    """Satellite-days ingested and not classified as they are now."""
    events: dict[str, int]
    """Events by class, of the days done."""
    years: list[dict[str, Any]]
    outdated: list[Sum]
    """Sums (exposure, occurrence) that were made from other parts than there are now."""
    failed_days: list[ListedDay]
    """Those of the missing that raised an error, with it as ``reason``."""
    failed_blocks: list[FailedBlock]


class Survey(TypedDict):
    """What is done, missing and left out; as `status --json` prints it."""

    ingest: IngestState
    runs: dict[str, RunState]


@overload
def ledger_days(ledger: BlockLedger[IngestReceipt]) -> Days: ...
@overload
def ledger_days(ledger: BlockLedger[DetectReceipt]) -> ClassifiedDays: ...
def ledger_days(ledger: BlockLedger[Any]) -> Any:
    """Return the entries of all days of done blocks, by satellite and date."""
    return days_of(ledger.done())


def is_current(granule: Granule, entry: DayEntry | None) -> bool:
    """Tell whether a day's entry in the ledger stands for its file as it is now."""
    return _is_of(granule, entry) and entry is not None and entry.get("reason") not in schema.RETRIED


def _is_of(granule: Granule, entry: DayEntry | None) -> bool:
    """Tell whether an entry, of whatever kind, is of the file as it is listed."""
    return entry is not None and granule.is_of(entry["source"])


def survey(
    work: Work,
    granules: Collection[Granule] | None = None,
    left_out: Collection[LeftOut] = (),
    look: bool = False,
) -> Survey:
    """Return the state of ingestion and of every run.

    Parameters
    ----------
    work : Work
    granules : collection of Granule, optional
        Satellite-days to answer for; all that were ever asked for by default.
    left_out : collection of LeftOut
        What their archive holds besides; if `granules` is None, all that was noted.
    look : bool
        Whether to look if the archive has data of the blocks that the ledger claims.

    Returns
    -------
    Survey
    """
    planned = read_asked(work.asked) if granules is None else list(granules)
    besides = read_left_out(work.left_out) if granules is None else sorted(left_out)
    receipts = list(work.ledger.done())
    if granules is None and receipts and not work.asked.exists():
        raise LedgerError(
            f"{work.asked} is missing, which names the satellite-days asked for, though "
            f"{numbered(len(receipts), 'block')} {to_be(len(receipts))} done; give the same reprocess run or "
            "ingest as before, which writes it again"
        )
    ingested = days_of(receipts)
    ingest, good = _survey_ingest(work, planned, ingested, deferred_of(receipts))
    ingest["gone"] = [
        {"satellite": r["satellite"], "block": r["block"], "reason": "its data are not in archive.zarr"}
        for r in receipts
        if look and not work.archived(r["satellite"], r["block"])
    ]
    return {
        "ingest": with_left_out(ingest, planned, besides),
        "runs": {run.name: _survey_run(run, planned, good, ingested) for run in work.runs()},
    }


def with_left_out(
    ingest: IngestState, planned: Iterable[Granule], left_out: Iterable[LeftOut]
) -> IngestState:
    """Return a state of ingestion with what the archive holds besides."""
    listed = survey_left_out(left_out, {(g.satellite, g.day) for g in planned})
    return ingest | {"left_out": listed, "reasons": ingest["reasons"] | {"left_out": _by_reason(listed)}}


def survey_left_out(left_out: Iterable[LeftOut], planned: Collection[tuple[str, int]]) -> list[LeftOutEntry]:
    """Return what an archive holds besides the satellite-days that are asked for, as it is listed."""
    entries = []
    for x in left_out:
        entry: LeftOutEntry = {"url": x.url, "reason": x.reason, "counts": x.counts(planned)}
        if x.day >= 0:
            entry |= {"satellite": x.satellite, "date": x.date.isoformat()}
        entries.append(entry)
    return entries


def _by_reason(found: Iterable[ListedDay] | Iterable[LeftOutEntry]) -> dict[str, int]:
    return dict(sorted(Counter(x["reason"] for x in found).items()))


def _survey_ingest(
    work: Work, planned: Sequence[Granule], ingested: Days, deferred: Days
) -> tuple[IngestState, list[tuple[str, str]]]:
    """Return the state of ingestion, and the days that are good and current, as they were asked for."""
    failed = work.ledger.failures()
    gone = {(g.satellite, g.day) for g in read_asked(work.vanished)}
    counts = defaultdict[tuple[str, str], Counter[str]](Counter)
    days: dict[DayState, list[ListedDay]] = {state: [] for state in _LISTED}
    away: list[ListedDay] = []
    good, simulated = list[tuple[str, str]](), 0
    for g in planned:
        satellite, date = key = (g.satellite, g.text)
        count, vanished = counts[satellite, date[:4]], (satellite, g.day) in gone
        entry, put_off = ingested.get(key), deferred.get(key)
        state = day_state(g, entry, put_off, vanished)
        count["planned"] += 1
        if state is DayState.OK and entry is not None:
            count[_OK] += 1
            count["records"] += entry["records"]
            count["not_measured"] += sum(entry.get("not_measured", {}).values())
            simulated += bool(entry.get("simulated"))
            good.append(key)
        else:
            count[state] += 1
            day = _listed(g) | _why(entry if state is DayState.QUARANTINED else put_off, state)
            days[state].append(day)
            count["failed"] += state is DayState.MISSING and block_of(g) in failed
        if vanished:
            away.append(_listed(g) | {"kept": entry is not None and entry["status"] == DayState.OK})
    return {
        "satellites": {
            name: {key: sum(count[key] for at, count in counts.items() if at[0] == name) for key in _COUNTS}
            for name in dict.fromkeys(g.satellite for g in planned)
        },
        "years": [
            {"satellite": at[0], "year": int(at[1]), **{key: count[key] for key in (*_COUNTS, "failed")}}
            for at, count in sorted(counts.items())
        ],
        "quarantined": days[DayState.QUARANTINED],
        "deferred": days[DayState.DEFERRED],
        "missing": days[DayState.MISSING],
        "lost": days[DayState.LOST],
        "vanished": away,
        "left_out": [],
        "simulated": simulated,
        "reasons": {str(s): _by_reason(days[s]) for s in (DayState.QUARANTINED, DayState.DEFERRED)},
        "failed_blocks": _failures(work.ledger),
        "gone": [],
    }, good


def _listed(granule: Granule) -> ListedDay:
    return {"satellite": granule.satellite, "date": granule.text, "url": granule.url}


def day_state(granule: Granule, entry: DayEntry | None, put_off: DayEntry | None, vanished: bool) -> DayState:
    """Return whether a day is ok, quarantined, deferred, missing or lost.

    Parameters
    ----------
    granule : Granule
        Its file as it was listed last.
    entry, put_off : dict, optional
        What the ledger says of the day among those read and those deferred.
    vanished : bool
        Whether the file is in its archive no longer.
    """
    if vanished and not _is_of(granule, entry):
        return DayState.LOST
    if _is_of(granule, put_off):
        return DayState.DEFERRED
    if entry is None or not _is_of(granule, entry):
        return DayState.MISSING
    return DayState.OK if entry["status"] == _OK else DayState(entry["status"])


def _why(entry: DayEntry | None, state: DayState) -> ListedDay:
    if entry is None or state not in {DayState.QUARANTINED, DayState.DEFERRED}:
        return {}
    return {"reason": entry["reason"], "detail": entry["detail"]}


def _survey_run(
    run: Run, planned: Sequence[Granule], good: Sequence[tuple[str, str]], ingested: Days
) -> RunState:
    receipts = list(run.ledger.done())
    done = days_of(receipts)
    if (asked := read_asked(run.asked)) and asked != planned:
        own = {(g.satellite, g.text) for g in asked}
        good = [key for key in good if key in own]
    held = Held(ingested)
    current = [key for key in good if held.is_same(*key, done.get(key))]
    lacking = set(good).difference(current)
    events = [done[key]["events"] for key in current]
    identity = run.read_identity() or {}
    return {
        "model": identity.get("model"),
        "mode": identity.get("mode"),
        "engine": identity.get("engine"),
        "days_done": len(current),
        "missing": [{"satellite": s, "date": d} for s, d in sorted(lacking)],
        "events": {name: sum(found.get(name, 0) for found in events) for name in schema.EVENT_CLASSES},
        "years": _run_years(good, current),
        "outdated": outdated_sums(run, receipts),
        "failed_days": [
            {"satellite": r["satellite"], "date": date, "reason": reason}
            for r in receipts
            for date, reason in r.get("failed", {}).items()
            if (r["satellite"], date) in lacking
        ],
        "failed_blocks": _failures(run.ledger),
    }


def outdated_sums(run: Run, receipts: list[DetectReceipt]) -> list[Sum]:
    """Return the sums of a run that were made from other parts than there are now."""
    identity = run.read_identity() or {}
    return [s for s in SUMS if run.outdated(s, receipts) and _is_due(run, s, identity)]


def _is_due(run: Run, sum_: Sum, identity: dict[str, Any]) -> bool:
    """Tell whether a sum must hold: maps only once asked for, be they written and not yet noted."""
    return sum_ == "exposure" or sum_ in identity or run.occurrence.exists()


def not_ingested(state: Survey) -> list[ListedDay]:
    """Return the days that are asked for and not read as they are now, with ``why``."""
    ingest = state["ingest"]
    return [
        *(day | {"why": "not read yet, or replaced since"} for day in ingest["missing"]),
        *(day | {"why": f"deferred, {day['reason']}: {day['detail']}"} for day in ingest["deferred"]),
        *(day | {"why": "no longer in its archive"} for day in ingest["lost"]),
    ]


def _run_years(good: Iterable[tuple[str, str]], current: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Count what a run has and lacks of the ingested days, by satellite and year."""
    done, of_all = (Counter([(satellite, date[:4]) for satellite, date in days]) for days in (current, good))
    return [
        {"satellite": at[0], "year": int(at[1]), "done": done[at], "missing": count - done[at]}
        for at, count in sorted(of_all.items())
    ]


def detected(entry: ClassifiedDay | None, source: DayEntry | None) -> bool:
    """Tell whether a day was classified from the data that the archive holds now."""
    if entry is None or source is None:
        return False
    return bool(entry["source_sha256"] == source["source"]["sha256"])


def _failures(ledger: BlockLedger[Any]) -> list[FailedBlock]:
    return [
        {"satellite": satellite, "block": block, "reason": reason}
        for (satellite, block), reason in ledger.failures().items()
    ]


def exit_code(state: Survey, run: str | None, *, sums: bool = True) -> int:
    """Return 0 if all is done, 3 if all but days that cannot be used or had, 4 if something is missing.

    Parameters
    ----------
    state : dict
        What `survey` returns.
    run : str, optional
        The run to answer for, besides ingestion; None for ingestion alone.
    sums : bool
        Whether what is summed over the run, such as its map, is asked for.
    """
    ingest = state["ingest"]
    incomplete = bool(ingest["missing"] or ingest["deferred"] or ingest["gone"])
    if run is not None:
        incomplete |= bool(state["runs"][run]["missing"] or (sums and state["runs"][run]["outdated"]))
    if incomplete:
        return 4
    return max(3 if ingest["quarantined"] or ingest["lost"] else 0, left_out_code(ingest["left_out"]))


def left_out_code(left_out: Iterable[LeftOutEntry]) -> int:
    """Return the exit code for what an archive holds besides: 4 if a later run may read some of it."""
    reasons = {x["reason"] for x in left_out if x["counts"]}
    if reasons & schema.LEFT_OUT_FOR_NOW:
        return 4
    return 3 if reasons else 0
