"""Blocks mapped with Dask: failures are told apart from success and never stop the others."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dask
import pytest
from distributed import Client, Future, LocalCluster

from reprocess.errors import IncompleteError
from reprocess.execution.mapping import count_blocks, each_block, map_blocks
from reprocess.schema import block_days
from reprocess.work.receipts import BlockResult
from tests.support.fake import Silence


@dataclass(frozen=True)
class Plan:
    satellite: str
    block: int

    @property
    def days(self) -> range:
        return block_days(self.block)


class Told:
    """What a progress is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.done_blocks: list[int] = []
        self.failures: list[tuple[int, str]] = []

    def begin(self, stage: str, plans: Sequence[Plan], client: Client | None) -> None:
        assert client is not None
        self.stages.append((stage, len(plans)))

    def done(self, plan: Plan, message: str, receipt: BlockResult | None = None) -> None:
        assert receipt is not None
        assert (receipt["block"], message) == (plan.block, "0 days, 0 findings")
        self.done_blocks.append(plan.block)

    def failed(self, plan: Plan, reason: str) -> None:
        self.failures.append((plan.block, reason))


class Forgotten(Told):
    """Has the scheduler forget all work as soon as a block is done."""

    def done(self, plan: Plan, message: str, receipt: BlockResult | None = None) -> None:
        super().done(plan, message, receipt)
        client = Client.current()  # what the loss of a scheduler looks like to its client
        client.cancel([Future(key, client) for key in list(client.futures)], force=True)


PLANS = [Plan("noaa18", block) for block in range(6)]


def work(plan: Plan) -> BlockResult:
    if plan.block == 3:
        raise OSError("No space\nleft on device")
    return {"stage": "audit", "satellite": plan.satellite, "block": plan.block, "days": {}, "findings": []}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_a_block_that_raises_is_noted_and_the_others_are_done(client: Client) -> None:
    told = Told()
    noted: list[tuple[Plan, str, str]] = []
    records = map_blocks(client, work, PLANS, "audit", told, lambda *x: noted.append(x))
    assert {r["block"] for r in records} == {0, 1, 2, 4, 5}
    ((plan, reason, trace),) = noted
    assert (plan, reason) == (PLANS[3], "OSError: No space left on device")
    assert "in work" in trace
    assert told.stages == [("audit", 6)]
    assert sorted(told.done_blocks) == [0, 1, 2, 4, 5]
    assert told.failures == [(3, "OSError: No space left on device")]


@dataclass(frozen=True)
class Count:
    """Something that is no `BlockResult`."""

    block: int


def count(plan: Plan) -> Count:
    if plan.block == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return Count(plan.block)


class Words(Told):
    """Is told of results that are no `BlockResult`."""

    def done(self, plan: Plan, message: str, receipt: BlockResult | None = None) -> None:
        assert (message, receipt) == (f"block {plan.block} counted", None)
        self.done_blocks.append(plan.block)


def test_results_of_any_kind_survive_a_block_that_kills_its_workers() -> None:
    told = Words()
    one_death = {"distributed.scheduler.allowed-failures": 0}  # enough to blame all that a worker had in hand
    with (
        dask.config.set(one_death),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):

        def say(result: Count) -> str:
            return f"block {result.block} counted"

        found = each_block(client, count, PLANS, "evaluate", told, lambda *_: None, say)
        assert {c.block for c in found} == {0, 1, 2, 4, 5}
    assert sorted(told.done_blocks) == [0, 1, 2, 4, 5]
    ((block, reason),) = told.failures
    assert block == 3
    assert "its worker process died" in reason


class UnpicklableError(Exception):
    """An exception that cannot leave its worker, as those of some libraries."""

    def __reduce__(self) -> str:
        raise TypeError("not to be pickled")


def refuse(plan: Plan) -> BlockResult:
    raise UnpicklableError(f"block {plan.block}")


def test_an_exception_that_cannot_be_pickled_is_a_failure_like_any_other(client: Client) -> None:
    told = Told()
    assert map_blocks(client, refuse, PLANS[:2], "audit", told, lambda *_: None) == []
    assert sorted(told.failures) == [(0, "UnpicklableError: block 0"), (1, "UnpicklableError: block 1")]


def loaded(plan: Plan | None = None) -> BlockResult:
    import reprocess.detect.block  # noqa: F401  # as the functions that are mapped are there

    names = sorted({"dask.array", "xarray", "matplotlib"} & sys.modules.keys())
    return {"stage": "audit", "days": {}, "block": 0, "findings": [], "names": names}


def test_workers_do_not_load_what_only_the_client_needs() -> None:
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        (record,) = map_blocks(client, loaded, PLANS[:1], "audit", Told(), lambda *_: None)
        assert record["names"] == []
        assert [record["names"] for record in client.run(loaded).values()] == [[]]


class Unreadable:
    """Something that a worker cannot unpickle."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return fail, ("no such thing here",)


def fail(reason: str) -> None:
    raise ImportError(reason)


def test_a_plan_that_a_worker_cannot_read_is_a_failure_too(client: Client) -> None:
    told = Told()
    plan = Plan(Unreadable(), 0)  # type: ignore[arg-type]
    assert map_blocks(client, work, [plan], "audit", told, lambda *_: None) == []
    ((_, reason),) = told.failures
    assert "Error during deserialization of the task graph" in reason


def test_a_failure_that_cannot_be_noted_is_told_all_the_same(client: Client) -> None:
    told = Told()

    def note(*_: object) -> None:
        raise OSError(28, "No space left on device")

    records = map_blocks(client, work, PLANS, "audit", told, note)
    assert len(records) == 5
    ((_, failure),) = told.failures
    assert failure == (
        "OSError: No space left on device (which could not be noted in the ledger: "
        "[Errno 28] No space left on device)"
    )


def test_work_that_the_scheduler_forgets_ends_with_an_error(client: Client) -> None:
    with pytest.raises(IncompleteError, match=r"scheduler was lost during audit .*give the same command"):
        map_blocks(client, work, PLANS * 20, "audit", Forgotten(), lambda *_: None)


def test_counts_of_blocks_add_up_and_name_the_blocks_that_failed() -> None:
    def count(plan: Plan) -> int:
        if plan.block in {2, 4}:
            raise ValueError(f"no {plan.block}")
        return plan.block

    progress = Silence()
    assert count_blocks(None, count, PLANS[3:4], "s", progress, str, "described") == 3
    told = (
        r"2 of 6 blocks could not be described.*mended:\n  noaa18 block 2: .*no 2\n  noaa18 block 4: .*no 4"
    )
    with pytest.raises(IncompleteError, match=told):
        count_blocks(None, count, PLANS, "s", progress, str, "described")
