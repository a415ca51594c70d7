"""Files of differences: what they hold is what the maps of their parts hold."""

import datetime as dt
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from reprocess.errors import LedgerError, SplitError
from reprocess.maps.axes import make_axes
from reprocess.maps.contrast import contrast, each_standardised, tell
from reprocess.maps.contrast_plot import contrast_figure
from reprocess.maps.occurrence import load_occurrence
from reprocess.maps.stage import Split, make_difference
from reprocess.maps.tally import side_by_side, tally, together
from reprocess.pages.style import LETTERS, style
from reprocess.schema.grid import make_grid
from reprocess.work.choice import Choice
from reprocess.work.paths import Run, Work
from reprocess.work.surveyed import Surveyed
from tests.maps.test_occurrence import dates, write_block
from tests.maps.test_plot import outside, overlapping, texts
from tests.support.maps import occurrence

GRID = make_grid(np.array([2.0, 4.0, 6.0]), np.array([0.0, 12.0, 24.0]))
MORE = (2.5, 3.0)
"""Where one satellite sees three times as many events."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[dict]]:
    """Three satellites over two years; one is never in one bin, and another sees more in one."""
    run = Run(tmp_path_factory.mktemp("work") / "runs" / "demo")
    rng = np.random.default_rng(8)
    receipts, every = [], dates(60, 12)
    for satellite in ("metop01", "noaa18", "noaa19"):
        places = [MORE, (2.5, 15.0), (4.5, 3.0), *([] if satellite == "noaa19" else [(4.5, 15.0)])]
        days = [[(L * s, MLT, 900, 0, 0) for L, MLT in places for s in (-1, 1)] for _ in every]
        events = []
        for L, MLT in places:
            count = rng.poisson(180 if satellite == "noaa18" and (L, MLT) == MORE else 60)
            events += [
                ("REP", L, MLT, float(rng.choice([-60, 60])), 0, str(date))
                for date in rng.choice(every, count)
            ]
        receipts.append(write_block(run, days, events, satellite, step=12))
    return run, receipts


def of(
    run: tuple[Run, list[dict]], by: str, pair: tuple[str, str] | None = None, **choice: object
) -> xr.Dataset:
    (axis,) = make_axes((by,), run[1])
    return contrast(*run, GRID, 600, axis, pair, Choice(**choice))  # type: ignore[arg-type]


def test_both_sides_are_the_parts_of_the_split(run: tuple[Run, list[dict]]) -> None:
    found = of(run, "satellite", ("noaa18", "metop01"))
    parts = occurrence(*run, GRID, 600, axes=make_axes(("satellite",), run[1]))
    for side, label in (("first", "noaa18"), ("second", "metop01")):
        part = parts.sel(satellite=label)
        for name in ("events", "dwell", "event_rate"):
            np.testing.assert_allclose(found[f"{name}_{side}"], part[name], rtol=1e-12)
    rates = [parts.event_rate.sel(satellite=label) for label in ("noaa18", "metop01")]
    np.testing.assert_allclose(found.event_rate_difference, rates[0] - rates[1], atol=1e-12)
    np.testing.assert_allclose(found.event_rate_ratio.sel(event_class="REP"), (rates[0] / rates[1])[0])
    assert found.event_rate_ratio.sel(event_class="CSS").isnull().all()


def test_what_differs_is_said_to_and_nothing_else(run: tuple[Run, list[dict]]) -> None:
    found = of(run, "satellite", ("noaa18", "metop01"))
    assert found.significant.sel(event_class="REP").values.tolist() == [[1, 0], [0, 0]]
    assert (found.significant.sel(event_class="CSS") == -1).all(), "no event, no test"
    assert found.event_rate_difference_lower.values[0, 0, 0] > 0
    assert (found.attrs["bins_tested"], found.attrs["bins_that_differ"]) == (4, 1)


def test_only_where_both_looked(run: tuple[Run, list[dict]]) -> None:
    found = of(run, "satellite", ("noaa18", "noaa19"))
    alone = {"L": 1, "MLT": 1}
    assert np.isnan(found.event_rate_difference.isel(alone)).all()
    assert (found.significant.isel(alone) == -1).all()
    assert found.bins_compared == 3
    seconds = found.dwell_first.sum() + found.dwell_second.sum()
    assert float(found.common_share) == pytest.approx(
        1 - float(found.dwell_first.isel(alone)) / float(seconds)
    )
    assert found.events_compared.values[0] == found.events_first.sum() - found.events_first.isel(alone).sum()


def test_each_part_against_all_others(run: tuple[Run, list[dict]]) -> None:
    found = of(run, "satellite")
    assert found.event_rate_difference.dims == ("satellite", "event_class", "L", "MLT")
    whole = occurrence(*run, GRID, 600)
    for name in ("events", "dwell"):
        for label in found.satellite.values:
            one = found.sel(satellite=label)
            np.testing.assert_array_equal(one[f"{name}_first"] + one[f"{name}_second"], whole[name])
    ratio = found.standardised_ratio.sel(event_class="REP").to_series()
    assert ratio["noaa18"] > 1.3 > 1.0 > ratio["metop01"]
    lower = found.standardised_ratio_lower.sel(event_class="REP").to_series()
    assert lower["noaa18"] > 1
    lines = tell(found)
    assert len(lines) == 6
    assert lines[2].startswith("noaa18 against others, REP: ")
    assert f"ratio {ratio['noaa18']:.2f}, 68 % interval" in lines[2]
    assert lines[3].startswith("noaa18 against others, CSS: 0 events, 0.0 expected (no ratio)")


def test_satellites_counted_one_by_one_are_the_parts_of_the_split(tmp_path: Path) -> None:
    run, day = Run(tmp_path / "runs" / "demo"), [(2.5, 3.0, 900, 10, 0), (-4.5, 15.0, 600, 0, 5)]
    off = ("REP", 9.0, 3.0, 60, 0)
    some = [
        write_block(run, [day] * 4, [("REP", 2.5, 3.0, 60, 0), off], "metop01", step=20),
        write_block(run, [day[:1]] * 2, [("CSS", 2.5, 3.0, 60, 0), off], "noaa18"),
    ]
    own = [tally(run, [receipt], GRID) for receipt in some]
    assert own[0].blocks.size > own[1].blocks.size
    counted, whole = side_by_side(own), tally(run, some, GRID)
    split = tally(run, some, GRID, axes=make_axes(("satellite",), some))
    for field in fields(counted):
        np.testing.assert_array_equal(getattr(counted, field.name), getattr(split, field.name))
        np.testing.assert_array_equal(getattr(together(counted), field.name), getattr(whole, field.name))


def test_standardised_ratios_are_those_of_the_file(run: tuple[Run, list[dict]]) -> None:
    found = of(run, "satellite")
    labels = found.satellite.values.tolist()
    counted = side_by_side([tally(run[0], [receipt], GRID) for receipt in run[1]])
    every = each_standardised(counted, labels, 600)
    assert list(every) == [(label, name) for label in labels for name in ("REP", "CSS")]
    for (label, name), one in every.items():
        part = found.sel(satellite=label, event_class=name)
        told = [part.events_compared, part.events_expected, part.standardised_ratio]
        told += [part.standardised_ratio_lower, part.standardised_ratio_upper]
        np.testing.assert_equal([float(value) for value in told], list(astuple(one)[:5]))
        assert (one.bins, one.blocks) == (int(part.bins_compared), int(part.blocks_compared))
    assert each_standardised(together(counted), ["all"], 600) == {}


def test_hemispheres_see_the_same_sky(run: tuple[Run, list[dict]]) -> None:
    found = of(run, "hemisphere", ("N", "S"))
    assert found.attrs["bins_that_differ"] == 0
    assert found.common_share == 1
    assert 0.8 < float(found.standardised_ratio[0]) < 1.25


def test_it_is_of_what_is_chosen(run: tuple[Run, list[dict]]) -> None:
    found = of(run, "satellite", ("noaa18", "metop01"), hemispheres=("N",))
    assert found.attrs["chosen_hemispheres"] == "N"
    assert found.dwell_first.sum() * 2 == of(run, "satellite", ("noaa18", "metop01")).dwell_first.sum()


def test_too_few_blocks_are_told(run: tuple[Run, list[dict]]) -> None:
    with_few = of(run, "hemisphere", ("N", "S"), end=dt.date(2019, 12, 31))
    assert with_few.attrs["warning"].startswith(
        "nothing is tested: it needs 10 calendar blocks of 27 days in what is compared, there are"
    )
    assert "no interval" in tell(with_few)[0]
    with style(LETTERS["two"]):
        assert any("nothing is tested" in text for text in texts(contrast_figure(with_few, "REP")))


def test_blocks_of_what_is_not_compared_do_not_count(run: tuple[Run, list[dict]]) -> None:
    """Of 24 months two have six blocks at the most; all of them would be enough."""
    found = of(run, "month", ("01", "02"))
    assert int((found.significant >= 0).sum()) == 0
    assert "nothing is tested" in found.attrs["warning"]
    assert "nothing is tested" not in of(run, "month").attrs.get("warning", "")


def test_fine_bins_are_told(run: tuple[Run, list[dict]]) -> None:
    (axis,) = make_axes(("satellite",), run[1])
    fine = make_grid(np.array([2.0, 4.0]), np.array([0.0, 0.5, 24.0]))
    assert "bins of MLT under 1 h" in contrast(*run, fine, 600, axis).attrs["warning"]


@pytest.mark.parametrize(
    ("by", "pair", "words"),
    [
        (
            "satellite",
            ("noaa18", "noaa15"),
            "satellite has no part 'noaa15'; its parts are metop01, noaa18, noaa19",
        ),
        ("satellite", ("noaa18", "noaa18"), "noaa18 is compared with itself; name two parts of satellite"),
        (
            "SAA",
            ("without SAA", "with SAA"),
            "nothing was observed in part 'with SAA' of SAA; name two parts that were",
        ),
        ("SAA", None, "SAA has 1 part with anything in it, and no others to compare it with"),
    ],
)
def test_parts_that_are_not_there(
    run: tuple[Run, list[dict]], by: str, pair: tuple[str, str] | None, words: str
) -> None:
    with pytest.raises(SplitError, match=words):
        of(run, by, pair)


def test_nothing_chosen(run: tuple[Run, list[dict]]) -> None:
    with pytest.raises(LedgerError, match="no block of noaa15 that is done"):
        of(run, "satellite", ("noaa18", "metop01"), satellites=("noaa15",))


@pytest.mark.parametrize("pair", [("noaa18", "noaa19"), None])
def test_figures_can_be_read(run: tuple[Run, list[dict]], pair: tuple[str, str] | None) -> None:
    found = of(run, "satellite", pair)
    with style(LETTERS["two"]):
        figure = contrast_figure(found, "REP")
        assert overlapping(figure) == []
        assert outside(figure) == []
    assert len(figure.axes) == (8 if pair else 4)
    (dots,) = [c for c in figure.axes[4 if pair else 1].collections if c.get_label() == "dots"]
    part = found if pair else found.sel(satellite="noaa18")
    not_sure = (part.significant.values[0] != 1) & np.isfinite(part.event_rate_difference.values[0])
    assert len(dots.get_offsets()) == not_sure.sum() == (2 if pair else 3)


def test_files_are_written_and_read_back(
    run: tuple[Run, list[dict]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(run[0].ledger), "done", lambda _: iter(run[1]))
    day = {"satellite": "noaa18", "date": "2019-10-24"}
    days = {"missing": [day], "quarantined": [day, day], "deferred": [], "lost": []}
    surveyed = Surveyed([], {"ingest": days, "runs": {"demo": {"missing": [day]}}})  # type: ignore[typeddict-item]
    given = Work(run[0].root.parents[1]), run[0], GRID, 600, "apart"
    pair = ("noaa18", "noaa19")
    paths, words = make_difference(*given, Split(("satellite",)), pair, surveyed=surveyed)
    assert [path.name for path in paths] == ["apart.nc", "apart_REP.png", "apart_CSS.png"]
    stored = load_occurrence(paths[0], "demo")
    xr.testing.assert_allclose(stored, of(run, "satellite", pair))
    assert "4 more satellite-days are missing or quarantined" in " ".join(
        texts(contrast_figure(stored, "REP"))
    ).replace("\n", " ")
    assert words == tell(stored)
    first = paths[0].read_bytes()
    make_difference(*given, Split(("satellite",)), pair, surveyed=surveyed)
    assert paths[0].read_bytes() == first
    with pytest.raises(SplitError, match="a difference is of parts of one thing, not of satellite, season"):
        make_difference(*given, Split(("satellite", "season")), None)
