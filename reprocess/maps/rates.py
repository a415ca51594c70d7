"""Rates, shares and their intervals from what is counted; the division is last."""

from dataclasses import replace

import numpy as np

from reprocess import schema
from reprocess.maps.intervals import block_interval, dispersion, poisson_interval
from reprocess.maps.tally import Tally
from reprocess.schema import EVENT_CLASSES

_CLASSES = tuple(EVENT_CLASSES)


def rates(tally: Tally, min_dwell_s: float) -> dict[str, np.ndarray]:
    """Return every variable of maps that `schema.OCCURRENCE` declares, and `schema.PASSES` if they are known.

    Parameters
    ----------
    tally : Tally
    min_dwell_s : float
        Bins with less dwell get no rate and no share.

    Returns
    -------
    dict of str to ndarray, shape (parts, classes, bins) or (parts, bins)
    """
    parts = [_rates(tally, part, min_dwell_s) for part in range(tally.events.shape[0])]
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


def collapse(tally: Tally, shape: tuple[int, int], axis: str) -> Tally:
    """Return a tally summed over bins: those of L or MLT are left, or one of all.

    Parameters
    ----------
    tally : Tally
    shape : tuple of int
        Bins of L and MLT.
    axis : str
        ``L``, ``MLT`` or nothing.
    """
    over = {"L": (-1,), "MLT": (-2,)}.get(axis, (-2, -1))

    def summed(values: np.ndarray) -> np.ndarray:
        lead = values.shape[:-1]
        return values.reshape(*lead, *shape).sum(axis=over).reshape(*lead, -1)

    events, dwell, within = (summed(values) for values in (tally.events, tally.dwell, tally.within))
    return replace(tally, events=events, dwell=dwell, within=within)


def _rates(tally: Tally, part: int, min_dwell_s: float) -> dict[str, np.ndarray]:
    events = tally.events[part]
    shared = part if tally.dwell.shape[0] > 1 else 0
    seconds, within = tally.dwell[shared], tally.within[shared]
    counts, dwell, precipitation = events.sum(axis=1), seconds.sum(axis=0), within.sum(axis=1)
    seen = dwell >= max(min_dwell_s, schema.SAMPLING_S)
    hours = np.where(seen, dwell, np.nan) / 3600
    lower, upper = poisson_interval(counts)
    found = {
        "events": counts,
        "dwell": dwell.astype(np.float64),
        "blocks": np.count_nonzero(seconds, axis=0),
        "event_rate": counts / hours,
        "event_rate_poisson_lower": lower / hours,
        "event_rate_poisson_upper": upper / hours,
        "event_dispersion": np.stack([dispersion(events[k], seconds) for k in range(len(_CLASSES))]),
        "precipitation": precipitation.astype(np.float64),
        "occurrence_fraction": precipitation / np.where(seen, dwell, np.nan),
    }
    found |= _passes(tally, shared, seen)
    found |= _limits("event_rate", events, seconds / 3600, seen)
    found |= _limits("occurrence_fraction", within, seconds, seen, proportion=True)
    return found | _share(events, seen)


def _passes(tally: Tally, part: int, seen: np.ndarray) -> dict[str, np.ndarray]:
    """Return passes, those with an event, their share and its interval; nothing if passes are not known."""
    if tally.passes is None or tally.passed is None:
        return {}
    every, hit = tally.passes[part], tally.passed[part]
    passes, passed = every.sum(axis=0), hit.sum(axis=1)
    usable = seen & (passes > 0)
    share = np.where(usable, passed / np.maximum(passes, 1), np.nan)
    found = {"passes": passes, "passes_with_event": passed, "pass_probability": share}
    return found | _limits("pass_probability", hit, every, usable, proportion=True)


def _share(events: np.ndarray, seen: np.ndarray) -> dict[str, np.ndarray]:
    """Return the share of REP among all events and its interval."""
    rep, both = events[_CLASSES.index("REP")], events.sum(axis=0)
    total = both.sum(axis=0)
    usable = seen & (total > 0)
    share = np.where(usable, rep.sum(axis=0) / np.maximum(total, 1), np.nan)
    return {"rep_share": share} | {
        name: limit[0] for name, limit in _limits("rep_share", rep[np.newaxis], both, usable, True).items()
    }


def _limits(
    name: str, numerator: np.ndarray, denominator: np.ndarray, seen: np.ndarray, proportion: bool = False
) -> dict[str, np.ndarray]:
    """Return the limits of one ratio for several numerators, shape (k, blocks, bins)."""
    count, blocks, bins = numerator.shape
    over = np.tile(denominator, (1, count))
    limits = block_interval(np.moveaxis(numerator, 0, 1).reshape(blocks, -1), over, proportion)
    return {
        f"{name}_{which}": np.where(seen, limit.reshape(count, bins), np.nan)
        for which, limit in (("lower", limits.lower), ("upper", limits.upper))
    }
