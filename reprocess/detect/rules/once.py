"""Rules that several others ask for, looked at once."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar

import numpy as np


class Series(Protocol):
    """What is looked at."""

    @property
    def known(self) -> dict[tuple[str, Any], np.ndarray]:
        """What was found of it, by rule and what the rules are set to."""


S = TypeVar("S", bound=Series)
P = TypeVar("P")


def once(rule: Callable[[S, P], np.ndarray]) -> Callable[[S, P], np.ndarray]:
    """Have a rule look at a series once, however many others ask for what it finds.

    What it finds must not be changed.
    """

    @wraps(rule)
    def find(series: S, parameters: P) -> np.ndarray:
        key = (rule.__name__, parameters)
        if key not in series.known:
            series.known[key] = rule(series, parameters)
        return series.known[key]

    return find
