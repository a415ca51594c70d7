"""How many events of a run coincide with listed ones, and how many would by chance.

Two events coincide if the time between them, the difference in L and that in MLT are all within windows. By
chance: the list is moved in time by whole multiples of a step, and counted again. What drives precipitation
lasts for days, so events moved by a day meet about the same activity, and the same places where the
step is whole days; they cannot meet the same precipitation. A control in which fewer of our satellites
have data is scaled up by the satellite-days that it has.
"""

from typing import Any

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.physics.coincidence import Shifts, Spots, Windows, hours_apart, near
from reprocess.schema import EVENT_CLASSES

FEWEST_CONTROLS = 10
"""Controls with data below which no interval of the chance number is given."""

CONFIDENCE = 0.95


class Coverage:
    """How many satellites have data on each day."""

    def __init__(self, days: set[tuple[str, str]]) -> None:
        self._total = np.zeros(schema.DAYS + 1, np.int64)  # the last is every day outside of the calendar
        self._own: dict[str, np.ndarray] = {}
        for satellite, date in days:
            day = schema.day_index(date)
            self._total[day] += 1
            self._own.setdefault(satellite, np.zeros_like(self._total))[day] += 1

    def satellites(self, listed: Spots, shift: int, others: bool) -> np.ndarray:
        """Return for each listed event, moved by `shift`, how many satellites have the day of its start."""
        epoch = int(np.datetime64(schema.EPOCH, "ms").astype(np.int64))
        day = (listed.start + shift - epoch) // schema.MS_PER_DAY
        day = np.where((day >= 0) & (day < schema.DAYS), day, schema.DAYS)
        found = self._total[day]
        if others:
            for name, own in self._own.items():
                found = found - np.where(listed.satellite == name, own[day], 0)
        return found


def count_by_chance(
    listed: Spots, ours: Spots, windows: Windows, shifts: Shifts, coverage: Coverage, *, others: bool = False
) -> dict[str, Any]:
    """Count listed events that coincide with one of ours, and what is expected of chance, ready for JSON.

    Returns
    -------
    dict
        ``coincide``; ``covered``, listed events on whose day one of ours has data; ``expected`` by chance
        with its ``interval`` (95 % of the controls, each scaled to the data that the list itself has; None
        of too few); ``controls``, what each control gave; ``as_many``, the share of controls with at least as
        many, the list itself counted as one, which is what a permutation test calls p.
    """
    here = coverage.satellites(listed, 0, others)
    hits = np.unique(near(listed, ours, windows, others=others)[0]).size
    controls = []
    for shift in shifts.ms:
        satellites = int(coverage.satellites(listed, shift, others).sum())
        found = int(np.unique(near(listed, ours, windows, shift=shift, others=others)[0]).size)
        controls.append({"shift_h": shift / 3_600_000, "coincide": found, "satellite_days": satellites})
    seen = [c for c in controls if c["satellite_days"]]
    scaled = np.array([c["coincide"] * here.sum() / c["satellite_days"] for c in seen])
    weight = sum(c["satellite_days"] for c in seen)
    tail = (1 - CONFIDENCE) / 2
    enough = len(seen) >= FEWEST_CONTROLS
    return {
        "coincide": int(hits),
        "covered": int((here > 0).sum()),
        "expected": float(sum(c["coincide"] for c in seen) * here.sum() / weight) if weight else None,
        "interval": [float(x) for x in np.quantile(scaled, [tail, 1 - tail])] if enough else None,
        "as_many": float((1 + (scaled >= hits).sum()) / (1 + scaled.size)) if enough else None,
        "controls": controls,
    }


def count_by_class(
    listed: Spots,
    events: pd.DataFrame,
    windows: Windows,
    shifts: Shifts,
    coverage: Coverage,
    *,
    others: bool = False,
) -> dict[str, dict[str, Any]]:
    """Return what `count_by_chance` does for our events of any class, and of each."""
    tables = {"any": events, **{name: events[events["event_class"] == name] for name in EVENT_CLASSES}}
    return {
        name: count_by_chance(listed, Spots.of(table), windows, shifts, coverage, others=others)
        for name, table in tables.items()
    }


def coincidence_table(
    listed: pd.DataFrame, events: pd.DataFrame, windows: Windows, *, others: bool = False
) -> pd.DataFrame:
    """Return listed events and what coincides with each, a row for each pair and one where there is none.

    Parameters
    ----------
    listed : pandas.DataFrame
        `Listed.table`, with `observed_s` and `looking`.
    events : pandas.DataFrame
        The run's events.

    Returns
    -------
    pandas.DataFrame
        The columns of `schema.COINCIDENCE_COLUMNS`.
    """
    i, j = near(Spots.of(listed), Spots.of(events), windows, others=others)
    alone = np.setdiff1d(np.arange(len(listed)), i)
    i, j = np.concatenate([i, alone]), np.concatenate([j, np.full(alone.size, -1)])
    order = np.lexsort((j, i))
    i, j = i[order], j[order]
    left = listed.iloc[i].reset_index(drop=True)
    right = events.reset_index(drop=True).reindex(j)
    found = {
        "line": left["line"],
        "observed_s": left["observed_s"],
        "looking": left["looking"],
        "listed_satellite": left["satellite"],
        "listed_class": left["event_class"],
        "listed_L": left["L"],
        "listed_MLT": left["MLT"],
    }
    found |= {f"listed_{x}_time": left[f"{x}_time"].dt.tz_localize("UTC") for x in ("start", "stop")}
    found |= {
        name: right[name].where(j >= 0, "").reset_index(drop=True) for name in ("satellite", "event_class")
    }
    found |= {name: right[name].reset_index(drop=True) for name in ("start_time", "stop_time", "L", "MLT")}
    table = pd.DataFrame(found)
    later = table[["start_time", "listed_start_time"]].max(axis=1, skipna=False)
    earlier = table[["stop_time", "listed_stop_time"]].min(axis=1, skipna=False)
    table["apart_s"] = (later - earlier).dt.total_seconds().clip(lower=0)
    table["apart_L"] = table["L"] - table["listed_L"]
    table["apart_MLT"] = hours_apart(
        table["MLT"].to_numpy(np.float64), table["listed_MLT"].to_numpy(np.float64)
    )
    return table[list(schema.COINCIDENCE_COLUMNS)]
