"""Profiles and months of a run: what they sum is what its maps hold, and their intervals are of blocks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reprocess.errors import LedgerError, SplitError
from reprocess.maps.line_plot import Words, coverage_figure, months_figure, profile_figure
from reprocess.maps.lines import bins_within, by_month, profiles, rates_along
from reprocess.maps.profiles import draw_rates
from reprocess.pages.style import CLASS_LABELS, LETTERS, new_figure, style
from reprocess.schema.grid import make_grid
from reprocess.work.choice import Choice
from reprocess.work.paths import Run
from tests.maps.test_occurrence import dates, write_block
from tests.maps.test_plot import outside, overlapping, texts
from tests.support.maps import occurrence

GRID = make_grid(np.array([2.0, 3.0, 4.0, 6.0]), np.arange(0.0, 25, 3))
STEP = 20


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[dict]]:
    """Two satellites over two years; waves before dawn at low L, nearly no current sheet."""
    run = Run(tmp_path_factory.mktemp("work") / "runs" / "demo")
    rng, every, receipts = np.random.default_rng(4), dates(36, STEP), []
    for satellite in ("metop01", "noaa18"):
        days = [
            [
                (L * side, MLT, 400, 0, 0)
                for L in (2.5, 3.5, 5.0)
                for MLT in (1.0, 23.0, 13.0)
                for side in (-1, 1)
            ]
            for _ in every
        ]
        events = [("REP", 2.5, 1.0, 60.0, 0, str(day)) for day in rng.choice(every, 80)]
        events += [("REP", 2.5, 23.0, -60.0, 0, str(day)) for day in rng.choice(every, 40)]
        events += [("CSS", 5.0, 23.0, 60.0, 0, str(every[3])), ("CSS", 9.0, 23.0, 60.0, 0, str(every[3]))]
        receipts.append(write_block(run, days, events, satellite, step=STEP))
    return run, receipts


@pytest.mark.parametrize(("axis", "span"), [("L", (21.0, 3.0)), ("L", (0.0, 24.0)), ("MLT", (2.0, 4.0))])
def test_a_profile_sums_what_the_map_holds(
    run: tuple[Run, list[dict]], axis: str, span: tuple[float, float]
) -> None:
    choice = Choice(hemispheres=("N",))
    maps = occurrence(*run, GRID, 600, choice)
    found = profiles(*run, GRID, axis, [span], 600, choice)
    assert list(found) == ["REP", "CSS"]
    for name, (line,) in found.items():
        expected = rates_along(maps, axis, name, span)
        np.testing.assert_array_equal(line.events, expected.events)
        np.testing.assert_allclose(line.hours, expected.hours)
        np.testing.assert_array_equal(line.limits[0], expected.limits[0])
    assert sum(line.events.sum() for (line,) in found.values()) > 0


def test_a_profile_of_one_bin_has_the_interval_of_the_map(run: tuple[Run, list[dict]]) -> None:
    maps = occurrence(*run, GRID, 600)
    (line,) = profiles(*run, GRID, "L", [(0.0, 3.0)], 600, Choice(classes=("REP",)))["REP"]
    assert line.of_blocks.tolist() == [True, False, False]
    bin_ = maps.sel(event_class="REP").isel(L=0, MLT=0)
    blocks = [float(bin_.event_rate_lower), float(bin_.event_rate_upper)]
    np.testing.assert_allclose(line.limits[1:, 0], blocks, rtol=1e-12)
    other = maps.sel(event_class="REP").isel(L=1, MLT=0)  # no event: Poisson's, and marked so
    poisson = [float(other.event_rate_poisson_lower), float(other.event_rate_poisson_upper)]
    np.testing.assert_allclose(line.limits[1:, 1], poisson, rtol=1e-12)
    axes = draw_rates(new_figure(4, 3).subplots(), [line], ["a"])
    hollow = [mark for mark in axes.lines if mark.get_markerfacecolor() == "white"]
    assert [mark.get_xdata().tolist() for mark in hollow] == [[3.5, 5.0]]
    filled = [mark for mark in axes.lines if mark.get_markerfacecolor() != "white"]
    assert hollow[0].get_zorder() > max(mark.get_zorder() for mark in filled), "not hidden"


def test_months_add_up_to_what_is_within_the_edges(run: tuple[Run, list[dict]]) -> None:
    maps = occurrence(*run, GRID, 600)
    dwell, events = by_month(*run, GRID)
    assert int(dwell.dwell.sum()) == int(maps.dwell.sum())
    assert events["event_class"].value_counts().to_dict() == {"REP": 240, "CSS": 2}  # one more is off the map
    only, _ = by_month(*run, GRID, Choice(satellites=("noaa18",), hemispheres=("S",)))
    assert only.satellite.values.tolist() == ["noaa18"]
    assert int(only.dwell.sum()) * 4 == int(dwell.dwell.sum())
    with pytest.raises(LedgerError, match="has no block of noaa15 that is done"):
        by_month(*run, GRID, Choice(satellites=("noaa15",)))


@pytest.mark.parametrize(
    ("span", "told"),
    [
        ((2.5, 4.0), r"L 2\.5 to 4 cuts bins, whose edges are 2, 3, 4, 6; give a range between edges"),
        ((3.0, 3.0), "L 3 to 3 cuts bins"),
        ((4.0, 3.0), "L 4 to 3 ends before it begins; only MLT goes round"),
    ],
)
def test_ranges_are_of_whole_bins(span: tuple[float, float], told: str) -> None:
    with pytest.raises(SplitError, match=told):
        bins_within(GRID.L_edges, "L", span)


@pytest.mark.parametrize("width", ["one", "two"])
def test_figures_say_what_must_be_known_and_nothing_collides(run: tuple[Run, list[dict]], width: str) -> None:
    spans = [(21.0, 3.0), (3.0, 12.0), (12.0, 21.0)]
    words = Words("Rates", "two satellites and so on, " * 5, ["within something"], width)
    with style(LETTERS[width]):
        lines = profiles(*run, GRID, "L", spans, 600)
        figures = [profile_figure(lines, "L", spans, words)]
        figures += [draw(*by_month(*run, GRID), words) for draw in (months_figure, coverage_figure)]
        for figure in figures:
            figure.canvas.draw()
            # Numbers of ticks beyond the limits are there, and not drawn.
            assert not [text for text in outside(figure) if text.upper() != text.lower()]
            assert not [pair for pair in overlapping(figure) if all(t.upper() != t.lower() for t in pair)]
    profile, months, coverage = (" ".join(texts(figure)) for figure in figures)
    assert "intervals of 27 calendar blocks of 27 days" in profile
    assert "open: too few blocks" in profile
    assert "wave-driven (REP), 240 events" in profile
    assert "exact Poisson intervals (68 %), a lower bound" in months
    assert "Grey: no dwell" in coverage
    assert "h, 121 events" in coverage


@pytest.mark.parametrize("width", ["one", "two"])
def test_many_months_have_a_panel_for_each_class_on_one_scale(width: str) -> None:
    rng, months = np.random.default_rng(5), np.arange(np.datetime64("2001-01"), np.datetime64("2015-01"))
    hours = np.where(np.arange(months.size) == 70, 0, 40)
    exposure = xr.Dataset(
        {"dwell": (("satellite", "month"), hours[np.newaxis] * 3600)},
        {"satellite": ["noaa18"], "month": months.astype("datetime64[s]")},
    )
    when = pd.to_datetime(rng.choice(months[hours > 0], 900).astype("datetime64[s]"), utc=True)
    names = np.repeat(["REP", "CSS"], [700, 200])
    events = pd.DataFrame({"satellite": "noaa18", "event_class": names, "peak_time": when})
    with style(LETTERS[width]):
        figure = months_figure(exposure, events, Words("Rates", "of a satellite", [], width))
        alone = months_figure(exposure, events, Words("Rates", "of a satellite", [], width), ("CSS",))
        for one in (figure, alone):
            one.canvas.draw()
            assert not [text for text in outside(one) if text.upper() != text.lower()]
            assert not [pair for pair in overlapping(one) if all(t.upper() != t.lower() for t in pair)]
    assert [axes.get_title() for axes in figure.axes] == [*CLASS_LABELS.values(), ""]
    assert [axes.get_title() for axes in alone.axes] == [CLASS_LABELS["CSS"], ""]
    rep, css, _ = figure.axes
    assert rep.get_ylim() == css.get_ylim()
    (line, band), *_ = (axes.patches for axes in (rep, css))
    rate = line.get_data().values
    assert np.flatnonzero(np.isnan(rate)).tolist() == [70], "a month without dwell has no rate"
    assert np.nansum(rate * hours) == pytest.approx(700)
    known = np.isfinite(rate)
    assert (band.get_data().baseline[known] < rate[known]).all()
    assert (rate[known] < band.get_data().values[known]).all()
    first, last = figure.axes[-1].get_xlim()
    years = [tick for tick in figure.axes[-1].get_xticks() if first <= tick <= last]
    assert 4 <= len(years) <= 8, "every year would be too many labels"


def test_few_blocks_have_poisson_intervals_and_say_so(tmp_path: Path) -> None:
    run = Run(tmp_path / "runs" / "demo")
    receipt = write_block(run, [[(2.5, 1.0, 900, 0, 0)]], [("REP", 2.5, 1.0, 60.0, 0, str(dates(1, 1)[0]))])
    lines = profiles(run, [receipt], GRID, "MLT", [(2.0, 6.0)], 60)
    assert not lines["REP"][0].of_blocks.any()
    with style(LETTERS["two"]):
        told = " ".join(texts(profile_figure(lines, "MLT", [(2.0, 6.0)], Words("a", "b", []))))
    assert "a lower bound; no intervals: they need 10 calendar blocks" in told
