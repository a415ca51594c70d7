"""The only writer of shards.

Every satellite is a group; every array is pre-allocated on the fixed `day` axis, one chunk per
day and one shard per block of 32 days. Zarr loses data without an error when two writers touch
one shard, so a write that is not whole shard rows raises `StoreError`. A shard is stored even if all
its values are fill values: a block that was written has exactly one file per array.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reprocess import schema
from reprocess.errors import StoreError
from reprocess.files import sha256, write_atomic
from reprocess.schema import ArraySpec
from reprocess.work.ledger import BlockLedger
from reprocess.work.paths import Run, Work
from reprocess.work.shards import chunk_count, chunk_shape, compress, decompress, join, pick
from reprocess.work.whole import is_whole

if TYPE_CHECKING:
    import zarr


def shard_key(spec: ArraySpec, satellite: str, block: int) -> str:
    """Return where the shard of a block lies, relative to its store."""
    return "/".join([satellite, spec.name, "c", str(block), *["0"] * (len(spec.dims) - 1)])


_SPECS = schema.ARCHIVE_ARRAYS | schema.CLASS_ARRAYS


def require_store(
    path: Path, satellites: Collection[str], arrays: Mapping[str, ArraySpec], title: str
) -> None:
    """Create what is missing of a store, as `work.layout.create_store` does, if anything is.

    Raises
    ------
    StoreError
        As that has it.
    """
    if not is_whole(path, satellites, arrays, title):
        from reprocess.work.layout import create_store

        create_store(path, satellites, arrays, title)


class SatelliteStore:
    """One satellite's group of a store, opened once.

    Parameters
    ----------
    path : Path
        The store.
    satellite : str
        Name of its group.
    ledger : BlockLedger
        Ledger of the stage that writes the store.
    again : str
        How a user has a block written again once its record in that ledger is gone.
    """

    def __init__(self, path: Path, satellite: str, ledger: BlockLedger[Any], again: str) -> None:
        self.path = path / satellite
        self._ledger, self._again = ledger, again
        self._arrays: dict[str, zarr.Array] = {}
        if not (self.path / "zarr.json").is_file():
            raise StoreError(
                f"there is no {satellite} in {path}; give reprocess audit WORK --repair, which withdraws "
                f"what the ledger claims of it, and {again}"
            )

    def _array(self, name: str) -> "zarr.Array":
        """Return an array, opened when it is asked for: most are read and written as chunks."""
        if name not in self._arrays:
            from reprocess.work.layout import open_array

            self._arrays[name] = open_array(self.path / name)
        return self._arrays[name]

    def write(self, name: str, start: int, rows: np.ndarray) -> str:
        """Write whole shard rows.

        Parameters
        ----------
        name : str
            Name of the array.
        start : int
            Position of the first row on the `day` axis.
        rows : ndarray, shape (days, …)
            Rows of one block.

        Returns
        -------
        str
            sha256 of the shard file as it lies on disk.

        Raises
        ------
        StoreError
            If the rows are not exactly one shard row, or their dtype is not the array's.
        """
        spec = _SPECS.get(name)
        shape = spec.shape if spec else self._array(name).shape
        shard, stop = schema.BLOCK_DAYS if spec else 0, start + rows.shape[0]
        whole = shard and start >= 0 and start % shard == 0 and stop == min(start + shard, shape[0])
        if spec is None or not whole or rows.shape[1:] != shape[1:]:
            raise StoreError(
                f"rows {start} to {stop} of shape {rows.shape} are not one shard row of {self.path}/{name} "
                f"(shape {shape}, shards of {shard}); partial writes lose data silently"
            )
        if rows.dtype != spec.dtype:
            raise StoreError(f"{self.path}/{name} holds {spec.dtype}, not {rows.dtype}")
        parts = enumerate(rows) if spec.day_shape else [(0, rows)]
        chunks = {position: self.encode(name, values) for position, values in parts}
        return self.write_encoded(name, start // shard, chunks)

    def encode(self, name: str, values: np.ndarray) -> bytes:
        """Return one day of an array, or a block of one with one value per day, as its chunk is stored.

        Parameters
        ----------
        name : str
            Name of the array.
        values : ndarray, shape (…, n)
            The values; what the chunk has room for beyond is filled.

        Raises
        ------
        StoreError
            If they are not of the array's dtype and shape.
        """
        spec = _SPECS[name]
        shape = chunk_shape(spec)
        if values.dtype != spec.dtype or values.shape[:-1] != shape[:-1] or values.shape[-1] > shape[-1]:
            raise StoreError(
                f"{self.path}/{name} holds {spec.dtype} of shape {shape} a chunk, not {values.dtype} of "
                f"{values.shape}"
            )
        return compress(spec, values)

    def encoded(self, name: str, block: int, rows: Collection[int]) -> dict[int, bytes]:
        """Return days of a block as they are stored, by row; nothing is decompressed.

        Raises
        ------
        StoreError
            If the shard is missing or damaged, or lacks one of the days.
        """
        if not rows:
            return {}
        chunks = self._chunks(name, block, rows)
        lacking = set(rows) - chunks.keys()
        if lacking:
            file, start = self.shard_path(name, block), block * schema.BLOCK_DAYS
            raise StoreError(f"{file}: it lacks day {min(lacking)}; {self.remedy(start)}")
        return chunks

    def write_encoded(self, name: str, block: int, chunks: Mapping[int, bytes]) -> str:
        """Write the shard of a block.

        Parameters
        ----------
        name : str
            Name of an array.
        block : int
        chunks : mapping of int to bytes
            What `encode` and `encoded` returned, by row; the other days read as fill values.

        Returns
        -------
        str
            sha256 of the shard file as it lies on disk.
        """
        shard = join(chunks, chunk_count(_SPECS[name]))
        write_atomic(self.shard_path(name, block), shard, sync=False)
        return sha256(shard)

    def shard_path(self, name: str, block: int) -> Path:
        """Return the file that holds a block of an array."""
        return self.path.parent / shard_key(_SPECS[name], self.path.name, block)

    def require_shard(self, name: str, day: int) -> None:
        """Make sure that the shard of a day exists; Zarr would read a missing one as fill values.

        Raises
        ------
        StoreError
            If it does not.
        """
        shard = self.shard_path(name, day // schema.BLOCK_DAYS)
        if not shard.is_file():
            raise StoreError(f"{shard} is missing although its block is done; {self.remedy(day)}")

    def verify(self, block: int, digests: Mapping[str, str]) -> None:
        """Make sure that shards are what their receipt says, before anything is made of them.

        Parameters
        ----------
        block : int
        digests : mapping of str to str
            sha256 by name of array.

        Raises
        ------
        StoreError
            If one is missing or other.
        """
        day = block * schema.BLOCK_DAYS
        for name, expected in digests.items():
            self.require_shard(name, day)
            found = sha256(self.shard_path(name, block).read_bytes())
            if found != expected:
                path = self.shard_path(name, block)
                raise StoreError(f"{path} has sha256 {found}, not {expected}; {self.remedy(day)}")

    def remedy(self, day: int) -> str:
        """Return what to do about a damaged block: without its record it is written again."""
        record = self._ledger.path(self.path.name, day // schema.BLOCK_DAYS)
        return f"delete {record} and {self._again}"

    def read(self, name: str, start: int, stop: int) -> np.ndarray:
        """Return rows `start` to `stop` of an array."""
        return np.asarray(self._array(name)[start:stop])

    def read_block(self, name: str, block: int) -> np.ndarray:
        """Return a block of an array with one value per day, shape (`schema.BLOCK_DAYS`,).

        Raises
        ------
        StoreError
            If the shard is missing or damaged.
        """
        stored = self._chunks(name, block, (0,)).get(0)
        return self._decode(name, stored, block * schema.BLOCK_DAYS, schema.BLOCK_DAYS)

    def read_days(
        self, counts: Mapping[int, int], names: Collection[str]
    ) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Yield the records of some days of one block, without padding.

        Parameters
        ----------
        counts : mapping of int to int
            Records of each day, by position on the `day` axis, increasing.
        names : collection of str
            Arrays to read, with one chunk per day.

        Yields
        ------
        int and dict of str to ndarray, shape (…, count)
            Position of the day and its records, by name; views of what was read, not to be written to.

        Raises
        ------
        StoreError
            If a shard is missing, which Zarr would read as fill values, or damaged.
        """
        if not counts:
            return
        block = min(counts) // schema.BLOCK_DAYS
        rows = {day: day - block * schema.BLOCK_DAYS for day in counts}
        chunks = {name: self._chunks(name, block, rows.values()) for name in names}
        for day, count in counts.items():
            stored = {name: chunks[name].pop(rows[day], None) for name in names}
            yield day, {name: self._decode(name, chunk, day, count) for name, chunk in stored.items()}

    def _chunks(self, name: str, block: int, rows: Collection[int]) -> dict[int, bytes]:
        """Return those of a block's rows that its shard has, as they are stored."""
        start = block * schema.BLOCK_DAYS
        self.require_shard(name, start)
        file = self.shard_path(name, block)
        try:
            with file.open("rb") as shard:
                return pick(shard, chunk_count(_SPECS[name]), rows)
        except ValueError as e:
            raise StoreError(f"{file}: {e}; {self.remedy(start)}") from e

    def _decode(self, name: str, chunk: bytes | None, day: int, count: int) -> np.ndarray:
        """Return so many records of a day of an array, from its chunk if there is one."""
        spec = _SPECS[name]
        if chunk is None:
            return np.full((*chunk_shape(spec)[:-1], count), spec.fill, spec.dtype)
        try:
            rows = decompress(spec, chunk)
            if rows.shape[-1] < count:
                raise ValueError(f"it holds {rows.shape[-1]} records, not {count}")
            return rows[..., :count]
        except (ValueError, RuntimeError) as e:
            file = self.shard_path(name, day // schema.BLOCK_DAYS)
            raise StoreError(f"{file}: day {schema.day_date(day)}: {e}; {self.remedy(day)}") from e

    def read_day(self, day: int, count: int, names: Collection[str]) -> dict[str, np.ndarray]:
        """Return one day's records, as `read_days` does."""
        return next(self.read_days({day: count}, names))[1]


def open_records(work: Work, satellite: str) -> SatelliteStore:
    """Return one satellite's records in the archive."""
    return SatelliteStore(work.archive, satellite, work.ledger, "run ingest again")


def open_classes(run: Run, satellite: str) -> SatelliteStore:
    """Return the classes that a run gave one satellite's records."""
    return SatelliteStore(
        run.classes, satellite, run.ledger, f"repeat the command that made run {run.name!r}"
    )
