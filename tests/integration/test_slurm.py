"""The main job on a real SLURM: workers as jobs, the whole run as a job, and an array of shares.

Starting it needs root and Debian's packages, as the data beside the checkout do: see `shared`.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reprocess.execution.batch import ENVIRONMENT
from tests.support.command import reprocess, tree

OPTIONS = ("--model", "random", "--classes")
FILE = """\
batch_system: slurm
jobs: {jobs}
options:
  cores: 1
  memory: 1GB
  walltime: "00:10:00"
  interface: lo
main:
  memory: 1GB
"""


def ask(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def slurm(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A SLURM of one node; what was started is stopped whatever happens."""
    folder = tmp_path_factory.mktemp("slurm")
    munge = Path("/run/munge/munged.pid")
    running = munge.exists() and Path("/proc", munge.read_text(encoding="utf-8").strip()).exists()
    patch = pytest.MonkeyPatch()
    try:
        words = [str(shared / "tools" / "start_slurm"), str(folder)]
        # A Dask nanny sets OMP_NUM_THREADS=1 in the process that starts it, and nproc believes that.
        ours = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
        done = subprocess.run(words, capture_output=True, text=True, timeout=500, check=False, env=ours)
        found = re.search(r"export SLURM_CONF=(\S+)", done.stdout)
        assert done.returncode == 0, done.stderr
        assert found, done.stdout + done.stderr
        patch.setenv("SLURM_CONF", found[1])
        assert ask("sinfo", "--noheader", "--format", "%T") == "idle"
        assert int(ask("sinfo", "--noheader", "--format", "%c")) >= 2, "a main job and a worker must fit"
        yield
        subprocess.run(["scancel", "--user", "root"], check=True)  # what a failed test left
        queue_empties(200)
    finally:
        for pid_file in (folder / "d.pid", folder / "ctld.pid", *([] if running else [munge])):
            if pid_file.exists():
                with suppress(ProcessLookupError):  # it ended between
                    os.kill(int(pid_file.read_text()), signal.SIGTERM)
        patch.undo()


@pytest.fixture
def folder(slurm: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a cluster file in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slurm.yaml").write_text(FILE.format(jobs=2))
    return tmp_path


def queue_empties(looks: int) -> bool:
    """Wait until no job is left."""
    for _ in range(looks):
        if not ask("squeue", "--noheader"):
            return True
        time.sleep(0.2)
    return False


def wait_for_the_queue(folder: Path) -> str:
    """Wait until no job is left, and return what the jobs said."""
    assert queue_empties(3000), "jobs are left in the queue"
    return "\n".join(p.read_text() for p in sorted((folder / "reprocess-logs").glob("reprocess-*")))


def test_workers_of_slurm_give_the_same_bytes(fake_archive: Path, undisturbed: Path, folder: Path) -> None:
    done = reprocess("run", fake_archive, "w", *OPTIONS, "--cluster", "slurm.yaml")
    assert "2 jobs of 1 worker each asked of slurm" in done.stderr
    assert re.search(r"ssh -N -L 8787:127\.0\.0\.1:\d+ ", done.stderr)
    assert tree(folder / "w") == tree(undisturbed)
    wait_for_the_queue(folder)  # the run took its jobs along
    logs = "".join(p.read_text() for p in (folder / "reprocess-logs").glob("dask-worker-*.err"))
    assert set(re.findall(r"Registered to: +(\w+)://", logs)) == {"tls"}
    assert not list((folder / "reprocess-logs").glob("tls-*"))


def test_a_submitted_run_gets_its_workers_by_itself(
    fake_archive: Path, undisturbed: Path, folder: Path
) -> None:
    (folder / "slurm.yaml").write_text(FILE.format(jobs=1))  # the second core is the main job's
    done = reprocess("cluster", "submit", "slurm.yaml", fake_archive, "w", *OPTIONS)
    assert "submitted job " in done.stdout
    said = wait_for_the_queue(folder)
    assert "1 job of 1 worker each asked of slurm" in said
    assert tree(folder / "w") == tree(undisturbed), said


def test_an_array_of_shares_gives_the_same_bytes(fake_archive: Path, undisturbed: Path, folder: Path) -> None:
    done = reprocess("cluster", "submit", "--shares", 3, "slurm.yaml", fake_archive, "w", *OPTIONS)
    assert done.stdout.count("submitted job ") == 2
    said = wait_for_the_queue(folder)
    for share in ("1/3", "2/3", "3/3"):
        assert f"share {share} is through" in said
    assert "dashboard" not in said
    assert tree(folder / "w") == tree(undisturbed), said
