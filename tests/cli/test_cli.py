"""The command line: what it refuses, what it prints; the pipeline itself is tested in integration/."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reprocess.classifier.bundle import Bundle
from reprocess.cli.numbers import Bytes, Edges
from reprocess.sources.remote import open_folder
from tests.support.command import invoke
from tests.support.places import REPOSITORY


def test_help_names_every_command() -> None:
    text = invoke("--help").output
    commands = (
        "plan", "run", "ingest", "detect", "map", "report", "status", "remove", "events", "simulate", "model",
        "cluster", "compare", "match",
    )  # fmt: skip
    for command in commands:
        assert f"  {command} " in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "nowhere", "W"), "/nowhere is not a folder); give the folder that holds NOAA's years"),
        (("plan", "nowhere"), "/nowhere is not a folder); give the folder that holds NOAA's years"),
        (("plan", ".", "--memory", "2 apples"), "'2 apples' is no number of bytes"),
        (("plan", ".", "--memory", "2iB"), "'2iB' is no number of bytes"),
        (("plan", ".", "--storage-option", "anon"), "'anon' is not KEY=VALUE"),
        (("plan", ".", "--storage-option", "=1"), "'=1' is not KEY=VALUE"),
        (("plan", "."), "no satellite-day under '.'"),
        (("plan", ""), "ARCHIVE '' is empty; is a shell variable not set?"),
        (("run", "", "W"), "ARCHIVE '' is empty; is a shell variable not set?"),
        (("run", ".", ""), "Invalid value for 'WORK': the name is empty; is a shell variable not set?"),
        (("status", ""), "Invalid value for 'WORK': the name is empty; is a shell variable not set?"),
        (("status", "W"), "does not exist"),
        (("events", "."), "is no WORK directory: it holds no ledger; give the folder"),
        (("map", ".", "--run", "x"), "is no WORK directory"),
        (("report", ".", "--run", "x"), "is no WORK directory"),
        (("status", "."), "is no WORK directory"),
        (("audit", "."), "is no WORK directory"),
        (("train", ".", "--events", __file__, "--output", "m"), "is no WORK directory"),
        (("detect", "."), "is no WORK directory"),
        (("model", "show", "nothing"), "there is no model 'nothing' (usable: "),
        (("model", "show", "."), "is no model bundle: weights.npz is missing; give the folder"),
        (("model", "fetch", "other"), "Invalid value"),
    ],
)
def test_wrong_usage_is_explained(
    arguments: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert words in invoke(*arguments, code=2).output
    assert list(tmp_path.iterdir()) == []


def test_an_empty_selection_is_refused(fake_archive: Path, random_model: Bundle, tmp_path: Path) -> None:
    arguments = ("run", fake_archive, tmp_path / "w", "--model", "random", "--end", "2001-01-01")
    assert (
        f"no satellite-day in {fake_archive} is selected by --end 2001-01-01"
        in invoke(*arguments, code=2).output
    )


def test_a_reversed_period_is_refused(fake_archive: Path, tmp_path: Path) -> None:
    text = invoke(
        "run", fake_archive, tmp_path / "w", "--start", "2019-02-01", "--end", "2019-01-01", code=2
    ).output
    assert "--start 2019-02-01 is after --end 2019-01-01" in text


def test_a_model_that_is_not_here_is_named_with_the_remedy(fake_archive: Path, tmp_path: Path) -> None:
    text = invoke("run", fake_archive, tmp_path / "w", "--model", "unheard", code=2).output
    assert "there is no model 'unheard'" in text
    assert not (tmp_path / "w").exists()


def test_bin_edges_off_the_exposure_grid_are_refused_before_anything_runs(
    fake_archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    arguments = ("run", fake_archive, tmp_path / "w", "--model", "random")
    assert "multiples of 0.1" in invoke(*arguments, "--l-edges", "2.5:8.5:0.25", code=2).output
    assert "neither start:stop:step nor a list" in invoke(*arguments, "--mlt-edges", "a,b", code=2).output
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2GB", 2e9),
        ("2 gb", 2e9),
        ("1.5GiB", 1.5 * 2**30),
        ("800M", 8e8),
        ("640kB", 640e3),
        ("5", 5),
        ("1T", 1e12),
    ],
)
def test_bytes_are_read(text: str, number: float) -> None:
    assert Bytes().convert(text, None, None) == number


@pytest.mark.parametrize(
    ("word", "value"),
    [("anon=true", True), ("key=a=b", "a=b"), ('x={"a": 1}', {"a": 1}), ("n=5", 5), ("empty=", "")],
)
def test_storage_options_reach_the_file_system(
    word: str, value: object, fake_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def spy(url: str, storage: dict[str, object]) -> object:
        seen.append(storage)
        return open_folder(url, {})

    monkeypatch.setattr("reprocess.sources.listing.open_folder", spy)
    invoke("plan", fake_archive, "--storage-option", word, "--storage-option", "other=1")
    assert seen == [{word.split("=")[0]: value, "other": 1}]


@pytest.mark.parametrize(
    ("text", "edges"), [("2.5:4:0.5", [2.5, 3.0, 3.5, 4.0]), ("0,6,24", [0.0, 6.0, 24.0]), ("1:2:0.1", None)]
)
def test_edges_are_read(text: str, edges: list[float] | None) -> None:
    found = Edges().convert(text, None, None)
    np.testing.assert_allclose(found, np.arange(10, 21) / 10 if edges is None else edges)


def test_an_unreachable_scheduler_is_named(fake_archive: Path, random_model: Bundle, tmp_path: Path) -> None:
    text = invoke(
        "run", fake_archive, tmp_path / "w", "--model", "random", "--scheduler", "nonsense://x", code=2
    ).output
    assert "no Dask scheduler answers at nonsense://x" in text


def test_a_dry_run_writes_nothing(fake_archive: Path, random_model: Bundle, tmp_path: Path) -> None:
    text = invoke("run", fake_archive, tmp_path / "w", "--model", "random", "--dry-run").output
    assert "4 satellite-days asked for" in text
    size = sum(path.stat().st_size for path in fake_archive.rglob("*.nc")) / 1e6
    reading = f"4 satellite-days in 3 blocks, {size:.1f} MB to read"
    assert f"ingest: {reading}\n" in text
    assert f"{reading}\n" in invoke("plan", fake_archive).output
    assert f"ingest: {reading}\n" in invoke("ingest", fake_archive, tmp_path / "w", "--dry-run").output
    assert "detect: 3 blocks in run 'random-published'" in text
    assert not (tmp_path / "w").exists()


def test_columns_of_the_event_table_are_described_without_a_run(tmp_path: Path) -> None:
    text = invoke("events", tmp_path, "--describe").output
    assert "quality_flags" in text
    assert "L_interpolated" in text
    columns = json.loads(invoke("events", tmp_path, "--describe", "--format", "json").output)["columns"]
    assert {"name", "dtype", "units", "meaning", "source"} == columns[0].keys()
    invoke("events", tmp_path, "--describe", "-o", tmp_path / "columns.txt")
    assert (tmp_path / "columns.txt").read_text() == text
    words = invoke("events", tmp_path, "--describe", "--format", "parquet", code=2).output
    assert "--describe prints text, or JSON with --format json, not parquet" in words


def test_models_are_listed_and_shown(random_model: Bundle) -> None:
    listed = {m["name"]: m for m in json.loads(invoke("model", "list", "--json").output)}
    assert listed["random"]["usable"]
    assert "capannolo2022" in listed
    assert "random weights" in invoke("model", "list").output
    assert json.loads(invoke("model", "show", "random").output) == random_model.card
    assert json.loads(invoke("model", "show", random_model.path).output) == random_model.card
    assert "10.3389/fspas.2022.858990" in invoke("model", "show", "capannolo2022").output


def test_a_model_is_exported_for_other_programs(random_model: Bundle, tmp_path: Path) -> None:
    import onnxruntime

    assert "wrote" in invoke("model", "export", "random", tmp_path / "x" / "random.onnx").output
    session = onnxruntime.InferenceSession(tmp_path / "x" / "random.onnx", providers=["CPUExecutionProvider"])
    windows = np.random.default_rng(1).normal(size=(50, 7, 8)).astype(np.float32)
    (onnx,) = session.run(None, {"windows": np.ascontiguousarray(windows.swapaxes(0, 1))})
    invoke("model", "export", "random", tmp_path / "random.keras")
    import keras

    network = keras.models.load_model(tmp_path / "random.keras")
    np.testing.assert_allclose(network.predict(windows, verbose=0), onnx, atol=2e-4)
    np.testing.assert_array_equal(network.get_weights()[-1], random_model.weights["softmax_bias"])


def test_a_model_is_not_exported_to_an_unknown_format(random_model: Bundle, tmp_path: Path) -> None:
    text = invoke("model", "export", "random", tmp_path / "random.h5", code=2).output
    assert "must be one of .onnx, .keras" in text
    assert list(tmp_path.iterdir()) == []


def test_a_hostile_folder_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "LSTM_scaler.joblib").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    assert "has sha256" in invoke("model", "import", tmp_path, "--name", "x", code=2).output


def test_a_simulated_archive_can_be_planned(random_model: Bundle, tmp_path: Path) -> None:
    arguments = ("simulate", tmp_path / "a", "--satellite", "metop01", "--start", "2015-03-01")
    text = invoke(*arguments, "--days", 1, "--seed", 1).output
    assert "simulate 1/1" in text
    assert f"wrote {tmp_path / 'a' / 'truth.parquet'}" in text
    planned = invoke("run", tmp_path / "a", tmp_path / "w", "--model", "random", "--dry-run").output
    assert "1 satellite-day asked for" in planned


def test_a_satellite_that_cannot_be_simulated_is_named(tmp_path: Path) -> None:
    arguments = ("simulate", tmp_path / "a", "--satellite", "sputnik", "--start", "2015-03-01")
    assert "'sputnik'" in invoke(*arguments, code=2).output


CLUSTER_FILE = REPOSITORY / "cluster" / "slurm.yaml"


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"])
def test_a_share_that_cannot_be_is_refused(text: str, fake_archive: Path, tmp_path: Path) -> None:
    arguments = ("run", fake_archive, tmp_path / "w", "--partition", text)
    assert f"'{text}' is not K/N with K from 1 to N" in invoke(*arguments, code=2).output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--workers", 2, "--partition", "1/2"), "--workers and --partition exclude each other"),
        (("--scheduler", "tcp://x:1", "--cluster", CLUSTER_FILE), "--scheduler and --cluster exclude"),
        (("--partition", "1/2", "--tls"), "--tls is for Dask processes that are started here"),
        (("--scheduler", "tcp://x:1", "--tls"), "--scheduler starts none"),
        (
            ("--cluster", CLUSTER_FILE.parent / "dask.yaml"),
            "unknown key: distributed; known are batch_system",
        ),
    ],
)
def test_places_to_run_exclude_each_other(
    options: tuple[object, ...], words: str, fake_archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    assert words in invoke("run", fake_archive, tmp_path / "w", "--model", "random", *options, code=2).output
    assert not (tmp_path / "w").exists()


def test_memory_that_is_too_small_for_the_engine_is_refused_before_anything_runs(
    fake_archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("{batch_system: slurm, options: {cores: 4, memory: 4GB, walltime: '01:00:00'}}")
    arguments = ("run", fake_archive, tmp_path / "w", "--model", "random", "--cluster", file)
    assert "cannot hold a block" in invoke(*arguments, "--engine", "tensorflow", code=2).output
    assert not (tmp_path / "w").exists()


def test_more_workers_than_the_memory_of_this_machine_allows_are_refused(
    fake_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprocess.execution import cluster

    monkeypatch.setattr(cluster, "MEMORY_LIMIT", 2 * 10**9)
    arguments = ("ingest", fake_archive, tmp_path / "w", "--workers")
    text = invoke(*arguments, 4, code=2).output
    assert "a worker with 500 MB cannot hold a block" in " ".join(text.split())
    assert "use fewer workers with more memory each" in " ".join(text.split())
    assert not (tmp_path / "w").exists()
    invoke(*arguments, 2)


def test_a_job_script_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = (CLUSTER_FILE, "ARCHIVE", "WORK", "--model", "m", "--satellite", "noaa18")
    text = invoke("cluster", "script", *arguments).output
    assert text.startswith("#!/usr/bin/env bash\n\n#SBATCH -J reprocess\n")
    assert f"reprocess run ARCHIVE WORK --model m --satellite noaa18 --cluster {CLUSTER_FILE}\n" in text
    text = invoke("cluster", "script", "--shares", 9, *arguments).output
    assert "#SBATCH --array=1-9\n" in text
    assert "when the jobs have ended: reprocess run ARCHIVE WORK --model m --satellite noaa18" in text
    assert "memory asked for: 2G a job" in text
    assert f"before you submit it: mkdir -p {tmp_path / 'reprocess-logs'}" in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("layout", "options", "words"),
    [
        (("--one-node", "--shares", "2"), (), "--one-node and --shares exclude each other"),
        (("--shares", "1"), (), "not in the range"),
        ((), ("--workers", "3"), "--workers is for the job script to decide"),
        ((), ("--partition", "1/2"), "--partition is for the job script to decide"),
        ((), ("--dry-run",), "--dry-run is for the job script to decide"),
        ((), ("--satelite", "noaa18"), "No such option"),
        ((), ("--satellite", "sputnik"), "'sputnik' is not one of"),
        ((), ("--engine", "tensorflow", "surplus"), "unexpected extra argument"),
    ],
)
def test_what_would_fail_in_the_queue_fails_now(
    layout: tuple[str, ...],
    options: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    text = invoke("cluster", "script", *layout, CLUSTER_FILE, "ARCHIVE", "WORK", *options, code=2).output
    assert words in text


def test_a_job_script_is_submitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, answer in (("sbatch", "job 5"), ("condor_submit", "1 job(s) submitted to cluster 6.")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{answer}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert "submitted job 5; its output: " in invoke("cluster", "submit", CLUSTER_FILE, "A", "W").output
    text = invoke("cluster", "submit", "--shares", 2, CLUSTER_FILE, "A", "W").output
    assert text.count("submitted job 5") == 2
    file = CLUSTER_FILE.with_name("htcondor.yaml")
    text = invoke("cluster", "submit", "--shares", 2, file, "A", "W").output
    assert "when it has ended: reprocess run A W" in text


def test_the_package_can_be_run_as_a_module() -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "reprocess", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: reprocess ")


WITHOUT_TENSORFLOW = (
    "import sys\nsys.modules['tensorflow'] = None\nfrom reprocess.cli import main\nmain(sys.argv[1:])\n"
)


@pytest.mark.parametrize("suffix", [".keras", ".onnx"])
def test_where_tensorflow_is_missing_that_is_said(suffix: str, random_model: Bundle, tmp_path: Path) -> None:
    words = [sys.executable, "-c", WITHOUT_TENSORFLOW, "model", "export", "random", tmp_path / f"x{suffix}"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    if suffix == ".onnx":
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 2
    assert "TensorFlow and Keras cannot be imported here" in done.stderr
    assert "pip install 'reprocess[tensorflow]'" in done.stderr
    assert "Traceback" not in done.stderr
