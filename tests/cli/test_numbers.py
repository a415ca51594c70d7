"""Numbers and ranges on the command line: each is what was meant, or is refused with its value."""

import os
from decimal import Decimal
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st

from reprocess.cli import main
from reprocess.cli.numbers import Bytes, Edges, Number, Partition, cores


def refusal(arguments: list[str]) -> str:
    """Return the one line that refuses a command."""
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 2, result.output
    (line,) = (line for line in result.output.splitlines() if line.startswith("Error: "))
    return line


@given(st.integers(10, 150), st.integers(1, 40), st.integers(1, 30))
def test_a_range_whose_steps_lead_to_its_stop_ends_there(start: int, step: int, count: int) -> None:
    tenths = [start + k * step for k in range(count + 1)]
    text = ":".join(str(Decimal(n) / 10) for n in (tenths[0], tenths[-1], step))
    np.testing.assert_array_equal(Edges().convert(text, None, None), np.array(tenths) / 10)


@given(st.integers(0, 150), st.integers(1, 150), st.integers(1, 200))
def test_the_nearest_range_that_is_offered_is_taken_and_none_is_nearer(
    start: int, length: int, step: int
) -> None:
    assume(length % step)
    text = f"{start}:{start + length}:{step}"
    with pytest.raises(click.BadParameter, match="does not end at its stop") as refused:
        Edges().convert(text, None, None)
    offered = Edges().convert(refused.value.message.rpartition(" ")[2], None, None)
    assert offered[0] == start
    assert set(np.diff(offered)) == {step}
    assert 2 * abs(offered[-1] - start - length) <= step or offered.size == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2:8:4", "lead to 6 and then 10, not to 8; the nearest range is 2:6:4"),
        ("2:3:4", "lead to 6, not to 3; the nearest range is 2:6:4"),
        ("2.5:8.5:0.7", "lead to 8.1 and then 8.8, not to 8.5"),
        ("0:inf:1", "'inf' in '0:inf:1' cannot be an edge"),
        ("-inf:8:1", "'-inf' in"),
        ("2:8:nan", "'nan' in '2:8:nan' cannot be"),
        ("1,nan,3", "'nan' in"),
        ("2:8:1e-300", "'1e-300' in"),
        ("0:24:1e-5", "makes 2400000 bins; 1000 are the most"),
        ("1:1e9:1", "'1e9' in"),
        ("2:8:0", "the step of '2:8:0' is 0; it must be more than 0"),
        ("2:8:-1", "is -1; it must be more than 0"),
        ("8:2:1", "goes from 8 to 2; the stop must be more than the start"),
        ("3:3:1", "goes from 3 to 3"),
        ("3,2,1", "2 comes after 3 in '3,2,1'; edges must increase"),
        ("1,2,2,3", "2 comes after 2"),
        ("5", "'5' is one edge; bins need two"),
        (",".join(map(str, range(2000))), "2000 edges are given"),
        ("", "'' is neither start:stop:step nor a list of numbers"),
        (",", "',' is neither"),
        ("1,,3", "neither"),
        ("1:2", "neither"),
        ("1:2:3:4", "neither"),
        (":", "neither"),
        ("a,b", "neither"),
    ],
)
def test_edges_that_cannot_be_meant_are_refused(text: str, words: str, tmp_path: Path) -> None:
    for option in ("--l-edges", "--mlt-edges"):
        line = refusal(["map", str(tmp_path), f"{option}={text}"])
        assert words in line
        assert option in line


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400", "-1", "word", ""])
@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("map", "{folder}"), "--min-dwell"),
        (("simulate", "{folder}/a", "--start", "2019-01-01"), "--events-per-day"),
        (("train", "{folder}", "--events", __file__, "--output", "m"), "--learning-rate"),
        (("train", "{folder}", "--events", __file__, "--output", "m"), "--decay"),
        (("train", "{folder}", "--events", __file__, "--output", "m"), "--dropout"),
        (("plan", "{folder}"), "--memory"),
        (("plan", "{folder}"), "--workers"),
        (("run", "{folder}", "{folder}/w"), "--connections"),
        (("run", "{folder}", "{folder}/w"), "--partition"),
        (("audit", "{folder}"), "--workers"),
        (("simulate", "{folder}/a", "--start", "2019-01-01"), "--days"),
        (("simulate", "{folder}/a", "--start", "2019-01-01"), "--seed"),
        (("train", "{folder}", "--events", __file__, "--output", "m"), "--epochs"),
    ],
)
def test_no_command_takes_what_is_no_number(
    command: tuple[str, ...], option: str, value: str, tmp_path: Path
) -> None:
    words = [word.format(folder=tmp_path) for word in command]
    line = refusal([*words, f"{option}={value}"])
    assert f"'{option}'" in line
    assert value.lstrip("-") in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("plan", "{folder}"), "--workers"),
        (("audit", "{folder}"), "--workers"),
        (("run", "{folder}", "{folder}/w"), "--connections"),
        (("simulate", "{folder}/a", "--start", "2019-01-01"), "--workers"),
        (("simulate", "{folder}/a", "--start", "2019-01-01"), "--days"),
        (("simulate", "{folder}/a", "--start", "2019-01-01"), "--events-per-day"),
        (("map", "{folder}"), "--min-dwell"),
        (("train", "{folder}", "--events", __file__, "--output", "m"), "--lstm-units"),
        (("train", "{folder}", "--events", __file__, "--output", "m"), "--batch"),
        (("train", "{folder}", "--events", __file__, "--output", "m"), "--epochs"),
        (("train", "{folder}", "--events", __file__, "--output", "m"), "--learning-rate"),
    ],
)
def test_no_command_takes_a_number_that_no_machine_can_do(
    command: tuple[str, ...], option: str, tmp_path: Path
) -> None:
    words = [word.format(folder=tmp_path) for word in command]
    assert "not in the range" in refusal([*words, option, "1000000000000"])


def test_memory_of_nothing_is_refused() -> None:
    for text in ("0", "0GB", "0.0", "9" * 400, "\uff11GB"):
        with pytest.raises(click.BadParameter, match="such as 2GB or 800MiB"):
            Bytes().convert(text, None, None)


def test_a_share_is_two_plain_numbers() -> None:
    assert Partition().convert("2/3", None, None) == (2, 3)
    for text in ("9" * 5000 + "/1", "1/" + "9" * 5000, "\uff11/\uff12", "1/2/3"):
        with pytest.raises(click.BadParameter, match="is not K/N with K from 1 to N"):
            Partition().convert(text, None, None)


def test_a_number_may_have_an_exponent() -> None:
    assert Number(0, 1e9).convert("1e-3", None, None) == 0.001


def test_a_simulation_beyond_the_calendar_is_refused(tmp_path: Path) -> None:
    for start in ("9999-12-31", "2029-12-31", "1900-01-01"):
        line = refusal(["simulate", str(tmp_path / "a"), "--start", start, "--days", "2"])
        assert f"2 days from {start} must be within it" in line


def test_there_is_a_worker_per_core_where_the_system_does_not_tell_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr("os.sched_getaffinity")
    assert cores() == os.cpu_count()
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert cores() == 1


@pytest.mark.parametrize("text", ["2019-13-01", "24.10.2019", "2019-10"])
def test_what_is_no_day_is_refused(text: str) -> None:
    said = refusal(["plan", ".", "--start", text])
    assert said == f"Error: Invalid value for '--start': {text!r} is no day; give YYYY-MM-DD"
    assert "--start YYYY-MM-DD " in CliRunner().invoke(main, ["plan", "--help"]).output


@pytest.mark.parametrize("command", ["event", "pass"])
def test_what_is_no_time_is_refused_and_help_says_how_to_write_one(command: str) -> None:
    said = refusal(["plot", command, ".", "--time", "noon", "-o", "x.png"])
    assert said == ("Error: Invalid value for '--time': 'noon' is no time; give YYYY-MM-DDTHH:MM[:SS]")
    told = CliRunner().invoke(main, ["plot", command, "--help"]).output
    assert "--time YYYY-MM-DDTHH:MM[:SS]" in told
    assert "%" not in told
