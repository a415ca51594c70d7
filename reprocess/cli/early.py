"""What must hold before anything else is imported: a quiet Ctrl-C, and one thread for products of matrices.

With as many threads as there are processors, the small products of maps and pages take twice the CPU time:
most of it goes into threads that wait for each other. Who sets a number of threads keeps it.
"""

import os
import sys
from types import TracebackType

_THREADS = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

if not {"OMP_NUM_THREADS", *_THREADS} & os.environ.keys():
    os.environ.update(_THREADS)


def _end_quietly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show what nobody caught, but for an interrupt in one line."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("Error: interrupted before anything was done\n")
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _end_quietly
