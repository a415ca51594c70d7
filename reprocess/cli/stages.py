"""The main job and its stages: run, ingest, detect, map, report."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.archives import list_granules, reading, selection
from reprocess.cli.inspection import print_state
from reprocess.cli.interruption import resumable
from reprocess.cli.options import (
    CLUSTER,
    CONNECTIONS,
    DETECTION,
    DRY_RUN,
    EXISTING_WORK,
    MAP,
    ONE_RUN,
    PARTITION,
    RUN_NAME,
    SELECTION,
    SOURCE,
    WORK,
    classifies_all,
    open_work,
)
from reprocess.cli.place import open_place

if TYPE_CHECKING:
    from reprocess.detect.block import Settings
    from reprocess.schema.granules import Granule, Listing
    from reprocess.work.paths import Run, Work


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
@PARTITION
@DRY_RUN
@resumable()
def run(archive: str, work: Path, **options: Any) -> None:
    """Do everything: read ARCHIVE into WORK, classify, make events, maps and the report.

    ARCHIVE is what holds NOAA's years: a folder, an https listing, any fsspec URL, or the word noaa
    for NCEI's archive. What is done already is not done again; a file that changed is.
    """
    listing = list_granules(archive, options)
    granules = listing.granules
    settings = make_settings(options)
    target, one = open_work(work), _run_name(options, settings)
    grid = _grid(options)
    if options["dry_run"]:
        _print_plan(target, one, settings, granules)
        return
    gone = _note_vanished(target, listing)
    _stages(target, granules, options, settings=settings, one=target.run(one))
    if options["partition"]:
        _finish_share(target, [*granules, *gone], one, options)
    if any(record["days"] for record in target.run(one).ledger.done()):
        _make_map(target, target.run(one), grid, options)
        _make_report(target, target.run(one))
    else:  # every block failed, or every file is bad: the counts say so
        click.echo("no map: no satellite-day is classified", err=True)
    _finish(target, [*granules, *gone], one)


@click.command()
@click.argument("archive")
@WORK
@SELECTION
@SOURCE
@CLUSTER
@CONNECTIONS
@PARTITION
@DRY_RUN
@resumable()
def ingest(archive: str, work: Path, **options: Any) -> None:
    """Read ARCHIVE into WORK/archive.zarr."""
    listing = list_granules(archive, options)
    granules = listing.granules
    target = open_work(work)
    if options["dry_run"]:
        _print_plan(target, None, None, granules)
        return
    gone = _note_vanished(target, listing)
    _stages(target, granules, options)
    if options["partition"]:
        _finish_share(target, [*granules, *gone], None, options)
    _finish(target, [*granules, *gone], None)


def _note_vanished(work: "Work", listing: "Listing") -> list["Granule"]:
    """Note and report the satellite-days that were asked for before and are no longer listed."""
    from reprocess.work.asked import note_vanished, read_asked

    gone = note_vanished(work.vanished, read_asked(work.asked), listing)
    for g in gone:
        click.echo(f"no longer in the archive: {g.satellite} {g.date} {g.url}", err=True)
    return gone


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
    target = open_work(work)
    granules = known_granules(target, options)
    settings = make_settings(options)
    one = _run_name(options, settings)
    if options["dry_run"]:
        _print_plan(target, one, settings, granules)
        return
    _stages(target, granules, options, settings=settings, one=target.run(one), read=False)
    if options["partition"]:
        _finish_share(target, granules, one, options)
    _finish(target, granules, one)


@click.command("map")
@EXISTING_WORK
@ONE_RUN
@MAP
@resumable()
def map_(work: Path, name: str | None, **options: Any) -> None:
    """Make the L-MLT maps of a run from its events and exposure."""
    target = open_work(work)
    one = target.only_run(name)
    _make_map(target, one, _grid(options), options)
    _finish(target, None, one.name)


@click.command()
@EXISTING_WORK
@ONE_RUN
def report(work: Path, name: str | None) -> None:
    """Write the page of a run: WORK/runs/NAME/report/index.html.

    It holds everything, images too, and can be sent as it is. The run needs its maps first.
    """
    target = open_work(work)
    one = target.only_run(name)
    _make_report(target, one)
    _finish(target, None, one.name)


def known_granules(work: "Work", options: dict[str, Any]) -> list["Granule"]:
    """Return the satellite-days asked for among those that WORK was ever asked for."""
    from reprocess.work.asked import read_asked

    known = read_asked(work.asked)
    if not known:
        raise click.UsageError(f"{work.root} holds no archive yet; use: reprocess ingest ARCHIVE {work.root}")
    asked = selection(options)
    granules = [g for g in known if asked.has(g)]
    if not granules:
        raise click.UsageError(f"none of the {len(known)} satellite-days in {work.root} is selected")
    return granules


def make_settings(options: dict[str, Any]) -> "Settings":
    """Return what a run is made with, the model looked up."""
    from reprocess.classifier.bundle import find_model, load_bundle
    from reprocess.detect.block import Settings

    bundle = load_bundle(find_model(options["model"]))
    click.echo(f"model {bundle.name}: {bundle.card.get('title', 'no title')}", err=True)
    mode, engine, classes = options["mode"], options["engine"], options["classes"]
    return Settings(bundle.path, bundle.sha256, mode, engine, classes, classifies_all(options))


def _run_name(options: dict[str, Any], settings: "Settings") -> str:
    return options["name"] or f"{settings.model.name}-{settings.mode}"


def _grid(options: dict[str, Any]) -> Any:
    from reprocess.schema.grid import make_grid

    return make_grid(options["l_edges"], options["mlt_edges"])


def _stages(
    work: "Work",
    granules: list["Granule"],
    options: dict[str, Any],
    settings: "Settings | None" = None,
    one: "Run | None" = None,
    read: bool = True,
) -> None:
    """Ingest and detect on one cluster."""
    from reprocess.detect.stage import claim, detect
    from reprocess.ingest.stage import ingest
    from reprocess.maps.stage import sum_up
    from reprocess.monitoring.progress import show_progress

    def announce(text: str) -> None:
        click.echo(text, err=True)

    with (
        open_place(options, settings) as where,
        show_progress(work, one, announce, options["report"]) as progress,
    ):
        if settings is not None and one is not None:
            claim(one, settings)  # before hours of reading, not after
        if read:
            ingest(work, granules, where, progress, options["storage"], options["connections"])
        if settings is not None and one is not None:
            detect(work, one, settings, granules, where, progress)
            if not options["partition"]:  # other processes write other shares
                sum_up(one)


def _finish_share(work: "Work", granules: list["Granule"], name: str | None, options: dict[str, Any]) -> None:
    """Answer for one share alone."""
    from reprocess.execution.share import Share

    share = Share(*options["partition"])
    click.echo(
        f"share {share} is through; when all are: reprocess map {work.root}, reprocess report {work.root}",
        err=True,
    )
    _finish(work, share.select(granules), name, sums=False)


def _make_map(work: "Work", one: "Run", grid: Any, options: dict[str, Any]) -> None:
    from reprocess.maps.stage import make_map

    for path in make_map(work, one, grid, options["min_dwell"] * 60):
        click.echo(f"wrote {path}", err=True)


def _make_report(work: "Work", one: "Run") -> None:
    from reprocess.report.page import write_report

    click.echo(f"wrote {write_report(work, one)}", err=True)


def _finish(work: "Work", granules: "Sequence[Granule] | None", name: str | None, sums: bool = True) -> None:
    """Print the counts of what was asked for and exit with its code; `sums` are part of it but for shares."""
    from reprocess.work.status import exit_code, survey

    state = survey(work, granules)
    state["runs"] = {k: v | ({} if sums else {"outdated": []}) for k, v in state["runs"].items() if k == name}
    print_state(state)
    sys.exit(exit_code(state, name))


def _print_plan(
    work: "Work", name: str | None, settings: "Settings | None", granules: list["Granule"]
) -> None:
    """Say what would be done."""
    from reprocess.detect.stage import plan_detect
    from reprocess.execution.forecast import totals
    from reprocess.ingest.stage import plan_ingest

    plans = plan_ingest(work, granules)
    click.echo(f"{len(granules)} satellite-days asked for")
    click.echo(f"ingest: {reading(totals([g for p in plans for g in p.granules]))}")
    if name is not None and settings is not None:
        known = plan_detect(work, work.run(name), settings, granules)
        waiting = {(p.satellite, p.block) for p in plans} | {(p.satellite, p.block) for p in known}
        click.echo(f"detect: {len(waiting)} blocks in run {name!r}")
