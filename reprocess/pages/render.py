"""Pages that need nothing beside them: templates filled in, images inside, no script but the explorer's.

Values come from file names, error messages and model cards and are hostile until escaped: every
value is, in every template. Equal values give equal bytes; nothing here knows the time.
"""

import base64
import hashlib
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reprocess.pages.words import counted, noun_of


class Script(NamedTuple):
    """A script for a page."""

    text: Markup
    sha256: str
    """In base64, as a policy has it."""


def embed(png: bytes) -> str:
    """Return a PNG image as a data URI, for the `src` of an image."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def render(template: str, **values: Any) -> bytes:
    """Fill in a template of this package.

    Parameters
    ----------
    template : str
        Name of a file in ``reprocess/pages/templates``; pages extend ``base.html`` and draw figures and
        tables with the macros of ``parts.html``.
    **values
        What its expressions name. A name that is missing is an error, not an empty string.

    Returns
    -------
    bytes
        UTF-8.

    Raises
    ------
    jinja2.UndefinedError
        If the template names a value that is not given.
    """
    return _ENVIRONMENT.get_template(template).render(**values).encode()


def script(name: str) -> Script:
    """Return a script that lies beside the templates.

    Returns
    -------
    Script
        Its text and what a page's policy calls it by: a page that runs scripts runs this one alone.
    """
    text = files("reprocess.pages").joinpath("templates", name).read_text(encoding="utf-8")
    return Script(Markup(text), base64.b64encode(hashlib.sha256(text.encode()).digest()).decode())  # noqa: S704


def digits(number: float, count: int = 3) -> str:
    """Return a number with so many significant digits, zeros at the end included."""
    return f"{number:#.{count}g}".rstrip(".")


def _printable(value: Any) -> Any:
    """Spell out characters that are not valid in HTML or that would reorder the text around them."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(c if c.isprintable() or c in "\n\N{NO-BREAK SPACE}" else ascii(c)[1:-1] for c in value)


_ENVIRONMENT = Environment(
    loader=PackageLoader("reprocess.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_printable,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters |= {"counted": counted, "digits": digits, "noun_of": noun_of}
