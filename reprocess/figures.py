"""Figures of a report: coverage, profiles, series, distributions, single events. PNG bytes.

Colours are those of Okabe and Ito, which people with any colour vision tell apart.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from reprocess.plotting import LABELS, new_figure, png, style
from reprocess.postprocess import E4_THRESHOLD
from reprocess.schema import CLASSES
from reprocess.summary import Coverage

_CLASS = {"REP": "#0072b2", "CSS": "#d55e00"}
_STATE = {
    "classified": "#56b4e9",
    "not classified": "#f0e442",
    "quarantined": "#e69f00",
    "missing": "#b2182b",
    "no file": "0.85",
}
_SATELLITE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#666666", "#999900")
_ENERGY = ("#440154", "#31688e", "#35b779", "#e3a008")


def draw_coverage(coverage: Coverage) -> bytes:
    """Draw a row per satellite: its days by state, per day or month."""
    rows = len(coverage.satellites)
    with style():
        figure = new_figure(8.6, 0.9 + 0.42 * rows)
        axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
        widths = np.diff(coverage.edges).astype(int)
        for k, (ax, satellite) in enumerate(zip(axes, coverage.satellites, strict=True)):
            base = np.zeros(widths.size)
            for name, colour in _STATE.items():
                share = base + coverage.counts[name][k] / widths
                ax.stairs(share, coverage.edges, baseline=base, fill=True, color=colour)
                base = share
            ax.set_ylim(0, 1)
            ax.set_yticks([])
            ax.set_ylabel(satellite, rotation=0, ha="right", va="center")
            ax.set_xlim(coverage.edges[0], coverage.edges[-1])
        _dates(axes[-1])
        patches = [Patch(color=colour, label=name) for name, colour in _STATE.items()]
        figure.legend(handles=patches, loc="outside upper center", ncols=len(patches), frameon=False)
        return png(figure)


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
        figure = new_figure(8.6, 6.6)
        grid = figure.subplots(3, len(profiles), sharex="col", sharey="row", squeeze=False)
        for column, profile in enumerate(profiles):
            _profile(grid[:, column], profile)
        for ax, label in zip(
            grid[:, 0], ("events", "events per hour of dwell", "dwell (hours)"), strict=True
        ):
            ax.set_ylabel(label)
        grid[0, 0].legend(frameon=False)
        return png(figure)


def _profile(axes: np.ndarray, profile: Profile) -> None:
    centre, width = (profile.edges[:-1] + profile.edges[1:]) / 2, np.diff(profile.edges)
    for k, (name, colour) in enumerate(_CLASS.items()):
        axes[0].stairs(profile.counts[k], profile.edges, color=colour, lw=1.5, label=LABELS[name])
        error = np.stack([profile.rate[k] - profile.lower[k], profile.upper[k] - profile.rate[k]])
        shift = (k - 0.5) * 0.16 * width  # side by side, so that one does not hide the other
        axes[1].errorbar(centre + shift, profile.rate[k], error, fmt="o", ms=3, lw=1, color=colour)
    axes[2].stairs(profile.hours, profile.edges, fill=True, color="0.7")
    axes[2].set_xlabel(profile.label)
    axes[0].yaxis.set_major_locator(MaxNLocator(integer=True))
    for ax in axes:
        ax.set_ylim(bottom=0)
        ax.set_xlim(profile.edges[0], profile.edges[-1])
        ax.grid(alpha=0.3)


def draw_series(
    months: np.ndarray, satellites: list[str], events: dict[str, np.ndarray], days: np.ndarray
) -> bytes:
    """Draw events per classified satellite-day by month, a panel per class, a line per satellite.

    Parameters
    ----------
    months : ndarray of datetime64[M], shape (m,)
    satellites : list of str
    events : dict of str to ndarray of int, shape (satellites, m)
        By class.
    days : ndarray of int, shape (satellites, m)
        Classified days; months without any have no point.
    """
    middle = months.astype("datetime64[D]") + 14
    with style():
        figure = new_figure(8.6, 4.6)
        axes = figure.subplots(len(events), 1, sharex=True)
        for ax, (name, counts) in zip(axes, events.items(), strict=True):
            for k, satellite in enumerate(satellites):
                rate = counts[k] / np.where(days[k] > 0, days[k], np.nan)
                error = np.sqrt(counts[k]) / np.where(days[k] > 0, days[k], np.nan)
                colour = _SATELLITE[k % len(_SATELLITE)]
                shift = np.timedelta64(int((k - (len(satellites) - 1) / 2) * 36), "h")
                ax.errorbar(
                    middle.astype("datetime64[h]") + shift, rate, error,
                    fmt="o-", ms=3, lw=0.9, elinewidth=0.6, color=colour, label=satellite,
                )  # fmt: skip
            ax.set_title(LABELS[name], loc="left", fontsize=9)
            ax.set_ylabel("events per\nsatellite-day")
            ax.set_ylim(bottom=0)
            ax.set_xlim(months[0].astype("datetime64[D]"), (months[-1] + 1).astype("datetime64[D]"))
            ax.grid(alpha=0.3)
        _dates(axes[-1])
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=8, frameon=False)
        return png(figure)


def _dates(axes: Axes) -> None:
    locator = AutoDateLocator(minticks=3, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


_QUANTITIES = {
    "max_e4_0": ("largest E4 flux at 0° (cm$^{-2}$ s$^{-1}$ sr$^{-1}$)", True),
    "duration_s": ("duration (s)", False),
    "delta_L": ("extent in L", False),
    "e4_ratio_0_90": ("E4 flux, 0° over 90°, at the peak", True),
}


def draw_distributions(events: pd.DataFrame) -> bytes:
    """Draw histograms of what events are like, by class; values that are missing are left out."""
    with style():
        figure = new_figure(8.6, 5.2)
        for ax, (name, (label, logarithmic)) in zip(
            figure.subplots(2, 2).ravel(), _QUANTITIES.items(), strict=True
        ):
            values = {kind: _finite(events, kind, name, logarithmic) for kind in _CLASS}
            edges = _edges(np.concatenate(list(values.values())), name, logarithmic)
            for kind, colour in _CLASS.items():
                counts, _ = np.histogram(values[kind], edges)
                ax.stairs(counts, edges, color=colour, lw=1.5, label=LABELS[kind])
            if name == "max_e4_0":
                ax.axvline(E4_THRESHOLD, color="0.4", lw=0.8, ls="--")
            ax.set_xscale("log" if logarithmic else "linear")
            ax.set_xlabel(label)
            ax.set_ylabel("events")
            ax.yaxis.set_major_locator(MaxNLocator(integer=True))
            ax.grid(alpha=0.3)
        figure.axes[1].legend(frameon=False)
        return png(figure)


def _finite(events: pd.DataFrame, kind: str, name: str, logarithmic: bool) -> np.ndarray:
    values = events.loc[events["event_class"] == kind, name].to_numpy(np.float64)
    return values[np.isfinite(values) & ((values > 0) | (not logarithmic))]


def _edges(values: np.ndarray, name: str, logarithmic: bool) -> np.ndarray:
    """Return bin edges that hold all values; durations come in steps of 2 s."""
    if not values.size:
        return np.array([1.0, 10.0]) if logarithmic else np.array([0.0, 1.0])
    if logarithmic:
        low, high = np.floor(np.log10(values.min()) * 5) / 5, np.log10(values.max())
        return np.asarray(10 ** (low + 0.2 * np.arange(int((high - low) / 0.2) + 2)))
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


def draw_examples(examples: list[Example]) -> bytes:
    """Draw a column per event: flux at 0 and 90 degrees, and the class probabilities if kept."""
    kept = any(example.probability is not None for example in examples)
    with style():
        figure = new_figure(8.6, 6.0 if kept else 4.6)
        rows = 3 if kept else 2
        grid = figure.subplots(rows, len(examples), sharex="col", sharey="row", squeeze=False)
        for column, example in enumerate(examples):
            _example(grid[:, column], example)
        for telescope, ax in zip((0, 90), grid[:, 0], strict=False):
            ax.set_ylabel(f"flux at {telescope}°\n(cm$^{{-2}}$ s$^{{-1}}$ sr$^{{-1}}$)")
        if kept:
            grid[2, 0].set_ylabel("probability")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        extra, names = grid[2, 0].get_legend_handles_labels() if kept else ([], [])
        figure.legend(handles + extra, labels + names, loc="outside lower center", ncols=6, frameon=False)
        return png(figure)


def _example(axes: np.ndarray, example: Example) -> None:
    axes[0].set_title(example.title, fontsize=8)
    seconds, order = _broken(example.seconds)
    for telescope, ax in enumerate(axes[:2]):
        for k, (colour, energy) in enumerate(zip(_ENERGY, (40, 130, 287, 612), strict=True)):
            flux = np.append(example.flux[telescope, k], np.nan)[order]
            ax.plot(seconds, flux, "o-", ms=1.5, lw=0.9, color=colour, label=f"E{k + 1} > {energy} keV")
        ax.set_yscale("symlog", linthresh=30, linscale=0.5)
        ax.set_ylim(bottom=0)
    if example.probability is not None:
        for kind, colour in _CLASS.items():
            values = np.append(example.probability[CLASSES.index(kind)], np.nan)[order]
            axes[2].plot(seconds, values, "o-", ms=1.5, lw=0.9, color=colour, label=kind)
        axes[2].set_ylim(0, 1)
    for ax in axes:
        ax.axvspan(*example.span, color="0.85", zorder=0)
        ax.grid(alpha=0.3)
    axes[-1].set_xlabel("seconds from the peak")


def _broken(seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return times and positions with a break (position -1 of a padded array) at each gap."""
    gaps = np.flatnonzero(np.diff(seconds) > 3) + 1
    order = np.insert(np.arange(seconds.size), gaps, -1)
    return np.append(seconds, np.nan)[order], order
