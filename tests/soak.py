"""Kill the client, the scheduler and the workers of a run at random, and look at what is left.

    python -m tests.soak --kills 50 --seed 1

A run over many small blocks is started on a scheduler and workers of its own. Whenever a block more
is done, one process is killed (SIGKILL) after a random moment; everything else is then stopped, so
that what is on disk is exactly what would be left if all had died at once, and the audit must
find no claim that does not hold. What died is started again. Whenever a run completes, its WORK
must be that of an undisturbed run byte for byte, and the next run begins with an empty one.
"""

import argparse
import collections
import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from reprocess import schema
from reprocess.audit.stage import audit
from reprocess.work.paths import Work
from reprocess.work.status import exit_code, survey
from tests.support import fake
from tests.support.command import REPROCESS, records, tree

HARMLESS = {"unfinished", "outdated"}
"""What a kill may leave: nothing of it is claimed, and `status` says that the run is not complete.

Half-written files under other names (``leftover``) may stay of a complete run too, if it was killed
while it made its maps once more.
"""

DASK = str(Path(sys.executable).with_name("dask"))
PATIENCE_S = 300


@dataclass
class Stage:
    """The processes of one run, restarted as they die."""

    archive: Path
    folder: Path
    workers: int = 2
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    laps: int = 0

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"

    @property
    def work(self) -> Path:
        return self.folder / f"work{self.laps}"

    def start(self) -> None:
        """Start whatever is not running."""
        port = self.address.rsplit(":", 1)[1]
        nowhere = ("--no-dashboard", "--local-directory", str(self.folder / "scratch"))
        self._start("scheduler", DASK, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        for i in range(self.workers):
            self._start(f"worker{i}", DASK, "worker", self.address, "--nthreads", "1", *nowhere)
        self._start(
            "client", REPROCESS, "run", self.archive, self.work, "--model", "random", "--classes",
            "--scheduler", self.address,
        )  # fmt: skip

    def _start(self, name: str, *words: object) -> None:
        running = self.processes.get(name)
        if running is None or running.poll() is not None:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [*map(str, words)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
                )

    def all_pids(self) -> list[psutil.Process]:
        """Return every process there is, the workers' own children too."""
        found = []
        for process in self.processes.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                parent = psutil.Process(process.pid)
                found += [parent, *parent.children(recursive=True)]
        return [p for p in found if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

    def unfinished(self) -> bool:
        """Tell whether a run was begun and not completed."""
        return self.work.exists()

    def progressed(self) -> bool:
        """Wait until a record was written or the client ended; tell whether it was the former."""
        before, since = records(self.work), time.monotonic()
        while time.monotonic() - since < PATIENCE_S:
            if self.processes["client"].poll() is not None:
                return False
            if records(self.work) != before:
                return True
            time.sleep(0.02)
        raise AssertionError(f"no block was done in {PATIENCE_S} s, see {self.folder}/client.log")

    def last_error(self) -> str:
        """Return what the last client that failed said."""
        return (self.folder / "client.log").read_text().rpartition("Error: ")[2]

    def refused(self) -> bool:
        """Tell whether the last client came to a scheduler that was not there yet, or no more."""
        return self.last_error().startswith("no Dask scheduler answers at")

    def victim(self, kind: str, chance: random.Random) -> psutil.Process:
        """Return the process to kill; of a worker either what works or the nanny that watches over it."""
        if kind != "worker":
            return psutil.Process(self.processes[kind].pid)
        nanny = psutil.Process(self.processes[f"worker{chance.randrange(self.workers)}"].pid)
        working = [p for p in nanny.children() if "spawn_main" in " ".join(p.cmdline())]
        return chance.choice([nanny, *working])

    def stop(self) -> None:
        """Kill everything, children first."""
        for process in reversed(self.all_pids()):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for process in self.processes.values():
            process.wait()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop every process for a while."""
        stopped = self.all_pids()
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        try:
            yield
        finally:
            for process in stopped:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()


def false_claims(root: Path) -> list[str]:
    """Return what a WORK directory claims and does not have, as it lies there now."""
    work = Work(root)
    findings, _ = audit(work, work.runs(), None, fake.Silence())
    state = survey(work)
    code = max([exit_code(state, None), *(exit_code(state, run) for run in state["runs"])])
    complete = code == 0 and bool(state["runs"]) and state["ingest"]["satellites"]
    return [str(f) for f in findings if f.kind != "leftover" and (complete or f.kind not in HARMLESS)]


def soak(
    stage: Stage, reference: Path, kills: int, seed: int, tell: Callable[[str], object]
) -> collections.Counter[str]:
    """Kill `kills` times and finish; return how often what was killed, and how many runs completed.

    Raises
    ------
    AssertionError
        If a claim does not hold, or a completed WORK is not that of an undisturbed run.
    """
    chance = random.Random(seed)
    expected = tree(reference)
    counts: collections.Counter[str] = collections.Counter()
    try:
        while counts["kills"] < kills or not counts["runs"] or stage.unfinished():
            stage.start()
            if stage.progressed():
                if counts["kills"] < kills:
                    counts["kills"] += 1
                    kind = chance.choice(["client", "scheduler", "worker"])
                    counts[kind] += 1
                    name = _kill(stage, kind, chance)
                    tell(f"kill {counts['kills']} of {kills}: {name}, {len(records(stage.work))} records")
                continue
            code = stage.processes.pop("client").returncode
            counts[f"exit {code}"] += 1
            if code == 0:
                assert tree(stage.work) == expected, f"{stage.work} differs from an undisturbed run"
                counts["runs"] += 1
                stage.laps += 1
            assert code in {0, 4} or stage.refused(), f"the client ended with {code}: {stage.last_error()}"
    finally:
        stage.stop()
    return counts


def _kill(stage: Stage, kind: str, chance: random.Random) -> str:
    """Kill one process after a random moment, look at the disk, and let the others notice."""
    time.sleep(chance.uniform(0, 0.5))
    victim = stage.victim(kind, chance)
    name = f"{kind} ({victim.pid})"
    victim.kill()
    with stage.frozen():
        claims = false_claims(stage.work)
    assert not claims, f"false claims after {name} was killed: {claims}"
    if kind == "scheduler":  # nothing of it survives its death; the client must say so and end
        code = stage.processes["client"].wait(PATIENCE_S)
        assert code in {0, 4} or stage.refused(), f"the client ended with {code}: {stage.last_error()}"
        stage.stop()
    elif kind == "client":
        stage.processes.pop("client").wait()
    return name


def prepare(folder: Path, satellites: int, blocks: int) -> tuple[Path, Path]:
    """Write an archive of one small fake day per block; return it and the WORK of an undisturbed run."""
    archive, reference = folder / "archive", folder / "undisturbed"
    for satellite in list(schema.SATELLITES)[:satellites]:
        for block in range(blocks):
            date = schema.day_date((194 + block) * schema.BLOCK_DAYS).isoformat()
            fake.write_granule(fake.granule_path(archive, satellite, date), fake.variables(satellite, date))
    words = [REPROCESS, "run", archive, reference, "--model", "random", "--classes", "--workers", 2]
    with (folder / "undisturbed.log").open("wb") as log:
        subprocess.run([*map(str, words)], stdout=log, stderr=log, check=True)
    return archive, reference


def main() -> None:
    """Run the soak and print what was done."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--satellites", type=int, default=2)
    parser.add_argument("--blocks", type=int, default=6, help="blocks of each satellite")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["REPROCESS_MODELS"] = str(folder / "models")
        fake.write_random_model(folder / "models")
        archive, reference = prepare(folder, options.satellites, options.blocks)
        began = time.monotonic()
        counts = soak(
            Stage(archive, folder), reference, options.kills, options.seed, lambda t: print(t, flush=True)
        )
        took = time.monotonic() - began
    print(f"{dict(counts)} in {took:.0f} s; every completed run is byte for byte an undisturbed one")


if __name__ == "__main__":
    main()
