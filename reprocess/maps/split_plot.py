"""Figures of splits: a dial for each part that has anything, on one scale."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from reprocess.maps.attributes import lacking_in_words, meaning_in_words
from reprocess.maps.dials import rate_scale
from reprocess.maps.plain import edges_of
from reprocess.maps.plot import (
    Panel,
    certain_rate,
    colours_in_words,
    draw_panels,
    end_in_words,
    heading_of,
    intervals_in_words,
    write_figures,
)
from reprocess.maps.split import REST
from reprocess.pages.style import CLASS_LABELS
from reprocess.pages.words import counted

MOST_PARTS = 24
"""Dials of a split that one figure can hold."""


def plot_split(
    dataset: xr.Dataset,
    dims: Sequence[str],
    folder: Path,
    stem: str,
    look: Mapping[str, Any],
    figure: Callable[..., Figure] | None = None,
) -> list[Path]:
    """Write one figure per class of all parts of a split, in each format.

    Splits by several things have the last of them on the dials of a figure, and a figure for each part of the
    others. A split into more than `MOST_PARTS` that have anything has none.

    Parameters
    ----------
    dataset : xarray.Dataset
        With these dimensions besides those of ``occurrence.nc``.
    dims : sequence of str
    folder : Path
        Where the files go.
    stem : str
        How their names begin.
    look : mapping
        Arguments of `plot_occurrence`, of which formats and vmax are used.
    figure : callable, optional
        What draws it, as `split_figure`, which draws rates if left out.
    """
    *outer, inner = dims
    paths: list[Path] = []
    for labels in product(*(dataset[dim].values.tolist() for dim in outer)):
        chosen = dict(zip(outer, labels, strict=True))
        half = {"chosen_hemispheres": chosen["hemisphere"]} if "hemisphere" in chosen else {}
        part = dataset.sel(chosen).assign_attrs(half)
        classes = part.event_class.values.tolist()
        drawn = [part.sizes[inner] - len(empty_parts(part, inner, name)) for name in classes]
        if not min(drawn) or max(drawn) > MOST_PARTS or _is_empty_rest(dataset, chosen):
            continue
        told = "_".join([stem, *(label.replace(" ", "-") for label in labels)])
        draw = partial(figure or split_figure, part, inner, vmax=look.get("vmax"))
        paths += write_figures(draw, part, folder / told, look.get("formats", ("png",)))
    return paths


def _is_empty_rest(dataset: xr.Dataset, chosen: Mapping[str, str]) -> bool:
    """Tell whether a part is of what is in no bin of a property of events, and has none."""
    return any(
        label in REST
        and not int(dataset.events.sel({dim: label}).sum())
        and bool((dataset.dwell == dataset.dwell.isel({dim: 0})).all())
        for dim, label in chosen.items()
    )


def empty_parts(dataset: xr.Dataset, dim: str, name: str) -> dict[str, str]:
    """Return which parts of a split the figure of a class leaves out, and why: in words.

    Those are parts without a rate. If the parts are of what events are, which share the time observed, those
    of what is in no bin (`split.REST`) are left out too if they have no event.
    """
    rest = [other for other in dataset.events.dims if other != dim]
    labels = dataset[dim].values.tolist()
    seen = dataset.event_rate.notnull().any(rest).values
    has = (dataset.events.sel(event_class=name).sum(["L", "MLT"]) > 0).values
    shared = bool((dataset.dwell == dataset.dwell.isel({dim: 0})).all())
    why = {}
    for label, rated, event in zip(labels, seen, has, strict=True):
        if not rated:
            why[label] = "no rate"
        elif shared and label in REST and not event:
            why[label] = "no event"
    return why


def split_figure(
    dataset: xr.Dataset, dim: str, name: str, vmax: float | None = None, columns: int = 4
) -> Figure:
    """Draw the event rates of a class for every part of a split that is not empty, on one scale.

    Parameters
    ----------
    dataset : xarray.Dataset
        With the variables of ``occurrence.nc`` and one labelled dimension more.
    dim : str
        That dimension; its labels are the headings of the dials.
    name : str
        The class.
    vmax : float, optional
        Where the scale of rates ends, events per hour.
    columns : int
        Dials in a row.
    """
    chosen, empty = dataset.sel(event_class=name), empty_parts(dataset, dim, name)
    scale = rate_scale(dataset.event_rate.values, certain_rate(dataset), vmax=vmax)
    panels = []
    for label in (label for label in dataset[dim].values.tolist() if label not in empty):
        part = chosen.sel({dim: label})
        hours, events = float(part.dwell.sum()) / 3600, int(part.events.sum())
        title = f"{label}\n{counted(events, 'event')}, {hours:,.0f} h"
        panels.append(Panel(title, part.event_rate.values, scale, part.dwell.values > 0))
    heading = heading_of(dataset, f"{CLASS_LABELS[name]} by {split_in_words(dataset, dim)}")
    notes = [
        *parts_in_words(dataset, dim, empty),
        colours_in_words(dataset),
        "All dials have one scale; it ends " + end_in_words(dataset, vmax),
    ]
    notes += [*lacking_in_words(dataset.attrs), *intervals_in_words(dataset)]
    return draw_panels(panels, edges_of(dataset), heading, notes, min(columns, len(panels)))


def split_in_words(dataset: xr.Dataset, dim: str) -> str:
    """Return what a figure is by, and of which part of what the map is split by besides."""
    of = [f"{name} {value.item()}" for name, value in dataset.coords.items() if not value.ndim]
    return ", ".join([dim, *of])


def parts_in_words(dataset: xr.Dataset, dim: str, empty: Mapping[str, str]) -> list[str]:
    """Say what the parts of a split are of, from which files an index is, and which are not drawn."""
    left_out = ", ".join(f"{label} ({why})" for label, why in empty.items())
    notes = [f"Not drawn: {left_out}"] if empty else []
    return [*meaning_in_words(dim, dataset[dim].attrs.get("long_name", ""), dataset.attrs), *notes]
