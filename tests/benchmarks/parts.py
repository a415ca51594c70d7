"""Where the time of a stage goes: its parts are timed as they call each other, each without what it calls."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

from reprocess.classifier.onnx_engine import OnnxEngine
from reprocess.detect import block as detect_block
from reprocess.detect.rules import modes
from reprocess.ingest import day as ingest_day
from reprocess.work import parts, store

REST = "rest"
PARTS: dict[str, dict[str, list[tuple[object, str]]]] = {
    "ingest": {
        "reading files": [(ingest_day, "read_source")],
        "inflating, unshuffling and checking 36 variables": [(ingest_day, "read_records")],
        "compressing and writing 18 shards": [
            (store.SatelliteStore, "encode"),
            (store.SatelliteStore, "write_encoded"),
            (store.SatelliteStore, "write"),
        ],
        "sha256 of files and shards": [(ingest_day, "sha256"), (store, "sha256")],
    },
    "detect onnxruntime": {
        "network": [(OnnxEngine, "predict")],
        "reading eight arrays": [(store.SatelliteStore, "_chunks"), (store.SatelliteStore, "_decode")],
        "sha256 of their shards and of the parts": [(store, "sha256"), (parts, "sha256")],
        "interpolating L": [(modes, "repair_L")],
        "flags of records and events": [(detect_block, "record_flags"), (detect_block, "event_flags")],
        "dwell": [(detect_block, "count_dwell")],
        "wanted windows and growth": [(modes, "wanted_windows"), (modes, "classify")],
        "scaling the records of these windows": [(detect_block, "windows_at")],
        "runs, filters, joins": [(modes, "find_events")],
        "event table": [(detect_block, "describe"), (detect_block, "write_part")],
    },
}
"""What each stage calls for which part. What is left is the `REST`."""


class Clock:
    """Seconds of wall time by part; only one runs at a time."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._running = [REST]
        self._since = time.perf_counter()

    @contextmanager
    def running(self, part: str) -> Iterator[None]:
        """Count the time within to a part, not to the one that was running."""
        self.lap()
        self._running.append(part)
        try:
            yield
        finally:
            self.lap()
            self._running.pop()

    def lap(self) -> None:
        """Count the time since the last lap to the part that is running."""
        now = time.perf_counter()
        self.seconds[self._running[-1]] = self.seconds.get(self._running[-1], 0) + now - self._since
        self._since = now


def time_parts(stage: str, prepared: Callable[[], object]) -> dict[str, float]:
    """Return the seconds that a stage spends in each of its parts."""
    with ExitStack() as patches:
        clock = Clock()
        for part, functions in PARTS[stage].items():
            for owner, name in functions:
                timed = _timed(getattr(owner, name), clock, part)
                patches.enter_context(mock.patch.object(owner, name, timed))
        prepared()
        clock.lap()
    return {part: clock.seconds.get(part, 0.0) for part in (*PARTS[stage], REST)}


def _timed(function, clock: Clock, part: str):
    @functools.wraps(function)
    def timed(*arguments, **options):
        with clock.running(part):
            return function(*arguments, **options)

    return timed
