"""Progress of a run: a live display on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reprocess.executor import Progress as BlockProgress


@contextmanager
def show_progress() -> Iterator[BlockProgress]:
    """Provide what `pipeline` reports to; everything goes to standard error."""
    if not sys.stderr.isatty():
        yield _plain
        return
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("blocks"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as display:
        tasks: dict[str, int] = {}

        def live(stage: str, done: int, total: int, message: str) -> None:
            if stage not in tasks:
                tasks[stage] = display.add_task(stage, total=total)
            display.update(tasks[stage], completed=done)  # type: ignore[arg-type]
            console.print(message, highlight=False)

        yield live


def _plain(stage: str, done: int, total: int, message: str) -> None:
    sys.stderr.write(f"{stage} {done}/{total}: {message}\n")
    sys.stderr.flush()
