"""How the whole job scales with workers and days: ``python -m tests.benchmarks.workers ARCHIVE``.

The first half of the archive's days with one worker, all of them with one and with two. A worker
has one core: left alone, libraries' threads would let the first worker use the second one's. It is
up once it has imported what it needs and has loaded the model. Each stage has a cluster of its own,
so that the peak memory is the stage's; each measurement is a process of its own. Prints Markdown,
which docs/scaling.md holds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from reprocess.classifier.bundle import find_model, load_bundle
from reprocess.schema import BUNDLED_MODEL
from reprocess.schema.granules import Granule
from reprocess.sources.listing import list_archive
from tests.benchmarks import AS_A_WORKER, peak_mb
from tests.support.fake import Silence

STAGES = ("ingest", "detect")


def measure(
    archive: Path, work: Path, workers: int, half: bool, model: Path, engine: str = "onnxruntime"
) -> dict[str, float]:
    """Run both stages on workers that are up already, and say what each took."""
    from reprocess.detect.plan import Settings
    from reprocess.detect.stage import detect
    from reprocess.ingest.stage import ingest
    from reprocess.work.paths import Work

    granules, target = list_archive(str(archive)).granules, Work(work)
    granules = first_half(granules) if half else granules
    bundle = load_bundle(model)
    settings = Settings(bundle.path, bundle.sha256, "published", engine, classes=False, dense=False)
    run = target.run("r")
    stages = {
        "ingest": lambda cluster: ingest(target, granules, cluster, Silence()),
        "detect": lambda cluster: detect(target, run, settings, granules, cluster, Silence()),
    }
    taken: dict[str, float] = {"days": len(granules)}
    for name in STAGES:
        ready = partial(_get_ready, settings if name == "detect" else None)
        taken |= {f"{name}_{key}": value for key, value in _staged(stages[name], workers, ready).items()}
    files = [p for p in work.rglob("*") if p.is_file()]
    total = sum(p.stat().st_size for p in files)
    archive_bytes = sum(p.stat().st_size for p in files if p.is_relative_to(target.archive))
    done = list(target.ledger.done())
    return taken | {
        "main_MB": peak_mb(),
        "files": len(files) / len(done),
        "bytes": archive_bytes / sum(day["records"] for record in done for day in record["days"].values()),
        "rest_bytes": (total - archive_bytes) / len(granules),
    }


def first_half(granules: list[Granule]) -> list[Granule]:
    """Return the first half of the days of every satellite."""
    days = sorted({g.day for g in granules})
    return [g for g in granules if g.day < days[len(days) // 2]]


def _get_ready(settings) -> None:
    """Import what a worker needs, and load the model if there are settings for it."""
    from reprocess.detect.block import get_engine

    if settings is not None:
        get_engine(settings.model, settings.model_sha256, settings.engine)


def _pin(core: int) -> None:
    """Keep this process, and its threads of now and later, to one core."""
    for thread in psutil.Process().threads():
        os.sched_setaffinity(thread.id, {core})


def _staged(stage, workers: int, ready: Callable[[], None]) -> dict[str, float]:
    """Time a stage on a cluster of its own; CPU is of the workers and of client with scheduler."""
    from reprocess.execution.workers import open_workers
    from tests.benchmarks.tracked.block import graph_sizes  # not on workers, who import this module too

    start = time.perf_counter()
    with (
        graph_sizes() as sizes,
        open_workers(workers=workers, always=True, announce=lambda _: None) as cluster,
    ):
        client = cluster.client(workers)
        client.run(ready)
        cores = sorted(os.sched_getaffinity(0))
        for i, worker in enumerate(client.scheduler_info()["workers"]):
            client.run(_pin, cores[i % len(cores)], workers=[worker])
        before = client.run(time.process_time)
        up, own = time.perf_counter(), time.process_time()
        stage(cluster)
        end, used = time.perf_counter(), time.process_time() - own
        after = client.run(time.process_time)
        peaks = client.run(peak_mb)
    return {
        "start": up - start,
        "wall": end - up,
        "cpu": sum(after.values()) - sum(before.values()),
        "own_cpu": used,
        "worker_MB": max(peaks.values()),
        "tasks": max(sizes),
    }


def table(archive: Path, folder: Path, model: Path, engine: str = "onnxruntime") -> None:
    """Print what every size takes, the speed-up, and what is written."""
    print(
        "| workers | satellite-days | stage | workers up after s | wall s | CPU ms a day: workers |", end=""
    )
    print(" client, scheduler | worker peak MB |\n|---:|---:|---|---:|---:|---:|---:|---:|")
    sizes = ((1, True), (1, False), (2, False))
    given = [archive, "--model", model, "--engine", engine]
    found = {size: _in_a_process(given, folder / "-".join(map(str, size)), *size) for size in sizes}
    for (workers, _), r in found.items():
        for s in STAGES:
            up, wall, peak = r[f"{s}_start"], r[f"{s}_wall"], r[f"{s}_worker_MB"]
            cpu, own = (1000 * r[f"{s}_{key}"] / r["days"] for key in ("cpu", "own_cpu"))
            cells = (workers, r["days"], s, f"{up:.1f}", f"{wall:.1f}", f"{cpu:.1f}", f"{own:.1f}")
            print("| " + " | ".join(map(str, cells)) + f" | {peak:.0f} |", flush=True)
    half, one, two = (
        {s: r[f"{s}_wall"] for s in STAGES} | {"both": sum(r[f"{s}_wall"] for s in STAGES)}
        for r in found.values()
    )
    last = found[sizes[-1]]
    print("\nTwo workers, times one: ", end="")
    print(", ".join(f"{name} {one[name] / two[name]:.2f}" for name in one), end=". ")
    print("The same with twice the days for two: ", end="")
    print(", ".join(f"{name} {2 * half[name] / two[name]:.2f}" for name in half), end=".\n\n")
    print(f"Client and scheduler: {last['main_MB']:.0f} MB at most. Tasks a block: ", end="")
    print(", ".join(f"{last[f'{s}_tasks']:.0f} to {s}" for s in STAGES), end=". ")
    print(
        f"Written: {last['files']:.1f} files a block and satellite; {last['bytes']:.1f} bytes a record",
        end="",
    )
    print(f" in the archive, {last['rest_bytes'] / 1000:.1f} kB a satellite-day besides.")


def _in_a_process(given: list[object], work: Path, workers: int, half: bool) -> dict[str, float]:
    words = [sys.executable, "-m", "tests.benchmarks.workers", *given]
    words += ["--one", json.dumps([str(work), workers, half])]
    done = subprocess.run(
        [*map(str, words)], stdout=subprocess.PIPE, text=True, check=True, env=os.environ | AS_A_WORKER
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table, or one measurement of it as JSON (how this starts itself)."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--model", default=BUNDLED_MODEL)
    parser.add_argument("--engine", default="onnxruntime")
    parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    model = find_model(options.model)
    if options.one:
        work, workers, half = options.one
        print(json.dumps(measure(options.archive, Path(work), workers, half, model, options.engine)))
        return
    with tempfile.TemporaryDirectory() as folder:
        table(options.archive, Path(folder), model, options.engine)


if __name__ == "__main__":
    main()
