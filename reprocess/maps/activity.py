"""Splits by a geomagnetic index: every minute observed belongs to one part, and so does every event."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.errors import SplitError
from reprocess.indices.lines import THIRDED, nearest_thirds
from reprocess.indices.series import Index, gaps_in_words, require_overlap
from reprocess.maps.split import Axis, Columns, bin_edges, bin_labels, in_bins, require_increasing

MS_PER_MINUTE = 60_000

_KP = ("0", "2", "4", "6", "9")
_AP = ("0", "7", "27", "80", "400")
_DST = ("-500", "-100", "-50", "-30", "0", "100")
_AE = ("0", "100", "300", "500", "1000", "5000")
_AL = ("-5000", "-1000", "-500", "-300", "-100", "0")

INDEX_BINS = {
    **dict.fromkeys(THIRDED, _KP),
    **dict.fromkeys(("ap", "ap30", "ap60", "ap_daily"), _AP),
    **dict.fromkeys(("dst", "sym_h", "smr"), _DST),
    **dict.fromkeys(("ae", "sme"), _AE),
    **dict.fromkeys(("al", "sml"), _AL),
    "f107": ("60", "100", "150", "200", "400"),
}
"""Edges of the bins of indices unless others are given; what is beyond has parts of its own."""

_ZERO = int(np.datetime64(schema.EPOCH, "ms").astype(np.int64))


def index_axis(index: Index, days: np.ndarray, edges: Sequence[str] = ()) -> Axis:
    """Return an axis whose parts are bins of an index, each minute by the value that holds in it.

    Parameters
    ----------
    index : Index
    days : ndarray of int
        Days of the map on the `day` axis, one at least.
    edges : sequence of str
        Edges of the bins; `INDEX_BINS` has those of most indices.

    Raises
    ------
    SplitError
        If there are no edges, or a value of the index does not begin with a minute.
    IndexFileError
        If the index has no value for the time of the map.
    """
    given = bin_edges(index.name, edges or INDEX_BINS.get(index.name, ()))
    limits = given
    if index.name in THIRDED:  # means of them are no thirds: only an edge of three decimals means one
        limits = nearest_thirds(given, 3 if index.window.startswith("mean") else 1)
    require_increasing(limits, edges)
    if (index.start % MS_PER_MINUTE).any() or index.step_ms % MS_PER_MINUTE:
        raise SplitError(
            f"values of {index.name} hold for {index.step_ms / 1000:g} s, and some do not begin with a "
            "minute; maps are split by whole minutes: give the index by minutes"
        )
    first, stop = (
        _ZERO + (int(day) + more) * schema.MS_PER_DAY for day, more in ((days.min(), 0), (days.max(), 1))
    )
    require_overlap(index, first, stop)

    def of_time(time_ms: np.ndarray) -> np.ndarray:
        return in_bins(index.at(time_ms // MS_PER_MINUTE * MS_PER_MINUTE), limits)

    def of_events(table: pd.DataFrame) -> np.ndarray:
        return of_time(table["peak_time"].to_numpy("datetime64[ms]").astype(np.int64))

    def of_dwell(_: str, columns: Columns, __: str) -> np.ndarray:
        minute = columns["day"].astype(np.int64) * 1440 + columns["minute"]
        return of_time(_ZERO + minute * MS_PER_MINUTE)

    how = f", {index.window}" if index.window else ""
    gaps = _gaps(index, np.unique(days))
    return Axis(
        index.name,
        f"geomagnetic index {index.name}{how}",
        bin_labels(given, index.units),
        of_events,
        of_dwell,
        ("peak_time",),
        by_minute=True,
        attributes={
            "index": index.name,
            "index_units": index.units,
            "index_window": index.window or "none",
            "index_files": " ".join(source.rpartition("/")[2] for source in index.sources),
            "index_sha256": " ".join(index.sha256),
        },
        warning=f"{index.name} has no value for {gaps_in_words(gaps)}" if gaps else "",
    )


def _gaps(index: Index, days: np.ndarray) -> list[tuple[int, int]]:
    """Return the times of these days, increasing, that have no value."""
    found = []
    for together in np.split(days, np.flatnonzero(np.diff(days) > 1) + 1):
        first, last = int(together[0]), int(together[-1])
        found += index.gaps(_ZERO + first * schema.MS_PER_DAY, _ZERO + (last + 1) * schema.MS_PER_DAY)
    return found
