"""Reprocess the POES/MetOp electron archive: records to events to L-MLT maps.

The names below are the library, for notebooks and programs (docs/api.md); everything else is the
`reprocess` command and may change. They are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprocess.errors import ReprocessError as ReprocessError
    from reprocess.library.classify import Classification as Classification
    from reprocess.library.classify import classify as classify
    from reprocess.library.doors import from_cdaweb as from_cdaweb
    from reprocess.library.doors import from_tplot as from_tplot
    from reprocess.library.maps import map_occurrence as map_occurrence
    from reprocess.library.tables import cite as cite
    from reprocess.library.tables import compare_events as compare_events
    from reprocess.library.tables import open_maps as open_maps
    from reprocess.library.tables import read_events as read_events
    from reprocess.work.archive import open_archive as open_archive
    from reprocess.work.archive import records as records

__version__ = "0.2.0.dev0"

_WHERE = {
    "open_archive": "reprocess.work.archive",
    "records": "reprocess.work.archive",
    "read_events": "reprocess.library.tables",
    "open_maps": "reprocess.library.tables",
    "cite": "reprocess.library.tables",
    "compare_events": "reprocess.library.tables",
    "classify": "reprocess.library.classify",
    "Classification": "reprocess.library.classify",
    "map_occurrence": "reprocess.library.maps",
    "from_tplot": "reprocess.library.doors",
    "from_cdaweb": "reprocess.library.doors",
    "ReprocessError": "reprocess.errors",
}
"""The public names and the modules that they live in."""

__all__ = [
    "Classification",
    "ReprocessError",
    "__version__",
    "cite",
    "classify",
    "compare_events",
    "from_cdaweb",
    "from_tplot",
    "map_occurrence",
    "open_archive",
    "open_maps",
    "read_events",
    "records",
]


def __getattr__(name: str) -> Any:
    # xarray takes half a second to import, which `reprocess --help` does not have.
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'reprocess' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__") and name not in __all__)]
