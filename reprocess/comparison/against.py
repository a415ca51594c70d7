"""A run held against a list of events of another mission, or of its own satellites."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from reprocess.comparison.coincidence import Coverage, coincidence_table, count_by_class
from reprocess.comparison.listed import POSITIONS, Listed
from reprocess.comparison.looking import look_up
from reprocess.comparison.positions import FOOT_KM, placed
from reprocess.detect.rules.modes import mode_of
from reprocess.physics.coincidence import Shifts, Spots, Windows
from reprocess.work.parts import read_events
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import days_of


def match_list(
    work: Work,
    run: Run,
    listed: Listed,
    windows: Windows,
    shifts: Shifts,
    *,
    others: bool = False,
    looking: bool = True,
    altitude: float = FOOT_KM,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Tell which events of a run coincide with listed ones, how many would by chance, and who was looking.

    Parameters
    ----------
    work : Work
    run : Run
    listed : Listed
        What `listed.read_listed` or `listed.of_run` returns.
    windows : Windows
        How near is near.
    shifts : Shifts
        The controls.
    others : bool
        Whether only pairs of different satellites count.
    looking : bool
        Whether to look up who observed, in the archive.
    altitude : float
        That of the latitudes and longitudes of a list that has no L and no MLT, km; see `positions.placed`.
    say : callable
        Told of each satellite that is looked up.

    Returns
    -------
    pandas.DataFrame
        The columns of `schema.COINCIDENCE_COLUMNS`.
    dict
        Counts by class with those of chance, windows, controls and rows left out, ready for JSON.
    """
    receipts = list(run.ledger.done())
    events, days = read_events(run, receipts), set(days_of(receipts))
    if set(POSITIONS) <= set(listed.table.columns):
        listed = placed(work, days, listed, altitude, say)
    counts = count_by_class(Spots.of(listed.table), events, windows, shifts, Coverage(days), others=others)
    table = listed.table.assign(observed_s=float("nan"), looking="")
    if looking:
        mode = mode_of(run.read_identity() or {})
        table = look_up(work, mode, days, listed.table, windows, others=others, say=say)
    facts = {
        "run": run.name,
        "rows": listed.rows,
        "listed": len(listed.table),
        "left_out": listed.reasons,
        "lines_left_out": [{"line": k, "reason": r, "what": w} for k, r, w in listed.left_out],
        "has": list(listed.places),
        "from_positions": listed.mapped,
        "altitude_km": altitude if listed.mapped else None,
        "simulated_satellite_days": sum(bool(day.get("simulated")) for day in days_of(receipts).values()),
        "windows": {"minutes": windows.minutes, "L": windows.L, "MLT_h": windows.MLT_h},
        "shifts": {"step_h": shifts.hours, "each_way": shifts.count},
        "only_other_satellites": others,
        "events": len(events),
        "satellite_days": len(days),
        "looked_up": looking,
        "somebody_looking": int((table["observed_s"] > 0).sum()) if looking else None,
        "counts": counts,
    }
    return coincidence_table(table, events, windows, others=others), facts
