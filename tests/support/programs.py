"""Programs of others that tests show files and pages to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def find_program(*names: str) -> Path:
    """Return where the first of some programs is that this machine has.

    Without any the test is skipped; with REPROCESS_REQUIRE_SHARED set, as in CI, it fails instead.
    """
    for name in names:
        if found := shutil.which(name) or shutil.which(name, path=Path(sys.executable).parent):
            return Path(found)
    reason = f"no {names[0]} on this machine"
    if os.environ.get("REPROCESS_REQUIRE_SHARED"):
        pytest.fail(reason)
    pytest.skip(reason)


def start_program(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Start a program as a user does, without what our own commands set for their processes."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, env=env)
