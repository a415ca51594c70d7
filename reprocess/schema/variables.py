"""What is declared of one stored column or variable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variable:
    """One column of a table, or one variable of a file."""

    name: str
    dtype: str
    """As stored: a NumPy dtype, ``str`` for text, ``time`` for UTC with millisecond resolution."""
    units: str
    """As CF has them; ``1`` for what has none, text included."""
    meaning: str
    """One sentence without its full stop."""
    source: str
    """Where it comes from: NOAA's variable, a formula, a publication or this project."""
    dims: tuple[str, ...] = ()
    """Dimensions; empty for the columns of tables."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further CF attributes: comment, flag_masks, ..."""

    @property
    def attrs(self) -> dict[str, Any]:
        """CF attributes, in the order that they are stored in."""
        return {"units": self.units, "long_name": self.meaning, "source": self.source, **self.more}


def by_name(*variables: Variable) -> dict[str, Variable]:
    """Return variables by their names, in their order."""
    return {variable.name: variable for variable in variables}
