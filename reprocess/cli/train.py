"""A model of one's own: train."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from reprocess.cli.lists import LISTS, command_line, read_lists
from reprocess.cli.numbers import Number
from reprocess.cli.options import (
    EXISTING_WORK,
    existing_work,
    options_of,
)

_NETWORK = options_of(
    click.option("--units", type=click.IntRange(1, 4096), default=64, help="LSTM units in each direction."),
    click.option("--dense", type=click.IntRange(1, 65536), default=256, help="Units of the dense layer."),
    click.option("--dropout", type=Number(0, 1, max_open=True), default=0.5),
    click.option("--optimizer", default="adam", help="Name of a Keras optimiser."),
    click.option("--learning-rate", type=Number(0, 1e3, min_open=True), default=1e-3),
    click.option(
        "--decay", type=Number(0, 1, min_open=True), default=1.0,
        help="Factor on the learning rate from epoch to epoch.",
    ),
    click.option("--batch", type=click.IntRange(1, 2**20), default=256, help="Windows per step."),
    click.option("--epochs", type=click.IntRange(1, 10**6), default=40, help="At most."),
    click.option(
        "--patience", type=click.IntRange(1, 10**6), default=6,
        help="Epochs without a smaller validation loss before stopping.",
    ),
    click.option("--class-weights/--no-class-weights", default=True),
    click.option(
        "--seed", type=click.IntRange(0, 2**32 - 1), default=1, help="Of weights, order, split, background."
    ),
)  # fmt: skip


@click.command(context_settings={"show_default": True})
@EXISTING_WORK
@LISTS
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
    target = existing_work(work)
    listed = read_lists(target, lists, drop)

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

    facts = card | {
        "events": len(listed.table),
        "background": options["background"],
        "command": command_line(),
    }
    bundle = make_model(out.resolve(), parts, chosen, facts, report)
    click.echo(f"wrote {bundle.path} ({bundle.sha256})")


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
