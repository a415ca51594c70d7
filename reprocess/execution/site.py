"""What the machine, the site and the user have set that Dask's processes would stumble over."""

import getpass
import multiprocessing
import os
from collections.abc import Callable

import dask

from reprocess.errors import ClusterError
from reprocess.schema import DASHBOARD_PORT

_PLAIN_LINK = "{scheme}://{host}:{port}/status"


def require_semaphores() -> None:
    """Make sure that processes can be started and waited for.

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
