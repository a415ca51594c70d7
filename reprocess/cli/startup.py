"""What a command needs of the process it runs in, made good before anything else is done.

Users start commands in every kind of surroundings: an 8-bit locale of an old cluster, a program that
closes what it does not read, a folder that was removed meanwhile.
"""

import gc
import os
import sys
from typing import TextIO

import click

_OBJECTS_BETWEEN_COLLECTIONS = (20_000, 20, 50)
"""Thresholds of Python's garbage collector. With its defaults, a sixth of a command goes to looking for
garbage among modules, receipts and parts of figures, which are in use until the command ends."""


def prepare() -> None:
    """Make the process fit for work; a process with another encoding of paths starts over.

    Raises
    ------
    click.UsageError
        If the current folder is gone.
    """
    gc.set_threshold(*_OBJECTS_BETWEEN_COLLECTIONS)
    _open_closed_streams()
    _speak_utf8()
    os.environ["PYTHONSAFEPATH"] = "1"  # or a signal.py in the current folder is a worker's Python
    os.environ["MPLBACKEND"] = "agg"  # a notebook's own is not there in every environment
    for stream in (sys.stdout, sys.stderr):
        spell_out(stream)
    try:
        os.getcwd()
    except OSError as e:
        raise click.UsageError(
            f"the current folder is no longer there ({e.strerror}); change to one that is: cd /some/folder"
        ) from e


def spell_out(stream: TextIO) -> None:
    """Have a stream write what its encoding lacks as its number, instead of raising."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def _open_closed_streams() -> None:
    """Lead the standard streams that are closed to nowhere.

    The next file that is opened would take the number of a closed one, and whatever a library writes
    to standard error would end up in it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)  # to workers, who would be without it too
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _speak_utf8() -> None:
    """Start over in UTF-8 mode where paths would be read in another encoding.

    The address of a file stands in WORK. It must be the same whatever the locale of the session, or
    what was read before counts as vanished, and all of it is read again. Output keeps its encoding.
    """
    if sys.getfilesystemencoding() == "utf-8" or os.environ.get("PYTHONUTF8") == "1" or not sys.executable:
        return
    os.environ["PYTHONUTF8"] = "1"
    os.environ["PYTHONIOENCODING"] = f"{sys.stdout.encoding}:backslashreplace"
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606
