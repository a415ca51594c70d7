"""What files for other programs say of themselves: CF and ACDD attributes of exposure and maps."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from reprocess import schema
from reprocess.pages.words import counted, to_be
from reprocess.work.ledger import source_digest
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

_GRID = {"processing_level": "Level 3", "cdm_data_type": "Grid"}


_SIMULATED = {
    "source": "simulated electron fluxes: files that say of themselves that they are simulated",
    "acknowledgement": "The data are simulated, not NOAA's measurements.",
}
"""What replaces attributes of `_PRODUCT` where a file is made of simulated satellite-days."""


def product_attributes(run: Run, **texts: str) -> dict[str, Any]:
    """Return the attributes of a file that is made of all parts of a run, as the run's identity gives them.

    Parameters
    ----------
    run : Run
    **texts
        What ACDD calls title and summary, and the like.
    """
    identity = run.read_identity() or {}
    facts = {key: str(identity.get(key, "")) for key in ("model", "model_sha256", "engine", "code_version")}
    return {
        **schema.PRODUCT,
        **_GRID,
        **texts,
        # No time of writing, which CF would have here.
        "history": f"made by reprocess {facts['code_version']} from the events and dwell of run {run.name}",
        "product_version": facts["code_version"],
        "run": run.name,
        **facts,
        "rules": str(identity.get("mode", "")),  # "mode" is what SciPy's writer calls its own
    }


def coverage_attributes(run: Run, receipts: list[DetectReceipt]) -> dict[str, Any]:
    """Return which satellite-days a file is made of.

    Parameters
    ----------
    run : Run
    receipts : list of DetectReceipt
        Receipts of its blocks, with one day at least.
    """
    dates = sorted(date for r in receipts for date in r["days"])
    satellites = sorted({r["satellite"] for r in receipts})
    start, end = (dt.date.fromisoformat(date) for date in (dates[0], dates[-1]))
    digest, duration = source_digest(receipts), f"P{(end - start).days + 1}D"
    simulated = sum(bool(entry.get("simulated")) for r in receipts for entry in r["days"].values())
    return {
        **({"simulated_satellite_days": simulated, **_SIMULATED} if simulated else {}),
        "id": f"reprocess-{run.name}-{digest[:16]}",
        "platform": ", ".join(schema.SATELLITES[name].name for name in satellites),
        "source_digest": digest,
        "satellites": " ".join(satellites),
        "satellite_days": len(dates),
        "time_coverage_start": dates[0],
        "time_coverage_end": dates[-1],
        "time_coverage_duration": duration,
        "time_coverage_resolution": duration,  # one value for all of it
    }


def meaning_in_words(dim: str, meaning: str, attributes: Mapping[Any, Any]) -> list[str]:
    """Return what a figure says of what a map is split by: its meaning, and an index's files; or nothing."""
    if not meaning or meaning == f"the {dim}":
        return []
    files = f" ({attributes['index_files']})" if attributes.get("index") == dim else ""
    return [f"{dim}: {meaning}{files}"]


def lacking_in_words(attributes: Mapping[Any, Any]) -> list[str]:
    """Return what a figure says of satellite-days and flags that its map is without, by its attributes."""
    lacking = sum(int(v) for key, v in attributes.items() if str(key).startswith("satellite_days_"))
    days = counted(lacking, "more satellite-day")
    words = [f"{days} {to_be(lacking)} missing or quarantined"] if lacking else []
    left_out = attributes.get("excluded_flags", "").split()
    return words + ([f"without events and time flagged {', '.join(left_out)}"] if left_out else [])
