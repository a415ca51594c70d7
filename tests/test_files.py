"""Files replaced as one step, sums, locks."""

import errno
import fcntl
import uuid
from pathlib import Path

import pytest

from reprocess import files as module
from reprocess.errors import LedgerError
from reprocess.files import locked, sha256, sweep, tree_sha256, write_atomic
from reprocess.schema.granules import Granule
from reprocess.work.asked import merge_asked


def crash(*_: object) -> None:
    raise OSError("killed")


def test_sha256_is_that_of_the_standard() -> None:
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "x.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_crash_before_the_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "x.json"
    write_atomic(path, b"old")
    with monkeypatch.context() as patched:
        patched.setattr(*{"replace": (Path, "replace"), "fsync": (module.os, "fsync")}[step], crash)
        with pytest.raises(OSError, match="killed"):
            write_atomic(path, b"new")
    assert path.read_bytes() == b"old"


def test_crash_before_the_rename_leaves_no_file_where_there_was_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", kill)
        with pytest.raises(KeyboardInterrupt):
            write_atomic(tmp_path / "x.json", b"new")
    assert not (tmp_path / "x.json").exists()
    (leftover,) = tmp_path.iterdir()
    write_atomic(tmp_path / "x.json", b"new")
    assert not leftover.exists()


def test_a_disk_that_is_full_keeps_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "fsync", crash)
    with pytest.raises(OSError, match="killed"):
        write_atomic(tmp_path / "x.json", b"new")
    assert list(tmp_path.iterdir()) == []


def test_one_sum_for_a_tree_depends_on_every_name_and_byte(tmp_path: Path) -> None:
    def digest(**files: bytes) -> str:
        folder = tmp_path / uuid.uuid4().hex
        for name, data in files.items():
            write_atomic(folder / name, data)
        return tree_sha256(folder)

    assert digest(a=b"1", b=b"2") == digest(b=b"2", a=b"1")
    assert len({digest(a=b"1", b=b"2"), digest(a=b"2", b=b"1"), digest(a=b"1"), digest(c=b"1")}) == 4
    write_atomic(tmp_path / "x", b"data")
    assert tree_sha256(tmp_path / "x") == sha256(b"data")


def test_data_are_on_disk_before_the_rename_and_the_rename_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    fsync, replace = module.os.fsync, Path.replace
    monkeypatch.setattr(module.os, "fsync", lambda fd: steps.append("fsync") or fsync(fd))
    monkeypatch.setattr(Path, "replace", lambda a, b: steps.append("rename") or replace(a, b))
    write_atomic(tmp_path / "x", b"data")
    assert steps == ["fsync", "rename", "fsync"]


def test_sweep_removes_only_leftovers_of_that_file(tmp_path: Path) -> None:
    own = [tmp_path / "0248.json.aa.partial", tmp_path / "0248.json.bb.partial"]
    others = [tmp_path / "0248.json", tmp_path / "0249.json.aa.partial", tmp_path / "0248.failed.aa.partial"]
    for path in own + others:
        path.write_bytes(b"x")
    sweep(tmp_path / "0248.json")
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_sweep_where_nothing_is_does_nothing(tmp_path: Path) -> None:
    sweep(tmp_path / "missing" / "x")
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    (tmp_path / "x.lock").write_bytes(b"")  # what it leaves behind
    with locked(tmp_path / "x"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_its_holder_removed_is_not_taken_for_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, waits = fcntl.lockf, []

    def lockf(file: int, operation: int) -> None:
        if not waits:
            (tmp_path / "x.lock").unlink()  # while we waited
        waits.append(file)
        real(file, operation)

    monkeypatch.setattr(module.fcntl, "lockf", lockf)
    with locked(tmp_path / "x"):
        assert len(waits) == 2
        assert (tmp_path / "x.lock").exists()


def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lockf(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module.fcntl, "lockf", lockf)
    with pytest.raises(LedgerError, match=r"offers no locks .*No locks available"):
        merge_asked(tmp_path / "catalog.csv", [Granule("noaa18", 1, "file:///1.nc", 1, "1")])
