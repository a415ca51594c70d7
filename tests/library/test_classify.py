"""Data of one's own are classified exactly as the command does it, whatever they come in."""

import datetime as dt
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray as xr
from matplotlib.figure import Figure

import reprocess
from reprocess import Classification, classify
from reprocess.classifier.bundle import Bundle
from reprocess.detect.block import detect_block
from reprocess.detect.plan import Settings
from reprocess.detect.stage import claim, plan_detect
from reprocess.errors import DataError, ModelError, PlotError, RuleError
from reprocess.library.given import SPECS
from reprocess.plots.choice import view_event
from reprocess.plots.figure import draw_view
from reprocess.plots.view import Source
from reprocess.schema import CLASS_ARRAYS
from reprocess.work.asked import read_asked
from reprocess.work.layout import create_store
from reprocess.work.parts import read_events as read_parts
from reprocess.work.paths import Work
from reprocess.work.store import open_classes
from reprocess.work.whole import CLASSES_TITLE
from tests.detect.test_borders import MIDNIGHT, write_series
from tests.support.fake import granule_path, variables, write_granule
from tests.support.labelled import classify as by_command
from tests.support.labelled import ingest

MODES = pytest.mark.parametrize("mode", ["published", "continuous"])
FILES = (
    "2019/noaa15/poes_n15_20191024_proc.nc",
    "2019/noaa18/poes_n18_20191024_proc.nc",
    "2022/noaa19/poes_n19_20221019_proc.nc",
)
OF_RUN = ["run"]
"""Columns that only a run has."""


def same_events(found: pd.DataFrame, expected: pd.DataFrame, but: list[str] = OF_RUN) -> None:
    pd.testing.assert_frame_equal(
        found.drop(columns=but), expected.drop(columns=but), check_dtype=True, check_exact=True
    )


def same(found: Classification, work: Work, satellite: str, run: str, *, but: list[str] = OF_RUN) -> None:
    """Compare events, classes and probabilities with those of a run."""
    events = reprocess.read_events(work.root, run)
    of_satellite = events[events.satellite == satellite].reset_index(drop=True)
    assert len(of_satellite)
    same_events(found.events, of_satellite, but)
    store, archive = open_classes(work.run(run), satellite), reprocess.open_archive(work.root, satellite)
    rows: dict[str, list[np.ndarray]] = {"class": [], "probability": []}
    for day, count in zip(archive.day.to_numpy(), archive.record_count.to_numpy(), strict=True):
        index = int((day - np.datetime64("1998-01-01")) / np.timedelta64(1, "D"))
        for name, values in store.read_day(index, int(count), rows).items():
            rows[name].append(values)
    assert np.array_equal(found.classes, np.concatenate(rows["class"]))
    assert np.array_equal(found.probabilities, np.concatenate(rows["probability"], axis=1), equal_nan=True)


# --- the real days


@pytest.fixture(scope="module")
def real(shared: Path, published: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Work:
    work = ingest(shared / "archive", tmp_path_factory.mktemp("real"))
    for mode in ("published", "continuous"):
        by_command(work, published, mode)
    return work


@MODES
@pytest.mark.parametrize("file", FILES)
def test_a_real_file_gives_what_the_command_gives(
    real: Work, shared: Path, published: Bundle, mode: str, file: str
) -> None:
    path = shared / "archive" / file
    satellite = path.parent.name
    found = classify(path, model=published.name, mode=mode)
    run = f"{published.name}-{mode}"
    events = reprocess.read_events(real.root, run)
    if (events.satellite == satellite).any():
        same(found, real, satellite, run)
    else:
        assert found.events.empty
        assert list(found.events.columns) == list(events.columns)
    assert found.classes.sizes["time"] > 10_000


def test_some_real_day_has_events(real: Work, published: Bundle) -> None:
    assert len(reprocess.read_events(real.root, f"{published.name}-published")) == 2


# --- made-up days, over midnight


RULES = {"published": {}, "continuous": {"decode": "0.6", "significance": "0.05"}}
"""With these the network with random weights makes events of all lengths."""
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def work(short_record_axis: None, tmp_path_factory: pytest.TempPathFactory, random_model: Bundle) -> Work:
    """Two days with records on both sides of the midnight between them, and one day apart."""
    folder = tmp_path_factory.mktemp("days")
    write_series(folder / "archive", MIDNIGHT - 340 * 2000, 3)
    write_series(folder / "archive", MIDNIGHT + 2 * DAY_MS, 4)
    made = ingest(folder / "archive", folder / "work")
    for mode, rules in RULES.items():
        run = made.run(f"random-{mode}")
        settings = Settings(random_model.path, random_model.sha256, mode, "onnxruntime", True, True, rules)
        claim(run, settings)
        create_store(run.classes, ["noaa18"], CLASS_ARRAYS, CLASSES_TITLE)
        for plan in plan_detect(made, run, settings, read_asked(made.asked)):
            detect_block(plan)
    return made


def archive(work: Work) -> list[Path]:
    return sorted((work.root.parent / "archive").rglob("*.nc"))


def line(work: Work, **options: Any) -> xr.Dataset:
    return reprocess.records(work.root, "noaa18", "2019", "2019", **options)


@MODES
def test_the_made_up_days_have_events_that_a_day_alone_has_not(work: Work, mode: str) -> None:
    events = reprocess.read_events(work.root, f"random-{mode}")
    assert len(events) > 2
    assert (events.date != events.stop_date).any() == (mode == "continuous")
    assert set(events.date) == {"2019-10-22", "2019-10-23", "2019-10-25"}


@MODES
def test_files_of_several_days_are_one_series(work: Work, mode: str) -> None:
    same(
        classify(archive(work), model="random", mode=mode, rules=RULES[mode]),
        work,
        "noaa18",
        f"random-{mode}",
    )


ARRAYS = ["run", "source_sha256"]


def frame(work: Work) -> pd.DataFrame:
    ds = line(work, masked=False)
    columns = {"time": ds.time.to_numpy()}
    for name, spec in SPECS.items():
        if name == "time" or spec.sources == ():
            continue
        values = ds[name].to_numpy().reshape(len(spec.sources), -1)
        columns |= dict(zip(spec.sources, values, strict=True))
    columns["ifc_on"] = columns.pop("mep_IFC_on")  # filled already
    return pd.DataFrame(columns)


def in_tokyo(work: Work) -> pd.DataFrame:
    found = frame(work)
    return found.assign(time=found.time.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"))


def arrays(work: Work) -> dict[str, np.ndarray]:
    return {name: values.to_numpy() for name, values in frame(work).items()}


def in_milliseconds(work: Work) -> dict[str, np.ndarray]:
    found = arrays(work)
    return found | {"time": found["time"].astype("datetime64[ms]").astype(np.int64)}


INPUTS: dict[str, Any] = {
    "records": line,
    "records, sentinels kept": lambda work: line(work, masked=False),
    "records in another order of dimensions": lambda work: line(work).transpose("time", ...),
    "the archive by day": lambda work: reprocess.open_archive(work.root, "noaa18").compute(),
    "pandas": frame,
    "pandas with a zone": in_tokyo,
    "pandas by time": lambda work: frame(work).set_index("time"),
    "polars": lambda work: pl.from_pandas(frame(work)),
    "arrays": arrays,
    "milliseconds": in_milliseconds,
    "Dask": lambda work: line(work).chunk(time=500),
    "Dask by day": lambda work: reprocess.open_archive(work.root, "noaa18"),
}


@MODES
@pytest.mark.parametrize("kind", INPUTS)
def test_whatever_holds_the_records_gives_the_same(work: Work, mode: str, kind: str) -> None:
    found = classify(INPUTS[kind](work), model="random", mode=mode, satellite="noaa18", rules=RULES[mode])
    same(found, work, "noaa18", f"random-{mode}", but=OF_RUN if "day" in kind else ARRAYS)
    assert (found.classes.chunks is not None) == ("Dask" in kind)


@MODES
def test_few_windows_are_enough_for_the_events(work: Work, mode: str) -> None:
    dense, sparse = (
        classify(line(work), model="random", mode=mode, rules=RULES[mode], dense=d) for d in (True, False)
    )
    assert len(dense.events)
    assert (sparse.classes == -1).sum() > (dense.classes == -1).sum()
    known = sparse.classes >= 0
    assert np.array_equal(sparse.classes.where(known), dense.classes.where(known), equal_nan=True)
    same_events(sparse.events, dense.events, [])


def test_nothing_is_computed_of_dask_arrays_before_it_is_asked_for(work: Work) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("Dask was asked to compute")

    data = line(work).chunk(time=500)
    with dask.config.set(scheduler=refuse):
        found = classify(data, model="random", mode="continuous", rules=RULES["continuous"])
        with pytest.raises(AssertionError, match="Dask was asked to compute"):
            _ = found.events
    part = found.classes.sel(time="2019-10-23").to_numpy()
    assert part.size > 300
    whole = classify(line(work), model="random", mode="continuous").classes
    assert np.array_equal(part, whole.sel(time="2019-10-23"))


def test_noaas_file_as_xarray_opens_it(work: Work) -> None:
    path = archive(work)[0]
    expected = classify(path, model="random")
    with xr.open_dataset(path, engine="h5netcdf", decode_times=False, mask_and_scale=False) as ds:
        found = classify(ds, model="random", satellite="noaa18")
    same_events(found.events, expected.events, ["source_sha256"])
    assert np.array_equal(found.probabilities, expected.probabilities, equal_nan=True)


def test_an_index_that_is_called_time_is_the_time(work: Work) -> None:
    given = frame(work)
    milliseconds = given.assign(time=given.time.astype("datetime64[ms]").astype("int64")).set_index("time")
    expected = classify(given, model="random").events
    assert len(expected)
    same_events(classify(milliseconds, model="random").events, expected)


def test_only_what_an_event_needs_must_be_there(work: Work) -> None:
    whole = frame(work)
    least = whole[["time", *SPECS["electron_flux"].sources, "L_IGRF", "MLT", "lat", "lon"]]
    found = classify(least, model="random", satellite="noaa18")
    expected = classify(whole, model="random", satellite="noaa18")
    columns = ["start_time", "stop_time", "event_class", "L", "MLT", "probability"]
    assert len(expected.events)
    same_events(found.events[columns], expected.events[columns], [])


def test_simulated_data_are_flagged_where_they_say_so_or_the_user_does(work: Work) -> None:
    ds = line(work)
    for data, said in ((ds, True), (ds.assign_attrs(simulated="yes"), None)):
        assert (classify(data, model="random", simulated=said).events.origin == "simulated").all()
    assert (classify(ds, model="random").events.origin == "measured").all()


def test_rules_and_background_are_the_users(work: Work) -> None:
    def count(background: dict[str, float] | None = None, **rules: object) -> int:
        chosen = RULES["continuous"] | rules
        found = classify(line(work), model="random", mode="continuous", rules=chosen, background=background)
        return len(found.events)

    usual = count()
    assert count(length="10") < usual
    assert count({"2019-10": 1e6}) < usual


def test_progress_is_told_where_it_is_asked_for(work: Work, capfd: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[int, int]] = []
    classify(archive(work), model="random", progress=lambda *at: told.append(at))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert capfd.readouterr() == ("", "")


def test_the_result_says_what_it_is(work: Work) -> None:
    found = classify(line(work), model="random")
    assert found.classes.attrs["flag_meanings"] == "none REP CSS"
    assert found.probabilities.dims == ("event_class", "time")
    assert found.probabilities.event_class.values.tolist() == ["none", "REP", "CSS"]
    assert found.events.attrs["units"]["L_min"] == "1"
    assert found.events.attrs["mode"] == "published"
    assert found.events.start_time.dt.tz is None


@MODES
def test_an_event_is_drawn_as_the_command_draws_it(work: Work, mode: str) -> None:
    options = {"model": "random", "mode": mode, "rules": RULES[mode]}
    found = classify(line(work), **options)
    table = read_parts(run := work.run(f"random-{mode}"), run.ledger.done())
    mine = np.flatnonzero(table["satellite"] == "noaa18")
    for row in (0, len(mine) - 1):
        expected = view_event(Source(work, "noaa18", run, table), int(mine[row]))
        drawn = _lines(found.plot_event(row, counts=row == 0))
        assert drawn == _lines(draw_view(expected, "", counts=row == 0))
        assert sum(len(x) for x in drawn) > 0
    lazy = classify(line(work).chunk(time=500), **options)
    assert _lines(lazy.plot_event(0)) == _lines(found.plot_event(0))


def _lines(figure: Figure) -> list[list[list[float]]]:
    """Return what the curves of a figure go through."""
    return [
        [np.nan_to_num(line.get_xydata(), nan=-1.0).tolist() for line in axes.lines] for axes in figure.axes
    ]


def test_an_event_is_drawn_on_axes_of_ones_own(work: Work) -> None:
    found = classify(frame(work), model="random")
    figure = Figure()
    axes = figure.subplots(4)
    assert found.plot_event(0, axes=list(axes)) is figure
    assert all(one.has_data() for one in axes)
    assert found.plot_event(0).texts[0].get_text().startswith(f"{found.events.event_class[0]} event 1, peak")
    with pytest.raises(PlotError, match=r"no event in row 999: there are \d+, counted from 0"):
        found.plot_event(999)
    with pytest.raises(PlotError, match="drawn on 4 axes, 2 are given"):
        found.plot_event(0, axes=list(axes[:2]))


# --- refusals


def test_data_that_cannot_be_classified_are_told_with_what_is_missing(
    work: Work, random_model: Bundle
) -> None:
    good = dict(frame(work))
    n = len(good["time"])

    def wrong(match: str, data: Any, **options: Any) -> None:
        with pytest.raises(DataError, match=match):
            classify(data, model="random", **options)

    wrong(r"a list cannot be classified; give the path of a NOAA file", [1.0])
    wrong(
        r"lack mep_ele_tel0_flux_e1 to mep_ele_tel90_flux_e4 \(or electron_flux\); .*They have time",
        {"time": [1]},
    )
    wrong(r"the data lack time; .*They have none; rename", {})
    many = {f"v{k:03}": [0] for k in range(158)}
    wrong(r"They have v000, .*, v019 and 138 more; rename columns .*help\(reprocess.classify\)", many)
    wrong("there is no satellite 'sputnik'", good, satellite="sputnik")
    wrong(
        "times must increase, record 2 is not later",
        good | {"time": good["time"].to_numpy()[[0, 1, 1, *range(3, n)]]},
    )
    wrong("records are 16 s apart", {k: np.asarray(v)[::8] for k, v in good.items()})
    wrong(f"MLT has 7 values, time has {n}", good | {"MLT": np.zeros(7)})
    wrong("times are float64; give datetime64", good | {"time": np.arange(float(n))})
    wrong(
        r"1 record without a time \(NaT\)",
        good | {"time": good["time"].where(good["time"] != good["time"].max())},
    )
    wrong("outside the calendar from 1998-01-01 to 2029-12-31", good | {"time": 2000 * np.arange(n)})
    wrong("the data hold no record", {k: np.asarray(v)[:0] for k, v in good.items()})
    wrong(
        "on 2019-10-23: a day has 43,200",
        dict.fromkeys(good, np.zeros(45_000, np.float32))
        | {"time": pd.Timestamp("2019-10-23") + 1900 * np.arange(45_000) * np.timedelta64(1, "ms")},
    )
    by_day = reprocess.open_archive(work.root, "noaa18").drop_vars("record_count")
    wrong("needs record_count, as open_archive gives it", by_day)


def test_files_that_cannot_be_classified_are_told(work: Work, tmp_path: Path, random_model: Bundle) -> None:
    def wrong(match: str, data: Any, **options: Any) -> None:
        with pytest.raises(DataError, match=match):
            classify(data, model="random", **options)

    wrong(r"the name of mine\.nc does not tell satellite and day", "mine.nc")
    wrong("cannot be read: No such file", tmp_path / "poes_n18_20191024_proc.nc")
    (tmp_path / "poes_n18_20191024_proc.nc").write_bytes(b"nothing")
    wrong("cannot be used, not_hdf5", tmp_path / "poes_n18_20191024_proc.nc")
    first = archive(work)[0]
    wrong("is a second file of noaa18 2019-10-22", [first, first])
    other = granule_path(tmp_path / "a", "noaa15", "2019-10-24")
    write_granule(other, variables("noaa15", "2019-10-24", n=60))
    wrong("the files are of noaa15, noaa18; classify one satellite at a time", [first, other])
    wrong("the files are of noaa18; .* not as noaa19", first, satellite="noaa19")


def test_models_modes_and_rules_that_are_not_there_are_told(work: Work, random_model: Bundle) -> None:
    with pytest.raises(ModelError, match="there is no model 'nosuch'"):
        classify(line(work), model="nosuch")
    with pytest.raises(RuleError, match="there is no mode 'best'; use one of published, "):
        classify(line(work), model="random", mode="best")
    with pytest.raises(RuleError):
        classify(line(work), model="random", rules={"peak": "3"})


def test_calibration_flags_of_a_frame_are_carried_forward_as_in_files(work: Work) -> None:
    whole = frame(work)[:320].assign(time=np.datetime64("2019-10-23", "ms") + 2000 * np.arange(320))
    raw = np.full(320, -1, np.int8)
    raw[::16] = 0
    raw[160:192:16] = 1
    given = whole.drop(columns="ifc_on").assign(mep_IFC_on=raw)
    filled = whole.assign(ifc_on=np.repeat(raw[::16], 16))
    a, b, without = (
        classify(one, model="random", mode="continuous") for one in (given, filled, whole.assign(ifc_on=0))
    )
    assert np.array_equal(a.classes, b.classes)
    assert (a.classes == -1).sum() > (without.classes == -1).sum() + 30


def test_days_of_the_calendar_in_other_words(work: Work) -> None:
    days = classify(line(work), model="random").classes.time.dt.date
    assert set(days.values) == {dt.date(2019, 10, d) for d in (22, 23, 25)}
