import datetime as dt
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess.errors import LedgerError
from reprocess.files import tree_sha256
from reprocess.maps.exposure import BOUNDS, QUANTITIES, daily, grid_coordinates, write_exposure
from reprocess.schema import RECORDS_OF, day_index
from reprocess.schema.grid import FINE, make_grid
from reprocess.work.parts import DWELL, LATER, part_path, write_part
from reprocess.work.paths import Run

MAP = make_grid(np.array([1.0, 5.0, 9.0]), np.array([0.0, 12.0, 24.0]))
WEST = make_grid(np.array([1.0, 5.0]), np.array([12.0, 24.0]))

Rows = list[tuple[str, float, float, float, int, int, int]]


def block(run: Run, satellite: str, number: int, rows: Rows) -> dict:
    """Write a dwell part and return its receipt.

    A row is date, L, MLT, latitude, and records: all of them, in REP, in CSS. None has a flag.
    """
    values = [np.array([r[k] for r in rows], np.float32) for k in (1, 2, 3)]
    counts = np.array([r[4:] for r in rows], np.int32).reshape(-1, 3)
    days = np.array([day_index(dt.date.fromisoformat(r[0])) for r in rows], np.int32)
    columns = {"day": days, "cell": FINE.cell(*values).astype(np.int32)}
    columns |= dict(zip(RECORDS_OF.values(), counts.T, strict=True))
    columns |= dict.fromkeys(LATER["dwell"], 0 * days)
    digest = write_part(part_path(run.dwell, satellite, number), columns, DWELL)
    return {
        "satellite": satellite,
        "block": number,
        "days": {r[0]: {} for r in rows},
        "outputs": {"dwell": digest},
    }


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "runs" / "demo")


def two_satellites(run: Run) -> list[dict]:
    return [
        block(
            run,
            "noaa18",
            248,
            [
                ("2019-10-24", 2.6, 6.0, 70, 100, 10, 0),
                ("2019-10-24", 6.0, 6.0, 70, 7, 0, 0),
                ("2019-10-25", 2.6, 6.0, 70, 50, 0, 5),
                ("2019-10-25", 2.6, 6.0, -70, 3, 3, 3),
            ],
        ),
        block(run, "noaa18", 250, [("2019-12-01", 2.6, 18.0, 70, 1000, 0, 0)]),
        block(run, "metop01", 248, [("2019-10-24", 14.95, 23.9, -1, 20, 20, 0)]),
    ]


def opened(run: Run) -> xr.Dataset:
    return xr.open_zarr(run.exposure, consolidated=False).load()


def test_sums_by_satellite_and_month(run):
    write_exposure(run, two_satellites(run))
    ds = opened(run)
    assert ds.satellite.values.tolist() == ["metop01", "noaa18"]
    assert [str(m)[:10] for m in ds.month.values] == ["2019-10-01", "2019-11-01", "2019-12-01"]
    assert ds.hemisphere.values.tolist() == ["N", "S"]
    assert ds.dwell.shape == (2, 3, 2, 140, 96)
    at = {"hemisphere": 0, "L": 16, "MLT": 24}
    assert ds.dwell.sel(satellite="noaa18").isel(at | {"month": 0}) == 300
    assert ds.precipitation_REP.sel(satellite="noaa18").isel(at | {"month": 0}) == 20
    assert ds.precipitation_CSS.sel(satellite="noaa18").isel(at | {"month": 0}) == 10
    assert ds.dwell.sel(satellite="noaa18").isel(month=0, hemisphere=1, L=16, MLT=24) == 6
    assert ds.dwell.sel(satellite="noaa18").isel(month=2, hemisphere=0, L=16, MLT=72) == 2000
    assert ds.precipitation_REP.sel(satellite="metop01").isel(month=0, hemisphere=1, L=139, MLT=95) == 40
    assert ds.dwell.isel(month=1).sum() == 0
    totals = {name: int(ds[name].sum()) for name in QUANTITIES}
    assert totals == {"dwell": 2 * 1180, "precipitation_REP": 2 * 33, "precipitation_CSS": 2 * 8}


def test_metadata(run):
    write_exposure(run, two_satellites(run))
    ds = opened(run)
    assert ds.attrs["Conventions"] == "CF-1.11, ACDD-1.3"
    assert not {"coordinates", "_FillValue"} & ds.attrs.keys()
    for name in (*ds.dims, *BOUNDS):
        path = run.exposure / name / "zarr.json"
        assert not path.exists() or "_FillValue" not in json.loads(path.read_bytes())["attributes"], name
    assert ds.attrs["run"] == "demo"
    for name in QUANTITIES:
        assert ds[name].attrs["units"] == "s"
        assert ds[name].attrs["long_name"]
        assert ds[name].dtype.kind == "i"
    for name, units, edges in (("L", "1", FINE.L_edges), ("MLT", "h", FINE.MLT_edges)):
        assert ds[name].attrs["units"] == units
        assert ds[name].attrs["bounds"] == f"{name}_bounds"
        np.testing.assert_array_equal(ds[f"{name}_bounds"].values[:, 0], edges[:-1])
        np.testing.assert_array_equal(ds[f"{name}_bounds"].values[:, 1], edges[1:])
        np.testing.assert_allclose(ds[name].values, ds[f"{name}_bounds"].values.mean(axis=1))


def test_the_order_of_blocks_does_not_matter(run, tmp_path):
    records = two_satellites(run)
    write_exposure(run, records)
    first = opened(run)
    write_exposure(run, records[::-1])
    assert opened(run).identical(first)
    assert int(first.dwell.sum()) > 0


def test_a_second_time_replaces_the_first(run):
    records = two_satellites(run)
    write_exposure(run, records)
    write_exposure(run, records[1:2])
    ds = opened(run)
    assert ds.satellite.values.tolist() == ["noaa18"]
    assert int(ds.dwell.sum()) == 2000


def test_a_block_of_empty_days(run):
    record = block(run, "noaa18", 248, []) | {"days": {"2019-10-24": {}}}
    write_exposure(run, [record])
    assert int(opened(run).dwell.sum()) == 0


def test_nothing_done_writes_nothing(run):
    write_exposure(run, [])
    assert not run.exposure.exists()


def test_a_damaged_part_is_not_counted(run):
    records = two_satellites(run)
    path = part_path(run.dwell, "noaa18", 250)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    for use in (write_exposure, lambda r, done: daily(r, done, MAP)):
        with pytest.raises(LedgerError, match=r"delete .*/ledger/noaa18/0250\.json") as e:
            use(run, records)
        assert str(path) in str(e.value)
        assert records[1]["outputs"]["dwell"] in str(e.value)


def test_a_missing_part_is_not_counted(run):
    records = two_satellites(run)
    path = part_path(run.dwell, "metop01", 248)
    path.unlink()
    with pytest.raises(
        LedgerError, match=r"is missing although its block is done; delete .*/ledger/metop01/0248\.json"
    ):
        daily(run, records, MAP)


def test_seconds_per_satellite_day(run):
    found = daily(run, two_satellites(run), MAP)
    assert list(found) == list(QUANTITIES)
    for values in found.values():
        assert values.shape == (4, 2, 2)
        assert values.dtype == np.int32
    dwell = found["dwell"]
    assert dwell[0].tolist() == [[200, 0], [14, 0]]
    assert dwell[1].tolist() == [[106, 0], [0, 0]]  # hemispheres added
    assert dwell[2].tolist() == [[0, 2000], [0, 0]]
    assert dwell[3].sum() == 0  # outside the map, but a day all the same
    assert found["precipitation_REP"][:, 0, 0].tolist() == [20, 6, 0, 0]
    assert found["precipitation_CSS"][:, 0, 0].tolist() == [0, 16, 0, 0]


def test_daily_of_part_of_the_grid(run):
    assert daily(run, two_satellites(run), WEST)["dwell"].ravel().tolist() == [0, 0, 2000, 0]


def test_daily_agrees_with_the_exposure(run):
    records = two_satellites(run)
    write_exposure(run, records)
    ds = opened(run)
    whole = make_grid(np.array([1.0, 15.0]), np.array([0.0, 24.0]))
    for name, values in daily(run, records, whole).items():
        assert values.sum() == int(ds[name].sum()) > 0


def test_daily_of_nothing(run):
    for values in daily(run, [], MAP).values():
        assert values.shape == (0, 2, 2)


def test_coordinates_of_a_map():
    coordinates = grid_coordinates(MAP)
    assert list(coordinates) == ["L", "L_bounds", "MLT", "MLT_bounds"]
    assert coordinates["L"][1].tolist() == [3, 7]
    assert coordinates["MLT_bounds"][1].tolist() == [[0, 12], [12, 24]]


@settings(max_examples=8)
@given(st.data())
def test_what_is_kept_of_months_never_tells(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """However blocks come, change and go, the exposure is as if it was summed at once."""
    root = tmp_path_factory.mktemp("kept")
    one, other = Run(root / "runs" / "one"), Run(root / "runs" / "other")
    blocks = [("noaa18", 247), ("noaa18", 248), ("metop01", 248), ("noaa15", 250)]
    date = st.sampled_from(["2019-09-30", "2019-10-01", "2019-10-24", "2019-11-02", "2020-01-01"])
    row = st.tuples(date, st.sampled_from([2.6, 6.0]), st.just(6.0), st.just(70), *[st.integers(0, 9)] * 3)
    now: dict[tuple[str, int], dict] = {}
    for _ in range(3):
        for at in data.draw(st.sets(st.sampled_from(blocks), min_size=1)):
            rows = data.draw(st.lists(row, max_size=3))
            now[at] = block(one, *at, rows)
            block(other, *at, rows)
        for at in data.draw(st.sets(st.sampled_from(blocks))):
            now.pop(at, None)
        receipts = [now[at] for at in sorted(now)]
        write_exposure(one, receipts)
        shutil.rmtree(other.exposure, ignore_errors=True)
        other.exposure_parts.unlink(missing_ok=True)
        write_exposure(other, receipts)
        assert one.exposure.exists() == other.exposure.exists()
        if one.exposure.exists():
            assert opened(one).equals(opened(other))
            assert _kept(one) == _kept(other)


def _kept(run: Run) -> dict:
    return json.loads(run.exposure_parts.read_bytes())["parts"]


def test_only_months_that_changed_are_summed_anew(run: Run) -> None:
    records = two_satellites(run)
    write_exposure(run, records)
    far = part_path(run.dwell, "noaa18", 250)
    far.rename(far.with_suffix(".away"))  # would raise if it was read
    records[0] = block(run, "noaa18", 248, [("2019-10-24", 2.6, 6.0, 70, 1, 0, 0)])
    write_exposure(run, records)
    ds = opened(run)
    assert ds.dwell.sum(["hemisphere", "L", "MLT"]).values.tolist() == [[40, 0, 0], [2, 0, 2000]]


@pytest.mark.parametrize("damage", ["not JSON", "[]", '{"version": 1}', "other files"])
def test_an_exposure_of_which_nothing_is_known_is_summed_anew(run: Run, damage: str) -> None:
    records = two_satellites(run)
    write_exposure(run, records)
    expected = opened(run)
    stored = zarr.open_array(run.exposure / "dwell", mode="r+")
    stored[...] = stored[...] + 1
    if damage != "other files":
        told = json.loads(run.exposure_parts.read_bytes()) | {"exposure_sha256": tree_sha256(run.exposure)}
        run.exposure_parts.write_text(json.dumps(told))
        write_exposure(run, records)
        assert int(opened(run).dwell.sum()) > int(expected.dwell.sum()), "what the test damages is trusted"
        run.exposure_parts.write_text(damage)
    write_exposure(run, records)
    assert opened(run).equals(expected)
