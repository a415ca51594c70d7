"""Files replaced as one step, sums, locks."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from reprocess import files as module
from reprocess.errors import LedgerError
from reprocess.files import (
    Remembered,
    files_under,
    find,
    is_foreign,
    locked,
    sha256,
    sweep,
    tree_sha256,
    write_atomic,
)
from reprocess.schema.granules import Granule
from reprocess.work.asked import merge_asked
from tests.support.forbidden import forbid


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


def test_temporaries_are_hidden_and_those_of_before_are_swept_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "events"
    path = table / "satellite=noaa18" / "block-0248[1].parquet"
    seen: list[Path] = []
    monkeypatch.setattr(Path, "replace", lambda self, _: seen.append(self))
    write_atomic(path, b"x", tmp_path)
    write_atomic(path, b"x")
    assert [p.parent for p in seen] == [tmp_path, path.parent]
    assert all(p.name.startswith(".") and p.name.endswith(".partial") for p in seen)
    older = path.with_name(f"{path.name}.0123.partial")
    other = tmp_path / seen[0].name.replace("noaa18", "noaa19")
    for leftover in (older, other):
        leftover.write_bytes(b"x")
    sweep(path, tmp_path)
    assert not older.exists()
    sweep(path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [other]


FOREIGN = (".DS_Store", "._block-0248.parquet", ".x.swp", "x.parquet~", ".zgroup", ".nfs0001", "Thumbs.db")


@pytest.mark.parametrize("name", FOREIGN)
def test_what_other_programs_leave_changes_no_sum(tmp_path: Path, name: str) -> None:
    write_atomic(tmp_path / "a" / "b", b"data")
    before = tree_sha256(tmp_path)
    (tmp_path / "a" / name).write_bytes(b"x")
    assert is_foreign(tmp_path / "a" / name)
    assert tree_sha256(tmp_path) == before
    (tmp_path / "a" / "zarr.json").write_bytes(b"x")
    assert tree_sha256(tmp_path) != before


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


HOLD = (
    "import fcntl, os, sys\n"
    "file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
    "fcntl.lockf(file, fcntl.LOCK_EX)\n"
    "print('held', flush=True)\n"
    "sys.stdin.read()\n"
)


def test_who_waits_for_a_lock_is_told_which_and_who_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    words = [sys.executable, "-c", HOLD, str(tmp_path / "x.lock")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdout.readline()
        told = threading.Event()
        warn = module._log.warning
        monkeypatch.setattr(module._log, "warning", lambda *a: (warn(*a), told.set()))
        threading.Thread(target=lambda: told.wait(60) and holder.stdin.close()).start()
        with locked(tmp_path / "x"):
            assert told.is_set()
        (line,) = caplog.messages
    assert f"waiting for the lock {tmp_path / 'x.lock'}, held by process {holder.pid} of this machine" in line
    assert f"kill -CONT {holder.pid}" in line


def test_a_lock_that_is_free_is_taken_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0.2)
    with locked(tmp_path / "x"):
        time.sleep(0.4)
    assert caplog.messages == []


@pytest.mark.parametrize("system", ["darwin", "linux"])
def test_a_holder_that_is_not_known_is_not_named(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(module.sys, "platform", system)
    monkeypatch.setattr(module.fcntl, "fcntl", refuse)
    module._tell_wait(0, tmp_path / "x.lock")
    assert "held by a process that the file system does not tell, perhaps on another machine" in caplog.text


@pytest.mark.parametrize("answer", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_folders_will_do(
    answer: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = module.os.fsync

    def refuse(file: int) -> None:
        if stat.S_ISDIR(module.os.fstat(file).st_mode):
            raise OSError(answer, "not here")
        fsync(file)

    monkeypatch.setattr(module.os, "fsync", refuse)
    write_atomic(tmp_path / "x", b"data")
    assert (tmp_path / "x").read_bytes() == b"data"


def test_a_folder_that_cannot_be_synced_for_another_reason_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module, "_sync_folder", refuse)
    with pytest.raises(OSError, match="Input/output"):
        write_atomic(tmp_path / "x", b"data")


def test_files_are_found_as_glob_finds_them(tmp_path: Path) -> None:
    for name in ("a/1.json", "a/2.json", "a/2.failed", "b/3.json", "c.json", "b/d/4.json"):
        write_atomic(tmp_path / name, b"")
    for pattern in ("*/*.json", "*.json", "*", "a/*", "*/d/*", "x/*", "c.json/*"):
        assert find(tmp_path, pattern) == sorted(tmp_path.glob(pattern))
    assert files_under(tmp_path) == sorted(p for p in tmp_path.rglob("*") if p.is_file())
    assert find(tmp_path / "nothing", "*") == files_under(tmp_path / "nothing") == []


@pytest.mark.parametrize("search", [lambda top: find(top, "*/*"), files_under])
def test_a_folder_that_may_not_be_read_does_not_count_as_empty(
    search: Callable[[Path], list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomic(tmp_path / "secret" / "x", b"")
    forbid(monkeypatch, tmp_path / "secret")
    with pytest.raises(PermissionError, match="secret"):
        search(tmp_path)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_file_that_cannot_be_written_is_named_and_not_its_temporary(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), refuse)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_atomic(tmp_path / "a.json", b"1")
    assert caught.value.filename == str(tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_read_again_only_when_it_was_replaced(tmp_path: Path) -> None:
    path, known, reads = tmp_path / "f", Remembered[bytes](), 0

    def content() -> bytes | None:
        def read() -> bytes:
            nonlocal reads
            reads += 1
            return path.read_bytes()

        return known.get(path, read)

    assert content() is None
    write_atomic(path, b"one")
    assert (content(), content(), reads) == (b"one", b"one", 1)
    write_atomic(path, b"two")  # as long as before, and perhaps in the same tick of the clock
    assert (content(), content(), reads) == (b"two", b"two", 2)
    known.forget(path)
    assert (content(), reads) == (b"two", 3)
    path.unlink()
    assert content() is None
