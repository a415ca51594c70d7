"""Two runs held against each other: compare."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.options import JSON, MAP, existing_work
from reprocess.pages.words import numbered, to_be

if TYPE_CHECKING:
    from reprocess.work.paths import Run, Work

LEFT_OUT = 3
"""Exit code: done, and something was left out."""

TABLES = click.Choice(["parquet", "csv"])


@click.command()
@click.argument("a", metavar="WORK[:RUN]")
@click.argument("b", metavar="[WORK]:RUN")
@MAP
@click.option(
    "--explain", is_flag=True,
    help="Find the rule of mode continuous behind each difference by doing its day again, about 1 s each; "
    "for two runs of one WORK with one model, which must be on this machine.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the page, comparison.json and the table of all pairs.",
)  # fmt: skip
@click.option(
    "--pairs", "kind", type=TABLES, default="parquet", show_default=True, help="Format of that table."
)
@JSON
def compare(a: str, b: str, kind: str, output: Path | None, as_json: bool, **options: Any) -> None:
    """Compare two runs, event by event, second by second and map by map.

    A run is WORK:RUN, or WORK where it has one run; `:RUN` is another run of the first WORK. Events are
    matched one to one and are kept, moved, relabelled, lost or gained from the first run (A) to the second
    (B). Satellite-days that only one of them has are left out and counted; the exit code is then 3.
    """
    import numpy as np

    from reprocess.comparison import page
    from reprocess.comparison.stage import Side, compare_runs
    from reprocess.schema.grid import make_grid

    ours = find_run(a, None)
    theirs = find_run(b, ours[0])
    grid = make_grid(np.asarray(options["l_edges"]), np.asarray(options["mlt_edges"]))
    sides = Side.of("A", *ours), Side.of("B", *theirs)
    found = compare_runs(*sides, grid, options["min_dwell"] * 60, by_rule=options["explain"])
    click.echo(page.as_json(found) if as_json else _summary(found.facts), nl=not as_json)
    if output is not None:
        for path in page.write_comparison(found, output, kind):
            click.echo(f"wrote {path}", err=True)
    sys.exit(_tell_left_out(found.facts["days"]))


def find_run(name: str, first: "Work | None") -> "tuple[Work, Run]":
    """Return the run that WORK:RUN or WORK names; `:RUN` is of the first WORK."""
    folder, colon, run = name.rpartition(":")
    if not colon or Path(name).is_dir():  # the name of a folder may have a colon in it
        folder, run = name, ""
    if not folder and first is not None:
        return first, first.only_run(run)
    if not folder or not Path(folder).is_dir():
        raise click.UsageError(f"{name!r} names no run: there is no folder {folder!r}; give WORK:RUN")
    work = existing_work(Path(folder))
    return work, work.only_run(run or None)


def _summary(facts: dict[str, Any]) -> str:
    """Return the comparison in a few lines."""
    runs, kinds = facts["runs"], facts["kinds"]["all"]
    lines = [
        f"{label}: {runs[label]['run']} (model {runs[label]['model']}, mode {runs[label]['mode']}), "
        f"{numbered(facts['events'][label], 'event')}, {facts['dwell_s'][label] / 3600:.1f} h observed"
        for label in ("A", "B")
    ]
    days = facts["days"]
    lines.append(f"{numbered(days['common'], 'satellite-day')} in both, {days['first']} to {days['last']}")
    lines.append("differs: " + ("; ".join(_differing(facts["differs"])) or "nothing that changes events"))
    lines.append(
        ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        + f"; {facts['entangled']} of the lost and gained are parts of an event that has another partner"
    )
    lines += [f"{name}: {_shift(shift)}" for name, shift in facts["shifts"].items() if shift]
    lines += [
        f"{row['pairs']} {row['kind']}{', in parts' if row['entangled'] else ''}: {row['cause']}"
        for row in facts["causes"]
    ]
    for unit in ("by_event", "by_second"):
        scores = {name: score for name, score in facts[unit].items() if name != "table"}
        words = ", ".join(f"{name} {_score(score)}" for name, score in scores.items())
        lines.append(f"{unit.replace('_', ' ')}: {words}")
    lines.append(f"intervals: {facts['intervals']['words']}")
    return "\n".join(lines)


def _shift(seconds: dict[str, float]) -> str:
    low, median, high = (f"{seconds[name]:+.1f}" for name in ("low", "median", "high"))
    return f"{median} s in the median, nine in ten {low} to {high} s"


def _differing(rows: list[dict[str, Any]]) -> list[str]:
    return [f"{row['name']} {row['A']} and {row['B']}" for row in rows]


def _score(score: dict[str, Any]) -> str:
    if score["value"] is None:
        return "undefined"
    limits = score["interval"]
    return f"{score['value']:.3f}" + (f" ({limits[0]:.3f} to {limits[1]:.3f})" if limits else "")


def _tell_left_out(days: dict[str, Any]) -> int:
    """Say which days were not compared, and return the exit code."""
    for label, satellites in days["only"].items():
        if satellites:
            words = ", ".join(f"{count} of {name}" for name, count in satellites.items())
            click.echo(f"left out, only {label} has these satellite-days: {words}", err=True)
    if others := days["of_other_files"]:
        count, be = numbered(len(others), "satellite-day"), to_be(len(others), "were")
        click.echo(f"{count} of both {be} classified from different files, first {others[0]}", err=True)
    return LEFT_OUT if any(days["only"].values()) else 0
