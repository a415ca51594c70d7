"""What the system says of files is told with what to do."""

import errno
import signal
from pathlib import Path
from typing import NoReturn

import pytest

from reprocess.cli import interruption
from reprocess.cli.interruption import explain
from reprocess.work import status
from reprocess.work.paths import Work
from tests.support.command import invoke


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left"), "OSError: [Errno 28] No space left; make room first"),
        (OSError(errno.EFBIG, "Too large", "a"), "a: Too large; raise the limit of file sizes (ulimit -f)"),
        (OSError(errno.EIO, "Broken", "a", None, "b"), "a to b: Broken"),
        (OSError("odd"), "OSError: odd"),
    ],
)
def test_file_cause_and_remedy_are_told(error: OSError, words: str) -> None:
    assert explain(error) == words


def test_an_interrupt_of_any_command_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> NoReturn:
        raise error

    error: BaseException = KeyboardInterrupt()
    monkeypatch.setattr(Work, "is_one", lambda _: True)
    monkeypatch.setattr(status, "survey", interrupted)
    done = invoke("status", tmp_path, code=4)
    assert done.stderr == "Error: interrupted; give the same command again\n"
    error = ValueError("a library's word for it")
    with pytest.raises(ValueError, match="a library's word"):
        invoke("status", tmp_path)
    monkeypatch.setattr(interruption, "_heard", [signal.SIGINT])
    assert invoke("status", tmp_path, code=4).stderr == done.stderr
