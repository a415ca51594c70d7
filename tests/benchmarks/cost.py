"""What a satellite-day costs, beside the published functions and a plain pipeline: ``make bench``.

Every stage runs in a fresh single-threaded process without Dask, as a worker does it; the scaling
with workers runs on Dask. Machines differ and are noisy: the best of some repeats is taken and the
ratios, measured in the same run, are what to quote. Prints Markdown, which docs/performance.md
holds.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from reprocess import schema
from reprocess.classifier.bundle import find_model
from reprocess.schema import BUNDLED_MODEL
from reprocess.sources.listing import list_archive
from tests.benchmarks import AS_A_WORKER, RECORDS, SATELLITE, against
from tests.benchmarks.data import make_days
from tests.benchmarks.parts import PARTS
from tests.benchmarks.stages import STAGES
from tests.benchmarks.workers import table

FIRST = "2019-10-26"
"""First day of a block."""
REFERENCES = ("plain xarray, Keras, Dask", "published functions")
REFERENCE_DAYS = 2
"""Days that the references are measured on; they cost seconds each."""


def measure(stage: str, archive: Path, work: Path, days: int, options: argparse.Namespace) -> dict[str, Any]:
    """Run one stage in a fresh process."""
    module = [options.published] if stage == REFERENCES[1] and options.published else []
    words = [sys.executable, "-m", "tests.benchmarks.stages", stage, archive, work, days, options.model]
    words += [1 if stage in REFERENCES else options.repeats, *module]
    done = subprocess.run(
        list(map(str, words)), stdout=subprocess.PIPE, text=True, check=True, env=os.environ | AS_A_WORKER
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
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
    for name in PARTS:
        print(f"\n| {name}, part | wall ms a day |\n|---|---:|")
        for part, seconds in found[name]["parts"].items():
            _row(part, _ms(seconds))
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
    for days in [d for d in (1, 4, 16, 32) if d <= options.days]:
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
    """Print how the two stages scale with workers and days on Dask."""
    archive = make_days(root / "scale", FIRST, options.scale)
    table(archive, root / "scaled", options.model)


def _row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f}"


def machine() -> str:
    """Return what the figures were measured on."""
    from importlib.metadata import version

    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = next(
        (s.split(": ")[1] for s in text.splitlines() if s.startswith("model name")), platform.machine()
    )
    flags = "AVX-512" if "avx512f" in text else "AVX2" if "avx2" in text else "no AVX2"
    libraries = ", ".join(
        f"{n} {version(n)}" for n in ("numpy", "zarr", "h5py", "onnxruntime", "tensorflow", "keras")
    )
    return f"{model} ({flags}), {os.cpu_count()} cores, Python {platform.python_version()}, {libraries}"


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=16, help="satellite-days of the stages, 32 at most")
    parser.add_argument(
        "--scale", type=int, default=16, help="satellite-days of the scaling with workers; 320 for long"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--source", help="folder of NOAA's files to make whole days of instead of simulating")
    parser.add_argument("--model", default=BUNDLED_MODEL)
    parser.add_argument(
        "--published", help="module whose events(path) calls your copy of the published functions"
    )
    parser.add_argument("--against", metavar="COMMIT", help="measure beside this commit's code instead")
    parser.add_argument("--rounds", type=int, default=5, help="how often, with --against")
    options = parser.parse_args()
    options.model = find_model(options.model)
    print(f"Measured on: {machine()}.\nDays of {RECORDS} records, ", end="")
    print(f"made of {options.source}.\n" if options.source else "simulated.\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if options.against:
            against.compare(options.against, Path(folder), FIRST, options)
            return
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
