"""One name of an option means one thing, whatever the command; former names still work."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from reprocess import schema
from reprocess.cli import main
from reprocess.cli.options import former, satellites_option


def commands(
    command: click.Command = main, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Every command with its words."""
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from commands(one, (*path, name))
    else:
        yield " ".join(path), command


def shown(command: click.Command) -> list[click.Option]:
    return [p for p in command.params if isinstance(p, click.Option) and not p.hidden]


def test_an_option_is_the_same_kind_of_thing_in_every_command() -> None:
    kinds: dict[str, dict[Any, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path, command in commands():
        for option in shown(command):
            for word in (*option.opts, *option.secondary_opts):
                kind = (type(option.type).__name__, option.is_flag, option.multiple)
                kinds[word][kind].append(path)
    assert {word: dict(found) for word, found in kinds.items() if len(found) > 1} == {}
    assert len(kinds) > 40


def test_every_option_is_explained() -> None:
    bare = [f"{path} {o.opts[0]}" for path, command in commands() for o in shown(command) if not o.help]
    assert bare == []


@click.command()
@satellites_option("--satellite")
@click.option("--shares", "shares", type=click.IntRange(2))
@former("--satellites", "--satellite", name="satellites", type=click.STRING)
@former("--partition", "--shares", name="shares", type=click.IntRange(2))
def probe(satellites: object, shares: int | None) -> None:
    """Tell what is given."""
    click.echo(f"{satellites} {shares}")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "() None\n"),
        (["--satellite", "noaa18"], "('noaa18',) None\n"),
        (["--satellite", "noaa18,metop01", "--satellite", "noaa18"], "('noaa18', 'metop01') None\n"),
        (["--partition", "5"], "--partition is called --shares now\n() 5\n"),
        (["--shares", "4"], "() 4\n"),
    ],
)
def test_former_names_work_with_a_notice(words: list[str], told: str) -> None:
    assert CliRunner().invoke(probe, words, catch_exceptions=False).output == told


@pytest.mark.parametrize("words", [["--satellite", "noaa18,sputnik"], ["--partition", "1"]])
def test_former_names_refuse_what_the_new_ones_do(words: list[str]) -> None:
    assert CliRunner().invoke(probe, words).exit_code == 2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("train", ("--units", "--dense", "--out", "--describe")),
        ("simulate", ("--satellites",)),
        ("cluster script", ("--partition",)),
        ("cluster submit", ("--partition",)),
    ],
)
def test_former_names_are_hidden(command: str, words: tuple[str, ...]) -> None:
    found = dict(commands())[command]
    hidden = {word for p in found.params if isinstance(p, click.Option) and p.hidden for word in p.opts}
    assert hidden == set(words)


def test_training_with_former_names(tmp_path: Path) -> None:
    words = ["train", str(tmp_path), "--events", __file__, "--dense", "4", "--units", "4"]
    output = CliRunner().invoke(main, words).output
    assert "--units is called --lstm-units now\n--dense is called --dense-units now\n" in output
    assert "Missing option '-o' / '--output'." in output


def test_satellites_are_all_there_are() -> None:
    words = ",".join(schema.SATELLITES)
    told = CliRunner().invoke(probe, ["--satellite", words], catch_exceptions=False).output
    assert told == f"{tuple(schema.SATELLITES)} None\n"
