"""Splits: every event and every second is in exactly one part, and the parts add up to the whole."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from reprocess.errors import LedgerError, SplitError
from reprocess.maps.axes import make_axes
from reprocess.maps.occurrence import write_occurrence
from reprocess.maps.split import NAMES, bin_edges, bin_labels, in_bins, make_axis
from reprocess.schema import EVENT_FLAGS
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.paths import Run
from tests.maps.test_occurrence import MAP, dates, write_block
from tests.support.maps import occurrence

SAA = EVENT_FLAGS["SAA"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[dict]]:
    """Two satellites over two years, days of both hemispheres, some of it in the Anomaly."""
    run = Run(tmp_path_factory.mktemp("work") / "runs" / "demo")
    rng = np.random.default_rng(5)
    receipts = []
    for name in ("noaa18", "metop01"):
        days = [
            [
                (
                    rng.choice([-1, 1]) * rng.uniform(2, 7),
                    rng.uniform(0, 24),
                    int(r),
                    int(r) // 3,
                    int(r) // 7,
                    flag,
                    flag,
                    0,
                )
                for r, flag in zip(rng.integers(0, 500, 6), [0, 0, SAA, 0, SAA, 0], strict=True)
            ]
            for _ in range(30)
        ]
        every = dates(30, 25)
        events = [
            (kind, rng.uniform(2, 7), rng.uniform(0, 24), sign * 60, flag, every[int(rng.integers(30))])
            for kind in ("REP", "CSS")
            for sign in (-1, 1)
            for flag in (0, SAA, EVENT_FLAGS["L_interpolated"])
            for _ in range(5)
        ]
        receipts.append(write_block(run, days, events, name, step=25))
    return run, receipts


SPLITS = [
    *((name,) for name in NAMES if name != "epoch"),
    ("SAA",),
    ("hemisphere", "season"),
    ("satellite", "year", "SAA"),
]


@pytest.mark.parametrize("names", SPLITS, ids="-".join)
def test_parts_add_up_to_the_second_and_to_the_event(
    whole: tuple[Run, list[dict]], names: tuple[str, ...]
) -> None:
    run, receipts = whole
    axes = make_axes(names, receipts)
    parts, all_ = occurrence(run, receipts, MAP, 60, axes=axes), occurrence(run, receipts, MAP, 60)
    for name in ("events", "dwell", "precipitation"):
        summed = parts[name].sum(names)
        np.testing.assert_array_equal(summed, all_[name])
        assert float(summed.sum()) > 0
    assert (parts.dwell.sum(("L", "MLT")) > 0).sum() > 1, "it is split"
    assert parts.attrs["split_by"] == " ".join(names)
    for axis in axes:
        assert tuple(parts[axis.name].values.tolist()) == axis.labels


@given(
    st.lists(st.floats(-10, 10), min_size=2, max_size=6, unique=True).map(sorted),
    st.lists(st.one_of(st.floats(-12, 12), st.just(np.nan)), max_size=20),
)
def test_a_value_is_in_the_bin_that_its_label_says(edges: list[float], values: list[float]) -> None:
    limits = np.array(edges)
    labels = bin_labels(limits, "nT")
    for value, part in zip(values, in_bins(np.array(values, float), limits).tolist(), strict=True):
        if np.isnan(value):
            assert labels[part] == "no value"
        elif part < len(edges) - 1:
            assert edges[part] <= value
            assert value < edges[part + 1] or (part == len(edges) - 2 and value == edges[-1])
        else:
            assert labels[part] == ("below all bins" if value < edges[0] else "above all bins")


def test_the_last_bin_has_its_upper_edge() -> None:
    edges = np.array([0.0, 2, 4, 9])
    assert in_bins(np.array([9.0, 4.0, 0.0, 9.1, -1.0, np.nan]), edges).tolist() == [2, 2, 0, 4, 3, 5]


def test_a_property_splits_events_against_all_the_time(whole: tuple[Run, list[dict]]) -> None:
    run, receipts = whole
    axes = make_axes(("hemisphere", "latitude"), receipts, ("-90", "0", "90"))
    parts, all_ = occurrence(run, receipts, MAP, 60, axes=axes), occurrence(run, receipts, MAP, 60)
    np.testing.assert_array_equal(parts.events.sum(("hemisphere", "latitude")), all_.events)
    for label in parts.latitude.values:
        np.testing.assert_array_equal(parts.dwell.sel(latitude=label).sum("hemisphere"), all_.dwell)
    assert float(parts.events.sel(hemisphere="N", latitude="-90 to 0 degrees_north").sum()) == 0
    assert "occurrence_fraction" not in parts
    assert "precipitation" not in parts


def test_edges_of_a_property_are_as_precise_as_it_is(whole: tuple[Run, list[dict]]) -> None:
    """In single precision 5.1 is less than 5.1 is in double: an event there is not below the edge."""
    (axis,) = make_axes(("L_min",), whole[1], ("2", "5.1", "6.1", "9"))
    events = pd.DataFrame({"L_min": np.array([5.1, 6.1, 5.0999], np.float32)})
    assert [axis.labels[k] for k in axis.of_events(events)] == ["5.1 to 6.1", "6.1 to 9", "2 to 5.1"]
    (whole_numbers,) = make_axes(("start_index",), whole[1], ("0", "2.5", "9"))
    assert whole_numbers.of_events(pd.DataFrame({"start_index": [2, 3]})).tolist() == [0, 1]


def test_hemispheres_and_seasons(whole: tuple[Run, list[dict]]) -> None:
    run, receipts = whole
    axes = make_axes(("season", "local_season", "hemisphere"), receipts)
    ds = occurrence(run, receipts, MAP, 60, axes=axes)
    dwell = ds.dwell.sum(("L", "MLT"))
    for season, other in (
        ("winter", "summer"),
        ("spring", "autumn"),
        ("summer", "winter"),
        ("autumn", "spring"),
    ):
        north = dwell.sel(hemisphere="N", season=season)
        assert float(north.sum()) == float(north.sel(local_season=season)) > 0
        assert float(dwell.sel(hemisphere="S", season=season).drop_sel(local_season=other).sum()) == 0


def test_epochs(whole: tuple[Run, list[dict]]) -> None:
    run, receipts = whole
    axes = make_axes(("epoch",), receipts, ("2020-01-01", "2021-01-01"))
    assert axes[0].labels == ("before 2020-01-01", "2020-01-01 to 2021-01-01", "from 2021-01-01")
    by_epoch = occurrence(run, receipts, MAP, 60, axes=axes)
    by_year = occurrence(run, receipts, MAP, 60, axes=make_axes(("year",), receipts))
    np.testing.assert_array_equal(by_epoch.dwell.values, by_year.dwell.values)
    np.testing.assert_array_equal(by_epoch.events.values, by_year.events.values)


def test_empty_parts_and_fine_bins_are_told(whole: tuple[Run, list[dict]]) -> None:
    run, receipts = whole
    axes = make_axes(("epoch",), receipts, ("2001-01-01",))
    assert (
        occurrence(run, receipts, MAP, 60, axes=axes).attrs["warning"]
        == "no dwell in epoch before 2001-01-01"
    )
    fine = replace(MAP, MLT_edges=np.array([0.0, 0.5, 24.0]))
    assert "bins of MLT under 1 h" in occurrence(run, receipts, fine, 60).attrs["warning"]
    assert "warning" not in occurrence(run, receipts, MAP, 60).attrs


@pytest.mark.parametrize(
    ("names", "edges", "message"),
    [
        (("weather",), (), "a map cannot be split by 'weather'; it can by satellite, year"),
        (("model",), ("1", "2"), "a map cannot be split by 'model'"),
        (("year", "year"), (), "split by each thing once"),
        (("duration_s", "L_max"), ("1", "2"), "duration_s and L_max both need --bins"),
        (("year",), ("1", "2"), "year have parts of their own"),
        (("duration_s",), (), "duration_s needs bins: --bins"),
        (("duration_s",), ("1", "x"), "bins of duration_s need numbers"),
        (("duration_s",), ("2", "1"), "edges of bins must increase"),
        (("duration_s",), ("1", "1"), "edges of bins must increase"),
        (("duration_s",), ("1", "inf"), "edges of bins must increase"),
        (("L_min",), ("5.1", "5.10000001", "6"), "edges of bins must increase"),
        (("e4_ratio_0_90",), ("1", "1e39"), "edges of bins must increase"),
        (("L",), ("3", "5"), "L is what a map's bins are of; choose them with --l-edges"),
        (("MLT",), ("0", "12", "24"), "MLT is what a map's bins are of; choose them with --mlt-edges"),
        (("epoch",), (), "dates of epochs must increase and be one at least, got none"),
        (("epoch",), ("2020-01-01", "2019-01-01"), "dates of epochs must increase"),
        (("epoch",), ("2020",), "an epoch begins with a date"),
    ],
)
def test_splits_that_cannot_be(
    whole: tuple[Run, list[dict]], names: tuple[str, ...], edges: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SplitError, match=message):
        make_axes(names, whole[1], edges)


def test_nothing_to_split() -> None:
    with pytest.raises(SplitError, match="there is no day to split by year"):
        make_axis("year", [], np.empty(0, int))


CHOICES = {
    "satellite": Choice(satellites=("noaa18",)),
    "year": Choice(start=dt.date(2020, 1, 1), end=dt.date(2020, 12, 31)),
    "hemisphere": Choice(hemispheres=("S",)),
}


@pytest.mark.parametrize("name", CHOICES)
def test_a_selection_is_the_part_of_a_split(whole: tuple[Run, list[dict]], name: str) -> None:
    run, receipts = whole
    label = {"satellite": "noaa18", "year": "2020", "hemisphere": "S"}[name]
    chosen = occurrence(run, receipts, MAP, 60, CHOICES[name])
    part = occurrence(run, receipts, MAP, 60, axes=make_axes((name,), receipts)).sel({name: label})
    for variable in ("events", "dwell", "precipitation", "event_rate"):
        np.testing.assert_array_equal(chosen[variable], part[variable])
    assert any(key.startswith("chosen_") for key in chosen.attrs)
    assert CHOICES[name].words


def test_a_class_alone(whole: tuple[Run, list[dict]]) -> None:
    run, receipts = whole
    one, both = (
        occurrence(run, receipts, MAP, 60, Choice(classes=("CSS",))),
        occurrence(run, receipts, MAP, 60),
    )
    assert one.event_class.values.tolist() == ["CSS"]
    np.testing.assert_array_equal(one.events, both.events.sel(event_class=["CSS"]))
    np.testing.assert_array_equal(one.rep_share, both.rep_share)


def test_a_selection_of_nothing_is_named(whole: tuple[Run, list[dict]]) -> None:
    with pytest.raises(LedgerError, match="has no block of noaa15 that is done"):
        occurrence(*whole, MAP, 60, Choice(satellites=("noaa15",)))
    assert EVERYTHING.words == ""


def test_the_file_has_the_same_bytes_and_labels(whole: tuple[Run, list[dict]], tmp_path: Path) -> None:
    run, receipts = whole
    axes = make_axes(("hemisphere", "year"), receipts)
    ds = occurrence(run, receipts, MAP, 60, axes=axes)
    assert 0 < ds.attrs["hemispheres_common_share"] <= 1
    write_occurrence(tmp_path / "a.nc", ds)
    write_occurrence(tmp_path / "b.nc", ds)
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    with xr.open_dataset(tmp_path / "a.nc", engine="scipy") as again:
        assert again.events.dims == ("hemisphere", "year", "event_class", "L", "MLT")
        assert again.year.values.astype(str).tolist() == ["2019", "2020", "2021"]
        np.testing.assert_array_equal(again.dwell, ds.dwell)


def test_bins_that_are_no_numbers() -> None:
    with pytest.raises(SplitError, match="need numbers"):
        bin_edges("kp", ["a", "b"])
