"""The page of a run that can be asked: explore."""

from pathlib import Path
from typing import Any

import click

from reprocess.cli.options import EXISTING_WORK, MAP, ONE_RUN, existing_work
from reprocess.cli.output import require_folder, write_output
from reprocess.cli.steps import finish, grid_of


@click.command()
@EXISTING_WORK
@ONE_RUN
@MAP
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Where to; WORK/runs/NAME/report/explorer.html if left out.",
)  # fmt: skip
def explore(work: Path, name: str | None, output: Path | None, **options: Any) -> None:
    """Write one page in which a run's maps, profiles and events can be chosen, without a network.

    It holds all it needs and can be sent as it is; what it shows of any choice is what map gives of it.
    """
    from reprocess.report.explorer import make_explorer
    from reprocess.work.asked import asked_of
    from reprocess.work.status import lacking, survey

    require_folder(output)
    target = existing_work(work)
    one = target.only_run(name)
    grid = grid_of(options, one)
    absent = sum(int(n) for n in lacking(survey(target, asked_of(target, one)), one.name).values())
    page = make_explorer(one, one.ledger.done(), grid, options["min_dwell"] * 60, absent)
    path = output or one.explorer
    write_output(page, path)
    click.echo(f"wrote {path}, {len(page) / 1e6:.1f} MB", err=True)
    finish(target, asked_of(target, one), one.name)
