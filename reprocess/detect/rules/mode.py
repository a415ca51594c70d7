"""What a mode is: rules that make events of a satellite's records, a day at a time.

A day may be looked at with records of the days before and after it: a `Stretch`. A mode that treats
each day for itself gets the day's own records alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from reprocess.classifier.features import Windows
from reprocess.detect.rules.sparse import Classified

RECORDS = ("time", "electron_flux", "L_IGRF", "MLT", "latitude", "longitude", "ifc_on", "B_sat")
"""Arrays that every mode needs: what events are described from."""


def no_protons(first: int, last: int) -> np.ndarray:
    """Return proton fluxes of records where nothing is known of them: none."""
    return np.zeros((6, last + 1 - first), np.float32)


@dataclass(frozen=True)
class Stretch:
    """A day's records, and those of the days around it that are there, in order of time."""

    records: Mapping[str, np.ndarray]
    """Arrays of the archive by name, shape (…, n)."""
    own: slice
    """Positions of the day's own records."""
    firsts: Mapping[str, int]
    """Position of each day's first record, by date (YYYY-MM-DD); negative where it is left out."""
    truncated: tuple[bool, bool] = (False, False)
    """Whether there may be more records before the first and after the last."""
    neighbours: Mapping[str, str | None] = field(default_factory=dict)
    """sha256 of the file of every other day that was looked for, by date; None where there is none."""
    flags: Mapping[str, int] = field(default_factory=dict)
    """Flags that all records of a day have, by date."""
    joined: bool = False
    """Whether records of neighbours were asked for, so that an end that is not truncated is one of the
    data."""
    protons: Callable[[int, int], np.ndarray] = no_protons
    """From first and last record to the proton fluxes of these at 0 degrees, float32, shape (6, k)."""

    def by_month(self, values: Mapping[str, float], default: float) -> np.ndarray:
        """Return for each record the value of its month (YYYY-MM), float64, shape (n,)."""
        found = np.full(self.records["time"].size, default)
        for date, first in sorted(self.firsts.items()):
            found[max(first, 0) :] = values.get(date[:7], default)
        return found

    def locate(self, position: int) -> tuple[str, int]:
        """Return date and number within its day of a record."""
        date, first = max(
            ((date, first) for date, first in self.firsts.items() if first <= position), key=lambda x: x[1]
        )
        return date, position - first


@dataclass(frozen=True)
class Look:
    """What a mode sees in a stretch before anything is classified."""

    L: np.ndarray
    """L shell that the rules go by, float32, shape (n,)."""
    traced: np.ndarray
    """Whether that is of the field line, because the file has none; bool, shape (n,)."""
    missing: np.ndarray
    """Whether the record is no measurement, bool, shape (n,)."""
    calibrating: np.ndarray
    """Whether a calibration is on, bool, shape (n,)."""
    avoided: np.ndarray
    """Whether a calibration is on or the mode keeps away from it, bool, shape (n,)."""
    windows: Windows
    possible: np.ndarray
    """Windows that may be classified, bool, shape (m,); the records that they stand for are observed."""

    def counted_L(self, stored: np.ndarray) -> np.ndarray:
        """Return the L that observed time is counted by: as stored or traced, never interpolated."""
        return np.where(self.traced, self.L, stored) if self.traced.any() else stored

    def own(self, stretch: Stretch) -> slice:
        """Return the windows that stand for the day's own records."""
        first = stretch.own.start - self.windows.offset
        last = stretch.own.stop - self.windows.offset
        return slice(max(first, 0), max(min(last, self.windows.count), 0))


@dataclass(frozen=True)
class Found:
    """What a mode makes of a day."""

    stretch: Stretch
    """As much of the neighbours as was needed."""
    look: Look
    classified: Classified
    events: Mapping[str, np.ndarray]
    """Positions of first and last record of each event by class, both included; int, shape (k, 2). Those
    that begin before or after the day too, as far as they are known; each belongs to the day of its first."""
    structures: Mapping[str, np.ndarray]
    """Position of the first record of the structure that each event is part of, int, shape (k,); -1
    where the mode does not tell."""


Network = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From electron fluxes, shape (2, 4, n), and first records of windows, (k,), to probabilities, (k, 3)."""


class Mode(Protocol):
    """A set of rules."""

    @property
    def name(self) -> str:
        """One of `schema.MODES`."""

    @property
    def offset(self) -> int:
        """Records from the start of a window to the record that it stands for."""

    @property
    def arrays(self) -> tuple[str, ...]:
        """Arrays of the archive that the mode looks at."""

    @property
    def halo(self) -> int:
        """Records of the neighbouring days, on either side, that are enough to say what is observed."""

    @property
    def flags_order(self) -> bool:
        """Whether events with more counts in higher channels get the flag ``channel_order``."""

    def as_dict(self) -> dict[str, Any]:
        """Return the rules as `run.json` keeps them."""

    def look(self, stretch: Stretch) -> Look:
        """Tell what is there to be classified."""

    def find(
        self,
        stretch_of: Callable[[int], Stretch],
        network: Network,
        background: Mapping[str, float],
        dense: bool,
    ) -> Found:
        """Find a day's events.

        Parameters
        ----------
        stretch_of : callable
            Returns the day with so many records of its neighbours on either side, or all that there are.
        network : callable
        background : mapping of str to float
            Mean counts per second of E4 at 0 degrees over the polar caps, by month (YYYY-MM).
        dense : bool
            Whether to classify every window.
        """
