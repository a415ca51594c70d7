"""An index from files or URLs, in whatever format they are."""

from collections.abc import Mapping, Sequence

from reprocess.errors import IndexFileError
from reprocess.files import sha256
from reprocess.indices.formats import FORMATS
from reprocess.indices.series import Index, Samples, join
from reprocess.indices.tables import read_csv
from reprocess.sources.remote import read_bytes

UNITS = dict.fromkeys(
    (
        "dst",
        "ae",
        "al",
        "au",
        "ao",
        "sml",
        "smu",
        "sme",
        "smr",
        "sym_d",
        "sym_h",
        "asy_d",
        "asy_h",
        "ap",
        "ap30",
        "ap60",
        "ap_daily",
    ),
    "nT",
) | {"f107": "1e-22 W m-2 Hz-1"}
"""Units of indices that have one; ap is in units of 2 nT by its definition."""

OPTIONS = ("time", "value", "at", "fill")
"""What can be said of a plain table."""


def read_index(urls: Sequence[str], name: str, options: Mapping[str, str] | None = None) -> Index:
    """Read one index.

    Parameters
    ----------
    urls : sequence of str
        Files or URLs, one at least; what several have is joined.
    name : str
        Index, in small or large letters.
    options : mapping of str to str, optional
        What a plain table does not tell: `tables.read_csv`.

    Returns
    -------
    Index

    Raises
    ------
    IndexFileError
        If a file has no such index, is truncated, not in order, or not readable as anything known.
    SourceError
        If a file or URL cannot be read.
    """
    name, parts = name.lower(), []
    for url in urls:
        data = read_bytes(url)
        try:
            parts.append((url, sha256(data), _read(data, name, dict(options or {}))))
        except IndexFileError as e:
            raise IndexFileError(f"{url}: {e}") from e
    return join(name, UNITS.get(name, "1"), parts)


def _read(data: bytes, name: str, options: dict[str, str]) -> Samples:
    if unknown := sorted(options.keys() - set(OPTIONS)):
        raise IndexFileError(f"there is no option {unknown[0]!r} of an index; there are {', '.join(OPTIONS)}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise IndexFileError("this is no text; unpack it first if it is compressed") from e
    if not text.strip():
        raise IndexFileError("the file is empty")
    found = None if options else next((f for f in FORMATS if f.tell(text)), None)
    if found is None:
        table = "," in text.split("\n", 1)[0] and text.lstrip()[0] not in "{["
        if not table and (told := next((f.title for f in FORMATS if f.tell(text)), None)):
            raise IndexFileError(f"this is of a format ({told}) that tells all; leave --index-option out")
        if not table:
            known = "; ".join(f.title for f in FORMATS)
            raise IndexFileError(f"this is of no known format ({known}), and no table with commas")
        return read_csv(text, name, options)
    if name not in found.names and found.title != "SuperMAG":
        raise IndexFileError(
            f"a file of this format ({found.title}) has no {name}; it may have {', '.join(found.names)}"
        )
    samples = found.read(text, name)
    if not samples.start.size:
        raise IndexFileError(f"there is no line of {name}")
    return samples
