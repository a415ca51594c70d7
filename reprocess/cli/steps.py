"""What several commands do one after the other."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.choice import choose_model
from reprocess.cli.options import (
    classifies_all,
)
from reprocess.cli.place import open_place
from reprocess.cli.selection import reading
from reprocess.cli.survey import print_survey
from reprocess.pages.words import numbered

if TYPE_CHECKING:
    from reprocess.detect.plan import Settings
    from reprocess.maps.stage import Split
    from reprocess.schema.granules import Granule, LeftOut, Listing
    from reprocess.work.choice import Choice
    from reprocess.work.paths import Run, Work
    from reprocess.work.surveyed import Surveyed


def note_listing(work: "Work", listing: "Listing") -> list["Granule"]:
    """Note what is not read, and note and report the days asked for before that are no longer listed."""
    from reprocess.work.asked import note_left_out, note_vanished, read_asked

    note_left_out(work.left_out, listing)
    gone = note_vanished(work.vanished, read_asked(work.asked), listing)
    for g in gone:
        click.echo(f"no longer in the archive: {g.satellite} {g.date} {g.url}", err=True)
    return gone


def make_settings(options: dict[str, Any], only_simulated: "Callable[[], bool]") -> "Settings":
    """Return what a run is made with, the model looked up; `only_simulated` as in `choose_model`."""
    from reprocess.classifier.bundle import find_model, load_bundle
    from reprocess.detect.plan import Settings

    bundle = load_bundle(find_model(choose_model(options["model"], only_simulated)))
    click.echo(f"model {bundle.name}: {bundle.card.get('title', 'no title')}", err=True)
    mode, engine, classes = options["mode"], options["engine"], options["classes"]
    rules = options["rules"] | dict.fromkeys(options["no_rules"])
    settings = Settings(bundle.path, bundle.sha256, mode, engine, classes, classifies_all(options), rules)
    settings.rules_of_mode  # noqa: B018  # whoever mistypes one is told now
    return settings


def run_name(options: dict[str, Any], settings: "Settings") -> str:
    """Return the name of the run that the options make."""
    return options["name"] or f"{settings.model.name}-{settings.mode}"


def grid_of(options: dict[str, Any], one: "Run", *, beside: bool = False) -> Any:
    """Return the grid that the options ask for; where they ask for none, the one that the run's map has.

    `options["min_dwell"]`, in minutes, becomes that of the run's map likewise. A map beside the run's own may
    have any edges.
    """
    import numpy as np

    from reprocess.schema.grid import any_grid, make_grid

    context = click.get_current_context()
    asked = {
        name
        for name in ("l_edges", "mlt_edges", "min_dwell")
        if context.get_parameter_source(name) != click.core.ParameterSource.DEFAULT
    }
    kept = {} if asked else (one.read_identity() or {}).get("bins", {})
    if kept:
        options["min_dwell"] = kept["min_dwell_s"] / 60
    edges = (kept.get("L_edges", options["l_edges"]), kept.get("MLT_edges", options["mlt_edges"]))
    return (any_grid if beside else make_grid)(*(np.asarray(values, float) for values in edges))


def do_stages(
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
            storage, connections = options["storage"], options["connections"]
            ingest(work, granules, where, progress, storage, connections, retry=options["retry"])
        if settings is not None and one is not None:
            detect(work, one, settings, granules, where, progress)
            if not options["partition"]:  # other processes write other shares
                sum_up(one)


def finish_share(
    work: "Work",
    granules: list["Granule"],
    name: str | None,
    options: dict[str, Any],
    left_out: "Sequence[LeftOut]" = (),
) -> None:
    """Answer for one share alone, and for what no share can read."""
    from reprocess.execution.share import Share

    share = Share(*options["partition"])
    click.echo(
        f"share {share} is through; when all are: reprocess map {work.root}, reprocess report {work.root}",
        err=True,
    )
    finish(work, share.select(granules), name, left_out, sums=False)


def draw_map(
    work: "Work",
    one: "Run",
    grid: Any,
    options: dict[str, Any],
    name: str = "",
    choice: "Choice | None" = None,
    split: "Split | None" = None,
    surveyed: "Surveyed | None" = None,
) -> None:
    """Make a run's map, or one with a name beside it, and say which files it wrote."""
    from reprocess.maps.stage import make_map
    from reprocess.work.choice import EVERYTHING

    look: dict[str, Any] = {key: options[key] for key in ("formats", "vmax", "uncertainty") if key in options}
    seconds, of = options["min_dwell"] * 60, choice or EVERYTHING
    paths = make_map(work, one, grid, seconds, name, look, of, split, surveyed)
    for path in paths:
        click.echo(f"wrote {path}", err=True)
    if split and len(paths) == 1:
        from reprocess.maps.split_plot import MOST_PARTS

        click.echo(f"no figure: no part has anything, or more than {MOST_PARTS} have", err=True)


def draw_difference(
    work: "Work",
    one: "Run",
    grid: Any,
    options: dict[str, Any],
    name: str,
    choice: "Choice",
    split: "Split | None",
    surveyed: "Surveyed | None" = None,
) -> None:
    """Write a difference of parts of a split; say what differs, and which files it wrote."""
    from reprocess.maps.stage import Split, make_difference

    look: dict[str, Any] = {key: options[key] for key in ("formats", "vmax")}
    pair, seconds = options["difference"] or None, options["min_dwell"] * 60
    paths, words = make_difference(
        work, one, grid, seconds, name, split or Split(()), pair, look, choice, surveyed
    )
    for line in words:
        click.echo(line)
    for path in paths:
        click.echo(f"wrote {path}", err=True)


def write_page(
    work: "Work", one: "Run", choice: "Choice | None" = None, surveyed: "Surveyed | None" = None
) -> None:
    """Write a run's report, and say where."""
    from reprocess.report.page import write_report
    from reprocess.work.choice import EVERYTHING

    click.echo(f"wrote {write_report(work, one, choice or EVERYTHING, surveyed)}", err=True)


def draw_results(work: "Work", one: "Run", grid: Any, options: dict[str, Any]) -> "Surveyed | None":
    """Make a run's map and page, unless they are there as they would be made; return the survey for them."""
    from reprocess.maps.stage import bins_of
    from reprocess.work.results import are_current
    from reprocess.work.surveyed import survey_of

    if are_current(work, one, bins_of(grid, options["min_dwell"] * 60)):
        click.echo(f"nothing changed: {one.occurrence} and {one.report} stay as they are", err=True)
        return None
    surveyed = survey_of(work, one)
    draw_map(work, one, grid, options, surveyed=surveyed)
    write_page(work, one, surveyed=surveyed)
    return surveyed


def finish(
    work: "Work",
    granules: "Sequence[Granule] | None",
    name: str | None,
    left_out: "Sequence[LeftOut]" = (),
    sums: bool = True,
    surveyed: "Surveyed | None" = None,
) -> None:
    """Print the counts of what was asked for and exit with its code; `sums` are part of it but for shares.

    `surveyed` is a survey that was made since anything was ingested or classified.
    """
    from reprocess.work.status import exit_code
    from reprocess.work.surveyed import survey_again

    state = survey_again(work, name, granules, left_out, surveyed)
    state["runs"] = {k: v | ({} if sums else {"outdated": []}) for k, v in state["runs"].items() if k == name}
    print_survey(state)
    sys.exit(exit_code(state, name))


def tell_more(work: "Work", one: "Run", granules: "Sequence[Granule]") -> None:
    """Say that a run's maps are of more satellite-days than were asked for now."""
    from reprocess.work.asked import asked_of

    more = len({(g.satellite, g.day) for g in asked_of(work, one)} - {(g.satellite, g.day) for g in granules})
    if more:
        click.echo(
            f"run {one.name!r} was asked for {numbered(more, 'more satellite-day')} before: map and report "
            "are of all of them; for those of now alone, give a new name with --run",
            err=True,
        )


def print_plan(
    work: "Work",
    name: str | None,
    settings: "Settings | None",
    granules: list["Granule"],
    retry: bool = False,
) -> None:
    """Say what would be done."""
    from reprocess.detect.stage import plan_detect
    from reprocess.execution.forecast import totals
    from reprocess.ingest.stage import plan_ingest

    plans = plan_ingest(work, granules, retry=retry)
    click.echo(f"{numbered(len(granules), 'satellite-day')} asked for")
    click.echo(f"ingest: {reading(totals([g for p in plans for g in p.granules]))}")
    if name is not None and settings is not None:
        known = plan_detect(work, work.run(name), settings, granules)
        blocks = {(p.satellite, p.block) for p in plans} | {(p.satellite, p.block) for p in known}
        click.echo(f"detect: {numbered(len(blocks), 'block')} in run {name!r}")
