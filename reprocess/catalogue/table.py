"""The event table with all that is known of each event: what a catalogue holds."""

import numpy as np
import pandas as pd

from reprocess.physics.coincidence import Shifts, Spots, Windows, groups, near
from reprocess.schema import EVENT_COLUMNS, Variable
from reprocess.schema.properties import MATCH_COLUMNS, PROPERTY_COLUMNS, PROPERTY_KEY
from reprocess.work.described import read_properties
from reprocess.work.parts import read_events
from reprocess.work.paths import Run

CONTROLS = Shifts(count=3)
"""How events are moved to count matches by chance: to the days around, which are about as active."""

KEY = ("satellite", *PROPERTY_KEY)
"""Columns that name an event."""

CATALOGUE_COLUMNS: dict[str, Variable] = {
    **EVENT_COLUMNS,
    **{name: column for name, column in PROPERTY_COLUMNS.items() if name not in PROPERTY_KEY},
    **MATCH_COLUMNS,
}


def read_catalogue(run: Run) -> pd.DataFrame:
    """Return the events of a run with properties and coincidences, sorted by start, satellite and class.

    Raises
    ------
    LedgerError
        If events were not described, or described from other events than there are.
    """
    receipts = list(run.ledger.done())
    events, found = read_events(run, receipts), read_properties(run, receipts)
    table = events.merge(found, on=list(KEY), how="left", validate="one_to_one")
    table = table.sort_values(["start_time", "satellite", "event_class"], ignore_index=True)
    return table.assign(**coincidences(table))[list(CATALOGUE_COLUMNS)]


def coincidences(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return how many events of other satellites are near each event, how many by chance, and its group."""
    if not len(table):
        return {name: np.empty(0, column.dtype) for name, column in MATCH_COLUMNS.items()}
    spots, windows = Spots.of(table), Windows()

    def pairs(shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
        return near(spots, spots, windows, shift=shift, others=True)

    def count(shift: int = 0) -> np.ndarray:
        return np.bincount(pairs(shift)[0], minlength=len(table))

    return {
        "matches": count().astype(np.int32),
        "matches_by_chance": np.mean([count(ms) for ms in CONTROLS.ms], axis=0).astype(np.float32),
        "group": groups(spots.start, np.stack(pairs(), axis=1)),
    }
