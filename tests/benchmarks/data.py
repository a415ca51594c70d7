"""The days that are measured: simulated ones, or a user's own files repeated to whole days."""

import datetime as dt
import shutil
from pathlib import Path

import h5py
import numpy as np

from reprocess import schema
from reprocess.schema import EVENTS_PER_DAY
from reprocess.simulate import simulate_archive
from reprocess.sources.listing import list_archive
from tests.benchmarks import RECORDS, SATELLITE
from tests.support.fake import granule_path


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
    written: list[Path] = []
    files = [Path(g.url.removeprefix("file://")) for g in list_archive(source).granules]
    for day in range(days):
        date = (dt.date.fromisoformat(first) + dt.timedelta(days=day)).isoformat()
        path = granule_path(archive, SATELLITE, date)
        path.parent.mkdir(parents=True, exist_ok=True)
        if day < len(files):
            with h5py.File(files[day]) as old, h5py.File(path, "w") as new:
                for name, variable in old.items():
                    _copy(new, name, variable)
        else:
            shutil.copyfile(written[day % len(files)], path)
        written.append(path)
        with h5py.File(path, "r+") as file:
            start = np.datetime64(date, "ms").astype(np.int64)
            file["time"][:] = (start + 2000 * np.arange(RECORDS)).astype(np.uint64)


def _copy(file: h5py.File, name: str, variable: h5py.Dataset) -> None:
    values = np.resize(variable[()], RECORDS)
    if name == "satID":
        values = np.full(RECORDS, schema.SATELLITES[SATELLITE].sat_id, np.uint8)
    filters = {key: getattr(variable, key) for key in ("compression", "compression_opts", "shuffle")}
    copy = file.create_dataset(name, data=values, chunks=(RECORDS,), **filters)
    copy.make_scale(name)
