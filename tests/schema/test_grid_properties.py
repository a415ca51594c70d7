"""Every record is in exactly one bin, and every map bins it as the fine grid does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess.errors import GridError
from reprocess.schema import L_EDGES, MLT_EDGES
from reprocess.schema.grid import FINE, coarse_bins, digitize, make_grid

CHECK = settings(max_examples=150, deadline=None)


def beside(edges: np.ndarray) -> st.SearchStrategy[float]:
    """Single-precision edges and their neighbours on both sides."""
    single = edges.astype(np.float32)
    near = [single, np.nextafter(single, np.float32(-np.inf)), np.nextafter(single, np.float32(np.inf))]
    return st.sampled_from([float(x) for x in np.concatenate(near)])


def decimals(low: int, high: int) -> st.SearchStrategy[float]:
    """Two-decimal values as NOAA stores them."""
    return st.integers(low * 100, high * 100).map(lambda i: float(np.float32(i / 100)))


L = st.one_of(beside(L_EDGES), decimals(0, 110), st.floats(0, 120, width=32), st.just(-1.0))
MLT = st.one_of(
    beside(MLT_EDGES), decimals(0, 24), st.floats(0, 24, width=32), st.sampled_from([24.0, 0.0, -1.0])
)
LATITUDE = st.one_of(st.floats(-90, 90, width=32), st.sampled_from([0.0, -0.0]))
RECORDS = st.lists(st.tuples(L, MLT, LATITUDE), max_size=60).map(
    lambda rows: np.array(rows, np.float32).reshape(-1, 3).T
)


def fine_subsets(edges: np.ndarray) -> st.SearchStrategy[np.ndarray]:
    indices = st.one_of(
        st.sets(st.integers(0, edges.size - 1), min_size=2, max_size=20),
        st.integers(1, edges.size - 1).map(lambda step: {*range(0, edges.size, step), edges.size - 1}),
        st.just({0, edges.size - 1}),
    )
    return indices.map(lambda chosen: edges[sorted(chosen)])


GRIDS = st.builds(make_grid, fine_subsets(L_EDGES), fine_subsets(MLT_EDGES))


def holding(L: float, MLT: float, latitude: float, grid=FINE) -> list[int]:
    """The cells a record is in, by comparing with the edges of every bin."""
    MLT = 0.0 if MLT == 24 else MLT
    inside = []
    for axis, value in ((grid.L_edges, L), (grid.MLT_edges, MLT)):
        edges = axis.astype(np.float32).tolist()
        inside.append([k for k in range(len(edges) - 1) if edges[k] <= value < edges[k + 1]])
    south = 1 if latitude < 0 else 0
    n_L, n_MLT = grid.shape
    return [(south * n_L + i) * n_MLT + j for i in inside[0] for j in inside[1]]


@CHECK
@given(RECORDS)
def test_every_valid_record_is_in_exactly_one_cell(records):
    cells = FINE.cell(*records)
    for row, cell in zip(records.T.tolist(), cells.tolist(), strict=True):
        valid = row[0] >= 0 and 0 <= row[1] <= 24
        expected = holding(*row) if valid else []
        if not valid:
            assert cell == -2
        elif 1 <= row[0] < 15:
            assert expected == [cell]
            assert 0 <= cell < FINE.cells
        else:
            assert expected == []
            assert cell == -1


@CHECK
@given(GRIDS, RECORDS)
def test_maps_bin_like_the_fine_grid(grid, records):
    direct = grid.cell(*records)
    size = grid.shape[0] * grid.shape[1]
    bins = coarse_bins(grid)
    assert bins.shape == (FINE.cells,)
    fine = FINE.cell(*records)
    through = np.where(fine >= 0, bins[np.maximum(fine, 0)], fine)
    np.testing.assert_array_equal(np.where(direct >= 0, direct % size, direct), through)
    north = records[2] >= 0
    np.testing.assert_array_equal(direct[direct >= 0] < size, north[direct >= 0])


@CHECK
@given(GRIDS)
def test_every_bin_of_a_map_is_a_rectangle_of_fine_cells(grid):
    bins = coarse_bins(grid).reshape(2, *FINE.shape)
    np.testing.assert_array_equal(bins[0], bins[1])
    widths = [np.rint(np.diff(e) / s).astype(int) for e, s in ((grid.L_edges, 0.1), (grid.MLT_edges, 0.25))]
    count = np.bincount(bins[0][bins[0] >= 0], minlength=grid.shape[0] * grid.shape[1])
    np.testing.assert_array_equal(count.reshape(grid.shape), np.outer(*widths))


@CHECK
@given(GRIDS, st.lists(L, min_size=1, max_size=30), LATITUDE)
def test_MLT_24_is_MLT_0(grid, L_values, latitude):
    position = np.float32(L_values), np.full(len(L_values), latitude, np.float32)
    cells = [grid.cell(position[0], np.full_like(position[0], h), position[1]) for h in (0, 24)]
    np.testing.assert_array_equal(*cells)


def test_two_decimal_values_are_in_the_bin_of_their_decimals():
    hundredths = np.arange(10_750)
    found = digitize((hundredths / 100).astype(np.float32), L_EDGES)
    expected = np.where((hundredths >= 100) & (hundredths < 1500), hundredths // 10 - 10, -1)
    np.testing.assert_array_equal(found, expected)
    hundredths = np.arange(2400)
    found = digitize((hundredths / 100).astype(np.float32), MLT_EDGES)
    np.testing.assert_array_equal(found, hundredths // 25)


@CHECK
@given(GRIDS, st.lists(st.sampled_from([-1, 1]), min_size=60, max_size=60))
def test_edges_computed_with_rounding_errors_give_the_same_grid(grid, signs):
    shift = np.resize(np.array(signs), 150) * 4e-10
    again = make_grid(
        grid.L_edges + shift[: grid.L_edges.size], grid.MLT_edges + shift[: grid.MLT_edges.size]
    )
    np.testing.assert_array_equal(again.L_edges, grid.L_edges)
    np.testing.assert_array_equal(again.MLT_edges, grid.MLT_edges)


OFF_GRID = st.one_of(
    st.integers(100, 1500).filter(lambda i: i % 10 != 0).map(lambda i: i / 100),
    st.floats(-1e6, 0.99),
    st.floats(15.01, 1e6),
    st.sampled_from([np.inf, -np.inf]),
)


@CHECK
@given(fine_subsets(L_EDGES), OFF_GRID)
def test_an_edge_off_the_fine_grid_is_named(edges, wrong):
    with pytest.raises(GridError, match=r"multiples of 0\.1 from 1 to 15") as e:
        make_grid(np.sort(np.append(edges, wrong)), MLT_EDGES)
    assert f"L edges {wrong:.10g} are not" in str(e.value)


@CHECK
@given(fine_subsets(MLT_EDGES), st.data())
def test_edges_that_do_not_increase_are_refused(edges, data):
    repeated = data.draw(st.integers(0, edges.size - 1))
    wrong = np.insert(edges, repeated, edges[repeated])
    for given_edges in (wrong, edges[::-1], edges[:1]):
        with pytest.raises(GridError, match="MLT edges must increase"):
            make_grid(L_EDGES, given_edges)
