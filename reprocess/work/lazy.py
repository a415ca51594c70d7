"""Arrays of the archive that are read when they are indexed: day by day, and as one line of records.

A store has a place for every day of the calendar, filled up to the longest day. These know which days
there are and how many records each has; what NOAA writes for missing values becomes NaN on the way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from reprocess.schema import ArraySpec
from reprocess.schema.measurements import LARGEST_FLUX, LARGEST_L

Key: TypeAlias = tuple[Any, ...]
"""An integer, a slice or a one-dimensional array for each dimension, each taken for itself."""

_LARGEST = {"electron_flux": LARGEST_FLUX, "L_IGRF": np.full(1, LARGEST_L, np.float32)}
"""Beyond, no value is a measurement: NetCDF's fill in records never written, infinity. Shape (…, 1)."""


@dataclass(frozen=True)
class Stored:
    """Some days of a stored array, each as it lies in the store.

    Parameters
    ----------
    array : zarr.Array
        With all days of the calendar.
    spec : ArraySpec
    days : ndarray of int, shape (d,)
        Positions on the `day` axis, increasing.
    masked : bool
        Whether what is no measurement becomes NaN.
    """

    array: Any
    spec: ArraySpec
    days: np.ndarray
    masked: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Days, then as stored."""
        return (self.days.size, *self.array.shape[1:])

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored, times as milliseconds."""
        return np.dtype("datetime64[ms]") if self.spec.name == "time" else np.dtype(self.array.dtype)

    def __getitem__(self, key: Key) -> np.ndarray:
        whole = (*key, *[slice(None)] * (self.ndim - len(key)))
        days = self.days[whole[0]]
        if np.ndim(days) == 0:
            return self.read(int(days), whole[1:])
        if np.array_equal(days, np.arange(days[0], days[0] + days.size) if days.size else days):
            rows = self.array[slice(days[0], days[-1] + 1) if days.size else slice(0, 0)]
        else:
            rows = self.array.oindex[days]
        return self._finished(outer(np.asarray(rows), (slice(None), *whole[1:])), whole[1:])

    def read(self, day: int, key: Key) -> np.ndarray:
        """Return a part of a day's row, by its position on the `day` axis."""
        return self._finished(outer(np.asarray(self.array[day]), key), key)

    def _finished(self, values: np.ndarray, key: Key) -> np.ndarray:
        if self.spec.name == "time":
            return values.astype("datetime64[ms]")  # the padding is NumPy's NaT
        if not self.masked or self.spec.name not in _LARGEST:
            return values
        limit = outer(np.broadcast_to(_LARGEST[self.spec.name], self.array.shape[1:]), key)
        return np.where((values >= 0) & (values <= limit), values, np.float32(np.nan))


@dataclass(frozen=True)
class Line:
    """The records of some days as one line, the last dimension; what fills up a day is left out.

    Parameters
    ----------
    stored : Stored
    counts : ndarray of int, shape (d,)
        Records of each day.
    """

    stored: Stored
    counts: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """As stored, less the dimension `day`."""
        return (*self.stored.shape[1:-1], int(self.counts.sum()))

    @property
    def dtype(self) -> np.dtype[Any]:
        """As `Stored.dtype`."""
        return self.stored.dtype

    def __getitem__(self, key: Key) -> np.ndarray:
        whole = (*key, *[slice(None)] * (len(self.shape) - len(key)))
        others, along = whole[:-1], whole[-1]
        size = self.shape[-1]
        if isinstance(along, int | np.integer):
            return self[(*others, np.array([along % size]))][..., 0]
        wanted = np.arange(size)[along] % size if size else np.empty(0, int)
        head = outer(np.broadcast_to(np.empty((), self.dtype), self.shape[:-1]), others).shape
        values = np.empty((*head, wanted.size), self.dtype)
        for day, place, own in self._days(wanted):
            values[..., place] = self.stored.read(day, (*others, own))
        return values

    def _days(self, wanted: np.ndarray) -> Iterator[tuple[int, Any, Any]]:
        """Yield each day that has some of the records, where they go, and their numbers within the day."""
        first = np.concatenate(([0], np.cumsum(self.counts)))
        of = np.searchsorted(first, wanted, side="right") - 1
        if np.all(np.diff(of) >= 0):  # in order, as nearly always: runs
            edges = np.searchsorted(of, np.arange(self.counts.size + 1))
            for k in np.flatnonzero(np.diff(edges)):
                run = slice(edges[k], edges[k + 1])
                yield int(self.stored.days[k]), run, wanted[run] - first[k]
            return
        for k in np.unique(of):
            place = np.flatnonzero(of == k)
            yield int(self.stored.days[k]), place, wanted[place] - first[k]


def outer(values: np.ndarray, key: Key) -> np.ndarray:
    """Return a part of an array, each dimension indexed for itself."""
    for axis in reversed(range(len(key))):  # from the end, where a dimension that goes moves no other
        values = values[(slice(None),) * axis + (key[axis],)]
    return values
