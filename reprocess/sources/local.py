"""Folders and files of this machine, symbolic links followed.

What a file is goes by what is read, not by the link on the way to it: size and time are those of the
target, and the version names the target where a link within the archive leads to it.
"""

import os
import stat
from pathlib import Path

from reprocess.errors import SourceError
from reprocess.sources.entry import Entry

_SCHEMES = ("file://", "file:", "local://", "local:")
_TARGET = " at "
"""Stands in a version between the modification time and where a link leads."""


def local_path(url: str) -> str:
    """Return the absolute path that a local address means, whatever the current folder."""
    for scheme in _SCHEMES:
        if url.startswith(scheme):
            url = url.removeprefix(scheme)
            break
    return os.path.abspath(os.path.expanduser(url))


class LocalFolder:
    """A folder on this machine."""

    def __init__(self, url: str) -> None:
        self.root = local_path(url)
        self._real_root = os.path.realpath(self.root)

    def list(self, path: str) -> list[Entry]:
        """Return what lies in a folder.

        Raises
        ------
        SourceError
            ``not_found`` if there is no such folder, ``unreadable`` if it may not or cannot be read.
        """
        try:
            with os.scandir(path) as found:
                links = {item.name: item.is_symlink() for item in found}
        except (FileNotFoundError, NotADirectoryError) as e:
            raise SourceError("not_found", f"{self.url_of(path)} is not a folder") from e
        except OSError as e:
            raise SourceError("unreadable", f"{self.url_of(path)}: {type(e).__name__} {e.strerror}") from e
        real = os.path.realpath(path)
        linked = self._is_linked(path, real)
        return [
            self._entry(os.path.join(path, name), os.path.join(real, name), linked, links[name])
            for name in sorted(links)
        ]

    def describe(self, entry: Entry) -> Entry:
        """Return the entry of a file as it is now."""
        folder = os.path.dirname(entry.path)
        real = os.path.realpath(folder)
        linked, link = self._is_linked(folder, real), os.path.islink(entry.path)
        return self._entry(entry.path, os.path.join(real, entry.name), linked, link)

    def url_of(self, path: str) -> str:
        """Return the URL of a path."""
        return f"file://{path}"

    def _is_linked(self, folder: str, real: str) -> bool:
        """Tell whether a link within the archive leads to a folder; one to the archive is no matter."""
        return real != os.path.normpath(os.path.join(self._real_root, os.path.relpath(folder, self.root)))

    def _entry(self, path: str, real: str, linked: bool, link: bool) -> Entry:
        """Return the entry of a path; what cannot be looked at has its reason in `trouble`."""
        name, url = os.path.basename(path), self.url_of(path)
        real = os.path.realpath(path) if link else real
        try:
            found = os.stat(path)
        except OSError as e:
            trouble = "broken_link" if link and not isinstance(e, PermissionError) else "unreadable"
            return Entry(name, path, url, False, None, "", real, link, trouble)
        if stat.S_ISDIR(found.st_mode):
            return Entry(name, path, url, True, None, "", real, link)
        trouble = "" if stat.S_ISREG(found.st_mode) else "not_a_file"
        version = _version(found, real if link or linked else "")
        return Entry(name, path, url, False, found.st_size, version, real, link or linked, trouble)


def _version(found: os.stat_result, target: str) -> str:
    return str(found.st_mtime) + (_TARGET + target if target else "")


def local_identity(url: str, known: str = "") -> dict[str, str | int] | None:
    """Return size and version of a local file as it is now, None if it is gone.

    Parameters
    ----------
    url : str
    known : str
        Its version when it was listed; tells whether a link led to it then.
    """
    path = local_path(url)
    try:
        found = os.stat(path)
    except OSError:
        return None
    target = os.path.realpath(path) if _TARGET in known else ""
    return {"size": found.st_size, "version": _version(found, target)}


def read_local(url: str) -> bytes:
    """Return the content of a file.

    Raises
    ------
    SourceError
        ``not_found`` or ``unreadable``.
    """
    try:
        return Path(local_path(url)).read_bytes()
    except FileNotFoundError as e:
        raise SourceError("not_found", f"{url}: {type(e).__name__} {e.strerror}") from e
    except OSError as e:
        raise SourceError("unreadable", f"{url}: {type(e).__name__} {e.strerror}") from e
