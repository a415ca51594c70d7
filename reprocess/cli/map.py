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
)


@click.command("map")
@EXISTING_WORK
@ONE_RUN
@MAP
@resumable()
def map_(work: Path, name: str | None, **options: Any) -> None:
    """Make the L-MLT maps of a run from its events and exposure."""
    target = existing_work(work)
    one = target.only_run(name)
    draw_map(target, one, grid_of(options), options)
    finish(target, None, one.name)
