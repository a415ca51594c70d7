"""What the machine, the site and the user have set that Dask's processes would stumble over."""

import getpass
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dask

from reprocess.errors import ClusterError
from reprocess.schema import DASHBOARD_PORT

_PLAIN_LINK = "{scheme}://{host}:{port}/status"


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold back what would interrupt this process while others are being started; it comes at the end.

    What is half started cannot be stopped in order. The threads and processes that are started meanwhile
    stay deaf to SIGINT, which a terminal sends to all of them: they are told to end by this process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
    handlers = {n: signal.signal(n, lambda number, _: came.append(number)) for n in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # what waited here is taken note of, too
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def require_semaphores() -> None:
    """Make sure that processes can be started and waited for.

    It comes before `signals_held`: a process's first semaphore starts Python's tracker of them, and whatever
    thread does that has SIGINT unblocked afterwards, as have the workers that come of it.

    Raises
    ------
    ClusterError
        If the system has no place for what processes share, as in locked-down containers.
    """
    try:
        multiprocessing.get_context("spawn").Lock()
    except (OSError, ImportError) as e:
        raise ClusterError(
            f"no worker processes can be started here: the system gives them no semaphores ({e}); have "
            "/dev/shm mounted and writable, or do without Dask: --partition 1/1"  # noqa: S108
        ) from e


def mend_dashboard_link(announce: Callable[[str], None]) -> None:
    """Leave out a link to the dashboard that is made from variables that this session lacks."""
    link = str(dask.config.get("distributed.dashboard.link", _PLAIN_LINK))
    try:
        link.format(**(dict(os.environ) | {"scheme": "http", "host": "localhost", "port": DASHBOARD_PORT}))
    except (KeyError, IndexError, ValueError, AttributeError) as e:
        announce(f"left out the dashboard link of your Dask configuration: {link} cannot be made here ({e})")
        dask.config.set({"distributed.dashboard.link": _PLAIN_LINK})


def demands_tls() -> bool:
    """Tell whether the Dask configuration refuses traffic that is not encrypted."""
    required = dask.config.get("distributed.comm.require-encryption", None)
    return bool(required) or dask.config.get("distributed.comm.default-scheme", "tcp") == "tls"


def user_name() -> str:
    """Return the user's login name, or the word USER where the system knows none, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "USER"
