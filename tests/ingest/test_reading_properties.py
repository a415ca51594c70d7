"""Order, duplicates and strays in a file never change what is kept; the calibration flag's fill."""

import io

import h5py
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess import schema
from reprocess.ingest.reading import Records, fill_calibration_flag, read_records
from tests.support.fake import variables

SATELLITE, DATE, DAY = "noaa18", "2019-10-24", 7966
MIDNIGHT = int(np.datetime64(DATE, "ms").astype(np.int64))
N = 16
BASE = {name: values[:N] for name, values in variables(SATELLITE, DATE, n=40).items()}

Content = dict[str, np.ndarray]


def read(content: Content) -> Records:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, values in content.items():
            file[name] = values
    return read_records(buffer.getvalue(), SATELLITE, DAY)


def same(left: Records, right: Records) -> bool:
    return all(left.arrays[name].tobytes() == values.tobytes() for name, values in right.arrays.items())


SORTED = read(BASE)


@st.composite
def files(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Return positions in `BASE`, each at least once, shuffled, and which of them are strays' places."""
    repeats = draw(st.lists(st.integers(0, N - 1), max_size=10))
    strays = draw(st.lists(st.integers(0, N - 1), max_size=N))
    order = draw(st.permutations([*((k, 0) for k in [*range(N), *repeats]), *((k, 1) for k in strays)]))
    return np.array([k for k, _ in order]), np.array([bool(stray) for _, stray in order])


@given(file=files(), days=st.sampled_from([-400, -1, 1, 3650]))
@settings(max_examples=60, deadline=None)
def test_any_order_with_duplicates_and_strays_gives_the_sorted_records(
    file: tuple[np.ndarray, np.ndarray], days: int
) -> None:
    index, stray = file
    content = {name: values[index] for name, values in BASE.items()}
    shifted = content["time"].astype(np.int64) + stray * days * 86_400_000
    content["time"] = shifted.astype(np.uint64)
    records = read(content)
    assert same(records, SORTED)
    assert records.in_file == index.size
    assert records.outside_day == np.count_nonzero(stray)
    assert records.duplicates == index.size - np.count_nonzero(stray) - N


@given(
    inside=st.lists(st.integers(0, 20) | st.just(86_399_999), min_size=1, max_size=15),
    outside=st.lists(st.sampled_from([-1, -86_400_000, 86_400_000, 10**12]), max_size=15),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_first_record_of_every_time_is_kept_and_nothing_is_lost(
    inside: list[int], outside: list[int], data: st.DataObject
) -> None:
    strays = outside[: len(inside)]  # with more of them it would be the file of another day
    offsets = data.draw(st.permutations([*inside, *strays]))
    n = len(offsets)
    content = {name: np.resize(values, n) for name, values in BASE.items()}
    content["time"] = (MIDNIGHT + np.array(offsets)).astype(np.uint64)
    content["lat"] = np.arange(n, dtype=np.float32)
    content["L_IGRF"][:] = content["MLT"][:] = 4  # whichever record is kept, the day is usable
    first = {offset: offsets.index(offset) for offset in inside}
    records = read(content)
    assert (records.arrays["time"] - MIDNIGHT).tolist() == sorted(first)
    assert records.arrays["latitude"].tolist() == [first[offset] for offset in sorted(first)]
    assert (records.in_file, records.outside_day) == (n, len(strays))
    assert records.duplicates == len(inside) - len(first)


def naive_fill(flag: list[int], time: list[int]) -> list[int]:
    filled = []
    last: tuple[int, int] | None = None
    for value, now in zip(flag, time, strict=True):
        if value != -1:
            last = (value, now)
        filled.append(last[0] if last is not None and now - last[1] < 32_000 else -1)
    return filled


STEPS = st.integers(1991, 2009) | st.sampled_from([1, 2000, 31_999, 32_000, 32_001, 834_000])
SAMPLES = st.lists(st.tuples(st.sampled_from([-1, -1, -1, 0, 1]), STEPS), max_size=60)


@given(samples=SAMPLES)
@settings(max_examples=300, deadline=None)
def test_calibration_flag_is_filled_as_a_plain_loop_fills_it(samples: list[tuple[int, int]]) -> None:
    flag = [value for value, _ in samples]
    time = np.cumsum([step for _, step in samples], dtype=np.int64) + MIDNIGHT
    filled = fill_calibration_flag(np.array(flag, np.int8), time)
    assert filled.tolist() == naive_fill(flag, time.tolist())
    assert filled.dtype == np.int8


@given(samples=SAMPLES)
@settings(max_examples=100, deadline=None)
def test_filling_the_calibration_flag_keeps_every_sample(samples: list[tuple[int, int]]) -> None:
    flag = np.array([value for value, _ in samples], np.int8)
    time = np.cumsum([step for _, step in samples], dtype=np.int64)
    filled = fill_calibration_flag(flag, time)
    assert filled[flag >= 0].tolist() == flag[flag >= 0].tolist()
    assert set(filled.tolist()) <= {-1, *flag.tolist()}


def test_sorted_file_has_a_sample_of_every_kind_of_value() -> None:
    assert SORTED.count == N
    assert (SORTED.arrays["L_IGRF"] == -1).any()
    assert (SORTED.arrays["electron_flux"] == -999).any()
    assert set(SORTED.arrays["ifc_on"].tolist()) == {-1, 0}
    assert schema.RECORDS > N
