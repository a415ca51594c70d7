"""Files over http: what is asked again, what is not, and what a failure is called."""

import datetime as dt
import socket
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests

from reprocess import schema
from reprocess.errors import SourceError
from reprocess.sources import web
from reprocess.sources.entry import TRIES
from reprocess.sources.web import get, get_file, parse_index, patiently
from tests.support.web import Fault, NoaaServer

CONTENT = b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 4000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NoaaServer]:
    (tmp_path / "a.nc").write_bytes(CONTENT)
    with NoaaServer(tmp_path) as running:
        yield running


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses asked for; none is made."""
    made: list[float] = []
    monkeypatch.setattr("time.sleep", made.append)
    return made


def failure(server: NoaaServer, *faults: Fault) -> SourceError:
    server.faults["a.nc"] = list(faults) or [Fault()]
    with pytest.raises(SourceError) as error:
        get_file(server.url + "a.nc")
    assert server.url + "a.nc" in error.value.detail
    assert "0x" not in error.value.detail  # an address of an object would make each ledger another
    return error.value


def test_file_comes_whole_with_what_the_server_tells_of_it(server: NoaaServer, tmp_path: Path) -> None:
    answer = get_file(server.url + "a.nc")
    assert answer.body == CONTENT
    state = (tmp_path / "a.nc").stat()
    assert answer.facts == {"bytes": len(CONTENT), "etag": f'"{state.st_size:x}-{state.st_mtime_ns:x}"'}


def test_last_modified_is_told_too(server: NoaaServer) -> None:
    server.faults["a.nc"] = [Fault(headers={"Last-Modified": "Thu, 24 Oct 2019 10:00:00 GMT"})]
    assert get(server.url + "a.nc").facts["last_modified"] == "Thu, 24 Oct 2019 10:00:00 GMT"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=404), "not_found"),
        (Fault(status=410), "not_found"),
        (Fault(status=401), "refused"),
        (Fault(status=403), "refused"),
        (Fault(status=400), "refused"),
    ],
)
def test_definite_answer_is_not_asked_for_again(
    server: NoaaServer, pauses: list[float], fault: Fault, reason: str
) -> None:
    error = failure(server, fault)
    assert error.reason == reason
    assert f"HTTP {fault.status}" in error.detail
    assert server.asked("a.nc") == 1
    assert pauses == []


TROUBLES = {
    "server_error": Fault(status=500),
    "bad_gateway": Fault(status=502),
    "busy": Fault(status=429),
    "timeout": Fault(status=408),
    "short_body": Fault(missing=10_000),
    "connection": Fault(drop=True),
    "not_the_file": Fault(status=202, body=b""),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_passing_trouble_is_waited_out(server: NoaaServer, pauses: list[float], trouble: str) -> None:
    server.faults["a.nc"] = [TROUBLES[trouble]] * (TRIES - 1)
    assert get_file(server.url + "a.nc").body == CONTENT
    assert server.asked("a.nc") == TRIES
    assert len(pauses) == TRIES - 1


@pytest.mark.parametrize("trouble", TROUBLES)
def test_lasting_trouble_is_called_by_its_kind(server: NoaaServer, pauses: list[float], trouble: str) -> None:
    error = failure(server, *[TROUBLES[trouble]] * TRIES)
    assert error.reason == {"bad_gateway": "server_error"}.get(trouble, trouble)
    assert server.asked("a.nc") == TRIES
    for number, pause in enumerate(pauses):
        assert web.BACKOFF_S * 2**number / 2 <= pause <= web.BACKOFF_S * 2**number * 1.5


@pytest.mark.parametrize("status", [202, 204, 205, 207, 300, 304])
def test_what_comes_with_another_status_than_that_of_a_file_is_none(
    server: NoaaServer, pauses: list[float], status: int
) -> None:
    error = failure(server, *[Fault(status=status, body=b"")] * TRIES)
    assert error.reason == "not_the_file"
    assert f"HTTP {status} " in error.detail


NOT_THE_FILE = {
    "page": Fault(body=b" \n<!DOCTYPE html><title>Sorry</title>", headers={"Content-Type": "text/html"}),
    "nothing": Fault(body=b""),
    "gateway": Fault(body=b'{"error": "slow down"}'),
    "zeros": Fault(body=bytes(1000)),
    "half": Fault(body=b"\x89HDF\r\n\x1a\n\x00\x00\x00\x00\x00\x08" + bytes(26) + b"\xff" * 100),
}


@pytest.mark.parametrize("kind", NOT_THE_FILE)
def test_what_is_not_the_file_is_asked_for_again(server: NoaaServer, pauses: list[float], kind: str) -> None:
    server.faults["a.nc"] = [NOT_THE_FILE[kind]]
    assert get_file(server.url + "a.nc").body == CONTENT
    assert (server.asked("a.nc"), len(pauses)) == (2, 1)


@pytest.mark.parametrize("kind", NOT_THE_FILE)
def test_the_same_bytes_twice_are_not_asked_for_a_third_time(
    server: NoaaServer, pauses: list[float], kind: str
) -> None:
    server.faults["a.nc"] = [NOT_THE_FILE[kind]] * TRIES
    assert get_file(server.url + "a.nc").body == NOT_THE_FILE[kind].body
    assert server.asked("a.nc") == 2


def test_other_bytes_each_time_are_asked_for_as_often_as_any_trouble(
    server: NoaaServer, pauses: list[float]
) -> None:
    server.faults["a.nc"] = [Fault(body=b"<html>%d</html>" % n) for n in range(TRIES)]
    assert get_file(server.url + "a.nc").body == b"<html>%d</html>" % (TRIES - 1)
    assert server.asked("a.nc") == TRIES


def test_single_try_makes_no_pause(server: NoaaServer, pauses: list[float]) -> None:
    server.faults["a.nc"] = [Fault(status=500)]
    with pytest.raises(SourceError, match="server_error"):
        get_file(server.url + "a.nc", tries=1)
    assert server.asked("a.nc") == 1
    assert pauses == []


@pytest.mark.parametrize("status", [429, 503])
def test_servers_own_pause_takes_the_place_of_ours(
    server: NoaaServer, pauses: list[float], status: int
) -> None:
    server.faults["a.nc"] = [Fault(status=status, headers={"Retry-After": s}) for s in ("0", "7", "120")]
    assert get_file(server.url + "a.nc").body == CONTENT
    assert pauses == [0, 7, 120]


def test_pause_may_be_given_as_a_date(server: NoaaServer, pauses: list[float]) -> None:
    past = format_datetime(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), usegmt=True)
    soon = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90), usegmt=True)
    server.faults["a.nc"] = [Fault(status=503, headers={"Retry-After": s}) for s in (past, soon, "nonsense")]
    assert get_file(server.url + "a.nc").body == CONTENT
    assert pauses[0] == 0
    assert 0 < pauses[1] <= 90
    assert 2 <= pauses[2] <= 6  # the third of our own


def test_server_that_wants_a_long_pause_is_left_alone(server: NoaaServer, pauses: list[float]) -> None:
    assert failure(server, Fault(status=503, headers={"Retry-After": "3600"})).reason == "busy"
    assert server.asked("a.nc") == 1
    assert pauses == []


def test_server_that_says_nothing_is_a_timeout(
    server: NoaaServer, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "TIMEOUT_S", (5.0, 0.2))
    assert failure(server, *[Fault(stall=True)] * TRIES).reason == "timeout"


def test_body_that_stops_on_its_way_is_a_timeout(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "TIMEOUT_S", (5.0, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.nc"
        listener.settimeout(5)
        with pytest.raises(SourceError) as error:
            patiently(lambda: _half_an_answer(listener, url), 1)
    assert error.value.reason == "timeout"


def _half_an_answer(listener: socket.socket, url: str) -> None:
    """Let a thread answer with the beginning of a body and keep the connection open."""
    import threading

    done = threading.Event()

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n\x89HDF")
            done.wait(10)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        web._get(url)
    finally:
        done.set()
        thread.join()


def test_file_that_takes_forever_is_a_timeout(
    server: NoaaServer, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "FILE_TIMEOUT_S", -1.0)
    error = failure(server)
    assert error.reason == "timeout"
    assert "not whole after" in error.detail


def test_file_far_too_large_is_not_taken_in(
    server: NoaaServer, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MAX_SOURCE_BYTES", len(CONTENT) - 1)
    assert failure(server).reason == "too_large"
    assert server.asked("a.nc") == 1


def test_no_server_is_a_connection_failure(pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.nc"
    with pytest.raises(SourceError, match="Connection refused") as error:
        get(url)
    assert error.value.reason == "connection"
    assert len(pauses) == TRIES - 1


def test_page_where_a_page_is_expected_is_no_error(server: NoaaServer) -> None:
    assert get(server.url).body.startswith(b"<!DOCTYPE HTML")


def test_no_try_is_no_answer() -> None:
    with pytest.raises(ValueError, match="0 tries"):
        patiently(lambda: None, 0)


# --- index pages

PAGES = {
    "apache table": (
        "<html><head><title>Index of /x</title></head><body><table>"
        '<tr><td><a href="/">Parent Directory</a></td><td>&nbsp;</td><td align="right">  - </td></tr>'
        '<tr><td><a href="2019/">2019/</a></td><td align="right">2020-01-02 03:04  </td>'
        '<td align="right">  - </td></tr>'
        '<tr><td><a href="a.nc">a.nc</a></td><td align="right">2019-10-25 03:12  </td>'
        '<td align="right">7.9M</td><td>&nbsp;</td></tr></table></body></html>'
    ),
    "apache text": (
        '<html><head><title>Index of /x</title></head><body><pre><img src="/i.gif" alt="Icon "> '
        '<a href="?C=N;O=D">Name</a>  <a href="?C=M;O=A">Last modified</a>  <hr>'
        '<img src="/b.gif" alt="[DIR]"> <a href="/">Parent Directory</a>          -   \n'
        '<img src="/f.gif" alt="[DIR]"> <a href="2019/">2019/</a>          2020-01-02 03:04    -   \n'
        '<img src="/u.gif" alt="[   ]"> <a href="a.nc">a.nc</a>           2019-10-25 03:12  7.9M  \n'
        "<hr></pre></body></html>"
    ),
    "nginx": (
        "<html><head><title>Index of /x/</title></head><body><h1>Index of /x/</h1><hr><pre>"
        '<a href="../">../</a>\n<a href="2019/">2019/</a>        02-Jan-2020 03:04          -\n'
        '<a href="a.nc">a.nc</a>         25-Oct-2019 03:12         8283751\n</pre><hr></body></html>'
    ),
    "names only": (
        "<html><head><title>Directory listing for /x/</title></head><body><ul>"
        '<li><a href="2019/">2019/</a></li><li><a href="a.nc">a.nc</a></li></ul></body></html>'
    ),
}
TOLD = {
    "apache table": (8283750, "2019-10-25 03:12"),
    "apache text": (8283750, "2019-10-25 03:12"),
    "nginx": (8283751, "25-Oct-2019 03:12"),
    "names only": (None, ""),
}


@pytest.mark.parametrize("kind", PAGES)
def test_index_page_gives_names_sizes_and_dates(kind: str) -> None:
    entries, _ = parse_index(PAGES[kind], "https://h/x/")
    assert [(e.name, e.url, e.folder) for e in entries] == [
        ("2019", "https://h/x/2019/", True),
        ("a.nc", "https://h/x/a.nc", False),
    ]
    assert entries[0].size is None
    assert (entries[1].size, entries[1].version) == TOLD[kind]


@pytest.mark.parametrize(
    ("text", "size"),
    [("5", 5), ("972 ", 972), ("1.0K", 1024), ("12M", 12 * 2**20), ("1.5G", 3 * 2**29), ("-", None)],
)
def test_sizes_are_read_in_their_units(text: str, size: int | None) -> None:
    (entry,), _ = parse_index(f"<pre><a href=a.nc>a.nc</a> 2019-10-25 03:12  {text}  \n</pre>", "https://h/")
    assert entry.size == size


@pytest.mark.parametrize(
    "href", ["../", "/", "?C=N;O=D", "#top", "https://other/x/a.nc", "b/c.nc", "mailto:a@b.c", "", "."]
)
def test_links_out_of_the_folder_are_left_out(href: str) -> None:
    assert parse_index(f'<a href="{href}">x</a>', "https://h/x/")[0] == []


def test_links_may_be_absolute_and_quoted() -> None:
    text = '<a href="/x/a%20b.nc">a b.nc</a><a href="https://h/x/c.nc">c</a><a name="top">t</a>'
    entries, _ = parse_index(text, "https://h/x/")
    assert [(e.name, e.url) for e in entries] == [
        ("a b.nc", "https://h/x/a%20b.nc"),
        ("c.nc", "https://h/x/c.nc"),
    ]


def test_proxy_that_does_not_answer_is_told_as_such(
    server: NoaaServer, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    assert failure(server).reason == "proxy"
    assert pauses == []


def test_proxy_that_wants_a_password_is_told_as_such(server: NoaaServer, pauses: list[float]) -> None:
    assert failure(server, Fault(status=407)).reason == "proxy"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_used_are_told_as_such(
    server: NoaaServer,
    pauses: list[float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str | None,
) -> None:
    if content is not None:
        (tmp_path / "site.pem").write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "site.pem"))
    with pytest.raises(SourceError) as error:
        get(server.url.replace("http:", "https:"))
    assert error.value.reason == "certificate"


@pytest.mark.parametrize("url", ["http://", "http://a b/", "http://[::1/"])
def test_address_that_is_none_is_unreadable(pauses: list[float], url: str) -> None:
    with pytest.raises(SourceError) as error:
        get(url)
    assert error.value.reason == "unreadable"
    assert pauses == []


@pytest.mark.parametrize(
    ("told", "whole"),
    [
        ("bytes 0-99/100", True),
        ("bytes 0-49/100", False),
        ("bytes 50-99/100", False),
        ("bytes 0-49/*", False),
    ],
)
def test_part_of_a_file_that_nobody_asked_for_is_not_the_file(
    server: NoaaServer, pauses: list[float], told: str, whole: bool
) -> None:
    server.faults["a.nc"] = [Fault(status=206, headers={"Content-Range": told})] * TRIES
    if whole:
        assert get_file(server.url + "a.nc").body == CONTENT
    else:
        with pytest.raises(SourceError, match=r"HTTP 206 with .*, which nobody asked for") as caught:
            get_file(server.url + "a.nc")
        assert caught.value.reason == "short_body"


def test_redirection_to_what_is_no_web_address_is_not_followed(
    server: NoaaServer, pauses: list[float]
) -> None:
    server.faults["a.nc"] = [Fault(status=302, headers={"Location": "file:///etc/hostname"})] * TRIES
    with pytest.raises(SourceError, match="file:///etc/hostname") as caught:
        get_file(server.url + "a.nc")
    assert caught.value.reason == "connection"


@pytest.mark.parametrize("pause", ["\u00b2", "Mon, 01 Jan 0001 00:00:00 -0000", "-5", "1e3", "soon", ""])
def test_pause_that_is_none_is_ours(server: NoaaServer, pauses: list[float], pause: str) -> None:
    server.faults["a.nc"] = [Fault(status=503, headers={"Retry-After": pause})]
    assert get_file(server.url + "a.nc").body == CONTENT
    assert len(pauses) == 1


@pytest.mark.parametrize("length", ["-5", "12, 12", "many", ""])
def test_length_that_is_none_is_not_known(server: NoaaServer, length: str) -> None:
    response = requests.Response()
    response.headers["Content-Length"] = length
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(web, "_request", lambda *_: (response, b""))
        assert web._head(server.url + "a.nc") == (0, "")
