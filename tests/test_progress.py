import io
import sys

import pytest

from reprocess.progress import show_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_every_block_is_reported(stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream())
    with show_progress() as progress:
        progress("ingest", 1, 2, "noaa18 block 248: 2 days ingested")
        progress("ingest", 2, 2, "noaa18 block 250: 1 day ingested")
    text = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "noaa18 block 248: 2 days ingested" in text
    assert "noaa18 block 250: 1 day ingested" in text
    assert "2/2" in text
