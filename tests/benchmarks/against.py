"""What the code costs beside that of another commit: ``make bench BENCH="--against COMMIT"``.

The other commit's tree is unpacked into a temporary folder and run in the environment of this one, by its
own stages and commands, on the same days. Both are measured in turn, so that what else the machine does
falls on both alike; the median of the rounds is told, and of the ratios within a round. CPU seconds are of a
process with its threads and of those that it started.
"""

import argparse
import compileall
import json
import os
import resource
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from reprocess.schema import BUNDLED_MODEL
from reprocess.sources.listing import list_archive
from tests.benchmarks import SATELLITE
from tests.benchmarks.data import make_days

REPOSITORY = Path(__file__).parents[2]
INGEST, DETECT = "ingest", "detect onnxruntime"
OF_A_RUN = {"run", "code_version"}
"""Columns of events that tell who found them."""

Measured = dict[str, float]
"""What one tree takes in one round: numbers by the row of the table that they belong to."""


_WATCHED = """
import runpy, sys
from pathlib import Path
try:
    runpy.run_module("reprocess", run_name="__main__")
except SystemExit as e:
    if e.code not in (None, 0, 3, 4):  # those of a command that did its work
        raise
finally:
    held = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    print(f"\\n{int(held) * 1024 / 1e6}")
"""
"""A command as it is given at a prompt, and the most memory that its process held, in MB."""


@dataclass(frozen=True)
class Watched:
    """What a command took."""

    cpu: float
    """Seconds, of workers too."""
    wall: float
    peak: float
    """MB of the command's own process."""


@dataclass(frozen=True)
class Tree:
    """The code of one commit."""

    name: str
    root: Path
    worker: Mapping[str, str]
    """Environment of its workers."""

    @classmethod
    def at(cls, name: str, root: Path) -> "Tree":
        """Return the code in a folder, having made sure that it is this code that runs."""
        told = (
            "import json, reprocess, tests.benchmarks as b; "
            "print(json.dumps([reprocess.__file__, b.AS_A_WORKER]))"
        )
        file, worker = json.loads(cls(name, root, {})._run(["-c", told], {}))
        if not Path(file).is_relative_to(root):
            raise SystemExit(f"{name} would run {file}, not what is in {root}")
        return cls(name, root, worker)

    def _run(self, words: list[object], environment: Mapping[str, str]) -> str:
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            env=os.environ | environment | {"PYTHONPATH": str(self.root)},
            cwd=self.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode not in {0, 3}:  # 3: done, with something to tell
            raise SystemExit(f"{self.name}: {' '.join(map(str, words))}:\n{done.stderr}")
        return done.stdout

    def stage(
        self, name: str, archive: Path, work: Path, days: int, model: Path, repeats: int = 3
    ) -> Measured:
        """Measure a stage in a process like a worker's; the best of some repeats."""
        words = ["-m", "tests.benchmarks.stages", name, archive, work, days, model, repeats]
        found: Measured = json.loads(self._run(words, self.worker).splitlines()[-1])
        return found

    def command(self, *words: object) -> tuple[float, float]:
        """Give a command as a user does; return its CPU and wall seconds."""
        found = self._timed("-m", "reprocess", *words)[0]
        return found.cpu, found.wall

    def watch(self, *words: object) -> Watched:
        """Give a command, and tell its memory too; one that finds something missing did its work."""
        found, told = self._timed("-c", _WATCHED, *words)
        return replace(found, peak=float(told.splitlines()[-1]))

    def python(self, *words: object) -> None:
        """Have Python do something with this code."""
        self._run(list(words), {})

    def _timed(self, *words: object) -> tuple[Watched, str]:
        wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        told = self._run(list(words), {})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Watched(used, time.perf_counter() - wall, 0), told


def unpack(commit: str, folder: Path) -> Tree:
    """Return the code of a commit."""
    packed, root = folder / "tree.tar", folder / "tree"
    subprocess.run(["git", "archive", "--output", str(packed), commit], cwd=REPOSITORY, check=True)
    with tarfile.open(packed) as files:
        files.extractall(root, filter="data")
    compileall.compile_dir(root, quiet=1)  # as this tree is
    return Tree.at(commit, root)


def measure(tree: Tree, archive: Path, folder: Path, days: int, model: Path) -> Measured:
    """Measure a tree once: stages in processes like workers, then commands."""
    found = _stages(tree, archive, folder, days, model)
    return found | _commands(tree, archive, folder, model)


def _stages(tree: Tree, archive: Path, folder: Path, days: int, model: Path) -> Measured:
    block, one = folder / "block", folder / "one"
    stage = partial(tree.stage, archive=archive)
    bundled = tree.root / "models" / BUNDLED_MODEL
    ingest = stage(INGEST, work=block, days=days, model=model)
    other = stage(DETECT, work=block, days=days, model=bundled)
    detect = stage(DETECT, work=block, days=days, model=model)
    alone = [stage(name, work=one, days=1, model=model)["cpu_s"] for name in (INGEST, DETECT)]
    stored = sum(p.stat().st_size for p in (block / "archive.zarr" / SATELLITE).rglob("*") if p.is_file())
    records = _records(block)
    return {
        "ingest, CPU ms a day": 1000 * ingest["cpu_s"],
        "detect from the archive, CPU ms a day": 1000 * detect["cpu_s"],
        "ingest and detect, CPU ms a day": 1000 * (ingest["cpu_s"] + detect["cpu_s"]),
        "detect with the bundled model, CPU ms a day": 1000 * other["cpu_s"],
        "ingest the first day of a block, CPU ms": 1000 * alone[0],
        "ingest and detect the first day of a block, CPU ms": 1000 * sum(alone),
        "peak of a process that ingests, MB": ingest["peak_MB"],
        "peak of a process that detects, MB": detect["peak_MB"],
        "archive, bytes a record": stored / records,
    }


def _commands(tree: Tree, archive: Path, folder: Path, model: Path) -> Measured:
    dates = [g.date.isoformat() for g in list_archive(str(archive)).granules]
    here, run, rules = folder / "commands", folder / "run", ["--model", model, "--mode", "published"]
    found = {
        "command ingest, all days but one, CPU s": tree.command("ingest", archive, here, "--end", dates[-2])[
            0
        ],
        "command detect, all days but one, CPU s": tree.command("detect", here, *rules)[0],
    }
    share = ["--partition", "1/1"]
    new = tree.command("ingest", archive, here, *share)[0] + tree.command("detect", here, *rules, *share)[0]
    found["commands ingest and detect, the day that was left out, without workers, CPU s"] = new
    words = ["run", archive, run, "--end", dates[0], *rules]
    for what in ("of one day in a new WORK", "again, nothing new"):
        cpu, wall = tree.command(*words)
        found |= {f"run {what}, CPU s": cpu, f"run {what}, wall s": wall}
    return found


def _records(work: Path) -> int:
    receipts = [json.loads(p.read_text()) for p in (work / "ledger" / "ingest").rglob("[0-9]*.json")]
    return sum(day["records"] for one in receipts for day in one["days"].values())


def _events(work: Path) -> pd.DataFrame:
    (folder,) = (work / "runs").glob("*/events")
    table = pd.read_parquet(folder)
    return table.sort_values(["satellite", "event_class", "start_time"], ignore_index=True)


def differences(old: pd.DataFrame, new: pd.DataFrame) -> str:
    """Return in words whether two tables of events are the same where both have a column."""
    shared = [name for name in old if name in new and name not in OF_A_RUN]
    if len(old) != len(new):
        return f"{len(old)} events in the old run, {len(new)} in the new one: they differ"
    other = [name for name in shared if not old[name].equals(new[name].astype(old[name].dtype))]
    if other:
        return f"{len(old)} events in both runs, which differ in {', '.join(other)}"
    return f"{len(old)} events in both runs, the same in all {len(shared)} columns that both have"


def compare(commit: str, folder: Path, first: str, options: argparse.Namespace) -> None:
    """Print what this tree and a commit's cost in some rounds, as Markdown."""
    (folder / "old").mkdir()
    trees = [unpack(commit, folder / "old"), Tree.at("this tree", REPOSITORY)]
    archive = make_days(folder / "days", first, options.days, options.source)
    rounds: list[list[Measured]] = []
    for number in range(options.rounds):
        order = trees if number % 2 == 0 else trees[::-1]
        taken = {
            t.name: measure(t, archive, folder / f"{number}-{trees.index(t)}", options.days, options.model)
            for t in order
        }
        rounds.append([taken[t.name] for t in trees])
    print(table(commit, rounds))
    tables = [_events(folder / f"0-{k}" / "block") for k in range(2)]
    print(f"\nMedian of {len(rounds)} rounds, {options.days} days in a block. {differences(*tables)}.")


def table(commit: str, rounds: list[list[Measured]]) -> str:
    """Return the medians of old and new and of their ratios, a row for each thing measured."""
    lines = [f"| what | {commit} | this tree | ratio |", "|---|---:|---:|---:|"]
    median: Callable[[list[float]], float] = statistics.median
    for name in rounds[0][0]:
        old, new = ([one[side][name] for one in rounds] for side in (0, 1))
        ratio = median([b / a for a, b in zip(old, new, strict=True)])
        lines.append(f"| {name} | {median(old):.3g} | {median(new):.3g} | {ratio:.2f} |")
    return "\n".join(lines)
