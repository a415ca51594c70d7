"""What a result is to be cited with: cite."""

from pathlib import Path

import click

from reprocess.cli.options import EXISTING_WORK, ONE_RUN, existing_work


@click.command()
@EXISTING_WORK
@ONE_RUN
@click.option("--bibtex", "kind", flag_value="bibtex", help="Print BibTeX entries alone.")
@click.option("--text", "kind", flag_value="text", help="Print sentences alone.")
def cite(work: Path, name: str | None, kind: str | None) -> None:
    """Print what to cite of a run: method, model, data and software, as text and in BibTeX."""
    from reprocess.catalogue.citation import cite_run

    found = cite_run(existing_work(work).only_run(name))
    click.echo({"text": found.text, "bibtex": found.bibtex}.get(kind or "", str(found)))
