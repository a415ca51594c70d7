"""Options from a file: what a user would otherwise give each time.

A command line goes before an environment variable, that before the file, and the file before the default.
click keeps this order by itself once it has the file's values as its ``default_map``.
"""

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import click

PREFIX = "REPROCESS"
"""Environment variables are this, the command and the option: ``REPROCESS_RUN_WORKERS=4``."""


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
    known = {
        spelled.lstrip("-").replace("-", "_"): parameter
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.is_eager and not parameter.hidden
        for spelled in (*parameter.opts, *parameter.secondary_opts)
        if spelled.startswith("--")
    }
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
