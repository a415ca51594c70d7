"""The page of a run: what was run, how complete it is, what it found, and what limits it.

Everything on it comes from WORK: the same WORK gives the same bytes on any machine. It holds no
absolute path of WORK and no time of writing.
"""

import shlex
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.classifier.features import WINDOW
from reprocess.detect.rules.parameters import RULES
from reprocess.detect.rules.published import E4_THRESHOLD, JOIN_DISTANCE, L_MARGIN, L_MAX, L_MIN
from reprocess.errors import LedgerError
from reprocess.files import write_atomic
from reprocess.maps.contrast import each_standardised
from reprocess.maps.dials import of_class
from reprocess.maps.intervals import why_no_interval
from reprocess.maps.occurrence import grid_of, make_maps, read_maps
from reprocess.maps.plain import Maps, edges_of
from reprocess.maps.plot import draw_occurrence
from reprocess.maps.rates import collapse, rates
from reprocess.maps.sums import count
from reprocess.maps.tally import Tally, side_by_side, together
from reprocess.pages.render import embed, render
from reprocess.report import figures
from reprocess.report.gathered import gather_events
from reprocess.report.summary import (
    BACKGROUND,
    STATES,
    VOLUME,
    background_table,
    by_period,
    count_anew,
    day_table,
    flag_counts,
    flag_names,
    strongest,
    timeline,
    unlisted,
)
from reprocess.schema import EVENT_CLASSES, EVENT_FLAGS, DayState
from reprocess.schema.background import POLAR_L
from reprocess.schema.granules import Granule
from reprocess.schema.grid import Grid
from reprocess.schema.measurements import LARGEST_FLUX
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.ledger import source_digest
from reprocess.work.parts import require_some
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import Days, DetectReceipt
from reprocess.work.results import note_results, noted_bytes
from reprocess.work.status import Survey, ledger_days, not_ingested, survey
from reprocess.work.store import open_classes, open_records
from reprocess.work.surveyed import Surveyed, lacking, survey_of

LISTED = 10
"""Strongest events of each class in the table."""

DRAWN = 3
"""Strongest events of each class that are drawn."""

_AROUND_MS = 60_000

_EVENT_COLUMNS = (
    *("event_class", "date", "start_time", "stop_time", "peak_time", "duration_s", "L", "MLT", "delta_L"),
    *("latitude", "max_e4_0", "max_e4_90", "e4_ratio_0_90", "probability", "quality_flags", "source_sha256"),
)
"""What the page tells of events; all columns would take three times as long to read."""

_LIMITS = {
    "window": WINDOW,
    "L_min": L_MIN,
    "L_max": L_MAX,
    "L_margin": L_MARGIN,
    "join": JOIN_DISTANCE,
    "threshold": E4_THRESHOLD,
    "polar_L": POLAR_L,
    "grid": (float(schema.L_EDGES[0]), float(schema.L_EDGES[-1])),
}
"""Numbers in the words of the rules."""


def write_report(work: Work, run: Run, choice: Choice = EVERYTHING, surveyed: Surveyed | None = None) -> Path:
    """Write the page of a run and return where it is; one of less than everything lies beside the run's own.

    Parameters
    ----------
    work : Work
    run : Run
    choice : Choice
        What of the run is looked at.
    surveyed : Surveyed, optional
        The run's survey, where there is one.

    Raises
    ------
    LedgerError
        If the run has no maps or they are not of what is done now; numbers that contradict each
        other are never put on one page.
    FlagError
        If a flag is excluded that the run's parts do not tell of.
    StoreError
        If a shard of the archive is missing.
    """
    receipts = list(run.ledger.done())
    planned, state = surveyed or survey_of(work, run)
    maps = read_maps(run)
    _require_current(maps, run, receipts, state)
    receipts = require_some(run, choice)
    if len(some := [g for g in planned if choice.has(g.satellite, g.date)]) < len(planned):
        planned, state = some, survey(work, some)
    maps = _chosen(maps, run, receipts, choice)
    ingested = ledger_days(work.ledger)
    days = day_table(planned, state, run.name, ingested, ledger_days(run.ledger))
    events = gather_events(run, receipts, _EVENT_COLUMNS, choice)
    if choice != EVERYTHING:
        days = count_anew(days, events)
    values = {
        "identity": run.read_identity() or {},
        "limits": _LIMITS,
        "excluded": {name: schema.FLAG_MEANINGS[name] for name in choice.exclude},
        "chosen": replace(choice, exclude=()).words,
        "run": run.name,
        "argument": shlex.quote(run.name),
        "rule_rows": _rule_rows(run.read_identity() or {}),
        "backgrounds": _table(background_table(planned, ingested), list(BACKGROUND)),
        **_completeness(days, planned, state, run),
        **_volume(days),
        **_events(days, events, maps),
        **_time(days),
        **_maps(run, maps, events, choice),
        **_summed(maps, run, receipts, choice),
        **_examples(work, run, events, ingested),
    }
    path = run.report_of(choice.slug)
    write_atomic(path, render("report.html", **values))
    if choice == EVERYTHING:
        note_results(work, run, [run.report])
    return path


def _chosen(maps: Maps, run: Run, receipts: list[DetectReceipt], choice: Choice) -> Maps:
    """Return maps of what is chosen, in the bins of the run's own."""
    if choice == EVERYTHING:
        return maps
    made = make_maps(
        run, receipts, grid_of(maps), float(maps.attrs["min_dwell_s"]), replace(choice, classes=())
    )
    lacks = {name: value for name, value in maps.attrs.items() if name not in made.attrs}
    return made.assign_attrs({n: v for n, v in lacks.items() if n not in {"interval_note", "warning"}})


def _rule_rows(identity: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of each rule of a mode whose rules can be set; none of other modes."""
    set_to = {name: value for name, value in identity.get("rules", {}).items() if name in RULES}
    if len(set_to) < len(RULES):
        return []
    rows = []
    for name, value in set_to.items():
        facts = RULES[name].metadata
        if value is None or isinstance(value, bool):
            shown = "on" if value else "off"
        else:
            numbers = value if isinstance(value, list) else [value]
            shown = f"{' to '.join(f'{number:g}' for number in numbers)} {facts['unit']}"
        rows.append((name, shown, facts["what"]))
    return rows


def _require_current(maps: Maps, run: Run, receipts: list[DetectReceipt], state: Survey) -> None:
    """Refuse maps that were made of other results than there are now."""
    now = lacking(state, run.name) | {"source_digest": source_digest(receipts)}
    changed = {k: (maps.attrs.get(k), v) for k, v in now.items() if maps.attrs.get(k) != v}
    if changed:
        changes = "; ".join(f"{k} was {old}, now {new}" for k, (old, new) in changed.items())
        raise LedgerError(f"the maps of run {run.name!r} are of another state ({changes}); run map first")


def _completeness(days: pd.DataFrame, planned: list[Granule], state: Survey, run: Run) -> dict[str, Any]:
    stale = days[(days["in_run"] == 1) & (days["state"] != DayState.CLASSIFIED)]
    failures = [("ingest", f) for f in state["ingest"]["failed_blocks"]]
    failures += [("detect", f) for f in state["runs"][run.name]["failed_blocks"]]
    span = schema.block_days
    return {
        "satellites": sorted({g.satellite for g in planned}),
        "first": days["date"].min(),
        "last": days["date"].max(),
        "states": STATES,
        "total": {name: int((days["state"] == name).sum()) for name in STATES} | {"planned": len(planned)},
        "years": _table(by_period(days, 4), ["satellite", "period", *STATES]),
        "months": _table(by_period(days, 7), ["satellite", "period", *STATES, "records", *EVENT_CLASSES]),
        "unlisted": unlisted(planned),
        "quarantined": state["ingest"]["quarantined"],
        "reasons": schema.DEFERRALS | schema.REASONS,
        "missing": not_ingested(state),
        "not_classified": state["runs"][run.name]["missing"],
        "stale": [
            {"satellite": s, "date": date, "state": DayState(word)}
            for s, date, word in zip(stale["satellite"], stale["date"], stale["state"], strict=True)
        ],
        "failures": [
            f | {
                "stage": stage,
                "first": schema.day_date(span(f["block"])[0]),
                "last": schema.day_date(span(f["block"])[-1]),
            }
            for stage, f in failures
        ],
    }  # fmt: skip


def _volume(days: pd.DataFrame) -> dict[str, Any]:
    read = days[days["state"].isin([DayState.CLASSIFIED, DayState.OK])]
    archive = by_period(read, 0).rename(columns={"records": "of_run"})
    archive["records"] = archive["in_file"] - archive["outside_day"] - archive["duplicates"]
    classified = by_period(days[days["in_run"] == 1], 0)
    return {
        "archive": _table(archive, ["satellite", "in_file", "outside_day", "duplicates", "records"]),
        "volume": _table(classified, ["satellite", "in_run", *VOLUME]),
    }


def _summed(maps: Maps, run: Run, receipts: list[DetectReceipt], choice: Choice) -> dict[str, Any]:
    """Return rates and their intervals of all bins together, and by L and MLT."""
    grid, least = grid_of(maps), float(maps.attrs["min_dwell_s"])
    counted = _by_satellite(run, receipts, grid, replace(choice, classes=()))
    whole = together(counted)
    found = {
        axis: {name: v[0] for name, v in rates(collapse(whole, grid.shape, axis), least).items()}
        for axis in ("", "L", "MLT")
    }
    note = why_no_interval(whole.blocks.size, bool(np.isfinite(found[""]["event_rate_lower"]).any()))
    kind = "poisson_" if note else ""
    for rate in found.values():
        rate |= {which: rate[f"event_rate_{kind}{which}"] for which in ("lower", "upper")}
    profiles = [
        _profile(label, edges, found[axis])
        for axis, label, edges in (
            ("L", "L shell", grid.L_edges),
            ("MLT", "magnetic local time (h)", grid.MLT_edges),
        )
    ]
    how = "from calendar blocks of 27 days that all satellites share"
    return {
        "classes": _totals(maps, found[""], choice),
        "profiles": embed(figures.draw_profiles(profiles)),
        "interval": f"Poisson's, a lower bound of the uncertainty ({note})" if note else how,
        "compared": _compared(counted, _satellites(receipts), least, choice),
    }


def _by_satellite(run: Run, receipts: list[DetectReceipt], grid: Grid, choice: Choice) -> Tally:
    """Count each satellite as a part, in the order of `_satellites`."""
    own = [[r for r in receipts if r["satellite"] == name] for name in _satellites(receipts)]
    return side_by_side([count(run, some, grid, choice) for some in own])


def _satellites(receipts: list[DetectReceipt]) -> list[str]:
    return sorted({receipt["satellite"] for receipt in receipts})


def _compared(counted: Tally, satellites: list[str], least: float, choice: Choice) -> list[dict[str, Any]]:
    """Return a row for each satellite and class, held against all other satellites; none of one alone."""
    return [
        {"satellite": satellite, "class": name, **asdict(found)}
        for (satellite, name), found in each_standardised(counted, satellites, least).items()
        if not choice.classes or name in choice.classes
    ]


def _totals(maps: Maps, found: dict[str, np.ndarray], choice: Choice) -> list[dict[str, Any]]:
    """Return the numbers of each class that is chosen; None where nothing was observed."""
    totals = []
    for k, name in enumerate(EVENT_CLASSES):
        numbers = {
            "rate": "event_rate",
            "lower": "lower",
            "upper": "upper",
            "fraction": "occurrence_fraction",
        }
        known = {key: float(found[of][k, 0]) for key, of in numbers.items()}
        row = {key: value if np.isfinite(value) else None for key, value in known.items()}
        if not choice.classes or name in choice.classes:
            totals.append(row | {"name": name, "mapped": int(of_class(maps, name)["events"].values.sum())})
    return totals


def _events(days: pd.DataFrame, events: pd.DataFrame, maps: Maps) -> dict[str, Any]:
    yearly = by_period(days[days["in_run"] == 1], 4)
    return {
        "found": {name: int((events["event_class"] == name).sum()) for name in EVENT_CLASSES},
        "hours": float(maps["dwell"].values.sum()) / 3600,
        "event_years": _table(yearly, ["satellite", "period", "in_run", *EVENT_CLASSES]),
        "distributions": embed(figures.draw_distributions(events)),
        "unmeasured": {
            name: int((~np.isfinite(events[name]) | (events[name] <= 0)).sum())
            for name in ("max_e4_0", "e4_ratio_0_90")
        },
        "flags": flag_counts(events),
        "flag_meanings": schema.FLAG_MEANINGS,
        "strongest": [_strong(row) for row in strongest(events, LISTED).to_dict("records")],
        "listed": LISTED,
        "event_count": len(events),
    }


def _time(days: pd.DataFrame) -> dict[str, Any]:
    line = timeline(days)
    return {
        "unit": line.unit,
        "coverage": embed(figures.draw_coverage(line)),
        "series": embed(figures.draw_series(line)),
    }


def _maps(run: Run, maps: Maps, events: pd.DataFrame, choice: Choice) -> dict[str, Any]:
    edges = dict(zip(("L_range", "MLT_range"), edges_of(maps), strict=True))
    return {
        "map_attributes": {name: _plain(value) for name, value in maps.attrs.items()},
        **{name: values[[0, -1]].tolist() for name, values in edges.items()},
        "dials": {name: embed(_dial(run, maps, name, choice)) for name in choice.classes or EVENT_CLASSES},
        "interpolated": int(((events["quality_flags"] & EVENT_FLAGS["L_interpolated"]) != 0).sum()),
    }


def _dial(run: Run, maps: Maps, name: str, choice: Choice) -> bytes:
    """Return a class's figure: the one that lies beside the map if it was made with it."""
    drawn = run.root / f"occurrence_{name}.png"
    if choice == EVERYTHING and noted_bytes(run, run.occurrence) and (image := noted_bytes(run, drawn)):
        return image
    return draw_occurrence(maps, name)


def _profile(label: str, edges: np.ndarray, found: dict[str, np.ndarray]) -> figures.Profile:
    limits = found["lower"], found["upper"]
    return figures.Profile(label, edges, found["events"], found["event_rate"], *limits, found["dwell"] / 3600)


def _strong(event: dict[Any, Any]) -> dict[str, Any]:
    return event | {
        "start": f"{event['start_time']:%Y-%m-%d %H:%M:%S}",
        "flag_names": ", ".join(name.replace("_", " ") for name in flag_names(event["quality_flags"])),
    }


def _examples(work: Work, run: Run, events: pd.DataFrame, ingested: Days) -> dict[str, Any]:
    """Draw the strongest events whose records the archive holds as they were classified."""
    calibrated = (events["quality_flags"] & EVENT_FLAGS["calibration"]) != 0
    now = {key: entry["source"].get("sha256") for key, entry in ingested.items()}
    order = strongest(events[~calibrated], len(events))
    drawn = {}
    for name in EVENT_CLASSES:
        found: Any = order[order["event_class"] == name].itertuples(index=False)
        current = (e._asdict() for e in found if now.get((e.satellite, e.date)) == e.source_sha256)
        if rows := list(islice(current, DRAWN)):
            panels = [_example(work, run, row, ingested) for row in rows]
            drawn[name] = {"image": embed(figures.draw_examples(panels)), "count": len(panels)}
    return {"examples": drawn, "probabilities": run.classes.exists()}


def _example(work: Work, run: Run, event: dict[Any, Any], ingested: Days) -> figures.Example:
    satellite, date = event["satellite"], f"{event['peak_time']:%Y-%m-%d}"
    day, count = schema.day_index(date), ingested[satellite, date]["records"]
    records = open_records(work, satellite).read_day(day, count, ("time", "electron_flux"))
    probability = None
    if run.classes.exists():
        probability = open_classes(run, satellite).read_day(day, count, ("probability",))["probability"]
    start, stop, peak = (event[name].value // 1_000_000 for name in ("start_time", "stop_time", "peak_time"))
    near = (records["time"] >= start - _AROUND_MS) & (records["time"] <= stop + _AROUND_MS)
    flux = records["electron_flux"][..., near]
    half = schema.SAMPLING_S / 2
    return figures.Example(
        f"{satellite} {event['peak_time']:%Y-%m-%d %H:%M:%S} UT\nL {event['L']:.2f}, MLT {event['MLT']:.1f}",
        (records["time"][near] - peak) / 1000,
        np.where((flux >= 0) & (flux <= LARGEST_FLUX), flux, np.nan),
        ((start - peak) / 1000 - half, (stop - peak) / 1000 + half),
        None if probability is None else probability[:, near],
    )


def _table(table: pd.DataFrame, columns: list[str]) -> dict[str, list[Any]]:
    """Return rows of plain Python values, and a last one with the sums of numbers."""
    values = [table[name].tolist() for name in columns]
    total = [
        sum(v) if pd.api.types.is_integer_dtype(table[name]) else ""
        for name, v in zip(columns, values, strict=True)
    ]
    return {"rows": [list(row) for row in zip(*values, strict=True)], "total": ["all", *total[1:]]}


def _plain(value: Any) -> Any:
    """Return an attribute as read from NetCDF as a Python value."""
    return value.item() if isinstance(value, np.generic | np.ndarray) else value
