"""The audit of the properties of a block's events: some are worked out again from the archive."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from reprocess.catalogue.properties import describe_events
from reprocess.catalogue.stage import origin_of
from reprocess.errors import LedgerError
from reprocess.pages.words import counted
from reprocess.schema.properties import PROPERTY_COLUMNS, PROPERTY_KEY
from reprocess.work.described import made_from, read_part_of_properties
from reprocess.work.held import Held
from reprocess.work.parts import part_path
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import DetectReceipt

SAMPLE = 20
"""Events of a block whose properties are worked out again: evenly among its rows, first and last included."""

_RTOL = 1e-6
"""Relative difference that the order of sums on another processor may make."""


def properties_troubles(
    work: Work, run: Run, receipt: DetectReceipt, events: pd.DataFrame, held: Held
) -> Iterator[tuple[str, str, str]]:
    """Return what is wrong with the properties of a block, if there are any; none are claimed.

    Parameters
    ----------
    work : Work
    run : Run
    receipt : DetectReceipt
        The block's, whose events are sound.
    events : DataFrame
        Its event part.
    held : Held
        The archive's days of the block and beside it.

    Yields
    ------
    tuple of str
        Kind of the finding, what should be, what is.
    """
    path = part_path(run.properties, receipt["satellite"], receipt["block"])
    if not path.exists():
        return
    origin, backgrounds = origin_of(receipt, held)
    told = made_from(path)
    if not told:
        yield "damaged", "a Parquet file", "a file that cannot be read"
        return
    for name, value in origin.items():
        if told.get(name) != value:
            yield "outdated", f"{name} {value}", f"{name} {told.get(name, '(none)')}"
            return
    try:
        stored = read_part_of_properties(path)
    except LedgerError as e:
        yield "damaged", "the columns of properties", str(e)
        return
    if len(stored) != len(events) or any(list(stored[n]) != list(events[n]) for n in PROPERTY_KEY):
        yield (
            "contradiction",
            f"the {counted(len(events), 'event')} of the block",
            counted(len(stored), "other"),
        )
        return
    rows = np.unique(np.linspace(0, len(events) - 1, min(SAMPLE, len(events))).round().astype(int))
    chosen = events.iloc[rows].reset_index(drop=True)
    again = describe_events(work, receipt["satellite"], chosen, backgrounds)
    for name, column in PROPERTY_COLUMNS.items():
        then, now = stored[name].to_numpy()[rows], np.asarray(again[name])
        wrong = ~_alike(then, now, column.dtype)
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            where = f"{name} of the event that begins with record {chosen['start_index'][first]} on "
            yield "contradiction", f"{now[first]} as {where}{chosen['date'][first]}", str(then[first])


def _alike(then: np.ndarray, now: np.ndarray, dtype: str) -> np.ndarray:
    """Tell which values are equal but for rounding."""
    if dtype.startswith("float"):
        return np.isclose(then.astype(float), now.astype(float), rtol=_RTOL, atol=0, equal_nan=True)
    return np.asarray(then == now)
