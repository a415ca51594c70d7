"""Figures of a comparison: rates of both runs by L and MLT, and their difference."""

import numpy as np

from reprocess.comparison.maps import RateMaps
from reprocess.maps.dials import difference_scale, rate_scale
from reprocess.maps.occurrence import poisson_interval
from reprocess.maps.plot import Panel, draw_panels
from reprocess.pages.style import CLASS_LABELS, LETTERS, png, style
from reprocess.pages.words import counted, noun_of
from reprocess.schema import EVENT_CLASSES
from reprocess.schema.grid import Grid


def draw_difference(maps: RateMaps, grid: Grid, name: str) -> bytes:
    """Return a PNG of one class: events per hour in A, in B on the same scale, and B - A.

    Bins whose interval of the difference leaves out zero have a dot.
    """
    k = list(EVENT_CLASSES).index(name)
    rates = np.stack([maps.rate_a[k], maps.rate_b[k]])
    events, dwell = (
        np.stack(pair) for pair in ((maps.events_a[k], maps.events_b[k]), (maps.dwell_a_s, maps.dwell_b_s))
    )
    lower = poisson_interval(events)[0] / np.where(np.isfinite(rates), dwell / 3600, np.nan)
    scale = rate_scale(rates, lower)
    seen: np.ndarray = dwell > 0
    panels = [
        Panel(f"{run}: {counted(count, 'event')} in these bins", rate, scale, thin)
        for run, count, rate, thin in zip("AB", events.sum(axis=(1, 2)).tolist(), rates, seen, strict=True)
    ]
    limits = None if maps.lower is None or maps.upper is None else (maps.lower[k], maps.upper[k])
    signed = difference_scale(maps.difference[k], "B - A (events per hour of dwell)", limits=limits)
    change = int(maps.events_b[k].sum() - maps.events_a[k].sum())
    panels.append(
        Panel(
            f"B - A: {change:+d} {noun_of(abs(change), 'event')}",
            maps.difference[k],
            signed,
            seen[0] & seen[1],
            maps.beyond[k],
        )
    )
    notes = [
        "white: observed, no event (in A and B), or no difference; hatched: too short for a rate; "
        "grey: never observed",
        "dots: the interval of the difference leaves out zero"
        + ("" if not maps.beyond[k].any() else "; the scale ends at the largest such difference"),
    ]
    heading = CLASS_LABELS[name], "A and B have one scale; both hemispheres"
    with style(LETTERS["two"]):
        return png(draw_panels(panels, (grid.L_edges, grid.MLT_edges), heading, notes))
