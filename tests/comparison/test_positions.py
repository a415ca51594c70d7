"""Latitude and longitude of a list become L and MLT; the page of a match."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reprocess import schema
from reprocess.comparison.against import match_list
from reprocess.comparison.listed import Listed, read_listed
from reprocess.comparison.offsets import draw_page
from reprocess.comparison.positions import ARRAYS, DAYS, FOOT_KM, Places, nearest_days, placed
from reprocess.detect.series import Series
from reprocess.errors import EventListError
from reprocess.evaluation.rows import Form
from reprocess.physics.coincidence import Shifts, Windows
from reprocess.work.paths import Work
from tests.support.command import reprocess
from tests.support.labelled import ingest

KEYS = [("noaa15", "2019-10-24"), ("noaa18", "2019-10-24")]
TIME = np.datetime64("2015-03-01T06:00:00", "ms")


def of_a_dipole(latitude: np.ndarray, longitude: np.ndarray, hour: float) -> tuple[np.ndarray, np.ndarray]:
    """L and MLT of places where the field is a dipole along the Earth's axis."""
    return 1 / np.cos(np.radians(latitude)) ** 2, (hour + longitude / 15) % 24


def test_places_between_passes_have_what_the_field_has() -> None:
    """Records 50 km apart on passes 200 km apart, at all hours; places anywhere between them."""
    rng = np.random.default_rng(3)
    latitude, longitude = (x.ravel() for x in np.meshgrid(np.arange(40, 71, 0.45), np.arange(0, 360, 4.0)))
    latitude = np.concatenate([latitude, -latitude])
    longitude, hour = np.tile(longitude, 2), rng.uniform(0, 24, latitude.size)
    time = TIME.astype(np.int64) - 6 * 3_600_000 + np.round(hour * 3_600_000).astype(np.int64)
    known = Places(latitude, longitude, *of_a_dipole(latitude, longitude, hour), time)
    where = rng.uniform(45, 65, 200) * rng.choice([-1, 1], 200), rng.uniform(-180, 180, 200)
    found = known.at(*where, pd.Series(np.full(200, TIME)))
    L, MLT = of_a_dipole(*where, 6)
    np.testing.assert_allclose(found[0], L, rtol=0.01)
    assert np.abs((found[1] - MLT + 12) % 24 - 12).max() < 0.15
    other_foot = known.at(-where[0], where[1], pd.Series(np.full(200, TIME)))
    np.testing.assert_allclose(other_foot[0], found[0], rtol=0.01)
    assert np.isnan(known.at(np.array([80.0]), np.array([10.0]), pd.Series([TIME]))).all()


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Work:
    """An archive of two satellites on one real day."""
    folder = tmp_path_factory.mktemp("real")
    shutil.copytree(shared / "archive/2019", folder / "archive/2019")
    return ingest(folder / "archive", folder / "work")


@pytest.fixture(scope="module")
def records(real: Work) -> dict[str, np.ndarray]:
    """Some records with L."""
    day = schema.day_index("2019-10-24")
    found = Series(real, "noaa18", ARRAYS, [day]).stretch(day, 0).records
    usable = (found["L_IGRF"] > 2) & (found["L_IGRF"] < 9)
    return {name: values[usable][::101] for name, values in found.items()}


@pytest.mark.parametrize("where", ["satellite", "foot"])
def test_a_record_is_where_it_is(where: str, real: Work, records: dict[str, np.ndarray]) -> None:
    altitude, of = (FOOT_KM, "foot_") if where == "foot" else (float(records["altitude"].mean()), "")
    known = Places.read(real, KEYS, altitude)
    times = pd.Series(records["time"].astype("datetime64[ms]"))
    places = records[f"{of}latitude"], records[f"{of}longitude"]
    L, MLT = known.at(*places, times)
    assert np.isnan(L).mean() < 0.05  # beside the hole where NOAA's files have no L
    assert np.nanquantile(np.abs(L / records["L_IGRF"] - 1), 0.9) < 0.03
    assert np.nanquantile(np.abs((MLT - records["MLT"] + 12) % 24 - 12), 0.9) < 0.3
    later = known.at(*places, times + pd.Timedelta(hours=6))
    turned = (later[1] - MLT)[~np.isnan(MLT)] % 24
    np.testing.assert_allclose(turned, 6, atol=1e-9)  # the place turns, L stays
    np.testing.assert_array_equal(later[0], L)
    west = known.at(places[0], (places[1] + 180) % 360 - 180, times)
    np.testing.assert_allclose(west, (L, MLT), rtol=1e-3)


def listed(rows: str, tmp_path: Path) -> Listed:
    (tmp_path / "list.csv").write_text("time,lat,lon\n" + rows)
    return read_listed(tmp_path / "list.csv", Form())


ROW = "2019-10-24T10:45:00,{:.3f},{:.3f}\n"


def test_places_that_nobody_passes_are_left_out(real: Work, records, tmp_path: Path) -> None:
    there = ROW.format(records["foot_latitude"][1], records["foot_longitude"][1])
    table = listed(there + ROW.format(88, 0), tmp_path)
    assert table.places == ()
    found = placed(real, KEYS, table)
    assert (found.mapped, found.places, found.reasons) == (True, ("L", "MLT"), {"no record near": 1})
    assert found.table["L"].tolist() == pytest.approx([float(records["L_IGRF"][1])], rel=0.05)
    with pytest.raises(EventListError, match="within 150 km of any position of the list"):
        placed(real, KEYS, listed(ROW.format(88, 0), tmp_path))
    with pytest.raises(EventListError, match="the run has no day yet"):
        placed(real, [], table)


def test_positions_are_checked_and_L_comes_before_them(tmp_path: Path) -> None:
    rows = ROW.format(91, 0) + "2015-03-01T23:45:00,,0\n" + ROW.format(0, 361) + ROW.format(-90, -180)
    assert [reason for _, reason, _ in listed(rows, tmp_path).left_out] == [
        "impossible latitude",
        "no latitude",
        "impossible longitude",
    ]
    (tmp_path / "both.csv").write_text("time,L,latitude,longitude\n2015-03-01T23:45:00,5,91,0\n")
    found = read_listed(tmp_path / "both.csv", Form())
    assert found.places == ("L",)
    assert "latitude" not in found.table


def test_the_nearest_days_are_read_and_not_too_many() -> None:
    days = [
        (name, f"2015-{month:02d}-{day:02d}") for name in "ab" for month in (3, 5) for day in range(1, 29)
    ]
    times = pd.Series(pd.to_datetime(["2015-05-14", "2015-05-15", "2012-01-01"]))
    chosen = nearest_days(days, times)
    assert len(chosen) == DAYS
    assert {date[:7] for _, date in chosen} == {"2015-05"}
    assert nearest_days(days[:3], times) == days[:3]


def test_command_with_positions_and_a_page(compared: Work, tmp_path: Path) -> None:
    reprocess("events", compared.root, "--run", "published", "-o", tmp_path / "events.csv")
    table = pd.read_csv(tmp_path / "events.csv")[["start_time", "stop_time", "latitude", "longitude"]]
    table.to_csv(tmp_path / "list.csv", index=False)
    done = reprocess(
        "match", compared.root, tmp_path / "list.csv", "--run", "published", "--altitude", 820,
        "--no-looking", "-o", tmp_path / "m.csv", "--page", tmp_path / "m.html", code=3,
    )  # fmt: skip
    assert "those of its positions at 820 km" in done.stdout
    assert "no record of our satellites with L is within 150 km" in done.stderr  # passes are few here
    rows = pd.read_csv(tmp_path / "m.csv")
    assert rows["listed_L"].notna().all()
    page = (tmp_path / "m.html").read_text()
    assert "L and MLT of the list are those of its latitudes and longitudes at 820 km" in page
    assert f"of {rows['satellite'].notna().sum()} pairs; m.csv has all" in page
    assert page.count("data:image/png") == 1


def test_a_page_of_nothing_says_so(compared: Work, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("time,L,MLT\n2019-03-01T23:45:00,5,3\nx,5,3\n")
    given = read_listed(tmp_path / "list.csv", Form())
    table, facts = match_list(compared, compared.run("published"), given, Windows(), Shifts(), looking=False)
    page = draw_page(table, facts | {"list": "list.csv"}, "").decode()
    assert "Nothing does." in page
    assert "not known" in page
    assert "no time" in page


def test_a_page_elsewhere_is_refused(compared: Work, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("time\n2015-03-01T23:45:00\n")
    words = "match", compared.root, tmp_path / "list.csv", "--page", tmp_path / "m.txt"
    assert "m.txt is no .html; the page is one" in " ".join(reprocess(*words, code=2).stderr.split())
