"""What a run will read, write and cost, told from the listing before anything runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reprocess import schema
from reprocess.errors import PlanError
from reprocess.execution import costs
from reprocess.schema import CLASS_ARRAYS, ArraySpec
from reprocess.schema.granules import Granule, block_of

_EXPOSURE_QUANTITIES = 1 + len(schema.EVENT_CLASSES)
_EXPOSURE_COORDINATES = 7  # satellite, month, hemisphere, and L and MLT with their bounds


@dataclass(frozen=True)
class Resources:
    """What a run is given."""

    engine: str
    """One of `classifier.engine.ENGINES`."""
    operations: int
    """Floating-point operations of the model per window."""
    mode: str
    """One of `published.MODES`."""
    dense: bool = False
    """Whether every window is classified."""
    classes: bool = False
    """Whether class and probabilities of every record are kept; needs `dense`."""
    workers: int = 1
    memory: int | None = None
    """Limit of each worker in bytes; None for no limit."""


def worker_memory(engine: str) -> int:
    """Return the smallest memory limit, in bytes, under which a worker can hold any block."""
    peak = max(costs.INGEST.memory, costs.DETECT[engine].memory)
    return round(peak / costs.USABLE_MEMORY)


def require_memory(engine: str, memory: int | None) -> None:
    """Make sure that a worker can hold a block.

    Parameters
    ----------
    engine : str
        One of `classifier.engine.ENGINES`.
    memory : int, optional
        Limit of each worker in bytes; None for no limit.

    Raises
    ------
    PlanError
        If it is too small: the worker would be paused or killed, with every block anew.
    """
    needed = worker_memory(engine)
    if memory is not None and memory < needed:
        raise PlanError(
            f"a worker with {memory / 1e6:.0f} MB cannot hold a block: it needs a limit of "
            f"{needed / 1e6:.0f} MB (a block peaks at {needed * costs.USABLE_MEMORY / 1e6:.0f} MB with "
            f"{engine}, and Dask pauses a worker at {costs.USABLE_MEMORY:.0%} of its limit); "
            "use fewer workers with more memory each"
        )


def totals(granules: Sequence[Granule]) -> dict[str, int]:
    """Return the number of satellite-days, of blocks, and the bytes to read."""
    return {
        "satellite_days": len(granules),
        "blocks": len({block_of(g) for g in granules}),
        "bytes_to_read": sum(g.size for g in granules),
    }


def make_plan(granules: Sequence[Granule], resources: Resources) -> dict[str, Any]:
    """Return what there is to read and what ingesting, classifying and mapping it will take.

    Records are estimated from the bytes listed. CPU time and disk follow them; the time that files
    take to arrive from elsewhere is not predicted.

    Parameters
    ----------
    granules : sequence of Granule
        Satellite-days, all of them new.
    resources : Resources

    Returns
    -------
    dict
        Totals; ``satellites``: totals of each, by year too; ``predicted``: files and bytes of a new
        WORK directory, CPU hours by stage, wall hours, bytes of memory.

    Raises
    ------
    PlanError
        As `require_memory`.
    """
    require_memory(resources.engine, resources.memory)
    cpu = cpu_hours(granules, resources)
    needed = worker_memory(resources.engine)
    reading = totals(granules)
    return {
        **reading,
        "satellites": {
            satellite: {
                **totals(of := [g for g in granules if g.satellite == satellite]),
                "years": {
                    str(year): totals([g for g in of if g.date.year == year])
                    for year in sorted({g.date.year for g in of})
                },
            }
            for satellite in sorted({g.satellite for g in granules})
        },
        "predicted": {
            "records": sum(map(_records, granules)),
            "files": count_files(granules, resources.classes),
            "disk_bytes": _disk(granules, resources.classes),
            "cpu_hours": cpu,
            "wall_hours": sum(cpu.values()) / min(resources.workers, reading["blocks"]),
            "workers": resources.workers,
            "worker_memory_bytes": needed,
            "memory_bytes": needed * resources.workers,
        },
    }


def cpu_hours(granules: Sequence[Granule], resources: Resources) -> dict[str, float]:
    """Return the CPU hours of each stage, from the bytes and blocks listed."""
    days = sum(map(_records, granules)) / costs.RECORDS_PER_DAY
    blocks = totals(granules)["blocks"]
    read, found = costs.INGEST, costs.DETECT[resources.engine]
    windows = costs.RECORDS_PER_DAY * (1 if resources.dense else costs.WINDOW_SHARE[resources.mode])
    network = windows * resources.operations / costs.OPERATIONS_PER_S[resources.engine]
    a_day = found.day_cpu_s + network
    return {
        "ingest": (days * read.day_cpu_s + blocks * read.block_cpu_s) / 3600,
        "detect": (days * a_day + blocks * found.block_cpu_s) / 3600,
    }


def count_files(granules: Sequence[Granule], classes: bool) -> int:
    """Return how many files a new WORK directory will hold after one run over these satellite-days."""
    satellites = len({g.satellite for g in granules})
    blocks = totals(granules)["blocks"]
    archive = _store_files(schema.ARCHIVE_ARRAYS, satellites, blocks)
    kept = _store_files(CLASS_ARRAYS, satellites, blocks) if classes else 0
    ledger = 1 + blocks  # the listing
    parts = 3 * blocks  # events, dwell, receipt
    # Each array has its metadata and one file per satellite or coordinate; the group's metadata.
    exposure = 1 + _EXPOSURE_QUANTITIES * (1 + satellites) + 2 * _EXPOSURE_COORDINATES
    maps = 1 + len(schema.EVENT_CLASSES)
    run = 7  # run.json, the days asked for, what map, page and exposure were made of, events kept, the report
    return archive + kept + ledger + parts + exposure + maps + run


def _store_files(arrays: dict[str, ArraySpec], satellites: int, blocks: int) -> int:
    """Return the files of a Zarr store: metadata, coordinates, one shard per array and block."""
    coordinates = sum(any(name in spec.dims for spec in arrays.values()) for name in schema.COORDINATES)
    return 1 + satellites * (1 + len(arrays) + 2 * coordinates) + blocks * len(arrays)


def _records(granule: Granule) -> int:
    return min(granule.size // costs.SOURCE_BYTES_PER_RECORD, costs.RECORDS_PER_DAY)


def _disk(granules: Sequence[Granule], classes: bool) -> int:
    """Return the bytes of a new WORK directory."""
    per_record = costs.ARCHIVE_BYTES_PER_RECORD + (costs.CLASSES_BYTES_PER_RECORD if classes else 0)
    months = {(g.satellite, g.date.year, g.date.month) for g in granules}
    return (
        sum(map(_records, granules)) * per_record
        + len(granules) * costs.DAY_BYTES
        + totals(granules)["blocks"] * costs.BLOCK_BYTES
        + len({g.satellite for g in granules}) * costs.SATELLITE_BYTES
        + len(months) * costs.EXPOSURE_BYTES
        + costs.MAPS_BYTES
    )
