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
    from reprocess.catalogue.citation import references
    from reprocess.work.status import ledger_days

    one = existing_work(work).only_run(name)
    days = ledger_days(one.ledger)
    simulated = sum(bool(entry.get("simulated")) for entry in days.values())
    found = references(one.read_identity() or {}, sorted(days), simulated)
    if kind != "bibtex":
        click.echo(f"A result of run {one.name!r} rests on:")
        for reference in found:
            click.echo(f"- {reference.what}: {reference.text}")
        if simulated:
            of_all = f"{simulated} of its {len(days)} satellite-days"
            click.echo(f"{of_all} are simulated: no measurements, not to be cited.")
    if kind is None:
        click.echo()
    if kind != "text":
        click.echo("\n\n".join(reference.bibtex for reference in found))
