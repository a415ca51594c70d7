"""Blocks mapped with Dask: failures are told apart from success and never stop the others."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from distributed import Client, Future, LocalCluster

from reprocess.errors import IncompleteError
from reprocess.executor import map_blocks
from reprocess.ledger import Record


@dataclass(frozen=True)
class Plan:
    satellite: str
    block: int


PLANS = [Plan("noaa18", block) for block in range(6)]


def work(plan: Plan) -> Record:
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
    told: list[tuple[str, int, int, str]] = []
    noted: list[tuple[Plan, str, str]] = []
    records = map_blocks(client, work, PLANS, "audit", lambda *x: told.append(x), lambda *x: noted.append(x))
    assert {r["block"] for r in records} == {0, 1, 2, 4, 5}
    ((plan, reason, trace),) = noted
    assert (plan, reason) == (PLANS[3], "OSError: No space left on device")
    assert "in work" in trace
    assert [(stage, done, total) for stage, done, total, _ in told] == [("audit", k, 6) for k in range(1, 7)]
    assert "noaa18 block 3: FAILED: OSError: No space left on device" in [text for *_, text in told]


def test_a_failure_that_cannot_be_noted_is_told_all_the_same(client: Client) -> None:
    told: list[str] = []

    def note(*_: object) -> None:
        raise OSError(28, "No space left on device")

    records = map_blocks(client, work, PLANS, "audit", lambda *x: told.append(x[3]), note)
    assert len(records) == 5
    (failure,) = [text for text in told if "FAILED" in text]
    assert failure == (
        "noaa18 block 3: FAILED: OSError: No space left on device (which could not be noted in the ledger: "
        "[Errno 28] No space left on device)"
    )


def test_work_that_the_scheduler_forgets_ends_with_an_error(client: Client) -> None:
    def cancel(*_: object) -> None:  # what the loss of a scheduler looks like to its client
        client.cancel([Future(key, client) for key in list(client.futures)], force=True)

    with pytest.raises(IncompleteError, match=r"scheduler was lost during audit .*give the same command"):
        map_blocks(client, work, PLANS * 20, "audit", cancel, lambda *_: None)
