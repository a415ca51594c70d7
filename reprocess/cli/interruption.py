"""What ends a run from outside, told to the user as what it is: nothing lost, go on with the same command."""

import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from reprocess.errors import IncompleteError

RESUME = "what is done stays done; give the same command again to go on"


_ACCESS = "; ask its owner for access, or use another folder"

_REMEDIES = {
    errno.EACCES: _ACCESS,
    errno.EPERM: _ACCESS,
    errno.EROFS: "; use a folder that can be written to",
    errno.ENOSPC: "; make room first",
    errno.EDQUOT: "; make room first",
    errno.ENAMETOOLONG: "; use a shorter name",
}


def explain(error: OSError) -> str:
    """Say which file or folder is meant, and what the system said of it."""
    if error.filename is None or error.strerror is None:
        return f"{type(error).__name__}: {error}"
    remedy = _REMEDIES.get(error.errno or 0, "")
    names = " to ".join(str(n) for n in (error.filename, error.filename2) if n is not None)
    return f"{names}: {error.strerror}{remedy}"


@contextmanager
def resumable() -> Iterator[None]:
    """End with `IncompleteError` on SIGINT and SIGTERM, and if the disk cannot be written.

    SIGTERM is what batch systems send before a job's time is over. Also a decorator.

    Raises
    ------
    IncompleteError
    """
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt as e:
        raise IncompleteError(f"interrupted; {RESUME}") from e
    except BrokenPipeError:  # whoever read our output has enough
        raise
    except OSError as e:
        raise IncompleteError(f"{explain(e)}; mend that first: {RESUME}") from e
    finally:
        signal.signal(signal.SIGTERM, previous)
