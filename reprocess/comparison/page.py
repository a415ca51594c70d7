"""What a comparison leaves behind: a page, JSON, the table of all pairs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reprocess.comparison.causes import shown
from reprocess.comparison.figures import draw_difference
from reprocess.comparison.maps import bin_rows
from reprocess.comparison.stage import Comparison
from reprocess.files import write_atomic
from reprocess.pages.render import embed, render
from reprocess.schema import CLASSES, EVENT_CLASSES, PAIR_COLUMNS, PAIR_KINDS, PAIR_MEANINGS, Variable
from reprocess.work.parts import as_parquet

_LISTED = 40
"""Differences that the page lists; the table has all."""


def as_json(comparison: Comparison) -> str:
    """Return days, counts, scores, causes and the bins of the maps as JSON."""
    facts = comparison.facts | {"bins": bin_rows(comparison.maps, comparison.grid)}
    return json.dumps(facts, indent=1, sort_keys=True) + "\n"


def table_bytes(table: pd.DataFrame, columns: dict[str, Variable], kind: str) -> bytes:
    """Return a declared table as a file's content.

    Parameters
    ----------
    table : pandas.DataFrame
        With these columns; times in UTC.
    columns : dict of str to Variable
    kind : str
        ``csv``, with times as ISO 8601 and missing values empty, or ``parquet``.
    """
    if kind == "parquet":
        return as_parquet({name: _storable(table[name]) for name in columns}, columns.values())
    text = table[list(columns)].copy()
    for name, column in columns.items():
        if column.dtype == "time":
            words = table[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.slice(0, 23) + "Z"
            text[name] = words.where(table[name].notna(), "")
        elif column.dtype == "bool":
            text[name] = table[name].astype(bool)
        elif column.dtype == "float64":
            text[name] = table[name].astype(float).round(4)
    return text.to_csv(index=False, lineterminator="\n").encode()


def _storable(values: pd.Series) -> Any:
    """Return a column as Arrow takes it."""
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def write_comparison(comparison: Comparison, folder: Path, kind: str) -> list[Path]:
    """Write the page, `comparison.json` and the pairs into a folder, and return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {
        folder / f"pairs.{kind}": table_bytes(comparison.pairs, PAIR_COLUMNS, kind),
        folder / "comparison.json": as_json(comparison).encode(),
        folder / "index.html": draw_page(comparison, f"pairs.{kind}"),
    }
    for path, content in paths.items():
        write_atomic(path, content)
    return list(paths)


def draw_page(comparison: Comparison, table_name: str) -> bytes:
    """Return the page of a comparison."""
    facts = comparison.facts
    differ = comparison.pairs[comparison.pairs["kind"] != "kept"]
    return render(
        "comparison.html",
        facts=facts,
        table_name=table_name,
        simulated=sum(run["simulated_satellite_days"] for run in facts["runs"].values()),
        side_by_side=_side_by_side(facts["runs"]),
        kinds=[[name, *(counts[kind] for kind in PAIR_KINDS)] for name, counts in facts["kinds"].items()],
        meanings=PAIR_MEANINGS,
        causes=[
            [row["kind"], row["cause"], "yes" if row["entangled"] else "", row["pairs"]]
            for row in facts["causes"]
        ],
        scores={name: _score_rows(facts[name]) for name in ("by_event", "by_second")},
        tables={
            name: _cells(facts[name]["table"], name == "by_second") for name in ("by_event", "by_second")
        },
        dials={
            name: embed(draw_difference(comparison.maps, comparison.grid, name)) for name in EVENT_CLASSES
        },
        beyond={
            name: [
                int(comparison.maps.beyond[k].sum()),
                int(comparison.maps.known[k].sum()),
            ]
            for k, name in enumerate(EVENT_CLASSES)
        },
        off_maps=_off_maps(comparison),
        listed=[_listed(row) for row in differ.head(_LISTED).to_dict("records")],
        differences=len(differ),
    )


def _off_maps(comparison: Comparison) -> dict[str, int]:
    on = {"A": comparison.maps.events_a.sum(), "B": comparison.maps.events_b.sum()}
    return {run: comparison.facts["events"][run] - int(count) for run, count in on.items()}


def _side_by_side(runs: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Return name, value in A, value in B and whether they differ; the rules one by one."""
    flat = [_flat(runs[label]) for label in ("A", "B")]
    names = list(dict.fromkeys([*flat[0], *flat[1]]))
    rows = [(name, flat[0].get(name, "no such rule"), flat[1].get(name, "no such rule")) for name in names]
    return [(name, ours, theirs, ours != theirs) for name, ours, theirs in rows]


def _flat(run: dict[str, Any]) -> dict[str, str]:
    facts = {name: str(value) for name, value in run.items() if name not in ("rules", "title")}
    facts["model"] = f"{run['model']}: {run['title']}" if run["title"] else f"{run['model']}"
    rules = {f"rule {name}": shown(value) for name, value in (run["rules"] or {}).items() if name != "name"}
    return facts | rules


def _score_rows(scores: dict[str, Any]) -> list[list[str]]:
    return [
        [name, _shown(score["value"]), _interval(score["interval"])]
        for name, score in scores.items()
        if name != "table"
    ]


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _interval(interval: list[float] | None) -> str:
    return "not given" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"


def _cells(table: dict[str, dict[str, float]], seconds: bool) -> list[list[str | int]]:
    """Return the rows of a table of agreement; there is no such thing as an event in neither run."""
    return [
        [
            f"A: {ours}",
            *(
                "" if not seconds and ours == theirs == CLASSES[0] else round(table[ours][theirs])
                for theirs in CLASSES
            ),
        ]
        for ours in CLASSES
    ]


def _listed(row: dict[Any, Any]) -> list[str]:
    def extent(which: str) -> str:
        if not row[f"event_class_{which}"]:
            return "none"
        start, stop = row[f"start_time_{which}"], row[f"stop_time_{which}"]
        return f"{row[f'event_class_{which}']} {start:%H:%M:%S} to {stop:%H:%M:%S}"

    which = "a" if row["event_class_a"] else "b"
    return [
        row["satellite"],
        f"{row[f'start_time_{which}']:%Y-%m-%d}",
        row["kind"],
        extent("a"),
        extent("b"),
        f"{row[f'L_{which}']:.1f}",
        f"{row[f'MLT_{which}']:.1f}",
        row["cause"],
    ]
