"""Dials of what events are like: the quartiles of a property, and the energy that events bring down."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from reprocess.maps.attributes import lacking_in_words
from reprocess.maps.dials import Scale, sequential
from reprocess.maps.plain import edges_of
from reprocess.maps.plot import Panel, colours_in_words, draw_panels, heading_of, write_figures
from reprocess.maps.quantities import POWER
from reprocess.maps.split_plot import empty_parts, parts_in_words, plot_split, split_in_words
from reprocess.pages.style import CLASS_LABELS
from reprocess.pages.words import counted

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_DECADES = 30.0
"""Range of values from which on their scale is logarithmic."""


def plot_property(
    dataset: xr.Dataset, folder: Path, stem: str, look: Mapping[str, Any], dims: Sequence[str] = ()
) -> list[Path]:
    """Write one figure per class, in each format: arguments as `split_plot.plot_split`."""
    if dims:
        return plot_split(dataset, dims, folder, stem, look, property_split_figure)
    draw = partial(property_figure, dataset)
    return write_figures(draw, dataset, folder / stem, look.get("formats", ("png",)))


def property_figure(dataset: xr.Dataset, name: str) -> Figure:
    """Draw the quartiles of a property of a class, and its mean over time if the map has that.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `quantities.with_property` returns.
    name : str
        The class.
    """
    of = str(dataset.attrs["property"])
    chosen = dataset.sel(event_class=name)
    units = str(dataset[f"{of}_median"].attrs["units"])
    thin = dataset.dwell.values > 0
    titles = {"median": "median", "quartile_lower": "lower quartile", "quartile_upper": "upper quartile"}
    every = np.stack([dataset[f"{of}_{which}"].values for which in titles])
    scale = value_scale(every, f"{of}{'' if units == '1' else f' ({_printed(units)})'}")
    panels = [Panel(title, chosen[f"{of}_{which}"].values, scale, thin) for which, title in titles.items()]
    count = int(chosen[f"{of}_count"].sum())
    notes = [
        f"{counted(count, 'event')} with a value; hatched: observed, and no such event; grey: never observed"
    ]
    notes += _meaning(dataset, of)
    if f"mean_{of}" in dataset:
        mean = value_scale(dataset[f"mean_{of}"].values, f"mean {of} ({_printed('mW m-2')})")
        panels.append(Panel("mean over all time", chosen[f"mean_{of}"].values, mean, thin))
        notes.append(f"{_power(chosen)}: {dataset.attrs['power_is']}")
        notes.append(f"Mean over all time: {colours_in_words(dataset)}")
    notes += lacking_in_words(dataset.attrs)
    notes += _warnings(dataset)
    heading = heading_of(dataset, f"{CLASS_LABELS[name]}: {of}")
    return draw_panels(panels, edges_of(dataset), heading, notes)


def property_split_figure(dataset: xr.Dataset, dim: str, name: str, vmax: float | None = None) -> Figure:
    """Draw the median of a property of a class for every part of a split that has any, on one scale.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `quantities.with_property` returns, split by one thing.
    dim : str
        That.
    name : str
        The class.
    vmax : float, optional
        No rates are drawn whose scale could end there.
    """
    del vmax
    of, chosen = str(dataset.attrs["property"]), dataset.sel(event_class=name)
    units, empty = str(dataset[f"{of}_median"].attrs["units"]), empty_parts(dataset, dim, name)
    label = f"median {of}{'' if units == '1' else f' ({_printed(units)})'}"
    scale = value_scale(dataset[f"{of}_median"].values, label)
    panels, power = [], []
    for part_of in (value for value in dataset[dim].values.tolist() if value not in empty):
        part = chosen.sel({dim: part_of})
        count = counted(int(part[f"{of}_count"].sum()), "event")
        title = f"{part_of}\n{count} with a value"
        panels.append(Panel(title, part[f"{of}_median"].values, scale, part.dwell.values > 0))
        power += [f"{part_of}: {_power(part)}"] if "power" in part else []
    notes = ["hatched: observed, and no such event; grey: never observed; all dials have one scale"]
    notes += [
        *parts_in_words(dataset, dim, empty),
        *_meaning(dataset, of),
        *power,
        *([POWER] if power else []),
    ]
    notes += [*lacking_in_words(dataset.attrs), *_warnings(dataset)]
    heading = heading_of(dataset, f"{CLASS_LABELS[name]}: {of} by {split_in_words(dataset, dim)}")
    return draw_panels(panels, edges_of(dataset), heading, notes, min(4, len(panels)))


def _meaning(dataset: xr.Dataset, of: str) -> list[str]:
    """Say what a property is, if the file does."""
    meaning = dataset[f"{of}_median"].attrs.get("long_name", "").rpartition(f"{of}: ")[2]
    return [f"{of}: {meaning}"] if meaning else []


def _warnings(dataset: xr.Dataset) -> list[str]:
    return [str(dataset.attrs[key]) for key in ("warning", "interval_note") if key in dataset.attrs]


def _printed(units: str) -> str:
    """Return units with their powers raised, as journals print them: ``mW m-2`` as mW m⁻²."""
    return re.sub(r"-\d", lambda power: power[0].translate(_RAISED), units)


def _power(chosen: xr.Dataset) -> str:
    value, lower, upper = (float(chosen[f"power{end}"]) for end in ("", "_lower", "_upper"))
    interval = f" ({lower:.2g} to {upper:.2g}, 68 %)" if np.isfinite(lower) else ""
    return f"Power over a hemisphere {value:.2g} MW{interval}"


def value_scale(values: np.ndarray, label: str) -> Scale:
    """Return a scale that holds all values; logarithmic, and so called, where they are far apart."""
    known = values[np.isfinite(values) & (values != 0)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if low > 0 and high > _DECADES * low:
        ends = 10.0 ** np.array([np.floor(np.log10(low)), np.ceil(np.log10(high))])
        return Scale(LogNorm(*ends), sequential(), f"{label}, logarithmic")
    return Scale(Normalize(min(low, 0.0), high if high > min(low, 0.0) else 1.0), sequential(), label)
