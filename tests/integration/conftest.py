"""What an undisturbed run gives, made once."""

import json
from pathlib import Path

import pytest

from reprocess.classifier.bundle import Bundle
from tests.conftest import MadeOnce
from tests.support import fake
from tests.support.command import reprocess


@pytest.fixture(scope="session")
def undisturbed(fake_archive: Path, random_model: Bundle, made_once: MadeOnce) -> Path:
    """What one run with one worker gives; tests read it and copy it."""

    def make(work: Path) -> None:
        done = reprocess("run", fake_archive, work, "--model", "random", "--workers", 1, "--classes")
        assert "dashboard: http://127.0.0.1:" in done.stderr
        state = json.loads(reprocess("status", work, "--json").stdout)
        assert state["runs"]["random-published"]["days_done"] == len(fake.DAYS)
        assert min(state["runs"]["random-published"]["events"].values()) > 3

    return made_once("undisturbed", make)


@pytest.fixture(scope="session")
def unmapped(fake_archive: Path, random_model: Bundle, made_once: MadeOnce) -> Path:
    """What shares of a run leave, before a map is made of them."""

    def make(work: Path) -> None:
        reprocess("run", fake_archive, work, "--model", "random", "--classes", "--partition", "1/1")

    return made_once("unmapped", make)
