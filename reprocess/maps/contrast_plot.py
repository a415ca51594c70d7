"""Figures of differences: two parts with their difference and ratio, or the differences of every part."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from reprocess.maps.attributes import lacking_in_words, meaning_in_words
from reprocess.maps.dials import Scale, difference_scale, rate_scale
from reprocess.maps.intervals import poisson_interval
from reprocess.maps.plain import edges_of
from reprocess.maps.plot import Panel, draw_panels, heading_of, write_figures
from reprocess.pages.style import CLASS_LABELS
from reprocess.pages.words import counted

RATIO_END = 3.0
"""Powers of two at which the colours of ratios end: an eighth and eight times."""


def plot_contrast(dataset: xr.Dataset, folder: Path, stem: str, look: Mapping[str, Any]) -> list[Path]:
    """Write one figure per class, in each format, and return the files.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `contrast.contrast` returns.
    folder : Path
        Where the files go.
    stem : str
        How their names begin.
    look : mapping
        Arguments of `plot.plot_occurrence`, of which formats and vmax are used.
    """
    draw = partial(contrast_figure, dataset, vmax=look.get("vmax"))
    return write_figures(draw, dataset, folder / stem, look.get("formats", ("png",)))


def contrast_figure(dataset: xr.Dataset, name: str, vmax: float | None = None) -> Figure:
    """Draw the difference of the rates of a class; with dots where it is not significant.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `contrast.contrast` returns: two parts, whose rates and ratio are drawn too, or each part
        against all others, a dial for each.
    name : str
        The class.
    vmax : float, optional
        Where the scale of differences ends on either side, events per hour.
    """
    chosen = dataset.sel(event_class=name)
    dim, first, second = (str(dataset.attrs[key]) for key in ("split_by", "first_part", "second_part"))
    words = "difference (events per hour of dwell)"
    signed = difference_scale(chosen.event_rate_difference.values, words, vmax, _limits(chosen))
    if dim in dataset.dims:
        parts = [(str(label), chosen.sel({dim: label})) for label in dataset[dim].values]
        panels = [
            _difference(f"{label} less {second}\n{_counted(part)}", part, signed) for label, part in parts
        ]
    else:
        panels = [
            *_rates(chosen, first, second),
            _difference(f"{first} less {second}", chosen, signed),
            _ratio(chosen, first, second),
        ]
    what = f"{CLASS_LABELS[name]} by {dim}: {first} against {second}"
    return draw_panels(
        panels,
        edges_of(dataset),
        heading_of(dataset, what),
        _notes(dataset, chosen),
        min(4, len(panels)) if dim in dataset.dims else 2,
    )


def _limits(chosen: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    lower, upper = (chosen[f"event_rate_difference_{which}"].values for which in ("lower", "upper"))
    return lower, upper


def _difference(title: str, part: xr.Dataset, scale: Scale) -> Panel:
    thin = (part.dwell_first.values > 0) & (part.dwell_second.values > 0)
    values = part.event_rate_difference.values
    return Panel(title, values, scale, thin, np.isfinite(values) & (part.significant.values != 1))


def _rates(chosen: xr.Dataset, first: str, second: str) -> list[Panel]:
    rates = {side: chosen[f"event_rate_{side}"].values for side in ("first", "second")}
    certain = np.stack(
        [
            poisson_interval(chosen[f"events_{side}"].values)[0]
            / np.where(np.isfinite(rate), chosen[f"dwell_{side}"].values / 3600, np.nan)
            for side, rate in rates.items()
        ]
    )
    scale = rate_scale(np.stack([*rates.values()]), certain)
    return [
        Panel(
            f"{label}\n{counted(int(chosen[f'events_{side}'].sum()), 'event')}, "
            f"{float(chosen[f'dwell_{side}'].sum()) / 3600:,.0f} h",
            rates[side],
            scale,
            chosen[f"dwell_{side}"].values > 0,
        )
        for side, label in (("first", first), ("second", second))
    ]


def _ratio(chosen: xr.Dataset, first: str, second: str) -> Panel:
    with np.errstate(divide="ignore"):
        powers = np.log2(chosen.event_rate_ratio.values)
    powers = np.clip(powers, -2 * RATIO_END, 2 * RATIO_END)  # a rate of zero has the colour of the end
    scale = difference_scale(powers, "ratio of rates, as a power of 2", RATIO_END)
    thin = (chosen.dwell_first.values > 0) & (chosen.dwell_second.values > 0)
    return Panel(
        f"{first} over {second}", powers, scale, thin, np.isfinite(powers) & (chosen.significant.values != 1)
    )


def _counted(part: xr.Dataset) -> str:
    differ = int((part.significant == 1).sum())
    events = counted(int(part.events_first.sum()), "event")
    return f"{events}, {counted(differ, 'bin')} {'differs' if differ == 1 else 'differ'}"


def _notes(dataset: xr.Dataset, chosen: xr.Dataset) -> list[str]:
    dim = str(dataset.attrs["split_by"])
    rate, tested = 100 * float(dataset.attrs["false_discovery_rate"]), int((chosen.significant >= 0).sum())
    notes = [
        f"Dots: no significant difference (false-discovery rate {rate:g} % over all bins tested, {tested} "
        "of this class; calendar blocks permuted), or too few events to be tested. Hatched: one of both was "
        "observed too shortly, or neither has an event; grey: not observed by both",
    ]
    if "warning" in dataset.attrs:
        notes.append(str(dataset.attrs["warning"]))
    share = dataset.common_share.values
    words = " to ".join(dict.fromkeys(f"{100 * value:.0f}" for value in (share.min(), share.max())))
    notes.append(f"{words} % of the dwell is in bins that both observed")
    notes += meaning_in_words(dim, str(dataset.attrs["split_meaning"]), dataset.attrs)
    return notes + lacking_in_words(dataset.attrs)
