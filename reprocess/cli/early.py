"""What must hold before all other imports: a Ctrl-C that counts, and one thread for products of matrices.

With as many threads as there are processors, the small products of maps and pages take twice the CPU time:
most of it goes into threads that wait for each other. Who sets a number of threads keeps it.
"""

import os
import signal
import sys
import threading
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


def _interrupt_again(said: "sys.UnraisableHookArgs") -> None:
    """Repeat an interrupt that fell into a destructor, where Python drops it with a traceback."""
    if issubclass(said.exc_type, KeyboardInterrupt):
        send_again(signal.SIGINT)
    else:
        _show(said)


def send_again(number: int) -> None:
    """Send this process a signal once more, a moment later."""
    later = threading.Timer(0.01, os.kill, (os.getpid(), number))
    later.daemon = True
    later.start()


_show = sys.unraisablehook
sys.excepthook = _end_quietly
sys.unraisablehook = _interrupt_again
