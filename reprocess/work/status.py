"""What is done, missing and left out, told from the ledger alone."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from reprocess import schema
from reprocess.schema.granules import Granule, LeftOut, block_of
from reprocess.work.asked import read_asked, read_left_out
from reprocess.work.ledger import BlockLedger, Record
from reprocess.work.paths import SUMS, Run, Sum, Work

_LISTED = ("quarantined", "deferred", "missing", "lost")
_COUNTS = ("planned", "ok", *_LISTED, "records")

Days = dict[tuple[str, str], Record]


def ledger_days(ledger: BlockLedger) -> Days:
    """Return the entries of all days of done blocks, by satellite and date."""
    return _days(ledger.done())


def _days(records: Iterable[Record]) -> Days:
    return {(r["satellite"], date): entry for r in records for date, entry in r["days"].items()}


def deferred_days(ledger: BlockLedger) -> Days:
    """Return source and reason of all deferred days, by satellite and date."""
    return {
        (r["satellite"], date): entry for r in ledger.done() for date, entry in r.get("deferred", {}).items()
    }


def is_current(granule: Granule, entry: Record | None) -> bool:
    """Tell whether a day's entry in the ledger stands for its file as it is now."""
    return _is_of(granule, entry) and entry is not None and entry.get("reason") not in schema.RETRIED


def _is_of(granule: Granule, entry: Record | None) -> bool:
    """Tell whether an entry, of whatever kind, is of the file as it is listed."""
    return entry is not None and all(entry["source"].get(k) == v for k, v in granule.identity.items())


def survey(
    work: Work, granules: Collection[Granule] | None = None, left_out: Collection[LeftOut] = ()
) -> dict[str, Any]:
    """Return the state of ingestion and of every run.

    Parameters
    ----------
    work : Work
    granules : collection of Granule, optional
        Satellite-days to answer for; all that were ever asked for by default.
    left_out : collection of LeftOut
        What their archive holds besides; if `granules` is None, all that was noted.

    Returns
    -------
    dict
        ``ingest``: counts by satellite, and by satellite and year (there ``failed`` says how many
        of the missing days are in failed blocks); the days that are quarantined or deferred, with
        reasons, missing, lost (vanished from their archive before they were read as they were
        last), or vanished at all (``kept`` if something was read); ``left_out``: what is in the
        archive and not read (``counts``: whether a day may be missing for it); counts by reason;
        failed blocks.
        ``runs``: by name, days done and missing, also by satellite and year, failed blocks, event
        counts, and which sums (exposure, occurrence) are not of the parts there are.
    """
    planned = read_asked(work.asked) if granules is None else list(granules)
    besides = read_left_out(work.left_out) if granules is None else sorted(left_out)
    ingested = ledger_days(work.ledger)
    ingest, good = _survey_ingest(work, planned, ingested)
    ingest["left_out"] = _survey_left_out(besides, {(g.satellite, g.day) for g in planned})
    ingest["reasons"]["left_out"] = _by_reason(ingest["left_out"])
    return {
        "ingest": ingest,
        "runs": {run.name: _survey_run(run, good, ingested) for run in work.runs()},
    }


def _survey_left_out(
    left_out: Iterable[LeftOut], planned: Collection[tuple[str, int]]
) -> list[dict[str, Any]]:
    return [
        {"url": x.url, "reason": x.reason, "counts": x.counts(planned)}
        | ({"satellite": x.satellite, "date": x.date.isoformat()} if x.day >= 0 else {})
        for x in left_out
    ]


def _by_reason(found: Iterable[dict[str, Any]]) -> dict[str, int]:
    return dict(sorted(Counter(x["reason"] for x in found).items()))


def _survey_ingest(
    work: Work, planned: Sequence[Granule], ingested: Days
) -> tuple[dict[str, Any], set[tuple[str, str]]]:
    """Return the state of ingestion, and the days that are good and current."""
    deferred, failed = deferred_days(work.ledger), work.ledger.failures()
    gone = {(g.satellite, g.day) for g in read_asked(work.vanished)}
    satellites: dict[str, Counter[str]] = {g.satellite: Counter() for g in planned}
    years = {(g.satellite, g.date.year): Counter[str]() for g in planned}
    days: dict[str, list[dict[str, Any]]] = {kind: [] for kind in (*_LISTED, "vanished")}
    good = set()
    for g in planned:
        key, vanished = (g.satellite, g.date.isoformat()), (g.satellite, g.day) in gone
        entry, waiting = ingested.get(key), deferred.get(key)
        state = day_state(g, entry, waiting, vanished)
        counts = Counter({"planned": 1, state: 1})
        day = {"satellite": key[0], "date": key[1], "url": g.url}
        if state == "ok" and entry is not None:
            counts["records"] += entry["records"]
            good.add(key)
        else:
            days[state].append(day | _why(entry if state == "quarantined" else waiting, state))
            counts["failed"] += state == "missing" and block_of(g) in failed
        if vanished:
            days["vanished"].append(day | {"kept": entry is not None and entry["status"] == "ok"})
        satellites[g.satellite] += counts
        years[g.satellite, g.date.year] += counts
    return {
        "satellites": {name: {key: c[key] for key in _COUNTS} for name, c in satellites.items()},
        "years": [
            {"satellite": satellite, "year": year, **{key: c[key] for key in (*_COUNTS, "failed")}}
            for (satellite, year), c in sorted(years.items())
        ],
        **days,
        "reasons": {kind: _by_reason(days[kind]) for kind in ("quarantined", "deferred")},
        "failed_blocks": _failures(work.ledger),
    }, good


def day_state(granule: Granule, entry: Record | None, waiting: Record | None, vanished: bool) -> str:
    """Return whether a day is ok, quarantined, deferred, missing or lost.

    Parameters
    ----------
    granule : Granule
        Its file as it was listed last.
    entry, waiting : dict, optional
        What the ledger says of the day among those read and those deferred.
    vanished : bool
        Whether the file is in its archive no longer.
    """
    if vanished and not _is_of(granule, entry):
        return "lost"
    if _is_of(granule, waiting):
        return "deferred"
    if entry is None or not _is_of(granule, entry):
        return "missing"
    return str(entry["status"])


def _why(entry: Record | None, state: str) -> dict[str, Any]:
    told = entry if state in {"quarantined", "deferred"} else None
    return {} if told is None else {key: told[key] for key in ("reason", "detail")}


def _survey_run(run: Run, good: Collection[tuple[str, str]], ingested: Days) -> dict[str, Any]:
    records = list(run.ledger.done())
    done = _days(records)
    current = {key for key in good if detected(done.get(key), ingested[key])}
    events = Counter[str]()
    for key in current:
        events.update(done[key]["events"])
    identity = run.read_identity() or {}
    return {
        **{key: identity.get(key) for key in ("model", "mode", "engine")},
        "days_done": len(current),
        "missing": [{"satellite": s, "date": d} for s, d in sorted(set(good) - current)],
        "events": {name: events[name] for name in schema.EVENT_CLASSES},
        "years": _run_years(good, current),
        "outdated": [s for s in SUMS if run.outdated(s, records) and _is_due(run, s, identity)],
        "failed_blocks": _failures(run.ledger),
    }


def _is_due(run: Run, sum_: Sum, identity: dict[str, Any]) -> bool:
    """Tell whether a sum must hold: maps only once asked for, be they written and not yet noted."""
    return sum_ == "exposure" or sum_ in identity or run.occurrence.exists()


def not_ingested(state: dict[str, Any]) -> list[dict[str, str]]:
    """Return the days that are asked for and not read as they are now, with ``why``."""
    ingest = state["ingest"]
    return [
        *(day | {"why": "not read yet, or replaced since"} for day in ingest["missing"]),
        *(day | {"why": f"deferred, {day['reason']}: {day['detail']}"} for day in ingest["deferred"]),
        *(day | {"why": "no longer in its archive"} for day in ingest["lost"]),
    ]


def lacking(state: dict[str, Any], run: str) -> dict[str, int]:
    """Return what the results of a run lack, as the attributes that its maps carry.

    Parameters
    ----------
    state : dict
        Of `survey`, over all that was ever asked for.
    run : str
    """
    return {
        "satellite_days_not_ingested": len(not_ingested(state)),
        "satellite_days_quarantined": len(state["ingest"]["quarantined"]),
        "satellite_days_not_classified": len(state["runs"][run]["missing"]),
    }


def _run_years(
    good: Collection[tuple[str, str]], current: Collection[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Count what a run has and lacks of the ingested days, by satellite and year."""
    years: dict[tuple[str, int], Counter[str]] = {}
    for satellite, date in good:
        counts = years.setdefault((satellite, int(date[:4])), Counter())
        counts["done" if (satellite, date) in current else "missing"] += 1
    return [
        {"satellite": satellite, "year": year, "done": c["done"], "missing": c["missing"]}
        for (satellite, year), c in sorted(years.items())
    ]


def detected(entry: Record | None, source: Record | None) -> bool:
    """Tell whether a day was classified from the data that the archive holds now."""
    if entry is None or source is None:
        return False
    return bool(entry["source_sha256"] == source["source"]["sha256"])


def _failures(ledger: BlockLedger) -> list[dict[str, Any]]:
    return [
        {"satellite": satellite, "block": block, "reason": reason}
        for (satellite, block), reason in ledger.failures().items()
    ]


def exit_code(state: dict[str, Any], run: str | None) -> int:
    """Return 0 if all is done, 3 if all but days that cannot be used or had, 4 if something is missing.

    Parameters
    ----------
    state : dict
        Of `survey`.
    run : str, optional
        The run to answer for, besides ingestion; None for ingestion alone.
    """
    ingest = state["ingest"]
    left_out = {x["reason"] for x in ingest["left_out"] if x["counts"]}
    incomplete = ingest["missing"] or ingest["deferred"] or left_out & schema.LEFT_OUT_FOR_NOW
    if run is not None:
        incomplete = incomplete or state["runs"][run]["missing"] or state["runs"][run]["outdated"]
    if incomplete:
        return 4
    return 3 if ingest["quarantined"] or ingest["lost"] or left_out else 0
