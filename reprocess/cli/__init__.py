"""The `reprocess` command: parse, call, print, exit code.

Imports that take time are made where they are used: `--help` answers at once. Exit codes: 0
complete, 2 wrong usage or an error the user can mend, 3 complete with quarantined days, 4
incomplete.
"""

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any

from reprocess.cli import early as early

# isort: split
import click
from click.exceptions import Exit

from reprocess import __version__
from reprocess.cli.audit import audit
from reprocess.cli.catalogue import catalogue
from reprocess.cli.cite import cite
from reprocess.cli.cluster import cluster
from reprocess.cli.compare import compare
from reprocess.cli.describe import describe
from reprocess.cli.detect import detect
from reprocess.cli.doctor import doctor
from reprocess.cli.evaluate import evaluate
from reprocess.cli.events import events
from reprocess.cli.explore import explore
from reprocess.cli.ingest import ingest
from reprocess.cli.interruption import explain, is_interrupted, listen
from reprocess.cli.map import map_
from reprocess.cli.match import match
from reprocess.cli.model import model
from reprocess.cli.plan import plan
from reprocess.cli.plot import plot
from reprocess.cli.remove import remove
from reprocess.cli.report import report
from reprocess.cli.run import run
from reprocess.cli.settings import name_variables, read_settings, refuse_unknown
from reprocess.cli.simulate import simulate
from reprocess.cli.startup import prepare
from reprocess.cli.status import status
from reprocess.cli.survey import INCOMPLETE
from reprocess.cli.told import Told
from reprocess.cli.train import train
from reprocess.errors import IncompleteError, ReprocessError

_INTERRUPTED = "interrupted; give the same command again"


class _Incomplete(click.ClickException):
    exit_code = INCOMPLETE


class _Group(click.Group):
    """Prints the project's own errors without a traceback, and those of files that are not to be had."""

    def main(self, args: Any = None, *rest: Any, **options: Any) -> Any:
        """Run the command line; the process is prepared for it unless arguments are given in Python."""
        if args is None:
            try:
                prepare()
                listen()
            except click.ClickException as e:
                e.show()
                sys.exit(e.exit_code)
        try:
            with Told() as told:
                return super().main(args, *rest, obj=told, **options)
        finally:
            if args is None:  # all is told; a Ctrl-C from now on just ends what libraries do at exit
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                gc.freeze()  # or all modules are looked through for garbage at exit: a sixth of a plot

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self._invoke(ctx)
        except KeyboardInterrupt as e:
            raise _Incomplete(_INTERRUPTED) from e
        except (click.ClickException, click.Abort, Exit, BrokenPipeError):
            raise
        except Exception as e:
            if not is_interrupted():
                raise
            raise _Incomplete(_INTERRUPTED) from e

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ReprocessError as e:
            kind = _Incomplete if isinstance(e, IncompleteError) else click.UsageError
            raise kind(str(e)) from e
        except ValueError as e:
            if not str(e).startswith("A dask config file"):
                raise
            raise click.UsageError(f"{' '.join(str(e).split())}; mend the file, or move it away") from e
        except BrokenPipeError:  # whoever read our output has enough; click ends it
            raise
        except OSError as e:
            raise click.UsageError(explain(e)) from e


def _settings(context: click.Context, _: click.Parameter, file: Path | None) -> Path | None:
    """Take over a file's options before the others are looked at."""
    if file is not None and isinstance(context.command, click.Group):
        context.default_map = read_settings(file, context.command)
    return file


@click.group(
    cls=_Group,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
@click.version_option(__version__, prog_name="reprocess")
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), is_eager=True, expose_value=False,
    callback=_settings, help="Take options from a TOML file (docs/operations.md).",
)  # fmt: skip
@click.option("--quiet", is_flag=True, help="Show no progress and no notices, only results and errors.")
@click.option(
    "--log-file", type=click.Path(path_type=Path, dir_okay=False),
    help="Write what is told to the end of this file too, with times.",
)  # fmt: skip
@click.pass_context
def main(context: click.Context, quiet: bool, log_file: Path | None) -> None:
    """Find relativistic electron precipitation in NOAA's POES/MetOp archive and map what drives it."""
    refuse_unknown(os.environ, main)
    told: Told = context.obj
    if log_file is not None:
        told.keep(log_file, ["reprocess", __version__, *sys.argv[1:]])
    told.quiet = quiet
    context.call_on_close(told.loud)  # errors are shown when the command is over


for command in (
    plan, run, ingest, detect, map_, report, explore, status, audit, remove, events, describe, plot, cite,
    simulate, model, train, evaluate, compare, match, catalogue, cluster, doctor,
):  # fmt: skip
    main.add_command(command)
name_variables(main)
