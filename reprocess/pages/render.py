"""Pages that need nothing beside them: templates filled in, images inside, no script at all.

Values come from file names, error messages and model cards and are hostile until escaped: every
value is, in every template. Equal values give equal bytes; nothing here knows the time.
"""

import base64
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


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


def counted(number: int, noun: str = "") -> str:
    """Return a whole number with commas at the thousands, and its noun in the plural where it needs one."""
    text = f"{number:,} {noun}".rstrip()
    return f"{text}s" if noun and number != 1 else text


def digits(number: float, count: int = 3) -> str:
    """Return a number with so many significant digits, zeros at the end included."""
    return f"{number:#.{count}g}".rstrip(".")


def _printable(value: Any) -> Any:
    """Spell out characters that are not valid in HTML or that would reorder the text around them."""
    if not isinstance(value, str) or isinstance(value, Markup):
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
_ENVIRONMENT.filters |= {"counted": counted, "digits": digits}
