"""The whole path on real files gives exactly what was published, with either engine."""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from reprocess.classifier.features import CENTRE, WINDOW
from tests.support.command import reprocess

ARCHIVES = {"archive_simulated": "events_simulated.json", "archive": "events_real.json"}
WORKERS = {"onnxruntime": 2, "tensorflow": 1}  # each worker takes seconds to load TensorFlow


@pytest.fixture(scope="module", params=["onnxruntime", "tensorflow"])
def work(
    request: pytest.FixtureRequest, shared: Path, published: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A WORK directory with all golden days, classified by one engine, classes kept.

    The simulated days are done in the command's own process, the real ones and the maps of all by workers.
    """
    folder = tmp_path_factory.mktemp("work") / request.param
    places = {"archive_simulated": ("--partition", "1/1"), "archive": ("--workers", WORKERS[request.param])}
    for archive in ARCHIVES:
        reprocess(
            "run", shared / archive, folder, "--model", "capannolo2022", "--mode", "published",
            *places[archive], "--engine", request.param, "--classes",
        )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def table(work: Path) -> pd.DataFrame:
    """All its events, as `reprocess events` prints them."""
    return pd.read_csv(io.StringIO(reprocess("events", work).stdout))


def _golden_days(shared: Path) -> Iterator[tuple[Path, dict, str, str]]:
    """Yield file, golden results, satellite and date of each satellite-day."""
    for archive, golden in ARCHIVES.items():
        for relative, expected in json.loads((shared / "golden" / golden).read_text()).items():
            _, satellite, name = relative.split("/")
            date = pd.Timestamp(name.split("_")[2]).date().isoformat()
            yield shared / archive / relative, expected, satellite, date


def test_classes_and_events_are_the_published_ones(shared: Path, work: Path, table: pd.DataFrame) -> None:
    classes = zarr.open_group(work / "runs/capannolo2022-published/classes.zarr", mode="r")
    compared = 0
    for _, expected, satellite, date in _golden_days(shared):
        n = expected["records"]
        row = classes[satellite]["class"][schema.day_index(pd.Timestamp(date).date())]
        flags = row[CENTRE : CENTRE + n - WINDOW]
        assert hashlib.sha256(flags.tobytes()).hexdigest() == expected["flag_sha256"]
        assert np.all(row[:CENTRE] == -1)
        assert np.all(row[CENTRE + n - WINDOW :] == -1)
        for event_class in schema.EVENT_CLASSES:
            ours = table[
                (table.satellite == satellite) & (table.date == date) & (table.event_class == event_class)
            ]
            assert (
                ours[["start_index", "stop_index"]].to_numpy().tolist()
                == expected["events"][event_class]["final"]
            )
            compared += len(ours)
    assert compared == len(table) > 100


def test_event_rows_say_what_the_file_says(shared: Path, table: pd.DataFrame) -> None:
    files = {(satellite, date): path for path, _, satellite, date in _golden_days(shared)}
    for row in table.itertuples():
        with h5py.File(files[row.satellite, row.date]) as file:
            seen = slice(row.start_index, row.stop_index + 1)
            e4 = file["mep_ele_tel0_flux_e4"][seen]
            peak = row.start_index + int(np.argmax(e4))
            assert row.max_e4_0 == pytest.approx(float(e4.max()))
            assert row.MLT == pytest.approx(float(file["MLT"][peak]))
            assert row.latitude == pytest.approx(float(file["lat"][peak]))
            if file["L_IGRF"][peak] >= 0:
                assert row.L == pytest.approx(float(file["L_IGRF"][peak]))
                assert not row.quality_flags & schema.EVENT_FLAGS["L_interpolated"]
            else:
                assert row.quality_flags & schema.EVENT_FLAGS["L_interpolated"]
            for name, index in (
                ("start_time", row.start_index),
                ("stop_time", row.stop_index),
                ("peak_time", peak),
            ):
                stamp = pd.Timestamp(getattr(row, name))
                assert stamp == pd.Timestamp(int(file["time"][index]), unit="ms", tz="UTC")
        assert hashlib.sha256(files[row.satellite, row.date].read_bytes()).hexdigest() == row.source_sha256


def test_the_two_events_of_noaa18(table: pd.DataFrame) -> None:
    ours = table[(table.satellite == "noaa18") & (table.date == "2019-10-24")].set_index("event_class")
    assert len(ours) == 2
    assert ours.loc["REP", ["start_index", "stop_index"]].tolist() == [18025, 18026]
    assert ours.loc["CSS", ["start_index", "stop_index"]].tolist() == [18018, 18023]
    assert ours.loc["REP", "start_time"] == "2019-10-24T10:00:51.516Z"
    assert ours.loc["CSS", "start_time"] == "2019-10-24T10:00:37.515Z"
    assert ours.loc["REP", ["L", "MLT"]].tolist() == pytest.approx([4.87, 23.66])
    assert ours.loc["CSS", ["L", "MLT"]].tolist() == pytest.approx([4.99, 23.70])


def test_dwell_is_two_seconds_per_classifiable_record_in_range(
    shared: Path, work: Path, table: pd.DataFrame
) -> None:
    run = work / "runs/capannolo2022-published"
    exposure = xr.open_zarr(run / "exposure.zarr", consolidated=False)
    low, high = np.float32(schema.L_EDGES[[0, -1]])
    expected: dict[tuple[str, str], int] = {}
    for path, _, satellite, date in _golden_days(shared):
        with h5py.File(path) as file:
            L = file["L_IGRF"][CENTRE : file["time"].size - WINDOW + CENTRE]
        key = satellite, date[:7]
        expected[key] = expected.get(key, 0) + 2 * int(np.count_nonzero((L >= low) & (L < high)))
    for (satellite, month), seconds in expected.items():
        assert int(exposure.dwell.sel(satellite=satellite, month=month).sum()) == seconds > 10_000
    assert int(exposure.dwell.sum()) == sum(expected.values())
    maps = xr.open_dataset(run / "occurrence.nc", engine="scipy")
    belt = exposure.dwell.sel(L=slice(2.5, 8.5))
    assert int(maps.dwell.sum()) == int(belt.sum())
    assert int(maps.events.sum()) + maps.attrs["events_off_map"] == len(table)


def test_a_file_with_unreadable_attributes_is_processed_like_any_other(shared: Path, work: Path) -> None:
    path = shared / "archive/2019/noaa15/poes_n15_20191024_proc.nc"
    with pytest.raises((OSError, RuntimeError)), h5py.File(path) as file:
        dict(file.attrs.items())
    state = json.loads(reprocess("status", work, "--json").stdout)
    assert state["ingest"]["satellites"]["noaa15"]["quarantined"] == 0
    assert state["ingest"]["satellites"]["noaa15"]["ok"] == 2


def test_without_keeping_classes_the_events_and_the_dwell_are_the_same_bytes(
    work: Path, table: pd.DataFrame
) -> None:
    engine = work.name
    alone = ("--partition", "1/1", "--engine", engine)
    reprocess("detect", work, "--model", "capannolo2022", *alone, "--run", "few")
    dense, sparse = work / "runs/capannolo2022-published", work / "runs/few"
    compared = 0
    for path in sorted(dense.rglob("dwell/**/*.parquet")):
        assert path.read_bytes() == (sparse / path.relative_to(dense)).read_bytes()
        compared += 1
    assert compared > 3
    few = pd.read_csv(io.StringIO(reprocess("events", work, "--run", sparse.name).stdout))
    pd.testing.assert_frame_equal(few.drop(columns="run"), table.drop(columns="run"), check_exact=True)
    assert not (sparse / "classes.zarr").exists()
    assert json.loads((sparse / "run.json").read_text())["dense"] is False
    shutil.rmtree(sparse)  # the other tests expect a single run
