"""A run's events as a folder to deposit: catalogue."""

import sys
from pathlib import Path
from typing import Any

import click

from reprocess.cli.describe import describe_run
from reprocess.cli.interruption import resumable
from reprocess.cli.options import CLUSTER, EXISTING_WORK, ONE_RUN, existing_work
from reprocess.cli.survey import INCOMPLETE


@click.command()
@EXISTING_WORK
@ONE_RUN
@click.option(
    "-o", "--output", required=True, metavar="FOLDER", type=click.Path(path_type=Path),
    help="A new or empty folder, or one that holds a catalogue, which is replaced.",
)  # fmt: skip
@CLUSTER
@resumable()
def catalogue(work: Path, name: str | None, output: Path, **options: Any) -> None:
    """Write a run's events with their properties as a folder that can be deposited.

    Parquet, CSV, NetCDF and HAPI, a dictionary of columns, README, provenance, sums and citation. What is not
    described yet is described first, as by `reprocess describe`. Equal WORK gives equal bytes.
    """
    from reprocess.catalogue.folder import require_folder, write_catalogue
    from reprocess.work.status import exit_code, survey

    target = existing_work(work)
    one = target.only_run(name)
    require_folder(output)  # before an hour of describing, not after
    describe_run(target, one, options)
    for path in write_catalogue(target, one, output):
        click.echo(f"wrote {path}", err=True)
    code = exit_code(survey(target), one.name, sums=False)  # a catalogue holds no map
    if code == INCOMPLETE:
        click.echo(f"run {one.name!r} is not complete; see: reprocess status {work}", err=True)
    sys.exit(code)
