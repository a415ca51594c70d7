"""Models: list, show, import, fetch, export."""

import json
from pathlib import Path

import click

from reprocess.cli.options import JSON
from reprocess.schema import PUBLISHED_MODEL


@click.group()
def model() -> None:
    """List, show, import, fetch and export models."""


@model.command("list")
@JSON
def list_(as_json: bool) -> None:
    """List the models known by name."""
    from reprocess.classifier.bundle import list_models

    models = list_models()
    if as_json:
        rows = [{"name": m.name, "path": str(m.path), "usable": m.usable} for m in models]
        click.echo(json.dumps(rows, indent=1))
        return
    for m in models:
        state = "" if m.usable else f"  [weights not here: reprocess model fetch {m.name}]"
        click.echo(f"{m.name}  {m.card.get('title', '')}{state}")


@model.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the card of a model."""
    from reprocess.classifier.bundle import find_model, list_models, load_bundle

    listed = {m.name: m for m in list_models()}
    card = listed[name].card if name in listed else load_bundle(find_model(name)).card
    click.echo(json.dumps(card, indent=1))


@model.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--name", default=PUBLISHED_MODEL, show_default=True, help="Name of the new model.")
def import_(folder: Path, name: str) -> None:
    """Import a local copy of the published model's files."""
    from reprocess.classifier.published import import_published

    bundle = import_published(folder, name)
    click.echo(f"imported {bundle.name} ({bundle.sha256}) to {bundle.path}")


@model.command()
@click.argument("name", type=click.Choice([PUBLISHED_MODEL]))
@click.option("--base-url", envvar="REPROCESS_MODEL_URL", help="Take the files from this address instead.")
def fetch(name: str, base_url: str | None) -> None:
    """Download a published model from its authors' repository and import it."""
    from reprocess.classifier.published import fetch_published

    bundle = fetch_published(base_url)
    click.echo(f"fetched {name} ({bundle.sha256}) to {bundle.path}")


@model.command()
@click.argument("name")
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
def export(name: str, output: Path) -> None:
    """Write a model's network to OUTPUT, in the format of its suffix: .onnx or .keras."""
    from reprocess.classifier.bundle import find_model, load_bundle
    from reprocess.classifier.export import export_model

    export_model(load_bundle(find_model(name)), output)
    click.echo(f"wrote {output}; what goes in is in the card: reprocess model show {name}")
