"""Small ingested archives whose events are known: fake days with precipitation put where it is said."""

import datetime as dt
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from reprocess.classifier.engine import DEFAULT_ENGINE
from reprocess.detect.block import detect_block
from reprocess.detect.plan import Settings
from reprocess.detect.stage import claim, plan_detect
from reprocess.ingest.block import ingest_block
from reprocess.ingest.plan import IngestPlan
from reprocess.schema import CLASS_ARRAYS
from reprocess.schema.granules import block_of
from reprocess.sources.listing import list_archive
from reprocess.work.asked import merge_asked, read_asked
from reprocess.work.layout import create_store
from reprocess.work.paths import Run, Work
from reprocess.work.whole import ARCHIVE_TITLE, CLASSES_TITLE
from tests.support.fake import COUNT_E, granule_path, variables, write_granule

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


def day_variables(
    satellite: str, date: str, n: int, events: Iterable[Event], *, morning: bool = False
) -> dict[str, np.ndarray]:
    """Return a fake day of n records, with its share of events in the electron fluxes.

    The records end at midnight, or begin with it in the `morning`.
    """
    content = {name: values[:n] for name, values in variables(satellite, date, n=max(n, 400)).items()}
    # No two records are alike, so that windows can be told apart.
    rng = np.random.default_rng([n, schema.SATELLITES[satellite].sat_id, *map(int, date.split("-"))])
    content["mep_ele_tel90_flux_e1"] += rng.uniform(0, 1, n).astype(np.float32)
    if not morning:
        content["time"] += np.uint64(schema.MS_PER_DAY - 1000 - 2000 * (n - 1))
    time = content["time"].astype("datetime64[ms]")
    for name, start, stop, event_class in events:
        if name == satellite:
            inside = (time >= np.datetime64(start, "ms")) & (time <= np.datetime64(stop, "ms"))
            for i, variable in enumerate(schema.ELECTRON_VARIABLES):
                content[variable][inside] += COUNT_E[i % 4] * COUNTS[event_class][i % 4]
            content["L_IGRF"][inside] = 5
    return content


def write_days(
    archive: Path,
    days: dict[tuple[str, str], int],
    events: Iterable[Event] = (),
    mornings: Iterable[tuple[str, str]] = (),
) -> Path:
    """Write satellite-days of so many records in NOAA's layout."""
    known, early = list(events), set(mornings)
    for (satellite, date), n in days.items():
        content = day_variables(satellite, date, n, known, morning=(satellite, date) in early)
        write_granule(granule_path(archive, satellite, date), content)
    return archive


def ingest(archive: Path, root: Path) -> Work:
    """Read an archive into a WORK directory, without Dask."""
    work = Work(root)
    granules = sorted(list_archive(str(archive)).granules)
    merge_asked(work.asked, granules)
    create_store(work.archive, sorted({g.satellite for g in granules}), schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
    for (satellite, block), group in groupby(granules, key=lambda g: block_of(g)):
        ingest_block(IngestPlan(work.root, satellite, block, tuple(group)))
    return work


def record_time(date: str, from_end: int) -> str:
    """Return the time of a record of a fake day, counted from the last one, 0."""
    end = dt.datetime.fromisoformat(date) + dt.timedelta(days=1, milliseconds=-500 - 2000 * from_end)
    return end.isoformat()


def classify(work: Work, model: Bundle, mode: str = "published") -> Run:
    """Classify everything, keeping classes, without Dask."""
    run = work.run(f"{model.name}-{mode}")
    settings = Settings(model.path, model.sha256, mode, DEFAULT_ENGINE, classes=True, dense=True)
    granules = read_asked(work.asked)
    claim(run, settings)
    create_store(run.classes, sorted({g.satellite for g in granules}), CLASS_ARRAYS, CLASSES_TITLE)
    for plan in plan_detect(work, run, settings, granules):
        detect_block(plan)
    return run
