"""Properties and energy of a run's events: describe."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.interruption import resumable
from reprocess.cli.options import CLUSTER, EXISTING_WORK, ONE_RUN, PARTITION, existing_work
from reprocess.cli.place import open_place
from reprocess.pages.words import numbered

if TYPE_CHECKING:
    from reprocess.work.paths import Run, Work


@click.command()
@EXISTING_WORK
@ONE_RUN
@CLUSTER
@PARTITION
@resumable()
def describe(work: Path, name: str | None, **options: Any) -> None:
    """Work out properties and energy flux of a run's events, from the records in WORK/archive.zarr.

    They are kept in properties/ in the run's folder; what is there and up to date is left alone. What they
    are and how sure is told by docs/physics.md.
    """
    target = existing_work(work)
    describe_run(target, target.only_run(name), options)


def describe_run(work: "Work", one: "Run", options: dict[str, Any]) -> None:
    """Describe what is missing or outdated, with the options of `CLUSTER` and `PARTITION`."""
    from reprocess.catalogue.stage import describe as describe_all
    from reprocess.monitoring.progress import show_progress

    def announce(text: str) -> None:
        click.echo(text, err=True)

    with (
        open_place(options) as where,
        show_progress(work, one, announce, options["report"]) as progress,
    ):
        events = describe_all(work, one, where, progress)
    announce(f"{numbered(events, 'event')} described in run {one.name!r}; what is up to date was left alone")
