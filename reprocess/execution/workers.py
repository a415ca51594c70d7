"""Where the blocks of a command are worked on: by Dask's workers if there are several, else in this process.

A cluster takes two seconds to start and as much to import; one block gains nothing by it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reprocess.execution.forecast import require_memory
from reprocess.schema import ENGINES

if TYPE_CHECKING:
    from distributed import Client

    from reprocess.execution.batch import Batch
    from reprocess.execution.cluster import Cluster


@dataclass
class Workers:
    """Workers that are started when there are blocks for them."""

    workers: int = 1
    """How many there are on this machine at most; there are never more than blocks."""
    scheduler: str | None = None
    """Address of a running Dask scheduler, whose workers do every block."""
    batch: "Batch | None" = None
    """The batch system whose workers do every block."""
    tls: bool = False
    """As of `cluster.Cluster`."""
    engine: str = ENGINES[0]
    """What runs the network: workers must be able to hold it."""
    always: bool = False
    """Whether a single block too is for a worker, because something is asked of Dask besides."""
    asked: bool = False
    """Whether the user gave a number of workers."""
    announce: Callable[[str], None] = print
    _cluster: "Cluster | None" = field(default=None, init=False)
    _told: bool = field(default=False, init=False)

    def client(self, blocks: int) -> "Client | None":
        """Return the client of workers for so many blocks; None if they are for this process.

        Raises
        ------
        PlanError
            If a worker on this machine has too little memory for a block.
        ClusterError
            As `cluster.Cluster.client`.
        """
        elsewhere = self.scheduler is not None or self.batch is not None
        if not (self._cluster or elsewhere or self.always) and blocks <= 1:
            self._tell(blocks)
            return None
        from reprocess.execution.cluster import Cluster, memory_of_each

        number = max(min(self.workers, blocks), 1)
        if not elsewhere:
            require_memory(self.engine, memory_of_each(self.workers))
        if self._cluster is None:
            self._cluster = Cluster(
                number, self.scheduler, self.batch, self.tls, self.announce, memory_of_each(self.workers)
            )
        elif not elsewhere:
            self._cluster.grow(number)
        return self._cluster.client()

    def _tell(self, blocks: int) -> None:
        """Say once what a user of workers may miss."""
        if blocks and not self._told:
            self._told = True
            number = f"; --workers {self.workers} is for more blocks" if self.asked else ""
            self.announce(f"one block: done in this process, without workers and dashboard{number}")

    def close(self) -> None:
        """Stop what was started."""
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None


@contextmanager
def open_workers(**options: Any) -> Iterator[Workers]:
    """Provide `Workers` made with these options, and stop them at the end."""
    workers = Workers(**options)
    try:
        yield workers
    finally:
        workers.close()
