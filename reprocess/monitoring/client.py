"""Tells the Dask scheduler how a run goes, for the page and the metrics it shows.

What is told comes from the ledger and the parts, read here, where WORK is: the scheduler may see no
file system of ours. All of it happens in a thread of its own. A page that cannot be shown is
remarked on once, and stops nothing.
"""

import contextlib
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from distributed import Client, performance_report

from reprocess import schema
from reprocess.errors import LedgerError
from reprocess.execution.mapping import Plan, records_of
from reprocess.files import legible
from reprocess.maps.sums import block_counts, read_sums
from reprocess.monitoring.board import (
    GRID,
    LETTERS,
    NOT_ASKED,
    NOT_USABLE,
    BlockState,
    Stage,
)
from reprocess.monitoring.scheduler import PATH, TOPIC, DashboardPlugin
from reprocess.schema import DayState
from reprocess.schema.granules import Granule, block_of
from reprocess.work.asked import read_asked
from reprocess.work.ledger import BlockLedger, Receipt
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import BlockResult, DayEntry, DetectReceipt
from reprocess.work.status import day_state, detected

_BATCH = 32
"""Blocks told at once of what was done before."""

_PATIENCE_S = 60
"""How long a scheduler may take to answer; nobody waits for it but the thread."""

_Key = tuple[str, int]


class Survey:
    """What the ledger says of every block, kept up to date with what blocks give."""

    def __init__(self, work: Work, run: Run | None) -> None:
        self.run = run
        self.kept = read_sums(run, GRID) if run else {}
        self.planned: dict[_Key, list[Granule]] = {}
        for granule in read_asked(work.asked):
            self.planned.setdefault(block_of(granule), []).append(granule)
        self.ingested = _by_block(work.ledger)
        self.classified = _by_block(run.ledger) if run else {}
        self.vanished = {(g.satellite, g.day) for g in read_asked(work.vanished)}
        self.failures: dict[_Key, dict[str, str]] = {}
        for stage, ledger in (("ingest", work.ledger), ("detect", run.ledger if run else None)):
            for key, reason in ledger.failures().items() if ledger else ():
                self.failures.setdefault(key, {})[stage] = reason

    def note(self, key: _Key, stage: str, outcome: BlockResult | str) -> None:
        """Take in the receipt that a block gave, or why it could not be done."""
        if isinstance(outcome, str):
            self.failures.setdefault(key, {})[stage] = outcome
            return
        self.failures.get(key, {}).pop(stage, None)
        if outcome["stage"] == "ingest":
            self.ingested[key] = outcome
        elif outcome["stage"] == "detect":
            self.classified[key] = outcome

    def state(self, key: _Key) -> BlockState:
        """Return what is shown of a block; reads its parts, if the map has not kept what they give."""
        ingested, receipt = self.ingested.get(key), self.classified.get(key)
        read = ingested["days"] if ingested else {}
        deferred = ingested.get("deferred", {}) if ingested else {}
        classified = receipt["days"] if receipt else {}
        span = schema.block_days(key[1])
        days, records, left_out = [NOT_ASKED] * len(span), 0, []
        for granule in self.planned.get(key, ()):
            date = granule.text
            entry, put_off = read.get(date), deferred.get(date)
            state = day_state(granule, entry, put_off, (granule.satellite, granule.day) in self.vanished)
            if state is DayState.OK and entry:
                records += entry["records"]
                if detected(classified.get(date), entry):
                    state = DayState.CLASSIFIED
            elif state in NOT_USABLE:
                left_out.append([date, str(state), *_why(state, put_off or entry)])
            days[granule.day - span.start] = LETTERS[state]
        found = self._found(self.run, receipt) if self.run and receipt and classified else {}
        return BlockState(*key, "".join(days), records, left_out, dict(self.failures.get(key, {})), **found)

    def _found(self, run: Run, receipt: DetectReceipt) -> dict[str, Any]:
        """Return a block's events and time observed, on the shown map's grid."""
        events = {n: sum(d["events"][n] for d in receipt["days"].values()) for n in schema.EVENT_CLASSES}
        try:
            counts, dwell = block_counts(run, receipt, GRID, self.kept)
        except (LedgerError, OSError) as e:
            return {"events": events, "unread": str(e)}
        return {"events": events, "counts": counts.tolist(), "dwell": dwell.tolist()}


def _why(state: DayState, entry: DayEntry | None) -> tuple[str, str]:
    """Return reason and detail of a day that is left out."""
    if entry is None or state is DayState.LOST:
        return "vanished", "no longer in its archive"
    return entry["reason"], entry["detail"]


def _legible(value: Any) -> Any:
    """Return a message whose texts are UTF-8, as Dask wants them; names of files may not be."""
    if isinstance(value, dict):
        return {_legible(key): _legible(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_legible(item) for item in value]
    return legible(value) if isinstance(value, str) else value


def _by_block(ledger: BlockLedger[Receipt]) -> dict[_Key, Receipt]:
    return {(receipt["satellite"], receipt["block"]): receipt for receipt in ledger.done()}


@dataclass
class Monitor:
    """Told by `execution.mapping` how a run goes (it is a `mapping.Progress`), tells the scheduler.

    `close` it before the client closes.
    """

    work: Work
    run: Run | None
    """None if nothing is classified."""
    announce: Callable[[str], None]
    report: bool = False
    """Whether to keep Dask's performance report, in the run's folder, or WORK's if there is no run."""
    _client: Client | None = field(default=None, init=False)
    _survey: Survey | None = field(default=None, init=False)
    _job: str = field(default="", init=False)
    _stage: Stage = field(default_factory=lambda: Stage("", 0, 0), init=False)
    _began: float = field(default=0.0, init=False)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, init=False)
    _thread: ThreadPoolExecutor = field(init=False)
    _broken: bool = field(default=True, init=False)
    _leaving: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "monitor")

    def begin(self, stage: str, plans: Sequence[Plan], client: Client | None) -> None:
        """Note the blocks of a stage; the first stage puts the page on the scheduler."""
        if self._client is None and client is not None:
            self._client = client
            self._open(client)
        self._stage, self._began = Stage(stage, len(plans), sum(len(p.days) for p in plans)), time.monotonic()
        self._tell("stage", stage=stage, blocks=self._stage.blocks, days=self._stage.days)

    def done(self, plan: Plan, message: str, receipt: BlockResult | None = None) -> None:
        """Note what a block gave; `message` is for people elsewhere."""
        del message
        facts = {"elapsed": time.monotonic() - self._began, "days": len(plan.days)}
        records = records_of(plan, receipt) if receipt else 0
        self._tell("done", plan, receipt, stage=self._stage.name, records=records, **facts)

    def failed(self, plan: Plan, reason: str) -> None:
        """Note why a block could not be done."""
        self._tell("failed", plan, reason, stage=self._stage.name, days=len(plan.days))

    def close(self, how: str) -> None:
        """Tell how the run ended, and write the performance report."""
        try:
            self._stack.close()
        except OSError as e:
            self.announce(f"no performance report: {type(e).__name__}: {e}")
        # The page of a scheduler of our own goes with it; another one's must be right when we leave.
        own = self._client is not None and self._client.cluster is not None
        self._leaving = own
        self._thread.shutdown(cancel_futures=own)
        self._guarded(lambda: self._send("end", how=how))

    def _open(self, client: Client) -> None:
        if self.report:
            path = (self.run.root if self.run else self.work.root) / "performance.html"
            self._stack.enter_context(performance_report(filename=str(path), mode="inline"))
        try:
            client.register_plugin(DashboardPlugin())
        except Exception as e:  # noqa: BLE001  # whatever it is, a page must not stop a run
            self.announce(
                f"no page of this run on the dashboard: the scheduler cannot show it "
                f"({type(e).__name__}: {e}); it needs the same version of reprocess installed"
            )
            return
        self._broken = False
        if client.dashboard_link:
            self.announce(f"this run's page: {client.dashboard_link.removesuffix('/status')}{PATH}")
        self._job = uuid.uuid4().hex
        identity = (self.run.read_identity() if self.run else None) or {}
        facts = {key: str(identity.get(key, "")) for key in ("model", "mode", "engine")}
        facts |= {"job": self._job, "client": client.id, "work": str(self.work.root)}
        self._tell("job", facts=facts | {"run": self.run.name if self.run else ""})
        self._thread.submit(self._guarded, self._tell_what_was_done)

    def _tell_what_was_done(self) -> None:
        """Send the states of all blocks ever asked for."""
        survey = self._survey = Survey(self.work, self.run)
        keys = sorted(survey.planned)
        for first in range(0, len(keys), _BATCH):
            if self._leaving:
                return
            self._send("states", keys[first : first + _BATCH])

    def _tell(
        self, kind: str, plan: Plan | None = None, outcome: BlockResult | str | None = None, **facts: Any
    ) -> None:
        """Have a message sent, with the new state of a block that ended."""
        stage = self._stage.name

        def tell() -> None:
            keys = []
            if plan is not None and outcome is not None and self._survey is not None:
                keys = [(plan.satellite, plan.block)]
                self._survey.note(keys[0], stage, outcome)
            self._send(kind, keys, **facts)

        self._thread.submit(self._guarded, tell)

    def _guarded(self, tell: Callable[[], None]) -> None:
        """Do something in the thread, unless it failed there before or the scheduler is lost."""
        if self._broken or self._client is None or self._client.status != "running":
            return
        try:
            tell()
        except (OSError, TimeoutError, LedgerError) as e:
            self._give_up(f"{type(e).__name__}: {e}")
        except Exception:  # noqa: BLE001  # whatever it is, a page must not stop a run
            self._give_up(traceback.format_exc())

    def _give_up(self, why: str) -> None:
        self._broken = True
        self.announce(f"this run's page stands still, the run goes on: {why}")

    def _send(self, kind: str, keys: Iterable[_Key] = (), **facts: Any) -> None:
        """Send a message with the states of some blocks."""
        client: Any = self._client
        states = [asdict(self._survey.state(key)) for key in keys] if self._survey else []
        message = _legible({"kind": kind, "job": self._job, "states": states, **facts})
        send = client.scheduler.log_event
        client.sync(send, topic=TOPIC, msg=message, callback_timeout=_PATIENCE_S)
