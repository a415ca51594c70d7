"""Folders that may not be read, for root too, whom permissions do not stop."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def forbid(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have the system refuse to list a folder."""

    def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *rest: Any) -> Any:
            if not isinstance(path, int) and Path(os.fsdecode(path)) == folder:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return function(path, *rest)

        return call

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, guarded(getattr(os, name)))
