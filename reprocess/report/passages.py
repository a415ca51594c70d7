"""Records of some events for the explorer: what `plots.view` shows of each, as arrays of a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.errors import ReprocessError
from reprocess.pages.style import CLASS_COLOURS, ENERGY_COLOURS
from reprocess.plots.choice import AROUND_S, view_event
from reprocess.plots.view import Source, View
from reprocess.schema import EVENT_CLASSES
from reprocess.schema.instrument import ELECTRON_KEV
from reprocess.work.paths import Run, Work

PROBABILITY_STEPS = 200
"""Into how many steps a page divides probabilities; a byte holds them so, and one for none."""

_NONE = 255


@dataclass(frozen=True)
class Passages:
    """Records of events, one event after the other."""

    events: np.ndarray
    """Positions in the event table, int, shape (k,)."""
    views: tuple[View, ...]
    """What there is of each."""
    failed: int = 0
    """Events whose records cannot be had."""
    reason: str = ""
    """Why, of the first of them."""


def find_passages(work: Work, run: Run, table: pd.DataFrame, count: int) -> Passages:
    """Read the records of events and a minute on either side, of those with the largest E4 flux.

    Parameters
    ----------
    work : Work
    run : Run
    table : DataFrame
        Its event table, as `work.parts.read_events` returns it.
    count : int
        How many events; where fluxes are alike, the first in the table.
    """
    if not count:
        return Passages(np.empty(0, np.int64), ())
    order = np.argsort(-table["max_e4_0"].to_numpy(float), kind="stable")[:count]
    sources: dict[str, Source] = {}
    kept, views, reasons = [], [], []
    for position in np.sort(order).tolist():
        satellite = str(table.loc[position, "satellite"])
        source = sources.setdefault(satellite, Source(work, satellite, run, table))
        try:
            views.append(view_event(source, position))
            kept.append(position)
        except ReprocessError as e:
            reasons.append(str(e))
    return Passages(np.array(kept, np.int64), tuple(views), len(reasons), reasons[0] if reasons else "")


def passage_facts(passages: Passages) -> dict[str, Any]:
    """Return what a page knows of passages besides numbers."""
    return {
        "around_s": AROUND_S,
        "gap_s": schema.GAP_S,
        "energies": [
            [f"E{k + 1} >{keV} keV", colour]
            for k, (keV, colour) in enumerate(zip(ELECTRON_KEV, ENERGY_COLOURS, strict=True))
        ],
        "classes": [[name, CLASS_COLOURS[name]] for name in EVENT_CLASSES],
        "steps": PROBABILITY_STEPS,
        "notes": [list(view.notes) for view in passages.views],
        "failed": passages.failed,
        "reason": passages.reason,
    }


def passage_arrays(passages: Passages, table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return passages as arrays of a page.

    Returns
    -------
    dict of str to ndarray
        ``passage_event`` and ``passage_length`` (int32, shape (k,)); of all records one after the other
        ``passage_ms`` since the start of the event, ``passage_L``, ``passage_MLT`` (h), fluxes
        ``passage_e1_0`` … (cm-2 s-1 sr-1), and ``passage_REP`` and ``passage_CSS``, probabilities in
        `PROBABILITY_STEPS`, 255 for none.
    """
    views = passages.views
    start = table["start_time"].to_numpy("datetime64[ms]").astype(np.int64)[passages.events]
    flux = {
        f"passage_e{k + 1}_{angle}": _joined([view.flux[t, k] for view in views])
        for t, angle in enumerate((0, 90))
        for k in range(len(ELECTRON_KEV))
    }
    return {
        "passage_event": passages.events.astype(np.int32),
        "passage_length": np.array([view.time.size for view in views], np.int32),
        "passage_ms": _joined(
            [view.time - first for view, first in zip(views, start.tolist(), strict=True)]
        ).astype(np.int32),
        **{f"passage_{name}": _joined([view.place[name] for view in views]) for name in ("L", "MLT")},
        **flux,
        **{f"passage_{name}": _probabilities(views, name) for name in EVENT_CLASSES},
    }


def _joined(values: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(values) if values else np.empty(0, np.float32)


def _probabilities(views: Sequence[View], name: str) -> np.ndarray:
    at = schema.CLASSES.index(name)
    unknown = [np.full(view.time.size, np.nan) for view in views]
    found = _joined(
        [none if v.probability is None else v.probability[at] for v, none in zip(views, unknown, strict=True)]
    )
    steps = np.round(found * PROBABILITY_STEPS)
    return np.where(np.isnan(steps), _NONE, steps).astype(np.uint8)
