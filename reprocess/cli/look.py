"""What all figures that a user names a file for have in common."""

from pathlib import Path

import click

from reprocess.cli.numbers import Number
from reprocess.cli.options import options_of
from reprocess.cli.output import require_folder
from reprocess.schema import IMAGE_FORMATS

LOOK = options_of(
    click.option(
        "-o", "--output", required=True, metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
        help=f"Where to; its suffix tells the format: {', '.join(IMAGE_FORMATS)}.",
    ),
    click.option(
        "--dpi", type=Number(20, 1200), default=150.0, show_default=True,
        help="Dots per inch of PNG, and of what is kept as dots within PDF and SVG.",
    ),
    click.option(
        "--width", type=click.Choice(["one", "two"]), default="two", show_default=True,
        help="Columns of a journal: 95 or 190 mm.",
    ),
)  # fmt: skip


def format_of(output: Path) -> str:
    """Return the format that a file's suffix tells; the folder must be there."""
    kind = output.suffix.lower().removeprefix(".")
    if kind not in IMAGE_FORMATS:
        known = ", ".join(f".{one}" for one in IMAGE_FORMATS)
        raise click.UsageError(f"{output} has none of the suffixes {known}, which tell the format")
    require_folder(output)
    return kind
