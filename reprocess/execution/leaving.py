"""What Dask's workers on this machine load as they start, so that they end at once.

Whoever started them waits for them. A worker that looks through all its modules for garbage first takes a
third of a second for it; the system takes its memory back whole anyway.
"""

import gc
from typing import Any


def dask_teardown(worker: Any) -> None:
    """Have nothing looked through any more; Dask calls this as a worker closes.

    A worker without a nanny may be part of a process that goes on.
    """
    if worker.nanny:
        gc.freeze()
