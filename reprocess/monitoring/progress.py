"""Progress of a run: a live display on a terminal, plain lines elsewhere, the page on the dashboard."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reprocess.execution.mapping import Plan, records_of
from reprocess.execution.mapping import Progress as RunProgress
from reprocess.monitoring.board import Stage, duration
from reprocess.schema import SATELLITES
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import BlockResult

if TYPE_CHECKING:
    from distributed import Client
    from rich.progress import Progress, TaskID

    from reprocess.monitoring.client import Monitor


@contextmanager
def show_progress(
    work: Work, run: Run | None, announce: Callable[[str], None], report: bool = False
) -> Iterator[RunProgress]:
    """Provide what `pipeline` reports to.

    Parameters
    ----------
    work : Work
    run : Run, optional
        None if nothing is classified.
    announce : callable
        Told what a user should know.
    report : bool
        Whether to keep Dask's performance report.
    """
    dashboard = _OnDashboard(work, run, announce, report)
    how = "ended"
    try:
        with _terminal() as terminal:
            yield _All((terminal, dashboard))
    except BaseException as e:
        how = f"stopped: {type(e).__name__} {e}".strip()
        raise
    finally:
        dashboard.close(how)


@contextmanager
def _terminal() -> Iterator[RunProgress]:
    """Provide what writes to standard error."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} satellite-days"),
        TextColumn("{task.fields[pace]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as display:
        yield _Bars(display)


class _All:
    """Passes everything on."""

    def __init__(self, all_of_them: Sequence[RunProgress]) -> None:
        self._all = all_of_them

    def begin(self, stage: str, plans: Sequence[Plan], client: "Client | None") -> None:
        for one in self._all:
            one.begin(stage, plans, client)

    def done(self, plan: Plan, message: str, receipt: BlockResult | None = None) -> None:
        for one in self._all:
            one.done(plan, message, receipt)

    def failed(self, plan: Plan, reason: str) -> None:
        for one in self._all:
            one.failed(plan, reason)


class _OnDashboard:
    """Passes on to a `Monitor` from the first stage that has workers; without them there is no dashboard."""

    def __init__(self, *of_monitor: Any) -> None:
        self._of_monitor = of_monitor
        self._monitor: Monitor | None = None

    def begin(self, stage: str, plans: Sequence[Plan], client: "Client | None") -> None:
        if self._monitor is None and client is not None:
            from reprocess.monitoring.client import Monitor  # with it come Dask and Bokeh

            self._monitor = Monitor(*self._of_monitor)
        if self._monitor is not None:
            self._monitor.begin(stage, plans, client)

    def done(self, plan: Plan, message: str, receipt: BlockResult | None = None) -> None:
        if self._monitor is not None:
            self._monitor.done(plan, message, receipt)

    def failed(self, plan: Plan, reason: str) -> None:
        if self._monitor is not None:
            self._monitor.failed(plan, reason)

    def close(self, how: str) -> None:
        if self._monitor is not None:
            self._monitor.close(how)


class _Counting:
    """Counts what ends."""

    stage = Stage("", 0, 0)
    _began = 0.0

    def begin(self, stage: str, plans: Sequence[Plan], client: "Client | None") -> None:
        del client
        self.stage = Stage(stage, len(plans), sum(len(p.days) for p in plans))
        self._began = time.monotonic()

    def done(self, plan: Plan, message: str, receipt: BlockResult | None = None) -> None:
        del message
        records = records_of(plan, receipt) if receipt else 0
        self.stage.done(time.monotonic() - self._began, len(plan.days), records)

    def failed(self, plan: Plan, reason: str) -> None:
        del reason
        self.stage.fail(len(plan.days))

    def pace(self) -> str:
        """Say how fast it goes and what is left; of records where the stage counts them."""
        rate, left = self.stage.rate(), self.stage.time_left()
        speed = f"{rate[0]:.3g} satellite-days/s, " if rate else ""
        speed += f"{rate[1]:,.0f} records/s, " if rate and rate[1] else ""
        time_left = f"{duration(left)} left" if left is not None else "time left not known"
        return f"{speed}{time_left}, failed blocks: {self.stage.failed}"


class _Lines(_Counting):
    """One line per block: ``STAGE DONE/ALL: SATELLITE block N: WHAT (PROGRESS)``."""

    def done(self, plan: Plan, message: str, receipt: BlockResult | None = None) -> None:
        super().done(plan, message, receipt)
        self._write(plan, f": {message}")

    def failed(self, plan: Plan, reason: str) -> None:
        super().failed(plan, reason)
        self._write(plan, f": FAILED: {reason}")

    def _write(self, plan: Plan, text: str) -> None:
        s = self.stage
        progress = f"{s.days_done} of {s.days} satellite-days, {self.pace()}"
        sys.stderr.write(
            f"{s.name} {s.ended}/{s.blocks}: {plan.satellite} block {plan.block}{text} ({progress})\n"
        )
        sys.stderr.flush()


class _Bars(_Counting):
    """A bar per stage, and below the last one a bar per satellite; failures and bad days scroll above."""

    def __init__(self, display: "Progress") -> None:
        self._display = display
        self._bar: TaskID = 0  # type: ignore[assignment]  # until the first stage begins
        self._satellites: dict[str, TaskID] = {}

    def begin(self, stage: str, plans: Sequence[Plan], client: "Client | None") -> None:
        super().begin(stage, plans, client)
        for bar in self._satellites.values():
            self._display.remove_task(bar)
        self._bar = self._display.add_task(f"[bold]{stage}", total=self.stage.days, pace=self.pace())
        self._satellites = {
            name: self._display.add_task(f"  {SATELLITES[name].name}", total=days, pace="")
            for name in SATELLITES
            if (days := sum(len(p.days) for p in plans if p.satellite == name))
        }

    def done(self, plan: Plan, message: str, receipt: BlockResult | None = None) -> None:
        super().done(plan, message, receipt)
        if receipt and any(day.get("status") == "quarantined" for day in receipt["days"].values()):
            self._print(plan, f": {message}")
        self._advance(plan, len(plan.days))

    def failed(self, plan: Plan, reason: str) -> None:
        super().failed(plan, reason)
        self._print(plan, f": FAILED: {reason}")
        self._advance(plan, 0)

    def _print(self, plan: Plan, text: str) -> None:
        line = f"{self.stage.name}: {plan.satellite} block {plan.block}{text}"
        self._display.console.print(line, highlight=False, markup=False)

    def _advance(self, plan: Plan, days: int) -> None:
        self._display.update(self._bar, advance=days, pace=self.pace())
        if plan.satellite in self._satellites:
            self._display.advance(self._satellites[plan.satellite], days)
