"""Shares of all blocks for jobs without a scheduler, and what a stage needs to know of where it runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from reprocess import schema
from reprocess.execution.mapping import Note, Plan
from reprocess.execution.workers import Workers
from reprocess.schema.granules import Granule, block_of
from reprocess.work.ledger import BlockLedger

if TYPE_CHECKING:
    from distributed import Client

AnyPlan = TypeVar("AnyPlan", bound=Plan)


@dataclass(frozen=True)
class Share:
    """One of several shares of all blocks, for jobs that run without a Dask scheduler.

    Which share a block is in depends on nothing but the block, so that jobs which start at
    different times, and see different listings of the archive, never work on one block at once.
    """

    number: int
    """From 1."""
    of: int

    def holds(self, satellite: str, block: int) -> bool:
        """Tell whether a block is in this share."""
        return (list(schema.SATELLITES).index(satellite) * _STRIDE + block) % self.of == self.number - 1

    def select(self, granules: Iterable[Granule]) -> list[Granule]:
        """Return the satellite-days of the blocks in this share."""
        return [g for g in granules if self.holds(*block_of(g))]

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


_STRIDE = 107
"""About as many blocks as a satellite has in the archive: hardly two in one share where shares are many."""


def own(plans: list[AnyPlan], where: Workers | Share) -> list[AnyPlan]:
    """Return the plans to carry out here."""
    return [p for p in plans if where.holds(p.satellite, p.block)] if isinstance(where, Share) else plans


def client_of(where: Workers | Share, plans: Sequence[Plan]) -> "Client | None":
    """Return what maps over blocks, None for this process: a share is done here, and so is a single block."""
    return None if isinstance(where, Share) else where.client(len(plans))


def noting(ledger: BlockLedger[Any]) -> Note:
    """Return what notes in a ledger why a block could not be done."""
    return lambda plan, reason, trace: ledger.fail(plan.satellite, plan.block, reason, trace)
