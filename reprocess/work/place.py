"""A WORK directory wherever it lies: a folder, an address that fsspec reads, a zip file. Read only."""

import contextlib
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprocess.errors import StoreError
from reprocess.files import find
from reprocess.sources.remote import explained, file_system


@dataclass(frozen=True)
class Place:
    """A folder to be read."""

    root: str
    """Its path, in the file system if there is one."""
    fs: Any = None
    """A file system of fsspec; None for a folder of this machine."""
    name: str = ""
    """As a user gave it."""

    def __str__(self) -> str:
        return self.name or self.root

    def inside(self, path: str) -> "Place":
        """Return a folder in it."""
        root = f"{self.root}/{path}" if self.root else path
        return Place(root, self.fs, f"{self}/{path}")

    def has(self, path: str) -> bool:
        """Tell whether there is such a file or folder; raises SourceError."""
        if self.fs is None:
            return Path(self.root, path).exists()
        with explained(str(self)):
            return bool(self.fs.exists(self.inside(path).root))

    def names(self, path: str) -> list[str]:
        """Return what lies in a folder; nothing if there is none. Raises SourceError."""
        if self.fs is None:
            return [found.name for found in find(Path(self.root, path), "*")]
        with explained(str(self)):
            try:
                found = self.fs.ls(f"{self.inside(path).root}/", detail=False)
            except FileNotFoundError:
                return []
        return [plain(self.fs, str(name)).rstrip("/").rpartition("/")[2] for name in found]

    def mapper(self) -> Any:
        """Return the folder as fsspec maps names to bytes."""
        return self.fs.get_mapper(self.root)

    @contextlib.contextmanager
    def at_hand(self) -> Iterator["AtHand"]:
        """Give the folder to code that takes paths: itself, or a copy that grows and is gone afterwards."""
        if self.fs is None:
            yield AtHand(self, Path(self.root))
            return
        with tempfile.TemporaryDirectory(prefix="reprocess-") as folder:
            yield AtHand(self, Path(folder))


def plain(fs: Any, path: str) -> str:
    """Return a path without the escapes of an address: web servers list ``satellite%3Dnoaa18``."""
    web = {"http", "https"} & set([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol)
    return urllib.parse.unquote(path) if web else path


@dataclass(frozen=True)
class AtHand:
    """A folder on this machine."""

    place: Place
    path: Path

    def need(self, *patterns: str) -> None:
        """Have the files that match patterns such as ``runs/*/run.json`` in it.

        Raises
        ------
        SourceError
            If they cannot be had.
        StoreError
            If the name of one, read as an address, leads out of the folder.
        """
        if self.place.fs is None:
            return
        fs, root = self.place.fs, self.place.root
        with explained(str(self.place)):
            found = [path for one in patterns for path in fs.glob(f"{root}/{one}".lstrip("/"))]
            for path in found:
                name = plain(fs, str(path)).removeprefix(plain(fs, root)).lstrip("/")
                target = self.path / name
                if ".." in target.parts:
                    raise StoreError(
                        f"{self.place} lists {path!r}, whose name leads out of its folder; nothing of it is "
                        "written: ask who keeps it to name its files anew"
                    )
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(fs.cat_file(path))


def find_place(work: str | Path, storage: Mapping[str, Any] | None = None) -> Place:
    """Return where a WORK directory lies.

    Parameters
    ----------
    work : str or Path
        A folder; an address that fsspec reads, as ``s3://bucket/WORK``; or a zip file of either kind, with
        WORK or what is in it at its top.
    storage : mapping, optional
        Options of the fsspec file system, for example ``anon`` of S3.

    Raises
    ------
    SourceError
        If the address cannot be read.
    StoreError
        If options are given for a folder of this machine.
    """
    name = str(work).rstrip("/") or "/"
    remote = "://" in name or "::" in name
    if not remote and not (name.lower().endswith(".zip") and Path(name).is_file()):
        if storage:
            raise StoreError(f"storage options ({', '.join(storage)}) mean nothing to the folder {name}")
        return Place(str(Path(name).resolve()), None, name)
    packed = name.lower().endswith(".zip") or name.startswith("zip:")
    if packed and not name.startswith("zip:"):
        name = f"zip::{name if remote else Path(name).resolve()}"
    fs, root = file_system(name, dict(storage or {}))
    place = Place(root, fs, str(work))
    return _unpacked(place) if packed else place


def _unpacked(place: Place) -> Place:
    """Return the folder of a zip file that is WORK: the whole of it, or the only one that it holds."""
    with explained(str(place)):
        top = [entry["name"].rstrip("/") for entry in place.fs.ls(place.root, detail=True)]
    if len(top) != 1 or place.has("archive.zarr") or place.has("runs"):
        return place
    return Place(top[0], place.fs, str(place))
