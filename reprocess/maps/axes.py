"""All that a map is split by: what its days and events tell, and an index."""

from collections.abc import Sequence

import numpy as np

from reprocess import schema
from reprocess.errors import SplitError
from reprocess.indices.series import Index
from reprocess.maps.activity import index_axis
from reprocess.maps.split import NAMES, Axis, make_axis, require_small
from reprocess.work.receipts import DetectReceipt


def make_axes(
    names: Sequence[str],
    receipts: Sequence[DetectReceipt],
    edges: Sequence[str] = (),
    index: Index | None = None,
) -> tuple[Axis, ...]:
    """Return the axes of a split of what these receipts stand for; edges go to the one that needs bins.

    One of the names may be that of an index. It has bins of its own if something else gets the edges.

    Raises
    ------
    SplitError
        As `make_axis`; if a name comes twice, or several have bins and so whose the edges are is not known.
    """
    if len(set(names)) < len(names):
        raise SplitError(f"a map is split by each thing once, got {', '.join(names)}")
    if index and index.name not in names:
        raise SplitError(f"an index {index.name} is given, and the map is split by {', '.join(names)} only")
    binned = [name for name in names if _has_bins(name) and not (index and name == index.name)]
    if len(binned) > 1:
        raise SplitError(f"{' and '.join(binned)} both need --bins; split by one of them at a time")
    if index and not binned:
        binned = [index.name]
    if edges and not binned:
        raise SplitError(
            f"{', '.join(names)} have parts of their own; --bins is for epochs and properties of events"
        )
    satellites = sorted({receipt["satellite"] for receipt in receipts})
    days = np.array([schema.day_index(date) for receipt in receipts for date in receipt["days"]], int)

    def axis(name: str) -> Axis:
        own = edges if name in binned else ()
        if index is None or name != index.name:
            return make_axis(name, satellites, days, own)
        return index_axis(index, days, own)

    return tuple(axis(name) for name in names)


def _has_bins(name: str) -> bool:
    return name == "epoch" or (name not in NAMES and name not in schema.EVENT_FLAGS)


def index_name(names: Sequence[str]) -> str:
    """Return the one of the names that must be an index: nothing else that maps are split by is called so.

    Raises
    ------
    SplitError
        If none is, or several are; if it has a capital, which the dimension of a map has not.
    """
    known = {*NAMES, *schema.EVENT_FLAGS, *schema.EVENT_COLUMNS}
    others = [name for name in names if name not in known]
    if len(others) != 1:
        which = (
            f"{' and '.join(others)} both are" if others else f"none of {', '.join(names) or 'nothing'} is"
        )
        raise SplitError(
            f"files of one index are given, and {which} the name of one; split by it, such as by kp"
        )
    require_small(others[0])
    return others[0]
