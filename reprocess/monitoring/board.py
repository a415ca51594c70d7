"""What is shown while a run goes on: the state of every block, and how fast blocks end.

The board is filled by messages of plain numbers and text, so that whoever shows it (a Dask
scheduler, which may see no file system of ours) needs nothing else. A block's state replaces what
was known of the block: a block that is done again is never counted twice. No clock here: times
are given.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from reprocess import schema
from reprocess.schema import DayState
from reprocess.schema.grid import make_grid

GRID = make_grid(*(np.arange(start, stop + step / 2, step) for start, stop, step in schema.SHOWN.values()))
"""Bins of the map that is shown: those of `reprocess map` by default."""

NOT_ASKED = "-"
LETTERS = {
    DayState.CLASSIFIED: "c",
    DayState.OK: "i",
    DayState.QUARANTINED: "q",
    DayState.DEFERRED: "d",
    DayState.LOST: "l",
    DayState.MISSING: ".",
}
"""What became of a day; a block's days are a text with one of these for each."""

NOT_USABLE = (DayState.QUARANTINED, DayState.DEFERRED, DayState.LOST)
"""States that a reason is shown for."""

STATES = (DayState.CLASSIFIED, DayState.OK, *NOT_USABLE, DayState.FAILED, DayState.MISSING)
"""What days are counted by: as above, but for those that a failed block would have read or classified."""

_STATE = {letter: state for state, letter in LETTERS.items()}

Message = dict[str, Any]


@dataclass(frozen=True)
class BlockState:
    """All that is shown of one block."""

    satellite: str
    block: int
    days: str
    """One character per day of the block."""
    records: int = 0
    """Ingested records."""
    left_out: list[list[str]] = field(default_factory=list)
    """Date, state (of `NOT_USABLE`), reason and detail of each day that could not be read."""
    failures: dict[str, str] = field(default_factory=dict)
    """By stage, why the block could not be done."""
    events: dict[str, int] = field(default_factory=dict)
    """Events by class, on and off the map."""
    counts: list[list[int]] = field(default_factory=list)
    """Per event class, events in each bin of `GRID`, row by row; empty while nothing is classified."""
    dwell: list[int] = field(default_factory=list)
    """Seconds observed in each bin of `GRID`."""
    unread: str = ""
    """Why counts and dwell are not here although days are classified."""

    @cached_property
    def by_month(self) -> dict[str, Counter[str]]:
        """Days by month (``YYYY-MM``) and `STATES`, and as ``planned``."""
        months: dict[str, Counter[str]] = {}
        for month, day in zip(_months(self.block), self.days, strict=True):
            if day != NOT_ASKED:
                months.setdefault(month, Counter()).update(["planned", self._state(day)])
        return months

    def _state(self, day: str) -> str:
        state = _STATE[day]
        stage = {DayState.MISSING: "ingest", DayState.OK: "detect"}.get(state)
        return DayState.FAILED if stage in self.failures else state


@lru_cache
def _months(block: int) -> list[str]:
    """Return the month of each day of a block."""
    return [schema.day_date(day).isoformat()[:7] for day in schema.block_days(block)]


@dataclass
class Stage:
    """How far a stage is, in blocks and satellite-days."""

    name: str
    blocks: int
    days: int
    samples: list[tuple[float, int, int]] = field(default_factory=lambda: [(0.0, 0, 0)])
    """After each block done: seconds since the stage began, and satellite-days and records by then."""
    failed: int = 0
    """Blocks that could not be done."""
    failed_days: int = 0
    """Their satellite-days."""

    def done(self, elapsed: float, days: int, records: int) -> None:
        """Note a block that is done, `elapsed` seconds after the stage began."""
        _, before, records_before = self.samples[-1]
        self.samples.append((elapsed, before + days, records_before + records))

    def fail(self, days: int) -> None:
        """Note a block that could not be done."""
        self.failed += 1
        self.failed_days += days

    @property
    def ended(self) -> int:
        """Blocks done and failed."""
        return len(self.samples) - 1 + self.failed

    @property
    def days_done(self) -> int:
        """Satellite-days of blocks that are done."""
        return self.samples[-1][1]

    @property
    def records_done(self) -> int:
        """Records of blocks that are done."""
        return self.samples[-1][2]

    def rate(self) -> tuple[float, float] | None:
        """Return satellite-days and records per second, None before the first block is done.

        What the workers did in about the second half of the time so far, so that workers which come
        or go show soon. The time counts from the moment a block ended, the last in the first half, to
        the moment the latest block ended: workers that start together end together, and the time
        since then says nothing about their speed.
        """
        last = self.samples[-1]
        first = self.samples[bisect_right(self.samples, last[0] / 2, key=lambda s: s[0]) - 1]
        if last[0] <= first[0]:
            return None
        return (last[1] - first[1]) / (last[0] - first[0]), (last[2] - first[2]) / (last[0] - first[0])

    def time_left(self) -> float | None:
        """Return the seconds the stage still takes at its rate, None if that is not known."""
        left = self.days - self.days_done - self.failed_days
        if left <= 0:
            return 0.0
        rate = self.rate()
        return left / rate[0] if rate and rate[0] > 0 else None


@dataclass
class Board:
    """The state of one job: a command that works on blocks."""

    facts: dict[str, str] = field(default_factory=dict)
    """``job`` (its identity), ``client``, ``work``, ``run``, ``model``, ``rules``; empty at first."""
    blocks: dict[tuple[str, int], BlockState] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)
    """In the order they began."""
    ending: str = ""
    """How the job ended; empty while it goes on."""
    since: float = 0.0
    """When the last message came, by the clock of whoever shows it."""
    version: int = 0
    """Grows with every message."""

    def apply(self, message: Message, now: float) -> None:
        """Take in a message; those of a job that has been followed by another are ignored.

        Parameters
        ----------
        message : dict
            ``kind`` and ``job`` (its identity), and by kind: ``job`` begins a job, with ``facts``;
            ``stage`` begins one, with ``stage``, ``blocks`` and ``days`` in it; ``done`` tells that a
            block of a ``stage`` is, ``elapsed`` seconds after the stage began, with its ``days`` and
            ``records``; ``failed`` that it could not be, with its ``days``; ``end`` tells ``how`` the job
            ended. Any of them may bring ``states``, new states of blocks as dictionaries of the fields
            of `BlockState`; a message of the kind ``states`` brings nothing else.
        now : float
            Seconds, by a clock of the caller's.

        Raises
        ------
        ValueError
            If the kind is another.
        """
        kind, stage = message["kind"], message.get("stage", "")
        if kind == "job":
            self.facts, self.blocks, self.stages, self.ending = message["facts"], {}, {}, ""
        elif message["job"] != self.facts.get("job"):
            return
        elif kind == "stage":
            self.stages[stage] = Stage(stage, message["blocks"], message["days"])
        elif kind == "done":
            self.stages[stage].done(message["elapsed"], message["days"], message["records"])
        elif kind == "failed":
            self.stages[stage].fail(message["days"])
        elif kind == "end":
            self.ending = message["how"]
        elif kind != "states":
            raise ValueError(f"a board takes no message of kind {kind!r}")
        for state in message.get("states", ()):
            self.blocks[state["satellite"], state["block"]] = BlockState(**state)
        self.since = now
        self.version += 1

    def by_month(self) -> dict[tuple[str, str], Counter[str]]:
        """Count days by satellite and month, sorted."""
        months: dict[tuple[str, str], Counter[str]] = {}
        for state in self.blocks.values():
            for month, counts in state.by_month.items():
                months.setdefault((state.satellite, month), Counter()).update(counts)
        return dict(sorted(months.items()))

    def days(self) -> Counter[str]:
        """Count all days by `STATES`, and as ``planned``."""
        total = Counter[str]()
        for counts in self.by_month().values():
            total.update(counts)
        return total

    def ingested(self) -> int:
        """Return the number of days in the archive, classified, failed since or neither."""
        return sum(
            s.days.count(letter)
            for s in self.blocks.values()
            for letter in (LETTERS[DayState.OK], LETTERS[DayState.CLASSIFIED])
        )

    def records(self) -> int:
        """Return the number of ingested records."""
        return sum(state.records for state in self.blocks.values())

    def events(self) -> dict[str, int]:
        """Count events by class, on and off the map."""
        found = sum((Counter(state.events) for state in self.blocks.values()), Counter[str]())
        return {name: found[name] for name in schema.EVENT_CLASSES}

    def maps(self) -> tuple[np.ndarray, np.ndarray]:
        """Return events (class, L, MLT) and seconds observed (L, MLT) in each bin of `GRID`."""
        counts = np.zeros((len(schema.EVENT_CLASSES), GRID.shape[0] * GRID.shape[1]), np.int64)
        dwell = np.zeros(GRID.shape[0] * GRID.shape[1], np.int64)
        for state in self.blocks.values():
            if state.dwell:
                counts += np.array(state.counts)
                dwell += np.array(state.dwell)
        return counts.reshape(-1, *GRID.shape), dwell.reshape(GRID.shape)

    def off_map(self) -> int:
        """Return how many events of the blocks on the map are not on it."""
        return sum(sum(s.events.values()) - int(np.sum(s.counts)) for s in self.blocks.values() if s.dwell)

    def unread(self) -> list[str]:
        """Return why blocks that are classified are not on the map, one text per block."""
        return [s.unread for s in self.blocks.values() if s.unread]

    def left_out(self) -> list[tuple[str, str, str, str, str]]:
        """Return satellite, date, state, reason and detail of each day that could not be read, sorted."""
        return sorted((s.satellite, *entry) for s in self.blocks.values() for entry in s.left_out)  # type: ignore[misc]

    def failures(self) -> list[tuple[str, int, str, str]]:
        """Return satellite, block, stage and reason of each failure, sorted."""
        return sorted(
            (s.satellite, s.block, stage, reason)
            for s in self.blocks.values()
            for stage, reason in s.failures.items()
        )


def duration(seconds: float) -> str:
    """Return a time span as ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
