"""The third stage: map."""

from pathlib import Path
from typing import Any

import click

from reprocess.cli.interruption import resumable
from reprocess.cli.options import (
    EXISTING_WORK,
    MAP,
    ONE_RUN,
    existing_work,
)
from reprocess.cli.steps import (
    draw_map,
    finish,
    grid_of,
    write_page,
)


def _plain(_: click.Context, __: click.Parameter, name: str) -> str:
    """Refuse what cannot be a file's name."""
    if name in {".", ".."} or "/" in name or "\0" in name:
        raise click.BadParameter(f"{name!r} cannot name a file; use a plain name without '/'")
    return name.removesuffix(".nc")


@click.command("map")
@EXISTING_WORK
@ONE_RUN
@MAP
@click.option(
    "--name", "beside", default="", metavar="NAME", callback=_plain,
    help="Write maps/NAME.nc and its plots in the run's folder, and leave the run's own map as it is.",
)  # fmt: skip
@resumable()
def map_(work: Path, name: str | None, beside: str, **options: Any) -> None:
    """Make the L-MLT maps of a run from its events and exposure.

    The run remembers the bins: later runs draw its map in them again unless others are asked for.
    """
    from reprocess.work.asked import asked_of

    target = existing_work(work)
    one = target.only_run(name)
    draw_map(target, one, grid_of(options, one), options, beside)
    if one.report.exists() and not beside:
        write_page(target, one)  # a page must not show a map that is there no longer
    finish(target, asked_of(target, one), one.name)
