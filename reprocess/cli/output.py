"""Files that a user names for what a command gives."""

import os
import sys
from pathlib import Path

import click


def require_folder(output: Path | None) -> None:
    """Refuse a file whose folder is not there."""
    if output is not None and not output.resolve().parent.is_dir():
        raise click.UsageError(f"there is no folder {output.resolve().parent} to write {output.name} to")


def write_output(data: bytes, output: Path | None) -> None:
    """Write to a file as one step, and through links, pipes and devices; to standard output by default."""
    from reprocess.files import write_atomic

    if output is None or is_standard_output(output):
        sys.stdout.buffer.write(data)
    elif output.exists() and not output.is_file():
        with output.open("wb") as pipe:
            pipe.write(data)
    else:
        write_atomic(output.resolve(), data)


def is_standard_output(output: Path) -> bool:
    """Tell whether a path is where standard output goes, under whatever name."""
    try:
        return os.path.samestat(output.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):  # no such file yet, or an output that is none
        return False
