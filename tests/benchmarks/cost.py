"""CPU time and peak memory per satellite-day of the two stages, for every engine.

Run as ``make bench``. One block of full days (43,200 records) is made, ingested and classified in
fresh single-threaded processes without Dask, as a worker does it. The reference measured in the
same run is the same network run window by window as the published script does it: Keras
``predict`` with its defaults. Machines differ and are noisy: the ratios are what to quote.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RECORDS = 43_200
FIRST = "2019-10-26"  # the first day of block 249
BLOCK = 249


def _measure(work: Path, stage: str, days: int, engine: str) -> dict[str, float]:
    """Run one stage in this process and return CPU and wall seconds per day and peak memory in MB."""
    plan, function = _plan(work, stage, days, engine)
    before, started = time.process_time(), time.perf_counter()
    function(plan)
    cpu, wall = time.process_time() - before, time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu_s": cpu / days, "wall_s": wall / days, "peak_MB": peak}


def _plan(work: Path, stage: str, days: int, engine: str):
    from reprocess import blocks, schema
    from reprocess.catalog import list_archive
    from reprocess.classifier.bundle import load_bundle
    from reprocess.store import create_store
    from reprocess.work import Work

    granules = tuple(list_archive(str(work / "noaa")).granules)
    if stage == "ingest":
        create_store(Work(work).archive, ["noaa18"], schema.ARCHIVE_ARRAYS, "benchmark")
        return blocks.IngestPlan(work, "noaa18", BLOCK, granules), blocks.ingest_block
    if stage == "reference":
        return (work, days), _reference
    bundle = load_bundle(work / "model")
    settings = blocks.Settings(bundle.path, bundle.sha256, "published", engine, classes=False)
    from reprocess.classifier.engine import get_engine

    get_engine(bundle.path, bundle.sha256, engine)[1].predict(
        np.zeros((1, 7, 8), np.float32)
    )  # compile first
    return blocks.DetectPlan(
        work, engine, "noaa18", BLOCK, tuple(g.day for g in granules), settings
    ), blocks.detect_block


def _reference(arguments: tuple[Path, int]) -> None:
    """Classify each day with Keras's predict and its defaults."""
    import keras

    from reprocess.classifier.bundle import load_bundle
    from reprocess.features import scale_flux, windows
    from reprocess.store import SatelliteStore
    from reprocess.work import Work

    work, days = arguments
    bundle = load_bundle(work / "model")
    layers = keras.layers
    lstm = layers.LSTM(64, activation="relu")
    network = keras.Sequential(
        [
            keras.Input((7, 8)),
            layers.Bidirectional(lstm),
            layers.Dense(256, "relu"),
            layers.Dense(3, "softmax"),
        ]
    )
    network.set_weights([bundle.weights[name] for name in bundle.weights])
    store = SatelliteStore(Work(work).archive, "noaa18")
    for day in range(BLOCK * 32, BLOCK * 32 + days):
        flux = store.read_day(day, RECORDS, ["electron_flux"])["electron_flux"]
        network.predict(windows(scale_flux(flux, bundle.scaling)), verbose=0)


def _prepare(work: Path, days: int) -> None:
    """Write the days and a model with random weights."""
    from reprocess.classifier.bundle import WEIGHTS, save_bundle
    from reprocess.features import Scaling
    from tests import fake

    rng = np.random.default_rng(150)
    weights = {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in WEIGHTS.items()}
    scaling = Scaling((0.01, 100.0), 0.001, (5.0,) * 8, (3.0,) * 8)
    save_bundle(work / "model", {"name": "random"}, weights, scaling)
    for day in range(days):
        date = str(np.datetime64(FIRST) + day)
        path = fake.granule_path(work / "noaa", "noaa18", date)
        fake.write_granule(path, fake.variables("noaa18", date, n=RECORDS))


def _in_fresh_process(*arguments: object) -> dict[str, float]:
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
    }
    words = [sys.executable, "-m", "tests.benchmarks.cost", *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure everything and print a table, or one stage as JSON (how this starts itself)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("stage", nargs="?")
    parser.add_argument("work", nargs="?", type=Path)
    parser.add_argument("engine", nargs="?", default="")
    parser.add_argument("--days", type=int, default=8)
    options = parser.parse_args()
    if options.stage:
        print(json.dumps(_measure(options.work, options.stage, options.days, options.engine)))
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _prepare(work, options.days)
        rows = [
            ("ingest", ""),
            ("detect", "onnxruntime"),
            ("detect", "tensorflow"),
            ("reference", "keras predict"),
        ]
        results = [(s, e, _in_fresh_process(s, work, e, "--days", options.days)) for s, e in rows]
        noaa = sum(p.stat().st_size for p in (work / "noaa").rglob("*.nc"))
        zarr = sum(p.stat().st_size for p in (work / "archive.zarr").rglob("*") if p.is_file())
    _print_table(options.days, results)
    per_record = options.days * RECORDS
    print(f"bytes per record: {noaa / per_record:.0f} in the files, {zarr / per_record:.0f} in the archive")


def _print_table(days: int, results: list[tuple[str, str, dict[str, float]]]) -> None:
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, {days} days of {RECORDS} records")
    reference = results[-1][2]["cpu_s"]
    print("stage      engine         CPU s/day wall s/day  peak MB  reference/this")
    for stage, engine, r in results:
        ratio = reference / r["cpu_s"]
        print(
            f"{stage:10} {engine:14} {r['cpu_s']:9.3f} {r['wall_s']:10.3f} {r['peak_MB']:8.0f} {ratio:15.1f}"
        )


if __name__ == "__main__":
    main()
