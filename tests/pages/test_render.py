"""Pages: what they escape, refuse and promise."""

import base64
import html.parser

import html5lib
import jinja2
import pytest

from reprocess.pages import render as module
from reprocess.pages.render import embed, render

HOSTILE = "</td><script>alert('x')</script> \"quoted\" & <b>"
TEMPLATE = """{% extends "base.html" %}{% import "parts.html" as parts %}
{% block title %}{{ name }}{% endblock %}
{% block body %}<h1>{{ name }}</h1>
{{ parts.figure(src, name, name) }}
{{ parts.facts([(name, name)]) }}
{{ parts.table(["a", "b", "c"], [[name, 1234567, name]], caption=name, text=["c"], total=["all", 3, ""]) }}
{% endblock %}"""


class Tags(html.parser.HTMLParser):
    """Counts what a browser would see as elements."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(autouse=True)
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of its own beside the package's templates."""
    environment = module._ENVIRONMENT.overlay(
        loader=jinja2.ChoiceLoader(
            [jinja2.DictLoader({"probe.html": TEMPLATE}), module._ENVIRONMENT.loader or jinja2.DictLoader({})]
        )
    )
    monkeypatch.setattr(module, "_ENVIRONMENT", environment)


def probe_page(name: str) -> bytes:
    return render("probe.html", name=name, src=embed(b"\x89PNG"))


def test_values_never_become_markup() -> None:
    plain, hostile = Tags(probe_page("plain")), Tags(probe_page(HOSTILE))
    assert hostile.names == plain.names
    assert "script" not in hostile.names
    assert ("alt", HOSTILE) in hostile.attributes
    assert hostile.text.count(HOSTILE) == 8  # title, heading, two captions, two facts, two cells


@pytest.mark.parametrize("name", ["plain", HOSTILE, "nul \x00 escape \x1b[31m surrogate \udc80", "ä 12 \n µ"])
def test_pages_are_valid(name: str) -> None:
    html5lib.HTMLParser(strict=True).parse(probe_page(name))


def test_characters_that_hide_or_reorder_text_are_spelled_out() -> None:
    text = probe_page("a\u202eb\x1bc\u00e9").decode()
    assert "a\\u202eb\\x1bcé" in text
    assert "\u202e" not in text


def test_a_page_loads_nothing_and_runs_nothing() -> None:
    tags = Tags(probe_page("plain"))
    assert "script" not in tags.names
    assert "link" not in tags.names
    assert ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in tags.attributes
    for key, value in tags.attributes:
        assert key != "src" or (value or "").startswith("data:image/png;base64,")


def test_equal_values_give_equal_bytes() -> None:
    assert probe_page("a") == probe_page("a") != probe_page("b")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="'src' is undefined"):
        render("probe.html", name="plain")


def test_images_survive_embedding() -> None:
    data = bytes(range(256))
    head, _, body = embed(data).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(body) == data
