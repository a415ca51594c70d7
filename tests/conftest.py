"""Fixtures and where the test data are.

Truth is in ``../shared`` beside the checkout: real and simulated satellite-days, the published
model's files and what the published code gives on them. A user's machine does not have it and
those tests skip; with REPROCESS_REQUIRE_SHARED set, as in CI, they fail instead.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
from hypothesis import settings

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from tests.support.fake import write_archive, write_random_model
from tests.support.places import REPOSITORY
from tests.support.programs import find_program

settings.register_profile("any machine", deadline=None)  # no time decides a test
settings.load_profile("any machine")

SHARED = REPOSITORY.parent / "shared"

MadeOnce = Callable[[str, Callable[[Path], object]], Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that wait for processes first: whichever worker gets them, others have work meanwhile."""
    items.sort(key=lambda item: "integration" not in item.path.parts)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test data."""
    if not (SHARED / "golden").is_dir():
        reason = "no ../shared beside this checkout: real files and golden results are not published here"
        if os.environ.get("REPROCESS_REQUIRE_SHARED"):
            pytest.fail(reason)
        pytest.skip(reason)
    return SHARED


@pytest.fixture(autouse=True, scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder for imported models instead of the user's."""
    folder = tmp_path_factory.mktemp("models")
    os.environ["REPROCESS_MODELS"] = str(folder)  # the command under test inherits it
    return folder


@pytest.fixture(scope="session")
def published(shared: Path, models_folder: Path) -> Bundle:
    """The published model, imported under its name."""
    from reprocess.classifier.published import import_published

    return import_published(shared / "published")


@pytest.fixture(scope="session")
def random_model(models_folder: Path) -> Bundle:
    """A model with random weights that finds both kinds of events on every fake day."""
    return write_random_model(models_folder)


@pytest.fixture(scope="module")
def short_record_axis() -> Iterator[None]:
    """A block of the full record axis takes a second; this one holds 1000 records a day."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "RECORDS", 1000)
        patched.setitem(schema.DIMS, "record", 1000)
        yield


@pytest.fixture(scope="module")
def unrendered() -> Iterator[None]:
    """Figures are composed and not rendered, which takes longest, where tests look at what is beside them."""
    from matplotlib.figure import Figure

    def savefig(self: Figure, file: IO[bytes], **_: object) -> None:
        file.write(b"\x89PNG")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Figure, "savefig", savefig)
        yield


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Makes a folder of a name once for all workers of pytest-xdist; whoever comes meanwhile waits."""
    base = tmp_path_factory.getbasetemp()
    place = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def find_or_make(name: str, make: Callable[[Path], object]) -> Path:
        folder, ready = place / "once" / name, place / "once" / f"{name}.ready"
        folder.parent.mkdir(exist_ok=True)
        with ready.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a worker whose making failed
                make(folder)
                ready.touch()
        return folder

    return find_or_make


@pytest.fixture(scope="session")
def fake_archive(made_once: MadeOnce) -> Path:
    """An archive of small fake days: two satellites, two blocks, one of them with two days; tests copy it."""
    return made_once("archive", write_archive)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A Chromium to look at pages with."""
    return find_program("chromium", "chromium-browser", "google-chrome", "chrome")
