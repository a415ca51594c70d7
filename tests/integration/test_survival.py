"""What can happen to a run: it ends with its reason, everything else done, and the next one completes it."""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from reprocess.classifier.bundle import Bundle
from tests import soak
from tests.support.command import REPROCESS, blocks, records, reprocess, tree

OPTIONS = ("--model", "random", "--classes", "--workers", 2)
ALONE = ("--model", "random", "--classes", "--partition", "1/1")
PATIENCE_S = 300


@contextmanager
def started(*arguments: object, **options: object) -> Iterator[subprocess.Popen[str]]:
    """Run a command in the background, and make sure that it ends."""
    process = subprocess.Popen(
        [*map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_a_new_record(work: Path, process: subprocess.Popen[str]) -> None:
    before, since = records(work), time.monotonic()
    while records(work) == before:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - since < PATIENCE_S
        time.sleep(0.01)


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def scheduler(address: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    port = address.rsplit(":", 1)[1]
    words = (soak.DASK, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    with started(*words, cwd=folder) as process:
        yield process


@contextmanager
def worker(address: str, folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    words = (soak.DASK, "worker", address, "--nthreads", "1", "--no-dashboard", "--local-directory", folder)
    with started(*words, *options) as process:
        try:
            yield process
        finally:
            for child in (
                psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ()
            ):
                child.kill()


def test_a_block_that_kills_its_worker_is_named_and_everything_else_is_done(
    fake_archive: Path, unmapped: Path, tmp_path: Path
) -> None:
    poison = tmp_path / "poison.py"
    poison.write_text(
        "import os, signal\n"
        "from reprocess.ingest import block as blocks\n"
        "def dask_setup(worker):\n"
        "    ingest_block = blocks.ingest_block\n"
        "    def poisoned(plan):\n"
        "        if (plan.satellite, plan.block) == ('noaa18', 250):\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return ingest_block(plan)\n"
        "    blocks.ingest_block = poisoned\n"
    )
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "poison",  # by name: a file would be loaded twice
        # One death is enough to blame every block that the worker had in hand, innocent ones too.
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    }
    work = tmp_path / "w"
    words = [REPROCESS, "run", fake_archive, work, *OPTIONS]
    done = subprocess.run(
        [*map(str, words)], env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 4, done.stderr
    assert "failed noaa18 block 250: KilledWorker: its worker process died" in done.stdout
    assert done.stdout.count("failed ") == 1
    assert "run random-published: 3 satellite-days classified" in done.stdout
    state = json.loads(reprocess("status", work, "--json", code=4).stdout)
    assert [d["date"] for d in state["ingest"]["missing"]] == ["2019-12-01"]
    assert [(y["missing"], y["failed"]) for y in state["ingest"]["years"]] == [(0, 0), (1, 1)]
    reprocess("run", fake_archive, work, *ALONE)
    assert blocks(work) == blocks(unmapped)


def test_a_lost_scheduler_ends_the_run_with_its_reason(
    fake_archive: Path, unmapped: Path, tmp_path: Path
) -> None:
    address, work = free_address(), tmp_path / "w"
    with scheduler(address, tmp_path) as lost, worker(address, tmp_path / "scratch"):
        words = (REPROCESS, "run", fake_archive, work, *OPTIONS[:3], "--scheduler", address)
        with started(*words) as client:
            wait_for_a_new_record(work, client)
            lost.kill()
            _, errors = client.communicate(timeout=PATIENCE_S)
            assert client.returncode == 4
            assert "Error: the Dask scheduler was lost during ingest" in errors
            assert "give the same command again to go on" in errors
            assert "Traceback" not in errors
    assert soak.false_claims(work) == []
    reprocess("run", fake_archive, work, *ALONE)
    assert tree(work) == tree(unmapped)


def heed_interrupts() -> None:
    """Undo what a shell does to commands in the background, these tests perhaps: SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_signal_ends_the_run_at_once_and_leaves_no_process(
    fake_archive: Path, unmapped: Path, tmp_path: Path
) -> None:
    work = tmp_path / "w"
    for number in (signal.SIGTERM, signal.SIGINT):
        with started(REPROCESS, "run", fake_archive, work, *OPTIONS, preexec_fn=heed_interrupts) as client:
            wait_for_a_new_record(work, client)
            family = psutil.Process(client.pid).children(recursive=True)
            client.send_signal(number)
            _, errors = client.communicate(timeout=PATIENCE_S)
            assert client.returncode == 4
            assert "Error: interrupted; what is done stays done; give the same command again" in errors
            assert "Traceback" not in errors
            _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
            assert alive == []
        assert soak.false_claims(work) == []
    reprocess("run", fake_archive, work, *ALONE)
    assert tree(work) == tree(unmapped)


def test_a_killed_client_leaves_no_process(fake_archive: Path, random_model: Bundle, tmp_path: Path) -> None:
    with started(REPROCESS, "run", fake_archive, tmp_path / "w", *OPTIONS) as client:
        wait_for_a_new_record(tmp_path / "w", client)
        family = psutil.Process(client.pid).children(recursive=True)
        assert len(family) > 2
        client.kill()
        _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
        assert alive == []


def limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_full_disk_is_named_and_the_next_run_completes(
    fake_archive: Path, unmapped: Path, tmp_path: Path
) -> None:
    """A limit of the size of files stands for the full disk: like one, it lets small files through."""
    work = tmp_path / "w"
    reprocess("ingest", fake_archive, work, "--satellite", "noaa18", "--start", "2019-11-01", "--workers", 1)
    words = (REPROCESS, "ingest", fake_archive, work, "--satellite", "noaa18", "--workers", 1)
    with started(*words, preexec_fn=lambda: limit_files(1500)) as client:
        output, errors = client.communicate(timeout=PATIENCE_S)
        assert client.returncode == 4, errors
    assert "noaa18 block 248: FAILED: OSError: [Errno 27] File too large" in errors
    assert "1 of 3 satellite-days ingested" in output
    assert "2 missing" in output
    assert "Traceback" not in errors
    assert soak.false_claims(work) == []
    with started(REPROCESS, "detect", work, *OPTIONS, preexec_fn=lambda: limit_files(100)) as client:
        _, errors = client.communicate(timeout=PATIENCE_S)
        assert client.returncode == 4
    assert "File too large" in errors
    assert "mend that first: what is done stays done; give the same command again" in errors
    reprocess("run", fake_archive, work, *ALONE)
    assert tree(work) == tree(unmapped)


def test_workers_whose_time_is_over_are_followed_by_others(
    fake_archive: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """On a scheduler that was running before."""
    address, work = free_address(), tmp_path / "w"
    words = (REPROCESS, "run", fake_archive, work, *OPTIONS[:3], "--scheduler", address)
    with scheduler(address, tmp_path), started(*words) as client:
        with worker(address, tmp_path / "first", "--lifetime", "4s") as first:
            first.wait(PATIENCE_S)  # having done some blocks, or none where machines are slow
        with worker(address, tmp_path / "second"):
            _, errors = client.communicate(timeout=PATIENCE_S)
            assert client.returncode == 0, errors
    assert tree(work) == tree(undisturbed)


def test_random_kills_of_client_scheduler_and_workers_end_in_the_same_bytes(
    random_model: Bundle, tmp_path: Path
) -> None:
    archive, reference = soak.prepare(tmp_path, satellites=1, blocks=3)
    counts = soak.soak(soak.Stage(archive, tmp_path), reference, 5, 4, print)
    assert counts["kills"] == 5
    assert counts["runs"] > 0


def test_audit_finds_damage_repairs_and_the_next_run_restores_the_bytes(
    fake_archive: Path, undisturbed: Path, tmp_path: Path
) -> None:
    work = shutil.copytree(undisturbed, tmp_path / "w")
    done = reprocess("audit", work, "--workers", 2, "--sources", "--json")
    assert json.loads(done.stdout) == {
        "findings": [],
        "checked": {"blocks": 3, "satellite_days": 4, "shards": 60, "parts": 6},
        "repaired": [],
    }
    assert done.stderr.count("audit ") == 3
    shard = work / "archive.zarr/noaa18/electron_flux/c/248/0/0/0"
    shard.write_bytes(shard.read_bytes()[:-1])
    done = reprocess("audit", work, code=4)
    assert "damaged archive.zarr/noaa18/electron_flux/c/248/0/0/0: expected sha256 " in done.stdout
    assert "reprocess audit WORK --repair, then the same reprocess run as before" in done.stdout
    assert "1 finding" in done.stdout
    done = reprocess("audit", work, "--run", "random-published", "--repair", code=4)
    assert "withdrew noaa18 block 248" in done.stdout
    assert "noaa18 2019: 1 of 3 ingested, 2 missing" in reprocess("status", work, code=4).stdout
    reprocess("run", fake_archive, work, *ALONE)  # the maps were not damaged
    reprocess("audit", work)
    assert tree(work) == tree(undisturbed)
