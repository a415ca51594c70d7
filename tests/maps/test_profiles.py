"""Profiles, months, coverage: sums before rates, nothing cut, nothing lost."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from reprocess.errors import SplitError
from reprocess.maps.dials import UNOBSERVED, dwell_scale
from reprocess.maps.exposure import grid_coordinates
from reprocess.maps.lines import SECTORS, SHELLS, Rates, rates_along, rates_by_month
from reprocess.maps.occurrence import poisson_interval
from reprocess.maps.profiles import (
    draw_coverage,
    draw_dwell,
    draw_exposure,
    draw_L_profiles,
    draw_MLT_profiles,
    draw_months,
    draw_rates,
)
from reprocess.schema.grid import make_grid
from reprocess.work.origin import SIMULATED

GRID = make_grid(np.arange(2.5, 9, 0.5), np.arange(0.0, 25.0))


def maps() -> xr.Dataset:
    rng = np.random.default_rng(5)
    counts = rng.poisson(2, (2, *GRID.shape))
    dims = ("event_class", "L", "MLT")
    values = {"events": (dims, counts), "dwell": (dims[1:], rng.integers(0, 9000, GRID.shape).astype(float))}
    coords = {"event_class": ["REP", "CSS"], **grid_coordinates(GRID)}
    return xr.Dataset(values, coords=coords, attrs={"min_dwell_s": 600.0})


@pytest.mark.parametrize(("axis", "parts"), [("L", SECTORS), ("MLT", SHELLS)])
def test_parts_of_the_other_axis_add_up_to_all(axis: str, parts: tuple[tuple[float, float], ...]) -> None:
    dataset = maps()
    lines = [rates_along(dataset, axis, "CSS", span) for span in parts]
    other = "MLT" if axis == "L" else "L"
    np.testing.assert_array_equal(
        sum(line.events for line in lines), dataset.events.sel(event_class="CSS").sum(other)
    )
    np.testing.assert_allclose(sum(line.hours for line in lines), dataset.dwell.sum(other) / 3600)
    midnight = rates_along(dataset, "L", "CSS", (21, 3))
    assert midnight.events.tolist() == dataset.events[1, :, [21, 22, 23, 0, 1, 2]].sum("MLT").values.tolist()


def test_bins_are_not_cut() -> None:
    with pytest.raises(SplitError, match=r"MLT 21\.5 to 3 cuts bins, whose edges are 0, 1, .*between edges"):
        rates_along(maps(), "L", "REP", (21.5, 3.0))


def test_rates_are_divided_last_and_not_given_where_dwell_is_short() -> None:
    line = Rates(np.arange(4.0), np.array([0, 4, 9]), np.array([2.0, 0.0, 0.1]), min_hours=1 / 6)
    rate, lower, upper = line.limits
    np.testing.assert_equal(rate, [0, np.nan, np.nan])
    low, high = poisson_interval(np.array([0]))
    assert (lower[0], upper[0]) == (low[0] / 2, high[0] / 2)


def test_intervals_that_leave_the_panel_end_in_a_triangle() -> None:
    edges = np.arange(6.0)
    well = Rates(edges, np.full(5, 20), np.full(5, 10.0))
    hardly = Rates(edges, np.array([20, 20, 0, 20, 20]), np.array([10, 10, 0.01, 10, 10.0]))
    axes = draw_rates(Figure().subplots(), [well, hardly], ["a", "b"])
    top = axes.get_ylim()[1]
    marks = [line for line in axes.lines if line.get_marker() == "^" and line.get_linestyle() != "-"]
    at = [x for line in marks if np.all(np.asarray(line.get_ydata()) > 0.9 * top) for x in line.get_xdata()]
    assert at == [pytest.approx(2 + 2 / 3)]
    assert np.nanmax(well.limits[2]) < top
    nothing = draw_rates(Figure().subplots(), [Rates(edges, np.zeros(5, int), np.zeros(5))], ["a"])
    assert nothing.get_ylim()[1] == pytest.approx(1.08)


@pytest.mark.parametrize("hours", [[17.0, 36.0], [9.9, 10.1], [0.5, 0.5], [1.0, 2000.0], [0.0, 0.0]])
def test_the_axis_of_dwell_has_few_ticks(hours: list[float]) -> None:
    """Those of a narrow range were 17.5, 20, 22.5 and on, one on another."""
    line = Rates(np.arange(3.0), np.zeros(2, int), np.array(hours))
    axes = draw_dwell(Figure().subplots(), [line])
    low, high = axes.get_ylim()
    shown = [f"{y:.0e}"[0] for y in axes.get_yticks() if low <= y <= high]
    assert 2 <= len(shown) <= 8
    assert set(shown) <= {"1", "3"}
    known = [h for h in hours if h]
    assert all(low < h < high for h in known)


def test_profiles_name_their_parts_and_have_ticks_of_the_field() -> None:
    axes = draw_MLT_profiles(Figure().subplots(), maps(), "REP")
    axes.figure.canvas.draw()
    assert axes.get_legend_handles_labels()[1] == ["L 2.5-4", "L 4-5.5", "L 5.5-7", "L 7-8.5"]
    assert [x for x in axes.get_xticks() if 0 <= x <= 24] == list(range(0, 25, 3))
    axes = draw_L_profiles(Figure().subplots(), maps(), "REP")
    assert axes.get_legend_handles_labels()[1][0] == "21-03 h MLT"
    assert [x for x in axes.get_xticks() if 2.5 <= x <= 8.5] == list(range(3, 9))


@pytest.mark.parametrize("draw", [draw_L_profiles, draw_MLT_profiles])
def test_profiles_of_simulated_days_say_so_on_axes_of_ones_own(draw: Callable[..., Axes]) -> None:
    def label(**attributes: object) -> str:
        return draw(Figure().subplots(), maps().assign_attrs(attributes), "REP").get_ylabel()

    assert label() == label(simulated_satellite_days=0) == "events per hour of dwell"
    assert label(simulated_satellite_days=3) == label(simulated=SIMULATED)
    assert label(simulated=SIMULATED) == "events per hour of dwell\n(simulated)"


MONTHS = np.array(["2014-11", "2014-12", "2015-01"], "datetime64[s]")


def exposure() -> xr.Dataset:
    seconds = np.zeros((2, 3, 2, 1, 1), int)
    seconds[0, :, 0] = np.array([3600, 7200, 36_000])[:, np.newaxis, np.newaxis]
    seconds[1, 2] = 1800
    dims = ("satellite", "month", "hemisphere", "L", "MLT")
    return xr.Dataset({"dwell": (dims, seconds)}, {"satellite": ["metop01", "noaa18"], "month": MONTHS})


def events() -> pd.DataFrame:
    rows = [
        ("metop01", "REP", "2014-11-30T23:59:59Z"),
        ("metop01", "REP", "2014-12-01T00:00:00Z"),
        ("noaa18", "REP", "2015-01-31T12:00:00Z"),
        ("noaa18", "CSS", "2015-01-31T12:00:00Z"),
        ("noaa18", "REP", "2015-02-01T00:00:00Z"),  # of no month that was observed
    ]
    frame = pd.DataFrame(rows, columns=["satellite", "event_class", "peak_time"])
    frame["peak_time"] = pd.to_datetime(frame["peak_time"])
    return frame


def test_months_have_their_own_events_and_dwell() -> None:
    line = rates_by_month(exposure(), events(), "REP")
    assert line.events.tolist() == [1, 1, 1]
    assert line.hours.tolist() == [1, 2, 11]
    assert line.edges.astype(str).tolist() == ["2014-11-01", "2014-12-01", "2015-01-01", "2015-02-01"]
    one = rates_by_month(exposure(), events(), "REP", "noaa18")
    assert (one.events.tolist(), one.hours.tolist()) == ([0, 0, 1], [0, 0, 1])
    axes = draw_months(Figure().subplots(), exposure(), events())
    assert np.isclose(axes.containers[0].lines[0].get_ydata(), [1, 0.5, 1 / 11]).all()


def test_dwell_stands_beside_the_months() -> None:
    axes = draw_exposure(Figure().subplots(), exposure())
    (steps,) = axes.patches
    assert steps.get_data().values.tolist() == [1, 2, 11]


def test_months_without_a_satellite_are_grey() -> None:
    scale = dwell_scale(np.array([1.0, 10.0]))
    axes = draw_coverage(Figure().subplots(), exposure(), scale)
    colours = np.array([bar.get_facecolor() for bar in axes.patches]).reshape(2, 3, 4)
    grey = (colours == to_rgba(UNOBSERVED)).all(axis=-1)
    assert grey.tolist() == [[False] * 3, [True, True, False]]
    np.testing.assert_allclose(colours[0, 2], scale.colours(np.array(10.0)))
    assert [t.get_text() for t in axes.get_yticklabels()] == ["metop01", "noaa18"]
