"""The page of a run that can be asked: explore."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.activity import INDEX, index_of, look_through, require_index
from reprocess.cli.interruption import resumable
from reprocess.cli.options import CLUSTER, EXISTING_WORK, MAP, ONE_RUN, existing_work, words_of
from reprocess.cli.output import require_folder, write_output
from reprocess.cli.steps import finish, grid_of
from reprocess.pages.words import numbered

if TYPE_CHECKING:
    from reprocess.report.explorer import Activity
    from reprocess.work.receipts import DetectReceipt


@click.command()
@EXISTING_WORK
@ONE_RUN
@MAP
@click.option(
    "--by", default="", callback=words_of, metavar="NAME",
    help="Index that can be chosen by, such as kp, whose file --index names; all else can be anyway.",
)  # fmt: skip
@click.option(
    "--bins", default="", callback=words_of, metavar="EDGE,EDGE,…", help="Edges of the bins of the index."
)
@INDEX
@click.option(
    "--passages",
    "passages",
    type=click.IntRange(0, 10_000),
    default=200,
    show_default=True,
    metavar="N",
    help="Put the records of N events into the page, those with the largest E4 flux.",
)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Where to; WORK/runs/NAME/report/explorer.html if left out.",
)  # fmt: skip
@CLUSTER
@resumable()
def explore(work: Path, name: str | None, output: Path | None, **options: Any) -> None:
    """Write one page in which a run's maps, profiles and events can be chosen, without a network.

    It holds all it needs and can be sent as it is; what it shows of any choice is what map gives of it.
    Records of events, which it draws, are read from the archive. With an index the archive's positions are
    looked through once, on workers, as map does.
    """
    from reprocess.report.explorer import make_explorer
    from reprocess.report.passages import find_passages
    from reprocess.work.choice import EVERYTHING
    from reprocess.work.parts import read_events
    from reprocess.work.surveyed import lacking, survey_of

    require_folder(output)
    target = existing_work(work)
    one = target.only_run(name)
    receipts = list(one.ledger.done())
    grid, activity = grid_of(options, one), _activity(receipts, options)
    if activity:
        look_through(target, one, grid, EVERYTHING, options)
    surveyed, events = survey_of(target, one), read_events(one, receipts)
    absent = sum(lacking(surveyed.state, one.name).values())
    passages = find_passages(target, one, events, options["passages"])
    if passages.failed:
        click.echo(
            f"no records of {numbered(passages.failed, 'event')} in the page: {passages.reason}",
            err=True,
        )
    seconds = options["min_dwell"] * 60
    page = make_explorer(one, receipts, grid, seconds, absent, activity, passages, events)
    path = output or one.explorer
    write_output(page, path)
    click.echo(f"wrote {path}, {len(page) / 1e6:.1f} MB", err=True)
    finish(target, surveyed.granules, one.name, surveyed=surveyed)


def _activity(done: "Sequence[DetectReceipt]", options: dict[str, Any]) -> "Activity | None":
    """Return the index that the options name, and what map has to be told to split by it."""
    from reprocess.maps.axes import make_axes
    from reprocess.report.explorer import Activity

    require_index(options)
    names, bins = options["by"], options["bins"]
    if not options["index_files"]:
        if names or bins:
            raise click.UsageError(
                f"{'--by' if names else '--bins'} is for an index, whose file --index names; "
                "satellites, seasons, hemispheres and flags can be chosen without it"
            )
        return None
    if len(names) > 1:
        raise click.UsageError(
            f"a page can be chosen by one index, not by {', '.join(names)}; all else it has"
        )
    index = index_of(names, options)
    receipts = [receipt for receipt in done if receipt["days"]]
    axes = make_axes((index.name,), receipts, bins, index)
    words = [word for file in options["index_files"] for word in ("--index", file.rpartition("/")[2])]
    for key, value in options["index_options"].items():
        words += ["--index-option", f"{key}={value}"]
    if bins:
        words += ["--bins", ",".join(bins)]
    if options["look_back"]:
        how, hours = options["look_back"]
        words += ["--look-back", f"{how}:{hours:g}"]
    return Activity(axes[0], tuple(words))
