"""Taking a run or a satellite out of WORK, so that a removal that is killed is finished by the next one.

What the ledger claims goes first, then what it claimed, and last what names it: `run.json` for a run, the
table of the satellite-days asked for for a satellite. So at no moment is anything claimed that is not
there, and what is left of a removal is still found under its name.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reprocess.errors import LedgerError
from reprocess.files import find, locked, refuse_held
from reprocess.work.asked import drop_satellite, read_asked, read_left_out
from reprocess.work.paths import Run, Work


@dataclass(frozen=True)
class Removal:
    """What goes, in this order."""

    claims: tuple[Path, ...]
    """Folders of receipts."""
    data: tuple[Path, ...]
    """Files and folders that the receipts stand for, and at last what names a run."""
    satellite: str = ""
    """Whose satellite-days are asked for no longer."""
    gone: tuple[Run, ...] = ()
    """Runs that go whole."""
    kept: tuple[Run, ...] = ()
    """Runs that lose parts: what is made of all their parts is to be made again."""

    @property
    def files(self) -> list[Path]:
        """Files that go; what is written again is not among them."""
        return list(dict.fromkeys(file for path in (*self.claims, *self.data) for file in _files(path)))

    @property
    def bytes(self) -> int:
        """Size of the files that go."""
        return sum(file.lstat().st_size for file in self.files)


def plan_run(work: Work, name: str) -> Removal:
    """Return what to remove of a run; also of one that was removed in part, or whose `run.json` is damaged.

    Raises
    ------
    LedgerError
        If there is no such run.
    """
    run = work.run(name)
    if not run.root.is_dir():
        work.only_run(name)  # names the runs that there are
    return Removal((run.ledger.root,), _whole(run), gone=(run,))


def plan_satellite(work: Work, satellite: str) -> Removal:
    """Return what to remove of a satellite: of the archive, the ledger and every run.

    A run that has no other satellite goes whole.

    Raises
    ------
    LedgerError
        If WORK has nothing of it.
    """
    folders = (Run(path) for path in find(work.root / "runs", "*") if path.is_dir())
    runs = [run for run in folders if satellite in _satellites(run)]
    gone = tuple(run for run in runs if _satellites(run) == {satellite})
    kept = tuple(run for run in runs if run not in gone)
    claims = [run.ledger.root if run in gone else run.ledger.root / satellite for run in runs]
    data = [path for run in kept for path in (*_parts(run, satellite), *run.kept)]
    data += [work.archive / satellite, *(path for run in gone for path in _whole(run))]
    found = Removal((*claims, work.ledger.root / satellite), tuple(data), satellite, gone, kept)
    if not found.files and satellite not in (known := _known(work)):
        raise LedgerError(
            f"{work.root} has nothing of {satellite}, only of {', '.join(sorted(known)) or 'none'}"
        )
    return found


def _satellites(run: Run) -> set[str]:
    """Return the satellites that a run was asked for, or has anything of."""
    parts = [
        path for folder in (run.events, run.dwell, run.properties) for path in find(folder, "satellite=*")
    ]
    folders = [*find(run.ledger.root, "*"), *find(run.classes, "*")]
    named = {path.name for path in folders if path.is_dir()} | {p.name.partition("=")[2] for p in parts}
    return named | {g.satellite for g in read_asked(run.asked)}


def _known(work: Work) -> set[str]:
    asked = [g.satellite for g in (*read_asked(work.asked), *read_asked(work.vanished))]
    return {*asked, *(x.satellite for x in read_left_out(work.left_out))} - {""}


def _whole(run: Run) -> tuple[Path, ...]:
    """Return all that a run has but its receipts; last what names it, and its satellites."""
    last = (run.root / "run.json", run.asked, run.root)
    return (*(p for p in find(run.root, "*") if p not in {run.ledger.root, *last}), *last)


def _parts(run: Run, satellite: str) -> tuple[Path, ...]:
    kinds = (run.events, run.dwell, run.properties, *find(run.positions, "*"))
    folders = (folder / f"satellite={satellite}" for folder in kinds)
    return (*folders, run.classes / satellite)


def _files(path: Path) -> list[Path]:
    """Return a file, or all files under a folder, links counted as what they are."""
    if path.is_symlink() or not path.is_dir():
        return [path] if path.is_symlink() or path.exists() else []
    return [file for child in find(path, "*") for file in _files(child)]


@contextmanager
def undisturbed(work: Work) -> Iterator[None]:
    """Keep the table of the satellite-days asked for from being written by others.

    Raises
    ------
    LedgerError
        If another process holds a lock in WORK.
    """
    for path in ("*.lock", "ledger/*.lock", "runs/*/*.lock"):
        for lock in find(work.root, path):
            refuse_held(lock)
    with locked(work.asked):
        yield


def remove(work: Work, removal: Removal) -> None:
    """Remove what was planned, within `undisturbed`."""
    for path in (*removal.claims, *removal.data):
        _delete(path)
    if removal.satellite:
        _forget(work, removal)


def _forget(work: Work, removal: Removal) -> None:
    """Take the satellite from the tables, that of the satellite-days asked for last."""
    for path in (*(run.asked for run in removal.kept), work.vanished, work.left_out, work.asked):
        drop_satellite(path, removal.satellite)


def _delete(path: Path) -> None:
    """Delete a file or a folder; of a link, what it leads to as well."""
    if path.is_symlink():
        if path.is_dir():
            shutil.rmtree(path.resolve())
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
