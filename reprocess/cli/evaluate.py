"""How good a model is: evaluate."""

import sys
from pathlib import Path
from typing import Any

import click

from reprocess.cli.choice import all_are_simulated
from reprocess.cli.event_lists import LISTS, command_line, describe_lists, form_of, read_lists
from reprocess.cli.options import (
    CLASSIFIER,
    CLUSTER,
    EXISTING_WORK,
    SELECTION,
    existing_work,
)
from reprocess.cli.place import open_place
from reprocess.cli.selection import known_granules
from reprocess.cli.steps import (
    make_settings,
)
from reprocess.cli.survey import print_survey


@click.command()
@EXISTING_WORK
@LISTS
@SELECTION
@CLASSIFIER
@click.option("--run", "name", help="Name of the run that is made; evaluate-MODEL-MODE if left out.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the result; evaluation/ in the run's folder if left out.",
)  # fmt: skip
@click.option("--card", help="Write the figures into the card of this model too.")
@CLUSTER
def evaluate(work: Path, lists: tuple[Path, ...], drop: bool, **options: Any) -> None:
    """Measure a model on satellite-days of WORK/archive.zarr all of whose events are listed.

    With the event table of a run as list, it tells how far two models agree.
    Detection runs as in `reprocess detect`, with classes kept. The exit code is that of the days
    asked for: 3 if some are quarantined or lost, 4 if some are missing or deferred.
    """
    from reprocess.classifier.bundle import find_model, load_bundle, note_evaluation
    from reprocess.detect.stage import detect
    from reprocess.evaluation.page import describe_evaluation, write_evaluation
    from reprocess.evaluation.scores import count_unseen, score, summarise
    from reprocess.evaluation.stage import tally_run
    from reprocess.maps.stage import sum_up
    from reprocess.monitoring.progress import show_progress
    from reprocess.work.status import exit_code, survey

    card = find_model(options["card"]) if options["card"] else None
    target = existing_work(work)
    granules = known_granules(target, options)
    settings = make_settings(
        options | {"classes": True, "dense": True}, lambda: all_are_simulated(target, granules)
    )
    listed = read_lists(target, lists, drop, form_of(options))
    one = target.run(options["name"] or f"evaluate-{settings.model.name}-{settings.mode}")

    def announce(text: str) -> None:
        click.echo(text, err=True)

    with (
        open_place(options, settings) as cluster,
        show_progress(target, one, announce, options["report"]) as progress,
    ):
        detect(target, one, settings, granules, cluster, progress)
        sum_up(one)
        tally, found = tally_run(target, one, listed.table, granules, cluster, progress)
    scores = score(tally, found)
    facts = describe_evaluation(load_bundle(settings.model), settings, lists, granules, command_line())
    facts |= describe_lists(listed, count_unseen(listed.table, granules, tally))
    state = survey(target, granules) | {"runs": {}}
    if simulated := state["ingest"]["simulated"]:
        facts["simulated satellite-days"] = simulated
    folder, given = options["output"] or one.root / "evaluation", listed.given
    for path in write_evaluation(folder, facts, scores, tally, given):
        announce(f"wrote {path}")
    if card is not None:
        note_evaluation(card, facts | summarise(scores, given))
        announce(f"wrote {card / 'card.json'}")
    for name, value in summarise(scores, given).items():
        click.echo(f"{name}: {value}")
    click.echo("events are those above 4 counts/s, false alarms per day those of any strength")
    print_survey(state)
    sys.exit(exit_code(state, None))
