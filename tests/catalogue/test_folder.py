"""`reprocess catalogue`: a folder that explains itself and is the same each time."""

import hashlib
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner

from reprocess.catalogue.folder import catalogue_files, require_folder, write_catalogue
from reprocess.catalogue.table import CATALOGUE_COLUMNS, KEY, read_catalogue
from reprocess.cli import main
from reprocess.errors import CatalogueError
from reprocess.files import files_under
from reprocess.schema import FLAGS
from reprocess.schema.properties import UNCERTAINTY
from reprocess.work.paths import Run, Work
from tests.support import labelled

pytestmark = pytest.mark.usefixtures("short_record_axis")

DAYS = {("noaa18", "2015-03-01"): 900, ("metop01", "2015-03-01"): 900, ("metop01", "2015-03-02"): 700}
EVENTS = [
    (
        satellite,
        labelled.record_time("2015-03-01", first),
        labelled.record_time("2015-03-01", first - 9),
        kind,
    )
    for satellite, first, kind in (("noaa18", 300, "REP"), ("metop01", 310, "CSS"), ("metop01", 500, "REP"))
]
FILES = {
    "CITATION.cff", "README.md", "SHA256SUMS", "VERSION", "columns.csv", "columns.md", "datapackage.json",
    "events.csv", "events.nc", "events.parquet", "events_hapi.csv", "events_hapi.json", "provenance.json",
}  # fmt: skip


INFO_KEYS = {
    "HAPI", "status", "format", "parameters", "startDate", "stopDate", "timeStampLocation", "cadence",
    "sampleStartDate", "sampleStopDate", "description", "unitsSchema", "resourceURL", "resourceID",
    "creationDate", "modificationDate", "contact", "contactID",
}  # fmt: skip
"""What an answer to `info` may hold in HAPI 3.1, besides keys that begin with x_."""
PARAMETER_KEYS = {"name", "type", "length", "size", "units", "fill", "description", "label", "bins"}


@pytest.fixture(scope="module")
def made(short_record_axis, random_model, tmp_path_factory) -> Work:
    folder = tmp_path_factory.mktemp("catalogue")
    work = labelled.ingest(labelled.write_days(folder / "archive", DAYS, EVENTS), folder / "w")
    labelled.classify(work, random_model)
    return work


@pytest.fixture(scope="module")
def folder(made: Work, tmp_path_factory) -> Path:
    """What the command writes; it describes the events itself."""
    target = tmp_path_factory.mktemp("out") / "catalogue"
    assert not made.runs()[0].properties.exists()
    give(made, target)
    return target


def give(work: Work, target: Path, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["catalogue", str(work.root), "-o", str(target), "--workers", "1"])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def run(made: Work) -> Run:
    return made.runs()[0]


def read(folder: Path, name: str) -> bytes:
    return (folder / name).read_bytes()


def test_all_files_are_there_and_their_sums_hold(folder: Path) -> None:
    assert {path.name for path in files_under(folder)} == FILES
    rows = [line.split("  ") for line in read(folder, "SHA256SUMS").decode().splitlines()]
    assert {name for _, name in rows} == FILES - {"SHA256SUMS"}
    assert all(hashlib.sha256(read(folder, name)).hexdigest() == digest for digest, name in rows)


def test_the_same_bytes_again_and_in_place_of_an_older_one(folder: Path, made: Work, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in files_under(folder)}
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    (other / "events.csv").write_bytes(b"older")
    (other / "mine.txt").write_bytes(b"kept")
    give(made, other)
    assert (other / "mine.txt").read_bytes() == b"kept"
    assert {path.name: path.read_bytes() for path in files_under(other)} == before | {"mine.txt": b"kept"}


def test_formats_hold_the_same_table(folder: Path) -> None:
    parquet = pd.read_parquet(folder / "events.parquet")
    assert list(parquet.columns) == list(CATALOGUE_COLUMNS)
    assert len(parquet) > 2
    text = pd.read_csv(folder / "events.csv")
    dataset = xr.load_dataset(folder / "events.nc", engine="scipy", decode_times=False)
    assert set(dataset.dims) == {"event"}
    for name, column in CATALOGUE_COLUMNS.items():
        if column.dtype in {"float32", "float64", "int32"}:
            expected = parquet[name].to_numpy(float)
            np.testing.assert_allclose(text[name].to_numpy(float), expected, rtol=1e-6, err_msg=name)
            np.testing.assert_allclose(dataset[name].to_numpy(), expected, rtol=1e-12, err_msg=name)
        assert dataset[name].attrs["units"] == column.units


def test_databases_find_the_same_numbers_and_flags_are_left_out_by_their_sum(folder: Path) -> None:
    import duckdb

    table = pd.read_parquet(folder / "events.parquet")
    page = read(folder, "README.md").decode()
    found = re.search(r"\| energy input \| (.*) \| (\d+) \|", page)
    assert found
    assert re.findall("`(.*?)`", found[1]) == [flag.name for flag in FLAGS if flag.bit & int(found[2])]
    assert "metop01" in page
    what = f"count(*), sum(counts_e4_0), count(*) FILTER (quality_flags & {found[2]} = 0)"
    kept = (table["quality_flags"] & int(found[2]) == 0).sum()
    for read_file, name in ((duckdb.read_parquet, "events.parquet"), (duckdb.read_csv, "events.csv")):
        rows = read_file(str(folder / name)).aggregate(what).fetchall()
        assert rows == [(len(table), pytest.approx(table["counts_e4_0"].sum()), kept)]


def test_units_and_the_word_on_uncertainty_are_in_the_files(folder: Path) -> None:
    import pyarrow.parquet as pq

    schema = pq.read_schema(folder / "events.parquet")
    assert schema.field("energy_flux_40").metadata[b"units"] == b"mW m-2"
    assert schema.metadata[b"comment"].decode() == UNCERTAINTY
    dataset = xr.open_dataset(folder / "events.nc", engine="scipy", decode_times=False)
    assert dataset.attrs["comment"] == UNCERTAINTY
    assert "factor of several" in dataset["energy_flux_612"].attrs["long_name"]
    assert "factor of several" in read(folder, "README.md").decode()


def test_every_column_is_in_the_dictionary(folder: Path) -> None:
    found = pd.read_csv(folder / "columns.csv")
    assert found["column"].tolist() == list(CATALOGUE_COLUMNS)
    assert found.notna().all().all()
    assert set(found["unit"][found["dtype"] == "time"]) == {"UTC"}
    assert set(found["unit"][found["dtype"] == "str"]) == {"-"}
    page = read(folder, "columns.md").decode()
    assert all(f"| `{name}` |" in page for name in CATALOGUE_COLUMNS)


def test_the_header_is_what_hapi_asks_for(folder: Path) -> None:
    """The rules of HAPI 3.1 on `info` answers and CSV (its specification, sections info and data)."""
    header = json.loads(read(folder, "events_hapi.json"))
    assert set(header) <= INFO_KEYS
    assert UNCERTAINTY[1:] in header["description"]
    assert header["HAPI"] == "3.1"
    assert header["status"] == {"code": 1200, "message": "OK"}
    assert header["format"] == "csv"
    first, *others = header["parameters"]
    assert first["type"] == "isotime"
    assert first["units"] == "UTC"
    assert first["fill"] is None  # no time is missing
    names = [parameter["name"] for parameter in header["parameters"]]
    assert len(set(names)) == len(names) == len(CATALOGUE_COLUMNS)
    for parameter in header["parameters"]:
        assert set(parameter) <= PARAMETER_KEYS
        assert parameter["type"] in {"string", "double", "integer", "isotime"}
        assert ("length" in parameter) == (parameter["type"] in {"string", "isotime"})
        assert {"units", "fill", "description"} <= parameter.keys()
        assert parameter["fill"] is None or isinstance(parameter["fill"], str)
    assert all(parameter["units"] != "1" for parameter in others)
    rows = [line.split(",") for line in read(folder, "events_hapi.csv").decode().splitlines()]
    table = pd.read_csv(
        io.BytesIO(read(folder, "events_hapi.csv")), header=None, dtype=str, keep_default_na=False
    )
    assert table.shape == (len(rows), len(names))
    time = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    for position, parameter in enumerate(header["parameters"]):
        values = table[position]
        if parameter["type"] == "isotime":
            assert values.map(lambda value: bool(time.fullmatch(value))).all()
        if "length" in parameter:
            assert values.str.len().max() <= parameter["length"]
        if parameter["type"] in {"double", "integer"}:
            values.map(float)  # NaN is one
    assert table[0].is_monotonic_increasing
    assert header["startDate"] <= table[0].iloc[0]
    assert table[0].iloc[-1] < header["stopDate"]


def test_the_data_package_is_of_these_files(folder: Path) -> None:
    package = json.loads(read(folder, "datapackage.json"))
    by_path = {resource["path"]: resource for resource in package["resources"]}
    assert by_path.keys() == FILES - {"datapackage.json", "SHA256SUMS"}
    for path, resource in by_path.items():
        data = read(folder, path)
        assert resource["bytes"] == len(data)
        assert resource["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert re.fullmatch(r"[-a-z0-9._/]+", resource["name"])
    schema = by_path["events.csv"]["schema"]
    text = pd.read_csv(folder / "events.csv", nrows=0)
    assert [field["name"] for field in schema["fields"]] == list(text.columns)
    assert not pd.read_csv(folder / "events.csv").duplicated(schema["primaryKey"]).any()
    assert schema["primaryKey"] == list(KEY)


def test_frictionless_finds_nothing_wrong(folder: Path) -> None:
    frictionless = pytest.importorskip("frictionless", reason="frictionless is not installed")
    report = frictionless.validate(str(folder / "datapackage.json"))
    assert report.valid, report.flatten(["title", "note", "fieldName"])


def test_where_events_come_from(folder: Path, made: Work, run: Run) -> None:
    found = json.loads(read(folder, "provenance.json"))
    assert {(row["satellite"], row["date"]) for row in found["source_files"]} == set(DAYS)
    for row in found["source_files"]:
        file = next(made.root.parent.rglob(row["file"]))
        assert hashlib.sha256(file.read_bytes()).hexdigest() == row["sha256"]
    identity = run.read_identity() or {}
    assert found["run_made_with"]["model_sha256"] == identity["model_sha256"]
    assert found["run_made_with"]["rules"] == identity["rules"]
    assert str(made.root) not in "".join(read(folder, name).decode(errors="replace") for name in FILES)
    assert read(folder, "VERSION").decode().strip() == found["version"]
    assert f'version: "{found["version"]}"' in read(folder, "CITATION.cff").decode()


def test_a_folder_of_something_else_is_refused_and_left_alone(made: Work, tmp_path: Path) -> None:
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "provenance.json").write_text('{"program": "another"}', encoding="utf-8")
    assert "is not empty and holds no catalogue of this program" in give(made, foreign, code=2)
    assert [path.name for path in foreign.iterdir()] == ["provenance.json"]
    with pytest.raises(CatalogueError, match="is a file"):
        require_folder(foreign / "provenance.json")
    require_folder(tmp_path / "new")


def test_a_run_without_events_has_no_catalogue(
    made: Work, run: Run, folder: Path, tmp_path, monkeypatch
) -> None:
    empty = read_catalogue(run).iloc[:0]
    monkeypatch.setattr("reprocess.catalogue.folder.read_catalogue", lambda _: empty)
    with pytest.raises(CatalogueError, match="has no events"):
        catalogue_files(made, run)
    with pytest.raises(CatalogueError, match="has no events"):
        write_catalogue(made, run, tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_coincidences_are_in_the_table(run: Run, folder: Path) -> None:
    table = read_catalogue(run)
    assert table["group"].min() == 1
    assert set(table["group"]) == set(range(1, table["group"].max() + 1))
    near = table[table["matches"] > 0]
    assert all(len(set(satellites)) > 1 for _, satellites in near.groupby("group")["satellite"])
