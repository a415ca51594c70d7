"""One function mapped over many blocks, with Dask or without, whatever becomes of single ones."""

import logging
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np

from reprocess import schema
from reprocess.errors import IncompleteError
from reprocess.pages.words import counted
from reprocess.work.receipts import BlockResult

if TYPE_CHECKING:  # what is done in this process does without
    from distributed import Client, Future


class Plan(Protocol):
    """What to do to one block."""

    @property
    def satellite(self) -> str:
        """Directory name."""

    @property
    def block(self) -> int:
        """Number of the block."""

    @property
    def days(self) -> Sequence[int]:
        """Positions on the `day` axis of the days to work on."""


@dataclass(frozen=True)
class Failure:
    """Why a block gave nothing."""

    reason: str
    trace: str
    killed: bool = False
    """Whether a worker process died at it, or at a block that it had in hand besides."""


Note = Callable[[Plan, str, str], None]

Result = TypeVar("Result")
"""What a block gives: an `BlockResult`, or something else that can be pickled."""

Given = TypeVar("Given", bound=BlockResult)


class Progress(Protocol):
    """Told how a stage goes."""

    def begin(self, stage: str, plans: Sequence[Plan], client: "Client | None") -> None:
        """Take note that work on these blocks begins, on this client's workers (None: without Dask)."""

    def done(self, plan: Plan, message: str, receipt: BlockResult | None = None) -> None:
        """Take note of what a block gave, in words, and its receipt if there is one."""

    def failed(self, plan: Plan, reason: str) -> None:
        """Take note that a block could not be done."""


def records_of(plan: Plan, receipt: BlockResult) -> int:
    """Return how many satellite records the days of a plan have, by the receipt that its block gave."""
    dates = (schema.day_date(day).isoformat() for day in plan.days)
    return sum(receipt["days"].get(date, {}).get("records", 0) for date in dates)


def map_blocks(
    client: "Client | None",
    function: Callable[[Any], Given],
    plans: Sequence[Plan],
    stage: str,
    progress: Progress,
    note: Note,
) -> list[Given]:
    """Do all that `each_block` does, and return what the blocks gave."""
    return list(each_block(client, function, plans, stage, progress, note))


def count_blocks(
    client: "Client | None",
    function: Callable[[Any], int],
    plans: Sequence[Plan],
    stage: str,
    progress: Progress,
    say: Callable[[int], str],
    task: str,
) -> int:
    """Do all that `each_block` does with a stage that has no receipts, and return the sum of its counts.

    Parameters
    ----------
    client, function, plans, stage, progress, say
        As `each_block`.
    task : str
        What is done to a block, as a participle: ``described``.

    Raises
    ------
    IncompleteError
        If a block could not be done, and all others were; or as `each_block`.
    """
    failed: list[str] = []

    def note(plan: Plan, reason: str, _trace: str) -> None:
        failed.append(f"{plan.satellite} block {plan.block}: {reason}")

    found = sum(each_block(client, function, plans, stage, progress, note, say))
    if failed:
        raise IncompleteError(
            f"{len(failed)} of {len(plans)} blocks could not be {task}; give the same command again once "
            "this is mended:\n  " + "\n  ".join(sorted(failed))
        )
    return found


def each_block(
    client: "Client | None",
    function: Callable[[Any], Result],
    plans: Sequence[Plan],
    stage: str,
    progress: Progress,
    note: Note,
    say: Callable[[Result], str] | None = None,
) -> Iterator[Result]:
    """Apply a block function to its plans; one that raises or kills its worker does not stop the others.

    Parameters
    ----------
    client : Client, optional
        Whose workers apply it; this process by default, to one block after the other.
    function, plans, stage, progress
        What to apply to what, under which name, and who is told.
    note : callable
        Told of every block that could not be done: its plan, why, and the traceback.
    say : callable, optional
        How to tell in a few words what a block gave; needed if it is no `BlockResult`.

    Yields
    ------
    Result
        What the blocks that could be done gave, as they end.

    Raises
    ------
    IncompleteError
        If the scheduler is lost. Blocks it had not reported may be done or not; the ledger knows.
    """
    progress.begin(stage, plans, client)

    def tell(plan: Plan, result: Result | Failure) -> Iterator[Result]:
        if isinstance(result, Failure):
            progress.failed(plan, _note_failure(note, plan, result))
            return
        if say is None:
            receipt = cast(BlockResult, result)
            progress.done(plan, _told(receipt), receipt)
        else:
            progress.done(plan, say(result))
        yield result

    suspects = []
    for plan, result in _map_plans(client, function, plans, stage):
        if isinstance(result, Failure) and result.killed:
            suspects.append(plan)
        else:
            yield from tell(plan, result)
    for suspect in suspects:
        # Dask blames everything a dead worker had in hand; alone, a block answers for itself.
        for plan, result in _map_plans(client, function, [suspect], stage):
            yield from tell(plan, result)


def _map_plans(
    client: "Client | None", function: Callable[[Any], Result], plans: Sequence[Plan], stage: str
) -> Iterator[tuple[Plan, Result | Failure]]:
    """Yield each plan as it ends, with what its block gave or why there is nothing."""
    if client is None:
        for plan in plans:
            yield plan, _apply(function, plan)
    else:
        yield from _map_on_workers(client, function, plans, stage)


def _map_on_workers(
    client: "Client", function: Callable[[Any], Result], plans: Sequence[Plan], stage: str
) -> Iterator[tuple[Plan, Result | Failure]]:
    """Yield each plan as it ends on Dask's workers."""
    import dask.array as da  # it loads xarray; workers, who import this module too, do without
    from distributed import as_completed, futures_of
    from distributed.comm import CommClosedError

    array = np.empty(len(plans), object)
    array[:] = plans
    blocks = da.from_array(array, chunks=1).map_blocks(
        _each, function=function, dtype=object, meta=np.empty(0, object), name=f"{stage}-{uuid.uuid4().hex}"
    )
    try:
        futures = futures_of(client.persist(blocks))
        by_key = {future.key: plans[future.key[1]] for future in futures}
        for future in as_completed(futures):
            yield by_key[future.key], _result(future)
            future.release()
    except (CommClosedError, CancelledError) as e:
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # it has nothing to add
        raise IncompleteError(
            f"the Dask scheduler was lost during {stage} ({type(e).__name__}); blocks that are done stay "
            "done, give the same command again to go on"
        ) from e


def _apply(function: Callable[[Any], Result], plan: Plan) -> Result | Failure:
    """Return what a block gave.

    On workers too: an exception that cannot be pickled would leave Dask's client waiting for ever.
    """
    try:
        return function(plan)
    except Exception as e:  # noqa: BLE001  # whatever it is belongs to this block
        return _failure(e, traceback.format_exc())


def _each(plans: np.ndarray, function: Callable[[Any], Any]) -> np.ndarray:
    """Apply a block function to the plans of one chunk."""
    results = np.empty(plans.size, object)
    results[:] = [_apply(function, plan) for plan in plans]
    return results


def _result(future: "Future") -> Any:
    """Return what a future that ended gave: its block's result, or a `Failure`."""
    if future.status == "error":  # not the block's function, but what Dask did with it
        from distributed import KilledWorker

        error, trace = future.exception(), "".join(traceback.format_tb(future.traceback()))
        if isinstance(error, KilledWorker):
            reason = (
                f"KilledWorker: its worker process died {error.allowed_failures + 1} times over, the last "
                "time with nothing else to do: too little memory for a worker, or a crash inside a library; "
                "see the worker's log"
            )
            return Failure(reason, trace, killed=True)
        return _failure(error, trace)
    if future.status != "finished":
        raise CancelledError(f"{future.key} is {future.status}")  # with the scheduler that knew it
    return future.result()[0]


def _failure(error: BaseException, trace: str) -> Failure:
    return Failure(" ".join(f"{type(error).__name__}: {error}".split()), trace)


def _note_failure(note: Note, plan: Plan, failure: Failure) -> str:
    """Note why a block failed, and return it; a full disk must not hide the reason."""
    try:
        note(plan, failure.reason, failure.trace)
    except OSError as e:
        return f"{failure.reason} (which could not be noted in the ledger: {e})"
    return failure.reason


def _told(receipt: BlockResult) -> str:
    """Say in a few words what a block gave."""
    days = len(receipt["days"])
    if receipt["stage"] == "audit":
        return f"{counted(days, 'day')}, {counted(len(receipt['findings']), 'finding')}"
    if receipt["stage"] == "ingest":
        good = sum(entry["status"] == "ok" for entry in receipt["days"].values())
        return (
            f"{counted(good, 'day')} ingested, {days - good} quarantined, {len(receipt['deferred'])} deferred"
        )
    counts = [entry["events"] for entry in receipt["days"].values()]
    events = {name: sum(count[name] for count in counts) for name in schema.EVENT_CLASSES}
    failed = f", {counted(len(receipt['failed']), 'day')} failed" if receipt.get("failed") else ""
    return (
        f"{counted(days, 'day')}, " + ", ".join(f"{count} {name}" for name, count in events.items()) + failed
    )
