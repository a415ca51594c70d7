"""Files and folders through fsspec: what a failure is called, whatever library raised it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from aiohttp import ClientPayloadError
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from fsspec.implementations.memory import MemoryFileSystem

from reprocess import schema
from reprocess.errors import SourceError
from reprocess.sources.entry import Entry
from reprocess.sources.remote import is_web, open_folder, read_bytes, read_source

URL = "memory://remote-test/a.nc"


@pytest.fixture(autouse=True)
def _file() -> None:
    with fsspec.open(URL, "wb") as file:
        file.write(b"content")


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


ERRORS = {
    "not_found": FileNotFoundError(2, "NoSuchKey"),
    "refused": PermissionError(13, "Access Denied"),
    "timeout": TimeoutError("read"),
    "connection": ConnectionResetError(104, "reset"),
    "server_error": OSError(16, "SlowDown"),
    "connection ": ClientPayloadError("not completed"),
    "connection  ": EndpointConnectionError(endpoint_url="http://x"),
    "refused ": NoCredentialsError(),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_failures_of_a_remote_file_system_are_deferrals_by_kind(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryFileSystem, "cat_file", raising(ERRORS[kind]))
    with pytest.raises(SourceError) as error:
        read_source(URL, 7, {})
    assert error.value.reason == kind.strip()
    assert error.value.reason in schema.DEFERRALS
    assert error.value.detail.startswith(f"{URL}: {type(ERRORS[kind]).__name__} ")


@pytest.mark.parametrize("kind", ["not_found", "refused", "connection", "refused "])
def test_failures_of_a_listing_are_called_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = open_folder("memory://remote-test", {})
    monkeypatch.setattr(MemoryFileSystem, "ls", raising(ERRORS[kind]))
    with pytest.raises(SourceError) as error:
        folder.list(folder.root)
    assert error.value.reason == kind.strip()


def test_missing_credentials_come_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryFileSystem, "cat_file", raising(NoCredentialsError()))
    with pytest.raises(SourceError, match="--storage-option anon=true"):
        read_source(URL, 7, {})


def test_local_file_that_is_denied_is_unreadable_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"content")
    monkeypatch.setattr(Path, "read_bytes", raising(PermissionError(13, "Permission denied")))
    with pytest.raises(SourceError) as error:
        read_source(str(tmp_path / "a"), 7, {})
    assert error.value.reason == "unreadable"


def test_error_that_is_no_failure_of_the_source_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryFileSystem, "cat_file", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        read_source(URL, 7, {})


def test_missing_library_is_not_taken_for_a_bad_file() -> None:
    """A worker without s3fs must fail its block, not quarantine every day of it."""
    with pytest.raises(ImportError):
        read_source("gs://bucket/a.nc", 7, {})


@pytest.mark.parametrize(("size", "reason"), [(6, "changed"), (8, "changed"), (2**40, "too_large")])
def test_length_must_be_that_of_the_listing(size: int, reason: str) -> None:
    with pytest.raises(SourceError) as error:
        read_source(URL, size, {})
    assert error.value.reason == reason
    assert str(size) in error.value.detail


@pytest.mark.parametrize("size", [7, 0])
def test_content_is_read(size: int) -> None:
    answer = read_source(URL, size, {})
    assert (answer.url, answer.body, answer.facts) == (URL, b"content", {})
    assert read_bytes(URL) == b"content"


def test_address_that_nothing_can_read() -> None:
    with pytest.raises(SourceError, match="nosuch") as error:
        read_bytes("nosuch://x")
    assert error.value.reason == "unreadable"
    with pytest.raises(SourceError, match="no address that can be read"):
        open_folder("nosuch://x", {})


def test_options_reach_the_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    original = fsspec.core.url_to_fs

    def spy(url: str, **options: object) -> Any:
        seen.append(options)
        return original(url)

    monkeypatch.setattr("fsspec.core.url_to_fs", spy)
    open_folder("memory://remote-test", {"anon": True})
    read_source(URL, 7, {"anon": True})
    assert seen == [{"anon": True}, {"anon": True}]


def test_describing_a_file_that_is_gone() -> None:
    folder = open_folder("memory://remote-test", {})
    gone = Entry("b.nc", "/remote-test/b.nc", "memory://remote-test/b.nc", False, None, "")
    with pytest.raises(SourceError) as error:
        folder.describe(gone)
    assert error.value.reason == "not_found"


@pytest.mark.parametrize(
    ("url", "expected"), [("http://x", True), ("https://x", True), ("s3://http://x", False), ("/http", False)]
)
def test_what_is_a_web_address(url: str, expected: bool) -> None:
    assert is_web(url) is expected
