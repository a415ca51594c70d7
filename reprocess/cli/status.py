"""What is done, and what is not: status."""

import json
import sys
from pathlib import Path

import click

from reprocess.cli.options import (
    EXISTING_WORK,
    JSON,
    existing_work,
)
from reprocess.cli.survey import print_survey, print_years


@click.command()
@EXISTING_WORK
@JSON
def status(work: Path, as_json: bool) -> None:
    """Tell what is done, missing, quarantined and failed, and why."""
    from reprocess.work.status import exit_code, survey

    state = survey(existing_work(work), look=True)
    if as_json:
        click.echo(json.dumps(state, indent=1))
    else:
        print_survey(state)
        print_years(state)
    sys.exit(max([exit_code(state, None), *(exit_code(state, name) for name in state["runs"])]))
