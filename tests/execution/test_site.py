"""Settings of the machine, the site and the user that Dask's processes would stumble over."""

import getpass
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import pytest

from reprocess.errors import ClusterError
from reprocess.execution import site as module
from reprocess.execution.cluster import Cluster, tunnel


def test_a_link_that_can_be_made_is_left_as_it_is() -> None:
    said: list[str] = []
    with dask.config.set({"distributed.dashboard.link": "/proxy/{port}/{host}"}):
        module.mend_dashboard_link(said.append)
        assert dask.config.get("distributed.dashboard.link") == "/proxy/{port}/{host}"
    assert said == []


@pytest.mark.parametrize("link", ["{NO_SUCH_VARIABLE}/{port}", "{}/{port}", "{port", "{port.x}"])
def test_a_link_that_cannot_be_made_is_left_out(link: str) -> None:
    said: list[str] = []
    with dask.config.set({"distributed.dashboard.link": link}):
        module.mend_dashboard_link(said.append)
        assert dask.config.get("distributed.dashboard.link") == "{scheme}://{host}:{port}/status"
    (line,) = said
    assert f"left out the dashboard link of your Dask configuration: {link}" in line


@pytest.mark.parametrize(
    ("settings", "demanded"),
    [
        ({}, False),
        ({"distributed.comm.require-encryption": True}, True),
        ({"distributed.comm.require-encryption": False}, False),
        ({"distributed.comm.default-scheme": "tls"}, True),
    ],
)
def test_tls_is_demanded_by_the_configuration(settings: dict[str, object], demanded: bool) -> None:
    with dask.config.set(settings):
        assert module.demands_tls() == demanded


def test_what_the_configuration_asks_for_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    settings = {"distributed.comm.require-encryption": True, "distributed.dashboard.link": "{NOWHERE}/status"}
    with dask.config.set(settings):
        cluster = Cluster(workers=1, announce=said.append)
        try:
            client = cluster.client()
            assert client.scheduler.address.startswith("tls://")
            assert client.submit(sum, [1, 2]).result() == 3
        finally:
            cluster.close()
    assert "TLS is switched on, as with --tls" in "".join(said)


@pytest.mark.parametrize("error", [OSError(30, "Read-only file system"), ImportError("no sem_open")])
def test_a_system_without_semaphores_is_named_with_the_way_out(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nothing:
        def Lock(self) -> None:
            raise error

    monkeypatch.setattr(module.multiprocessing, "get_context", lambda _: Nothing())
    with pytest.raises(ClusterError, match=r"no worker processes can be started here.*--partition 1/1"):
        Cluster(workers=1).client()


def test_workers_that_do_not_start_are_told_by_their_first_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: Cluster) -> None:
        try:
            raise OSError("no room for a process")
        except OSError as e:
            raise RuntimeError("Nanny failed to start.") from e

    monkeypatch.setattr(Cluster, "_start", start)
    with pytest.raises(ClusterError, match=r"do not start on this machine \(OSError: no room.*1/1"):
        Cluster(workers=1).client()


@pytest.mark.parametrize("error", [KeyError("uid not found: 4711"), OSError("no username set")])
def test_a_user_without_a_name_is_called_user(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert "USER@" in tunnel(8787)


@pytest.mark.parametrize("folder", ["$REPROCESS_TEST/logs", "${REPROCESS_TEST}/logs"])
def test_variables_of_a_cluster_file_are_those_of_the_session(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprocess.execution.batch import load_batch

    file = tmp_path / "slurm.yaml"
    file.write_text(
        "batch_system: slurm\n"
        f"options: {{cores: 2, memory: 8GB, log_directory: '{folder}', shared_temp_directory: '~/tls'}}\n",
        encoding="utf-8",
    )
    with pytest.raises(
        ClusterError, match=r"log_directory is '.*', and \$.*REPROCESS_TEST.* is not set here"
    ):
        load_batch(file)
    monkeypatch.setenv("REPROCESS_TEST", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    batch = load_batch(file)
    assert batch.logs == tmp_path / "logs"
    assert batch.shared == tmp_path / "home" / "tls"
    assert f"-e {tmp_path}/logs/" in batch.job("x").job_script()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_held_until_what_starts_has_started(number: signal.Signals) -> None:
    started = False
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), module.signals_held():  # noqa: PT012
            os.kill(os.getpid(), number)
            started = True
        assert started
        assert signal.getsignal(number) is signal.default_int_handler
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())
    finally:
        signal.signal(number, before)


def test_what_is_started_meanwhile_does_not_hear_the_terminal() -> None:
    code = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, set()))"
    with module.signals_held():
        assert subprocess.check_output([sys.executable, "-c", code]) == b"True\n"


def test_other_threads_leave_signals_alone() -> None:
    with ThreadPoolExecutor(1) as pool:
        mask = pool.submit(_mask_within).result()
    assert signal.SIGINT not in mask


def _mask_within() -> set[int]:
    with module.signals_held():
        return signal.pthread_sigmask(signal.SIG_BLOCK, set())
