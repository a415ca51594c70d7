"""The page of a run: report."""

from pathlib import Path

import click

from reprocess.cli.options import (
    EXISTING_WORK,
    ONE_RUN,
    existing_work,
)
from reprocess.cli.steps import (
    finish,
    write_page,
)


@click.command()
@EXISTING_WORK
@ONE_RUN
def report(work: Path, name: str | None) -> None:
    """Write the page of a run: WORK/runs/NAME/report/index.html.

    It holds everything, images too, and can be sent as it is. The run needs its maps first.
    """
    from reprocess.work.asked import asked_of

    target = existing_work(work)
    one = target.only_run(name)
    write_page(target, one)
    finish(target, asked_of(target, one), one.name)
