"""Prints evaluations side by side as Markdown, for docs: python docs/compare_evaluations.py FILE.json..."""
# ruff: noqa: T201  (printing tables is what it is for)

import json
import sys
from pathlib import Path
from typing import Any

from reprocess import schema

Scores = dict[str, Any]


def main() -> None:
    """Print what became of events above four counts per second: by class, by situation, and in bins."""
    files = [json.loads(Path(name).read_text()) for name in sys.argv[1:]]
    heads = [f"{f['model']}, {f['mode']}" for f in files]
    rows = {
        name: [f["events"]["above_4_counts"][name] for f in files] for name in ("all", *schema.EVENT_CLASSES)
    }
    situations = [f["events"]["by_situation"]["above_4_counts"] for f in files]
    for name, meaning in {**schema.SITUATIONS, "none": "in none of these"}.items():
        rows[meaning] = [s[name] for s in situations]
    _print_table("events above 4 counts/s", heads, rows)
    for name, bins in files[0]["events"]["recall_by"].items():
        edges = [f"{b['low']:g} to {'more' if b['high'] is None else format(b['high'], 'g')}" for b in bins]
        _print_table(
            name,
            heads,
            {edge: [f["events"]["recall_by"][name][k] for f in files] for k, edge in enumerate(edges)},
        )
    for head, file in zip(heads, files, strict=True):
        everything = file["events"]["any_strength"]["all"]
        low, high = everything["false_alarms_per_day_interval"]
        print(
            f"{head}: {file['satellite_days']} satellite-days of {file['satellites']}, {file['period']}; "
            f"{everything['false_alarms']} false alarms of any strength, "
            f"{everything['false_alarms_per_day']:.3f} a day ({low:.3f}-{high:.3f})"
        )


def _print_table(first: str, heads: list[str], rows: dict[str, list[Scores]]) -> None:
    """Print recall, precision and counts of each evaluation; rows without any event are left out."""
    print(
        f"| {first} | true | "
        + " | ".join(f"{h}: not observed | recall | precision | confused, false" for h in heads)
        + " |"
    )
    print("|---|---:|" + "---:|---|---|---|" * len(heads))
    for name, cells in rows.items():
        if any(c["true"] or c["found"] for c in cells):
            print(f"| {name} | {cells[0]['true']} | " + " | ".join(_cell(c) for c in cells) + " |")
    print()


def _cell(scores: Scores) -> str:
    wrong = scores["found"] - scores["right"] - scores["false_alarms"]
    shares = (_share(scores[k], scores[f"{k}_interval"]) for k in ("recall", "precision"))
    return " | ".join((str(scores["not_observed"]), *shares, f"{wrong}, {scores['false_alarms']}"))


def _share(value: float | None, interval: list[float] | None) -> str:
    if value is None or interval is None:
        return "-"
    return f"{value:.3f} ({interval[0]:.2f}-{interval[1]:.2f})"


if __name__ == "__main__":
    main()
