"""Maps of a run in bins of one's own, made in memory."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from reprocess import schema
from reprocess.detect.positions import find_positions
from reprocess.errors import LedgerError, SplitError
from reprocess.execution.share import Share
from reprocess.indices.reading import read_index
from reprocess.indices.series import LOOK_BACKS, Index
from reprocess.library.tables import marked_maps
from reprocess.maps.axes import index_name
from reprocess.maps.stage import Split, make_dataset, needs_positions
from reprocess.schema.grid import any_grid, make_grid
from reprocess.work.choice import Choice
from reprocess.work.paths import Work


def map_occurrence(
    work: str | Path,
    run: str | None = None,
    *,
    L_edges: Sequence[float] | np.ndarray | None = None,
    MLT_edges: Sequence[float] | np.ndarray | None = None,
    min_dwell_s: float = 600,
    satellites: str | Collection[str] = (),
    start: dt.date | str | None = None,
    end: dt.date | str | None = None,
    hemisphere: str | None = None,
    event_class: str | None = None,
    exclude: str | Collection[str] = (),
    by: str | Sequence[str] = (),
    bins: Sequence[float | str] = (),
    index: str | Path | Sequence[str | Path] = (),
    index_options: Mapping[str, str] | None = None,
    look_back: tuple[Literal["max", "min", "mean"], float] | None = None,
    passes: bool = False,
    of_property: str = "",
    look_through: bool = False,
) -> xr.Dataset:
    """Return the maps that ``reprocess map`` would write, with the same choices; no map is written.

    Parameters
    ----------
    work : str or Path
        WORK, a folder of this machine.
    run : str, optional
        Name of the run; not needed if there is only one.
    L_edges : sequence of float, optional
        Edges of the bins in L, multiples of 0.1 from 1 to 15 unless `look_through`; 2.5 to 8.5 by 0.5 by
        default.
    MLT_edges : sequence of float, optional
        Edges in hours, multiples of 0.25 from 0 to 24 unless `look_through`; every hour by default.
    min_dwell_s : float
        Seconds observed below which a bin gets no rate and no fraction.
    satellites : str or collection of str, optional
        Directory names, such as noaa18; all that the run has by default.
    start, end : date or str, optional
        First and last day (UTC), both included.
    hemisphere : str, optional
        N or S, of the satellite.
    event_class : str, optional
        REP or CSS, of which alone events are counted.
    exclude : str or collection of str
        Flags; events and time that have one are left out.
    by : str or sequence of str
        What the map is split by, as ``--by``: a dimension each.
    bins : sequence of float or str
        Edges of the bins of a property or an index, or dates of epochs, as ``--bins``: two at least. A part
        has what is at least its lower edge and below its upper one; the last has its upper edge too, so that
        Kp of 4 and more is ``[4, 9]``.
    index : str, Path or sequence of them
        Files or URLs of the geomagnetic index that `by` names.
    index_options : mapping of str to str, optional
        As ``--index-option``.
    look_back : tuple of str and float, optional
        How the values of a window of so many hours become one (max, min or mean), as ``--look-back``.
    passes : bool
        Whether to count passes of each bin too, as ``--passes``; an index and edges off the grid do.
    of_property : str
        A property of events whose quartiles are told, as ``--property``.
    look_through : bool
        Whether the archive may be looked through in this process, and what is found be kept in WORK, where
        it is not there yet. An index, passes and edges off the grid need it once.

    Returns
    -------
    xarray.Dataset
        As `open_maps`.

    Raises
    ------
    LedgerError
        If there is no such run, nothing of the satellites is done, or a part is missing or damaged.
    GridError
        If edges do not increase, or are not on the grid that time is counted by, without `look_through`.
    SplitError, IndexFileError, FlagError
        If the map cannot be split or chosen so, a file has no such index for the time, or there is no such
        flag.
    SourceError
        If a file of an index cannot be read.
    IncompleteError
        If a part of the archive cannot be looked through.

    Examples
    --------
    >>> bins = {"L_edges": [3, 5, 7], "MLT_edges": [0, 12, 24]}
    >>> maps = reprocess.map_occurrence(WORK, "simulated2026-published", **bins)
    >>> maps.event_rate.shape, maps.event_rate.attrs["units"]
    ((2, 2, 2), 'h-1')
    """
    _require_uses(min_dwell_s, by, bins, index, index_options, look_back)
    where = Work(Path(work).resolve())
    one = where.only_run(run)
    choice = Choice(
        _several(exclude),
        tuple(sorted(_several(satellites))),
        _date("start", start),
        _date("end", end),
        _one_of("hemisphere", hemisphere, ("N", "S")),
        _one_of("event_class", event_class, tuple(schema.EVENT_CLASSES)),
    )
    receipts = list(one.ledger.done())
    if choice.satellites and not choice.receipts(receipts):
        raise LedgerError(
            f"run {one.name!r} has nothing of {', '.join(choice.satellites)} that is done"
            + (f" {limits}" if (limits := replace(choice, satellites=()).words) else "")
            + f"; it has {', '.join(sorted({receipt['satellite'] for receipt in receipts})) or 'nothing'}"
        )
    edges = [
        np.asarray(_usual(name) if given is None else given, float)
        for name, given in (("L", L_edges), ("MLT", MLT_edges))
    ]
    grid = (any_grid if look_through else make_grid)(*edges)
    names = _several(by)
    files = [index] if isinstance(index, str | Path) else index
    value = _index([str(file) for file in files], names, dict(index_options or {}), look_back)
    split = Split(names, tuple(str(edge) for edge in bins), value, passes, of_property)
    if look_through and needs_positions(grid, split):
        find_positions(where, one, grid, choice, Share(1, 1), _Silence())
    return marked_maps(make_dataset(one, receipts, grid, min_dwell_s, choice, split))


def _require_uses(
    min_dwell_s: float, by: Any, bins: Any, index: Any, index_options: Any, look_back: Any
) -> None:
    """Refuse what the command refuses too: the map would be another than was asked for."""
    if not 0 <= min_dwell_s < float("inf"):
        raise SplitError(f"min_dwell_s is {min_dwell_s!r}; give seconds from 0 on")
    if len(bins) and not by:
        raise SplitError("bins are of what by splits the map by; give by too, or leave bins out")
    for name, given in (("index_options", index_options), ("look_back", look_back)):
        if given and not index:
            raise SplitError(f"{name} is for an index, whose file index names; give it, or leave {name} out")
    if look_back and not _is_look_back(look_back):
        raise SplitError(f"look_back is {look_back!r}; give one of {', '.join(LOOK_BACKS)} and hours")


def _is_look_back(given: Any) -> bool:
    return (
        len(given) == 2
        and given[0] in LOOK_BACKS
        and isinstance(given[1], int | float | np.number)
        and bool(0 < given[1] < np.inf)
    )


def _several(given: str | Collection[str]) -> tuple[str, ...]:
    """Return names of which one may be given by itself."""
    return (given,) if isinstance(given, str) and given else tuple(given)


def _one_of(name: str, given: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is chosen, nothing for all."""
    if given is not None and given not in known:
        raise SplitError(f"there is no {name} {given!r}; give one of {', '.join(known)}, or none for all")
    return () if given is None else (given,)


def _date(name: str, given: dt.date | str | None) -> dt.date | None:
    if isinstance(given, dt.datetime):  # pandas' too
        return given.date()
    try:
        return dt.date.fromisoformat(given) if isinstance(given, str) else given
    except ValueError as e:
        raise SplitError(f"{name} {given!r} is no day; give YYYY-MM-DD or a date") from e


def _index(
    files: Sequence[str],
    names: Sequence[str],
    options: Mapping[str, str],
    look_back: tuple[Literal["max", "min", "mean"], float] | None,
) -> Index | None:
    """Return the index of these files that one of the names is of; None without files."""
    if not files:
        return None
    index = read_index(files, index_name(names), options)
    return index.look_back(look_back[1], look_back[0]) if look_back else index


class _Silence:
    """Tells nobody how it goes."""

    def begin(self, *_: object) -> None:
        """Ignore that a stage begins."""

    def done(self, *_: object) -> None:
        """Ignore what a block gave."""

    def failed(self, *_: object) -> None:
        """Ignore that a block failed: what maps it over blocks raises in the end."""


def _usual(name: str) -> np.ndarray:
    start, stop, step = schema.SHOWN[name]
    return np.arange(round((stop - start) / step) + 1) * step + start
