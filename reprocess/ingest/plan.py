"""What there is to ingest, without what does it: planning is quick, and often nothing is new."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprocess.schema.granules import Granule


@dataclass(frozen=True)
class IngestPlan:
    """One block to ingest."""

    work: Path
    satellite: str
    block: int
    granules: tuple[Granule, ...]
    """Days to read from their source; other days of the block stay as they are."""
    storage: Mapping[str, Any] = field(default_factory=dict)
    """Options of the source's file system, as of fsspec."""

    @property
    def days(self) -> tuple[int, ...]:
        """Positions on the `day` axis of the days to read."""
        return tuple(g.day for g in self.granules)
