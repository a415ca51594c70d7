"""Maps of a run in bins of one's own, made in memory."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from reprocess import schema
from reprocess.errors import LedgerError
from reprocess.maps.occurrence import occurrence
from reprocess.schema.grid import make_grid
from reprocess.work.paths import Work


def map_occurrence(
    work: str | Path,
    run: str | None = None,
    *,
    L_edges: Sequence[float] | np.ndarray | None = None,
    MLT_edges: Sequence[float] | np.ndarray | None = None,
    min_dwell_s: float = 600,
    satellites: Collection[str] = (),
) -> xr.Dataset:
    """Return the maps that ``reprocess map`` would write, in bins of your own; nothing is written.

    Parameters
    ----------
    work : str or Path
        WORK, a folder of this machine.
    run : str, optional
        Name of the run; not needed if there is only one.
    L_edges : sequence of float, optional
        Edges of the bins in L, multiples of 0.1 from 1 to 15; 2.5 to 8.5 by 0.5 by default.
    MLT_edges : sequence of float, optional
        Edges in hours, multiples of 0.25 from 0 to 24; every hour by default.
    min_dwell_s : float
        Seconds observed below which a bin gets no rate and no fraction.
    satellites : collection of str, optional
        Directory names; all that the run has by default.

    Returns
    -------
    xarray.Dataset
        As `open_maps`.

    Raises
    ------
    LedgerError
        If there is no such run, nothing of the satellites is done, or a part is missing or damaged.
    GridError
        If edges do not increase or are not on the grid that time is counted by.

    Examples
    --------
    >>> bins = {"L_edges": [3, 5, 7], "MLT_edges": [0, 12, 24]}
    >>> maps = reprocess.map_occurrence(WORK, "simulated2026-published", **bins)
    >>> maps.event_rate.shape, maps.event_rate.attrs["units"]
    ((2, 2, 2), 'h-1')
    """
    one = Work(Path(work).resolve()).only_run(run)
    receipts = [r for r in one.ledger.done() if not satellites or r["satellite"] in satellites]
    if satellites and not receipts:
        raise LedgerError(f"run {one.name!r} has nothing of {', '.join(satellites)} that is done")
    edges = [
        np.asarray(_usual(name) if given is None else given, float)
        for name, given in (("L", L_edges), ("MLT", MLT_edges))
    ]
    return occurrence(one, receipts, make_grid(*edges), min_dwell_s)


def _usual(name: str) -> np.ndarray:
    start, stop, step = schema.SHOWN[name]
    return np.arange(round((stop - start) / step) + 1) * step + start
