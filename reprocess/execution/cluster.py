"""Where blocks are worked on: workers on this machine, of a batch system, or of a running scheduler.

Nothing starts before the first task needs it. Whatever is started listens on the loopback interface
alone, but for the scheduler that a batch system's workers must reach.
"""

import logging
import os
import socket
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask
from distributed import Client, LocalCluster, Status
from distributed.security import Security
from distributed.system import MEMORY_LIMIT
from tornado.ioloop import PeriodicCallback

from reprocess.errors import ClusterError
from reprocess.execution import site
from reprocess.execution.batch import DASK, ENVIRONMENT, SATURATION, Batch
from reprocess.pages.words import counted
from reprocess.schema import DASHBOARD_PORT

_LOOPBACK = "127.0.0.1"
_LEAVING = "reprocess.execution.leaving"

# Where the batch systems of `batch.SYSTEMS` name the machine that a job was submitted from.
_SUBMITTED_FROM = ("SLURM_SUBMIT_HOST", "SGE_O_HOST", "PBS_O_HOST", "LSB_SUB_HOST")


def memory_of_each(workers: int) -> int:
    """Return the limit in bytes that Dask sets each of so many workers on this machine."""
    return MEMORY_LIMIT // workers


@dataclass
class Cluster:
    """Where tasks run: started when the first task needs it."""

    workers: int = 1
    scheduler: str | None = None
    """Address of a running Dask scheduler; None starts one on this machine."""
    batch: Batch | None = None
    """The batch system that gives workers; None starts them on this machine."""
    tls: bool = False
    """Whether Dask's processes encrypt their traffic and refuse strangers; `batch` may ask for it too."""
    announce: Callable[[str], None] = print
    memory: int | None = None
    """Limit in bytes of each worker on this machine; None shares out what there is."""
    _client: Client | None = field(default=None, init=False)
    _certificates: TemporaryDirectory[str] | None = field(default=None, init=False)

    def client(self) -> Client:
        """Return the client, connecting first if need be.

        Raises
        ------
        ClusterError
            If the scheduler does not answer, or the batch system or TLS cannot be used.
        """
        if self._client is None:
            site.mend_dashboard_link(self.announce)
            if not self.scheduler and not self.tls and site.demands_tls():
                self.announce(
                    "your Dask configuration asks for encryption: TLS is switched on, as with --tls"
                )
                self.tls = True
            if self.scheduler:
                self._client = self._connect()
            elif self.batch:
                with site.signals_held():
                    self._client = Client(self._start_jobs(self.batch))
            else:
                site.require_semaphores()
                with site.signals_held():
                    self._client = Client(self._start_here())
            for line in _dashboard(self._client, self.batch):
                self.announce(line)
        return self._client

    def grow(self, workers: int) -> None:
        """Have so many workers on this machine, if there are fewer."""
        if workers > self.workers:
            self.workers = workers
            if self._client is not None:
                with site.signals_held():
                    self._client.cluster.scale(workers)

    def _start_here(self) -> LocalCluster:
        try:
            return self._start()
        except (OSError, RuntimeError, TypeError, ValueError) as e:
            cause: BaseException = e
            while (deeper := cause.__cause__ or cause.__context__) is not None:
                cause = deeper
            raise ClusterError(
                f"Dask's workers do not start on this machine ({type(cause).__name__}: {cause}); see your "
                "Dask configuration, or do without Dask: --partition 1/1"
            ) from e

    def _start(self) -> LocalCluster:
        # Another run may take the dashboard's port after `_free` looked; users are told where it is.
        warnings.filterwarnings("ignore", "Port [0-9]+ is already in use")
        settings = {
            "scheduler": {"worker-saturation": SATURATION},
            "nanny": {"pre-spawn-environ": ENVIRONMENT},
        }
        dask.config.update_defaults({"distributed": settings})
        return LocalCluster(
            n_workers=self.workers,
            threads_per_worker=1,  # HDF5 and the engines want a process each
            memory_limit=self.memory or "auto",
            host=_LOOPBACK,
            dashboard_address=_free(f"{_LOOPBACK}:{DASHBOARD_PORT}"),
            security=_temporary_security() if self.tls else None,
            # Whatever the shell says: there is one process per core. MALLOC must be set before the start.
            env={name: value for name, value in ENVIRONMENT.items() if not name.startswith("MALLOC")},
            # What the user has workers load, in Dask's configuration, is loaded instead.
            preload=None if dask.config.get("distributed.worker.preload", None) else [_LEAVING],
            # A block that raises is reported, and noted with its traceback; workers need not print it too.
            silence_logs=logging.CRITICAL,
        )

    def _start_jobs(self, batch: Batch) -> Any:
        batch.logs.mkdir(mode=0o700, parents=True, exist_ok=True)  # the jobs' certificates lie there too
        dask.config.update_defaults(DASK)
        _link_dashboard(batch)
        options = batch.worker_options()
        scheduler = {"dashboard_address": _free(batch.dashboard), **options.pop("scheduler_options", {})}
        shared = Path(options.pop("shared_temp_directory"))
        security = self._shared_security(shared) if self.tls or batch.tls else None
        try:
            cluster = batch.cluster_class(scheduler_options=scheduler, security=security, **options)
        except (OSError, RuntimeError, TypeError, ValueError) as e:
            raise ClusterError(f"{batch.path}: no Dask scheduler with these options: {e}") from e
        _ask_for_jobs(cluster, batch)
        keeper = JobKeeper(cluster, batch, self.announce)
        cluster.loop.add_callback(PeriodicCallback(keeper.look, keeper.interval_s * 1000).start)
        self.announce(
            f"{counted(batch.jobs, 'job')} of {counted(options['cores'], 'worker')} each asked of "
            f"{batch.batch_system}"
        )
        return cluster

    def _shared_security(self, folder: Path) -> Security:
        """Return certificates in a folder that jobs on other machines read; `close` removes them."""
        temporary = _temporary_security()
        self._certificates = TemporaryDirectory(prefix="tls-", dir=folder)  # for this user's eyes alone
        content = {
            "ca": temporary.tls_ca_file, "cert": temporary.tls_worker_cert, "key": temporary.tls_worker_key
        }  # fmt: skip
        paths = {name: Path(self._certificates.name) / f"{name}.pem" for name in content}
        for name, path in paths.items():
            path.write_text(content[name], encoding="ascii")
        roles = {
            f"tls_{role}_{kind}": str(paths[kind])
            for role in ("client", "scheduler", "worker")
            for kind in ("cert", "key")
        }
        return Security(require_encryption=True, tls_ca_file=str(paths["ca"]), **roles)

    def _connect(self) -> Client:
        try:
            return Client(self.scheduler, timeout="10s")
        except (OSError, ValueError, TypeError) as e:
            raise ClusterError(f"no Dask scheduler answers at {self.scheduler}: {e}") from e

    def close(self) -> None:
        """Disconnect, and stop what `client` started; an interrupt comes afterwards.

        Dask waits ten seconds at exit for what is half closed.
        """
        if self._client is not None:
            with site.signals_held():
                cluster = None if self.scheduler else self._client.cluster
                self._client.close()
                if cluster is not None:
                    cluster.close()
                self._client = None
        if self._certificates is not None:
            self._certificates.cleanup()
            self._certificates = None


def _ask_for_jobs(cluster: Any, batch: Batch) -> None:
    """Submit the jobs of workers; dask-jobqueue by itself only logs that it could not.

    Raises
    ------
    ClusterError
        If the batch system takes none or not all of them.
    """

    async def ask() -> None:
        # As `scale`, which leaves the outcome to the log.
        while len(cluster.worker_spec) < batch.jobs:
            cluster.worker_spec.update(cluster.new_worker_spec())
        await cluster

    try:
        cluster.sync(ask)
    except (OSError, RuntimeError, ValueError) as e:
        for job in cluster.workers.values():
            job.status = Status.failed  # or the cluster refuses to close
        cluster.close()
        raise ClusterError(
            f"{batch.batch_system} takes no jobs from here ({' '.join(str(e).split())}); where compute nodes "
            "cannot submit, use: reprocess cluster script --one-node, or --partition"
        ) from e


@contextmanager
def open_cluster(**options: Any) -> Iterator[Cluster]:
    """Provide a `Cluster` made with these options and close it at the end."""
    cluster = Cluster(**options)
    try:
        yield cluster
    finally:
        cluster.close()


@dataclass
class JobKeeper:
    """Asks for new jobs where the workers of old ones have all left.

    dask-jobqueue does not: at the end of its walltime a job is gone for good, and a long run would
    end up waiting for nobody. A job that lived for less than `least_s` is not replaced, so that a
    broken installation does not flood the queue.
    """

    cluster: Any
    """A cluster of dask-jobqueue."""
    batch: Batch
    announce: Callable[[str], None]
    interval_s: float = 15
    least_s: float = 120
    silence_s: float = 300
    """How long to wait between remarks that no worker is there."""
    clock: Callable[[], float] = time.monotonic
    _since: dict[str, float] = field(default_factory=dict, init=False)
    _present: float | None = field(default=None, init=False)

    async def look(self) -> None:
        """Compare the workers there are with the jobs they came from; called every `interval_s`."""
        now = self.clock()
        names = {str(worker["name"]) for worker in self.cluster.scheduler_info["workers"].values()}
        present = {job for job in self.cluster.worker_spec if _workers(self.cluster, job) & names}
        gone = [job for job in self._since if job not in present]
        replaced = [job for job in gone if now - self._since[job] >= self.least_s]
        for job in present:
            self._since.setdefault(job, now)
        for job in gone:
            lived = now - self._since.pop(job)
            self.announce(f"the workers of job {job} left after {lived:.0f} s")
        self._remark(now, bool(names))
        if replaced:
            await self.cluster.scale_down(replaced)
            self.cluster.scale(jobs=len(self.cluster.worker_spec) + len(replaced))

    def _remark(self, now: float, alive: bool) -> None:
        if alive or self._present is None:
            self._present = now
        elif now - self._present >= self.silence_s:
            self._present = now
            self.announce(
                f"no worker for {self.silence_s / 60:.0f} minutes: jobs wait in the queue or have failed; "
                f"ask {self.batch.batch_system}, and see {self.batch.logs}"
            )


def _workers(cluster: Any, job: str) -> set[str]:
    """Return the names of a job's workers."""
    return {f"{job}{suffix}" for suffix in cluster.worker_spec[job].get("group", [""])}


def _temporary_security() -> Security:
    """Return certificates that live as long as this process.

    Raises
    ------
    ClusterError
        If the library that makes them is missing.
    """
    try:
        return Security.temporary()
    except ImportError as e:
        raise ClusterError(f"TLS needs cryptography ({e}); pip install 'reprocess[cluster]'") from e


def _link_dashboard(batch: Batch) -> None:
    """Have Dask's links to the dashboard lead to where it listens: by default to the scheduler's address."""
    host = _LOOPBACK if _on_loopback(batch) else "{host}"
    link = f"{{scheme}}://{host}:{{port}}/status"
    dask.config.update_defaults({"distributed": {"dashboard": {"link": link}}})


def _on_loopback(batch: Batch | None) -> bool:
    return batch is None or batch.dashboard.rpartition(":")[0] in {_LOOPBACK, "localhost"}


def _dashboard(client: Client, batch: Batch | None) -> list[str]:
    """Say where the dashboard is, and how to reach it from another machine."""
    port = client.scheduler_info()["services"].get("dashboard")
    lines = [f"dashboard: {client.dashboard_link}"]
    if client.cluster is None or port is None or not _on_loopback(batch):
        return lines
    if batch or any(os.environ.get(name) for name in ("SSH_CONNECTION", *_SUBMITTED_FROM)):
        lines.append(
            f"from your own machine: {tunnel(port)}, then http://{_LOOPBACK}:{DASHBOARD_PORT}/status"
        )
    return lines


def tunnel(port: int) -> str:
    """Return the ssh command that brings a port of this machine's loopback to a user's own.

    Within a job the way leads through the machine that the job was submitted from.
    """
    user, here = site.user_name(), socket.getfqdn()
    if here.startswith("localhost"):
        here = socket.gethostname()
    login = next((os.environ[name] for name in _SUBMITTED_FROM if os.environ.get(name)), here)
    jump = f"-J {user}@{login} " if login.partition(".")[0] != here.partition(".")[0] else ""
    return f"ssh -N -L {DASHBOARD_PORT}:{_LOOPBACK}:{port} {jump}{user}@{here}"


def _free(address: str) -> str:
    """Return an address to listen on: this one, or any free port of its host if it is taken."""
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return f"{host}:0"
    return address
