"""Files that survive a crash: sums, replacing as one step, locks."""

import contextlib
import errno
import fcntl
import fnmatch
import glob
import hashlib
import logging
import os
import re
import struct
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from reprocess.errors import LedgerError

_NO_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What file systems answer that cannot sync a folder; they keep names in order by themselves."""

WAIT_S = 3.0
"""How long a lock is waited for in silence."""

_log = logging.getLogger(__name__)

_FOREIGN = re.compile(r"\..*|.*~|Thumbs\.db|desktop\.ini|Icon\r")


Content = TypeVar("Content")


class Remembered(Generic[Content]):
    """What files were read to be, so that a file that nobody replaced is not read again.

    Files are replaced by renaming: inode, time and size tell. What is remembered is shared by all who ask:
    nobody changes it.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int], Content]] = {}

    def get(self, path: Path | str, read: Callable[[], Content | None]) -> Content | None:
        """Return what a file is read to be now, None if it is gone."""
        try:
            now = os.stat(path)
        except FileNotFoundError:
            return None
        seen = (now.st_ino, now.st_mtime_ns, now.st_size)
        before = self._known.get(os.fspath(path))
        if before is not None and before[0] == seen:
            return before[1]
        content = read()
        if content is not None:
            self._known[os.fspath(path)] = seen, content
        return content

    def forget(self, path: Path) -> None:
        """Have a file read again however it looks.

        A network file system may show for a minute the file that another machine has replaced; opening
        the file shows the new one.
        """
        self._known.pop(os.fspath(path), None)

    def clear(self) -> None:
        """Forget all files."""
        self._known.clear()


def sha256(data: bytes) -> str:
    """Return the hexadecimal sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def tree_sha256(path: Path) -> str:
    """Return the sha256 of a file, or one for all files under a folder, their names included.

    What other programs leave in folders (`is_foreign`) is no part of it.
    """
    if path.is_file():
        return sha256(path.read_bytes())
    lines = []
    for name in _names_under(path):
        if not _is_foreign(name.rpartition("/")[2]):
            with open(os.path.join(path, name), "rb") as file:
                lines.append(f"{sha256(file.read())} {name}\n")
    return sha256("".join(lines).encode())


def is_foreign(path: Path) -> bool:
    """Tell whether a file is one that desktops, editors, file servers or zarr-python 2 leave in folders."""
    return _is_foreign(path.name)


def _is_foreign(name: str) -> bool:
    return _FOREIGN.fullmatch(name) is not None and not name.endswith(".partial")


def to_utf8(text: str) -> bytes:
    """Return text for a file; what was no UTF-8 in a file's name is written as the bytes that it was."""
    return text.encode("utf-8", "surrogateescape")


def from_utf8(data: bytes) -> str:
    """Return the text that `to_utf8` was given."""
    return data.decode("utf-8", "surrogateescape")


def legible(text: str) -> str:
    """Return text that every program can show: bytes of a file's name that are no UTF-8 are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def find(folder: Path, pattern: str) -> list[Path]:
    """Return the paths under a folder that match a pattern such as ``*/*.json`` part by part, sorted.

    Nothing if there is no such folder. `Path.glob` would pass over folders that may not be read, and
    what lies in them would count as absent.

    Raises
    ------
    OSError
        If a folder cannot be read.
    """
    part, _, rest = pattern.partition("/")
    found = [folder / name for name in names_in(folder, part)]
    return [path for one in found for path in find(one, rest)] if rest else found


def names_in(folder: Path | str, pattern: str) -> list[str]:
    """Return the names in a folder that match a pattern, sorted; nothing if there is no such folder.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    try:
        return sorted(name for name in os.listdir(folder) if fnmatch.fnmatchcase(name, pattern))
    except (FileNotFoundError, NotADirectoryError):
        return []


def files_under(folder: Path) -> list[Path]:
    """Return all files under a folder, sorted; raises OSError if a folder cannot be read."""
    return [folder / name for name in _names_under(folder)]


def _names_under(folder: Path) -> list[str]:
    """Return the paths of all files under a folder, told from there; sorted part by part, as `Path` does."""

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    root = os.fspath(folder)
    found = [
        path[len(root) :].lstrip("/")
        for top, _, names in os.walk(root, onerror=refuse)
        for name in names
        if os.path.isfile(path := os.path.join(top, name))
    ]
    return sorted(found, key=lambda name: name.split("/"))


def write_atomic(path: Path, data: bytes, place: Path | None = None, *, sync: bool = True) -> None:
    """Replace `path` by `data` as one step that survives a crash.

    Leftovers of writers that were killed on the way are removed.

    Parameters
    ----------
    path : Path
    data : bytes
    place : Path, optional
        Folder above `path`, on the same file system, for the temporary file: where programs read the
        folder of `path` whole. Some of them read or stumble over hidden files, too.
    sync : bool
        Whether to wait until the disk has it: a power cut then leaves the old file or the new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path, place)
    temporary = path.parent if place is None else place
    temporary /= f"{_temporary_stem(path, place)}.{uuid.uuid4().hex}.partial"
    try:
        with temporary.open("wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as e:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)  # on a full disk it would take what little there is
        if e.errno is None:
            raise
        raise OSError(e.errno, e.strerror, str(path)) from e  # the name that the user knows
    if sync:
        _sync_folder(path.parent)  # the rename itself


def _sync_folder(path: Path) -> None:
    """Have a folder's names written to the disk, where its file system can do that."""
    try:
        folder = os.open(path, os.O_RDONLY)
    except PermissionError:  # one may write into a folder that one may not list
        return
    try:
        os.fsync(folder)
    except OSError as e:
        if e.errno not in _NO_SYNC:
            raise
    finally:
        os.close(folder)


def _temporary_stem(path: Path, place: Path | None) -> str:
    """Return what the names of a file's temporaries begin with; they are hidden."""
    return "." + "-".join(path.relative_to(path.parent if place is None else place).parts)


def sweep(path: Path, place: Path | None = None) -> None:
    """Remove what killed writers of `path` left behind (their names end in ``.partial``).

    Those of Zarr and of 0.1.0 lie beside it and begin with its name. Parameters as for `write_atomic`.
    """
    for folder, stem in ((place or path.parent, _temporary_stem(path, place)), (path.parent, path.name)):
        for leftover in folder.glob(f"{glob.escape(stem)}.*.partial"):
            with contextlib.suppress(FileNotFoundError):  # a second writer of this block swept it
                leftover.unlink()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep every other process, on any machine, from the same section on the same path.

    The kernel or the file server frees the lock of a process that dies. The lock's file
    (``.lock`` beside `path`) goes when the section ends. Who waits for long is told for whom.

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
            _wait_for(file, lock)
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


def refuse_held(lock: Path) -> None:
    """Make sure that no other process holds a lock, given its file; one that no process holds is no lock.

    Raises
    ------
    LedgerError
        If one does.
    """
    file = os.open(lock, os.O_RDWR)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as e:
        who, remedy = _told(file)
        raise LedgerError(
            f"{lock} is held {who}; give the same command again when it is free; {remedy}"
        ) from e
    finally:
        os.close(file)


def _wait_for(file: int, lock: Path) -> None:
    """Take a lock, and say for whom this waits if it takes long."""
    teller = threading.Timer(WAIT_S, _tell_wait, (file, lock))
    teller.daemon = True
    teller.start()
    try:
        fcntl.lockf(file, fcntl.LOCK_EX)
    finally:
        teller.cancel()


def _tell_wait(file: int, lock: Path) -> None:
    """Say which lock is waited for, who holds it and how to go on."""
    who, remedy = _told(file)
    _log.warning(
        "waiting for the lock %s, held %s; this goes on by itself when it is free; %s", lock, who, remedy
    )


def _told(file: int) -> tuple[str, str]:
    """Return who holds a lock, and what to do about it."""
    holder = _holder(file)
    if holder is None:
        return (
            "by a process that the file system does not tell, perhaps on another machine",
            "if none of your jobs is at work in this WORK directory, ask who runs the file server",
        )
    return (
        f"by process {holder} of this machine",
        f"if that process is suspended, let it go on (kill -CONT {holder}) or end it (kill {holder})",
    )


def _holder(file: int) -> int | None:
    """Return the process that holds a lock on an open file, None if that cannot be known."""
    if sys.platform != "linux":  # the layout of the question differs between systems
        return None
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        pid = int(struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))[-1])
    except OSError:
        return None
    return pid if pid > 0 else None


_FLOCK = "@hhqqi4x"
"""`struct flock` of Linux: type, whence, start, length, process."""


def _is_at(file: int, path: Path) -> bool:
    """Tell whether an open file is the one that lies at a path now."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
