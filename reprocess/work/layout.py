"""What a Zarr store is made of before anything is in it: groups, arrays, their codecs and attributes.

Zarr itself takes a third of a second to import; records are read and written without it (`work.store`).
"""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import zarr
from zarr.codecs import BloscCodec, ZstdCodec

from reprocess import schema
from reprocess.errors import StoreError
from reprocess.files import files_under
from reprocess.schema import ArraySpec
from reprocess.work.coordinates import require_attributes, require_coordinate
from reprocess.work.place import Place
from reprocess.work.shards import is_flux
from reprocess.work.whole import LAYOUT, leftovers, root_attributes

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


def create_store(path: Path, satellites: Iterable[str], arrays: Mapping[str, ArraySpec], title: str) -> None:
    """Create what is missing of a store: its root, one group per satellite, their arrays.

    Attributes of arrays that another version wrote become those of this one; values stay.

    Raises
    ------
    StoreError
        If the store exists with another layout.
    """
    for leftover in leftovers(path):
        leftover.unlink(missing_ok=True)
    root = zarr.open_group(path, mode="a", zarr_format=3)
    layout = root.attrs.setdefault("layout", LAYOUT)
    if layout != LAYOUT:
        raise StoreError(
            f"{path} has layout {layout}, this version writes {LAYOUT}; use a new WORK directory"
        )
    attrs = root_attributes(title)
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


def metadata_files(
    satellites: Iterable[str], arrays: Mapping[str, ArraySpec], title: str
) -> dict[str, bytes]:
    """Return what a store holds besides its shards: metadata and coordinates, by relative path.

    It follows from the code alone, so that a store on disk can be held against it.
    """
    with tempfile.TemporaryDirectory() as folder:
        create_store(Path(folder), satellites, arrays, title)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_under(Path(folder))}


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


def open_array(path: Path) -> zarr.Array:
    """Return an array of a store on this machine."""
    return zarr.open_array(path, mode="r+", zarr_format=3)


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
