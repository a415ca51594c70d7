"""What the whole archive costs the process that is no worker: ``python -m tests.benchmarks.whole WORK``.

The parts and records of a run in WORK are copied under other days, 850 blocks of eight satellites,
without the archive itself; then the commands that look at all of them are timed on the copy. Prints
Markdown, which docs/scaling.md holds. ``python -m tests.benchmarks.whole ARCHIVE --against COMMIT`` runs
ARCHIVE instead, and measures each command with the code of a commit and with this tree's
(`whole_against`), for docs/performance.md.
"""

import argparse
import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from reprocess import schema
from reprocess.classifier.bundle import find_model
from reprocess.schema import BUNDLED_MODEL
from reprocess.schema.granules import Granule
from reprocess.work.asked import merge_asked
from reprocess.work.ledger import Receipt
from reprocess.work.parts import DWELL, EVENTS, part_path, read_part, write_part
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import DayEntry, DetectReceipt
from tests.benchmarks import peak_mb
from tests.benchmarks.scheduler import WHOLE_ARCHIVE


def copy(source: Path, target: Path, blocks: int) -> Work:
    """Write a WORK of this many blocks, made of another's."""
    old, new = Work(source), Work(target)
    run = old.only_run(None)
    copied = new.run(run.name)
    originals = list(run.ledger.done())
    first = min(r["block"] for r in originals)
    granules: list[Granule] = []
    for number in range(blocks):
        original = originals[number % len(originals)]
        satellite, block = list(schema.SATELLITES)[number % 8], first + number // 8
        shift = dt.timedelta((block - original["block"]) * schema.BLOCK_DAYS)
        ingested = old.ledger.read(original["satellite"], original["block"]) or {}
        record = _moved(ingested, satellite, block, shift)
        new.ledger.commit(record)
        granules += [
            Granule(satellite, schema.day_index(date), **_identity(entry))
            for date, entry in record["days"].items()
        ]
        copied.ledger.commit(_copy_parts(run, copied, original, _moved(original, satellite, block, shift)))
    merge_asked(new.asked, granules)
    copied.describe(
        {k: v for k, v in (run.read_identity() or {}).items() if k not in {"exposure", "occurrence"}}
    )
    return new


def _identity(entry: DayEntry) -> dict[str, str | int]:
    return {key: entry["source"][key] for key in ("url", "size", "version")}


def _moved(record: Receipt, satellite: str, block: int, shift: dt.timedelta) -> Receipt:
    days = {_date(date, shift): entry for date, entry in record["days"].items()}
    return record | {"satellite": satellite, "block": block, "days": days}


def _date(date: str, shift: dt.timedelta) -> str:
    return (dt.date.fromisoformat(date) + shift).isoformat()


def _copy_parts(run: Run, copied: Run, original: DetectReceipt, record: DetectReceipt) -> DetectReceipt:
    """Write a block's parts under the record's days, and return the record with their sums."""
    shift = (record["block"] - original["block"]) * schema.BLOCK_DAYS
    tables: dict[str, pd.DataFrame] = {}
    for kind in ("events", "dwell"):
        path = part_path(run.root / kind, original["satellite"], original["block"])
        tables[kind] = read_part(path, original["outputs"][kind]).to_pandas()
    tables["dwell"]["day"] += shift
    events = tables["events"]
    for name in ("start_time", "stop_time", "peak_time"):
        events[name] += pd.Timedelta(days=shift)
    events["date"] = [_date(date, dt.timedelta(shift)) for date in events["date"]]
    outputs = {
        kind: write_part(part_path(copied.root / kind, record["satellite"], record["block"]), table, of)
        for (kind, table), of in zip(tables.items(), (EVENTS, DWELL), strict=True)
    }
    return record | {"outputs": outputs}


COMMANDS = ("status", "map", "events")


def measure(words: list[str]) -> dict[str, float]:
    """Run one command in this process."""
    from reprocess.cli import main

    start, cpu = time.perf_counter(), time.process_time()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            main(words)
        except SystemExit as e:
            if e.code not in (None, 0, 3, 4):  # those of a command that did its work
                raise
    wall = time.perf_counter() - start
    return {"wall": wall, "cpu": time.process_time() - cpu, "peak": peak_mb()}


def main() -> None:
    """Print the table, or one row of it as JSON (how this starts itself)."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path, help="a WORK; with --against a folder of NOAA's files")
    parser.add_argument("--blocks", type=int, default=WHOLE_ARCHIVE)
    parser.add_argument("--against", metavar="COMMIT", help="measure beside this commit's code")
    parser.add_argument("--model", default=BUNDLED_MODEL, help="with --against")
    parser.add_argument("--rounds", type=int, default=1, help="how often, with --against")
    parser.add_argument("--command", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.command:
        print(json.dumps(measure([options.command, str(options.source)])))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.against:
            from tests.benchmarks.whole_against import compare

            options.source, options.model = options.source.resolve(), find_model(options.model)
            compare(Path(folder), options)
            return
        work = copy(options.source, Path(folder) / "whole", options.blocks)
        (run,) = work.runs()
        days = sum(len(record["days"]) for record in run.ledger.done())
        events = sum(sum(d["events"].values()) for r in run.ledger.done() for d in r["days"].values())
        print(f"{options.blocks} blocks, {days} satellite-days, {events} events.\n")
        print("| command | wall s | CPU s | peak MB |\n|---|---:|---:|---:|")
        for command in COMMANDS:
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.whole", str(work.root), "--command", command],
                stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
            r = json.loads(done.stdout.splitlines()[-1])
            print(f"| {command} | {r['wall']:.1f} | {r['cpu']:.1f} | {r['peak']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
