"""Figures of what was found in data of one's own."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from reprocess.detect.rules.mode import Stretch
from reprocess.errors import PlotError
from reprocess.library.given import Given, stored
from reprocess.pages.style import LETTERS, image, style
from reprocess.plots.figure import draw_panels, draw_view, title_of_event
from reprocess.plots.panels import label_time
from reprocess.plots.view import ARRAYS, View, join, marked, of_records

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PLACE = ("L", "MLT", "latitude")
"""What stands below the time."""

_SHOWN_BY = "_repr_png_"
"""What a notebook asks an object for; it knows figures of pyplot only."""


def draw_event(
    events: pd.DataFrame,
    probabilities: xr.DataArray,
    given: Given,
    row: int,
    around_s: float,
    counts: bool,
    axes: Sequence["Axes"] | None,
) -> "Figure":
    """Draw an event; parameters and errors as `library.classify.Classification.plot_event` says."""
    if not 0 <= row < len(events):
        raise PlotError(f"there is no event in row {row}: there are {len(events)}, counted from 0")
    if axes is not None and len(axes) != 4:
        raise PlotError(f"an event is drawn on 4 axes, {len(axes)} are given")
    margin = round(1000 * around_s)
    one = events.iloc[row]
    start, stop = (_milliseconds(one[name]) for name in ("start_time", "stop_time"))
    view = _view(events, probabilities, given, start - margin, stop + margin)
    if axes is not None:
        panels = draw_panels(list(axes), view, counts=counts)
        label_time(panels[-1], view, names=_PLACE)
        return panels[0].get_figure(root=True)  # type: ignore[return-value]
    with style(LETTERS["two"]):
        figure = draw_view(view, title_of_event(view, events, row), counts=counts, names=_PLACE)
    setattr(figure, _SHOWN_BY, partial(image, figure, "png", 100))
    return figure


def _view(
    events: pd.DataFrame, probabilities: xr.DataArray, given: Given, start_ms: int, stop_ms: int
) -> View:
    """Return what is shown between two times."""
    parts = []
    for day in given.days.values():
        if day.time[0] <= stop_ms and day.time[-1] >= start_ms:
            records = {name: stored(name, np.asarray(day.read(name))) for name in ARRAYS}
            whole = Stretch(records, slice(0, day.time.size), {})
            parts.append(of_records(given.satellite, start_ms, stop_ms, whole))
    shown = (given.time.astype(np.int64) >= start_ms) & (given.time.astype(np.int64) <= stop_ms)
    return replace(
        join(parts),
        probability=probabilities[:, shown].to_numpy(),
        events=marked(events).between(start_ms, stop_ms),
        simulated=given.simulated,
    )


def _milliseconds(time: pd.Timestamp) -> int:
    return int(time.value // 1_000_000)
