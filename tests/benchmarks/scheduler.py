"""What Dask's scheduler makes of the whole archive's graph: ``python -m tests.benchmarks.scheduler``.

Plans and records have their real sizes, the work itself is left out: what remains is what Dask
costs. Client and scheduler are one process, as in `reprocess run --workers N`. Prints Markdown,
which docs/scaling.md holds.
"""

import argparse
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

from reprocess import schema
from reprocess.ingest.plan import IngestPlan
from reprocess.schema.granules import Granule
from reprocess.work.receipts import IngestReceipt
from tests.benchmarks import peak_mb
from tests.support.fake import Silence

WHOLE_ARCHIVE = 850
"""Blocks of 27,000 satellite-days."""


def record_of(plan: IngestPlan) -> IngestReceipt:
    """Return a receipt of the usual size without doing anything."""
    entry = {"status": "ok", "records": 43200, "in_file": 43200, "duplicates": 0, "reordered": 0}
    days = {g.date.isoformat(): entry | {"source": g.identity | {"sha256": "0" * 64}} for g in plan.granules}
    outputs = {spec.name: "0" * 64 for spec in schema.RECORD_ARRAYS}
    found = {"days": days, "deferred": {}, "outputs": outputs}
    return {"stage": "ingest", "satellite": plan.satellite, "block": plan.block} | found


def plans_of(blocks: int) -> list[IngestPlan]:
    """Return full plans, a satellite's blocks one after another."""
    plans = []
    for number in range(blocks):
        satellite, block = list(schema.SATELLITES)[number % 8], number // 8 % 360
        granules = tuple(
            Granule(satellite, day, f"https://archive.example/{day}/poes_n18_20191024_proc.nc", 8 << 20, "v")
            for day in schema.block_days(block)
        )
        plans.append(IngestPlan(Path("WORK"), satellite, block, granules))
    return plans


def measure(blocks: int) -> dict[str, float]:
    """Put a graph of this many blocks through Dask on two workers of this machine."""
    from distributed import Client

    from reprocess.execution.mapping import map_blocks
    from reprocess.execution.workers import open_workers

    plans, submitted = plans_of(blocks), []
    persist = Client.persist

    def timed(client, collection, *arguments, **options):
        submitted.append((len(collection.__dask_graph__()), time.perf_counter()))
        result = persist(client, collection, *arguments, **options)
        submitted.append((0, time.perf_counter()))
        return result

    with (
        mock.patch.object(Client, "persist", timed),
        open_workers(workers=2, always=True, announce=lambda _: None) as cluster,
    ):
        client = cluster.client(2)
        client.run(lambda: None)
        before, cpu = peak_mb(), time.process_time()
        start = time.perf_counter()
        map_blocks(client, record_of, plans, "ingest", Silence(), lambda *_: None)
        end, used = time.perf_counter(), time.process_time() - cpu
        after = peak_mb()
    (tasks, _), (_, sent) = submitted
    return {
        "tasks": tasks,
        "plan_kb": len(pickle.dumps(plans[0])) / 1024,
        "submit": sent - start,
        "total": end - start,
        "cpu": used,
        "before": before,
        "after": after,
    }


def main() -> None:
    """Print the table, or one row of it as JSON (how this starts itself)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocks", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.blocks:
        print(json.dumps(measure(options.blocks)))
        return
    print("| blocks | tasks | plan kB | submitted after s | all done s | CPU s | peak MB before | after |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for blocks in (WHOLE_ARCHIVE, 10 * WHOLE_ARCHIVE):
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.scheduler", "--blocks", str(blocks)],
            stdout=subprocess.PIPE, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        r = json.loads(done.stdout.splitlines()[-1])
        cells = (
            r["tasks"],
            *(f"{r[k]:.1f}" for k in ("plan_kb", "submit", "total", "cpu")),
            f"{r['before']:.0f}",
            f"{r['after']:.0f}",
        )
        print(f"| {blocks} | " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
