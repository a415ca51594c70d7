"""Making and judging models: train, evaluate."""

import json
import shlex
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.inspection import print_state
from reprocess.cli.options import CLASSIFIER, CLUSTER, EXISTING_WORK, SELECTION, open_work, options_of
from reprocess.cli.place import open_place
from reprocess.cli.stages import known_granules, make_settings

if TYPE_CHECKING:
    from reprocess.evaluation.truth import EventList
    from reprocess.work.paths import Work

_LISTS = options_of(
    click.option(
        "--events", "lists", type=click.Path(path_type=Path, dir_okay=False, exists=True), multiple=True,
        required=True, help="Event list (CSV or Parquet), or truth.parquet of a simulation; may be repeated.",
    ),
    click.option("--drop-bad-rows", "drop", is_flag=True, help="Leave out rows that cannot be used."),
)  # fmt: skip
_NETWORK = options_of(
    click.option("--units", type=click.IntRange(1), default=64, help="LSTM units in each direction."),
    click.option("--dense", type=click.IntRange(1), default=256, help="Units of the dense layer."),
    click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), default=0.5),
    click.option("--optimizer", default="adam", help="Name of a Keras optimiser."),
    click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=1e-3),
    click.option(
        "--decay", type=click.FloatRange(0, 1, min_open=True), default=1.0,
        help="Factor on the learning rate from epoch to epoch.",
    ),
    click.option("--batch", type=click.IntRange(1), default=256, help="Windows per step."),
    click.option("--epochs", type=click.IntRange(1), default=40, help="At most."),
    click.option(
        "--patience", type=click.IntRange(1), default=6,
        help="Epochs without a smaller validation loss before stopping.",
    ),
    click.option("--class-weights/--no-class-weights", default=True),
    click.option(
        "--seed", type=click.IntRange(0, 2**32 - 1), default=1, help="Of weights, order, split, background."
    ),
)  # fmt: skip


@click.command(context_settings={"show_default": True})
@EXISTING_WORK
@_LISTS
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the model."
)
@click.option(
    "--describe", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="JSON with entries of the card: title, licence, citation, notes.",
)  # fmt: skip
@click.option(
    "--background/--no-background", default=True,
    help="Learn from records far from events too; not with a list that lacks events.",
)  # fmt: skip
@_NETWORK
def train(work: Path, lists: tuple[Path, ...], drop: bool, out: Path, **options: Any) -> None:
    """Train a model on WORK/archive.zarr and lists of events.

    A training that was interrupted goes on from its last epoch when it is started again.
    """
    card = _read_description(options["describe"])
    target = open_work(work)
    listed = _read_events(target, lists, drop)

    from reprocess.training.dataset import build_dataset, split_groups
    from reprocess.training.fit import Options
    from reprocess.training.model import make_model

    chosen = Options(**{f.name: options[f.name] for f in fields(Options)})
    dataset = build_dataset(target, listed.table, chosen.seed, background=options["background"])
    parts = split_groups(dataset, (0.15, 0.15), chosen.seed)
    for name, part in zip(("training", "validation", "test"), parts, strict=True):
        click.echo(f"{name}: {len(part.labels)} windows (none, REP, CSS: {part.counts})", err=True)

    def report(epoch: int, losses: dict[str, float]) -> None:
        values = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
        click.echo(f"epoch {epoch}/{chosen.epochs}: {values}", err=True)

    facts = card | {"events": len(listed.table), "background": options["background"], "command": _command()}
    bundle = make_model(out.resolve(), parts, chosen, facts, report)
    click.echo(f"wrote {bundle.path} ({bundle.sha256})")


@click.command()
@EXISTING_WORK
@_LISTS
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
    target = open_work(work)
    granules = known_granules(target, options)
    settings = make_settings(options | {"classes": True, "dense": True})
    listed = _read_events(target, lists, drop)
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
    facts = describe_evaluation(load_bundle(settings.model), settings, lists, granules, _command())
    facts["listed events without any record"] = count_unseen(listed.table, granules, tally)
    facts["listed rows left out"] = len(listed.dropped)
    for path in write_evaluation(options["output"] or one.root / "evaluation", facts, scores, tally):
        announce(f"wrote {path}")
    if card is not None:
        note_evaluation(card, facts | summarise(scores))
        announce(f"wrote {card / 'card.json'}")
    for name, value in summarise(scores).items():
        click.echo(f"{name}: {value}")
    state = survey(target, granules) | {"runs": {}}
    print_state(state)
    sys.exit(exit_code(state, None))


def _read_events(work: "Work", lists: tuple[Path, ...], drop: bool) -> "EventList":
    """Read event lists; rows that are left out are named."""
    from reprocess.evaluation.truth import read_event_list
    from reprocess.work.status import ledger_days

    covered = {key for key, entry in ledger_days(work.ledger).items() if entry["status"] == "ok"}
    events = read_event_list(lists, covered, drop=drop)
    for line in events.dropped:
        click.echo(f"left out {line}", err=True)
    return events


def _read_description(path: Path | None) -> dict[str, Any]:
    """Read the entries that a user gives for the card."""
    if path is None:
        return {}
    try:
        entries = json.loads(path.read_bytes())
    except ValueError as e:
        raise click.UsageError(f"{path} is not JSON: {e}") from e
    if not isinstance(entries, dict):
        raise click.UsageError(f"{path} must hold an object with entries such as title, licence, citation")
    return entries


def _command() -> str:
    """Return the command line that is being run."""
    return shlex.join(["reprocess", *sys.argv[1:]])
