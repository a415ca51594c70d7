"""Done records: the only truth about what is complete.

A block is done when its record says ``"state": "done"``. The record is written last, atomically.
Before a block that has a record is written again, the record is put to ``"writing"``, so that no
moment exists in which half-new data stand behind an old claim. A missing Zarr chunk reads as
fill value: completeness is never concluded from the data.
"""

import contextlib
import csv
import fcntl
import hashlib
import io
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprocess.errors import LedgerError
from reprocess.sources.listing import Catalog, Granule

Record = dict[str, Any]


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


def outputs_sha256(records: Iterable[Record]) -> str:
    """Return one sha256 for the outputs of all these records: what is made of them depends on it."""
    return sha256(json.dumps([r["outputs"] for r in records], sort_keys=True).encode())


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


def source_digest(records: Iterable[Record]) -> str:
    """Return one sha256 for all files that a run's done records were made from."""
    sources = sorted(entry["source_sha256"] for record in records for entry in record["days"].values())
    return sha256("".join(sources).encode())


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


@dataclass(frozen=True)
class BlockLedger:
    """The records of one stage, one JSON file per block."""

    root: Path

    def path(self, satellite: str, block: int) -> Path:
        """Return where the record of a block lies."""
        return self.root / satellite / f"{block:04d}.json"

    def read(self, satellite: str, block: int) -> Record | None:
        """Return the record of a block whatever its state, None if there is none.

        Raises
        ------
        LedgerError
            If the record is not JSON, which no crash of ours can cause.
        """
        path = self.path(satellite, block)
        try:
            record: Record = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as e:
            raise LedgerError(f"{path} is damaged ({e}); delete it to have the block done again") from e
        return record

    def done(self) -> Iterator[Record]:
        """Yield the records of all done blocks by satellite and block."""
        for path in sorted(self.root.glob("*/*.json")):
            record = self.read(path.parent.name, int(path.stem))
            if record is not None and record["state"] == "done":
                yield record

    def begin(self, satellite: str, block: int, changing: Iterable[str] = ()) -> None:
        """Withdraw the claim of an existing record before its block is written again.

        Parameters
        ----------
        satellite, block
            The block.
        changing : iterable of str
            Dates whose data are about to change; their entries are dropped, the others stay valid.
        """
        record, dropped = self.read(satellite, block), set(changing)
        if record is not None:
            days = {date: entry for date, entry in record["days"].items() if date not in dropped}
            self._write(record | {"state": "writing", "days": days})

    def commit(self, record: Record) -> None:
        """Write the record of a block that is complete on disk."""
        self._write(record | {"state": "done"})
        self._failure_path(record["satellite"], record["block"]).unlink(missing_ok=True)

    def withdraw(self, satellite: str, block: int) -> None:
        """Give up a claim: the next run does the whole block again."""
        self.path(satellite, block).unlink(missing_ok=True)

    def fail(self, satellite: str, block: int, reason: str, traceback: str) -> None:
        """Note why a block could not be done; the note goes when it is done after all."""
        write_atomic(self._failure_path(satellite, block), f"{reason}\n{traceback}".encode())

    def failures(self) -> dict[tuple[str, int], str]:
        """Return the noted reasons by satellite and block."""
        reasons = {}
        for path in sorted(self.root.glob("*/*.failed")):
            with contextlib.suppress(FileNotFoundError):  # another process has just done the block
                reasons[path.parent.name, int(path.stem)] = path.read_text().split("\n", 1)[0]
        return reasons

    def _failure_path(self, satellite: str, block: int) -> Path:
        return self.path(satellite, block).with_suffix(".failed")

    def _write(self, record: Record) -> None:
        text = json.dumps(record, indent=1, sort_keys=True)
        write_atomic(self.path(record["satellite"], record["block"]), text.encode())


_CATALOG_FIELDS = ("satellite", "day", "url", "size", "version")


def read_catalog(path: Path) -> list[Granule]:
    """Return the satellite-days in a table, none if there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            Granule(row["satellite"], int(row["day"]), row["url"], int(row["size"]), row["version"])
            for row in csv.DictReader(file)
        ]


def merge_catalog(path: Path, granules: Iterable[Granule]) -> list[Granule]:
    """Add satellite-days to the table of those asked for; a known day takes its newest source.

    Processes that do this at once do not lose each other's days.
    """
    granules = list(granules)
    if _merged(known := read_catalog(path), granules) == known:
        return known
    with locked(path):
        planned = _merged(read_catalog(path), granules)
        _write_catalog(path, planned)
    return planned


def _merged(known: list[Granule], granules: list[Granule]) -> list[Granule]:
    return sorted({(g.satellite, g.day): g for g in known + granules}.values())


def note_vanished(path: Path, known: Iterable[Granule], catalog: Catalog) -> list[Granule]:
    """Bring the table of vanished satellite-days up to date with a new listing.

    Parameters
    ----------
    path : Path
        The table; it exists only while a day is missing from its archive.
    known : iterable of Granule
        Satellite-days ever asked for.
    catalog : Catalog
        The listing; days that it does not cover are left as they were.

    Returns
    -------
    list of Granule
        The days that vanished from this listing.
    """
    gone = catalog.vanished(known)
    if _still_gone(path, catalog, gone) == read_catalog(path):
        return gone
    with locked(path):
        if away := _still_gone(path, catalog, gone):
            _write_catalog(path, away)
        else:
            path.unlink(missing_ok=True)
    return gone


def _still_gone(path: Path, catalog: Catalog, gone: Iterable[Granule]) -> list[Granule]:
    """Return the table of vanished days as it should be: those of this listing and of others."""
    listed = {(g.satellite, g.day) for g in catalog.granules}
    others = [g for g in read_catalog(path) if not catalog.covers(g) and (g.satellite, g.day) not in listed]
    return sorted([*gone, *others])


def _write_catalog(path: Path, granules: Iterable[Granule]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CATALOG_FIELDS)
    writer.writerows([getattr(g, name) for name in _CATALOG_FIELDS] for g in granules)
    write_atomic(path, text.getvalue().encode())
