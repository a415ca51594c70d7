"""A store that is told whole without Zarr is one that Zarr would leave as it is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numcodecs import Zstd

from reprocess import schema
from reprocess.errors import StoreError
from reprocess.files import files_under
from reprocess.work.layout import create_store
from reprocess.work.store import require_store
from reprocess.work.whole import ARCHIVE_TITLE, CLASSES_TITLE, is_whole

SATELLITES = ["metop01", "noaa18"]
KINDS = {ARCHIVE_TITLE: schema.ARCHIVE_ARRAYS, CLASSES_TITLE: schema.CLASS_ARRAYS}


def bytes_of(path: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in files_under(path)}


@pytest.fixture(scope="module", params=KINDS)
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("sound") / "s.zarr"
    assert not is_whole(path, SATELLITES, KINDS[request.param], request.param)
    require_store(path, SATELLITES, KINDS[request.param], request.param)
    return path, request.param


def test_store_that_was_made_is_whole_and_zarr_changes_nothing(sound: tuple[Path, str]) -> None:
    path, title = sound
    before = bytes_of(path)
    assert is_whole(path, SATELLITES, KINDS[title], title)
    create_store(path, SATELLITES, KINDS[title], title)
    assert bytes_of(path) == before


def test_another_title_and_another_satellite_are_not_there(sound: tuple[Path, str]) -> None:
    path, title = sound
    assert not is_whole(path, SATELLITES, KINDS[title], "another")
    assert not is_whole(path, [*SATELLITES, "noaa15"], KINDS[title], title)


def edited(file: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def edit(path: Path) -> None:
        document = json.loads((path / file).read_bytes())
        change(document)
        (path / file).write_text(json.dumps(document), encoding="utf-8")

    return edit


def attribute(file: str, name: str) -> Callable[[Path], object]:
    return edited(file, lambda document: document["attributes"].__setitem__(name, "other"))


OTHER = Zstd().encode(np.array([90, 0], "<i2"))
DAMAGE: dict[str, Callable[[Path], object]] = {
    "no array": lambda path: (path / "noaa18/time/zarr.json").unlink(),
    "no group": lambda path: (path / "noaa18/zarr.json").unlink(),
    "no root": lambda path: (path / "zarr.json").unlink(),
    "title": attribute("zarr.json", "title"),
    "platform": attribute("noaa18/zarr.json", "platform"),
    "attribute of an array": attribute("noaa18/time/zarr.json", "units"),
    "attribute of a coordinate": attribute("noaa18/day/zarr.json", "units"),
    "no coordinate": lambda path: (path / "noaa18/day/zarr.json").unlink(),
    "no values of a coordinate": lambda path: (path / "noaa18/day/c/0").unlink(),
    "values of another": lambda path: (path / "noaa18/telescope/c/0").write_bytes(OTHER),
    "leftover": lambda path: (path / "noaa18/zarr.3f.partial").touch(),
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    require_store(tmp_path / "s.zarr", ["noaa18"], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
    return tmp_path / "s.zarr"


@pytest.mark.parametrize("what", DAMAGE)
def test_store_that_is_not_whole_is_told_and_made_so(store: Path, what: str) -> None:
    DAMAGE[what](store)
    assert not is_whole(store, ["noaa18"], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
    require_store(store, ["noaa18"], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
    assert is_whole(store, ["noaa18"], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_damaged_metadata_are_refused_as_before(store: Path, text: str) -> None:
    (store / "noaa18/time/zarr.json").write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match="audit WORK --repair"):
        require_store(store, ["noaa18"], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)


def test_another_layout_is_refused(store: Path) -> None:
    edited("zarr.json", lambda document: document["attributes"].update(layout=99))(store)
    with pytest.raises(StoreError, match="layout 99"):
        require_store(store, ["noaa18"], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)


def test_coordinate_in_another_form_is_left_to_zarr(store: Path) -> None:
    edited("noaa18/energy/zarr.json", lambda document: document.update(data_type="int32"))(store)
    assert not is_whole(store, ["noaa18"], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
