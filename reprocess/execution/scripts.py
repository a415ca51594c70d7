"""Job scripts of whole runs, and giving them to the batch system."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reprocess.errors import ClusterError
from reprocess.execution.batch import SYSTEMS, Batch, jobqueue
from reprocess.files import to_utf8

_PASSED = ("REPROCESS_MODELS",)
"""Variables that change what `reprocess` does; not every batch system hands them on."""


def run_script(batch: Batch, arguments: Sequence[str]) -> str:
    """Return the script of one job that runs `reprocess run` and gets its workers as further jobs.

    Parameters
    ----------
    batch : Batch
    arguments : sequence of str
        What `reprocess run` is given.
    """
    main = {"cores": 1, "memory": "4GB", **batch.main}
    return _script(batch, [*arguments, "--cluster", str(batch.path)], **main)


def node_script(batch: Batch, arguments: Sequence[str]) -> str:
    """Return the script of one job that does everything on the cores of one node; as `run_script`."""
    tls = ["--tls"] if batch.tls else []
    return _script(batch, [*arguments, "--workers", str(batch.options["cores"]), *tls])


def array_script(batch: Batch, arguments: Sequence[str], shares: int) -> str:
    """Return the script of an array of one-core jobs, each of which does a share; as `run_script`."""
    system = SYSTEMS[batch.batch_system]
    changes: dict[str, Any] = {"cores": 1, "memory": f"{int(batch.process_memory)}B"}
    if system.array:
        extra = [*batch.options.get("job_extra_directives", []), system.array.format(n=shares)]
        changes["job_extra_directives"] = extra
    return _script(batch, arguments, f"--partition {system.index}/{shares}", shares, **changes)


def rest_script(batch: Batch, arguments: Sequence[str]) -> str:
    """Return the script of the job after an array: it does what is left and makes the maps."""
    main = {"cores": 1, "memory": "4GB", **batch.main}
    return _script(batch, [*arguments, "--workers", str(main["cores"])], **main)


def _script(batch: Batch, arguments: Sequence[str], last: str = "", shares: int = 0, **changes: Any) -> str:
    """Return a job's script: dask-jobqueue's header, then the command in the folder it was made in.

    `last` is put behind the quoted arguments as it is, for the shell to expand.
    """
    if shares and batch.batch_system == "lsf":
        changes["job_name"] = f'"reprocess[1-{shares}]"'  # LSF is asked for an array by the job's name
    python = changes.get("python") or batch.options.get("python") or shlex.quote(sys.executable)
    commands = [
        *batch.job_options(**changes)["job_script_prologue"],
        *(f"export {key}={shlex.quote(os.environ[key])}" for key in _PASSED if key in os.environ),
        f"cd {shlex.quote(str(Path.cwd()))} || exit 2",
        f"exec {python} -m reprocess run {shlex.join(arguments)} {last}".rstrip(),
    ]
    with tempfile.TemporaryDirectory() as stand_in:  # dask-jobqueue makes the folder that it is given
        job = batch.job("reprocess", log_directory=stand_in, **changes)
        if batch.batch_system == "htcondor":
            text = _htcondor_script(job, commands, shares)
        else:
            text = "\n".join([job.shebang, "", job.job_header, "", *commands, ""])
        return text.replace(stand_in, str(batch.logs))


def asked_memory(batch: Batch, script: str) -> str | None:
    """Return how much memory a script asks for in the batch system's own units; None if as in the file.

    SLURM is asked by dask-jobqueue for whole units of 1024 bytes, rounded up: 4.4GB become 5G, 5 GiB.
    """
    pattern = SYSTEMS[batch.batch_system].asked
    found = re.search(pattern, script, re.MULTILINE) if pattern else None
    return found[1] if found else None


def _htcondor_script(job: Any, commands: Sequence[str], shares: int) -> str:
    """Return a submit description, which names a program and its arguments instead of holding commands."""
    quote = jobqueue().htcondor.quote_arguments
    header = [f"{key} = {value}" for key, value in job.job_header_dict.items()]
    arguments = quote(["-c", "; ".join(commands)])
    queue = f"Queue {shares}" if shares else "Queue"
    run = [f'Arguments = "{arguments}"', f"Executable = {job.executable}", queue]
    return "\n".join([job.shebang, "", *header, "", *run, ""])


def submit(batch: Batch, script: str, after: str | None = None) -> str:
    """Give a script to the batch system and return the job's identifier.

    Parameters
    ----------
    batch : Batch
    script : str
        Made by one of the functions above.
    after : str, optional
        Identifier of a job that must have ended before this one starts.

    Raises
    ------
    ClusterError
        If the batch system refuses it or cannot order jobs.
    """
    system = SYSTEMS[batch.batch_system]
    words = shlex.split(batch.job("reprocess").submit_command)
    if after is not None:
        words += system.after.format(job=after).split()
    with tempfile.NamedTemporaryFile("wb", prefix="reprocess-", suffix=".job") as file:
        file.write(to_utf8(script))
        file.flush()
        try:
            # Every one of them takes the script as it is now, so the file may go.
            done = subprocess.run(
                words if batch.batch_system == "lsf" else [*words, file.name],
                input=script if batch.batch_system == "lsf" else None,
                capture_output=True, encoding="utf-8", errors="surrogateescape", check=False,
            )  # fmt: skip
        except OSError as e:
            raise ClusterError(f"{words[0]} cannot be run here ({e}); submit from a login node") from e
    found = re.search(system.job_id, done.stdout)
    if done.returncode or found is None:
        raise ClusterError(f"{' '.join(words)} gave {done.returncode}: {done.stderr or done.stdout}")
    return found[1]
