"""What a run will take: plan."""

import json
import sys
from typing import Any

import click

from reprocess.cli.choice import choose_model
from reprocess.cli.options import (
    DETECTION,
    JSON,
    MEMORY,
    SELECTION,
    SOURCE,
    WORKERS,
    classifies_all,
)
from reprocess.cli.selection import list_granules, reading
from reprocess.pages.words import numbered


@click.command()
@click.argument("archive")
@SELECTION
@SOURCE
@WORKERS
@MEMORY
@DETECTION
@JSON
def plan(archive: str, **options: Any) -> None:
    """Tell what ARCHIVE holds and what a run over it will take.

    Satellite-days per satellite and year, blocks, bytes to read; predicted files, disk, memory and
    CPU hours of a new WORK directory. Nothing is written, and no file of ARCHIVE is opened. Model, mode,
    engine, --dense and --classes decide what classifying costs. The exit code is 3 or 4 if days are left out.
    """
    from reprocess.classifier.bundle import find_model, load_bundle
    from reprocess.execution.forecast import Resources, make_plan, require_memory
    from reprocess.work.status import left_out_code, survey_left_out

    require_memory(options["engine"], options["memory"])  # before a long listing
    given = {name: options[name] for name in ("engine", "mode", "classes", "workers", "memory")}
    operations = load_bundle(find_model(choose_model(options["model"], lambda: True))).operations
    resources = Resources(operations=operations, dense=classifies_all(options), **given)
    listing = list_granules(archive, options)
    made = make_plan(listing.granules, resources)
    left_out = survey_left_out(listing.left_out, {(g.satellite, g.day) for g in listing.granules})
    if options["as_json"]:
        click.echo(json.dumps({"archive": archive, **made, "left_out": left_out}, indent=1))
    else:
        _print(made)
    sys.exit(left_out_code(left_out))


def _print(made: dict[str, Any]) -> None:
    for name, satellite in made["satellites"].items():
        for year, found in satellite["years"].items():
            days, size = found["satellite_days"], found["bytes_to_read"] / 1e6
            click.echo(f"{name:8} {year} {days:5} satellite-days {size:10.1f} MB")
    told = made["predicted"]
    cpu = ", ".join(f"{stage} {_duration(hours)}" for stage, hours in told["cpu_hours"].items())
    click.echo(reading(made))
    click.echo(f"predicted: {numbered(told['files'], 'file')}, {told['disk_bytes'] / 1e6:.1f} MB in WORK")
    click.echo(
        f"predicted: {_duration(sum(told['cpu_hours'].values()))} of CPU ({cpu}), "
        f"{_duration(told['wall_hours'])} with {numbered(told['workers'], 'worker')} if the source keeps up"
    )
    click.echo(
        f"memory: a limit of {told['worker_memory_bytes'] / 1e6:.0f} MB a worker, "
        f"{told['memory_bytes'] / 1e6:.0f} MB in all"
    )


def _duration(hours: float) -> str:
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{hours * 60:.1f} min" if hours * 60 >= 1 else f"{hours * 3600:.1f} s"
