"""What the first bytes of an HDF5 file tell of the whole, without a library.

The superblock says where the file ends (HDF5 File Format Specification, version 3.0, II.A): enough to
tell a whole file from a page of a proxy, a body cut short, or space that was reserved and never filled.
"""

SIGNATURE = b"\x89HDF\r\n\x1a\n"

_END_OF_FILE = {0: 40, 1: 44, 2: 28, 3: 28}
"""Where the address of the file's end lies, by version of the superblock, addresses being 8 bytes long."""

_SIZE_OF_ADDRESSES = {0: 13, 1: 13, 2: 9, 3: 9}


def defect(data: bytes) -> tuple[str, str] | None:
    """Tell why these bytes are not a whole HDF5 file.

    Returns
    -------
    tuple of str, or None
        ``not_hdf5`` or ``truncated`` of `schema.REASONS`, and the values that tell it; None if nothing
        speaks against a whole file.
    """
    if not data:
        return "truncated", "the file is empty"
    if not data.startswith(SIGNATURE):
        return _other_content(data)
    end = _end_of_file(data)
    if end is None or end > len(data):
        told = "its superblock is cut" if end is None else f"its superblock says {end}"
        return "truncated", f"the file ends after {len(data)} bytes, {told}"
    return None


def _other_content(data: bytes) -> tuple[str, str]:
    """Return why bytes that do not begin as HDF5 does are no file."""
    if not any(data[:512]):
        return "truncated", f"the file of {len(data)} bytes begins with zeros: reserved and never filled"
    return "not_hdf5", f"the file begins with {data[:40]!r}"


def is_page(data: bytes) -> bool:
    """Tell whether bytes are an HTML page, also after a comment or an XML prolog."""
    beginning = data[:1024].lower()
    return b"<html" in beginning or b"<!doctype html" in beginning


def _end_of_file(data: bytes) -> int | None:
    """Return the length that the superblock tells, 0 if it is of a kind not known, None if it is cut."""
    version = data[8] if len(data) > 8 else None
    if version not in _END_OF_FILE:
        return None if version is None else 0
    at = _END_OF_FILE[version]
    if len(data) < at + 8:
        return None
    return int.from_bytes(data[at : at + 8], "little") if data[_SIZE_OF_ADDRESSES[version]] == 8 else 0


def zeros_at_end(data: bytes) -> int:
    """Return how many of the last bytes are zero."""
    return len(data) - len(data.rstrip(b"\0"))
