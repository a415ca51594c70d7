"""Sentences say who does what."""

import re
from pathlib import Path

import pytest

from tests.support.places import REPOSITORY

TEXTS = sorted(
    path
    for folder, suffix in (("reprocess", "py"), ("docs", "md"), ("cluster", "md"), (".", "md"))
    for path in (REPOSITORY / folder).glob(f"**/*.{suffix}" if folder != "." else f"*.{suffix}")
)

OPENING = r"(?:^[\s#\"'*|>-]*|[.:;?!] )"
"""Where a sentence begins: a line's first word, or what follows another sentence."""


@pytest.mark.parametrize(
    "text", [' """Of the file."""', "It is so. Of two, one", "# Of each array", "| Of all | it"]
)
def test_an_opening_is_recognised(text: str) -> None:
    assert re.search(rf"{OPENING}Of [a-z`]", text)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_no_sentence_opens_with_of(path: Path) -> None:
    assert re.findall(rf"{OPENING}Of [a-z`].*", path.read_text(), re.MULTILINE) == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_nobody_has_to_look_for_what_that_is(path: Path) -> None:
    assert re.findall(r"(?:that|those) of (?:that|those)\b.*", path.read_text()) == []
