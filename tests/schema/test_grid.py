import numpy as np
import pytest

from reprocess.errors import GridError
from reprocess.schema import L_EDGES, MLT_EDGES
from reprocess.schema.grid import FINE, Grid, coarse_bins, digitize, make_grid

COARSE = make_grid(np.array([2.0, 4.0, 7.0]), np.array([0.0, 6.0, 12.0, 24.0]))


def cell(grid: Grid, L: float, MLT: float, latitude: float = 60) -> int:
    return int(grid.cell(np.float32([L]), np.float32([MLT]), np.float32([latitude]))[0])


def test_fine_grid():
    assert FINE.shape == (140, 96)
    assert FINE.cells == 2 * 140 * 96
    assert (L_EDGES[0], L_EDGES[16], L_EDGES[-1]) == (1.0, 2.6, 15.0)
    assert (MLT_EDGES[0], MLT_EDGES[1], MLT_EDGES[-1]) == (0.0, 0.25, 24.0)


@pytest.mark.parametrize(
    ("L", "MLT", "latitude", "expected"),
    [
        (2, 0, 60, 0),
        (2, 0, -60, 6),
        (3.99, 5.99, 60, 0),
        (4, 5.99, 60, 3),
        (3.99, 6, 60, 1),
        (6.99, 23.99, 60, 5),
        (6.99, 23.99, -60, 11),
        (6.99, 24, -60, 9),  # 24 is 0
    ],
)
def test_cell_numbers(L, MLT, latitude, expected):
    assert cell(COARSE, L, MLT, latitude) == expected


@pytest.mark.parametrize("latitude", [0.0, -0.0, 90.0, 1e-6])
def test_the_equator_is_north(latitude):
    assert cell(COARSE, 2, 0, latitude) == 0


@pytest.mark.parametrize("latitude", [-1e-6, -90])
def test_south(latitude):
    assert cell(COARSE, 2, 0, latitude) == 6


@pytest.mark.parametrize("L", [0.0, 1.99, 7.0, 7.01, 107.0, np.inf])
def test_outside_the_grid(L):
    assert cell(COARSE, L, 3) == -1


@pytest.mark.parametrize(("L", "MLT"), [(-1, 3), (3, -1), (3, 24.01), (3, 99), (np.nan, 3), (3, np.nan)])
def test_invalid_position(L, MLT):
    assert cell(COARSE, L, MLT) == -2
    assert cell(FINE, L, MLT) == -2


def test_a_grid_of_part_of_the_day():
    evening = make_grid(np.array([1.0, 15.0]), np.array([18.0, 24.0]))
    assert cell(evening, 5, 18) == 0
    assert cell(evening, 5, 17.99) == -1
    assert cell(evening, 5, 24) == -1  # that is midnight, the first hour of the day


@pytest.mark.parametrize(
    ("L", "expected"), [(2.59, 15), (2.6, 16), (1.0, 0), (0.99, -1), (14.99, 139), (15, -1)]
)
def test_stored_decimals_belong_above_their_edge(L, expected):
    assert int(digitize(np.float32([L]), L_EDGES)[0]) == expected


def test_digitize_ignores_the_precision_of_the_input():
    values = np.array([1.1, 2.6, 8.5, 14.9])
    np.testing.assert_array_equal(digitize(values, L_EDGES), digitize(values.astype(np.float32), L_EDGES))


def test_no_records():
    nothing = np.empty(0, np.float32)
    assert FINE.cell(nothing, nothing, nothing).shape == (0,)


def test_coarse_bins():
    bins = coarse_bins(COARSE).reshape(2, *FINE.shape)
    np.testing.assert_array_equal(bins[0], bins[1])
    assert (bins[0, :10] == -1).all()  # L below 2
    assert (bins[0, 60:] == -1).all()  # L from 7
    assert np.unique(bins).tolist() == [-1, 0, 1, 2, 3, 4, 5]
    assert bins[0, 10, 0] == 0
    assert bins[0, 29, 23] == 0
    assert bins[0, 29, 24] == 1
    assert bins[0, 30, 95] == 5
    assert np.bincount(bins[0][bins[0] >= 0]).tolist() == [480, 480, 960, 720, 720, 1440]


def test_edges_are_snapped_to_the_fine_grid():
    grid = make_grid(np.array([1.3, 0.1 * 23, 0.1 * 57]), np.arange(0, 24.1, 0.5))
    assert 0.1 * 23 != 2.3
    assert grid.L_edges.tolist() == [1.3, 2.3, 5.7]
    assert grid.MLT_edges.tolist() == [h / 2 for h in range(49)]


FULL_L, FULL_MLT = np.array([1.0, 15.0]), np.array([0.0, 24.0])


@pytest.mark.parametrize("edges", [[], [2.0], [2.0, 2.0], [3.0, 2.0], [2.0, 4.0, 3.0]])
@pytest.mark.parametrize("name", ["L", "MLT"])
def test_edges_must_increase(name, edges):
    given = np.array(edges, float)
    with pytest.raises(GridError, match=f"^{name} edges must increase and be two at least, got") as e:
        make_grid(given, FULL_MLT) if name == "L" else make_grid(FULL_L, given)
    assert str(given.tolist()) in str(e.value)


def test_L_edges_must_be_fine_edges():
    with pytest.raises(GridError) as e:
        make_grid(np.array([0.5, 2.05, 3.0, 16.0]), FULL_MLT)
    text = "L edges 0.5, 2.05, 16 are not on the exposure grid; use multiples of 0.1 from 1 to 15"
    assert str(e.value) == text


def test_MLT_edges_must_be_fine_edges():
    with pytest.raises(GridError) as e:
        make_grid(FULL_L, np.array([-1.0, 0.3, 6.0, 25.0]))
    text = "MLT edges -1, 0.3, 25 are not on the exposure grid; use multiples of 0.25 from 0 to 24"
    assert str(e.value) == text


def test_edges_must_be_numbers():
    with pytest.raises(GridError, match="nan"):
        make_grid(np.array([1.0, np.nan, 3.0]), FULL_MLT)


def test_edges_must_differ_after_snapping():
    with pytest.raises(GridError, match="must increase"):
        make_grid(np.array([2.0, 2.0 + 5e-10, 3.0]), FULL_MLT)


def test_of_many_edges_off_the_grid_the_first_are_named() -> None:
    text = "L edges 2.05, 3.05, 4.05, 5.05, 6.05 and 2 more are not on the exposure grid"
    with pytest.raises(GridError, match=text):
        make_grid(np.arange(2.05, 9), np.arange(25.0))
