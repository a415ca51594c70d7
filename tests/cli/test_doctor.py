"""What `doctor` tells, and what it keeps to itself."""

import getpass
import json
import platform
from pathlib import Path

import pytest

from reprocess import __version__
from reprocess.execution import machine
from tests.support.command import reprocess


def test_it_tells_versions_machine_and_file_system_and_leaves_nothing(tmp_path: Path) -> None:
    found = json.loads(reprocess("doctor", tmp_path, "--json").stdout)
    assert found["versions"]["reprocess"] == __version__
    assert {"zarr", "xarray", "onnxruntime", "tensorflow"} <= found["packages"].keys()
    assert "MISSING" not in found["packages"].values()
    assert found["machine"]["GPU"] in {"yes", "no"}
    assert {found["WORK"][name] for name in ("writable", "locks", "replacing as one step")} == {"yes"}
    assert list(tmp_path.iterdir()) == []


def test_it_prints_no_name_of_a_person_machine_or_folder(tmp_path: Path) -> None:
    told = reprocess("doctor", tmp_path).stdout
    assert str(tmp_path) not in told
    assert platform.node() not in told
    assert f"/{getpass.getuser()}" not in told


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    assert "is no folder; give a WORK directory" in reprocess("doctor", tmp_path / "none", code=2).stderr


def test_what_a_file_system_cannot_do_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(machine.fcntl, "flock", refuse)
    assert machine.describe_folder(tmp_path)["locks"] == "no (Operation not supported)"
    monkeypatch.setattr(machine.Path, "exists", lambda _: True)
    assert machine.describe_folder(tmp_path)["capitals count"] == "no (A and a are one name)"
    monkeypatch.undo()
    monkeypatch.setattr(machine.Path, "read_bytes", lambda _: b"old")
    assert machine.describe_folder(tmp_path)["replacing as one step"] == "no (the old content is still there)"
