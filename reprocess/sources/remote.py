"""Folders and files from wherever they are, with one kind of error.

http and https are read by `web`, this machine's folders by `local`; everything else (S3 and other
object stores) through fsspec, whose implementations have their own retries.
"""

import contextlib
import errno
import socket
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from reprocess import schema
from reprocess.errors import SourceError
from reprocess.sources.entry import TRIES, Answer, Entry
from reprocess.sources.local import LocalFolder, read_local

_VERSIONS = ("mtime", "ETag", "LastModified", "Last-Modified")


class Folder(Protocol):
    """A folder that can be listed."""

    root: str
    """Path of the folder itself, for `list`."""

    def list(self, path: str) -> list[Entry]:
        """Return what lies in a folder; raises SourceError."""

    def describe(self, entry: Entry) -> Entry:
        """Return a file's entry with size and version, asking for this file alone; raises SourceError."""

    def url_of(self, path: str) -> str:
        """Return the URL of a path."""


class FsspecFolder:
    """A folder on a file system of fsspec."""

    def __init__(self, url: str, storage: Mapping[str, Any]) -> None:
        import fsspec

        self._fs, self.root = fsspec.core.url_to_fs(url, **storage)
        self._fs.invalidate_cache()  # a listing is of now, also in a process that listed before

    def list(self, path: str) -> list[Entry]:
        """Return what lies in a folder.

        Raises
        ------
        SourceError
            If it cannot be listed.
        """
        try:
            if not self._fs.isdir(path):
                raise SourceError("not_found", f"{self.url_of(path)} is not a folder")
            found = self._fs.ls(path, detail=True)
        except _library_errors() as e:
            raise _source_error(e, self.url_of(path)) from e
        # Object stores can have an object of the folder's own name in the folder.
        return [self._entry(info) for info in found if info["name"].rstrip("/") != path.rstrip("/")]

    def describe(self, entry: Entry) -> Entry:
        """Return a file's entry with size and version.

        Raises
        ------
        SourceError
            If it is gone.
        """
        try:
            return self._entry(self._fs.info(entry.path))
        except _library_errors() as e:
            raise _source_error(e, entry.url) from e

    def url_of(self, path: str) -> str:
        """Return the URL of a path."""
        return str(self._fs.unstrip_protocol(path))

    def _entry(self, info: dict[str, Any]) -> Entry:
        path = info["name"]
        name = path.rstrip("/").rsplit("/", 1)[-1]
        kind, trouble = info["type"], ""
        if kind not in {"file", "directory"}:  # a link of sftp: only the file system knows where it leads
            try:
                info = info | self._fs.info(path)
                kind = "directory" if self._fs.isdir(path) else "file"
            except _library_errors():
                trouble = "broken_link"
        size, version = info.get("size"), _version(info)
        return Entry(name, path, self.url_of(path), kind == "directory", size, version, trouble=trouble)


def is_web(url: str) -> bool:
    """Tell whether an address is read over http or https."""
    return url.startswith(("http://", "https://"))


def file_system(url: str, storage: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the fsspec file system of an address, and the path in it.

    Raises
    ------
    SourceError
        If nothing can read such an address.
    """
    import fsspec

    with explained(url):
        fs, path = fsspec.core.url_to_fs(url, **storage)
        return fs, str(path).rstrip("/")


@contextlib.contextmanager
def explained(url: str) -> Iterator[None]:
    """Raise what fsspec and the libraries under it raise as `SourceError`."""
    try:
        yield
    except ImportError as e:
        extra = "'reprocess[s3]'" if "s3:" in url else "the library that it names"
        needs = f"{url!r} needs a library that is not installed: {e}; install {extra} with pip"
        raise SourceError("unreadable", needs) from e
    except (ValueError, TypeError) as e:
        raise SourceError("unreadable", f"{url!r} is no address that can be read: {e}") from e
    except _library_errors() as e:  # some connect at once
        raise _source_error(e, url) from e


def open_folder(url: str, storage: Mapping[str, Any]) -> Folder:
    """Return the folder at an address.

    Parameters
    ----------
    url : str
        Local path or fsspec URL.
    storage : mapping
        Options of the fsspec file system, for example ``anon`` of S3.

    Raises
    ------
    SourceError
        If nothing can read such an address.
    """
    if is_web(url) or is_local(url):
        if storage:
            raise SourceError("unreadable", f"storage options ({', '.join(storage)}) mean nothing to {url}")
        if is_local(url):
            return LocalFolder(url)
        from reprocess.sources.web import WebFolder  # with it comes requests

        return WebFolder(url)
    with explained(url):
        return FsspecFolder(url, storage)


def is_local(url: str) -> bool:
    """Tell whether a source is a file on this machine."""
    scheme, found, _ = url.partition("://")
    if not found:
        return not url.startswith("data:")  # which fsspec reads
    return len(scheme) <= 1 or scheme in {"file", "local"}  # one letter is a drive, as fsspec has it


def _version(info: Mapping[str, Any]) -> str:
    return next((str(info[key]) for key in _VERSIONS if info.get(key) is not None), "")


def read_bytes(url: str) -> bytes:
    """Return the content of a local file or URL.

    Raises
    ------
    SourceError
        Whatever goes wrong.
    """
    if not is_web(url):
        return _read(url, {})
    from reprocess.sources.web import get

    return get(url).body


def read_source(url: str, size: int, storage: Mapping[str, Any], tries: int = TRIES) -> Answer:
    """Return a data file of an archive.

    Parameters
    ----------
    url : str
        Its address.
    size : int
        Bytes in the listing, 0 if unknown. Web servers round it; elsewhere another length means
        that the file was replaced since or did not come whole.
    storage : mapping
        Options of the fsspec file system.
    tries : int
        Requests before giving up, on http and https.

    Raises
    ------
    SourceError
        By `schema.REASONS` if the source's answer is definite, by `schema.DEFERRALS` if it may be
        had later.
    """
    if is_web(url):
        from reprocess.sources.web import get_file

        return get_file(url, tries)
    if size > schema.MAX_SOURCE_BYTES:
        raise SourceError("too_large", f"{url}: {size} bytes, more than {schema.MAX_SOURCE_BYTES}")
    body = _read(url, storage)
    if size and len(body) != size:
        raise SourceError("changed", f"{url}: {len(body)} bytes, {size} in the listing")
    return Answer(url, body, {})


def _read(url: str, storage: Mapping[str, Any]) -> bytes:
    if is_local(url):
        return read_local(url)
    import fsspec

    try:
        fs, path = fsspec.core.url_to_fs(url, **storage)
    except ValueError as e:
        raise SourceError("unreadable", f"{url}: {type(e).__name__} {e}") from e
    try:
        return bytes(fs.cat_file(path))
    except _library_errors() as e:
        raise _source_error(e, url) from e


def _library_errors() -> tuple[type[Exception], ...]:
    """Return what fsspec raises: OSError, and errors of the libraries under it, where they are in use."""
    loaded = (
        getattr(sys.modules.get(module), name, None)
        for module, name in (
            ("botocore.exceptions", "BotoCoreError"),
            ("aiohttp", "ClientError"),
            ("ftplib", "Error"),
            ("paramiko", "SSHException"),
        )
    )
    return OSError, EOFError, *(error for error in loaded if error is not None)


def _source_error(error: Exception, url: str) -> SourceError:
    """Return an error of a file system as one of ours, by kind."""
    detail = f"{url}: {type(error).__name__} {error}"
    if type(error).__name__ in {"NoCredentialsError", "PartialCredentialsError"}:
        return SourceError("refused", f"{detail}; for a public bucket use --storage-option anon=true")
    if isinstance(error, FileNotFoundError):
        return SourceError("not_found", detail)
    if isinstance(error, TimeoutError):
        return SourceError("timeout", detail)
    if isinstance(error, PermissionError):
        return SourceError("refused", detail)
    unreachable = isinstance(error, OSError) and error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}
    lost = isinstance(error, ConnectionError | socket.gaierror) or not isinstance(error, OSError)
    if lost or unreachable:
        return SourceError("connection", detail)
    return SourceError("server_error", detail)
