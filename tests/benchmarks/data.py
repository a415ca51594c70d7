"""The days that are measured: simulated ones, or a user's own files repeated to whole days."""

import datetime as dt
from pathlib import Path

import h5py
import numpy as np

from reprocess import schema
from reprocess.catalog import list_archive
from reprocess.simulate import simulate_archive
from reprocess.simulate.archive import EVENTS_PER_DAY
from tests.benchmarks import RECORDS, SATELLITE
from tests.fake import granule_path


def make_days(
    archive: Path, first: str, days: int, source: str | None = None, events: float = EVENTS_PER_DAY
) -> Path:
    """Write `days` satellite-days from `first` on, if they are not there already."""
    if not archive.exists():
        if source is None:
            simulate_archive(
                archive, [SATELLITE], dt.date.fromisoformat(first), days, seed=1, events_per_day=events
            )
        else:
            _repeat(source, archive, first, days)
    return archive


def _repeat(source: str, archive: Path, first: str, days: int) -> None:
    """Write whole days made of the records of real files, in turn, with every variable they have."""
    files = [Path(g.url.removeprefix("file://")) for g in list_archive(source).granules]
    for day in range(days):
        date = (dt.date.fromisoformat(first) + dt.timedelta(days=day)).isoformat()
        path = granule_path(archive, SATELLITE, date)
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(files[day % len(files)]) as old, h5py.File(path, "w") as new:
            for name, variable in old.items():
                _copy(new, name, variable, date)


def _copy(file: h5py.File, name: str, variable: h5py.Dataset, date: str) -> None:
    values = np.resize(variable[()], RECORDS)
    if name == "time":
        values = (np.datetime64(date, "ms").astype(np.int64) + 2000 * np.arange(RECORDS)).astype(np.uint64)
    if name == "satID":
        values = np.full(RECORDS, schema.SATELLITES[SATELLITE].sat_id, np.uint8)
    filters = {key: getattr(variable, key) for key in ("compression", "compression_opts", "shuffle")}
    copy = file.create_dataset(name, data=values, chunks=(RECORDS,), **filters)
    copy.make_scale(name)
