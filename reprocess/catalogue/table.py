"""The event table with all that is known of each event: what a catalogue holds."""

import numpy as np
import pandas as pd

from reprocess.physics.coincidence import groups, matches, pairs
from reprocess.schema import EVENT_COLUMNS, Variable
from reprocess.schema.properties import MATCH_COLUMNS, PROPERTY_COLUMNS, PROPERTY_KEY
from reprocess.work.described import read_properties
from reprocess.work.parts import read_events
from reprocess.work.paths import Run

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
    return table.assign(**_coincidences(table))[list(CATALOGUE_COLUMNS)]


def _coincidences(table: pd.DataFrame) -> dict[str, np.ndarray]:
    time = table["peak_time"].to_numpy("datetime64[ms]").astype(np.int64)
    satellite, L, mlt = table["satellite"].to_numpy(), *(table[n].to_numpy(float) for n in ("L", "MLT"))
    if not len(table):
        return {name: np.empty(0, column.dtype) for name, column in MATCH_COLUMNS.items()}
    found, by_chance = matches(time, satellite, L, mlt)
    return {
        "matches": found.astype(np.int32),
        "matches_by_chance": by_chance.astype(np.float32),
        "group": groups(time, pairs(time, satellite, L, mlt)),
    }
