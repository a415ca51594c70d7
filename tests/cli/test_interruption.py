"""What the system says of files is told with what to do."""

import errno
import importlib
import signal
import subprocess
import sys
import time
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


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a library that is interrupted amid its import, and says so as compiled ones do."""
    name = "interrupted_amid_import"
    text = (
        "import signal\n"
        "try:\n    signal.raise_signal(signal.SIGINT)\n"
        "except KeyboardInterrupt as e:\n    raise ImportError('initialization failed') from e\n"
    )
    (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_an_interrupt_amid_an_import_comes_after_it(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "_heard", [])
    before = signal.signal(signal.SIGINT, interruption._interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            importlib.import_module(library)
            time.sleep(60)
    finally:
        signal.signal(signal.SIGINT, before)
    assert library in sys.modules


def test_an_interrupt_amid_an_import_ends_any_command_with_one_line(library: str, tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background jobs of a shell ignore it
        "from reprocess.cli import main\n"
        "from reprocess.work import status\n"
        "def survey(*_, **__):\n"
        f"    import {library}\n"
        "    time.sleep(60)\n"
        "status.survey = survey\n"
        "main()\n"
    )
    (tmp_path / "ledger" / "ingest").mkdir(parents=True)
    words = [sys.executable, "-c", program, "status", tmp_path]
    path = f"{tmp_path}:{Path(__file__).parents[2]}"
    done = subprocess.run(words, capture_output=True, text=True, env={"PYTHONPATH": path}, check=False)
    assert (done.returncode, done.stderr) == (4, "Error: interrupted; give the same command again\n")
