"""A model of one's own: train."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from reprocess.cli.event_lists import LISTS, command_line, form_of, read_lists
from reprocess.cli.numbers import Number
from reprocess.cli.options import (
    EXISTING_WORK,
    existing_work,
    former,
    options_of,
)
from reprocess.pages.words import numbered
from reprocess.training.options import Options

_LSTM_UNITS = click.IntRange(1, 4096)
_DENSE_UNITS = click.IntRange(1, 65536)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_ENTRIES = click.Path(path_type=Path, dir_okay=False, exists=True)


def _setting(words: str, field: str, text: str, kind: Any = None) -> Callable[[Any], Any]:
    """Return the option of a field of `Options`; it has that field's default."""
    return click.option(words, f"network_{field}", type=kind, default=getattr(Options(), field), help=text)


_NETWORK = options_of(
    _setting("--lstm-units", "units", "LSTM units in each direction.", _LSTM_UNITS),
    _setting("--dense-units", "dense", "Units of the dense layer.", _DENSE_UNITS),
    former("--units", "--lstm-units", name="network_units", type=_LSTM_UNITS),
    former("--dense", "--dense-units", name="network_dense", type=_DENSE_UNITS),
    _setting("--dropout", "dropout", "Share of units that a step leaves out.", Number(0, 1, max_open=True)),
    _setting("--optimizer", "optimizer", "Name of a Keras optimiser."),
    _setting(
        "--learning-rate", "learning_rate", "Learning rate of the first epoch.", Number(0, 1e3, min_open=True)
    ),
    _setting(
        "--decay", "decay", "Factor on the learning rate from epoch to epoch.", Number(0, 1, min_open=True)
    ),
    _setting("--batch", "batch", "Windows per step.", click.IntRange(1, 2**20)),
    _setting("--epochs", "epochs", "Most epochs that are made.", click.IntRange(1, 10**6)),
    _setting(
        "--patience",
        "patience",
        "Epochs without a smaller validation loss before stopping.",
        click.IntRange(1, 10**6),
    ),
    _setting(
        "--class-weights/--no-class-weights",
        "class_weights",
        "Weigh classes by the inverse square root of their share.",
    ),
    _setting("--seed", "seed", "Seed of weights, order, split and background.", click.IntRange(0, 2**32 - 1)),
)


@click.command(context_settings={"show_default": True})
@EXISTING_WORK
@LISTS
@click.option("-o", "--output", type=_FOLDER, help="Folder of the model.  [required]")
@click.option(
    "--card-entries", "entries", type=_ENTRIES,
    help="JSON with entries of the card: title, licence, citation, notes.",
)  # fmt: skip
@former("--out", "--output", name="output", type=_FOLDER)
@former("--describe", "--card-entries", name="entries", type=_ENTRIES)
@click.option(
    "--background/--no-background", default=True,
    help="Learn from records far from events too; not with a list that lacks events.",
)  # fmt: skip
@_NETWORK
def train(work: Path, lists: tuple[Path, ...], drop: bool, output: Path | None, **options: Any) -> None:
    """Train a model on WORK/archive.zarr and lists of events.

    A training that was interrupted goes on from its last epoch when it is started again.
    """
    if output is None:
        raise click.UsageError("Missing option '-o' / '--output'.")
    card = _read_description(options["entries"])
    target = existing_work(work)
    listed = read_lists(target, lists, drop, form_of(options))

    from reprocess.training.dataset import build_dataset, split_groups
    from reprocess.training.model import make_model

    chosen = Options(**{f.name: options[f"network_{f.name}"] for f in fields(Options)})
    dataset = build_dataset(target, listed.table, chosen.seed, background=options["background"])
    parts = split_groups(dataset, (0.15, 0.15), chosen.seed)
    for name, part in zip(("training", "validation", "test"), parts, strict=True):
        click.echo(
            f"{name}: {numbered(len(part.labels), 'window')} (none, REP, CSS: {part.counts})",
            err=True,
        )

    def report(epoch: int, losses: dict[str, float]) -> None:
        values = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
        click.echo(f"epoch {epoch}/{chosen.epochs}: {values}", err=True)

    facts = card | {
        "events": len(listed.table),
        **({"events found by": list(listed.found_by)} if listed.found_by else {}),
        "background": options["background"],
        "command": command_line(),
    }
    bundle = make_model(output.resolve(), parts, chosen, facts, report)
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
