"""Figures of a report: coverage, profiles, series, distributions, single events. PNG bytes.

Colours are those of Okabe and Ito, which people with any colour vision tell apart. Margins are
fixed: finding them by drawing twice would double the time.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, MultipleLocator, NullFormatter

from reprocess.detect.rules.published import E4_THRESHOLD
from reprocess.maps.occurrence import poisson_interval
from reprocess.pages.style import CLASS_COLOURS, CLASS_LABELS, ENERGY_COLOURS, new_figure, png, style
from reprocess.plots.panels import zero_axis
from reprocess.report.summary import Timeline
from reprocess.schema import CLASSES, COORDINATES, EVENT_CLASSES, SATELLITES, DayState

_CLASS = {name: CLASS_COLOURS[name] for name in EVENT_CLASSES}
_STATE = {
    DayState.CLASSIFIED: "#56b4e9",
    DayState.OK: "#f0e442",
    DayState.QUARANTINED: "#e69f00",
    DayState.MISSING: "#b2182b",
    DayState.NO_FILE: "0.85",
}
_SATELLITE = dict(
    zip(
        SATELLITES,
        ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#666666", "#999900"),
        strict=True,
    )
)

_WIDTH = 8.6
"""Inches."""

_ROW = 0.8
"""Height of a row of `draw_coverage`; the rest is between it and the next."""


def _panels(
    rows: int, columns: int, height: float, margins: tuple[float, float, float, float], **options: Any
) -> tuple[Figure, np.ndarray]:
    """Return a figure and its axes; margins are left, right, bottom, top in inches."""
    figure = new_figure(_WIDTH, height)
    left, right, bottom, top = margins
    where = {"left": left / _WIDTH, "right": 1 - right / _WIDTH}
    where |= {"bottom": bottom / height, "top": 1 - top / height}
    spaces = {key: options.pop(key) for key in ("wspace", "hspace") if key in options}
    return figure, figure.subplots(rows, columns, squeeze=False, gridspec_kw=where | spaces, **options)


def _legend(figure: Figure, *axes: Axes) -> None:
    """Name what is drawn above all panels."""
    handles, labels = [], []
    for ax in axes:
        found = ax.get_legend_handles_labels()
        handles += found[0]
        labels += found[1]
    figure.legend(
        handles, labels, loc="upper center", ncols=8, frameon=False, borderaxespad=0.2, columnspacing=1.2,
        handlelength=1.4,
    )  # fmt: skip


def draw_coverage(line: Timeline) -> bytes:
    """Draw a row per satellite: its days by state, per day or month."""
    rows, widths = len(line.satellites), np.diff(line.edges).astype(int)
    with style():
        figure, axes = _panels(1, 1, 0.85 + 0.4 * rows, (0.75, 0.25, 0.4, 0.3))
        ax = axes[0, 0]  # one for all rows: each axes costs as much as all that is in it
        for k in range(rows):
            low, base = rows - 1 - k, np.zeros(widths.size)
            for name, colour in _STATE.items():
                share = base + line.states[name][k] / widths
                limits = [low + _ROW * np.append(y, y[-1:]) for y in (base, share)]
                ax.fill_between(line.edges, *limits, step="post", color=colour, lw=0)
                base = share
            ax.axhline(low, color="0.6", lw=0.5)
            if line.unit == "month":
                _alerts(ax, line, k, low + _ROW)
        ax.set_ylim(0, rows)
        ax.set_yticks(np.arange(rows) + _ROW / 2, line.satellites[::-1])
        ax.tick_params(axis="y", length=0)
        ax.spines[["left", "right", "top"]].set_visible(False)
        ax.set_xlim(line.edges[0], line.edges[-1])
        _dates(ax)
        patches = [Patch(color=colour, label=state.label) for state, colour in _STATE.items()]
        figure.legend(handles=patches, loc="upper center", ncols=5, frameon=False, borderaxespad=0.2)
        return png(figure)


def _alerts(axes: Axes, line: Timeline, row: int, height: float) -> None:
    """Mark months with days that are not classified: one day in thirty is too thin to see."""
    middle = line.edges[:-1] + np.diff(line.edges) // 2
    for name in (DayState.OK, DayState.QUARANTINED, DayState.MISSING):
        hit = line.states[name][row] > 0
        at = np.full(hit.sum(), height)
        axes.plot(middle[hit], at, "v", ms=5, color=_STATE[name], mec="0.2", mew=0.3, clip_on=False)


@dataclass(frozen=True)
class Profile:
    """Events and dwell along one axis of the maps; arrays by class have a row per class."""

    label: str
    edges: np.ndarray
    counts: np.ndarray
    rate: np.ndarray
    """Events per hour of dwell; NaN where dwell is too short."""
    lower: np.ndarray
    upper: np.ndarray
    hours: np.ndarray
    """Dwell."""


def draw_profiles(profiles: list[Profile]) -> bytes:
    """Draw a column per profile: events, their rate with its interval, dwell."""
    with style():
        figure, grid = _panels(
            3, len(profiles), 6.4, (0.6, 0.1, 0.5, 0.35), sharex="col", hspace=0.12, wspace=0.16
        )
        for column, profile in enumerate(profiles):
            _profile(grid[:, column], profile)
        for ax, label in zip(
            grid[:, 0], ("events", "events per hour of dwell", "dwell (hours)"), strict=True
        ):
            ax.set_ylabel(label)
        _legend(figure, grid[0, 0])
        return png(figure)


def _profile(axes: np.ndarray, profile: Profile) -> None:
    centre, width = (profile.edges[:-1] + profile.edges[1:]) / 2, np.diff(profile.edges)
    for k, (name, colour) in enumerate(_CLASS.items()):
        axes[0].stairs(profile.counts[k], profile.edges, color=colour, lw=1.5, label=CLASS_LABELS[name])
        error = np.stack([profile.rate[k] - profile.lower[k], profile.upper[k] - profile.rate[k]])
        shift = (k - 0.5) * 0.16 * width  # side by side, so that one does not hide the other
        axes[1].errorbar(centre + shift, profile.rate[k], error, fmt="o", ms=3, lw=1, color=colour)
    axes[2].stairs(profile.hours, profile.edges, fill=True, color="0.7")
    axes[2].set_xlabel(profile.label)
    axes[0].yaxis.set_major_locator(MaxNLocator(integer=True))
    tops = profile.counts.max(), _rate_top(profile.rate, profile.upper), profile.hours.max()
    for ax, top in zip(axes, tops, strict=True):
        ax.set_ylim(0, 1.08 * top or 1)
        ax.set_xlim(profile.edges[0], profile.edges[-1])
        ax.xaxis.set_major_locator(MultipleLocator(3 if profile.edges[-1] > 15 else 1))
        ax.grid(alpha=0.3)
    _mark_beyond(axes[1], profile, centre, width)


def _mark_beyond(axes: Axes, profile: Profile, centre: np.ndarray, width: np.ndarray) -> None:
    """Put a triangle at the top where the interval of a hardly observed bin leaves the panel."""
    top = axes.get_ylim()[1]
    for k, colour in enumerate(_CLASS.values()):
        beyond = profile.upper[k] > top
        at = centre[beyond] + (k - 0.5) * 0.16 * width[beyond]
        axes.plot(at, np.full(at.size, 0.97 * top), "^", ms=4, color=colour, mew=0)


def _rate_top(rate: np.ndarray, upper: np.ndarray) -> float:
    """Return a limit that shows every rate; bars of hardly observed bins leave the panel, and are marked."""
    if not np.isfinite(rate).any():
        return 1.0
    limits = upper[np.isfinite(upper)]
    return float(max(1.25 * np.nanmax(rate), np.median(limits) if limits.size else 0))


def draw_series(line: Timeline) -> bytes:
    """Draw events per satellite-day by day or month, a panel per class, a line per satellite."""
    widths = np.diff(line.edges).astype(int)
    middle = line.edges[:-1].astype("datetime64[m]") + widths * 720
    count = len(line.satellites)
    seen = np.where(line.days > 0, line.days, np.nan)
    with style():
        figure, axes = _panels(len(line.events), 1, 4.6, (0.75, 0.25, 0.4, 0.5), sharex=True, hspace=0.25)
        for ax, (name, events) in zip(axes[:, 0], line.events.items(), strict=True):
            lower, upper = poisson_interval(events)
            error = np.stack([events - lower, upper - events]) / seen
            for k, satellite in enumerate(line.satellites):
                shift = (widths * 1440 * 0.6 * ((k + 0.5) / count - 0.5)).astype(int)
                ax.errorbar(
                    middle + shift, (events / seen)[k], error[:, k], fmt="o-", ms=2.5, lw=0.6,
                    elinewidth=0.5, alpha=0.8, color=_SATELLITE[satellite], label=satellite,
                )  # fmt: skip
            ax.set_title(CLASS_LABELS[name], loc="left", fontsize=9, y=1)
            ax.set_ylabel("events per\nsatellite-day")
            ax.set_ylim(0, 1.08 * _rate_top(events / seen, upper / seen) or 1)
            ax.set_xlim(line.edges[0], line.edges[-1])
            ax.grid(alpha=0.3)
        _dates(axes[-1, 0])
        _legend(figure, axes[0, 0])
        return png(figure)


def _dates(axes: Axes) -> None:
    locator = AutoDateLocator(minticks=3, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


_QUANTITIES = {
    "max_e4_0": ("largest E4 flux at 0° (cm⁻² s⁻¹ sr⁻¹)", True),
    "duration_s": ("duration (s)", False),
    "delta_L": ("extent in L", False),
    "e4_ratio_0_90": ("E4 flux, 0° over 90°, at the peak", True),
}


def draw_distributions(events: pd.DataFrame) -> bytes:
    """Draw histograms of what events are like, by class; values that are missing are left out."""
    with style():
        figure, grid = _panels(2, 2, 5.2, (0.6, 0.1, 0.5, 0.35), hspace=0.32, wspace=0.16)
        for ax, (name, (label, logarithmic)) in zip(grid.ravel(), _QUANTITIES.items(), strict=True):
            values = {kind: _finite(events, kind, name, logarithmic) for kind in _CLASS}
            edges = _edges(np.concatenate(list(values.values())), name, logarithmic)
            for kind, colour in _CLASS.items():
                counts, _ = np.histogram(values[kind], edges)
                ax.stairs(counts, edges, color=colour, lw=1.5, label=CLASS_LABELS[kind])
            if name == "max_e4_0":
                ax.axvline(E4_THRESHOLD, color="0.4", lw=0.8, ls="--")
            if logarithmic:
                _log_axis(ax, edges)
            ax.set_xlabel(label)
            ax.yaxis.set_major_locator(MaxNLocator(integer=True))
            ax.grid(alpha=0.3)
        for ax in grid[:, 0]:
            ax.set_ylabel("events")
        _legend(figure, grid[0, 0])
        return png(figure)


def _log_axis(axes: Axes, edges: np.ndarray) -> None:
    """Make the axis of values logarithmic: labels at decades, or at 1, 2 and 5 where there are few."""
    axes.set_xscale("log")
    few = edges[-1] < 300 * edges[0]
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,), numticks=12))
    if few:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _finite(events: pd.DataFrame, kind: str, name: str, logarithmic: bool) -> np.ndarray:
    values = events.loc[events["event_class"] == kind, name].to_numpy(np.float64)
    return values[np.isfinite(values) & ((values > 0) | (not logarithmic))]


def _edges(values: np.ndarray, name: str, logarithmic: bool) -> np.ndarray:
    """Return bin edges that hold all values; durations come in steps of 2 s."""
    if not values.size:
        return np.array([1.0, 10.0]) if logarithmic else np.array([0.0, 1.0])
    if logarithmic:
        # Five bins a decade, with room for the rounding of a value that is on an edge.
        fifths = np.log10([values.min(), values.max()]) * 5 + [-1e-9, 1e-9]
        return np.asarray(10 ** (np.arange(np.floor(fifths[0]), np.floor(fifths[1]) + 2) / 5))
    if name == "duration_s":
        step = 2.0 * max(1, int(np.ceil(values.max() / 80)))
        return np.arange(1.0, values.max() + 1 + step, step)
    step = 0.1 * max(1, np.ceil(values.max() / 4))
    return np.arange(0.0, values.max() + 2 * step, step)


@dataclass(frozen=True)
class Example:
    """Records around one event."""

    title: str
    seconds: np.ndarray
    """From the peak, shape (n,)."""
    flux: np.ndarray
    """Shape (2, 4, n): telescopes 0 and 90 degrees, E1-E4; NaN where missing."""
    span: tuple[float, float]
    """Start and end of the event, seconds from the peak."""
    probability: np.ndarray | None
    """Shape (3, n), NaN where no window stands for the record; None if the run did not keep it."""


_LEAST = 40.0
"""Below is no count, which is drawn there on a line of its own; cm-2 s-1 sr-1."""


def draw_examples(examples: list[Example]) -> bytes:
    """Draw a column per event: flux at 0 and 90 degrees, and the class probabilities if kept."""
    kept = any(example.probability is not None for example in examples)
    rows, height = (3, 6.0) if kept else (2, 4.6)
    with style():
        figure, grid = _panels(
            rows, len(examples), height, (0.75, 0.1, 0.5, 0.7), sharex="col", sharey="row", hspace=0.1,
            wspace=0.06,
        )  # fmt: skip
        for column, example in enumerate(examples):
            _example(grid[:, column], example)
        for telescope, ax in zip((0, 90), grid[:2, 0], strict=True):
            largest = max(float(np.nanmax(example.flux, initial=1e4)) for example in examples)
            for panel in grid[0 if telescope == 0 else 1]:
                zero_axis(panel, _LEAST, largest, minor=False)  # a panel has few pixels
            ax.set_ylabel(f"flux at {telescope}°\n(cm⁻² s⁻¹ sr⁻¹)")
        if kept:
            grid[2, 0].set_ylabel("probability")
            grid[2, 0].set_ylim(0, 1.05)
        _legend(figure, *grid[[0, -1] if kept else [0], 0])
        return png(figure)


def _example(axes: np.ndarray, example: Example) -> None:
    axes[0].set_title(example.title, fontsize=8, y=1)  # given, nothing is drawn twice to find it
    seconds, order = _broken(example.seconds)
    energies = COORDINATES["energy"][0].tolist()
    for telescope, ax in enumerate(axes[:2]):
        for k, (colour, energy) in enumerate(zip(ENERGY_COLOURS, energies, strict=True)):
            measured = np.append(example.flux[telescope, k], np.nan)[order]
            flux = np.where(measured > 0, measured, _LEAST / 2 + 0 * measured)
            ax.plot(seconds, flux, "o-", ms=1.5, lw=0.9, color=colour, label=f"E{k + 1} >{energy} keV")
    if example.probability is not None:
        for kind, colour in _CLASS.items():
            values = np.append(example.probability[CLASSES.index(kind)], np.nan)[order]
            axes[2].plot(seconds, values, "s-", ms=1.5, lw=1.2, color=colour, label=kind)
    for ax in axes:
        ax.axvspan(*example.span, color="0.88", zorder=0)
        ax.grid(alpha=0.3)
    axes[-1].set_xlabel("seconds from the peak")


def _broken(seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return times and positions with a break (position -1 of a padded array) at each gap."""
    gaps = np.flatnonzero(np.diff(seconds) > 3) + 1
    order = np.insert(np.arange(seconds.size), gaps, -1)
    return np.append(seconds, np.nan)[order], order
