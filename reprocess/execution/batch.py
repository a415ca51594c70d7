"""Batch systems: a user's cluster file, and the job scripts made from it.

How each batch system is asked for cores, memory and time is dask-jobqueue's knowledge: the headers
of all scripts are its headers. This module adds what the job needs besides: one thread per
process, workers that leave before their job is killed, and the scripts of whole runs.
"""

import inspect
import os
import re
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask
import yaml
from dask.utils import parse_bytes

from reprocess import schema
from reprocess.errors import ClusterError, PlanError
from reprocess.execution.forecast import require_memory

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "BLOSC_NTHREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "PYTHONSAFEPATH": "1",
    "PYTHONUTF8": "1",
    "MALLOC_TRIM_THRESHOLD_": str(32 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(2 << 20),
    "MALLOC_ARENA_MAX": "1",
}
"""Environment of every process that works on blocks.

There is one process per core. A signal.py or random.py in the current folder is not taken for Python's
own, and paths are UTF-8 whatever the locale. Memory that was freed is kept for the next array: Dask's
default of 64 kB for the first threshold gives it back at once, and half of the CPU time goes into
having it cleared again (docs/performance.md). A single arena: with one per thread, each keeps its own.
"""

SATURATION = 1.0
"""Blocks that Dask gives a worker at a time.

A block has two tasks, and the second only hands on what the first gave. A worker that has another
block in hand (Dask's default) works on that one before it hands anything on, so the client would
learn that a block is done when the next one is.
"""

DASK: dict[str, Any] = {
    "distributed": {
        "comm": {"timeouts": {"connect": "60s"}},  # hundreds of workers greet one scheduler at once
        "scheduler": {
            # Jobs are preempted and nodes fail; a block is to blame only if it kills worker after worker.
            "allowed-failures": 10,
            "worker-saturation": SATURATION,
        },
        # Tasks return about 2 kB: nothing is worth spilling, what fills memory is the work itself.
        "worker": {"memory": {"target": False, "spill": False, "pause": 0.8, "terminate": 0.95}},
        "nanny": {"pre-spawn-environ": ENVIRONMENT},
    }
}
"""What differs from Dask's defaults; ``cluster/dask.yaml`` is the same, for workers started by hand."""

_STAGGER, _MARGIN_S = 0.05, 60
"""Share of the walltime over which workers of a job leave; seconds kept for starting and leaving."""


@dataclass(frozen=True)
class _System:
    """What differs between batch systems beyond dask-jobqueue's headers."""

    cluster: str
    """Class of dask_jobqueue."""
    array: str = ""
    """Directive that asks for `n` tasks numbered from 1; empty where it is not a directive."""
    index: str = ""
    """Number of the array's task, in the shell."""
    after: str = ""
    """Option of the submit command: start when another job has ended, however it ended."""
    job_id: str = r"(\d+)"
    """Where the submit command's answer has the job's identifier."""
    directives: tuple[str, ...] = ()
    """What every script says: the shell, where the first line of a script is not heeded."""
    asked: str = ""
    """Where a script says how much memory is asked for, if that is not what the file says."""


SYSTEMS = {
    "slurm": _System(
        "SLURMCluster",
        "--array=1-{n}",
        "$SLURM_ARRAY_TASK_ID",
        "--dependency=afterany:{job}",
        asked=r"^#SBATCH --mem=(\S+)$",
    ),
    "sge": _System("SGECluster", "-t 1-{n}", "$SGE_TASK_ID", "-hold_jid {job}", directives=("-S /bin/bash",)),
    "pbs": _System("PBSCluster", "-J 1-{n}", "$PBS_ARRAY_INDEX", "-W depend=afterany:{job}", r"(\S+)"),
    "lsf": _System("LSFCluster", "", "$LSB_JOBINDEX", "-w ended({job})"),
    "htcondor": _System("HTCondorCluster", "", "`expr $(Process) + 1`", "", r"submitted to cluster (\d+)"),
}

_KEYS = ("batch_system", "jobs", "tls", "dashboard", "options", "main")

# Set here, or deprecated names of others.
_NOT_OPTIONS = {
    "self", "scheduler", "name", "config_name", "base_class_kwargs", "nanny", "protocol", "security",
    "processes", "worker_command", "extra", "job_extra", "env_extra", "header_skip",
}  # fmt: skip
_CLUSTER_OPTIONS = {"shared_temp_directory", "scheduler_options"}


_WALLTIME = re.compile(r"(?:(?P<d>\d+)-)?(?P<h>\d+):(?P<m>\d\d)(?::(?P<s>\d\d))?")


@dataclass(frozen=True)
class Batch:
    """How to get workers from a batch system; made by `load_batch`."""

    path: Path
    """The file it was read from, absolute."""
    batch_system: str
    """One of `SYSTEMS`."""
    options: Mapping[str, Any]
    """Keyword arguments of the dask-jobqueue class, for one job of workers."""
    jobs: int = 1
    """Jobs of workers."""
    tls: bool = True
    """Whether Dask's processes encrypt their traffic and refuse strangers."""
    dashboard: str = f"127.0.0.1:{schema.DASHBOARD_PORT}"
    """Where the dashboard listens."""
    main: Mapping[str, Any] = field(default_factory=dict)
    """Options that differ for the job that runs the client and the scheduler."""

    @property
    def cluster_class(self) -> Any:
        """Class of dask-jobqueue."""
        return getattr(jobqueue(), SYSTEMS[self.batch_system].cluster)

    @property
    def logs(self) -> Path:
        """Folder of the jobs' output, absolute."""
        return self._here("log_directory", "reprocess-logs").absolute()

    @property
    def shared(self) -> Path:
        """Folder that all jobs see, for certificates."""
        return self._here("shared_temp_directory", str(self.logs))

    def _here(self, option: str, default: str) -> Path:
        """Return a folder of the file; its variables and ~ are those of this session, as no shell reads it.

        Raises
        ------
        ClusterError
            If one is not set.
        """
        text = str(self.options.get(option) or default)
        found = os.path.expanduser(os.path.expandvars(text))
        if unset := re.findall(r"\$\{?\w+\}?|^~\w*", found):
            raise ClusterError(
                f"{self.path}: {option} is {text!r}, and {', '.join(unset)} is not set here; "
                "set it, or write the folder's name"
            )
        return Path(found)

    @property
    def process_memory(self) -> float:
        """Memory of a worker process in bytes.

        Raises
        ------
        ClusterError
            If the file's value is no amount of memory.
        """
        try:
            return float(parse_bytes(self.options["memory"]) / self.options["cores"])
        except (ValueError, TypeError) as e:
            raise ClusterError(f"{self.path}: memory {self.options['memory']!r} is no amount: {e}") from e

    def worker_options(self) -> dict[str, Any]:
        """Return the keyword arguments of the dask-jobqueue class for one job of workers."""
        options = self.job_options()
        host = self.dashboard.rpartition(":")[0]
        options["worker_extra_args"] = [
            *_lifetime(options.get("walltime") or self._usual_walltime(), self.path),
            *("--dashboard-address", f"{host}:0"),
            *options.get("worker_extra_args", []),
        ]
        return options

    def _usual_walltime(self) -> str | None:
        """Return what dask-jobqueue asks for where the file says nothing: half an hour, or the site's own."""
        usual: str | None = dask.config.get(
            f"jobqueue.{self.cluster_class.job_cls.config_name}.walltime", None
        )
        return usual

    def job_options(self, **changes: Any) -> dict[str, Any]:
        """Return the options of a job with a process per core, one thread each, and scratch on the node."""
        exports = {**ENVIRONMENT, **{f"DASK_{key}": value for key, value in _flat(DASK)}}
        prologue = [f"export {key}={value}" for key, value in exports.items()]
        complete: dict[str, Any] = {
            "local_directory": "${TMPDIR:-/tmp}",  # the node's shell reads this one
            **self.options,
            "log_directory": str(self.logs),
            "shared_temp_directory": str(self.shared),
            **changes,
        }
        complete["processes"] = complete["cores"]
        complete["job_script_prologue"] = [*complete.get("job_script_prologue", []), *prologue]
        extra, system = complete.get("job_extra_directives", []), SYSTEMS[self.batch_system]
        if not isinstance(extra, Mapping):
            cores = str(complete["cores"])
            given = [str(x).replace("{cores}", cores) for x in extra]
            chosen = any(x.startswith("-S ") for x in given)
            complete["job_extra_directives"] = [*(() if chosen else system.directives), *given]
        return complete

    def job(self, name: str, **changes: Any) -> Any:
        """Return a job of dask-jobqueue that is only asked for its header and commands.

        Parameters
        ----------
        name : str
            The job's name.
        **changes
            Options that differ from those of a job of workers.

        Raises
        ------
        ClusterError
            If dask-jobqueue refuses the options.
        """
        options = {"job_name": name, **self.job_options(**changes)}
        for key in _CLUSTER_OPTIONS:
            options.pop(key, None)
        try:
            job = self.cluster_class.job_cls("tcp://unknown:0", name=name, **options)
        except (TypeError, ValueError) as e:
            raise ClusterError(f"{self.path}: {self.cluster_class.__name__} refuses the options: {e}") from e
        return job

    def require_memory(self, engine: str) -> None:
        """Make sure that a worker process can hold what an engine needs.

        Raises
        ------
        ClusterError
            If it cannot.
        """
        try:
            require_memory(engine, int(self.process_memory))
        except PlanError as e:
            shared = f"{self.options['memory']} for {self.options['cores']} processes"
            raise ClusterError(f"{self.path}: memory {shared} is too little: {e}") from e


def jobqueue() -> Any:
    """Import dask-jobqueue, which on import makes the interrupt key end a program as if all were well."""
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    try:
        import dask_jobqueue
    except ImportError as e:
        raise ClusterError(f"batch systems need dask-jobqueue ({e}); pip install 'reprocess[cluster]'") from e
    finally:
        if main:
            signal.signal(signal.SIGINT, handler)
    return dask_jobqueue


def _flat(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return a Dask configuration as its environment variables' names and values."""
    found: list[tuple[str, Any]] = []
    for key, value in config.items():
        name = prefix + key.upper().replace("-", "_")
        if isinstance(value, Mapping):
            found += [] if key == "pre-spawn-environ" else _flat(value, f"{name}__")
        else:
            found.append((name, value))
    return found


def _lifetime(walltime: str | None, path: Path) -> list[str]:
    """Return options that make workers leave by themselves before the batch system kills their job.

    A worker that leaves hands its block back unblamed; one that is killed counts as the block's
    fault. They do not leave all at once.
    """
    if walltime is None:
        return []
    total = _seconds(walltime, path)
    stagger = min(int(total * _STAGGER), 600)
    lifetime = total - stagger - max(_MARGIN_S, total // 50)
    return ["--lifetime", f"{lifetime}s", "--lifetime-stagger", f"{stagger}s"]


def _seconds(walltime: Any, path: Path) -> int:
    match = _WALLTIME.fullmatch(walltime) if isinstance(walltime, str) else None
    if match is None:
        raise ClusterError(
            f"{path}: walltime {walltime!r} is not HH:MM:SS, D-HH:MM:SS or HH:MM; "
            'put it in quotes ("12:00:00"), or YAML reads it as a number'
        )
    days, hours, minutes, seconds = (int(match[k] or 0) for k in "dhms")
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if total < 5 * _MARGIN_S:
        raise ClusterError(f"{path}: walltime {walltime} is shorter than {5 * _MARGIN_S // 60} minutes")
    return total


def load_batch(path: Path) -> Batch:
    """Read a cluster file.

    Parameters
    ----------
    path : Path
        YAML with the fields of `Batch` but `path`; ``batch_system`` and ``options`` are required,
        and of the options ``cores`` and ``memory``. In ``job_extra_directives`` the word
        ``{cores}`` stands for the job's number of cores.

    Raises
    ------
    ClusterError
        If it cannot be read, or a key or value is not one that is known.
    """
    path = path.absolute()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise ClusterError(f"{path} is no cluster file: {' '.join(str(e).split())}") from e
    if not isinstance(content, dict):
        raise ClusterError(f"{path} is no cluster file: it holds no keys; known are {', '.join(_KEYS)}")
    _require_known(path, "key", content, _KEYS)
    if content.get("batch_system") not in SYSTEMS:
        raise ClusterError(
            f"{path}: batch_system is {content.get('batch_system')!r}; known are {', '.join(SYSTEMS)}"
        )
    content = content | {key: content.get(key) or {} for key in ("options", "main")}
    _require_types(path, content)
    batch = Batch(path, **content)
    known = _option_names(batch.cluster_class)
    for section in (batch.options, batch.main):
        _require_known(path, f"option of {batch.cluster_class.__name__}", section, known)
        _lifetime(section.get("walltime"), path)
    cores = batch.options.get("cores")
    if not isinstance(cores, int) or cores < 1 or not batch.options.get("memory"):
        raise ClusterError(f"{path}: options need cores, a number from 1 (not {cores!r}), and memory")
    batch.require_memory(schema.ENGINES[0])
    batch.job("reprocess", log_directory=None)  # without leaving a folder behind
    return batch


def _require_types(path: Path, content: Mapping[str, Any]) -> None:
    checks = {
        "jobs": (lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 1, "a number from 1"),
        "tls": (lambda v: isinstance(v, bool), "true or false"),
        "dashboard": (lambda v: isinstance(v, str) and bool(re.fullmatch(r"\S+:\d+", v)), "HOST:PORT"),
        "options": (lambda v: isinstance(v, dict), "a mapping"),
        "main": (lambda v: isinstance(v, dict), "a mapping"),
    }
    for key, (good, wanted) in checks.items():
        if key in content and not good(content[key]):
            raise ClusterError(f"{path}: {key} is {content[key]!r}, not {wanted}")


def _require_known(path: Path, what: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = [str(key) for key in given if key not in known]
    if unknown:
        raise ClusterError(f"{path}: unknown {what}: {', '.join(unknown)}; known are {', '.join(known)}")


def _option_names(cluster_class: Any) -> list[str]:
    """Return the keyword arguments of a dask-jobqueue class that a cluster file may set."""
    own = inspect.signature(cluster_class.job_cls.__init__).parameters
    names = {*own, *inspect.signature(jobqueue().core.Job.__init__).parameters, *_CLUSTER_OPTIONS}
    deprecated = {"project"} if "account" in own else set()
    return sorted(names - _NOT_OPTIONS - deprecated)
