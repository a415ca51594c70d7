"""Reading a file from wherever it is, with one kind of error."""

import fsspec


def read_bytes(url: str) -> bytes:
    """Return the content of a local file or fsspec URL.

    Raises
    ------
    OSError
        Whatever goes wrong, the network included.
    """
    network_errors = _network_errors()
    try:
        with fsspec.open(url, "rb") as file:
            return bytes(file.read())
    except OSError:
        raise
    except network_errors as e:
        raise OSError(f"{type(e).__name__}: {e}") from e


def _network_errors() -> tuple[type[Exception], ...]:
    """Return what fsspec raises that is no OSError: bad addresses, broken http bodies, time-outs."""
    from aiohttp import ClientError

    return ClientError, TimeoutError, ValueError, ImportError
