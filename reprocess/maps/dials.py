"""Dials: values by L and MLT as true polar cells. Each function draws on axes that are given.

Noon is up, dusk left, dawn right, midnight down: the view from above the north pole with the Sun at the
top, as the field draws MLT. Colours tell zero, too few seconds and never observed apart, always.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection, LineCollection, PolyCollection
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.patches import Wedge
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reprocess.maps.plain import Maps, of_dataset

if TYPE_CHECKING:
    from reprocess.maps.plain import AnyMaps

ZERO = "white"
"""Bins that were observed and where nothing was seen."""

UNOBSERVED = "0.62"
"""Bins where no satellite ever was."""

THIN = "0.9"
"""Bins with less dwell than a rate needs; hatched, too."""

_HATCHED: dict[str, Any] = {"facecolors": "none", "edgecolors": "0.45", "linewidths": 0}

_DOT = 0.02
"""Largest width of a dot, as a share of the dial's."""

_ARC = np.pi / 90
"""Longest straight piece of an arc, radians: cells lose 0.02 % of their area."""


@dataclass(frozen=True)
class Scale:
    """How values become colours; what is shared by the dials that are to be compared."""

    norm: Normalize
    cmap: Colormap
    label: str
    beyond: bool = False
    """Whether there are values above the norm's largest: they have its colour, and the bar has an arrow."""

    def colours(self, values: np.ndarray) -> np.ndarray:
        """Return RGBA of values, shape (…, 4); zero is `ZERO` unless the scale has signs."""
        found = np.asarray(self.cmap(self.norm(np.clip(values, self.norm.vmin, self.norm.vmax))))
        if not self.signed:
            found[np.asarray(values) == 0] = mpl.colors.to_rgba(ZERO)
        return found

    @property
    def signed(self) -> bool:
        """Whether the scale has negative values."""
        return bool(self.norm.vmin is not None and self.norm.vmin < 0)


def sequential() -> Colormap:
    """Return viridis from yellow to dark blue, without the palest yellow, which is next to white."""
    colours = mpl.colormaps["viridis_r"](np.linspace(0.04, 1, 256))
    return mpl.colors.ListedColormap(colours)


def round_up(value: float) -> float:
    """Return the smallest of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten that is not below a number."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(power * m for m in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if power * m >= value * (1 - 1e-9)))


def rate_scale(
    rate: np.ndarray, lower: np.ndarray, label: str = "events per hour of dwell", vmax: float | None = None
) -> Scale:
    """Return a linear scale for rates, from zero.

    It ends with the largest lower limit of any bin's interval, rounded up: two events in a bin that was
    hardly observed would else set it. Rates beyond have the last colour, and the bar has an arrow.

    Parameters
    ----------
    rate, lower : ndarray
        All dials that share the scale; NaN where there is none.
    label : str
        What the bar says.
    vmax : float, optional
        The end, if it is given.
    """
    known = lower[np.isfinite(lower)]
    top = vmax if vmax is not None else round_up(known.max()) if known.size and known.max() > 0 else 1.0
    beyond = bool((rate[np.isfinite(rate)] > top).any())
    return Scale(Normalize(0, top), sequential(), label, beyond)


def dwell_scale(hours: np.ndarray) -> Scale:
    """Return a logarithmic scale for dwell, decades that hold all positive values; the label says so."""
    positive = hours[np.isfinite(hours) & (hours > 0)]
    low, high = (positive.min(), positive.max()) if positive.size else (1.0, 10.0)
    ends = 10.0 ** np.array([np.floor(np.log10(low)), np.ceil(np.log10(high))])
    if ends[0] == ends[1]:
        ends[1] *= 10
    return Scale(LogNorm(*ends), _of_one_hue("Blues"), "dwell (h), logarithmic")


def relative_scale(relative: np.ndarray) -> Scale:
    """Return the scale of relative uncertainties; that of a single event is 157 %."""
    beyond = bool((relative[np.isfinite(relative)] > 160).any())
    return Scale(
        Normalize(0, 160), _of_one_hue("Purples"), "half of the 68 % interval over the rate (%)", beyond
    )


def difference_scale(
    difference: np.ndarray,
    label: str,
    vmax: float | None = None,
    limits: tuple[np.ndarray, np.ndarray] | None = None,
) -> Scale:
    """Return a diverging scale around zero, which is neutral: as far to either side.

    Parameters
    ----------
    difference : ndarray
        All dials that share the scale; NaN where there is none.
    label : str
        What the bar says.
    vmax : float, optional
        The end, if it is given.
    limits : tuple of ndarray, optional
        Lower and upper limits of the differences. The scale then ends at the largest difference
        whose limits leave out zero, if any do: bins that are hardly known do not pale all others.
    """
    known = held = np.abs(difference[np.isfinite(difference)])
    if limits is not None and (sure := (limits[0] > 0) | (limits[1] < 0)).any():
        held = np.abs(difference[sure])
    top = vmax if vmax is not None else round_up(held.max()) if held.size and held.max() > 0 else 1.0
    return Scale(Normalize(-top, top), mpl.colormaps["RdBu_r"], label, bool((known > top).any()))


def _of_one_hue(name: str) -> Colormap:
    """Return a sequential map of matplotlib from where it is darker than white."""
    return mpl.colors.ListedColormap(mpl.colormaps[name](np.linspace(0.2, 1, 256)))


def relative_uncertainty(chosen: "AnyMaps") -> np.ndarray:
    """Return half of the interval of the event rate over the rate, percent; 0 where there is no event."""
    rate = chosen["event_rate"].values
    width = limit_of(chosen, "upper") - limit_of(chosen, "lower")
    return np.divide(50 * width, rate, out=np.where(rate == 0, 0.0, np.nan), where=rate > 0)


def of_class(dataset: "AnyMaps", name: str) -> Maps:
    """Return what maps have of a class."""
    return of_dataset(dataset).of_class(name)


def limit_of(dataset: "AnyMaps", which: str) -> np.ndarray:
    """Return a limit of the event rate: of calendar blocks, or Poisson's where the file has no others."""
    without = "interval_note" in dataset.attrs and f"event_rate_poisson_{which}" in dataset
    return np.asarray(dataset[f"event_rate_{'poisson_' if without else ''}{which}"].values)


def polar_cells(L_edges: np.ndarray, MLT_edges: np.ndarray) -> np.ndarray:
    """Return the outline of every cell, in the order of an array (L, MLT).

    Returns
    -------
    ndarray of float64, shape (cells, k, 2)
        Angle (radians from midnight) and L; the arcs go in pieces of at most 2 degrees.
    """
    angle = MLT_edges * np.pi / 12
    arc = np.linspace(angle[:-1], angle[1:], int(np.ceil(np.diff(angle).max() / _ARC)) + 1, axis=-1)
    cells = np.empty((L_edges.size - 1, *arc.shape[:1], 2 * arc.shape[1], 2))
    cells[..., 0] = np.concatenate([arc, arc[:, ::-1]], axis=1)
    cells[..., : arc.shape[1], 1] = L_edges[1:, np.newaxis, np.newaxis]
    cells[..., arc.shape[1] :, 1] = L_edges[:-1, np.newaxis, np.newaxis]
    return cells.reshape(-1, *cells.shape[2:])


def _on_axes(points: np.ndarray, L_max: float) -> np.ndarray:
    """Return angle (radians from midnight) and L as shares of the axes, midnight down and dawn right.

    Polar axes would make them of each cell by itself, in Python, each time that the figure is drawn.
    """
    angle, radius = points[..., 0], points[..., 1] / (2 * L_max)
    return np.stack([0.5 + radius * np.sin(angle), 0.5 - radius * np.cos(angle)], axis=-1)


def draw_dial(
    axes: Axes,
    edges: tuple[np.ndarray, np.ndarray],
    values: np.ndarray,
    scale: Scale,
    thin: np.ndarray | None = None,
    *,
    marked: np.ndarray | None = None,
    labels: bool = True,
) -> PolarAxes:
    """Draw values on a dial.

    Parameters
    ----------
    axes : Axes
        Polar.
    edges : tuple of ndarray
        Edges of the bins in L and in MLT (h).
    values : ndarray, shape (n_L, n_MLT)
        NaN where there is none to show.
    scale : Scale
    thin : ndarray of bool, shape (n_L, n_MLT), optional
        Which bins without a value were observed, though too shortly: these are hatched, others without a
        value are grey.
    marked : ndarray of bool, shape (n_L, n_MLT), optional
        Bins to put a dot in.
    labels : bool
        Whether to write the hours and the L shells.

    Raises
    ------
    TypeError
        If the axes are not polar.
    """
    if not isinstance(axes, PolarAxes):
        raise TypeError(f"a dial needs polar axes, got {type(axes).__name__}")
    axes.set_theta_zero_location("S")  # midnight down, dawn right: MLT runs counterclockwise
    axes.set_theta_direction(1)
    axes.grid(visible=False)
    cells, shown = _on_axes(polar_cells(*edges), edges[0][-1]), np.isfinite(values).ravel()
    hatched = np.zeros(shown.size, bool) if thin is None else np.asarray(thin, bool).ravel() & ~shown
    face = scale.colours(np.where(np.isfinite(values), values, 0.0)).reshape(-1, 4)
    face[~shown] = mpl.colors.to_rgba(UNOBSERVED)
    face[hatched] = mpl.colors.to_rgba(THIN)
    looks: list[tuple[np.ndarray, dict[str, Any]]] = [
        (np.ones(shown.size, bool), {"facecolors": face, "edgecolors": face, "linewidths": 0.25}),
        (hatched, _HATCHED | {"hatch": "/////"}),
    ]
    for where, look in looks:
        if where.any():
            some = PolyCollection(cells[where], transform=axes.transAxes, **look)
            axes.add_collection(some, autolim=False)
    if marked is not None and np.any(marked):
        axes.add_collection(_dots(axes, *edges, np.asarray(marked, bool)), autolim=False)
    _decorate(axes, edges[0], labels)
    return axes


def _dots(
    axes: PolarAxes, L_edges: np.ndarray, MLT_edges: np.ndarray, marked: np.ndarray
) -> EllipseCollection:
    """Return a dot in the middle of each marked bin, half as wide as the bin is at its narrowest."""
    angle, L = ((edges[:-1] + edges[1:]) / 2 for edges in (MLT_edges * np.pi / 12, L_edges))
    high, wide = np.diff(L_edges)[:, np.newaxis], L[:, np.newaxis] * np.diff(MLT_edges) * np.pi / 12
    width = np.minimum(np.minimum(high, wide) / (4 * L_edges[-1]), _DOT)[marked]
    middle = np.stack(np.broadcast_arrays(angle, L[:, np.newaxis]), axis=-1)[marked]
    return EllipseCollection(
        width, width, np.zeros_like(width), units="width", offsets=_on_axes(middle, L_edges[-1]),
        offset_transform=axes.transAxes, facecolors="0.1", edgecolors="white", linewidths=0.3, label="dots",
    )  # fmt: skip


def _decorate(axes: PolarAxes, L_edges: np.ndarray, labels: bool) -> None:
    axes.set_rlim(0, L_edges[-1])
    axes.tick_params(axis="x", pad=-1)  # before there are ticks, each of which would take it over
    hours = range(0, 24, 3 if labels else 6)
    names = [("12 h MLT" if h == 12 else f"{h:02d}") if labels else "" for h in hours]
    axes.set_xticks(np.array(hours) * np.pi / 12, names)
    step = max(1, int(np.ceil((L_edges[-1] - L_edges[0]) / 3)))
    rings = np.arange(np.ceil(L_edges[0]), L_edges[-1] - 0.2, step)
    written = [f"L {ring:g}" if ring == rings[0] else f"{ring:g}" for ring in rings]
    axes.set_yticks(rings, written if labels else [""] * rings.size)
    axes.set_rlabel_position(112.5)
    for label in axes.get_yticklabels():
        label.set(
            fontsize=0.8 * mpl.rcParams["font.size"],
            bbox={"fc": "white", "alpha": 0.75, "pad": 0.4, "ec": "none"},
        )
    around = np.linspace(0, 2 * np.pi, 181)
    circles = [np.column_stack([around, np.full(181, ring)]) for ring in [*rings, L_edges[0], L_edges[-1]]]
    lines = _on_axes(np.array(circles), L_edges[-1])
    axes.add_collection(
        LineCollection(list(lines), colors="0.3", linewidths=0.35, zorder=2, transform=axes.transAxes),
        autolim=False,
    )
    earth = {"r": 0.5 / L_edges[-1], "edgecolor": "black", "lw": 0.5, "transform": axes.transAxes}
    axes.add_patch(Wedge((0.5, 0.5), theta1=0, theta2=180, facecolor="white", **earth))  # day side
    axes.add_patch(Wedge((0.5, 0.5), theta1=180, theta2=360, facecolor="black", **earth))


def draw_bar(axes: Axes, scale: Scale) -> Axes:
    """Draw the colour bar of a scale horizontally, over the whole of the axes given.

    Zero has a colour of its own, so that the bar begins above it.
    """
    known: dict[str, Any] = {}
    if scale.signed:  # five numbers at most: more run into each other where they have decimals
        top = float(scale.norm.vmax or 1)
        known["ticks"] = FixedLocator(np.linspace(-top, top, 5).tolist())
        known["format"] = FuncFormatter(lambda value, _: f"{value:g}".replace("-", "\N{MINUS SIGN}"))
    elif isinstance(scale.norm, LogNorm):
        low, high = np.log10([scale.norm.vmin or 1, scale.norm.vmax or 1])
        every = int(np.ceil((high - low) / 4))
        known["ticks"] = FixedLocator([10.0**k for k in range(round(low), round(high) + 1, every)])
        known["format"] = FuncFormatter(lambda value, _: f"{value:g}")
    else:
        known["format"] = FuncFormatter(lambda value, _: f"{value:g}" if value else ">0")
    bar = Colorbar(
        axes, ScalarMappable(scale.norm, scale.cmap), orientation="horizontal",
        extend="max" if scale.beyond and not scale.signed else "both" if scale.beyond else "neither",
        **known,
    )  # fmt: skip
    bar.set_label(scale.label)
    bar.ax.tick_params(pad=1.5)
    if isinstance(scale.norm, LogNorm):
        bar.minorlocator = NullLocator()
    return axes
