"""What the system says of files is told with what to do."""

import errno

import pytest

from reprocess.cli.interruption import explain


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
