"""Numbers, ranges, days that options take; what cannot be meant is refused with value, cause and remedy."""

import contextlib
import itertools
import math
import os
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import click

_MOST_BINS = 1000
"""More edges than the exposure grid has along any axis; what they must be is `schema.grid`'s to say."""


class Number(click.FloatRange):
    """A number within limits; inf and nan, which Python reads as numbers too, are none."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        with contextlib.suppress(ValueError):  # which the limits' own check names
            if not math.isfinite(float(value)):
                self.fail(f"{value!r} is not a finite number", param, ctx)
        return float(super().convert(value, param, ctx))


class Day(click.DateTime):
    """A day of the calendar."""

    noun, form = "day", "YYYY-MM-DD"
    patterns: tuple[str, ...] = ("%Y-%m-%d",)

    def __init__(self) -> None:
        super().__init__(self.patterns)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return how it is written, for people."""
        del param, ctx
        return self.form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return it, a day as its midnight."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no {self.noun}; give {self.form}", param, ctx)


class Moment(Day):
    """A time of a day (UTC)."""

    noun, form = "time", "YYYY-MM-DDTHH:MM[:SS]"
    patterns = tuple(
        f"%Y-%m-%d{between}%H:%M{rest}{zone}"
        for between in "T "
        for rest in ("", ":%S", ":%S.%f")
        for zone in ("", "Z")
    )


class Edges(click.ParamType):
    """Bin edges: ``start:stop:step``, the steps leading to the stop, or a comma-separated list."""

    name = "edges"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the edges, shape (n,), n from 2, increasing."""
        import numpy as np

        if not isinstance(value, str):
            return value
        parts = value.split(":") if ":" in value else value.split(",")
        try:
            numbers = [Decimal(part.strip()) for part in parts]
        except InvalidOperation:
            numbers = []
        if not numbers or (":" in value and len(numbers) != 3):
            self.fail(f"{value!r} is neither start:stop:step nor a list of numbers", param, ctx)
        for part, number in zip(parts, numbers, strict=True):
            if not number.is_finite() or abs(number) > 1e6 or (number and abs(number) < 1e-6):
                self.fail(f"{part!r} in {value!r} cannot be an edge or a step between edges", param, ctx)
        edges = self._range(value, *numbers, param, ctx) if ":" in value else numbers
        self._require_increasing(value, edges, param, ctx)
        return np.array([float(edge) for edge in edges])

    def _range(
        self, value: str, start: Decimal, stop: Decimal, step: Decimal, *context: Any
    ) -> list[Decimal]:
        """Return the edges of a range. They are counted in decimal, where steps of 0.1 are exact."""
        if step <= 0:
            self.fail(f"the step of {value!r} is {step}; it must be more than 0", *context)
        if stop <= start:
            self.fail(
                f"{value!r} goes from {start} to {stop}; the stop must be more than the start", *context
            )
        count, rest = divmod(stop - start, step)
        if count > _MOST_BINS:
            self.fail(
                f"{value!r} makes {count:.0f} bins; {_MOST_BINS} are the most, use a larger step", *context
            )
        if rest:
            below, above = start + count * step, start + (count + 1) * step
            nearest = below if count and rest <= above - stop else above
            self.fail(
                f"{value!r} does not end at its stop: steps of {step} from {start} lead to "
                f"{f'{below} and then ' if count else ''}{above}, not to {stop}; "
                f"the nearest range is {start}:{nearest}:{step}",
                *context,
            )
        return [start + k * step for k in range(int(count) + 1)]

    def _require_increasing(self, value: str, edges: list[Decimal], *context: Any) -> None:
        if len(edges) < 2:
            self.fail(f"{value!r} is one edge; bins need two edges at least", *context)
        if len(edges) > _MOST_BINS + 1:
            self.fail(f"{len(edges)} edges are given; {_MOST_BINS + 1} are the most", *context)
        for lower, upper in itertools.pairwise(edges):
            if upper <= lower:
                self.fail(
                    f"{upper} comes after {lower} in {value!r}; edges must increase, each given once",
                    *context,
                )


class Bytes(click.ParamType):
    """A number of bytes: ``2GB``, ``1.5 GiB``, ``800M``."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]+)?) ?([KMGT]?)(i)?B?", str(value), re.IGNORECASE)
        if match is None or (match[3] and not match[2]):
            self.fail(f"{value!r} is no number of bytes such as 2GB or 800MiB", param, ctx)
        base = 1024 if match[3] else 1000
        number = round(float(match[1]) * base ** " KMGT".index(match[2].upper() or " "))
        if number < 1:
            self.fail(f"{value!r} is no memory at all; give bytes such as 2GB or 800MiB", param, ctx)
        return number


class Partition(click.ParamType):
    """A share of all blocks: ``K/N``, the first being 1/N."""

    name = "K/N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return number and count of shares."""
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", str(value))
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            self.fail(f"{value!r} is not K/N with K from 1 to N, and N at most 999999", param, ctx)
        return int(match[1]), int(match[2])


MOST_PROCESSES = 4096
"""More workers than any machine has cores: a slip of the keyboard must not start them."""


def cores() -> int:
    """Return the cores that this process may use; where the system does not tell (macOS), all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
