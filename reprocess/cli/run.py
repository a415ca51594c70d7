"""The main job: run."""

from pathlib import Path
from typing import Any

import click

from reprocess.cli.choice import first_is_simulated
from reprocess.cli.interruption import resumable
from reprocess.cli.options import (
    CLUSTER,
    CONNECTIONS,
    DETECTION,
    DRY_RUN,
    MAP,
    PARTITION,
    RETRY,
    RUN_NAME,
    SELECTION,
    SOURCE,
    WORK,
    open_work,
)
from reprocess.cli.selection import list_granules, refuse_overlap
from reprocess.cli.steps import (
    do_stages,
    draw_results,
    finish,
    finish_share,
    grid_of,
    make_settings,
    note_listing,
    print_plan,
    run_name,
    tell_more,
)


@click.command()
@click.argument("archive")
@WORK
@SELECTION
@SOURCE
@DETECTION
@RUN_NAME
@MAP
@CLUSTER
@CONNECTIONS
@RETRY
@PARTITION
@DRY_RUN
@resumable()
def run(archive: str, work: Path, **options: Any) -> None:
    """Do everything: read ARCHIVE into WORK, classify, make events, maps and the report.

    ARCHIVE is what holds NOAA's years: a folder, an https listing, any fsspec URL, or the word noaa
    for NCEI's archive. What is done already is not done again; a file that changed is.
    """
    refuse_overlap(archive, work)
    listing = list_granules(archive, options)
    granules = listing.granules
    settings = make_settings(options, lambda: first_is_simulated(granules, options["storage"]))
    target, one = open_work(work), run_name(options, settings)
    grid = grid_of(options, target.run(one))
    if options["dry_run"]:
        print_plan(target, one, settings, granules, options["retry"])
        return
    gone = note_listing(target, listing)
    do_stages(target, granules, options, settings=settings, one=target.run(one))
    if options["partition"]:
        finish_share(target, [*granules, *gone], one, options, listing.left_out)
    surveyed = None
    if any(receipt["days"] for receipt in target.run(one).ledger.done()):
        surveyed = draw_results(target, target.run(one), grid, options)
        tell_more(target, target.run(one), granules)
    else:  # every block failed, or every file is bad: the counts say so
        click.echo("no map: no satellite-day is classified", err=True)
    finish(target, [*granules, *gone], one, listing.left_out, surveyed=surveyed)
