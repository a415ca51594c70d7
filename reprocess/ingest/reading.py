"""One NOAA daily file, from bytes to checked records.

What is known of these files (NOAA's Level 1b ``proc.nc``, and real files of 2019 and 2022):
every variable is one-dimensional on a dimension of its own name; ``valid_range`` is wrong for
``time`` and others; global attributes are unreadable in some files and name neither satellite
nor date. So variables are read raw with h5py, and the file is checked against its name,
``satID`` and its own times.
"""

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass

import h5py
import numpy as np

from reprocess import schema
from reprocess.errors import GranuleError
from reprocess.ingest.chunks import inflated
from reprocess.schema import MS_PER_DAY, ArraySpec
from reprocess.schema.measurements import LARGEST_FLUX, has_L, impossible_values
from reprocess.schema.product import says_simulated
from reprocess.sources.hdf5 import defect, zeros_at_end

_IFC_FRAME_MS = 32_000  # mep_IFC_on is sampled once in a frame of 16 records
_ZEROS = 4096
"""More zeros than this at the end of a file that lacks variables: a download that was never filled."""
_NAMED = 5
_ABSENT = ("doesn't exist", "component not found")
"""What HDF5 says of a name without an object, and of a link to nowhere; else it is damage."""
_UNIX_EPOCH = np.datetime64("1970-01-01", "D")


LARGEST_IN_FILE = 10 * schema.RECORDS
"""Records of a file that are looked at, repeated times and other days' among them: 100 MB."""

_DAMAGE = (OSError, RuntimeError, KeyError, TypeError, ValueError)
"""What h5py raises for a damaged file."""


@dataclass(frozen=True)
class Records:
    """The records of one satellite-day, sorted by time."""

    arrays: dict[str, np.ndarray]
    """By name in `schema.RECORD_ARRAYS`; shape (…, n) as stored, without `day`."""
    in_file: int
    """Records in the file."""
    outside_day: int
    """Records dropped because their time is not within the day."""
    duplicates: int
    """Records dropped because their time repeats an earlier record's."""
    reordered: bool
    """Whether the file's records were not in time order."""
    not_measured: dict[str, int]
    """Records kept with values that are no measurement, by array; see `schema.measurements`."""
    simulated: bool = False
    """Whether the file says so, as `is_simulated` tells it."""

    @property
    def count(self) -> int:
        """Records kept, n."""
        return int(self.arrays["time"].size)


def is_simulated(data: bytes) -> bool:
    """Tell whether a file says of itself, in its title or comment, that it is simulated.

    NOAA's own attributes cannot always be read (two of four real files); such a file says nothing.
    """
    with contextlib.suppress(*_DAMAGE), h5py.File.in_memory(data) as file:
        return _says_simulated(file)
    return False


def _says_simulated(file: h5py.File) -> bool:
    told = {}
    for name in ("title", "comment"):
        with contextlib.suppress(*_DAMAGE):
            value = file.attrs.get(name, b"")
            told[name] = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return says_simulated(told)


def read_records(data: bytes, satellite: str, day: int) -> Records:
    """Read and check the bytes of one NOAA file.

    Sentinels stay as they are, and so do values that are no measurement, which are counted. Records
    outside the day and repeated times are dropped and counted; the calibration flag is carried
    forward over its frame.

    Parameters
    ----------
    data : bytes
        The whole file.
    satellite : str
        Directory name, which the file's `satID` must confirm.
    day : int
        Position on the `day` axis, which the file's times must confirm.

    Raises
    ------
    GranuleError
        With one of `schema.REASONS`, if the file cannot be used.
    """
    raw, simulated = _read_variables(data)
    n = raw["time"].size
    if n == 0:
        raise GranuleError("zero_records", f"all {len(raw)} variables are empty")
    _check_satellite(raw.pop("satID"), satellite)
    keep, outside = _order(raw["time"], day)
    if keep.size > schema.RECORDS:
        raise GranuleError("too_many_records", f"{keep.size} records in a day, {schema.RECORDS} at most")
    index = slice(None) if np.array_equal(keep, np.arange(n)) else keep  # most days are whole and in order
    arrays = {spec.name: _assemble(spec, raw, index) for spec in schema.RECORD_ARRAYS}
    missing = _count_not_measured(arrays)
    arrays["ifc_on"] = fill_calibration_flag(arrays["ifc_on"], arrays["time"])
    return Records(
        arrays,
        in_file=n,
        outside_day=outside,
        duplicates=n - outside - keep.size,
        reordered=bool(np.any(raw["time"][1:] < raw["time"][:-1])),
        not_measured=missing,
        simulated=simulated,
    )


def fill_calibration_flag(flag: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Carry each sampled calibration flag forward over its frame.

    Parameters
    ----------
    flag : ndarray of int8, shape (n,)
        0 or 1 where sampled, -1 elsewhere (one record in 16 is sampled).
    time : ndarray of int64, shape (n,)
        Milliseconds, increasing.

    Returns
    -------
    ndarray of int8, shape (n,)
        -1 remains where the last sample is 32 s old or more: before the day's first sample
        (its frame began the day before) and after data gaps.
    """
    index = np.where(flag >= 0, np.arange(flag.size), -1)
    last = np.maximum.accumulate(index) if flag.size else index
    known = (last >= 0) & (time - time[last] < _IFC_FRAME_MS)
    return np.where(known, flag[last], np.int8(-1)).astype(np.int8)


def _read_variables(data: bytes) -> tuple[dict[str, np.ndarray], bool]:
    """Read every variable that is kept, raw, and whether the file says that it is simulated."""
    if found := defect(data):
        raise GranuleError(*found)
    wanted = {"satID": "uint8"}
    for spec in schema.RECORD_ARRAYS:
        wanted |= dict.fromkeys(spec.sources, spec.source_dtype)
    quickly = _read_quickly(data, wanted)
    return _read_by_hdf5(data, wanted) if quickly is None else quickly


def _read_quickly(data: bytes, wanted: Mapping[str, str]) -> tuple[dict[str, np.ndarray], bool] | None:
    """Read the variables of a sound file that is made as NOAA's are; None of any other.

    The file is read where its bytes are: HDF5's own file in memory is a copy, of 4 ms a day.
    """
    with contextlib.suppress(*_DAMAGE), h5py.File(io.BytesIO(data), "r") as file:
        raw = inflated(file, data, wanted, LARGEST_IN_FILE)
        if raw is not None:
            return raw, _says_simulated(file)
    return None


def _read_by_hdf5(data: bytes, wanted: Mapping[str, str]) -> tuple[dict[str, np.ndarray], bool]:
    """Read the variables of any file, or refuse it."""
    try:
        with h5py.File.in_memory(data) as file:
            found_in = {
                name: file.get(name) for name in wanted
            }  # looking a name up costs a tenth of reading it
            missing = [name for name, one in found_in.items() if not isinstance(one, h5py.Dataset)]
            if missing:
                _check_whole(file, missing, data)
                raise GranuleError("missing_variable", f"no {_some(missing)}")
            _check_layout(found_in, wanted)  # before a length that is damaged is given memory
            length, whole = found_in["time"].shape[0], file.id.get_filesize()
            for name, variable in found_in.items():
                _check_stored(name, variable, length, np.dtype(wanted[name]).itemsize, whole)
            raw = {name: np.asarray(variable[()]) for name, variable in found_in.items()}
            return raw, _says_simulated(file)
    except _DAMAGE as e:
        raise GranuleError("truncated", f"{len(data)} bytes, HDF5 says: {e}") from e


def _check_whole(file: h5py.File, missing: list[str], data: bytes) -> None:
    """Refuse a file that lacks variables because a part of it is lost.

    Objects are not listed: HDF5 was seen to end the process on the list of a damaged group.

    Raises
    ------
    GranuleError
        If it ends in zeros.
    OSError, RuntimeError, KeyError
        As h5py has it, where more than the name is not to be found.
    """
    zeros = zeros_at_end(data)
    if zeros > _ZEROS or not len(file):
        raise GranuleError("truncated", f"{len(data)} bytes, the last {zeros} of them zeros")
    for name in missing:
        try:
            file[name]
        except KeyError as e:
            if not any(words in str(e) for words in _ABSENT):
                raise


def _some(names: list[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _check_layout(variables: dict[str, h5py.Dataset], wanted: Mapping[str, str]) -> None:
    """Check dtypes, that all variables have the length of `time`, and that a day can have it."""
    length = variables["time"].shape
    for name, dtype in wanted.items():
        variable = variables[name]
        if variable.dtype != dtype or variable.shape is None:
            raise GranuleError("wrong_dtype", f"{name} is {variable.dtype}, expected {dtype}")
        if variable.shape != length or len(variable.shape) != 1:
            raise GranuleError("unequal_length", f"{name} has shape {variable.shape}, time has {length}")
    if length[0] > LARGEST_IN_FILE:
        raise GranuleError("too_many_records", f"{length[0]} records in a file, {LARGEST_IN_FILE} at most")


def _check_stored(name: str, variable: h5py.Dataset, length: int, item: int, whole: int) -> None:
    """Check that all values are in the file: HDF5 gives zeros in place of those that damage has cut off.

    A variable that was never written and declares its fill value, as all of NOAA's do, is read as that.

    Parameters
    ----------
    name, variable : str and h5py.Dataset
    length, item, whole : int
        Records, bytes of a value, bytes of the file.
    """
    found = variable.id  # what h5py makes of it costs as much as reading it
    stored, plist = found.get_storage_size() > 0, found.get_create_plist()
    if not stored and plist.fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED:
        return
    if plist.get_layout() != h5py.h5d.CHUNKED:
        if length and not stored:
            raise GranuleError("truncated", f"no value of {name} is in the file")
        return
    chunk = plist.get_chunk()[0]
    filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
    for number, _, values, _ in filters:
        if number == h5py.h5z.FILTER_SHUFFLE and values[:1] != (item,):
            raise GranuleError("truncated", f"{name} has {item} bytes a value and is shuffled as {values}")
    for start in range(0, length, chunk):
        _check_chunk(name, found, start, chunk * item, filtered=bool(filters), whole=whole)


def _check_chunk(
    name: str, variable: h5py.h5d.DatasetID, start: int, size: int, *, filtered: bool, whole: int
) -> None:
    """Check of a chunk what HDF5 does not: what is said of it has no sum, as its bytes have."""
    info = variable.get_chunk_info_by_coord((start,))  # looked up as reading does
    if info.byte_offset is None:
        raise GranuleError("truncated", f"no record of {name} from {start} on is in the file")
    if info.byte_offset + info.size > whole:
        raise GranuleError("truncated", f"{name} is said to have {info.size} bytes, more than the file")
    if (not filtered or info.filter_mask) and info.size < size:
        raise GranuleError("truncated", f"{info.size} bytes of {name} are called {size} not compressed")


def _check_satellite(sat_id: np.ndarray, satellite: str) -> None:
    expected = schema.SATELLITES[satellite].sat_id
    if np.any(sat_id != expected):
        raise GranuleError(
            "wrong_satellite",
            f"satID is {sorted(set(sat_id.tolist()))}, expected {expected} for {satellite}",
        )


def _order(time: np.ndarray, day: int) -> tuple[np.ndarray, int]:
    """Return the file positions to keep, by time, and how many records lie outside the day."""
    first = int((np.datetime64(schema.day_date(day), "D") - _UNIX_EPOCH).astype(int)) * MS_PER_DAY
    inside = np.flatnonzero((time >= first) & (time < first + MS_PER_DAY))
    outside = int(time.size - inside.size)
    if outside > inside.size:
        seen = np.array([time.min(), time.max()]).astype("datetime64[ms]")
        raise GranuleError(
            "wrong_date",
            f"{outside} of {time.size} records are not on {schema.day_date(day)}; "
            f"times run from {seen[0]} to {seen[1]}",
        )
    kept = time[inside]
    if not np.all(kept[1:] > kept[:-1]):  # few files are not in order; sorting takes 1 ms a day
        inside = inside[np.unique(kept, return_index=True)[1]]
    return inside, outside


def _assemble(spec: ArraySpec, raw: dict[str, np.ndarray], index: np.ndarray | slice) -> np.ndarray:
    """Stack the variables of one array; shape (…, n)."""
    stacked = np.stack([raw[name][index] for name in spec.sources])
    return stacked.reshape(*spec.day_shape[:-1], -1).astype(spec.dtype, copy=False)


def _count_not_measured(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    """Count records that are no measurement; refuse a day without any, or without flux, L or MLT.

    Returns
    -------
    dict of str to int
        Records with values that are no measurement, by array.
    """
    usable = {
        "electron_flux": lambda flux: (flux >= 0) & (flux <= LARGEST_FLUX),
        "L_IGRF": has_L,
        "MLT": lambda MLT: (MLT >= 0) & (MLT <= 24),
    }
    for name, test in usable.items():
        values = arrays[name]
        if not np.any(test(values)):
            raise GranuleError(
                "all_sentinel", f"{name} holds only {np.unique(values)[:4].tolist()} in {values.size} values"
            )
    found = impossible_values(arrays)
    n = arrays["time"].size
    if found and np.all(np.logical_or.reduce(list(found.values()))):
        counts = ", ".join(f"{name} in {np.count_nonzero(wrong)}" for name, wrong in found.items())
        raise GranuleError("all_sentinel", f"none of {n} records is a measurement: {counts}")
    return {name: int(np.count_nonzero(wrong)) for name, wrong in found.items()}
