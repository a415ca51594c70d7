"""The first stage: ingest."""

from pathlib import Path
from typing import Any

import click

from reprocess.cli.interruption import resumable
from reprocess.cli.options import (
    CLUSTER,
    CONNECTIONS,
    DRY_RUN,
    PARTITION,
    RETRY,
    SELECTION,
    SOURCE,
    WORK,
    open_work,
)
from reprocess.cli.selection import list_granules, refuse_overlap
from reprocess.cli.steps import (
    do_stages,
    finish,
    finish_share,
    note_listing,
    print_plan,
)


@click.command()
@click.argument("archive")
@WORK
@SELECTION
@SOURCE
@CLUSTER
@CONNECTIONS
@RETRY
@PARTITION
@DRY_RUN
@resumable()
def ingest(archive: str, work: Path, **options: Any) -> None:
    """Read ARCHIVE into WORK/archive.zarr."""
    refuse_overlap(archive, work)
    listing = list_granules(archive, options)
    granules = listing.granules
    target = open_work(work)
    if options["dry_run"]:
        print_plan(target, None, None, granules, options["retry"])
        return
    gone = note_listing(target, listing)
    do_stages(target, granules, options)
    if options["partition"]:
        finish_share(target, [*granules, *gone], None, options, listing.left_out)
    finish(target, [*granules, *gone], None, listing.left_out)
