"""The page of a run: report."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprocess.cli.options import (
    EXCLUDE,
    EXISTING_WORK,
    ONE_RUN,
    existing_work,
)
from reprocess.cli.steps import (
    finish,
    write_page,
)

if TYPE_CHECKING:
    from reprocess.work.choice import Choice


@click.command()
@EXISTING_WORK
@ONE_RUN
@EXCLUDE
def report(work: Path, name: str | None, choice: "Choice") -> None:
    """Write the page of a run: WORK/runs/NAME/report/index.html.

    It holds everything, images too, and can be sent as it is. The run needs its maps first.
    A page without some flags is report/without_FLAG.html, beside the run's own.
    """
    from reprocess.work.asked import asked_of

    target = existing_work(work)
    one = target.only_run(name)
    write_page(target, one, choice)
    finish(target, asked_of(target, one), one.name)
