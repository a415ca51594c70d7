"""What a satellite-day costs, beside the published functions and a plain pipeline: ``make bench``.

Every stage runs in a fresh single-threaded process without Dask, as a worker does it; the scaling
with workers runs on Dask. Machines differ and are noisy: the best of some repeats is taken and the
ratios, measured in the same run, are what to quote. Prints Markdown, which docs/performance.md
holds.
"""

import argparse
import itertools
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from reprocess import schema
from reprocess.catalog import list_archive
from reprocess.classifier.bundle import find_model, load_bundle
from tests.benchmarks import RECORDS, SATELLITE
from tests.benchmarks.data import make_days
from tests.benchmarks.stages import STAGES
from tests.fake import Silence

FIRST = "2019-10-26"
"""First day of a block."""
STRADDLING = "2019-11-19"
"""Eight days before a block ends: days from here on are in two blocks."""
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
REFERENCES = ("plain xarray, Keras, Dask", "published functions")
REFERENCE_DAYS = 2
"""Days that the references are measured on; they cost seconds each."""


def measure(
    stage: str, archive: Path, work: Path, days: int, options: argparse.Namespace
) -> dict[str, float]:
    """Run one stage in a fresh process."""
    module = [options.published] if stage == REFERENCES[1] and options.published else []
    words = [sys.executable, "-m", "tests.benchmarks.stages", stage, archive, work, days, options.model]
    words += [1 if stage in REFERENCES else options.repeats, *module]
    done = subprocess.run(
        list(map(str, words)), stdout=subprocess.PIPE, text=True, check=True, env=os.environ | ONE_THREAD
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def stages(root: Path, options: argparse.Namespace) -> None:
    """Print the cost of each stage and the ratios to the published functions."""
    archive = make_days(root / "stages", FIRST, options.days, options.source)
    work = root / "work"
    days = {name: REFERENCE_DAYS if name in REFERENCES else options.days for name in STAGES}
    found = {name: measure(name, archive, work, days[name], options) for name in STAGES}
    reference = found[REFERENCES[1]]["cpu_s"]
    print("| stage | CPU ms a day | wall ms | peak MB | windows classified | published / this |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, r in found.items():
        share = f"{100 * r['windows']:.1f} %" if "windows" in r else ""
        _row(
            name,
            _ms(r["cpu_s"]),
            _ms(r["wall_s"]),
            f"{r['peak_MB']:.0f}",
            share,
            f"{reference / r['cpu_s']:.1f}",
        )
    both = found["ingest"]["cpu_s"] + found["detect onnxruntime"]["cpu_s"]
    _row("ingest and detect onnxruntime", _ms(both), "", "", "", f"{reference / both:.1f}")
    noaa = sum(g.size for g in list_archive(str(archive)).granules)
    print()
    sizes(work, noaa, options.days)
    minutes, hours = 27_000 * found["detect onnxruntime"]["cpu_s"] / 60, 27_000 * both / 3600
    print(f"\n27,000 satellite-days: {minutes:.0f} core-minutes to classify, {hours:.1f} core-hours in all.")


def sizes(work: Path, noaa: int, days: int) -> None:
    """Print the bytes of each array per record; coordinates are left out, they do not grow."""
    group = work / "archive.zarr" / SATELLITE
    found = {
        name: sum(p.stat().st_size for p in (group / name).rglob("*") if p.is_file())
        for name in schema.ARCHIVE_ARRAYS
    }
    records = days * RECORDS
    total = sum(found.values()) / records
    print(f"{noaa / records:.0f} bytes a record in the files, {total:.1f} in the archive: ", end="")
    print(", ".join(f"{name} {size / records:.2f}" for name, size in found.items() if size > 0.005 * records))


def over_days(root: Path, options: argparse.Namespace) -> None:
    """Print what a day costs in blocks that are filled more or less."""
    print("| days in the block | ingest CPU ms a day | peak MB | detect CPU ms a day | peak MB |")
    print("|---:|---:|---:|---:|---:|")
    archive = root / "stages"
    for days in [d for d in (1, 4, 8, 16, 32) if d <= options.days]:
        work = root / f"days-{days}"
        i, d = (measure(s, archive, work, days, options) for s in ("ingest", "detect onnxruntime"))
        _row(days, _ms(i["cpu_s"]), f"{i['peak_MB']:.0f}", _ms(d["cpu_s"]), f"{d['peak_MB']:.0f}")


def over_events(root: Path, options: argparse.Namespace) -> None:
    """Print what a day costs with more or fewer events simulated on it."""
    print("| events simulated a day | found a day | windows classified | detect CPU ms a day |")
    print("|---:|---:|---:|---:|")
    for rate in (0, 3, 20, 200):
        archive = make_days(root / f"events-{rate}", FIRST, 4, events=rate)
        work = root / f"events-work-{rate}"
        measure("ingest", archive, work, 4, options)
        r = measure("detect onnxruntime", archive, work, 4, options)
        _row(rate, f"{r['events']:.1f}", f"{100 * r['windows']:.1f} %", _ms(r["cpu_s"]))


def over_workers(root: Path, options: argparse.Namespace) -> None:
    """Print how the two stages scale on Dask, with the size of the graph and the workers' memory."""
    print(
        f"{options.scale} satellite-days in whole blocks but the first and last, Dask included, workers up.\n"
    )
    print("| workers | start s | ingest wall s | detect wall s | worker peak MB | tasks a block |")
    print("|---:|---:|---:|---:|---:|---:|")
    archive = make_days(root / "scale", STRADDLING, options.scale)
    for workers in (1, 2):
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.cost", "--on-dask", str(workers), str(archive),
             str(root / f"scale-{workers}"), "--model", str(options.model)],
            stdout=subprocess.PIPE, text=True, check=True, env=os.environ | ONE_THREAD,
        )  # fmt: skip
        r = json.loads(done.stdout.splitlines()[-1])
        _row(workers, *(f"{r[k]:.2f}" for k in ("start", "ingest", "detect")), f"{r['peak']:.0f}", r["tasks"])


def on_dask(workers: int, archive: Path, work: Path, model: Path) -> dict[str, float]:
    """Time both stages on a cluster that is up, and look at its graph and workers."""
    from distributed import Client

    from reprocess.blocks import Settings
    from reprocess.cluster import open_cluster
    from reprocess.pipeline import detect, ingest
    from reprocess.work import Work

    sizes: list[float] = []
    persist = Client.persist

    def spy(client, collection, *arguments, **options):
        sizes.append(len(collection.__dask_graph__()) / collection.size)
        return persist(client, collection, *arguments, **options)

    bundle = load_bundle(model)
    settings = Settings(bundle.path, bundle.sha256, "published", "onnxruntime", classes=False, dense=False)
    granules, target = list_archive(str(archive)).granules, Work(work)
    times = [time.perf_counter()]
    with (
        mock.patch.object(Client, "persist", spy),
        open_cluster(workers=workers, announce=lambda _: None) as cluster,
    ):
        cluster.client().run(lambda: None)
        times.append(time.perf_counter())
        ingest(target, granules, cluster, Silence())
        times.append(time.perf_counter())
        detect(target, target.run("r"), settings, granules, cluster, Silence())
        times.append(time.perf_counter())
        peak = max(
            cluster.client().run(lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024).values()
        )
    start, read, found = (b - a for a, b in itertools.pairwise(times))
    return {"start": start, "ingest": read, "detect": found, "peak": peak, "tasks": max(sizes)}


def _row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f}"


def machine() -> str:
    """Return what the figures were measured on."""
    from importlib.metadata import version

    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next(
        (s.split(": ")[1] for s in text.splitlines() if s.startswith("model name")), platform.machine()
    )
    flags = "AVX-512" if "avx512f" in text else "AVX2" if "avx2" in text else "no AVX2"
    libraries = ", ".join(
        f"{n} {version(n)}" for n in ("numpy", "zarr", "h5py", "onnxruntime", "tensorflow", "keras")
    )
    return f"{model} ({flags}), {os.cpu_count()} cores, Python {platform.python_version()}, {libraries}"


def main() -> None:
    """Measure everything and print it, or one size of cluster as JSON (how this starts itself)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=16, help="satellite-days of the stages, 32 at most")
    parser.add_argument(
        "--scale", type=int, default=16, help="satellite-days of the scaling with workers; 320 for long"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--source", help="folder of NOAA's files to make whole days of instead of simulating")
    parser.add_argument("--model", default="capannolo2022")
    parser.add_argument(
        "--published", help="module whose events(path) calls your copy of the published functions"
    )
    parser.add_argument("--on-dask", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.model = find_model(options.model)
    if options.on_dask:
        workers, archive, work = options.on_dask
        print(json.dumps(on_dask(int(workers), Path(archive), Path(work), options.model)))
        return
    print(f"Measured on: {machine()}.\nDays of {RECORDS} records, ", end="")
    print(f"made of {options.source}.\n" if options.source else "simulated.\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for title, part in (
            ("Stages", stages),
            ("Days", over_days),
            ("Events", over_events),
            ("Workers", over_workers),
        ):
            print(f"### {title}\n")
            part(Path(folder), options)
            print()


if __name__ == "__main__":
    main()
