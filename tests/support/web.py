"""A web server on loopback that lists a folder as NCEI does, and misbehaves on demand."""

import datetime as dt
import http.server
import sys
import threading
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, cast


@dataclass(frozen=True)
class Fault:
    """How one request is answered wrongly."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Sent in place of the content."""
    missing: int = 0
    """Bytes of the content that are announced and not sent."""
    drop: bool = False
    """Close the connection without an answer."""
    stall: bool = False
    """Say nothing until the server ends."""


def apache_size(size: int) -> str:
    """Return a size as Apache prints it: three characters and a unit."""
    number = float(size)
    for unit in " KMG":
        if number < 973:
            return f"{number:.1f}{unit}" if number < 9.95 and unit != " " else f"{number:.0f}{unit}"
        number /= 1024
    raise ValueError(size)


def index_page(folder: Path, path: str) -> bytes:
    """Return the page that Apache makes of a folder (fancy indexing, as a table)."""
    rows = []
    for child in sorted(folder.iterdir()):
        name = urllib.parse.quote(child.name) + "/" * child.is_dir()
        changed = dt.datetime.fromtimestamp(child.stat().st_mtime, dt.UTC)
        size = "  - " if child.is_dir() else apache_size(child.stat().st_size)
        rows.append(
            f'<tr><td valign="top"><img src="/icons/unknown.gif" alt="[   ]"></td><td><a href="{name}">'
            f'{name[:23]}..&gt;</a></td><td align="right">{changed:%Y-%m-%d %H:%M}  </td>'
            f'<td align="right">{size}</td><td>&nbsp;</td></tr>'
        )
    up = path.rstrip("/").rsplit("/", 1)[0] + "/"
    return (
        f'<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<html><head><title>Index of {path}</title>'
        f'</head><body><h1>Index of {path}</h1><table><tr><th><a href="?C=N;O=D">Name</a></th><th>'
        '<a href="?C=M;O=A">Last modified</a></th><th><a href="?C=S;O=A">Size</a></th></tr>'
        f'<tr><td></td><td><a href="{up}">Parent Directory</a></td><td>&nbsp;</td><td align="right">  - </td>'
        f'</tr>{"".join(rows)}</table><a href="https://example.org/privacy">Privacy</a></body></html>'
    ).encode()


def _part_of(wanted: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return the answer to a request for bytes ``bytes=FIRST-LAST``, ``bytes=FIRST-`` or ``bytes=-COUNT``."""
    first, last = wanted.removeprefix("bytes=").split("-")
    start = int(first) if first else max(0, len(body) - int(last))
    stop = min(int(last) + 1, len(body)) if first and last else len(body)
    said = {"Content-Range": f"bytes {start}-{stop - 1}/{len(body)}"}
    return 206, headers | said, body[start:stop]


class NoaaServer:
    """Serves a folder under ``/access/``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: dict[str, list[Fault]] = {}
        """By path or file name; each is used once, in order."""
        self.moved: dict[str, str] = {}
        """Beginnings of paths that are redirected, and where to."""
        self.requests: list[tuple[str, str]] = []
        """Method and path of every request, in order."""
        self.busiest = 0
        """Most files that were being sent at a time."""
        self.linger = 0.0
        """Seconds that a file waits to be asked for together with another one."""
        self._now = 0
        self._lock = threading.Condition()
        self._ending = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.noaa = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/access/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.daemon_threads = True
        self._server.socket.close()  # connections that clients keep open are not waited for

    def asked(self, name: str) -> int:
        """Return how often a file was asked for."""
        return sum(path.endswith(name) for _, path in self.requests)

    def _fault(self, path: str) -> Fault | None:
        with self._lock:
            for key in (path, path.rsplit("/", 1)[-1]):
                if self.faults.get(key):
                    return self.faults[key].pop(0)
        return None

    def _count(self, change: int) -> None:
        with self._lock:
            self._now += change
            self.busiest = max(self.busiest, self._now)
            self._lock.notify_all()
            if change > 0:
                self._lock.wait_for(lambda: self._now > 1, self.linger)


class _Server(http.server.ThreadingHTTPServer):
    noaa: NoaaServer

    def handle_error(self, *where: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that went away is no error here
            super().handle_error(*where)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    @property
    def _noaa(self) -> NoaaServer:
        return cast("_Server", self.server).noaa

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = urllib.parse.unquote(self.path)
        self._noaa.requests.append((self.command, path))
        counted = path.endswith(".nc")
        self._noaa._count(counted)
        try:
            self._answer(path)
        finally:
            self._noaa._count(-counted)

    do_HEAD = do_GET

    def _answer(self, path: str) -> None:
        fault = self._noaa._fault(path)
        if fault is not None and (fault.drop or fault.stall):
            if fault.stall:
                self._noaa._ending.wait()
            self.close_connection = True
            return
        for old, new in self._noaa.moved.items():
            if path.startswith(old):
                self._send(301, {"Location": new + path.removeprefix(old)}, b"")
                return
        status, headers, body = self._content(path)
        if fault is not None:
            status, headers = fault.status, headers | fault.headers
            body = body if fault.body is None else fault.body
        elif status == 200 and (wanted := self.headers["Range"]):
            status, headers, body = _part_of(wanted, headers, body)
        self._send(status, headers, body, fault.missing if fault else 0)

    def _content(self, path: str) -> tuple[int, dict[str, str], bytes]:
        file = self._noaa.root / path.removeprefix("/access/")
        if file.is_dir() and path.endswith("/"):
            return 200, {"Content-Type": "text/html"}, index_page(file, path)
        if file.is_dir():
            return 301, {"Location": urllib.parse.quote(f"{path}/")}, b""
        if not file.is_file():
            return 404, {"Content-Type": "text/html"}, b"<html>404 Not Found</html>"
        state = file.stat()
        return (
            200,
            {
                "ETag": f'"{state.st_size:x}-{state.st_mtime_ns:x}"',
                "Content-Type": "application/x-netcdf",
            },
            file.read_bytes(),
        )

    def _send(self, status: int, headers: dict[str, str], body: bytes, missing: int = 0) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) - missing])
        if missing:
            self.close_connection = True
