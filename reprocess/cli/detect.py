"""The second stage: detect."""

from pathlib import Path
from typing import Any

import click

from reprocess.cli.choice import all_are_simulated
from reprocess.cli.interruption import resumable
from reprocess.cli.options import (
    CLUSTER,
    DETECTION,
    DRY_RUN,
    EXISTING_WORK,
    PARTITION,
    RUN_NAME,
    SELECTION,
    existing_work,
)
from reprocess.cli.selection import known_granules
from reprocess.cli.steps import (
    do_stages,
    finish,
    finish_share,
    make_settings,
    print_plan,
    run_name,
)


@click.command()
@EXISTING_WORK
@SELECTION
@DETECTION
@RUN_NAME
@CLUSTER
@PARTITION
@DRY_RUN
@resumable()
def detect(work: Path, **options: Any) -> None:
    """Classify what is in WORK/archive.zarr and make events."""
    target = existing_work(work)
    granules = known_granules(target, options)
    settings = make_settings(options, lambda: all_are_simulated(target, granules))
    one = run_name(options, settings)
    if options["dry_run"]:
        print_plan(target, one, settings, granules)
        return
    do_stages(target, granules, options, settings=settings, one=target.run(one), read=False)
    if options["partition"]:
        finish_share(target, granules, one, options)
    finish(target, granules, one)
