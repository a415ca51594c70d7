"""The dial plots of the maps.

Noon is up, dusk left, dawn right, midnight down: the view from above the north pole with the Sun
at the top, as the field draws MLT.
"""

from pathlib import Path

import matplotlib as mpl
import matplotlib.style
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Wedge
from matplotlib.projections.polar import PolarAxes

from reprocess.pages.style import new_figure, png, style

LABELS = {"REP": "wave-driven (REP)", "CSS": "current sheet scattering (CSS)"}
_THIN = "0.85"


def plot_occurrence(dataset: xr.Dataset, folder: Path, stem: str = "occurrence") -> list[Path]:
    """Draw one figure per class: the event rate, and beside it the dwell it rests on.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `occurrence.occurrence` returns.
    folder : Path
        Where the PNG files go.
    stem : str
        How their names begin.

    Returns
    -------
    list of Path
        ``<stem>_<class>.png``.
    """
    paths = []
    for name in dataset.event_class.values.tolist():
        path = folder / f"{stem}_{name}.png"
        path.write_bytes(draw_occurrence(dataset, name))
        paths.append(path)
    return paths


def draw_occurrence(dataset: xr.Dataset, name: str) -> bytes:
    """Return the figure of one class as PNG."""
    with style():
        return png(_figure(dataset, name))


def _figure(dataset: xr.Dataset, name: str) -> Figure:
    figure = new_figure(8.6, 4.9)
    # Fixed margins: finding them by drawing twice would double the time.
    margins = {"left": 0.06, "right": 0.94, "bottom": 0.08, "top": 0.85, "wspace": 0.2}
    left, right = figure.subplots(1, 2, subplot_kw={"projection": "polar"}, gridspec_kw=margins)
    rate = dataset.event_rate.sel(event_class=name).values
    dwell = dataset.dwell.values / 3600
    events = int(dataset.events.sel(event_class=name).sum())
    draw_dial(left, dataset, rate, "events per hour of dwell")
    draw_dial(right, dataset, np.where(dwell > 0, dwell, np.nan), "dwell (hours)")
    left.set_title(f"{LABELS[name]}: {events} events in these bins")
    right.set_title(f"time observed, {dataset.attrs['satellite_days']} satellite-days")
    satellites = dataset.attrs["satellites"].split()
    who = ", ".join(satellites) if len(satellites) < 4 else f"{len(satellites)} satellites"
    start, end = (dataset.attrs[f"time_coverage_{which}"] for which in ("start", "end"))
    how = f"model {dataset.attrs['model']}, rules {dataset.attrs['rules']}"
    origin = "SIMULATED DATA: " if dataset.attrs.get("simulated_satellite_days") else ""
    figure.suptitle(f"{origin}{who}, {start} to {end}; {how}")
    minimum = dataset.attrs["min_dwell_s"] / 60
    lacking = sum(int(value) for key, value in dataset.attrs.items() if key.startswith("satellite_days_"))
    note = f"; {lacking} more satellite-days are missing or quarantined" if lacking else ""
    text = f"hatched: under {minimum:g} minutes observed, no rate given (left); not observed (right)"
    figure.supxlabel(text + note, fontsize=8)
    return figure


def draw_dial(
    axes: Axes,
    dataset: xr.Dataset,
    values: np.ndarray,
    label: str,
    *,
    norm: Normalize | None = None,
    cmap: str = "viridis",
) -> None:
    """Draw values (L, MLT) on a dial; bins that are NaN are hatched, never drawn as zero.

    Parameters
    ----------
    axes : PolarAxes
    dataset : xarray.Dataset
        With `L_bounds` and `MLT_bounds`.
    values : ndarray, shape (n_L, n_MLT)
    label : str
        What the values are, with their unit.
    norm : Normalize, optional
        Their scale; by default from 0, or logarithmic where they span more than two decades.
    cmap : str
    """
    if not isinstance(axes, PolarAxes):
        raise TypeError(f"a dial needs polar axes, got {type(axes).__name__}")
    theta = _edges(dataset.MLT_bounds) * 2 * np.pi / 24
    radius = _edges(dataset.L_bounds)
    axes.set_theta_zero_location("S")  # midnight down, dawn right: MLT runs counterclockwise
    axes.set_theta_direction(1)
    axes.grid(visible=False)
    thin = np.where(np.isnan(values), 1.0, np.nan)
    grey = mpl.colors.ListedColormap([_THIN])
    axes.pcolor(theta, radius, np.ma.masked_invalid(thin), hatch="////", edgecolor="0.6", lw=0, cmap=grey)
    norm = scale(values) if norm is None else norm
    mesh = axes.pcolormesh(theta, radius, np.ma.masked_invalid(values), norm=norm, cmap=cmap)
    if isinstance(norm, LogNorm) and (values == 0).any():
        label += " (white: none)"
    _decorate(axes, radius)
    axes.figure.colorbar(mesh, ax=axes, orientation="horizontal", shrink=0.75, pad=0.09, label=label)


def _decorate(axes: PolarAxes, radius: np.ndarray) -> None:
    axes.set_rlim(0, radius[-1])
    axes.set_xticks(
        np.arange(0, 24, 3) * 2 * np.pi / 24, [f"{h:02d}" if h != 12 else "12 MLT" for h in range(0, 24, 3)]
    )
    step = max(1, int(np.ceil((radius[-1] - radius[0]) / 4)))
    rings = np.arange(np.ceil(radius[0]), radius[-1] + 0.01, step)
    axes.set_yticks(rings, [f"L={ring:g}" for ring in rings], fontsize=7)
    for label in axes.get_yticklabels():
        label.set_bbox({"facecolor": "white", "alpha": 0.6, "pad": 0.5, "edgecolor": "none"})
    axes.set_rlabel_position(112.5)
    for ring in rings:
        axes.plot(np.linspace(0, 2 * np.pi, 181), np.full(181, ring), color="0.4", lw=0.4)
    earth = {"r": 0.5 / radius[-1], "edgecolor": "black", "lw": 0.5, "transform": axes.transAxes}
    axes.add_patch(Wedge((0.5, 0.5), theta1=0, theta2=180, facecolor="white", **earth))  # day side
    axes.add_patch(Wedge((0.5, 0.5), theta1=180, theta2=360, facecolor="black", **earth))


def scale(values: np.ndarray) -> Normalize:
    """Return a scale for the positive values: logarithmic if they span more than two decades."""
    positive = values[np.isfinite(values) & (values > 0)]
    if positive.size == 0:
        return Normalize(0, 1)
    if positive.max() > 100 * positive.min():
        return LogNorm(positive.min(), positive.max())
    return Normalize(0, positive.max())


def _edges(bounds: xr.DataArray) -> np.ndarray:
    return np.append(bounds.values[:, 0], bounds.values[-1, 1])
