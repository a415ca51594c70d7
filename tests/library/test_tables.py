"""Events and maps of a run, read as a library."""

import datetime as dt
import multiprocessing.process
import socket
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner

import reprocess
from reprocess.classifier.bundle import Bundle
from reprocess.cli import main
from reprocess.errors import ComparisonError, GridError, LedgerError, SplitError
from reprocess.maps.stage import make_map
from reprocess.schema import EVENT_COLUMNS
from reprocess.schema.grid import make_grid
from reprocess.work.parts import read_events as read_parts
from reprocess.work.paths import Work
from tests.support.labelled import classify, ingest
from tests.support.web import NoaaServer

EDGES = {"L_edges": [2.5, 4, 6, 8.5], "MLT_edges": [0, 6, 12, 18, 24]}


@pytest.fixture(scope="module")
def work(
    short_record_axis: None,
    fake_archive: Path,
    random_model: Bundle,
    tmp_path_factory: pytest.TempPathFactory,
) -> Work:
    made = ingest(fake_archive, tmp_path_factory.mktemp("tables") / "w")
    run, grid = classify(made, random_model), make_grid(*(np.array(e, float) for e in EDGES.values()))
    make_map(made, run, grid, 60)
    make_map(made, run, grid, 120, "other")
    return made


def test_events_are_the_runs_with_naive_utc_times_and_units(work: Work) -> None:
    run = work.run("random-published")
    stored, found = read_parts(run, run.ledger.done()), reprocess.read_events(work.root)
    assert len(found) == len(stored) > 0
    for name, column in EVENT_COLUMNS.items():
        expected = (
            stored[name].dt.tz_convert("UTC").dt.tz_localize(None) if column.dtype == "time" else stored[name]
        )
        pd.testing.assert_series_equal(found[name], expected)
        assert found.attrs["units"][name] == ("" if column.dtype == "time" else column.units)
    assert (found.attrs["run"], found.attrs["mode"], found.attrs["model"]) == (
        run.name,
        "published",
        "random",
    )


def test_events_and_records_have_comparable_times(work: Work) -> None:
    for event in reprocess.read_events(work.root).itertuples():
        ds = reprocess.records(work.root, event.satellite, event.start_time, event.stop_time)
        largest = ds.electron_flux.sel(telescope=0, energy=612).max()
        assert float(largest) == event.max_e4_0 or np.isnan(event.max_e4_0)


def test_maps_are_the_files(work: Work) -> None:
    run = work.run("random-published")
    with xr.open_dataset(run.occurrence, engine="scipy", decode_times=False) as file:
        assert np.array_equal(reprocess.open_maps(work.root).event_rate, file.event_rate, equal_nan=True)
    assert reprocess.open_maps(work.root, name="other").attrs["min_dwell_s"] == 120


def test_maps_in_bins_of_ones_own_are_those_of_the_command(work: Work) -> None:
    made, written = (
        reprocess.map_occurrence(work.root, **EDGES, min_dwell_s=60),
        reprocess.open_maps(work.root),
    )
    for name in ("events", "dwell", "event_rate", "event_rate_upper"):
        assert np.array_equal(made[name], written[name], equal_nan=True), name
    parts = [
        reprocess.map_occurrence(work.root, **EDGES, satellites=[s]).dwell for s in ("noaa18", "metop01")
    ]
    assert np.array_equal(sum(parts), written.dwell)
    assert reprocess.map_occurrence(work.root).event_rate.shape == (2, 12, 24)


def test_measurements_have_no_mark(work: Work) -> None:
    events, archive = reprocess.read_events(work.root), reprocess.open_archive(work.root, "noaa18")
    pairs = reprocess.compare_events(events, events)
    for made in (events, archive, archive.MLT, reprocess.open_maps(work.root), pairs):
        assert "simulated" not in made.attrs


def test_a_zipped_work_gives_the_same(work: Work, tmp_path: Path) -> None:
    file = tmp_path / "w.zip"
    with zipfile.ZipFile(file, "w") as packed:
        for path in sorted(work.root.rglob("*")):
            packed.write(path, path.relative_to(work.root))
    pd.testing.assert_frame_equal(reprocess.read_events(file), reprocess.read_events(work.root))
    xr.testing.assert_identical(reprocess.open_maps(file), reprocess.open_maps(work.root))
    assert reprocess.open_maps(file, name="other").attrs["min_dwell_s"] == 120


def test_a_work_on_a_web_server_gives_the_same(work: Work) -> None:
    """Its pages of folders write ``satellite=noaa18`` as an address does."""
    with NoaaServer(work.root) as server:
        events, maps = reprocess.read_events(server.url), reprocess.open_maps(server.url)
    pd.testing.assert_frame_equal(events, reprocess.read_events(work.root))
    xr.testing.assert_identical(maps, reprocess.open_maps(work.root))


def test_what_is_not_there_is_told(work: Work, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="has no run; give the WORK directory"):
        reprocess.read_events(tmp_path)
    with pytest.raises(LedgerError, match=r"there is no run 'x'; runs in .*: random-published"):
        reprocess.open_maps(work.root, "x")
    with pytest.raises(LedgerError, match="has no map 'x'; it has these besides its own: other"):
        reprocess.open_maps(work.root, name="x")
    with pytest.raises(LedgerError, match="has nothing of noaa15 that is done"):
        reprocess.map_occurrence(work.root, satellites=["noaa15"])
    with pytest.raises(
        LedgerError,
        match="nothing of noaa18 that is done from 2001-01-01 to 2001-01-02; it has metop01, noaa18",
    ):
        reprocess.map_occurrence(work.root, satellites="noaa18", start="2001-01-01", end="2001-01-02")
    for name, value, match in (
        ("hemisphere", "north", "no hemisphere 'north'; give one of N, S"),
        ("event_class", "rep", "no event_class 'rep'; give one of REP, CSS"),
        ("start", "2015-03", "start '2015-03' is no day; give YYYY-MM-DD"),
    ):
        with pytest.raises(SplitError, match=match):
            reprocess.map_occurrence(work.root, **{name: value})
    with pytest.raises(GridError, match="are not on the exposure grid"):
        reprocess.map_occurrence(work.root, L_edges=[3, 3.05, 4])


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"bins": [0, 3]}, "bins are of what by splits the map by"),
        ({"look_back": ("max", 6)}, "look_back is for an index, whose file index names"),
        ({"index_options": {"at": "start"}}, "index_options is for an index"),
        ({"by": "kp", "index": "kp.csv", "look_back": ("median", 6)}, "give one of max, min, mean and hours"),
        ({"by": "kp", "index": "kp.csv", "look_back": ("max",)}, r"look_back is \('max',\)"),
        ({"by": "kp", "index": "kp.csv", "look_back": ("max", "6")}, "and hours"),
        ({"by": "kp", "index": "kp.csv", "look_back": ("max", float("nan"))}, "and hours"),
        ({"min_dwell_s": -1}, "min_dwell_s is -1; give seconds from 0 on"),
        ({"min_dwell_s": float("nan")}, "min_dwell_s is nan"),
    ],
)
def test_a_choice_that_would_go_by_nothing_is_refused(work: Work, asked: dict[str, Any], match: str) -> None:
    with pytest.raises(SplitError, match=match):
        reprocess.map_occurrence(work.root, **asked)


def test_maps_are_chosen_and_split_as_by_the_command(work: Work, tmp_path: Path) -> None:
    file = tmp_path / "activity.csv"
    dates = sorted({f"{date:%Y-%m-%d}" for date in reprocess.read_events(work.root)["peak_time"]})
    rows = [f"{date}T{hour:02d}:00Z,{hour % 7}" for date in dates for hour in range(24)]
    file.write_text("time,activity\n" + "\n".join(rows) + "\n")
    asked = {"by": ["activity", "hemisphere"], "index": file, "bins": [0, 3, 7]}
    asked["index_options"] = {"at": "start"}
    with pytest.raises(LedgerError, match="reprocess map makes it again"):
        reprocess.map_occurrence(work.root, **asked)
    whole = reprocess.map_occurrence(work.root, exclude=["SAA"])
    for more in ({}, {"look_back": ("max", 2)}):
        split = reprocess.map_occurrence(work.root, **asked, **more, exclude=["SAA"], look_through=True)
        for name in ("dwell", "events", "precipitation"):
            assert np.array_equal(split[name].sum(["activity", "hemisphere"]), whole[name])
    assert split.attrs["index_window"].startswith("max of the 2 h")
    days = {"start": dates[0], "end": dt.date.fromisoformat(dates[0])}
    some = reprocess.map_occurrence(work.root, **days, hemisphere="S", event_class="CSS")
    assert 0 < float(some.dwell.sum()) < float(whole.dwell.sum())
    assert some.event_class.values.tolist() == ["CSS"]
    quartiles = reprocess.map_occurrence(work.root, of_property="duration_s", passes=True, look_through=True)
    assert int(quartiles.duration_s_count.sum()) == int(quartiles.events.sum()) > 0
    assert int(quartiles.passes.sum()) > 0
    own = reprocess.map_occurrence(work.root, L_edges=[2.5, 3.05, 8.5], look_through=True)
    assert float(own.dwell.sum()) == float(reprocess.map_occurrence(work.root).dwell.sum())
    with pytest.raises(SplitError, match="none of nothing is the name of one"):
        reprocess.map_occurrence(work.root, index=file)


def test_what_to_cite_is_what_the_command_prints(work: Work) -> None:
    told = reprocess.cite(work.root)
    for option, expected in ((), str(told)), (("--text",), told.text), (("--bibtex",), told.bibtex):
        printed = CliRunner().invoke(main, ["cite", str(work.root), *option])
        assert printed.output == f"{expected}\n"
    assert "- the method: Capannolo" in told.text
    assert told.bibtex.startswith("@article{capannolo2022,")


def test_events_are_compared_as_by_the_command(work: Work) -> None:
    events = reprocess.read_events(work.root)
    later = events.assign(
        start_time=events.start_time + pd.Timedelta("2s"), stop_time=events.stop_time + pd.Timedelta("2s")
    )
    later.loc[0, "event_class"] = {"REP": "CSS", "CSS": "REP"}[events.event_class[0]]
    other = pd.concat([later, events.tail(1).assign(satellite="noaa19")], ignore_index=True)
    found = reprocess.compare_events(events, other)
    counts = found.kind.value_counts()
    assert counts["moved"] > 0
    assert counts["gained"] >= 1
    assert sorted(found.row_a[found.row_a >= 0]) == list(range(len(events)))
    assert sorted(found.row_b[found.row_b >= 0]) == list(range(len(other)))
    paired = found[(found.row_a >= 0) & (found.row_b >= 0)]
    assert (paired.start_time_a.to_numpy() == events.start_time.to_numpy()[paired.row_a]).all()
    assert found.start_time_a.dt.tz is None
    assert (reprocess.compare_events(events, events).kind == "kept").all()
    with pytest.raises(ComparisonError, match="table b lacks L, latitude; give what read_events returns"):
        reprocess.compare_events(events, events.drop(columns=["L", "latitude"]))


def test_nothing_is_started_opened_or_written_without_being_asked_for(
    work: Work, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("a process or a port was asked for")

    for owner, name in (
        (subprocess.Popen, "__init__"),
        (multiprocessing.process.BaseProcess, "start"),
        (socket.socket, "bind"),
        (socket.socket, "connect"),
    ):
        monkeypatch.setattr(owner, name, refuse, raising=False)
    with pytest.raises(AssertionError, match="a process or a port"):
        subprocess.run(["true"], check=True)
    before = {path: path.stat().st_mtime_ns for path in work.root.rglob("*")}
    ds = reprocess.records(work.root, "noaa18", "2000", "2030")
    assert len(reprocess.classify(ds, model="random", dense=False).classes) == ds.sizes["time"] > 0
    reprocess.open_archive(work.root, "noaa18").L_IGRF.compute()
    events = reprocess.read_events(work.root)
    reprocess.compare_events(events, events)
    reprocess.cite(work.root)
    reprocess.open_maps(work.root)
    reprocess.map_occurrence(work.root, **EDGES)
    assert {path: path.stat().st_mtime_ns for path in work.root.rglob("*")} == before
    assert capfd.readouterr() == ("", "")
