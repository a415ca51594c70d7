"""Programs of others that tests show files and pages to."""

import os
import shutil
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
