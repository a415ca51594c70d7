import datetime as dt
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.io import netcdf_file
from scipy.stats import poisson

from reprocess.errors import FlagError, LedgerError
from reprocess.maps.axes import make_axes
from reprocess.maps.dials import limit_of, of_class
from reprocess.maps.exposure import BOUNDS, daily
from reprocess.maps.intervals import CALENDAR_BLOCK_DAYS, CONFIDENCE, MIN_BLOCKS, poisson_interval
from reprocess.maps.netcdf import encode
from reprocess.maps.occurrence import count_events, make_maps, read_maps, write_occurrence
from reprocess.maps.plain import of_dataset
from reprocess.schema import EVENT_COLUMNS, EVENT_FLAGS, RECORDS_OF, day_index
from reprocess.schema.grid import FINE, make_grid
from reprocess.work.choice import Choice
from reprocess.work.parts import DWELL, EVENTS, LATER, part_path, write_part
from reprocess.work.paths import Run
from tests.support.maps import occurrence, read_occurrence

MAP = make_grid(np.array([2.0, 4.0, 6.0]), np.array([0.0, 6.0, 12.0, 24.0]))
FIRST = dt.date(2019, 10, 1)

# --- intervals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0.0, 1.84), (1, 0.17, 3.30), (2, 0.71, 4.64), (3, 1.37, 5.92), (10, 6.89, 14.27)],
)
def test_known_intervals(count, low, high):
    # Gehrels (1986, ApJ 303, 336), tables of limits for 84.13 % one-sided.
    lower, upper = poisson_interval(np.array([count]), 0.6827)
    assert lower[0] == pytest.approx(low, abs=0.005)
    assert upper[0] == pytest.approx(high, abs=0.005)


def test_default_confidence():
    assert CONFIDENCE == 0.6827
    counts = np.arange(5)
    np.testing.assert_array_equal(poisson_interval(counts), poisson_interval(counts, 0.6827))
    assert (poisson_interval(counts, 0.95)[1] > poisson_interval(counts)[1]).all()


def test_interval_of_many_shapes():
    lower, upper = poisson_interval(np.arange(24).reshape(2, 3, 4))
    assert lower.shape == upper.shape == (2, 3, 4)
    assert lower[0, 0, 0] == 0
    assert (lower < np.arange(24).reshape(2, 3, 4) + 1e-12).all()
    assert np.isfinite(upper).all()


@pytest.mark.parametrize("confidence", [0.6827, 0.95])
def test_coverage_is_at_least_the_confidence(confidence):
    counts = np.arange(400)
    lower, upper = poisson_interval(counts, confidence)
    means = np.concatenate([np.linspace(0.01, 5, 200), np.linspace(5, 120, 200)])
    covered = (lower <= means[:, np.newaxis]) & (means[:, np.newaxis] <= upper)
    coverage = (poisson.pmf(counts, means[:, np.newaxis]) * covered).sum(axis=1)
    assert (coverage >= confidence - 1e-9).all()
    assert coverage.min() < confidence + 0.1  # exact, not merely wide
    # Central: neither tail takes more than its half.
    for missed in (means[:, np.newaxis] < lower, means[:, np.newaxis] > upper):
        tail = (poisson.pmf(counts, means[:, np.newaxis]) * missed).sum(axis=1)
        assert tail.max() <= (1 - confidence) / 2 + 1e-9


# --- counting ----------------------------------------------------------------------------------


def table(*events: tuple) -> pd.DataFrame:
    """Rows of (class, L, MLT, latitude, flags)."""
    names = ["event_class", "L", "MLT", "latitude", "quality_flags"]
    kinds = {"L": "float32", "MLT": "float32", "latitude": "float32", "quality_flags": "int32"}
    return pd.DataFrame(list(events), columns=names).astype(kinds)


def test_an_event_is_counted_once():
    events = table(
        ("REP", 2.5, 3, 60, 0),
        ("REP", 2.5, 3, -60, 0),  # hemispheres together
        ("REP", 4.0, 6, 60, 0),  # on edges: the bin above
        ("REP", 5.9, 24, 60, 0),  # midnight is MLT 0
        ("CSS", 2.5, 13, 60, 16 | 8 | 4 | 1),
    )
    counts, off = count_events(events, MAP)
    assert counts.tolist() == [[[2, 0, 0], [1, 1, 0]], [[0, 0, 1], [0, 0, 0]]]
    assert counts.dtype == np.int64
    assert off == 0
    assert counts.sum() == len(events)


@pytest.mark.parametrize(
    "event",
    [
        ("REP", 2.5, 3, 60, EVENT_FLAGS["L_interpolated"]),
        ("CSS", 2.5, 3, 60, EVENT_FLAGS["L_interpolated"] | EVENT_FLAGS["E4_missing"]),
        ("REP", 6.0, 3, 60, 0),
        ("REP", 1.99, 3, 60, 0),
        ("REP", -1.0, 3, 60, 0),
        ("CSS", 3.0, -1.0, 60, 0),
        ("CSS", np.nan, 3, 60, 0),
    ],
)
def test_events_off_the_map_are_left_out_and_counted(event):
    counts, off = count_events(table(event, ("REP", 2.5, 3, 60, 0)), MAP)
    assert off == 1
    assert counts.sum() == counts[0, 0, 0] == 1


def test_no_events():
    counts, off = count_events(table(), MAP)
    assert counts.shape == (2, 2, 3)
    assert counts.sum() == off == 0


def test_stored_L_of_an_edge():
    fine = make_grid(FINE.L_edges, np.array([0.0, 24.0]))
    events = table(*[("REP", i / 10, 0, 60, 0) for i in range(10, 150)])
    counts, off = count_events(events, fine)
    assert off == 0
    assert (counts[0] == 1).all()


# --- maps --------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "runs" / "demo")


def dates(n: int, step: int = 1) -> list[str]:
    return [(FIRST + dt.timedelta(days=k * step)).isoformat() for k in range(n)]


def write_block(
    run: Run,
    days: list[list[tuple]],
    events: list[tuple] = (),
    satellite: str = "noaa18",
    number: int = 247,
    step: int = 1,
) -> dict:
    """Write a block's parts; a day is a list of L, MLT, records, those in REP, CSS, and the flags of these.

    L is negative in the south. Days are `step` days apart.
    An event is (class, L, MLT, latitude, flags), and its date if not the first.
    """
    every = dates(len(days), step)
    rows = [
        (day, *r, *[0] * (8 - len(r))) for day, day_rows in zip(every, days, strict=True) for r in day_rows
    ]
    L, MLT = (np.array([r[k] for r in rows], np.float32) for k in (1, 2))
    cell = FINE.cell(np.abs(L), MLT, np.where(L < 0, -60, 60))
    counts = np.array([r[3:] for r in rows], np.int32).reshape(-1, 6).T
    numbers = np.array([day_index(dt.date.fromisoformat(r[0])) for r in rows], np.int32)
    dwell = {"day": numbers, "cell": cell.astype(np.int32)} | dict(
        zip((*RECORDS_OF.values(), *LATER["dwell"]), counts, strict=True)
    )
    blank = {"str": "", "time": 0}
    columns = {name: [blank.get(column.dtype, 0)] * len(events) for name, column in EVENT_COLUMNS.items()}
    for k, name in enumerate(("event_class", "L", "MLT", "latitude", "quality_flags")):
        columns[name] = [e[k] for e in events]
    columns["date"] = [e[5] if len(e) > 5 else every[0] for e in events]
    return {
        "satellite": satellite,
        "block": number,
        "days": {date: {"source_sha256": f"{satellite} {date}"} for date in every},
        "outputs": {
            "dwell": write_part(part_path(run.dwell, satellite, number), dwell, DWELL),
            "events": write_part(part_path(run.events, satellite, number), columns, EVENTS),
        },
    }


def a_map(run: Run, min_dwell_s: float = 1000) -> xr.Dataset:
    day = [(2.5, 3, 100, 10, 0), (2.5, 7, 10, 0, 5), (5.0, 3, 50, 0, 0)]
    events = [
        ("REP", 2.5, 3, 60, 0),
        ("REP", 2.6, 3, -60, 0),
        ("CSS", 2.5, 7, 60, 0),
        ("REP", 2.5, 3, 60, EVENT_FLAGS["L_interpolated"]),
    ]
    return occurrence(run, [write_block(run, [day] * 10, events)], MAP, min_dwell_s)


def test_rates_and_fractions(run):
    ds = a_map(run)
    assert ds.event_class.values.tolist() == ["REP", "CSS"]
    assert ds.dwell.values.tolist() == [[2000, 200, 0], [1000, 0, 0]]
    assert ds.events.values.tolist() == [[[2, 0, 0], [0, 0, 0]], [[0, 1, 0], [0, 0, 0]]]
    assert ds.event_rate.values[0, 0, 0] == pytest.approx(2 / (2000 / 3600))
    assert ds.event_rate_poisson_lower.values[0, 0, 0] == pytest.approx(0.708 * 1.8, rel=1e-3)
    assert ds.event_rate_poisson_upper.values[0, 0, 0] == pytest.approx(4.638 * 1.8, rel=1e-3)
    assert ds.precipitation.values[0, 0].tolist() == [200, 0, 0]
    assert ds.precipitation.values[1, 0].tolist() == [0, 100, 0]
    assert ds.occurrence_fraction.values[0, 0, 0] == 0.1
    assert ds.attrs["events_off_map"] == 1
    assert ds.attrs["min_dwell_s"] == 1000


def test_a_flag_is_left_out_of_events_and_of_time_alike(run):
    """In one bin: 100 records in the Anomaly, 60 elsewhere; an event in either, and a doubtful one."""
    saa, low = EVENT_FLAGS["SAA"], EVENT_FLAGS["low_probability"]
    day = [
        (2.5, 3, 90, 0, 0, saa),
        (2.5, 3, 10, 10, 0, saa, saa),  # of the event with its peak in the Anomaly
        (2.5, 3, 4, 4, 0, 0, saa),  # of the same event, outside of it
        (2.5, 3, 40, 0, 0),
        (2.5, 3, 6, 6, 0),
        (2.5, 3, 7, 0, 7, 0, 0, low),
        (2.5, 3, 3, 0, 3, saa, 0, low),
    ]
    events = [("REP", 2.5, 3, 60, saa), ("REP", 2.5, 3, 60, 0), ("CSS", 2.5, 3, 60, low)]
    receipts = [write_block(run, [day], events)]

    def found(*exclude: str) -> tuple[list[int], list[float], list[float]]:
        ds = occurrence(run, receipts, MAP, 0, Choice(exclude))
        assert ds.attrs.get("excluded_flags", "").split() == list(exclude)
        at = {"L": 0, "MLT": 0}
        return [
            ds.events.isel(at).values.tolist(),
            float(ds.dwell.isel(at)) / 2,
            (ds.precipitation.isel(at).values / 2).tolist(),
        ]

    assert found() == [[2, 1], 160, [20, 10]]
    assert found("SAA") == [[1, 1], 57, [6, 7]]
    assert found("low_probability") == [[2, 0], 160, [20, 0]]
    assert found("SAA", "low_probability") == [[1, 0], 57, [6, 0]]
    assert daily(run, receipts, MAP, Choice(("SAA",)))["dwell"].sum() == 2 * 57


def test_the_order_and_number_of_times_that_a_flag_is_named_tell_nothing() -> None:
    assert Choice(("low_probability", "SAA", "SAA")) == Choice(("SAA", "low_probability"))
    assert Choice().attributes == {}
    assert Choice().words == ""
    assert Choice(("SAA", "calibration")).words == "without calibration, SAA"


def test_a_flag_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(FlagError, match="no flag 'anomaly'; flags are\n  calibration: an in-flight"):
        Choice(("SAA", "anomaly"))


def test_thin_bins_are_missing_not_zero(run):
    ds = a_map(run, min_dwell_s=1000)
    thin = np.array([[False, True, True], [False, True, True]])
    names = ["event_rate", "event_rate_poisson_lower", "event_rate_poisson_upper", "occurrence_fraction"]
    for name in names:
        for values in ds[name].values:
            np.testing.assert_array_equal(np.isnan(values), thin, err_msg=name)
    # A seen bin without an event has a rate of zero, and a Poisson interval that is not empty.
    assert ds.event_rate.values[0, 1, 0] == ds.event_rate_poisson_lower.values[0, 1, 0] == 0
    assert ds.event_rate_poisson_upper.values[0, 1, 0] == pytest.approx(1.841 * 3.6, rel=1e-3)
    assert ds.occurrence_fraction.values[0, 1, 0] == 0
    # Counts and dwell stay, whatever the bin.
    assert ds.events.values[1, 0, 1] == 1
    assert ds.dwell.values[0, 1] == 200


@pytest.mark.parametrize(("minimum", "masked"), [(200, False), (200.1, True), (0, False), (-5, False)])
def test_minimum_dwell_is_inclusive(run, minimum, masked):
    ds = a_map(run, minimum)
    assert np.isnan(ds.event_rate.values[1, 0, 1]) == masked
    assert np.isnan(ds.event_rate.values[:, 0, 2]).all()  # never seen


def test_a_month_has_no_intervals_and_says_so(run):
    ds = a_map(run)
    assert ds.attrs["interval_blocks"] == 1
    assert ds.attrs["interval_note"].startswith(
        "no intervals: they need 10 calendar blocks of 27 days, there are 1"
    )
    for name in ("event_rate", "occurrence_fraction", "rep_share"):
        for which in ("lower", "upper"):
            assert np.isnan(ds[f"{name}_{which}"]).all()
    assert np.isfinite(ds.event_rate_poisson_upper).any()


def many_blocks(run: Run, count: int, satellites: int = 1, first: int = 1000) -> list[dict]:
    """A day in each calendar block: half of them are all precipitation, with two events."""
    days = [[(2.5, 3, 1000 if k else first, 1000 * (k % 2), 0)] for k in range(count)]
    every = dates(count, CALENDAR_BLOCK_DAYS)
    events = [("REP", 2.5, 3, 60, 0, date) for date in every[1::2] for _ in range(2)]
    return [
        write_block(run, days, events, name, step=CALENDAR_BLOCK_DAYS)
        for name in ("noaa18", "noaa19", "metop01")[:satellites]
    ]


def test_a_map_of_blocks_in_part_says_that_it_has_no_interval(run):
    ds = occurrence(run, many_blocks(run, MIN_BLOCKS, first=400), MAP, 60)
    assert ds.blocks.max() == ds.attrs["interval_blocks"] == MIN_BLOCKS
    assert not np.isfinite(ds.event_rate_lower).any()
    assert ds.attrs["interval_note"].startswith("no intervals: no bin has the dwell of 10 calendar blocks")
    np.testing.assert_array_equal(limit_of(ds, "lower"), ds.event_rate_poisson_lower)


def test_parts_without_an_interval_are_named_where_others_have_one(run):
    long, short = many_blocks(run, MIN_BLOCKS), many_blocks(run, MIN_BLOCKS, 2)[1:]
    few = write_block(run, [[(2.5, 3, 1000, 0, 0)]], [("REP", 2.5, 3, 60, 0, dates(1)[0])], "metop01")
    ds = occurrence(run, [*long, few], MAP, 60, axes=make_axes(("satellite",), [*long, few]))
    assert "no intervals in metop01: too few" in ds.attrs["warning"]
    assert "noaa18" not in ds.attrs["warning"]
    both = occurrence(run, [*long, *short], MAP, 60, axes=make_axes(("satellite",), [*long, *short]))
    assert "no intervals" not in both.attrs.get("warning", "")
    none = occurrence(run, [few], MAP, 60, axes=make_axes(("satellite",), [few]))
    assert "interval_note" in none.attrs
    assert "no intervals" not in none.attrs.get("warning", "")


@pytest.mark.parametrize("count", [MIN_BLOCKS - 1, MIN_BLOCKS])
def test_few_calendar_blocks_have_no_interval(run, count):
    ds = occurrence(run, many_blocks(run, count), MAP, 60)
    assert ds.attrs["interval_blocks"] == ds.blocks.values[0, 0] == count
    assert ("interval_note" in ds.attrs) == (count < MIN_BLOCKS)
    for name in ("event_rate", "occurrence_fraction"):
        assert np.isfinite(ds[name].values[0, 0, 0])
        for which in ("lower", "upper"):
            assert np.isnan(ds[f"{name}_{which}"].values[0, 0, 0]) == (count < MIN_BLOCKS)


def test_intervals_are_over_calendar_blocks_that_satellites_share(run):
    alone, three = (occurrence(run, many_blocks(run, 20, n), MAP, 60) for n in (1, 3))
    for ds in (alone, three):
        low, high = (float(ds[f"occurrence_fraction_{x}"][0, 0, 0]) for x in ("lower", "upper"))
        assert ds.occurrence_fraction.values[0, 0, 0] == 0.5
        # Half of twenty blocks: over records, or over the satellites' days, it would be far too narrow.
        assert high - low == pytest.approx(1 / 19**0.5, rel=0.15)
        assert 0.5 - low == pytest.approx(high - 0.5, rel=0.2)
    width = (alone.event_rate_upper - alone.event_rate_lower).values[0, 0, 0]
    assert (three.event_rate_upper - three.event_rate_lower).values[0, 0, 0] == pytest.approx(width)
    # Twenty blocks of 0 and 2 events: the mean of (n - 1)^2 / 1 over 19.
    assert alone.event_dispersion.values[0, 0, 0] == pytest.approx(20 / 19)
    assert three.event_dispersion.values[0, 0, 0] == pytest.approx(3 * 20 / 19)
    assert np.isnan(alone.event_dispersion.values[1, 0, 0])


def test_the_share_of_one_class(run):
    days = [[(2.5, 3, 1000, 0, 0)] for _ in range(20)]
    every = dates(20, CALENDAR_BLOCK_DAYS)
    events = [(("REP", "REP", "CSS")[k % 3], 2.5, 3, 60, 0, date) for k, date in enumerate(every * 4)]
    ds = occurrence(run, [write_block(run, days, events, step=CALENDAR_BLOCK_DAYS)], MAP, 60)
    share, low, high = (float(ds[f"rep_share{x}"][0, 0]) for x in ("", "_lower", "_upper"))
    assert share == pytest.approx(54 / 80)
    assert low < share < high < 1
    assert np.isnan(ds.rep_share.values[1]).all()


def test_satellites_are_added(run):
    day = [(2.5, 3, 1000, 10, 0)]
    event = [("REP", 2.5, 3, 60, 0)]
    records = [
        write_block(run, [day] * 6, event, "noaa18", 247),
        write_block(run, [day] * 6, event, "metop01", 247),
    ]
    ds = occurrence(run, records, MAP, 60)
    assert ds.attrs["satellites"] == "metop01 noaa18"
    assert ds.attrs["satellite_days"] == 12
    assert ds.events.values[0, 0, 0] == 2
    assert ds.dwell.values[0, 0] == 24_000
    xr.testing.assert_identical(occurrence(run, records[::-1], MAP, 60), ds)


def test_without_a_done_block(run):
    with pytest.raises(LedgerError, match="run 'demo' has no block that is done; run detect first"):
        occurrence(run, [], MAP, 60)


def test_a_damaged_part(run):
    record = write_block(run, [[(2.5, 3, 1000, 10, 0)]])
    part_path(run.events, "noaa18", 247).write_bytes(b"other")
    with pytest.raises(LedgerError, match=r"delete \S+/ledger/noaa18/0247\.json and repeat the command"):
        occurrence(run, [record], MAP, 60)


# --- the file ----------------------------------------------------------------------------------


def test_metadata(run):
    run.describe(
        {"model": "m", "model_sha256": "ab", "mode": "published", "engine": "e", "code_version": "1"}
    )
    write_occurrence(run.occurrence, a_map(run))
    ds = xr.load_dataset(run.occurrence, engine="scipy").set_coords(BOUNDS)
    assert ds.attrs["Conventions"] == "CF-1.11, ACDD-1.3"
    wanted = {"run": "demo", "model": "m", "model_sha256": "ab", "rules": "published", "engine": "e"}
    assert {k: ds.attrs[k] for k in wanted} == wanted
    assert ds.attrs["time_coverage_start"] == "2019-10-01"
    assert ds.attrs["time_coverage_end"] == "2019-10-10"
    assert ds.attrs["interval_coverage"] == 0.6827
    assert "Selesnick" in ds.attrs["comment"]
    for name, variable in ds.data_vars.items():
        assert variable.attrs["long_name"], name
    units = {
        name: ds[name].attrs["units"] for name in ("events", "dwell", "event_rate", "occurrence_fraction")
    }
    assert units == {"events": "1", "dwell": "s", "event_rate": "h-1", "occurrence_fraction": "1"}
    for name, edges in (("L", MAP.L_edges), ("MLT", MAP.MLT_edges)):
        bounds = ds[ds[name].attrs.get("bounds", ds[name].encoding.get("bounds"))].values
        np.testing.assert_array_equal(np.append(bounds[:, 0], bounds[-1, 1]), edges)
        assert ds[name].attrs["units"]


def test_bounds_stand_in_the_file_itself(run):
    write_occurrence(run.occurrence, a_map(run))
    with netcdf_file(run.occurrence, mmap=False) as file:
        for name in ("L", "MLT"):
            assert file.variables[name].bounds == f"{name}_bounds".encode()
            assert file.variables[f"{name}_bounds"].shape == (file.variables[name].shape[0], 2)


def test_fill_values_are_numbers_and_only_where_values_are_missing(run):
    write_occurrence(run.occurrence, a_map(run))
    with netcdf_file(run.occurrence, mmap=False) as file:
        assert not hasattr(file, "coordinates")
        filled = {name for name, variable in file.variables.items() if hasattr(variable, "_FillValue")}
        assert {name for name in filled if not name.startswith(("event_", "occurrence_", "rep_"))} == set()
        assert {"event_rate", "event_rate_lower", "occurrence_fraction", "rep_share"} <= filled
        for name in filled:
            assert np.isfinite(file.variables[name]._FillValue)
            assert np.isfinite(file.variables[name][:]).all()


def test_a_file_of_0_1_0_reads_as_the_same_maps(run):
    """MLT is in "hour" there, the fill value of every float is NaN, and an attribute names the bounds."""
    maps = a_map(run)
    old = maps.copy()
    old.MLT.attrs["units"] = "hour"
    run.occurrence.parent.mkdir(exist_ok=True)
    old.to_netcdf(run.occurrence, engine="scipy", format="NETCDF3_64BIT")
    with netcdf_file(run.occurrence, mmap=False) as file:
        assert np.isnan(file.variables["MLT"]._FillValue)
        assert file.coordinates == b"L_bounds MLT_bounds"
    again = read_occurrence(run)
    assert set(again.coords) == set(maps.coords)
    assert again.MLT.dtype == np.float64
    for name in maps.variables:
        if name != "event_class":
            np.testing.assert_array_equal(again[name].values, maps[name].values)
            np.testing.assert_array_equal(read_maps(run)[name].values, maps[name].values)


def test_round_trip(run):
    ds = a_map(run)
    write_occurrence(run.occurrence, ds)
    again = read_occurrence(run)
    assert set(again.coords) == set(ds.coords)
    assert set(again.data_vars) == set(ds.data_vars)
    for name in ds.data_vars:
        np.testing.assert_array_equal(again[name].values, ds[name].values)
    assert again.event_class.values.astype(str).tolist() == ["REP", "CSS"]


def test_dwell_of_decades_fits_the_format(run):
    # Eight satellites for ten years in one bin: more seconds than 32 bits hold.
    days = [[(2.5, 3, 600_000_000, 10, 0)]] * 2
    write_occurrence(run.occurrence, occurrence(run, [write_block(run, days)], MAP, 60))
    assert xr.load_dataset(run.occurrence, engine="scipy").dwell.values[0, 0] == 2.4e9


def test_the_same_maps_are_the_same_bytes(run):
    write_occurrence(run.occurrence, a_map(run))
    first = run.occurrence.read_bytes()
    time.sleep(1.1)  # longer than the resolution of a time that might be stored
    write_occurrence(run.occurrence, a_map(run))
    assert run.occurrence.read_bytes() == first
    write_occurrence(run.occurrence, a_map(run, min_dwell_s=100))
    assert run.occurrence.read_bytes() != first


@pytest.mark.parametrize(
    "content", [b"", b"x\n", b"CDF\x02", b"CDF\x02" + bytes(40), b"\x89HDF\r\n\x1a\n" + bytes(90)]
)
def test_maps_that_are_damaged_are_named_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    run = Run(tmp_path / "r")
    run.root.mkdir()
    run.occurrence.write_bytes(content)
    for read in (read_occurrence, read_maps):
        with pytest.raises(
            LedgerError, match=r"occurrence\.nc is damaged .* reprocess map WORK --run r makes it again"
        ):
            read(run)


def test_maps_that_do_not_tell_their_bins_are_refused(run):
    write_occurrence(run.occurrence, a_map(run).drop_vars("MLT_bounds"))
    for read in (read_occurrence, read_maps):
        with pytest.raises(LedgerError, match=r"is damaged .* makes it again"):
            read(run)


def test_a_command_makes_the_same_maps_without_xarray(run):
    receipts = many_blocks(run, MIN_BLOCKS, first=400)
    plain, of_xarray = make_maps(run, receipts, MAP, 60), occurrence(run, receipts, MAP, 60)
    assert of_dataset(of_xarray).coordinates == plain.coordinates == [*of_xarray.coords]
    assert encode(plain) == encode(of_xarray)
    chosen = of_xarray.sel(event_class="CSS", drop=True)
    for maps in (plain, of_xarray):
        one = of_class(maps, "CSS")
        assert set(one.variables) == set(chosen.variables)
        for name, values in chosen.variables.items():
            assert one[name].dims == values.dims
            np.testing.assert_array_equal(one[name].values, values.values)
    assert plain.of_classes(["CSS"]).dataset().identical(of_xarray.sel(event_class=["CSS"]))


def test_the_page_reads_the_maps_that_xarray_does(run):
    made = make_maps(run, many_blocks(run, MIN_BLOCKS, first=400), MAP, 60)
    write_occurrence(run.occurrence, made)
    plain, of_xarray = read_maps(run), read_occurrence(run)
    assert set(plain.coordinates) == set(of_xarray.coords)
    assert plain.attrs == of_xarray.attrs
    for maps in (of_xarray, made):
        assert set(plain.variables) == set(maps.variables)
        for name, values in maps.variables.items():
            assert plain[name].dims == values.dims
            np.testing.assert_array_equal(plain[name].values, values.values)
    assert {name: one.attrs for name, one in plain.variables.items()} == {
        name: one.attrs for name, one in of_xarray.variables.items()
    }
    run.occurrence.write_bytes(run.occurrence.read_bytes()[:900])
    with pytest.raises(LedgerError, match=r"is damaged .*; reprocess map WORK --run"):
        read_maps(run)
    run.occurrence.unlink()
    with pytest.raises(LedgerError, match="has no maps yet"):
        read_maps(run)
