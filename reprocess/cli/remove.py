"""What is wanted no longer: remove."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprocess.cli.options import DRY_RUN, EXISTING_WORK, existing_work, satellites_option
from reprocess.pages.words import numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprocess.work.paths import Work
    from reprocess.work.removal import Removal


@click.command()
@EXISTING_WORK
@satellites_option("--satellite", help="Remove this satellite; may be repeated.")
@click.option("--run", "name", help="Remove this run.")
@DRY_RUN
@click.option("--yes", is_flag=True, help="Do not ask first.")
def remove(work: Path, satellites: tuple[str, ...], name: str | None, dry_run: bool, yes: bool) -> None:
    """Remove a run, or a satellite with its part of the archive and of every run.

    ARCHIVE itself is not touched. A removal that is interrupted is finished by the same command.
    Not while something else writes to WORK.
    """
    from reprocess.cli.interruption import resumable
    from reprocess.work import removal

    target = existing_work(work)
    if bool(satellites) == (name is not None):
        raise click.UsageError("give either --satellite NAME or --run NAME")

    def plans() -> "Iterator[Removal]":
        """Yield what goes, one after the other: a run goes whole with the last of its satellites."""
        yield from (removal.plan_satellite(target, satellite) for satellite in satellites)
        if name is not None:
            yield removal.plan_run(target, name)

    for plan in list(plans()):
        click.echo(f"to be removed from {target.root}: {_words(plan)}", err=True)
    if dry_run:
        return
    if not yes and not _agreed():
        raise click.UsageError("nothing was removed, as that was not confirmed; --yes removes without asking")
    for plan in plans():
        words = _words(plan)
        with resumable(), removal.undisturbed(target):
            removal.remove(target, plan)
        click.echo(f"removed {words}", err=True)
        _follow(target, plan)


def _words(plan: "Removal") -> str:
    """Say what goes, and how large it is."""
    what = [f"all of {plan.satellite} in archive, ledger and runs"] * bool(plan.satellite)
    what += [f"run {run.name!r}" for run in plan.gone]
    size = f"{numbered(len(plan.files), 'file')}, {plan.bytes} bytes ({plan.bytes / 1e6:.1f} MB)"
    return f"{' and '.join(what)}, {size}"


def _agreed() -> bool:
    try:
        return click.confirm("Go on?", err=True)
    except click.Abort:  # there is nobody to answer
        click.echo(err=True)
        return False


def _follow(work: "Work", plan: "Removal") -> None:
    """Sum up the runs that lost parts, and name those whose maps are to be made again."""
    from reprocess.maps.stage import sum_up

    for run in plan.kept:
        sum_up(run)
        if run.occurrence.exists():
            click.echo(
                f"run {run.name!r}: its maps and report still count {plan.satellite}; these make them again: "
                f"reprocess map {work.root} --run {run.name}, reprocess report {work.root} --run {run.name}",
                err=True,
            )
