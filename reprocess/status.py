"""What is done, missing and left out, told from the ledger alone."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from reprocess import schema
from reprocess.catalog import Granule
from reprocess.ledger import BlockLedger, Record, read_catalog
from reprocess.work import SUMS, Run, Work

_COUNTS = ("planned", "ok", "quarantined", "missing", "records")

Days = dict[tuple[str, str], Record]


def ledger_days(ledger: BlockLedger) -> Days:
    """Return the entries of all days of done blocks, by satellite and date."""
    return _days(ledger.done())


def _days(records: Iterable[Record]) -> Days:
    return {(r["satellite"], date): entry for r in records for date, entry in r["days"].items()}


def is_current(granule: Granule, entry: Record | None) -> bool:
    """Tell whether a day's entry in the ledger stands for its file as it is now."""
    if entry is None or entry.get("reason") in schema.RETRIED:
        return False
    return all(entry["source"].get(key) == value for key, value in granule.identity.items())


def survey(work: Work, granules: Collection[Granule] | None = None) -> dict[str, Any]:
    """Return the state of ingestion and of every run.

    Parameters
    ----------
    work : Work
    granules : collection of Granule, optional
        Satellite-days to answer for; all that were ever asked for by default.

    Returns
    -------
    dict
        ``ingest``: counts by satellite, and by satellite and year (there ``failed`` says how many
        of the missing days are in failed blocks), quarantined days with reasons, missing days,
        failed blocks. ``runs``: by name, days done and missing, also by satellite and year, failed
        blocks, event counts, and which sums (exposure, occurrence) are not of the parts there are.
    """
    planned = read_catalog(work.catalog) if granules is None else list(granules)
    ingested = ledger_days(work.ledger)
    failed = work.ledger.failures()
    satellites: dict[str, Counter[str]] = {g.satellite: Counter() for g in planned}
    years = {(g.satellite, g.date.year): Counter[str]() for g in planned}
    quarantined, missing, good = [], [], set()
    for g in planned:
        entry, date = ingested.get((g.satellite, g.date.isoformat())), g.date.isoformat()
        counts = Counter(planned=1)
        if entry is None or (not is_current(g, entry) and entry.get("reason") not in schema.RETRIED):
            counts["missing"] += 1
            counts["failed"] += (g.satellite, g.day // schema.BLOCK_DAYS) in failed
            missing.append({"satellite": g.satellite, "date": date, "url": g.url})
        elif entry["status"] == "ok":
            counts["ok"] += 1
            counts["records"] += entry["records"]
            good.add((g.satellite, date))
        else:
            counts["quarantined"] += 1
            quarantined.append(
                {"satellite": g.satellite, "date": date, "url": g.url}
                | {key: entry[key] for key in ("reason", "detail")}
            )
        satellites[g.satellite] += counts
        years[g.satellite, g.date.year] += counts
    return {
        "ingest": {
            "satellites": {name: {key: c[key] for key in _COUNTS} for name, c in satellites.items()},
            "years": [
                {"satellite": satellite, "year": year, **{key: c[key] for key in (*_COUNTS, "failed")}}
                for (satellite, year), c in sorted(years.items())
            ],
            "quarantined": quarantined,
            "missing": missing,
            "failed_blocks": _failures(work.ledger),
        },
        "runs": {run.name: _survey_run(run, good, ingested) for run in work.runs()},
    }


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
        "outdated": [s for s in SUMS if run.outdated(s, records) and (s == "exposure" or s in identity)],
        "failed_blocks": _failures(run.ledger),
    }


def lacking(state: dict[str, Any], run: str) -> dict[str, int]:
    """Return what the results of a run lack, as the attributes that its maps carry.

    Parameters
    ----------
    state : dict
        Of `survey`, over all that was ever asked for.
    run : str
    """
    return {
        "satellite_days_not_ingested": len(state["ingest"]["missing"]),
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
    """Return 0 if all is done, 3 if all but quarantined days, 4 if something is missing.

    Parameters
    ----------
    state : dict
        Of `survey`.
    run : str, optional
        The run to answer for, besides ingestion; None for ingestion alone.
    """
    missing = state["ingest"]["missing"]
    if run is not None:
        missing = missing or state["runs"][run]["missing"] or state["runs"][run]["outdated"]
    if missing:
        return 4
    return 3 if state["ingest"]["quarantined"] else 0
