"""Values at times, gaps and windows of an index."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocess.errors import IndexFileError
from reprocess.indices.lines import nearest_thirds
from reprocess.indices.series import MS_PER_HOUR, Index, gaps_in_words, require_overlap

HOUR = MS_PER_HOUR


def index(hours: list[int], values: list[float]) -> Index:
    return Index("x", "1", np.array(hours, np.int64) * HOUR, np.array(values, float), HOUR, ("f",), ("s",))


hourly = st.lists(st.one_of(st.just(np.nan), st.integers(-5, 5).map(float)), min_size=1, max_size=20)


@given(hourly, st.integers(1, 6), st.sampled_from(["max", "min", "mean"]))
def test_a_window_has_the_values_up_to_its_own(values: list[float], hours: int, how: str) -> None:
    found = index(list(range(len(values))), values).look_back(hours, how).values
    for k, value in enumerate(found):
        window = np.array(values[max(k + 1 - hours, 0) : k + 1])
        known = window[np.isfinite(window)]
        if known.size < np.ceil(0.9 * hours):
            assert np.isnan(value)
        else:
            assert value == pytest.approx(getattr(known, how)())


@given(st.lists(st.integers(0, 27), min_size=4, max_size=40))
def test_a_mean_of_thirds_that_is_an_edge_is_that_edge(thirds: list[int]) -> None:
    """Sums that roll along are not exact, and a Kp of 2 must not be below 2."""
    found = index(list(range(len(thirds))), [third / 3 for third in thirds]).look_back(4, "mean").values
    for k in range(3, len(thirds)):
        total = sum(thirds[k - 3 : k + 1])
        if total % 4 == 0:
            assert found[k] == total / 4 / 3


@given(hourly, st.integers(1, 6), st.sampled_from(["max", "min", "mean"]))
def test_a_line_of_no_value_is_as_good_as_none(values: list[float], hours: int, how: str) -> None:
    every = np.arange(len(values))
    known = np.isfinite(values)
    known[[0, -1]] = True  # or the file ends elsewhere
    whole = index(every.tolist(), values).look_back(hours, how)
    part = index(every[known].tolist(), np.array(values)[known].tolist()).look_back(hours, how)
    np.testing.assert_array_equal(part.at(every * HOUR), whole.at(every * HOUR))


@pytest.mark.parametrize("value", [0.05, 0.07, 0.1, 0.14, 1.1, -29.9, 4 / 3])
def test_a_mean_of_equal_values_is_that_value(value: float) -> None:
    assert index(list(range(9)), [value] * 9).look_back(4, "mean").values[4:].tolist() == [value] * 5


def test_a_long_gap_is_not_filled() -> None:
    far = index([0, 1, 2, 10**6], [1.0] * 4).look_back(2, "max")
    assert far.start.size == 6
    assert np.isnan(far.at(np.array([5 * HOUR]))).all()


def test_intervals_off_the_grid_stay_where_they_are() -> None:
    odd = Index("x", "1", np.array([0, HOUR + 60_000]), np.array([1.0, 2.0]), HOUR, ("f",), ("s",))
    assert odd.look_back(1, "max").start.tolist() == [0, HOUR + 60_000]


@given(st.sets(st.integers(0, 15), min_size=1), st.data())
def test_gaps_and_values_share_all_time(hours: set[int], data: st.DataObject) -> None:
    values = [data.draw(st.sampled_from([1.0, np.nan])) for _ in hours]
    series = index(sorted(hours), values)
    gaps = series.gaps(2 * HOUR, 12 * HOUR)
    times = np.arange(2 * HOUR, 12 * HOUR, HOUR // 2)
    inside = [any(a <= t < b for a, b in gaps) for t in times]
    np.testing.assert_array_equal(np.isnan(series.at(times)), inside)


def test_windows_that_are_not_whole() -> None:
    with pytest.raises(IndexFileError, match=r"a look-back of 1\.5 h is not a whole number of the 1 h"):
        index([0], [1.0]).look_back(1.5, "max")
    with pytest.raises(IndexFileError, match=r"a look-back of 0\.5 h"):
        index([0], [1.0]).look_back(0.5, "max")


def test_an_index_of_another_year() -> None:
    series = index([0, 1], [1.0, np.nan])
    require_overlap(series, 0, 10 * HOUR)
    with pytest.raises(
        IndexFileError, match="f has values from 1970-01-01T00:00 to 1970-01-01T00:00 and nothing"
    ):
        require_overlap(series, HOUR, 10 * HOUR)
    with pytest.raises(IndexFileError, match="f has no value at all"):
        require_overlap(index([0], [np.nan]), 0, HOUR)


def test_gaps_in_words() -> None:
    assert gaps_in_words([]) == "none"
    assert gaps_in_words([(0, HOUR), (2 * HOUR, 4 * HOUR)]) == (
        "3 h in 2 gaps: 1970-01-01T00:00 to 1970-01-01T01:00, 1970-01-01T02:00 to 1970-01-01T04:00"
    )
    assert gaps_in_words([(k * HOUR, k * HOUR + 1) for k in range(12)]).endswith("and 2 more")


def test_edges_of_kp_are_rounded_as_its_values_are() -> None:
    """Files have 5/3 as 1.667, 1.67 or 1.7; an edge that is written so has that value above it."""
    edges = np.array([0.33, 1.0, 1.667, 2.3, 3.5, 4.7, 9.0])
    assert nearest_thirds(edges).tolist() == [1 / 3, 1.0, 5 / 3, 7 / 3, 3.5, 14 / 3, 9.0]
    others = [0.01, 0.03, 1.5, 1.66, 4.0, 4.01, 4.001]
    assert nearest_thirds(np.array(others)).tolist() == others, "no third is rounded to them"
    assert nearest_thirds(np.array([1.7, 1.667]), 3).tolist() == [1.7, 5 / 3], "means are no thirds"
