"""What a notebook of the site starts with: the demonstration's folder, and commands that must succeed."""

import os

from IPython import get_ipython

os.chdir(os.environ["DOCS_PLACE"])
_shell = get_ipython()
_system = _shell.system


def _must_succeed(command: str) -> None:
    """Run what stands behind an exclamation mark, and stop the notebook where it fails."""
    _system(command)
    if (code := _shell.user_ns["_exit_code"]) not in (0, 3, 4):  # the last two tell of the state of WORK
        raise RuntimeError(f"{command!r} ended with exit code {code}")


_shell.system = _must_succeed
