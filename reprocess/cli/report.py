"""The page of a run: report."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.options import (
    CHOICE,
    EXISTING_WORK,
    ONE_RUN,
    existing_work,
)
from reprocess.cli.selection import chosen
from reprocess.cli.steps import (
    finish,
    write_page,
)

if TYPE_CHECKING:
    from reprocess.work.choice import Choice


@click.command()
@EXISTING_WORK
@ONE_RUN
@CHOICE
def report(work: Path, name: str | None, choice: "Choice", **options: Any) -> None:
    """Write the page of a run: WORK/runs/NAME/report/index.html.

    It holds everything, images too, and can be sent as it is. The run needs its maps first.
    A page of less than everything lies beside the run's own and is called as what it is of, such as
    report/of_noaa18_N_without_SAA.html.
    """
    from reprocess.work.surveyed import survey_of

    target = existing_work(work)
    one = target.only_run(name)
    choice, surveyed = chosen(choice, options), survey_of(target, one)
    write_page(target, one, choice, surveyed)
    finish(target, surveyed.granules, one.name, surveyed=surveyed)
