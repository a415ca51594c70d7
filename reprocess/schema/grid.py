"""Bins of L shell and magnetic local time, and the time spent in them.

Bins are half-open: a value on an edge belongs to the bin above it, and MLT 24 is MLT 0. Values
are compared with the edges in single precision, the precision of NOAA's files: an L of 2.60
stored there is the float32 nearest to 2.6 and must not fall below an edge at 2.6. Events and
dwell go through the same functions, so numerator and exposure can never be binned differently.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reprocess.errors import GridError

HEMISPHERES = ("N", "S")
"""By the sign of the satellite's geodetic latitude; the equator counts as north."""


L_EDGES = np.arange(10, 151) / 10
"""Fine L edges of `exposure.zarr`: 1.0 to 15.0 by 0.1."""


MLT_EDGES = np.arange(97) / 4
"""Fine MLT edges of `exposure.zarr`: 0 to 24 h by a quarter of an hour."""


@dataclass(frozen=True)
class Grid:
    """Bins of L by MLT."""

    L_edges: np.ndarray
    """Increasing, float64."""
    MLT_edges: np.ndarray
    """Increasing hours, float64, from 0 to 24 or a part of that."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of L and MLT bins."""
        return self.L_edges.size - 1, self.MLT_edges.size - 1

    @cached_property
    def cells(self) -> int:
        """Number of cells of both hemispheres."""
        return len(HEMISPHERES) * self.shape[0] * self.shape[1]

    def cell(self, L: np.ndarray, MLT: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Return the cell of each record as one number.

        Parameters
        ----------
        L, MLT, latitude : ndarray of float32, shape (n,)
            L shell, hours and degrees; sentinels allowed.

        Returns
        -------
        ndarray of int64, shape (n,)
            ``(hemisphere * n_L + L bin) * n_MLT + MLT bin``; -1 outside the grid, -2 where L or
            MLT is invalid.
        """
        known = (L >= 0) & (MLT >= 0) & (MLT <= 24)
        i = digitize(L, self.L_edges)
        at = np.flatnonzero((i >= 0) & known)  # most of an orbit is at other L
        hours = MLT[at]
        j = digitize(np.where(hours == 24, np.float32(0), hours), self.MLT_edges)
        south = (latitude[at] < 0) * np.int64(self.shape[0])
        cell = np.where(known, np.int64(-1), np.int64(-2))
        cell[at] = np.where(j < 0, -1, (south + i[at]) * self.shape[1] + j)
        return cell


FINE = Grid(L_EDGES, MLT_EDGES)
"""The grid of `exposure.zarr`."""

SHOWN = {"L": (2.5, 8.5, 0.5), "MLT": (0, 24, 1)}
"""Bins of maps unless a user asks for others: start, stop and step."""


def digitize(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the half-open bin of each value, -1 outside all of them.

    Parameters
    ----------
    values : ndarray of float32
    edges : ndarray of float64, increasing
    """
    single = edges.astype(np.float32)
    index = np.searchsorted(single, values.astype(np.float32, copy=False), side="right")
    index -= 1
    index[index == edges.size - 1] = -1
    return index


def make_grid(L_edges: np.ndarray, MLT_edges: np.ndarray) -> Grid:
    """Return a grid of a map, which must be made of whole cells of the fine grid.

    Raises
    ------
    GridError
        If edges do not increase, or one is not an edge of the fine grid.
    """
    return Grid(_on_fine("L", L_edges, L_EDGES, 0.1), _on_fine("MLT", MLT_edges, MLT_EDGES, 0.25))


def _first(edges: list[float]) -> str:
    """Return the first of many edges as text."""
    more = f" and {len(edges) - _NAMED} more" if len(edges) > _NAMED else ""
    return ", ".join(f"{edge:.10g}" for edge in edges[:_NAMED]) + more


_NAMED = 5
"""Edges that a message names."""


def _on_fine(name: str, edges: np.ndarray, fine: np.ndarray, step: float) -> np.ndarray:
    """Return the fine edges that a map's edges are meant to be."""
    snapped = fine[np.abs(fine - edges[:, np.newaxis]).argmin(axis=1)]
    off = edges[np.abs(snapped - edges) > 1e-9].tolist()
    if edges.size < 2 or not np.all(np.diff(edges) > 0) or (not off and np.any(np.diff(snapped) == 0)):
        raise GridError(f"{name} edges must increase and be two at least, got {edges.tolist()}")
    if off:
        raise GridError(
            f"{name} edges {_first(off)} are not on the exposure grid; use multiples of {step} "
            f"from {fine[0]:g} to {fine[-1]:g}"
        )
    return snapped


NARROWEST_H = 0.2
"""Hours that local time is uncertain by: narrower bins of it mean nothing."""


def any_grid(L_edges: np.ndarray, MLT_edges: np.ndarray) -> Grid:
    """Return a grid of a map, of any edges; on the fine grid as `make_grid` has it.

    Raises
    ------
    GridError
        If edges do not increase, or are not of an L shell or local time.
    """
    if is_fine(L_edges, MLT_edges):
        return make_grid(L_edges, MLT_edges)
    for name, edges, (low, high) in (("L", L_edges, (0, 1e3)), ("MLT", MLT_edges, (0, 24))):
        if edges.size < 2 or not np.all(np.diff(edges.astype(np.float32)) > 0):
            raise GridError(f"{name} edges must increase and be two at least, got {edges.tolist()}")
        if edges[0] < low or edges[-1] > high:
            raise GridError(
                f"{name} edges must be from {low:g} to {high:g}, got {edges[0]:g} to {edges[-1]:g}"
            )
    if (narrowest := np.diff(MLT_edges).min()) < NARROWEST_H - 1e-9:
        raise GridError(
            f"a bin of MLT is {narrowest:g} h wide, and local time is uncertain by {NARROWEST_H:g} h; "
            "make it wider"
        )
    return Grid(L_edges.astype(np.float64), MLT_edges.astype(np.float64))


def is_fine(of_L: np.ndarray, of_MLT: np.ndarray) -> bool:
    """Tell whether all edges are those of the fine grid, whatever their order."""
    pairs = ((of_L, L_EDGES), (of_MLT, MLT_EDGES))
    return all(bool((np.abs(fine - edges[:, np.newaxis]).min(axis=1) <= 1e-9).all()) for edges, fine in pairs)


def coarse_bins(grid: Grid) -> np.ndarray:
    """Return which bin of a map each cell of the fine grid belongs to, hemispheres together.

    Parameters
    ----------
    grid : Grid
        Made by `make_grid`.

    Returns
    -------
    ndarray of int64, shape (FINE.cells,)
        ``L bin * n_MLT + MLT bin``, -1 outside the map.
    """
    i = digitize((L_EDGES[:-1] + L_EDGES[1:]) / 2, grid.L_edges)[:, np.newaxis]
    j = digitize((MLT_EDGES[:-1] + MLT_EDGES[1:]) / 2, grid.MLT_edges)
    bins = np.where((i >= 0) & (j >= 0), i * grid.shape[1] + j, -1)
    return np.tile(bins.ravel(), len(HEMISPHERES))
