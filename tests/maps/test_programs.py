"""What the programs that people open NetCDF files with make of `occurrence.nc`."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from reprocess.maps.axes import make_axes
from reprocess.maps.occurrence import write_occurrence
from reprocess.schema import EVENT_FLAGS
from reprocess.work.paths import Run
from tests.maps.test_occurrence import MAP, write_block
from tests.support.maps import occurrence, read_occurrence
from tests.support.programs import find_program, start_program


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Maps with bins seen, thin and never seen, of events on and off the map."""
    run = Run(tmp_path_factory.mktemp("work") / "runs" / "demo")
    run.describe(
        {"model": "m", "model_sha256": "ab", "mode": "published", "engine": "e", "code_version": "1"}
    )
    day = [(2.5, 3, 100, 10, 0), (2.5, 7, 90, 0, 5), (5.0, 3, 50, 0, 0)]
    events = [
        ("REP", 2.5, 3, 60, 0),
        ("CSS", 2.5, 7, -60, 0),
        ("REP", 2.5, 3, 60, EVENT_FLAGS["L_interpolated"]),
    ]
    write_occurrence(run.occurrence, occurrence(run, [write_block(run, [day] * 10, events)], MAP, 1500))
    return run


def answer(*words: str | Path) -> str:
    """Return what a program prints; it must succeed."""
    done = start_program(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_compliance_checker_has_nothing_to_say_about_cf(run: Run) -> None:
    checker = find_program("compliance-checker")
    told = answer(checker, "--test=cf:1.11", "--criteria=strict", run.occurrence)
    assert "All tests passed!" in told
    assert "Warnings" not in told


# What nobody but whoever publishes the file can know, what would differ each time (date_created), and
# standard names, of which CF has none for these.
UNKNOWN = ("creator_", "publisher_", "institution", "naming_authority", "date_created", "standard_name")
# The maps have no geographic or vertical axis and no time axis.
NO_AXIS = ("geospatial_bounds", "geospatial_vertical", "_extents_match", "Could not find ")


def test_compliance_checker_misses_only_what_cannot_be_known_for_discovery(run: Run) -> None:
    checker = find_program("compliance-checker")
    done = start_program(checker, "--test=acdd:1.3", run.occurrence)
    told = done.stdout.splitlines()
    issues = [line.removeprefix("* ").removeprefix("Attr ") for line in told if line.startswith("* ")]
    assert any(issue.startswith("creator_email") for issue in issues)
    assert [issue for issue in issues if not issue.startswith((*UNKNOWN, *NO_AXIS))] == []


def test_cdo_sees_every_map_and_takes_no_axis_for_time(run: Run) -> None:
    cdo = find_program("cdo")
    maps = read_occurrence(run)
    assert set(answer(cdo, "-s", "showname", run.occurrence).split()) == set(maps.data_vars)
    assert answer(cdo, "-s", "ntime", run.occurrence).split() == ["1"]
    grid = answer(cdo, "-s", "griddes", run.occurrence)
    assert f"xsize     = {maps.sizes['MLT']}" in grid
    assert f"ysize     = {maps.sizes['L']}" in grid
    for name in ("event_rate", "dwell"):
        values = answer(cdo, "-s", "outputf,%.17g,1", f"-selname,{name}", run.occurrence).split()
        expected = maps[name].values.ravel()
        seen = np.isfinite(expected)
        np.testing.assert_array_equal(np.array(values, float)[seen], expected[seen])


def test_nco_leaves_out_what_is_missing_from_weighted_means(run: Run, tmp_path: Path) -> None:
    ncwa = find_program("ncwa")
    maps = read_occurrence(run)
    for name in ("event_rate", "event_rate_poisson_upper"):
        answer(ncwa, "-O", "-a", "MLT", "-w", "dwell", "-v", name, run.occurrence, tmp_path / "mean.nc")
        with xr.open_dataset(tmp_path / "mean.nc", engine="scipy") as found:
            expected = maps[name].weighted(maps.dwell).mean("MLT")
            assert np.isfinite(expected).any()
            assert np.isnan(maps[name]).any()
            np.testing.assert_allclose(found[name], expected, rtol=1e-14)


def test_ncdump_shows_no_not_a_number(run: Run) -> None:
    told = answer(find_program("ncdump"), run.occurrence)
    assert 'MLT:units = "h"' in told
    assert "NaN" not in told


@pytest.fixture(scope="module")
def split(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same split by hemisphere and flag: two labelled dimensions before those of the maps."""
    path = tmp_path_factory.mktemp("split") / "by.nc"
    day = [(2.5, 3, 100, 10, 0, EVENT_FLAGS["SAA"], 0, 0), (-2.5, 7, 90, 0, 5), (5.0, 3, 50, 0, 0)]
    events = [("REP", 2.5, 3, 60, EVENT_FLAGS["SAA"]), ("CSS", 2.5, 7, -60, 0)]
    receipt = write_block(Run(path.parent / "runs" / "demo"), [day] * 10, events)
    axes = make_axes(("hemisphere", "SAA"), [receipt])
    found = occurrence(Run(path.parent / "runs" / "demo"), [receipt], MAP, 100, axes=axes)
    write_occurrence(path, found)
    return path


def test_cdo_reads_a_split_of_which_nco_took_one_class_and_one_part(split: Path, tmp_path: Path) -> None:
    cdo, ncwa = find_program("cdo"), find_program("ncwa")
    chosen = ("-d", "event_class,0", "-d", "SAA,0", "-a", "event_class,SAA")
    answer(ncwa, "-O", "-C", *chosen, "-v", "events,dwell", split, tmp_path / "one.nc")
    with xr.open_dataset(split, engine="scipy", decode_times=False) as maps:
        for name in ("events", "dwell"):
            values = answer(cdo, "-s", "outputf,%.17g,1", f"-selname,{name}", tmp_path / "one.nc").split()
            part = maps[name].isel(SAA=0)
            expected = part.isel(event_class=0) if name == "events" else part
            np.testing.assert_array_equal(np.array(values, float), expected.values.ravel())
            assert len(values) == 2 * 6, "both hemispheres"


def test_nco_takes_a_part_of_a_split_and_sums_over_it(split: Path, tmp_path: Path) -> None:
    ncks, ncwa = find_program("ncks"), find_program("ncwa")
    with xr.open_dataset(split, engine="scipy", decode_times=False) as maps:
        answer(ncks, "-O", "-d", "hemisphere,1", "-d", "SAA,0", split, tmp_path / "south.nc")
        with xr.open_dataset(tmp_path / "south.nc", engine="scipy", decode_times=False) as found:
            assert found.hemisphere.values.tolist() == maps.hemisphere.values.tolist()[1:]
            np.testing.assert_array_equal(found.dwell[0, 0], maps.dwell[1, 0])
            assert float(found.dwell.sum()) > 0
        answer(ncwa, "-O", "-y", "ttl", "-a", "hemisphere,SAA", "-v", "events", split, tmp_path / "sum.nc")
        with xr.open_dataset(tmp_path / "sum.nc", engine="scipy", decode_times=False) as found:
            np.testing.assert_array_equal(found.events, maps.events.sum(["hemisphere", "SAA"]))
            assert int(found.events.sum()) == 2


def test_ncdump_shows_the_labels_of_a_split_and_no_not_a_number(split: Path) -> None:
    told = answer(find_program("ncdump"), split)
    assert '"without SAA",' in told
    assert "NaN" not in told
