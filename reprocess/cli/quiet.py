"""Ctrl-C while the command is still being imported: an end without a traceback. Imported before all else."""

import sys
from types import TracebackType


def _end_quietly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show what nobody caught, but for an interrupt in one line."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("Error: interrupted before anything was done\n")
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _end_quietly
