"""Options from a file and from the environment: what a user would otherwise give each time.

A command line goes before an environment variable, that before the file, and the file before the default.
click keeps this order by itself once it has the file's values as its ``default_map``.
"""

import datetime as dt
import difflib
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

PREFIX = "REPROCESS"
"""Environment variables are this, the command and the option: ``REPROCESS_RUN_WORKERS=4``."""

NO_OPTIONS = {"REPROCESS_MODELS", "REPROCESS_REQUIRE_SHARED"}
"""Variables that are read and are no options: where models lie; of the tests."""


def name_variables(command: click.Command, prefix: str = PREFIX) -> None:
    """Give every option of a command, and of its commands, the variable of the environment that sets it.

    Variables are called as users know options, by what follows the two dashes.
    """
    for option, spelled in _spelled(command):
        own = f"{prefix}_{spelled[0].upper()}"
        option.envvar = [str(option.envvar), own] if option.envvar else own
    for name, one in getattr(command, "commands", {}).items():
        name_variables(one, f"{prefix}_{name.upper().replace('-', '_')}")


def refuse_unknown(environment: Iterable[str], command: click.Command) -> None:
    """Refuse variables that begin like an option's and are none: they would be ignored without a word.

    Raises
    ------
    click.UsageError
        With the variable that it may have been meant for.
    """
    known = {*NO_OPTIONS, *_variables(command)}
    for name in environment:
        if name.startswith(f"{PREFIX}_") and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            meant = f"rename it to {near[0]}, if you mean that, or leave it out" if near else "leave it out"
            raise click.UsageError(
                f"the environment has {name}, which is no option of any command; {meant}: unset {name}"
            )


def _variables(command: click.Command) -> Iterator[str]:
    for option, _ in _spelled(command):
        yield from [option.envvar] if isinstance(option.envvar, str) else option.envvar or ()
    for one in getattr(command, "commands", {}).values():
        yield from _variables(one)


def _spelled(command: click.Command) -> Iterator[tuple[click.Option, list[str]]]:
    """Yield a command's options with what follows their dashes, the way that switches them on first."""
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            words = [w for w in (*option.opts, *option.secondary_opts) if w.startswith("--")]
            if words and option.name not in {"help", "version"}:
                yield option, [w.lstrip("-").replace("-", "_") for w in words]


def read_settings(file: Path, group: click.Group) -> dict[str, Any]:
    """Return a file's options, as click's ``default_map``.

    Parameters
    ----------
    file : Path
        TOML: a table for each command, ``[run]`` or ``[model.fetch]``, with options as keys, with or without
        dashes; what concerns all commands at the top.
    group : click.Group
        The command whose options they are.

    Raises
    ------
    click.BadParameter
        If it cannot be read, or names what is no command or option.
    """
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as e:
        raise click.BadParameter(f"{file} cannot be read: {e.strerror}") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise click.BadParameter(f"{file} is not TOML: {e}") from e
    return _options(found, group, str(file))


def _options(table: dict[str, Any], command: click.Command, where: str) -> dict[str, Any]:
    known = {word: o for o, words in _spelled(command) for word in words if not o.is_eager}
    commands = command.commands if isinstance(command, click.Group) else {}
    made: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if key in commands and isinstance(value, dict):
            made[key] = _options(value, commands[key], f"{where} [{key}]")
        elif name in known and not isinstance(value, dict):
            made[str(known[name].name)] = _value(value, known[name], f"{where}: {key}")
        else:
            names = ", ".join([*(f"[{c}]" for c in commands), *(n.replace("_", "-") for n in known)])
            raise click.BadParameter(f"{where}: there is no {key!r}; there are {names}")
    return made


def _value(value: Any, option: click.Option, where: str) -> Any:
    """Return a value as a user would write it on the command line."""
    if option.is_flag:
        if not isinstance(value, bool):
            raise click.BadParameter(f"{where} is true or false, not {value!r}")
        return value if option.flag_value is not False else not value
    if option.multiple:
        return [_word(one, where) for one in (value if isinstance(value, list) else [value])]
    return _word(value, where)


def _word(value: Any, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | dt.date):
        raise click.BadParameter(f"{where} takes one text or number, not {value!r}")
    return str(value)
