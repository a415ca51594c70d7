"""Files and directory listings over http and https, politely and told apart by what went wrong.

fsspec's own http is not used: it neither retries nor tells a short body from a whole one, and its
listings have names only, so that every file would cost a request before it is read. Web servers
print sizes and dates into their index pages; that is what a listing is made of here.
"""

import functools
import re
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import replace
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import TypeVar

import numpy as np
import requests
from urllib3.exceptions import ReadTimeoutError

from reprocess import __version__, schema
from reprocess.errors import SourceError
from reprocess.sources.entry import TRIES, Answer, Entry
from reprocess.sources.hdf5 import defect

BACKOFF_S = 1.0
"""First pause; each is twice the one before, give or take half of it."""

LONGEST_WAIT_S = 120.0
"""A server that asks for a longer pause (Retry-After) is left alone until the next run."""

TIMEOUT_S = (10.0, 60.0)
"""To connect, and between two pieces of an answer."""

FILE_TIMEOUT_S = 600.0
"""For a whole file: 5 MB at 8 kB/s."""

_PIECE = 2**18
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?|\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d(?::\d\d)?")
_SIZE = re.compile(r"\s+(\d+(?:\.\d+)?)([KMGT]?)\b")
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_INDEX_TITLES = ("index of", "directory listing")

T = TypeVar("T")


class WebFolder:
    """A folder that a web server lists."""

    def __init__(self, url: str) -> None:
        self.root = url.rstrip("/") + "/"
        """Where the folder is; once listed, where the server redirected to."""

    def list(self, path: str) -> list[Entry]:
        """Return the entries of an index page.

        Raises
        ------
        SourceError
            If the page cannot be had whole, or is no listing.
        """
        entries, url = patiently(lambda: _list(path), TRIES)
        if path == self.root:
            self.root = url
        return entries

    def url_of(self, path: str) -> str:
        """Return the URL of a path."""
        return path

    def describe(self, entry: Entry) -> Entry:
        """Return an entry with size and version from the file's own headers.

        Raises
        ------
        SourceError
            If they cannot be had.
        """
        size, version = patiently(lambda: _head(entry.url), TRIES)
        return replace(entry, size=size, version=version)


def get(url: str, tries: int = TRIES) -> Answer:
    """Return what is at an address.

    Raises
    ------
    SourceError
        If it is not there, or not to be had in so many tries.
    """
    return patiently(lambda: _get(url), tries)


def get_file(url: str, tries: int = TRIES) -> Answer:
    """Return a data file, or what the server sends in its place.

    What is no whole HDF5 file (a page, a gateway's error, a body cut short) is asked for again, until
    the same bytes come twice or there are no tries left: then it is returned as it is.

    Raises
    ------
    SourceError
        As `get`.
    """
    doubtful: list[Answer] = []

    def fetch() -> Answer:
        answer = _get(url)
        found, again = defect(answer.body), bool(doubtful) and doubtful[-1].body == answer.body
        if found is None or again:
            return answer
        doubtful.append(answer)
        raise SourceError("not_the_file", f"{url}: {found[1]}")

    try:
        return patiently(fetch, tries)
    except SourceError as e:
        if e.reason != "not_the_file" or not doubtful:
            raise
        return doubtful[-1]


def patiently(function: Callable[[], T], tries: int) -> T:
    """Call a function until it succeeds, with growing pauses between failures that may pass.

    A server's Retry-After takes the place of the pause.

    Raises
    ------
    SourceError
        The last failure.
    """
    spread = np.random.default_rng()  # workers that failed together must not come back together
    for number in range(1, tries + 1):
        try:
            return function()
        except SourceError as e:
            wait = e.retry_after
            if wait is None:
                wait = BACKOFF_S * 2 ** (number - 1) * spread.uniform(0.5, 1.5)
            if number == tries or e.reason not in schema.TRANSIENT or wait > LONGEST_WAIT_S:
                raise
        time.sleep(wait)
    raise ValueError(f"{tries} tries are none")


@functools.cache
def _session() -> requests.Session:
    """Return this process's connections, which stay open from file to file."""
    session = requests.Session()
    # Unpacked by the server or on the way, a file would not have the length that was announced.
    session.headers.update({"User-Agent": f"reprocess/{__version__}", "Accept-Encoding": "identity"})
    return session


def _get(url: str) -> Answer:
    response, body = _request("GET", url)
    facts: dict[str, str | int] = {"bytes": len(body)}
    for key, header in (("etag", "ETag"), ("last_modified", "Last-Modified")):
        if header in response.headers:
            facts[key] = response.headers[header]
    return Answer(response.url, body, facts)


def _head(url: str) -> tuple[int, str]:
    response, _ = _request("HEAD", url)
    version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    length = response.headers.get("Content-Length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else 0, version


def _request(method: str, url: str) -> tuple[requests.Response, bytes]:
    """Make one request and read the whole answer.

    Raises
    ------
    SourceError
        Whatever goes wrong, by kind.
    """
    try:
        with _session().request(method, url, timeout=TIMEOUT_S, stream=True) as response:
            _check_status(response)
            return response, _read_body(response)
    except requests.exceptions.ChunkedEncodingError as e:
        raise SourceError("short_body", f"{url}: {_root_cause(e)}") from e
    except requests.RequestException as e:
        raise SourceError(_kind(e), f"{url}: {_root_cause(e)}") from e
    except OSError as e:  # before any request: a file of certificates that is not there, or is none
        raise SourceError("certificate", f"{url}: {type(e).__name__}: {e}") from e


def _kind(error: requests.RequestException) -> str:
    """Return what a failed request is called."""
    kinds = {
        requests.exceptions.ProxyError: "proxy",
        requests.exceptions.InvalidProxyURL: "proxy",
        requests.exceptions.SSLError: "certificate",
        requests.exceptions.InvalidURL: "unreadable",
        requests.exceptions.InvalidSchema: "proxy",
        requests.Timeout: "timeout",
    }
    # While a body is read, requests wraps its own time-out as a broken connection.
    slow = any(isinstance(x, ReadTimeoutError) for x in error.args)
    if isinstance(error, requests.exceptions.InvalidSchema) and "adapters" in str(error):
        return "connection"  # a redirection to what is no web address
    found = (reason for kind, reason in kinds.items() if isinstance(error, kind))
    return "timeout" if slow else next(found, "connection")


def _check_status(response: requests.Response) -> None:
    code = response.status_code
    if code == requests.codes.partial_content and not _is_whole(response.headers.get("Content-Range", "")):
        part = f"{response.headers['Content-Range']!r}, which nobody asked for"
        raise SourceError("short_body", f"{response.url}: HTTP {code} with {part}")
    if code in {requests.codes.ok, requests.codes.non_authoritative_info, requests.codes.partial_content}:
        return
    if code < requests.codes.bad_request:
        raise SourceError(
            "not_the_file", f"{response.url}: HTTP {code} {response.reason} in place of the file"
        )
    if code in {404, 410}:
        reason = "not_found"
    elif code == requests.codes.too_many_requests:
        reason = "busy"
    elif code == requests.codes.proxy_authentication_required:
        reason = "proxy"
    elif code == requests.codes.request_timeout:
        reason = "timeout"
    else:
        reason = "server_error" if code >= requests.codes.server_error else "refused"
    wait = _retry_after(response)
    if reason in schema.TRANSIENT and wait is not None and wait > LONGEST_WAIT_S:
        reason = "busy"
    raise SourceError(reason, f"{response.url}: HTTP {code} {response.reason}", wait)


def _is_whole(content_range: str) -> bool:
    """Tell whether ``bytes FIRST-LAST/LENGTH`` is all of a file; a server that tells no range is believed."""
    told = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", content_range.strip(), re.ASCII | re.IGNORECASE)
    if told is None:
        return not content_range
    first, last, length = map(int, told.groups())
    return first == 0 and last + 1 == length


def _retry_after(response: requests.Response) -> float | None:
    """Return the pause a server asks for, in seconds, given as a number or as a date."""
    text = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):  # no date, or one that no clock can show
        return None


def _read_body(response: requests.Response) -> bytes:
    deadline = time.monotonic() + FILE_TIMEOUT_S
    body = bytearray()
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > schema.MAX_SOURCE_BYTES:
            raise SourceError("too_large", f"{response.url}: more than {schema.MAX_SOURCE_BYTES} bytes")
        if time.monotonic() > deadline:
            raise SourceError("timeout", f"{response.url}: not whole after {FILE_TIMEOUT_S:.0f} s")
    return bytes(body)


def _root_cause(error: BaseException) -> str:
    """Return the innermost error in words; those around it have addresses of objects in theirs."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}"


class _Links(HTMLParser):
    """Collects the links of a page, the text that follows each up to the next, and the title."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, list[str]]] = []
        self.title = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"a", "title"}:
            self._inside = tag
        if tag == "a":
            self.links.append((dict(attrs).get("href") or "", []))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data
        elif not self._inside and self.links:
            self.links[-1][1].append(data)


def _list(url: str) -> tuple[list[Entry], str]:
    """Return the entries of an index page, and its address after redirection."""
    answer = _get(url)
    if defect(answer.body) is None:
        raise SourceError("not_found", f"{url} is a file, not a folder")
    base = answer.url.rstrip("/") + "/"
    text = answer.body.decode("utf-8", "replace")
    if "</html" not in text.lower():  # pages are sent without a length: a short one would hide files
        raise SourceError("short_body", f"{url}: the page does not end in </html>")
    entries, title = parse_index(text, base)
    if not entries and not title.strip().lower().startswith(_INDEX_TITLES):
        raise SourceError("html_page", f"{url}: the page {title.strip()!r} is no directory listing")
    return entries, base


def parse_index(text: str, url: str) -> tuple[list[Entry], str]:
    """Return what an index page lists in its own folder, and the page's title.

    Understands the pages of Apache (as a table and as preformatted text) and nginx: after each link come a
    date and a size, which Apache rounds to two digits. Pages without them give entries without.

    Parameters
    ----------
    text : str
        The HTML page.
    url : str
        Its address, ending in a slash; links out of it, as to the folder above, are left out.
    """
    page = _Links()
    page.feed(text)
    entries: dict[str, Entry] = {}
    for href, words in page.links:
        address = urllib.parse.urljoin(url, href)
        name = address.removeprefix(url)
        if address == url or not address.startswith(url) or not re.fullmatch(r"[^/?#]+/?", name):
            continue
        following = " ".join(words)
        date = _DATE.search(following)
        size = _SIZE.match(following, date.end()) if date else None
        entries[name] = Entry(
            urllib.parse.unquote(name.rstrip("/")),
            address,
            address,
            name.endswith("/"),
            round(float(size[1]) * _UNITS[size[2]]) if size else None,
            date[0] if date else "",
        )
    return list(entries.values()), page.title
