"""What a listing says of a file, and what came of reading one, wherever it lies."""

from dataclasses import dataclass

TRIES = 5
"""Requests for one file before it is put off; with `web.BACKOFF_S` they span about 15 s."""


@dataclass(frozen=True)
class Entry:
    """A file or folder in a listing."""

    name: str
    """As the file is called."""
    path: str
    """What the source lists or describes it by."""
    url: str
    """What it is read from."""
    folder: bool
    size: int | None
    """Bytes; rounded where the listing rounds; None if it does not tell."""
    version: str
    """Modification time or etag; empty if the listing does not tell."""
    real: str = ""
    """Path without any link on the way; empty where there are none."""
    link: bool = False
    """Whether it is itself a link; of a file, whether there is one on the way to it too."""
    trouble: str = ""
    """Why it cannot be read or opened, one of `schema.LEFT_OUT`; empty if it can."""


@dataclass(frozen=True)
class Answer:
    """What a server sent."""

    url: str
    """Where it came from after redirection."""
    body: bytes
    facts: dict[str, str | int]
    """``bytes``, and ``etag`` and ``last_modified`` if the server tells them."""
