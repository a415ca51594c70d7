"""What ends a run from outside, told to the user as what it is: nothing lost, go on with the same command."""

import errno
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from reprocess.cli.early import send_again
from reprocess.errors import IncompleteError

RESUME = "what is done stays done; give the same command again to go on"


_ACCESS = "; ask its owner for access, or use another folder"

_REMEDIES = {
    errno.EACCES: _ACCESS,
    errno.EPERM: _ACCESS,
    errno.EROFS: "; use a folder that can be written to",
    errno.ENOSPC: "; make room first",
    errno.EDQUOT: "; make room first",
    errno.EFBIG: "; raise the limit of file sizes (ulimit -f)",
    errno.ENAMETOOLONG: "; use a shorter name",
}


def explain(error: OSError) -> str:
    """Say which file or folder is meant, and what the system said of it."""
    remedy = _REMEDIES.get(error.errno or 0, "")
    if error.filename is None or error.strerror is None:
        return f"{type(error).__name__}: {error}{remedy}"
    names = " to ".join(str(n) for n in (error.filename, error.filename2) if n is not None)
    return f"{names}: {error.strerror}{remedy}"


_heard: list[int] = []
"""Signals that interrupted this process."""


def listen() -> None:
    """Remember a SIGINT that comes, which interrupts as before; one that is ignored stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def is_interrupted() -> bool:
    """Tell whether an interrupt came: a library may have made another error of it."""
    return bool(_heard)


def _amid_import(frame: FrameType | None) -> bool:
    """Tell whether a library is being imported, from where a module of this project asks for it."""
    while frame is not None and not str(frame.f_globals.get("__name__")).startswith("reprocess."):
        if frame.f_code.co_filename.startswith("<frozen importlib."):
            return True
        frame = frame.f_back
    return False


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt the main thread; what it leaves unfinished in libraries' threads has nothing to add.

    An import is finished first: a compiled library that is interrupted in its own is left so that Python
    aborts as it ends.
    """
    if _amid_import(frame):
        send_again(number)
        return
    _heard.append(number)
    for name in ("asyncio", "distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    signal.default_int_handler(number, frame)


@contextmanager
def resumable() -> Iterator[None]:
    """End with `IncompleteError` on SIGINT and SIGTERM, and if the disk cannot be written.

    SIGTERM is what batch systems send before a job's time is over. Also a decorator.

    Raises
    ------
    IncompleteError
    """
    previous = {signal.SIGTERM: signal.signal(signal.SIGTERM, _interrupt)}
    if (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):  # not where it is ignored, in the background
        previous[signal.SIGINT] = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    except KeyboardInterrupt as e:
        raise IncompleteError(f"interrupted; {RESUME}") from e
    except BrokenPipeError:  # whoever read our output has enough
        raise
    except OSError as e:
        raise IncompleteError(f"{explain(e)}; mend that first: {RESUME}") from e
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
