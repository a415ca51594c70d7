"""Made-up states of blocks, as messages bring them."""

from dataclasses import asdict
from typing import Any

import numpy as np

from reprocess.monitoring.board import GRID, BlockState

SIZE = GRID.shape[0] * GRID.shape[1]


def block(satellite: str = "noaa18", number: int = 248, days: str = "", **fields: Any) -> BlockState:
    """Return a block whose days beyond those given were not asked for; block 248 begins on 2019-09-24."""
    return BlockState(satellite, number, days.ljust(32, "-"), **fields)


def on_the_map(seed: int) -> dict[str, Any]:
    """Return events and time observed in every bin, with one event of each class off the map."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.2, (2, SIZE))
    return {
        "events": {"REP": int(counts[0].sum()) + 1, "CSS": int(counts[1].sum()) + 1},
        "counts": counts.tolist(),
        "dwell": (2 * rng.integers(0, 900, SIZE)).tolist(),
    }


def job(name: str = "one", **facts: str) -> dict[str, Any]:
    """Return the message that begins a job."""
    known = {"client": "c", "work": "/data/W", "run": "r", "model": "m", "mode": "published", "engine": "e"}
    return {"kind": "job", "job": name, "facts": known | {"job": name} | facts}


def states(*blocks: BlockState, name: str = "one") -> dict[str, Any]:
    """Return the message that brings states of blocks."""
    return {"kind": "states", "job": name, "states": [asdict(b) for b in blocks]}
