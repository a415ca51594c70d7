"""Files that survive a crash: sums, replacing as one step, locks."""

import contextlib
import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from reprocess.errors import LedgerError


def sha256(data: bytes) -> str:
    """Return the hexadecimal sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def tree_sha256(path: Path) -> str:
    """Return the sha256 of a file, or one for all files under a folder, their names included."""
    if path.is_file():
        return sha256(path.read_bytes())
    folder = path
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{sha256(path.read_bytes())} {path.relative_to(folder).as_posix()}\n" for path in files]
    return sha256("".join(lines).encode())


def to_utf8(text: str) -> bytes:
    """Return text for a file; what was no UTF-8 in a file's name is written as the bytes that it was."""
    return text.encode("utf-8", "surrogateescape")


def from_utf8(data: bytes) -> str:
    """Return the text that `to_utf8` was given."""
    return data.decode("utf-8", "surrogateescape")


def legible(text: str) -> str:
    """Return text that every program can show: bytes of a file's name that are no UTF-8 are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write_atomic(path: Path, data: bytes) -> None:
    """Replace `path` by `data` as one step that survives a crash.

    Leftovers of writers that were killed on the way are removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)  # on a full disk it would take what little there is
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)


def sweep(path: Path) -> None:
    """Remove what killed writers of `path` left behind (their names end in ``.partial``)."""
    for leftover in path.parent.glob(f"{path.name}.*.partial"):
        with contextlib.suppress(FileNotFoundError):  # a second writer of this block swept it
            leftover.unlink()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep every other process, on any machine, from the same section on the same path.

    The kernel or the file server frees the lock of a process that dies. The lock's file
    (``.lock`` beside `path`) goes when the section ends.

    Raises
    ------
    LedgerError
        If the file system offers no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock")
    while True:
        file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX)
        except OSError as e:
            os.close(file)
            raise LedgerError(
                f"the file system of {path.parent} offers no locks ({e}), so processes could lose each "
                "other's entries; use a WORK directory on a file system mounted with locks"
            ) from e
        if _is_at(file, lock):
            break
        os.close(file)  # its last holder removed it while we waited: wait for the next one
    try:
        yield
    finally:
        lock.unlink()
        os.close(file)


def _is_at(file: int, path: Path) -> bool:
    """Tell whether an open file is the one that lies at a path now."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
