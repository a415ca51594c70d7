"""Small ingested archives whose events are known: fake days with precipitation put where it is said."""

import datetime as dt
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.blocks import IngestPlan, ingest_block
from reprocess.catalog import list_archive
from reprocess.ledger import merge_catalog
from reprocess.store import create_store
from reprocess.work import Work
from tests.fake import COUNT_E, granule_path, variables, write_granule

RECORDS = 1000
"""Length of the record axis with the fixture `short_record_axis`."""

Event = tuple[str, str, str, str]
"""Satellite, first and last record's time, class."""

COUNTS = {"REP": (60, 60, 60, 40), "CSS": (60, 40, 20, 6)}
"""Counts of E1-E4 that an event adds in both telescopes."""


def event_table(events: Iterable[Event]) -> pd.DataFrame:
    """Return events in the form that `read_event_list` gives, sorted as it does."""
    columns = ["satellite", "start_time", "stop_time", "event_class"]
    table = pd.DataFrame(list(events), columns=columns)
    table = table.astype({"start_time": "datetime64[ms]", "stop_time": "datetime64[ms]"})
    return table.sort_values(["satellite", "start_time"], ignore_index=True)


def day_variables(satellite: str, date: str, n: int, events: Iterable[Event]) -> dict[str, np.ndarray]:
    """Return a fake day of n records, ending at midnight, with its share of events in the electron fluxes."""
    content = {name: values[:n] for name, values in variables(satellite, date, n=max(n, 400)).items()}
    # No two records are alike, so that windows can be told apart.
    rng = np.random.default_rng([n, schema.SATELLITES[satellite].sat_id, *map(int, date.split("-"))])
    content["mep_ele_tel90_flux_e1"] += rng.uniform(0, 1, n).astype(np.float32)
    midnight = int(np.datetime64(date, "ms").astype(np.int64)) + schema.MS_PER_DAY
    content["time"] = (midnight - 500 - 2000 * np.arange(n)[::-1]).astype(np.uint64)
    for name, start, stop, event_class in events:
        edges = (np.datetime64(t, "ms").astype(np.int64) for t in (start, stop))
        low, high = (int(t) for t in edges)
        inside = (content["time"].astype(np.int64) >= low) & (content["time"].astype(np.int64) <= high)
        if name == satellite:
            for i, variable in enumerate(schema.ELECTRON_VARIABLES):
                content[variable][inside] += COUNT_E[i % 4] * COUNTS[event_class][i % 4]
            content["L_IGRF"][inside] = 5
    return content


def write_days(archive: Path, days: dict[tuple[str, str], int], events: Iterable[Event] = ()) -> Path:
    """Write satellite-days of so many records in NOAA's layout."""
    known = list(events)
    for (satellite, date), n in days.items():
        write_granule(granule_path(archive, satellite, date), day_variables(satellite, date, n, known))
    return archive


def ingest(archive: Path, root: Path) -> Work:
    """Read an archive into a WORK directory, without Dask."""
    work = Work(root)
    granules = sorted(list_archive(str(archive)).granules)
    merge_catalog(work.catalog, granules)
    create_store(work.archive, sorted({g.satellite for g in granules}), schema.ARCHIVE_ARRAYS, "test")
    for (satellite, block), group in groupby(
        granules, key=lambda g: (g.satellite, g.day // schema.BLOCK_DAYS)
    ):
        ingest_block(IngestPlan(work.root, satellite, block, tuple(group)))
    return work


def record_time(date: str, from_end: int) -> str:
    """Return the time of a record of a fake day, counted from the last one, 0."""
    end = dt.datetime.fromisoformat(date) + dt.timedelta(days=1, milliseconds=-500 - 2000 * from_end)
    return end.isoformat()
