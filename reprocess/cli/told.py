"""What a command tells besides its result: kept quiet, or written to a file as well."""

import datetime as dt
import re
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import click

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What moves the cursor or colours; a line with it is one that is drawn over."""


class Told:
    """Standard error, as the command and the libraries in its process write to it.

    Only for as long as it is entered does it stand in the place of `sys.stderr`.
    """

    def __init__(self) -> None:
        self.quiet = False
        """Whether nothing is shown; errors at the end of the command are shown all the same."""
        self._stream: Any = sys.stderr
        self._log: IO[str] | None = None
        self._line = ""

    def __enter__(self) -> Self:
        sys.stderr = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stderr = self._stream
        if self._log is not None:
            code = error.code if isinstance(error, SystemExit) else 0 if error is None else 1
            self.note(f"ended with exit code {code or 0}")
            self._log.close()

    def write(self, text: str) -> int:
        """Show text unless it is quiet, and keep whole lines of it."""
        if self._log is not None:
            *lines, self._line = (self._line + text).split("\n")
            for line in lines:
                if line.strip() and not _CONTROL.search(line):
                    self.note(line.rpartition("\r")[2])
        return len(text) if self.quiet else int(self._stream.write(text))

    def loud(self) -> None:
        """Show what is told from now on."""
        self.quiet = False

    def flush(self) -> None:
        """Flush."""
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def note(self, line: str) -> None:
        """Write a line to the file, with the time."""
        if self._log is not None:
            self._log.write(f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ} {line}\n")
            self._log.flush()

    def keep(self, file: Path, words: list[str]) -> None:
        """Write what is told from now on to the end of a file.

        Parameters
        ----------
        file : Path
        words : list of str
            What the log begins with: the command as it was given.

        Raises
        ------
        click.BadParameter
            If it cannot be written.
        """
        try:
            self._log = file.open("a", encoding="utf-8", errors="backslashreplace")
        except OSError as e:
            raise click.BadParameter(f"{file} cannot be written: {e.strerror}; name another file") from e
        self.note(" ".join(words))
