"""Figures of a comparison: rates of both runs by L and MLT, and their difference."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from reprocess.comparison.maps import RateMaps
from reprocess.maps.exposure import grid_coordinates
from reprocess.maps.plot import LABELS, draw_dial, scale
from reprocess.pages.style import new_figure, png, style
from reprocess.schema import EVENT_CLASSES
from reprocess.schema.grid import Grid

_DIVERGING = "RdBu_r"
"""White in its middle, which is zero; bins that were not observed are hatched grey."""


def draw_difference(maps: RateMaps, grid: Grid, name: str) -> bytes:
    """Return a PNG of one class: events per hour in A, in B on the same scale, and B - A.

    Bins whose interval of the difference leaves out zero have a dot.
    """
    k = list(EVENT_CLASSES).index(name)
    bounds = xr.Dataset(coords=grid_coordinates(grid))
    with style():
        figure = new_figure(11.0, 4.6)
        margins = {"left": 0.04, "right": 0.96, "bottom": 0.06, "top": 0.84, "wspace": 0.18}
        axes = figure.subplots(1, 3, subplot_kw={"projection": "polar"}, gridspec_kw=margins)
        shared = scale(np.stack([maps.rate_a[k], maps.rate_b[k]]))
        for ax, run, rate, events in (
            (axes[0], "A", maps.rate_a[k], maps.events_a[k]),
            (axes[1], "B", maps.rate_b[k], maps.events_b[k]),
        ):
            draw_dial(ax, bounds, rate, f"events per hour of dwell in {run}", norm=shared)
            ax.set_title(f"{run}: {events.sum()} events in these bins")
        largest = np.nanmax(np.abs(maps.difference[k]), initial=0.0) or 1.0
        norm = Normalize(-largest, largest)
        draw_dial(
            axes[2],
            bounds,
            maps.difference[k],
            "B - A, events per hour (white: none)",
            norm=norm,
            cmap=_DIVERGING,
        )
        _dots(axes[2], maps.beyond[k], grid)
        axes[2].set_title(f"B - A: {int(maps.events_b[k].sum() - maps.events_a[k].sum()):+d} events")
        figure.suptitle(LABELS[name])
        return png(figure)


def _dots(axes: Axes, where: np.ndarray, grid: Grid) -> None:
    """Mark bins by a dot in their middle."""
    i, j = np.nonzero(where)
    L, MLT = ((edges[:-1] + edges[1:]) / 2 for edges in (grid.L_edges, grid.MLT_edges))
    axes.plot(MLT[j] * 2 * np.pi / 24, L[i], ".", color="black", ms=3)
