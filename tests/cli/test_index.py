"""Maps by a geomagnetic index and of cells of their own: exact, kept, and refused where they cannot be."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner, Result

from reprocess.cli import main
from reprocess.detect.positions import plan_positions, positions_of_block
from reprocess.detect.rules.modes import mode_of
from reprocess.detect.series import Series
from reprocess.errors import GridError, LedgerError, SplitError
from reprocess.indices.reading import read_index
from reprocess.maps.axes import make_axes
from reprocess.schema import day_date, day_index
from reprocess.schema.grid import FINE, Grid, any_grid, make_grid
from reprocess.work.choice import Choice
from reprocess.work.parts import read_dwell, read_events
from reprocess.work.paths import Run, Work
from reprocess.work.positions import position_path, read_positions
from tests.support import fake, labelled
from tests.support.command import tree
from tests.support.maps import occurrence

pytestmark = pytest.mark.usefixtures("short_record_axis", "unrendered")

GRID = make_grid(np.arange(2.5, 9, 0.5), np.arange(25.0))
MAP = make_grid(np.array([2.0, 4.0, 6.0, 9.0]), np.array([0.0, 6.0, 12.0, 24.0]))


TABLE = ("--index-option", "at=start", "--bins", "0,1")


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def runs(work: Work, random_model: object) -> list[Run]:
    """The same days by rules that look at each for itself, and by rules that look beyond."""
    labelled.classify(work, random_model, "continuous")  # type: ignore[arg-type]
    for run in work.runs():
        look_through(run, GRID)
        assert call("map", work.root, "--run", run.name).exit_code == 0  # or every command says that it lacks
    return work.runs()


def look_through(run: Run, grid: Grid) -> None:
    """Do what the command does, without Dask."""
    for plan in plan_positions(Work(run.root.parents[1]), run, grid):
        positions_of_block(plan)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Values by the minute for the first 7 minutes of every fake day but one, 0 to 6; none for the 4th."""
    file = tmp_path_factory.mktemp("index") / "activity.csv"
    dates = sorted({date for _, date in fake.DAYS})
    lines = [f"{date}T00:0{m}:00Z,{m}" for date in dates for m in range(7) if m != 3]
    file.write_text("time,activity\n" + "\n".join(lines) + "\n")
    return file


def words(run: Run, index: Path, *more: object) -> list[object]:
    work = run.root.parents[1]
    given = ["map", work, "--run", run.name, "--min-dwell", 0, "--by", "activity", "--bins", "0,2,5"]
    return [*given, "--index", index, "--index-option", "at=start", "--workers", 1, *more]


def test_positions_are_the_dwell_by_cell_flags_and_day(work: Work, runs: list[Run]) -> None:
    for run in runs:
        receipts = list(run.ledger.done())
        look_through(run, FINE)
        events = read_events(run, receipts)
        assert len(events) > 3
        peaks = 0
        for choice in (Choice(), Choice(exclude=("SAA",)), Choice(hemispheres=("S",))):
            sums = []
            for read in (read_dwell(run, receipts, choice), read_positions(run, receipts, FINE, choice)):
                total: dict[tuple, np.ndarray] = {}
                for satellite, columns in read:
                    keys = ("day", "cell", "quality_flags", "quality_flags_REP", "quality_flags_CSS")
                    values = ("records", "records_REP", "records_CSS")
                    rows = zip(*(columns[name] for name in keys), strict=True)
                    for row, *count in zip(rows, *(columns[name] for name in values), strict=True):
                        total[satellite, *row] = total.get((satellite, *row), 0) + np.array(count)
                    peaks += sum(
                        int(columns.get(f"peaks_{name}", np.zeros(1)).sum()) for name in ("REP", "CSS")
                    )
                sums.append({key: value.tolist() for key, value in total.items()})
            assert sums[0] == sums[1]
            assert sums[0]
        assert peaks > 0


def test_cells_off_the_grid_are_those_of_the_records_themselves(work: Work, runs: list[Run]) -> None:
    L, MLT = np.array([2.03, 3.14, 4.44, 7.77]), np.array([0.3, 7.1, 19.95])
    grid = any_grid(L, MLT)
    for run in runs:
        look_through(run, grid)
        found = np.zeros((3, 2))
        for _, columns in read_positions(run, run.ledger.done(), grid):
            found += np.bincount(columns["cell"] % 6, columns["records"], 6).reshape(3, 2)
        expected = np.zeros((3, 2))
        mode = mode_of(run.read_identity() or {})
        for receipt in run.ledger.done():
            days = sorted(map(day_index, receipt["days"]))
            series = Series(work, receipt["satellite"], mode.arrays, days)
            for day in days:
                stretch = series.stretch(day, mode.halo)
                look = mode.look(stretch)
                at = look.windows.offset + np.flatnonzero(look.possible)
                at = at[(at >= stretch.own.start) & (at < stretch.own.stop)]
                where = look.counted_L(stretch.records["L_IGRF"])[at], stretch.records["MLT"][at]
                expected += np.histogram2d(*where, [L.astype(np.float32), MLT.astype(np.float32)])[0]
        np.testing.assert_array_equal(found, expected)
        assert (found > 0).sum() > 3


def test_passes_are_crossings_of_a_bin_and_add_up(work: Work, runs: list[Run]) -> None:
    for run in runs:
        receipts, mode = list(run.ledger.done()), mode_of(run.read_identity() or {})
        look_through(run, MAP)
        rows = read_positions(run, receipts, MAP)
        whole = occurrence(run, receipts, MAP, 0, rows=rows)
        expected, peaks = np.zeros((3, 3), int), np.zeros((3, 3), int)
        for receipt in receipts:
            days = sorted(map(day_index, receipt["days"]))
            series = Series(work, receipt["satellite"], mode.arrays, days)
            for day in days:
                stretch = series.stretch(day, mode.halo)
                look = mode.look(stretch)
                seen = np.zeros(stretch.records["time"].size, bool)
                seen[look.windows.offset + np.flatnonzero(look.possible)] = True
                L, MLT = look.counted_L(stretch.records["L_IGRF"]), stretch.records["MLT"]
                last = None
                for k in range(stretch.own.start, stretch.own.stop):
                    i, j = (
                        np.digitize(x[k], edges) - 1 for x, edges in ((L, MAP.L_edges), (MLT, MAP.MLT_edges))
                    )
                    here = (
                        (i, j, stretch.records["latitude"][k] < 0)
                        if seen[k] and 0 <= i < 3 and 0 <= j < 3
                        else None
                    )
                    if here is not None and here != last:
                        expected[i, j] += 1
                    last = here
        np.testing.assert_array_equal(whole.passes, expected)
        assert expected.max() > 3
        for row in read_events(run, receipts).itertuples():
            i, j = np.digitize(row.L, MAP.L_edges) - 1, np.digitize(row.MLT, MAP.MLT_edges) - 1
            if 0 <= i < 3 and 0 <= j < 3:
                peaks[i, j] += 1
        assert np.all(whole.passes_with_event.sum("event_class") <= peaks)
        assert 0 < int(whole.passes_with_event.sum()) <= 2 * int(whole.passes.sum())
        assert float(whole.pass_probability.max()) <= 1
        axes = make_axes(["hemisphere", "SAA"], receipts)
        parts = occurrence(run, receipts, MAP, 0, axes=axes, rows=read_positions(run, receipts, MAP))
        for name in ("passes", "passes_with_event"):
            np.testing.assert_array_equal(parts[name].sum(["hemisphere", "SAA"]), whole[name])
        axes = make_axes(["duration_s"], receipts, ["0", "20"])
        rows = read_positions(run, receipts, MAP)
        assert "passes" not in occurrence(run, receipts, MAP, 0, axes=axes, rows=rows)


def test_passes_are_counted_if_they_are_asked_for(runs: list[Run]) -> None:
    words = ["map", runs[0].root.parents[1], "--run", runs[0].name, "--min-dwell", 0, "--passes"]
    assert "a map of passes stands beside the run's own" in call(*words).stderr
    assert call(*words, "--name", "passes").exit_code == 0
    with xr.open_dataset(runs[0].named_maps / "passes.nc", decode_timedelta=False) as found:
        known = found.pass_probability.notnull()
        assert known.any()
        share = found.passes_with_event / found.passes
        np.testing.assert_array_equal(share.where(known), found.pass_probability)


def test_a_map_by_an_index_adds_up_and_each_minute_has_its_value(runs: list[Run], index: Path) -> None:
    found = read_index([str(index)], "activity", {"at": "start"})
    for run in runs:
        receipts = list(run.ledger.done())
        axes = make_axes(["activity"], receipts, ["0", "2", "5"], found)
        for choice in (Choice(), Choice(hemispheres=("N",)), Choice(exclude=("SAA",))):
            rows = read_positions(run, receipts, GRID, choice)
            split = occurrence(run, receipts, GRID, 0, choice, axes, rows)
            whole = occurrence(run, receipts, GRID, 0, choice)
            for name in ("dwell", "events", "precipitation"):
                np.testing.assert_array_equal(split[name].sum("activity"), whole[name])
            parts = split.dwell.sum(("L", "MLT"))
            # Of 13 minutes of records two have a value of 0 or 1, three one of 2, 4 and 5, and one of 6.
            # The satellite is in the north for the first 6.7 of them, and beyond the map in the 4th.
            assert (float(parts.sel(activity="no value")) > 0) == (choice.hemispheres != ("N",))
            assert 0 < float(parts.sel(activity="0 to 2")) <= 120 * len(fake.DAYS)
            assert 0 < float(parts.sel(activity="above all bins")) <= 60 * len(fake.DAYS)
            assert float(parts.sel(activity="below all bins")) == 0


def test_a_difference_is_of_the_parts_of_an_index(runs: list[Run], index: Path) -> None:
    """What the difference counts on either side is what the split map has there."""
    run = runs[1]
    result = call(*words(run, index, "--difference", "0 to 2:2 to 5"))
    assert "0 to 2 against 2 to 5, REP: " in result.stdout
    assert "wrote" in call(*words(run, index)).stderr
    with (
        xr.open_dataset(run.named_maps / "difference_by_activity.nc", decode_timedelta=False) as found,
        xr.open_dataset(run.named_maps / "by_activity.nc", decode_timedelta=False) as split,
    ):
        for side, part in (("first", "0 to 2"), ("second", "2 to 5")):
            for name in ("events", "dwell"):
                ours = found[f"{name}_{side}"].squeeze(drop=True)
                np.testing.assert_array_equal(ours, split[name].sel(activity=part, drop=True))
            assert found[f"dwell_{side}"].sum() > 0
        for name in ("index", "index_units", "index_window", "index_files", "index_sha256"):
            assert found.attrs[name] == split.attrs[name]
        assert "activity has no value for" in found.attrs["warning"]
        assert found.attrs["split_meaning"] == "geomagnetic index activity"
        assert found.events_first.sum() + found.events_second.sum() > 0


def test_what_a_settings_file_says_of_other_maps_stops_none(runs: list[Run], tmp_path: Path) -> None:
    (settings := tmp_path / "c.toml").write_text('[map]\nuncertainty = "relative"\npasses = true\n')
    given = ["--config", settings, "map", runs[0].root.parents[1], "--run", runs[0].name]
    for words in (["--by", "hemisphere", "--difference", "N:S"], ["--by", "duration_s", "--bins", "0,9"]):
        result = call(*given, *words)
        assert result.exit_code == 0, result.stderr


def test_a_map_is_not_named_after_what_cannot_name_a_file(runs: list[Run], index: Path) -> None:
    (odd := index.with_name("odd.csv")).write_text(index.read_text().replace("time,activity", "time,a/b"))
    given = ["map", runs[0].root.parents[1], "--run", runs[0].name, "--by", "a/b", "--index", odd, *TABLE]
    result = call(*given)
    assert result.exit_code == 2
    assert "cannot be named 'by_a/b' after what it is split by; name it with --name" in " ".join(
        result.stderr.split()
    )


def test_the_positions_are_looked_through_once(runs: list[Run], index: Path) -> None:
    run = runs[0]
    folder = position_path(run, GRID, "noaa18", 248).parents[1]
    before = tree(folder)
    shutil.rmtree(folder)
    look_through(run, GRID)
    assert tree(folder) == before != {}, "equal bytes"
    result = call(*words(run, index, "--look-back", "max:0.05h"))
    assert "0 satellite-days were looked through" in result.stderr
    with xr.open_dataset(run.named_maps / "by_activity.nc", decode_timedelta=False) as found:
        assert found.attrs["index_window"].startswith("max of the 0.05 h")
        assert found.attrs["index_files"] == "activity.csv"
        assert "activity has no value for" in found.attrs["warning"]
        assert found.activity.values.tolist()[-2:] == ["above all bins", "no value"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--by", "kp"], "kp is a geomagnetic index; give a file of it with --index FILE"),
        (["--by", "Kp"], "indices are named in small letters here: split by kp, not by Kp"),
        (["--by", "Activity", "--index", "INDEX", *TABLE], "split by activity, not by Activity"),
        (["--index", "INDEX"], "--index is for what --by splits the map by"),
        (["--by", "year", "--look-back", "max:3"], "--look-back is for an index"),
        (["--by", "year", "--index-option", "at=start"], "--index-option is for an index"),
        (["--by", "year", "--index", "INDEX"], "none of year is the name of one"),
        (["--by", "a,b", "--index", "INDEX"], "a and b both are the name of one"),
        (["--by", "activity", "--look-back", "most:3", "--index", "INDEX"], "is not HOW:HOURS"),
        (["--by", "activity", "--look-back", "max:x", "--index", "INDEX"], "is not HOW:HOURS"),
        (["--by", "activity", "--index-option", "start", "--index", "INDEX"], "is not KEY=VALUE"),
        (["--by", "activity", "--index", "INDEX"], "a plain table does not tell which part"),
        (["--by", "activity", "--index", "INDEX", "--index-option", "at=start"], "activity needs bins"),
        (["--by", "activity", "--index", "OTHER", *TABLE], "2009-01-01"),
        (["--by", "activity", "--index", "ODD", *TABLE], "whole minutes"),
        (
            ["--by", "year", "--property", "duration_s", "--difference", "others"],
            "--difference is of rates; leave --property out",
        ),
        (["--by", "year", "--passes", "--difference", "others"], "of rates; leave --passes out"),
        (["--by", "year", "--class", "REP", "--difference", "others"], "by itself; leave --class out"),
        (["--by", "duration_s", "--bins", "0,9", "--passes"], "a property of events, does not split"),
        (["--by", "year", "--uncertainty", "interval"], "is of the figure of one map, and --by has others"),
        (["--property", "duration_s", "--uncertainty", "interval"], "of one map, and --property has others"),
        (["--name", ".nc"], "'.nc' is no name; give one before .nc"),
        (["--name", "n" * 151], "is of 151 bytes; use at most 150"),
        (["--by", "L", "--bins", "3,5,7"], "choose them with --l-edges"),
        (["--property", "colour"], "'colour' is no property of events that is a number"),
        (["--difference", "a:b", "--passes"], "--difference needs --by"),
        (["--l-edges", "2.05,3"], "are not on the exposure grid"),
        (["--l-edges", "2.05,3", "--mlt-edges", "0,0.1,24", "--name", "n"], "local time is uncertain"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(
    runs: list[Run], index: Path, tmp_path: Path, given: list[str], told: str
) -> None:
    other, odd = tmp_path / "other.csv", tmp_path / "odd.csv"
    other.write_text("time,activity\n2009-01-01T00:00Z,1\n2009-01-01T03:00Z,1\n")
    odd.write_text("time,activity\n2019-10-24T00:00:30Z,1\n2019-10-24T00:01:30Z,1\n")
    files = {"INDEX": index, "OTHER": other, "ODD": odd}
    work = runs[0].root.parents[1]
    result = call("map", work, "--run", runs[0].name, *(files.get(word, word) for word in given))
    assert told in result.stderr.replace("\n", " ")
    assert result.exit_code == 2


def test_an_index_of_another_time_is_refused_before_the_archive_is_looked_through(
    runs: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reprocess.cli.map.look_through", lambda *_: pytest.fail("it was looked through"))
    (other := tmp_path / "other.csv").write_text("time,activity\n2001-01-01T00:00Z,1\n2001-01-01T03:00Z,2\n")
    result = call(*words(runs[0], other))
    assert result.exit_code == 2
    assert "nothing for the time of the map" in result.stderr


def test_the_explorer_takes_the_same_index(runs: list[Run], index: Path, tmp_path: Path) -> None:
    given = [
        "explore",
        runs[0].root.parents[1],
        "--run",
        runs[0].name,
        "--workers",
        1,
        "-o",
        tmp_path / "a.html",
    ]
    split = ["--index", index, "--index-option", "at=start", "--bins", "0,2,5", "--look-back", "max:0.05"]
    result = call(*given, "--by", "activity", *split)
    assert result.exit_code == 0, result.stderr
    assert "0 satellite-days were looked through" in result.stderr
    page = (tmp_path / "a.html").read_text()
    assert "geomagnetic index activity, max of the 0.05 h" in page
    assert "<strong>Gaps:</strong> activity has no value for" in page
    for words, told in (
        (["--by", "kp"], "--by is for an index, whose file --index names"),
        (["--bins", "0,1"], "--bins is for an index"),
        (["--look-back", "max:3"], "--look-back is for an index"),
        (["--by", "activity,year", *split], "a page can be chosen by one index, not by activity, year"),
        (["--by", "year", *split], "none of year is the name of one"),
        (split, "none of nothing is the name of one"),
    ):
        result = call(*given, *words)
        assert told in " ".join(result.stderr.split())
        assert result.exit_code == 2


def test_an_index_that_the_map_is_not_split_by_is_refused(runs: list[Run], index: Path) -> None:
    found = read_index([str(index)], "activity", {"at": "start"})
    with pytest.raises(SplitError, match="an index activity is given, and the map is split by year only"):
        make_axes(["year"], list(runs[0].ledger.done()), index=found)


@pytest.mark.parametrize(
    ("L", "MLT", "told"),
    [
        ([2.05, 2.05], [0, 24], "L edges must increase"),
        ([3.05, 2], [0, 24], "L edges must increase"),
        ([2, 3], [0, 12.1, 25], "MLT edges must be from 0 to 24, got 0 to 25"),
        ([-1, 3], [0, 24], "L edges must be from 0 to 1000"),
        ([2, 3], [0, 0.15, 24], "a bin of MLT is 0.15 h wide"),
    ],
)
def test_edges_that_cannot_be(L: list[float], MLT: list[float], told: str) -> None:
    with pytest.raises(GridError, match=told):
        any_grid(np.array(L, float), np.array(MLT, float))


def test_positions_of_something_else_are_refused(work: Work, runs: list[Run], tmp_path: Path) -> None:
    root = shutil.copytree(work.root, tmp_path / "w")
    copy, other = Work(root), make_grid(np.array([3.0, 5.0]), np.array([0.0, 24.0]))
    run = copy.run(runs[0].name)
    plan = plan_positions(copy, run, other)[0]
    receipts = [run.ledger.read(plan.satellite, plan.block)]
    with pytest.raises(LedgerError, match="cannot be read"):
        list(read_positions(run, receipts, other))  # type: ignore[arg-type]
    positions_of_block(plan)
    changed = [receipts[0] | {"outputs": receipts[0]["outputs"] | {"dwell": "0"}}]  # type: ignore[index, operator]
    with pytest.raises(LedgerError, match="was not made from the events and dwell that there are"):
        list(read_positions(run, changed, other))  # type: ignore[arg-type]
    position_path(run, other, plan.satellite, plan.block).write_bytes(b"no Parquet")
    assert plan in plan_positions(copy, run, other)
    path, date = run.ledger.path(plan.satellite, plan.block), day_date(plan.days[0]).isoformat()
    receipt = json.loads(path.read_text())
    for key, value, told in (
        ("classifiable", 1, "classifiable records in the archive and 1 in the run's ledger"),
        ("source_sha256", "0", "the archive has changed since"),
    ):
        receipt["days"][date][key] = value
        path.write_text(json.dumps(receipt))
        with pytest.raises(LedgerError, match=told):
            positions_of_block(plan)
    words = ["map", root, "--run", run.name, "--name", "n", "--l-edges", "2.05,3", "--workers", 1]
    result = call(*words)
    assert result.exit_code == 4
    assert f"{plan.satellite} block {plan.block}: LedgerError: the archive has changed" in result.stderr
