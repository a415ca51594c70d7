"""Workers are started where there are blocks for them, and only so many."""

from typing import Any

import pytest

from reprocess.errors import PlanError
from reprocess.execution import cluster as module
from reprocess.execution.workers import Workers, open_workers


class Fake:
    """A cluster that starts nothing and remembers what was asked of it."""

    made: list["Fake"]

    def __init__(self, *options: Any) -> None:
        self.options, self.grown, self.closed = options, [options[0]], False
        Fake.made.append(self)

    def client(self) -> "Fake":
        return self

    def grow(self, workers: int) -> None:
        self.grown.append(workers)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[Fake]:
    """Clusters that were started."""
    Fake.made = []
    monkeypatch.setattr(module, "Cluster", Fake)
    monkeypatch.setattr(module, "MEMORY_LIMIT", 16 * 10**9)
    return Fake.made


@pytest.mark.parametrize("asked", [False, True])
def test_a_single_block_is_for_this_process_and_that_is_said_once(made: list[Fake], asked: bool) -> None:
    said: list[str] = []
    with open_workers(workers=4, asked=asked, announce=said.append) as workers:
        assert workers.client(0) is None
        assert said == []
        assert workers.client(1) is None
        assert workers.client(1) is None
    assert made == []
    (line,) = said
    assert line.startswith("one block: done in this process, without workers and dashboard")
    assert ("--workers 4 is for more blocks" in line) == asked


def test_there_are_never_more_workers_than_blocks_and_each_keeps_its_share_of_the_memory(
    made: list[Fake],
) -> None:
    with open_workers(workers=4, announce=str) as workers:
        first = workers.client(2)
        assert workers.client(3) is workers.client(100) is workers.client(1) is first
    (one,) = made
    assert one.options[0] == 2
    assert one.options[-1] == 4 * 10**9
    assert one.grown == [2, 3, 4, 1], "a cluster is never shrunk: see the test of `grow`"
    assert one.closed


@pytest.mark.parametrize("where", [{"scheduler": "tcp://127.0.0.1:1"}, {"batch": object()}])
def test_workers_elsewhere_do_a_single_block_too(made: list[Fake], where: dict[str, Any]) -> None:
    with open_workers(announce=str, **where) as workers:
        assert workers.client(1) is workers.client(5)
    (one,) = made
    assert (one.options[1], one.options[2]) == (where.get("scheduler"), where.get("batch"))
    assert one.grown == [1]


def test_what_is_asked_of_dask_besides_is_heeded_for_a_single_block(made: list[Fake]) -> None:
    assert Workers(workers=3, always=True, announce=str).client(1) is made[0]


def test_workers_that_cannot_hold_a_block_are_not_started(made: list[Fake]) -> None:
    with pytest.raises(PlanError, match="a worker with 500 MB cannot hold a block"):
        Workers(workers=32, announce=str).client(2)
    assert made == []
