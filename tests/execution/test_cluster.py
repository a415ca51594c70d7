"""Where workers come from: what they listen on, how jobs that end are replaced, what the user is told."""

import asyncio
import atexit
import contextlib
import gc
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask
import pytest
from distributed.security import Security
from distributed.utils import format_dashboard_link

from reprocess.errors import ClusterError
from reprocess.execution import cluster as module
from reprocess.execution import leaving
from reprocess.execution.batch import ENVIRONMENT, Batch
from reprocess.execution.cluster import Cluster, JobKeeper, open_cluster, tunnel
from reprocess.execution.cluster import _free as free_address

SLURM = Batch(Path("/x.yaml"), "slurm", {"cores": 1, "memory": "1GB"})


@pytest.fixture(autouse=True)
def _from_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SSH_CONNECTION", *module._SUBMITTED_FROM):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.chdir(tmp_path)


def listening() -> set[str]:
    """Return the addresses that this process and its children listen on, as hexadecimal IPv4."""
    family = {str(os.getpid())}
    parents = {p.name: p for p in Path("/proc").iterdir() if p.name.isdigit()}
    for _ in range(3):
        for pid, path in parents.items():
            with contextlib.suppress(OSError):
                if (path / "stat").read_text().rsplit(")", 1)[1].split()[1] in family:
                    family.add(pid)
    sockets = set()
    for pid in family:
        with contextlib.suppress(OSError):
            for file in (Path("/proc") / pid / "fd").iterdir():
                with contextlib.suppress(OSError):
                    sockets.add(os.readlink(file))
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="utf-8").splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
                found.add(words[1].split(":")[0])
    return found


@pytest.mark.parametrize("tls", [False, True])
def test_everything_on_this_machine_stays_on_the_loopback(tls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:  # a Dask cluster of another test leaves its own in this process's environment
        monkeypatch.delenv(name, raising=False)
    said: list[str] = []
    with open_cluster(workers=1, tls=tls, announce=said.append) as cluster:
        client = cluster.client()
        assert cluster.client() is client
        assert client.submit(environment_of_a_worker).result() == ENVIRONMENT
        assert client.scheduler.address.startswith("tls://" if tls else "tcp://")
        assert listening() == {"0100007F"}
    assert len(said) == 1
    assert said[0].startswith("dashboard: http://127.0.0.1:")


def note_what_is_left_out(file: str) -> None:
    """Have a worker's process write how many objects it no longer looks through as it ends."""
    atexit.register(lambda: Path(file).write_text(str(gc.get_freeze_count()), encoding="ascii"))


@pytest.mark.parametrize("own", [[], ["json"]])
def test_workers_end_without_looking_for_garbage_unless_users_load_something(
    own: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "left"
    with dask.config.set({"distributed.worker.preload": own}):
        with open_cluster(workers=1, announce=str) as cluster:
            cluster.client().run(note_what_is_left_out, str(file))
        assert dask.config.get("distributed.worker.preload") == own, "later clusters are the user's own"
    assert (int(file.read_text(encoding="ascii")) > 1000) == (not own)


def test_a_worker_within_another_process_leaves_its_garbage_alone() -> None:
    before = gc.get_freeze_count()
    leaving.dask_teardown(SimpleNamespace(nanny=None))
    assert gc.get_freeze_count() == before


def test_settings_of_the_user_win_over_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    own = {"MALLOC_TRIM_THRESHOLD_": "1000000"}
    with (
        dask.config.set({"distributed.nanny.pre-spawn-environ": own}),
        open_cluster(workers=1, announce=str) as cluster,
    ):
        assert cluster.client().submit(environment_of_a_worker).result() == ENVIRONMENT | own


def test_a_stranger_is_refused_under_tls() -> None:
    with open_cluster(workers=1, tls=True, announce=str) as cluster:
        address = cluster.client().scheduler.address
        stranger = Cluster(scheduler=address)
        with pytest.raises(ClusterError, match=f"no Dask scheduler answers at {address}"):
            stranger.client()
        gc.collect()  # closes the client that could not connect, before the one whose settings it replaced
        assert cluster.client().submit(sum, [1]).result() == 1


def test_without_cryptography_tls_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def temporary() -> None:
        raise ImportError("no cryptography")

    monkeypatch.setattr(Security, "temporary", temporary)
    with pytest.raises(ClusterError, match=r"pip install 'reprocess\[cluster\]'"):
        Cluster(tls=True).client()


def test_the_way_to_the_dashboard_is_told_from_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.9 1234 10.0.0.1 22")
    said: list[str] = []
    with open_cluster(workers=1, announce=said.append) as cluster:
        cluster.client()
    port = said[0].split(":")[3].split("/")[0]
    assert f"ssh -N -L 8787:127.0.0.1:{port} " in said[1]


@pytest.mark.parametrize(
    ("here", "submitted", "words"),
    [
        ("login1.site.edu", None, "ssh -N -L 8787:127.0.0.1:9999 ada@login1.site.edu"),
        ("node7.site.edu", "login1", "ssh -N -L 8787:127.0.0.1:9999 -J ada@login1 ada@node7.site.edu"),
        ("login1.site.edu", "login1", "ssh -N -L 8787:127.0.0.1:9999 ada@login1.site.edu"),
    ],
)
def test_the_tunnel_leads_through_the_machine_a_job_was_submitted_from(
    here: str, submitted: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.socket, "getfqdn", lambda: here)
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    if submitted:
        monkeypatch.setenv("PBS_O_HOST", submitted)
    assert tunnel(9999) == words


def test_a_name_that_means_only_this_machine_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.socket, "getfqdn", lambda: "localhost")
    assert "@localhost" not in tunnel(9999)


def test_a_dashboard_that_is_open_to_all_is_told_as_dask_sees_it() -> None:
    client = SimpleNamespace(
        scheduler_info=lambda: {"services": {"dashboard": 8787}},
        cluster=object(),
        dashboard_link="http://h:1/x",
    )
    batch = Batch(Path("/x.yaml"), "slurm", {}, dashboard="0.0.0.0:8787")
    assert module._dashboard(client, batch) == ["dashboard: http://h:1/x"]
    assert len(module._dashboard(client, SLURM)) == 2


@pytest.mark.parametrize(
    ("listens", "own", "link"),
    [
        ("127.0.0.1:8787", None, "http://127.0.0.1:9999/status"),
        ("localhost:8787", None, "http://127.0.0.1:9999/status"),
        ("0.0.0.0:8787", None, "http://10.0.0.5:9999/status"),
        ("127.0.0.1:8787", "/proxy/{port}/status", "/proxy/9999/status"),
    ],
)
def test_links_to_the_dashboard_lead_to_where_it_listens(listens: str, own: str | None, link: str) -> None:
    batch = Batch(Path("/x.yaml"), "slurm", {}, dashboard=listens)
    with dask.config.set({} if own is None else {"distributed.dashboard.link": own}):
        module._link_dashboard(batch)
        assert format_dashboard_link("10.0.0.5", 9999) == link


def test_a_port_that_is_taken_is_left_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_address(f"127.0.0.1:{port}") == "127.0.0.1:0"
    assert free_address(f"127.0.0.1:{port}") == f"127.0.0.1:{port}"


# Tornado leaves the socket open that it could not bind.
@pytest.mark.filterwarnings("ignore:.*unclosed <socket", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_port_that_is_taken_at_the_last_moment_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr(module, "_free", lambda _: f"127.0.0.1:{taken}")
        with open_cluster(workers=1, announce=said.append) as cluster:
            cluster.client()  # warnings are errors here
    (line,) = said
    assert line.startswith("dashboard: http://127.0.0.1:")
    assert f":{taken}/" not in line


def test_a_batch_system_that_is_not_here_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    options = {"cores": 1, "memory": "1GB", "walltime": "01:00:00", "interface": "lo"}
    batch = Batch(Path("/x.yaml"), "slurm", options, jobs=2)
    with (
        pytest.raises(ClusterError, match=r"slurm takes no jobs from here .*sbatch.*--one-node, or --part"),
        open_cluster(batch=batch, announce=str) as place,
    ):
        place.client()
    assert list(batch.logs.iterdir()) == []


def test_options_that_dask_refuses_are_told() -> None:
    options = {"cores": 1, "memory": "1GB", "interface": "none0"}
    with (
        pytest.raises(ClusterError, match=r"/x\.yaml: no Dask scheduler with these options: .*none0"),
        open_cluster(batch=Batch(Path("/x.yaml"), "slurm", options)) as place,
    ):
        place.client()


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The two commands that dask-jobqueue uses of SLURM, with processes of this machine for jobs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    commands = {
        "sbatch": f'cp "$1" {folder}/$$; setsid bash {folder}/$$ >{folder}/$$.log 2>&1 & echo "job $!"',
        "scancel": 'kill -- "-$1"',
    }
    for name, line in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("waited for a minute")


def names(cluster: Any) -> set[str]:
    return {str(worker["name"]) for worker in cluster.scheduler_info["workers"].values()}


def kill(cluster: Any, job: str) -> None:
    os.killpg(int(cluster.workers[job].job_id), signal.SIGKILL)
    wait_until(lambda: not any(name.startswith(job) for name in names(cluster)))


def test_a_job_whose_workers_left_is_replaced_but_not_one_that_hardly_lived(slurm: Path) -> None:
    options = {"cores": 2, "memory": "2GB", "walltime": "01:00:00", "interface": "lo"}
    batch = Batch(Path("/x.yaml"), "slurm", options, jobs=2)
    said: list[str] = []
    clock = Clock()
    with open_cluster(batch=batch, announce=str) as place:
        jobs = place.client().cluster
        wait_until(lambda: len(names(jobs)) == 4)
        keeper = JobKeeper(jobs, SLURM, said.append, clock=clock)
        first, second = sorted(jobs.worker_spec)
        jobs.sync(keeper.look)
        clock.now = 100
        kill(jobs, first)
        jobs.sync(keeper.look)
        assert said == [f"the workers of job {first} left after 100 s"]
        jobs.sync(keeper.look)
        assert sorted(jobs.worker_spec) == [first, second], "it died too early to try again"
        clock.now = 200
        kill(jobs, second)
        jobs.sync(keeper.look)
        assert said[1] == f"the workers of job {second} left after 200 s"
        wait_until(lambda: len(names(jobs)) == 2)
        (new,) = set(jobs.worker_spec) - {first}
        assert names(jobs) == {f"{new}-0", f"{new}-1"}
        assert place.client().submit(sum, [2, 3]).result() == 5
    assert list((Path("reprocess-logs")).iterdir()) == [], "certificates go when the run ends"


def test_workers_of_a_batch_system_are_told_what_the_documents_promise(slurm: Path) -> None:
    options = {"cores": 1, "memory": "1GB", "walltime": "01:00:00", "interface": "lo"}
    said: list[str] = []
    with open_cluster(batch=Batch(Path("/x.yaml"), "slurm", options), announce=said.append) as place:
        client = place.client()
        assert client.submit(settings_of_a_worker).result() == {
            **ENVIRONMENT,
            "target": False,
            "spill": False,
            "pause": 0.8,
        }
        assert client.cluster.scheduler.allowed_failures == 10
        assert client.scheduler.address.startswith("tls://")
        (worker,) = client.scheduler_info()["workers"].values()
        assert worker["nthreads"] == 1
        assert worker["memory_limit"] == pytest.approx(1e9, rel=0.01)
        assert worker["nanny"] is not None
        assert listening() == {"0100007F"}
    assert said[0] == "1 job of 1 worker each asked of slurm"
    assert said[1].startswith("dashboard: http://127.0.0.1:")
    assert "ssh -N -L 8787:127.0.0.1:" in said[2]


def environment_of_a_worker() -> dict[str, str]:
    return {name: os.environ[name] for name in ENVIRONMENT}


def settings_of_a_worker() -> dict[str, Any]:
    import dask

    memory = dask.config.get("distributed.worker.memory")
    return environment_of_a_worker() | {name: memory[name] for name in ("target", "spill", "pause")}


def test_a_users_own_dask_settings_stay() -> None:
    import dask

    with dask.config.set({"distributed.scheduler.allowed-failures": 77}):
        dask.config.update_defaults(module.DASK)
        assert dask.config.get("distributed.scheduler.allowed-failures") == 77


def test_silence_is_broken_when_no_worker_comes() -> None:
    said: list[str] = []
    clock = Clock()
    idle = SimpleNamespace(scheduler_info={"workers": {}}, worker_spec={})
    keeper = JobKeeper(idle, SLURM, said.append, clock=clock)
    for now in range(0, 900, 15):
        clock.now = now
        asyncio.run(keeper.look())
    assert len(said) == 2
    assert said[0].startswith("no worker for 5 minutes: jobs wait in the queue or have failed; ask slurm")
    assert str(SLURM.logs) in said[0]


def test_a_cluster_grows_and_does_not_shrink() -> None:
    with open_cluster(workers=1, announce=str, memory=2 * 10**9) as cluster:
        client = cluster.client()
        cluster.grow(2)
        client.wait_for_workers(2, timeout=60)
        cluster.grow(1)
        workers = client.scheduler_info()["workers"].values()
        assert [worker["memory_limit"] for worker in workers] == [2 * 10**9] * 2


def test_an_interrupt_while_it_closes_comes_when_all_is_closed() -> None:
    closed = []
    workers = SimpleNamespace(close=lambda: closed.append("workers"))

    def interrupted() -> None:
        signal.raise_signal(signal.SIGINT)
        closed.append("client")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), open_cluster() as opened:
            opened._client = SimpleNamespace(close=interrupted, cluster=workers)
    finally:
        signal.signal(signal.SIGINT, before)
    assert closed == ["client", "workers"]
    assert opened._client is None
