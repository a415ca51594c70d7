"""What there is to classify and with what, without what does it: planning is quick, and often all is done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from reprocess.detect.rules.mode import Mode
from reprocess.detect.rules.modes import MODES


@dataclass(frozen=True)
class Settings:
    """What a run is made with."""

    model: Path
    """Folder of the bundle, on a file system that the workers see."""
    model_sha256: str
    mode: str
    """One of `schema.MODES`."""
    engine: str
    """One of `classifier.engine.ENGINES`."""
    classes: bool
    """Whether to keep class and probabilities of every record; needs `dense`."""
    dense: bool
    """Whether to classify every window, not only those that events depend on."""
    rules: Mapping[str, Any] = field(default_factory=dict)
    """Rules of the mode that are set otherwise than by default."""

    @cached_property
    def rules_of_mode(self) -> Mode:
        """The mode with these rules."""
        return MODES[self.mode](self.rules)


@dataclass(frozen=True)
class DetectPlan:
    """One block to classify."""

    work: Path
    run: str
    satellite: str
    block: int
    days: tuple[int, ...]
    """Positions on the `day` axis, all of them ingested."""
    settings: Settings
    backgrounds: Mapping[str, float] = field(default_factory=dict)
    """E4 over the polar caps, counts per second, by month (YYYY-MM)."""
