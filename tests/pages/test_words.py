"""Numbers with their nouns."""

import pytest

from reprocess.pages.words import counted, noun_of, numbered, to_be


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "event", "0 events"),
        (1, "event", "1 event"),
        (1234567, "", "1,234,567"),
        (27000, "day", "27,000 days"),
    ],
)
def test_numbers_are_readable(number: int, noun: str, text: str) -> None:
    assert counted(number, noun) == text


def test_one_is_no_more_than_one() -> None:
    assert [numbered(n, "block") for n in (0, 1, 2000)] == ["0 blocks", "1 block", "2000 blocks"]
    assert [noun_of(n, "minute") for n in (0.5, 1.0, 10)] == ["minutes", "minute", "minutes"]
    assert [to_be(n) for n in (0, 1, 2)] == ["are", "is", "are"]
    assert [to_be(n, "were") for n in (1, 2)] == ["was", "were"]
