"""The only writer of Zarr.

Every satellite is a group; every array is pre-allocated on the fixed `day` axis, one chunk per
day and one shard per block of 32 days. Zarr loses data without an error when two writers touch
one shard, so a write that is not whole shard rows raises `StoreError`. A shard is stored even if all
its values are fill values: a block that was written has exactly one file per array.
"""

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, ZstdCodec

from reprocess import schema
from reprocess.errors import StoreError
from reprocess.files import files_under, find, sha256, sweep, write_atomic
from reprocess.schema import ArraySpec
from reprocess.work.coordinates import require_attributes, require_coordinate
from reprocess.work.ledger import BlockLedger
from reprocess.work.paths import Run, Work
from reprocess.work.place import Place
from reprocess.work.shards import compress, decompress, is_flux, join, pick

LAYOUT = 1
"""Version of the layout below; a store of another layout is refused."""

# Measured on real days, tables in docs/performance.md. Fluxes are few distinct values (256 codes
# of the telemetry) that repeat; shuffling their bytes hides that. All else varies smoothly.
_FLUXES = ZstdCodec(level=3)
SMOOTH = BloscCodec(cname="zstd", clevel=3, shuffle="shuffle")

zarr.config.set(
    {
        # Blocks are worked on by one process per core; Zarr's own pools would only compete with them.
        "async.concurrency": 4,
        "threading.max_workers": 2,
        # A setting of the process, not of the array: it is not stored with an array's metadata.
        "array.write_empty_chunks": True,
    }
)


ARCHIVE_TITLE = "POES/MetOp SEM-2 MEPED records"
CLASSES_TITLE = "Class of every record"


def create_store(path: Path, satellites: Iterable[str], arrays: Mapping[str, ArraySpec], title: str) -> None:
    """Create what is missing of a store: its root, one group per satellite, their arrays.

    Attributes of arrays that another version wrote become those of this one; values stay.

    Raises
    ------
    StoreError
        If the store exists with another layout.
    """
    for leftover in _metadata_leftovers(path):
        leftover.unlink(missing_ok=True)
    root = zarr.open_group(path, mode="a", zarr_format=3)
    layout = root.attrs.setdefault("layout", LAYOUT)
    if layout != LAYOUT:
        raise StoreError(
            f"{path} has layout {layout}, this version writes {LAYOUT}; use a new WORK directory"
        )
    attrs = {"Conventions": "CF-1.11", "title": title}
    if any(root.attrs.get(k) != v for k, v in attrs.items()):
        root.attrs.update(attrs)
    for satellite in satellites:
        group = root.require_group(satellite)
        for spec in arrays.values():
            file = path / satellite / spec.name / "zarr.json"
            if not file.is_file():
                _create_array(group, spec)
            else:
                require_attributes(file, spec.attrs)
        for name in schema.COORDINATES:
            if any(name in spec.dims for spec in arrays.values()):
                require_coordinate(path / satellite, name)
        if group.attrs.get("platform") != schema.SATELLITES[satellite].name:
            group.attrs["platform"] = schema.SATELLITES[satellite].name


def _metadata_leftovers(path: Path) -> list[Path]:
    """Return what killed writers of metadata left behind; those of shards go when the shard is written."""
    return [leftover for depth in ("", "*/", "*/*/") for leftover in find(path, f"{depth}zarr.*.partial")]


def metadata_files(
    satellites: Iterable[str], arrays: Mapping[str, ArraySpec], title: str
) -> dict[str, bytes]:
    """Return what a store holds besides its shards: metadata and coordinates, by relative path.

    It follows from the code alone, so that a store on disk can be held against it.
    """
    with tempfile.TemporaryDirectory() as folder:
        create_store(Path(folder), satellites, arrays, title)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_under(Path(folder))}


def shard_key(spec: ArraySpec, satellite: str, block: int) -> str:
    """Return where the shard of a block lies, relative to its store."""
    return "/".join([satellite, spec.name, "c", str(block), *["0"] * (len(spec.dims) - 1)])


def _create_array(group: zarr.Group, spec: ArraySpec) -> None:
    shape = tuple(schema.DIMS[d] for d in spec.dims)
    group.create_array(
        spec.name,
        shape=shape,
        shards=(schema.BLOCK_DAYS, *shape[1:]),
        chunks=(1, *shape[1:]) if len(shape) > 1 else (schema.BLOCK_DAYS,),
        dtype=spec.dtype,
        fill_value=spec.fill,
        compressors=_FLUXES if is_flux(spec) else SMOOTH,
        dimension_names=spec.dims,
        attributes=spec.attrs,
    )


_SPECS = schema.ARCHIVE_ARRAYS | schema.CLASS_ARRAYS


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

    def _array(self, name: str) -> zarr.Array:
        """Return an array, opened when it is asked for: most are read and written as chunks."""
        if name not in self._arrays:
            self._arrays[name] = zarr.open_array(self.path / name, mode="r+", zarr_format=3)
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
        array = self._array(name)
        stop = start + rows.shape[0]
        shard = array.shards[0] if array.shards else 0
        whole = shard and start >= 0 and start % shard == 0 and stop == min(start + shard, array.shape[0])
        if not whole or rows.shape[1:] != array.shape[1:]:
            raise StoreError(
                f"rows {start} to {stop} of shape {rows.shape} are not one shard row of {self.path}/{name} "
                f"(shape {array.shape}, shards of {shard}); partial writes lose data silently"
            )
        if rows.dtype != array.dtype:
            raise StoreError(f"{self.path}/{name} holds {array.dtype}, not {rows.dtype}")
        file = self.shard_path(name, start // shard)
        sweep(file)
        try:
            array[start:stop] = rows
        except ValueError:  # Zarr reads the index of the old shard first, and that may be damaged
            file.unlink()
            array[start:stop] = rows
        return sha256(file.read_bytes())

    def encode(self, name: str, values: np.ndarray) -> bytes:
        """Return one day of an array as its chunk is stored.

        Parameters
        ----------
        name : str
            Name of the array.
        values : ndarray, shape (…, n)
            The day's values; what the array has room for beyond is filled.

        Raises
        ------
        StoreError
            If they are not of the array's dtype and shape.
        """
        spec = _SPECS[name]
        shape = spec.day_shape
        if values.dtype != spec.dtype or values.shape[:-1] != shape[:-1] or values.shape[-1] > shape[-1]:
            raise StoreError(
                f"{self.path}/{name} holds {spec.dtype} of shape {shape} a day, not {values.dtype} of "
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
            Name of an array with one chunk per day.
        block : int
        chunks : mapping of int to bytes
            What `encode` and `encoded` returned, by row; the other days read as fill values.

        Returns
        -------
        str
            sha256 of the shard file as it lies on disk.
        """
        shard = join(chunks, schema.BLOCK_DAYS)
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
                return pick(shard, schema.BLOCK_DAYS, rows)
        except ValueError as e:
            raise StoreError(f"{file}: {e}; {self.remedy(start)}") from e

    def _decode(self, name: str, chunk: bytes | None, day: int, count: int) -> np.ndarray:
        """Return so many records of a day of an array, from its chunk if there is one."""
        spec = _SPECS[name]
        if chunk is None:
            return np.full((*spec.day_shape[:-1], count), spec.fill, spec.dtype)
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


def open_arrays(store: Place, satellite: str, names: Iterable[str]) -> dict[str, zarr.Array]:
    """Return arrays of a satellite's group wherever the store lies, to be read only; no folder is listed.

    Raises
    ------
    StoreError
        If one of them is not there.
    """
    root = zarr.storage.FsspecStore.from_mapper(store.mapper(), read_only=True) if store.fs else store.root
    arrays = {}
    for name in names:
        path = f"{satellite}/{name}"
        try:
            arrays[name] = zarr.open_array(root, path=path, mode="r", zarr_format=3)
        except FileNotFoundError as e:
            raise StoreError(
                f"{store}/{path} is missing: the store is damaged or was not copied whole; "
                "reprocess audit WORK tells which"
            ) from e
    return arrays


def open_records(work: Work, satellite: str) -> SatelliteStore:
    """Return one satellite's records in the archive."""
    return SatelliteStore(work.archive, satellite, work.ledger, "run ingest again")


def open_classes(run: Run, satellite: str) -> SatelliteStore:
    """Return the classes that a run gave one satellite's records."""
    return SatelliteStore(
        run.classes, satellite, run.ledger, f"repeat the command that made run {run.name!r}"
    )
