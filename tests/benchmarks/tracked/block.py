"""A block of a few simulated days: CPU time, peak memory, size of the archive and of Dask's graph."""

import datetime as dt
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from distributed import Client

from reprocess.cli import main
from reprocess.simulate import simulate_archive

DAYS = 4


def reprocess(command: str, *arguments: str | Path) -> None:
    """Give a command of `reprocess` within this process; a command that fails ends the process."""
    try:
        main([command, *map(str, arguments)], standalone_mode=False)
    except SystemExit as end:
        if end.code:
            raise


@contextmanager
def graph_sizes() -> Iterator[list[float]]:
    """Collect the number of tasks a block of every graph that is given to Dask."""
    sizes: list[float] = []
    persist = Client.persist

    def spy(client, collection, *arguments, **options):
        sizes.append(len(collection.__dask_graph__()) / collection.size)
        return persist(client, collection, *arguments, **options)

    with mock.patch.object(Client, "persist", spy):
        yield sizes


class Block:
    """One block of one satellite; asv gives every measurement the folder that `setup_cache` made."""

    timer = time.process_time
    number, repeat, warmup_time = 1, 5, 0
    """Measured after one `setup` each, as commands do nothing twice; asv tells the median."""
    timeout = 600

    def setup_cache(self) -> str:
        """Simulate the days and ingest them."""
        root = Path(tempfile.mkdtemp(dir=Path.cwd()))
        simulate_archive(root / "archive", ["noaa18"], dt.date(2019, 10, 26), DAYS, seed=1)
        reprocess("ingest", root / "archive", root / "work", "--partition", "1/1")
        return str(root)

    def setup(self, root: str) -> None:
        """Name what is there and what a measurement makes."""
        self.archive, self.work = Path(root) / "archive", Path(root) / "work"
        self.new = Path(tempfile.mkdtemp(dir=root)) / "new"
        self.run = f"run-{time.time_ns()}"

    def teardown(self, _: str) -> None:
        """Remove what a measurement ingested."""
        shutil.rmtree(self.new.parent)

    def time_ingest(self, _: str) -> None:
        """Ingest the block."""
        reprocess("ingest", self.archive, self.new, "--partition", "1/1")

    def peakmem_ingest(self, root: str) -> None:
        """Ingest the block."""
        self.time_ingest(root)

    def time_detect(self, _: str) -> None:
        """Classify the block."""
        reprocess("detect", self.work, "--run", self.run, "--partition", "1/1")

    def peakmem_detect(self, root: str) -> None:
        """Classify the block."""
        self.time_detect(root)

    def track_archive(self, _: str) -> float:
        """Bytes a record in the archive, with all that does not grow with it."""
        files = [p for p in (self.work / "archive.zarr").rglob("*") if p.is_file()]
        records = sum(day["records"] for day in self._days("ledger/ingest"))
        return sum(p.stat().st_size for p in files) / records

    def track_windows(self, root: str) -> float:
        """Share of the windows that the network is run for."""
        self.time_detect(root)
        days = self._days(f"runs/{self.run}/ledger")
        return sum(d["windows_classified"] for d in days) / sum(d["classifiable"] for d in days)

    def track_graph(self, _: str) -> float:
        """Dask tasks a block."""
        with graph_sizes() as sizes:
            reprocess("detect", self.work, "--run", self.run, "--workers", "1")
        return max(sizes)

    def _days(self, ledger: str) -> list[dict[str, int]]:
        records = [json.loads(p.read_text()) for p in (self.work / ledger).rglob("[0-9]*.json")]
        return [day for record in records for day in record["days"].values()]


Block.track_archive.unit = "bytes a record"
Block.track_windows.unit = "share"
Block.track_graph.unit = "tasks a block"
