import ast
import csv
import datetime as dt
import hashlib
import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import reprocess.simulate
from reprocess.schema import SATELLITES
from reprocess.simulate import TRUTH_COLUMNS, SimulationError, simulate_archive, simulate_day, simulated_day
from reprocess.simulate.precipitation import MARGIN_RECORDS, Event
from reprocess.simulate.telemetry import measure
from reprocess.simulate.truth import DayTruth, truth_row
from reprocess.simulate.writer import variables
from tests.support.places import REPOSITORY

START = dt.date(2015, 3, 1)
DAYS = 2
SATELLITE_NAMES = ["noaa18", "metop01"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    out = tmp_path_factory.mktemp("archive")
    calls = []
    truth = simulate_archive(
        out, SATELLITE_NAMES, START, DAYS, seed=1, events_per_day=10.0, progress=lambda *c: calls.append(c)
    )
    return out, truth, calls


def digests(out):
    return {
        str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(out.rglob("*"))
        if p.is_file()
    }


def test_files_are_where_noaa_has_them(archive):
    out, truth, calls = archive
    assert truth == out / "truth.parquet"
    assert sorted(digests(out)) == [
        "2015/metop01/poes_m01_20150301_proc.nc",
        "2015/metop01/poes_m01_20150302_proc.nc",
        "2015/noaa18/poes_n18_20150301_proc.nc",
        "2015/noaa18/poes_n18_20150302_proc.nc",
        "truth.parquet",
    ]
    assert calls == [(k, 4) for k in (1, 2, 3, 4)]


def test_any_order_and_any_number_of_workers_give_the_same_bytes(archive, tmp_path):
    out, _, _ = archive
    simulate_archive(tmp_path, SATELLITE_NAMES[::-1], START, DAYS, seed=1, events_per_day=10.0, workers=2)
    assert digests(tmp_path) == digests(out)


def test_a_day_alone_is_the_day_in_the_archive(archive):
    out, _, _ = archive
    data, _ = simulate_day("metop01", START + dt.timedelta(days=1), 1, 10.0)
    with h5py.File(out / "2015/metop01/poes_m01_20150302_proc.nc") as file:
        for name, values in data.items():
            np.testing.assert_array_equal(file[name][:], values, err_msg=name)


def test_seed_changes_the_fluxes_and_rate_only_the_events(monkeypatch):
    expected = []

    def spy(counts, pulses, rng):
        expected.append(counts.copy())
        return measure(counts, pulses, rng)

    monkeypatch.setattr("reprocess.simulate.archive.measure", spy)
    flux = "mep_ele_tel0_flux_e1"
    first, events = simulate_day("noaa18", START, 1, 10.0)
    other_seed, _ = simulate_day("noaa18", START, 2, 10.0)
    fewer, none = simulate_day("noaa18", START, 1, 0.0)
    n = min(len(first[flux]), len(other_seed[flux]))
    assert (first[flux][:n] != other_seed[flux][:n]).any()
    assert events
    assert none == []
    np.testing.assert_array_equal(first["time"], fewer["time"])
    # Channels have random numbers of their own: what does not change looks the same.
    np.testing.assert_array_equal(first["mep_pro_tel0_flux_p5"], fewer["mep_pro_tel0_flux_p5"])
    more, _, background = expected
    assert (more >= background).all()
    assert 0 < (more > background).any(axis=(0, 1)).mean() < 0.5


def test_layout_is_noaas(archive):
    out, _, _ = archive
    with h5py.File(out / "2015/noaa18/poes_n18_20150301_proc.nc") as file:
        assert set(file) == {v.name for v in variables()}
        assert len(file) == 158
        n = file["time"].shape[0]
        for v in variables():
            dataset = file[v.name]
            assert dataset.dtype == v.dtype
            assert dataset.shape == dataset.chunks == (n,)
            assert dataset.compression == "gzip"
            assert dataset.shuffle
            assert dataset.is_scale
            assert dataset.attrs["long_name"].decode() == v.long_name
            assert dataset.attrs["NAME"].decode() == v.name
        assert set(file["satID"][:]) == {SATELLITES["noaa18"].sat_id}
        # Right or wrong: as NOAA has it.
        assert file["time"].attrs["valid_range"].tolist() == [0, 0]


def test_variables_are_those_of_the_published_list(shared):
    with (shared / "schema" / "schema_proc_nc.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(variables()) == 158
    for row, ours in zip(rows, variables(), strict=True):
        limits = ast.literal_eval(row["valid_range"]) if row["valid_range"] else []
        assert (ours.name, str(ours.dtype), ours.units, ours.long_name, ours.fill) == (
            row["name"],
            row["dtype"],
            row["units"],
            row["long_name"],
            row["hdf5_fillvalue"],
        )
        assert list(ours.valid_range) == limits


def test_attributes_are_those_of_a_real_file(archive, real_files):
    out, _, _ = archive
    with h5py.File(real_files[1]) as real, h5py.File(out / "2015/noaa18/poes_n18_20150301_proc.nc") as ours:
        assert set(real) == set(ours)
        for name in real:
            assert ours[name].dtype == real[name].dtype, name
            assert ours[name].fillvalue == real[name].fillvalue, name
            assert set(ours[name].attrs) == set(real[name].attrs), name
            for key in ("units", "valid_range", "long_name"):
                a, b = ours[name].attrs[key], real[name].attrs[key]
                empty = isinstance(a, h5py.Empty), isinstance(b, h5py.Empty)
                assert empty[0] == empty[1]
                if not empty[0]:
                    np.testing.assert_array_equal(a, b)


def test_values_are_in_the_ranges_of_real_files(archive):
    out, _, _ = archive
    for path in out.rglob("*.nc"):
        with h5py.File(path) as file:
            data = {name: file[name][:] for name in file}
        assert (data["msec"] == data["time"] % 86_400_000).all()
        assert set(data["year"]) == {2015}
        assert set(data["day"]) == {60 if "0301" in path.name else 61}
        assert (data["L_IGRF"][data["L_IGRF"] != -1] > 0.95).all()
        assert ((data["MLT"] >= 0) & (data["MLT"] <= 24)).all()
        for name in ("meped_alpha_0_foot", "meped_alpha_90_foot"):
            known = data[name] != -1
            assert ((data[name] >= 0) & (data[name] <= 180))[known].all()
            assert not known.all()
        for place in ("sat", "foot"):
            parts = np.sqrt(sum(data[f"B{c}_{place}"].astype(float) ** 2 for c in "rtp"))
            np.testing.assert_allclose(parts, data[f"Btot_{place}"], atol=0.2)
        parts = np.sqrt(sum(data[f"B{c}_sat"].astype(float) ** 2 for c in "xyz"))
        np.testing.assert_allclose(parts, data["Btot_sat"], atol=0.2)
        assert not any(np.isnan(v).any() for v in data.values())


def test_xarray_reads_it(archive):
    out, _, _ = archive
    path = out / "2015/noaa18/poes_n18_20150301_proc.nc"
    with xr.open_dataset(path, engine="h5netcdf", decode_times=False) as dataset:
        assert len(dataset.variables) == len(dataset.sizes) == 158
        assert dataset["mep_ele_tel0_flux_e4"].dims == ("mep_ele_tel0_flux_e4",)


def test_truth_has_the_documented_columns(archive):
    _, path, _ = archive
    table = pd.read_parquet(path)
    assert list(table) == list(TRUTH_COLUMNS)
    assert set(table["satellite"]) == set(SATELLITE_NAMES)
    assert (table.groupby("satellite")["start_time"].diff().dropna() >= pd.Timedelta(0)).all()
    document = REPOSITORY / "docs" / "simulator.md"
    described = set(re.findall(r"^\| `(\w+)`", document.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(TRUTH_COLUMNS) <= described


def test_an_event_outside_the_files_records_is_not_in_the_truth():
    first = MARGIN_RECORDS + 8
    event = Event(None, first + 2, first, first + 4, peak_counts=5.0, width=0.2, ratio=0.5, contamination=())
    day = DayTruth("noaa18", START, None, None, None, order=np.arange(100, 200))
    assert truth_row(day, event) is None


def test_no_partial_file_is_left(archive):
    out, _, _ = archive
    assert not list(out.rglob("*.part"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"satellites": ["noaa99"]}, "noaa99.*must be one or more different ones of noaa15"),
        ({"satellites": []}, "must be one or more"),
        ({"satellites": ["noaa18", "noaa18"]}, "different"),
        ({"days": 0}, "days is 0; it must be at least 1"),
        ({"workers": 0}, "workers is 0; it must be at least 1"),
        ({"seed": -1}, "seed is -1; it must be at least 0"),
        ({"events_per_day": -1.0}, "events_per_day is -1.0"),
        ({"events_per_day": float("nan")}, "events_per_day is nan"),
        ({"start": dt.date(1990, 1, 1)}, "1990-01-01 is outside the archive's calendar"),
        ({"start": dt.date(2029, 12, 31), "days": 2}, "2030-01-01 is outside the archive's calendar"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(tmp_path, change, message):
    settings = {"satellites": ["noaa18"], "start": START, "days": 1, "seed": 1} | change
    with pytest.raises(SimulationError, match=message):
        simulate_archive(tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_the_simulator_imports_nothing_of_the_project_but_schema_and_errors():
    allowed = re.compile(r"reprocess\.(schema|errors|simulate(\.\w+)?)$")
    for path in Path(reprocess.simulate.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name, "relative import"
                assert not name.startswith(("dask", "matplotlib")), path
                assert not name.startswith("reprocess") or allowed.match(name), (path, name)


def test_the_energy_flux_of_records_is_that_of_the_truth():
    day = simulated_day("noaa18", dt.date(2015, 3, 4), 1, 30.0)
    assert day.energy_flux.shape == (2, len(day.variables["time"]))
    whole = [row for row in day.truth if not row["at_midnight"] and not row["at_gap"]]
    assert len(whole) > 10
    for row in whole:
        records = day.energy_flux[:, row["start_index"] : row["stop_index"] + 1]
        np.testing.assert_allclose(records.mean(axis=1), [row["energy_flux_40"], row["energy_flux_612"]])
    # Flanks precipitate too; far from events nothing does.
    own = np.zeros(day.energy_flux.shape[1], bool)
    for row in day.truth:
        own[row["start_index"] : row["stop_index"] + 1] = True
    assert (day.energy_flux[0, ~own] > 0).any()
    assert np.median(day.energy_flux[0]) == 0
