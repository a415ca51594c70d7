"""What is installed and what this machine gives: doctor."""

import json
from pathlib import Path

import click

from reprocess.cli.numbers import cores
from reprocess.cli.options import JSON


@click.command()
@click.argument("work", required=False, type=click.Path(path_type=Path))
@JSON
def doctor(work: Path | None, as_json: bool) -> None:
    """Print what a bug report needs: versions, processors, memory, GPU, and what WORK's file system can do.

    Nothing is sent anywhere, no name of a user, machine or folder is printed, and no file is left behind.
    """
    from reprocess.execution.machine import describe_folder, describe_machine

    found = describe_machine(cores())
    if work is not None:
        if not work.is_dir():
            raise click.UsageError(f"{work} is no folder; give a WORK directory, or none")
        found["WORK"] = describe_folder(work)
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for title, facts in found.items():
        click.echo(title)
        width = max(len(name) for name in facts)
        for name, value in facts.items():
            click.echo(f"  {name:{width}}  {value}")
