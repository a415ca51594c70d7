"""Job scripts for batch systems: cluster script, cluster submit."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.cli.options import former, options_of
from reprocess.cli.run import run
from reprocess.files import to_utf8

if TYPE_CHECKING:
    from reprocess.execution.batch import Batch

# What the script decides by itself.
_DECIDED = ("workers", "scheduler", "cluster_file", "partition", "dry_run", "tls")

_SHARES = click.IntRange(2, 999_999)
_LAYOUT = options_of(
    click.option(
        "--one-node", is_flag=True,
        help="Everything in one job on the cores of one node, instead of workers in jobs of their own.",
    ),
    click.option(
        "--shares", type=_SHARES, metavar="N",
        help="An array of N one-core jobs without Dask, instead of workers in jobs of their own.",
    ),
    former("--partition", "--shares", name="shares", type=_SHARES),
    click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True)),
    click.argument("archive"),
    click.argument("work"),
    click.argument("options", nargs=-1, type=click.UNPROCESSED),
)  # fmt: skip
_REST = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@click.group()
def cluster() -> None:
    """Run on a batch system: SLURM, Grid Engine, PBS, LSF, HTCondor (see cluster/README.md)."""


@cluster.command(context_settings=_REST)
@_LAYOUT
def script(**given: Any) -> None:
    """Print the job script that runs `reprocess run ARCHIVE WORK OPTIONS` unattended.

    FILE describes the batch system. OPTIONS are those of `reprocess run`.
    """
    batch, text, _ = _scripts(**given)
    click.echo(to_utf8(text), nl=False)  # bytes: paths must come out as they are
    _tell_memory(batch, text)
    if not batch.logs.is_dir():
        click.echo(f"before you submit it: mkdir -p {shlex.quote(str(batch.logs))}", err=True)
    if given["shares"]:
        click.echo(f"when the jobs have ended: reprocess run {' '.join(_words(**given))}", err=True)


@cluster.command(context_settings=_REST)
@_LAYOUT
def submit(**given: Any) -> None:
    """Submit that job script.

    After an array of shares one more job does what is left and makes the maps.
    """
    from reprocess.execution.batch import SYSTEMS
    from reprocess.execution.scripts import submit as give

    batch, text, rest = _scripts(**given)
    _tell_memory(batch, text)
    batch.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    job = give(batch, text)
    click.echo(f"submitted job {job}; its output: {batch.logs}")
    if rest and SYSTEMS[batch.batch_system].after:
        click.echo(f"submitted job {give(batch, rest, after=job)}, which waits for it and makes the maps")
    elif rest:
        click.echo(f"when it has ended: reprocess run {' '.join(_words(**given))}")


def _tell_memory(batch: "Batch", text: str) -> None:
    from reprocess.execution.scripts import asked_memory

    if asked := asked_memory(batch, text):
        click.echo(f"memory asked for: {asked} a job (units of 1024 bytes, rounded up)", err=True)


def _words(archive: str, work: str, options: tuple[str, ...], **_: Any) -> list[str]:
    return [archive, work, *options]


def _scripts(file: Path, one_node: bool, shares: int | None, **given: Any) -> "tuple[Batch, str, str | None]":
    """Return the batch system, the script, and the script of the job after it, if one is needed."""
    from reprocess.execution.batch import load_batch
    from reprocess.execution.scripts import array_script, node_script, rest_script, run_script

    if one_node and shares:
        raise click.UsageError("--one-node and --shares exclude each other")
    words = _words(**given)
    engine = _check(words)
    batch = load_batch(file)
    batch.require_memory(engine)
    if one_node:
        return batch, node_script(batch, words), None
    if shares:
        return batch, array_script(batch, words, shares), rest_script(batch, words)
    return batch, run_script(batch, words), None


def _check(words: list[str]) -> str:
    """Make sure now, not in the queue, that `reprocess run` takes the words; return its engine."""
    context = run.make_context("run", list(words))
    for parameter in run.params:
        source = context.get_parameter_source(str(parameter.name))
        if parameter.name in _DECIDED and source == click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} is for the job script to decide; leave it out")
    return str(context.params["engine"])
