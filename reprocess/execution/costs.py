"""What the work costs, as measured: the only place that holds such figures.

CPU: ``make bench``, 1 to 32 simulated days of 43,200 records in a block, models ``capannolo2022`` and
``simulated2026``; memory: ``python -m tests.benchmarks.workers``, with ``--engine tensorflow`` too
(docs/performance.md, docs/scaling.md). Machines differ by a factor of two. Bytes: WORK directories of
the three real days of the test data and of eight simulated days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from reprocess.schema import ENGINES, MODES

T = TypeVar("T")

RECORDS_PER_DAY = 43_200
"""Records of a whole day at 2 s."""


@dataclass(frozen=True)
class Cost:
    """What one stage costs on one core."""

    day_cpu_s: float
    """CPU seconds for a satellite-day of `RECORDS_PER_DAY` records."""
    block_cpu_s: float
    """CPU seconds for a block, however few days it holds: whole shards are written."""
    memory: int
    """Peak bytes of a Dask worker whose block is full."""


def _by(names: Sequence[str], *values: T) -> dict[str, T]:
    """Return one value for each mode or engine.

    Raises
    ------
    ValueError
        If one has none, as when a mode or engine was added and its costs were not.
    """
    if len(names) != len(values):
        raise ValueError(
            f"reprocess/execution/costs.py gives {len(values)} values for {len(names)} names, "
            f"{', '.join(names)}: give one for each, in this order"
        )
    return dict(zip(names, values, strict=True))


INGEST = Cost(0.055, 0.3, 580_000_000)

DETECT = _by(
    ENGINES,
    Cost(0.0165, 0.02, 330_000_000),
    Cost(0.024, 0.02, 950_000_000),
)
"""By engine, without the network."""

WINDOW_SHARE = _by(MODES, 0.016, 0.3, 0.035)
"""Share of the windows of a day that the network is run for, by mode, unless it is run for all."""

OPERATIONS_PER_S = _by(ENGINES, 68e9, 53e9)
"""Floating-point operations of the network on one core, by engine."""

USABLE_MEMORY = 0.8
"""Share of its limit that a Dask worker may use before it is paused (distributed.worker.memory.pause)."""

SOURCE_BYTES_PER_RECORD = 150
"""Size of NOAA's files: 136 to 195 in the real ones; turns the bytes of a listing into records."""

ARCHIVE_BYTES_PER_RECORD = 30
"""Size of archive.zarr."""

CLASSES_BYTES_PER_RECORD = 8
"""Size of classes.zarr."""

DAY_BYTES = 16_000
"""Dwell, events and ledger entries of a satellite-day."""

BLOCK_BYTES = 22_000
"""What the parts of a block hold besides its days: 12 kB of it say what the columns are."""

SATELLITE_BYTES = 60_000
"""Metadata and coordinates of one satellite's arrays."""

EXPOSURE_BYTES = 8_000
"""Size of exposure.zarr, for a satellite and month."""

MAPS_BYTES = 2_000_000
"""occurrence.nc, the plots and the report of a run."""
