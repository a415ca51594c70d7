"""What an undisturbed run gives, made once."""

import json
from pathlib import Path

import pytest

from reprocess.classifier.bundle import Bundle
from tests.support import fake
from tests.support.command import reprocess


@pytest.fixture(scope="session")
def undisturbed(fake_archive: Path, random_model: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run with one worker gives; tests read it and copy it."""
    work = tmp_path_factory.mktemp("undisturbed") / "work"
    done = reprocess("run", fake_archive, work, "--model", "random", "--workers", 1, "--classes")
    assert "dashboard: http://127.0.0.1:" in done.stderr
    state = json.loads(reprocess("status", work, "--json").stdout)
    assert state["runs"]["random-published"]["days_done"] == len(fake.DAYS)
    assert min(state["runs"]["random-published"]["events"].values()) > 3
    return work


@pytest.fixture(scope="session")
def unmapped(fake_archive: Path, random_model: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What shares of a run leave, before a map is made of them."""
    work = tmp_path_factory.mktemp("unmapped") / "work"
    reprocess("run", fake_archive, work, "--model", "random", "--classes", "--partition", "1/1")
    return work
