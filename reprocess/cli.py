"""The `reprocess` command: parse, call, print, exit code.

Imports that take time are made where they are used: `--help` answers at once. Exit codes: 0
complete, 2 wrong usage or an error the user can mend, 3 complete with quarantined days, 4
incomplete.
"""

import datetime as dt
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess import __version__
from reprocess.errors import ReprocessError
from reprocess.schema import SATELLITES

if TYPE_CHECKING:
    from reprocess.blocks import Settings
    from reprocess.catalog import Granule
    from reprocess.work import Run, Work

INCOMPLETE = 4
DEFAULT_MODEL = "capannolo2022"


class _Group(click.Group):
    """Prints the project's own errors without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ReprocessError as e:
            raise click.UsageError(str(e)) from e


class _Edges(click.ParamType):
    """Bin edges: ``start:stop:step`` or a comma-separated list."""

    name = "edges"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        import numpy as np

        if not isinstance(value, str):
            return value
        try:
            if ":" not in value:
                return np.array([float(x) for x in value.split(",")])
            start, stop, step = (float(x) for x in value.split(":"))
            count = round((stop - start) / step)
            return start + step * np.arange(count + 1)
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is neither start:stop:step nor a list of numbers", param, ctx)


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Combine option decorators, keeping their order in the help."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_WORK = click.argument("work", type=click.Path(path_type=Path, file_okay=False))
_EXISTING_WORK = click.argument("work", type=click.Path(path_type=Path, file_okay=False, exists=True))
_SELECTION = _options(
    click.option(
        "--satellite", "satellites", multiple=True, type=click.Choice(list(SATELLITES)),
        help="Only this satellite; may be repeated.",
    ),
    click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="First day, YYYY-MM-DD."),
    click.option("--end", type=click.DateTime(["%Y-%m-%d"]), help="Last day, inclusive."),
)  # fmt: skip
_CLUSTER = _options(
    click.option(
        "--workers", type=click.IntRange(1), default=lambda: len(os.sched_getaffinity(0)),
        show_default="one per core", help="Worker processes on this machine, one thread each.",
    ),
    click.option("--scheduler", help="Address of a running Dask scheduler (tcp://…) to use instead."),
)  # fmt: skip
_DETECTION = _options(
    click.option("--model", default=DEFAULT_MODEL, show_default=True, help="Name or folder of the model."),
    click.option(
        "--mode", type=click.Choice(["published", "published-2022"]), default="published", show_default=True,
        help="Rules that make events of classes.",
    ),
    click.option(
        "--engine", type=click.Choice(["onnxruntime", "tensorflow"]), default="onnxruntime",
        show_default=True, help="What runs the network.",
    ),
    click.option("--classes", is_flag=True, help="Also keep class and probabilities of every record."),
)  # fmt: skip
_RUN_NAME = click.option("--run", "name", help="Name of the run; MODEL-MODE for a new one if left out.")
_ONE_RUN = click.option("--run", "name", help="Name of the run; not needed if there is only one.")
_MAP = _options(
    click.option(
        "--l-edges", type=_Edges(), default="2.5:8.5:0.5", show_default=True,
        help="L bins, start:stop:step or a list; multiples of 0.1.",
    ),
    click.option(
        "--mlt-edges", type=_Edges(), default="0:24:1", show_default=True,
        help="MLT bins in hours, start:stop:step or a list; multiples of 0.25.",
    ),
    click.option(
        "--min-dwell", type=click.FloatRange(0), default=10.0, show_default=True,
        help="Minutes observed below which a bin gets no rate.",
    ),
)  # fmt: skip
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done and stop.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="reprocess")
def main() -> None:
    """Find relativistic electron precipitation in NOAA's POES/MetOp archive and map what drives it."""


@main.command()
@click.argument("archive")
@_WORK
@_SELECTION
@_DETECTION
@_RUN_NAME
@_MAP
@_CLUSTER
@_DRY_RUN
def run(archive: str, work: Path, **options: Any) -> None:
    """Do everything: read ARCHIVE into WORK, classify, make events and maps.

    ARCHIVE is the folder (or fsspec URL) that holds NOAA's years. What is done already is not
    done again; a file that changed is.
    """
    granules = _granules(archive, options)
    settings = _settings(options)
    target, one = _work(work), _run_name(options, settings)
    grid = _grid(options)
    if options["dry_run"]:
        _print_plan(target, one, settings, granules)
        return
    _stages(target, granules, options, settings=settings, one=target.run(one))
    _make_map(target, target.run(one), grid, options)
    _finish(target, granules, one)


@main.command()
@click.argument("archive")
@_WORK
@_SELECTION
@_CLUSTER
@_DRY_RUN
def ingest(archive: str, work: Path, **options: Any) -> None:
    """Read ARCHIVE into WORK/archive.zarr."""
    granules = _granules(archive, options)
    target = _work(work)
    if options["dry_run"]:
        _print_plan(target, None, None, granules)
        return
    _stages(target, granules, options)
    _finish(target, granules, None)


@main.command()
@_EXISTING_WORK
@_SELECTION
@_DETECTION
@_RUN_NAME
@_CLUSTER
@_DRY_RUN
def detect(work: Path, **options: Any) -> None:
    """Classify what is in WORK/archive.zarr and make events."""
    target = _work(work)
    granules = _known_granules(target, options)
    settings = _settings(options)
    one = _run_name(options, settings)
    if options["dry_run"]:
        _print_plan(target, one, settings, granules)
        return
    _stages(target, granules, options, settings=settings, one=target.run(one), read=False)
    _finish(target, granules, one)


@main.command("map")
@_EXISTING_WORK
@_ONE_RUN
@_MAP
def map_(work: Path, name: str | None, **options: Any) -> None:
    """Make the L-MLT maps of a run from its events and exposure."""
    target = _work(work)
    one = target.only_run(name)
    _make_map(target, one, _grid(options), options)
    _finish(target, None, one.name)


@main.command()
@_EXISTING_WORK
@_JSON
def status(work: Path, as_json: bool) -> None:
    """Tell what is done, missing, quarantined and failed, and why."""
    from reprocess.status import exit_code, survey

    state = survey(_work(work))
    if as_json:
        click.echo(json.dumps(state, indent=1))
    else:
        _print_state(state)
    sys.exit(max([exit_code(state, None), *(exit_code(state, name) for name in state["runs"])]))


@main.command()
@_EXISTING_WORK
@_ONE_RUN
@click.option(
    "--format", "kind", type=click.Choice(["csv", "parquet", "json"]), default="csv", show_default=True
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def events(work: Path, name: str | None, kind: str, output: Path | None) -> None:
    """Print the event table of a run (CSV on standard output by default)."""
    from reprocess.export import export_events
    from reprocess.parts import read_events
    from reprocess.status import exit_code, survey

    target = _work(work)
    one = target.only_run(name)
    if kind == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not text; give a file with -o")
    data = export_events(read_events(one, one.ledger.done()), kind)
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        from reprocess.ledger import write_atomic

        write_atomic(output, data)
    if exit_code(survey(target), one.name) == INCOMPLETE:
        click.echo(f"run {one.name!r} is not complete; see: reprocess status {work}", err=True)


@main.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--satellites", default="noaa18", show_default=True, help="Directory names, separated by commas."
)
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day, YYYY-MM-DD.")
@click.option("--days", type=click.IntRange(1), default=30, show_default=True, help="Number of days.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of everything random."
)
@click.option("--events-per-day", type=float, default=3.0, show_default=True, help="Mean of a whole day.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
def simulate(out: Path, satellites: str, start: dt.datetime, **options: Any) -> None:
    """Write a simulated archive with known events to OUT.

    Files are in NOAA's layout; OUT/truth.parquet tells the events in them.
    """
    from reprocess.simulate import simulate_archive

    def report(done: int, total: int) -> None:
        click.echo(f"simulate {done}/{total}", err=True)

    truth = simulate_archive(out, satellites.split(","), start.date(), progress=report, **options)
    click.echo(f"wrote {truth}")


@main.group()
def model() -> None:
    """List, show, import and fetch models."""


@model.command("list")
@_JSON
def list_(as_json: bool) -> None:
    """List the models known by name."""
    from reprocess.classifier.bundle import list_models

    models = list_models()
    if as_json:
        rows = [{"name": m.name, "path": str(m.path), "usable": m.usable} for m in models]
        click.echo(json.dumps(rows, indent=1))
        return
    for m in models:
        state = "" if m.usable else f"  [weights not here: reprocess model fetch {m.name}]"
        click.echo(f"{m.name}  {m.card.get('title', '')}{state}")


@model.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the card of a model."""
    from reprocess.classifier.bundle import list_models, load_bundle

    listed = {m.name: m for m in list_models()}
    if name in listed:
        click.echo(json.dumps(listed[name].card, indent=1))
    else:
        click.echo(json.dumps(load_bundle(Path(name)).card, indent=1))


@model.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--name", default=DEFAULT_MODEL, show_default=True, help="Name of the new model.")
def import_(folder: Path, name: str) -> None:
    """Import a local copy of the published model's files."""
    from reprocess.classifier.published import import_published

    bundle = import_published(folder, name)
    click.echo(f"imported {bundle.name} ({bundle.sha256}) to {bundle.path}")


@model.command()
@click.argument("name", type=click.Choice([DEFAULT_MODEL]))
@click.option("--base-url", envvar="REPROCESS_MODEL_URL", help="Take the files from this address instead.")
def fetch(name: str, base_url: str | None) -> None:
    """Download a published model from its authors' repository and import it."""
    from reprocess.classifier.published import fetch_published

    bundle = fetch_published(base_url)
    click.echo(f"fetched {name} ({bundle.sha256}) to {bundle.path}")


def _work(path: Path) -> "Work":
    from reprocess.work import Work

    return Work(path.resolve())


def _selected(options: dict[str, Any]) -> tuple[tuple[str, ...], dt.date | None, dt.date | None]:
    start, end = (options[k].date() if options[k] else None for k in ("start", "end"))
    if start and end and start > end:
        raise click.UsageError(f"--start {start} is after --end {end}")
    return options["satellites"], start, end


def _granules(archive: str, options: dict[str, Any]) -> list["Granule"]:
    """List the archive and return the satellite-days asked for."""
    from reprocess.catalog import list_archive

    selection = _selected(options)
    catalog = list_archive(archive)
    for path in catalog.ignored:
        click.echo(f"ignored, not the name of a known satellite-day: {path}", err=True)
    granules = catalog.select(*selection)
    if not granules:
        raise click.UsageError(f"none of the {len(catalog.granules)} satellite-days in {archive} is selected")
    return granules


def _known_granules(work: "Work", options: dict[str, Any]) -> list["Granule"]:
    from reprocess.catalog import Catalog
    from reprocess.ledger import read_catalog

    known = read_catalog(work.catalog)
    if not known:
        raise click.UsageError(f"{work.root} holds no archive yet; use: reprocess ingest ARCHIVE {work.root}")
    granules = Catalog(known, []).select(*_selected(options))
    if not granules:
        raise click.UsageError(f"none of the {len(known)} satellite-days in {work.root} is selected")
    return granules


def _settings(options: dict[str, Any]) -> "Settings":
    from reprocess.blocks import Settings
    from reprocess.classifier.bundle import find_model, load_bundle

    bundle = load_bundle(find_model(options["model"]))
    return Settings(bundle.path, bundle.sha256, options["mode"], options["engine"], options["classes"])


def _run_name(options: dict[str, Any], settings: "Settings") -> str:
    return options["name"] or f"{settings.model.name}-{settings.mode}"


def _grid(options: dict[str, Any]) -> Any:
    from reprocess.lmlt import make_grid

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
    from reprocess.pipeline import claim, detect, ingest, open_cluster
    from reprocess.progress import show_progress

    if settings is not None and one is not None:
        claim(one, settings)  # before hours of reading, not after

    def announce(text: str) -> None:
        click.echo(text, err=True)

    with (
        open_cluster(options["workers"], options["scheduler"], announce) as cluster,
        show_progress() as progress,
    ):
        if read:
            ingest(work, granules, cluster, progress)
        if settings is not None and one is not None:
            detect(work, one, settings, granules, cluster, progress)


def _make_map(work: "Work", one: "Run", grid: Any, options: dict[str, Any]) -> None:
    from reprocess.pipeline import make_map

    for path in make_map(work, one, grid, options["min_dwell"] * 60):
        click.echo(f"wrote {path}", err=True)


def _finish(work: "Work", granules: "Sequence[Granule] | None", name: str | None) -> None:
    """Print the counts of what was asked for and exit with its code."""
    from reprocess.status import exit_code, survey

    state = survey(work, granules)
    state["runs"] = {k: v for k, v in state["runs"].items() if k == name}
    _print_state(state)
    sys.exit(exit_code(state, name))


def _print_plan(
    work: "Work", name: str | None, settings: "Settings | None", granules: list["Granule"]
) -> None:
    """Say what would be done."""
    from reprocess.pipeline import plan_detect, plan_ingest

    plans = plan_ingest(work, granules)
    days = sum(len(p.granules) for p in plans)
    size = sum(g.size for p in plans for g in p.granules) / 1e6
    click.echo(f"{len(granules)} satellite-days asked for")
    click.echo(f"ingest: {days} satellite-days in {len(plans)} blocks, {size:.1f} MB to read")
    if name is not None and settings is not None:
        known = plan_detect(work, work.run(name), settings, granules)
        waiting = {(p.satellite, p.block) for p in plans} | {(p.satellite, p.block) for p in known}
        click.echo(f"detect: {len(waiting)} blocks in run {name!r}")


def _print_state(state: dict[str, Any]) -> None:
    """Print a survey for people."""
    ingest = state["ingest"]
    for name, done in ingest["satellites"].items():
        click.echo(
            f"{name}: {done['ok']} of {done['planned']} satellite-days ingested, {done['records']} records, "
            f"{done['quarantined']} quarantined, {done['missing']} missing"
        )
    for day in ingest["quarantined"]:
        click.echo(
            f"  quarantined {day['satellite']} {day['date']}: {day['reason']} ({day['detail']}) {day['url']}"
        )
    for day in ingest["missing"]:
        click.echo(f"  missing {day['satellite']} {day['date']}: {day['url']}")
    _print_failures(ingest["failed_blocks"])
    for name, one in state["runs"].items():
        counts = ", ".join(f"{count} {kind}" for kind, count in one["events"].items()) or "no event"
        click.echo(f"run {name}: {one['days_done']} satellite-days classified, {counts}")
        if one["missing"]:
            click.echo(f"  {len(one['missing'])} ingested satellite-days are not classified")
        _print_failures(one["failed_blocks"])


def _print_failures(failures: list[dict[str, Any]]) -> None:
    for failure in failures:
        click.echo(f"  failed {failure['satellite']} block {failure['block']}: {failure['reason']}")
