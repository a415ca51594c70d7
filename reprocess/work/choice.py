"""What of a run's results is looked at: all of it, or less, of events and of the time observed alike.

The event table, maps and pages take a `Choice`; whatever else may be chosen by becomes a field of it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprocess.errors import FlagError
from reprocess.schema import EVENT_CLASSES, EVENT_FLAGS, FLAGS
from reprocess.schema.flags import bits_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Choice:
    """What is looked at; everything by default.

    Parameters
    ----------
    exclude : tuple of str
        Names of flags. Events with one of them are left out, and so is the time of records with one of
        them, in or outside of events; flags that are of events alone leave the time observed as it is.

    Raises
    ------
    FlagError
        If there is no such flag.
    """

    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in self.exclude if name not in EVENT_FLAGS]
        if unknown:
            known = "\n".join(f"  {flag.name}: {flag.meaning}" for flag in FLAGS)
            raise FlagError(f"there is no flag {unknown[0]!r}; flags are\n{known}")
        ordered = tuple(name for name in EVENT_FLAGS if name in self.exclude)
        object.__setattr__(self, "exclude", ordered)

    @property
    def bits(self) -> int:
        """Sum of the bits of the flags that are excluded."""
        return bits_of(self.exclude)

    @property
    def words(self) -> str:
        """What is left out, for people; nothing if nothing is."""
        return f"without {', '.join(self.exclude)}" if self.exclude else ""

    @property
    def attributes(self) -> dict[str, str]:
        """What a file that is made of the choice says of it; nothing if it is of everything."""
        return {"excluded_flags": " ".join(self.exclude)} if self.exclude else {}

    def events(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """Return the rows of an event table that are chosen, numbered anew."""
        if not self.exclude:
            return table
        return table[(table["quality_flags"] & self.bits) == 0].reset_index(drop=True)

    def dwell(self, columns: dict[str, "np.ndarray"]) -> dict[str, "np.ndarray"]:
        """Return the rows of a dwell part that are chosen; time in other events is no precipitation."""
        if not self.exclude:
            return columns
        kept = (columns["quality_flags"] & self.bits) == 0
        chosen = {name: values[kept] for name, values in columns.items()}
        for name in EVENT_CLASSES:
            left = (chosen[f"quality_flags_{name}"] & self.bits) == 0
            chosen[f"records_{name}"] = chosen[f"records_{name}"] * left
        return chosen


EVERYTHING = Choice()
