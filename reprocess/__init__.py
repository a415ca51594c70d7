"""Reprocess the POES/MetOp electron archive: records to events to L-MLT maps.

The public API is small: `open_archive` reads what a run has ingested; everything else is the
`reprocess` command.
"""

from typing import Any

__version__ = "0.2.0.dev0"
__all__ = ["__version__", "open_archive"]


def __getattr__(name: str) -> Any:
    # xarray takes half a second to import, which `reprocess --help` does not have.
    if name == "open_archive":
        from reprocess.work.archive import open_archive

        return open_archive
    raise AttributeError(f"module 'reprocess' has no attribute {name!r}")
