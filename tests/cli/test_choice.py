"""Which model is taken without --model, and that simulated data say so wherever they are shown."""

import io
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner, Result

from reprocess.classifier.bundle import Bundle
from reprocess.cli import main
from reprocess.ingest.reading import is_simulated
from tests.support import fake

SIMULATED = "run simulated2026-published"


def invoke(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPROCESS_MODELS", str(tmp_path / "none"))


@pytest.fixture(scope="module")
def simulated_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fake archive, whose files say that they are simulated."""
    archive = fake.write_archive(tmp_path_factory.mktemp("simulated"))
    for path in archive.rglob("*.nc"):
        with h5py.File(path, "a") as file:
            file.attrs["title"] = np.bytes_("Simulated particle data")
    return archive


def test_a_file_says_that_it_is_simulated_or_nothing(
    fake_archive: Path, simulated_archive: Path, shared: Path
) -> None:
    def of(folder: Path) -> list[bool]:
        return [is_simulated(path.read_bytes()) for path in sorted(folder.rglob("*.nc"))]

    assert of(fake_archive) == [False] * 4
    assert of(simulated_archive) == [True] * 4
    assert of(shared / "archive") == [False] * 3
    assert of(shared / "archive_simulated") == [True] * 4
    assert not is_simulated(b"no HDF5 at all, although it speaks of what is simulated")


def test_without_a_model_measurements_are_refused_with_both_remedies(
    fake_archive: Path, tmp_path: Path, no_models: None
) -> None:
    work = tmp_path / "w"
    assert invoke("ingest", fake_archive, work, "--partition", "1/1").exit_code == 0
    for words in (("run", fake_archive, work), ("detect", work)):
        done = invoke(*words, "--dry-run")
        assert done.exit_code == 2
        for remedy in ("reprocess model fetch capannolo2022", "--model simulated2026"):
            assert remedy in " ".join(done.output.split())
    assert invoke("plan", fake_archive).exit_code == 0, "a forecast needs no decision"


def test_without_a_model_simulated_data_take_the_bundled_one(
    simulated_archive: Path, tmp_path: Path, no_models: None
) -> None:
    done = invoke("run", simulated_archive, tmp_path / "w", "--partition", "1/1")
    assert SIMULATED in done.output
    assert SIMULATED in invoke("detect", tmp_path / "w", "--partition", "1/1").output


def test_help_says_which_model_is_taken() -> None:
    for command in ("run", "detect", "evaluate", "plan"):
        assert "the data are simulated, simulated2026" in " ".join(invoke(command, "--help").output.split())


def test_the_published_model_is_taken_where_it_is(
    simulated_archive: Path, tmp_path: Path, published: Bundle
) -> None:
    done = invoke("run", simulated_archive, tmp_path / "w", "--partition", "1/1")
    assert f"run {published.name}-published" in done.output


def test_simulated_data_say_so_on_every_face(
    simulated_archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    work, table = tmp_path / "w", tmp_path / "events.csv"
    assert invoke("run", simulated_archive, work, "--model", "random", "--partition", "1/1").exit_code == 0
    assert invoke("map", work).exit_code == 0
    assert invoke("report", work).exit_code == 0
    assert "simulated data: 4 satellite-days" in invoke("status", work).output
    assert invoke("events", work, "-o", table).exit_code == 0
    assert set(pd.read_csv(table)["origin"]) == {"simulated"}
    run = work / "runs" / "random-published"
    with xr.open_dataset(run / "occurrence.nc", decode_timedelta=False) as maps:
        assert maps.attrs["simulated_satellite_days"] == 4
        assert "simulated" in maps.attrs["source"]
        assert "NOAA" not in maps.attrs["source"]
    page = (run / "report" / "index.html").read_text()
    assert "Simulated data:" in page
    assert "over NOAA" not in page
    assert not [f for f in invoke("audit", work).output.splitlines() if "contradiction" in f]


def test_measurements_are_not_called_simulated(
    fake_archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    work = tmp_path / "w"
    invoke("run", fake_archive, work, "--model", "random", "--partition", "1/1")
    assert "simulated" not in invoke("status", work).output
    assert set(pd.read_csv(io.StringIO(invoke("events", work).stdout))["origin"]) == {"measured"}
