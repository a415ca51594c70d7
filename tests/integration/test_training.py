"""From a simulation to a model and its measure, through the installed command."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from reprocess.classifier.bundle import load_bundle
from reprocess.cli import main
from reprocess.schema import SITUATIONS
from tests.support.command import REPROCESS, reprocess, tree

TINY = ("--lstm-units", 4, "--dense-units", 8, "--batch", 64, "--epochs", 6, "--learning-rate", 0.003)
EPOCH = r"epoch (\d)/6: accuracy 0\.\d{4}, loss \d\.\d{4}, val_accuracy \d\.\d{4}, val_loss \d\.\d{4}"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with archive/, a disturbed day of three satellites each, and work/, where it is ingested."""
    folder = tmp_path_factory.mktemp("simulated")
    satellites = "noaa15,noaa18,metop01"
    arguments = ("--satellite", satellites, "--start", "2015-03-01", "--days", 1, "--seed", 10)
    reprocess("simulate", folder / "archive", *arguments, "--events-per-day", 40, "--workers", 2)
    reprocess("ingest", folder / "archive", folder / "work", "--partition", "1/1")
    return folder


def training(simulated: Path) -> list[str]:
    words = ("train", simulated / "work", "--events", simulated / "archive/truth.parquet", *TINY)
    return [str(word) for word in (*words, "--output", simulated / "tiny")]


@pytest.fixture(scope="module")
def model(simulated: Path) -> Path:
    """A model whose training was killed after its second epoch and started again."""
    with subprocess.Popen([REPROCESS, *training(simulated)], stderr=subprocess.PIPE, text=True) as command:
        assert command.stderr is not None
        for line in command.stderr:
            if line.startswith("epoch 2/"):
                command.kill()
    assert not (simulated / "tiny/card.json").exists(), "it was killed before it ended"
    done = reprocess(*training(simulated))
    lines = done.stderr.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["training", "validation", "test"]
    epochs = [int(found[1]) for line in lines[3:] if (found := re.fullmatch(EPOCH, line))]
    assert len(epochs) == len(lines) - 3, "nothing but the project's own lines"
    assert epochs in ([3, 4, 5, 6], [4, 5, 6], [5, 6]), "it goes on where it was killed"
    assert done.stdout == f"wrote {simulated / 'tiny'} ({load_bundle(simulated / 'tiny').sha256})\n"
    return simulated / "tiny"


def test_a_killed_training_gives_the_model_of_an_undisturbed_one(simulated: Path, model: Path) -> None:
    again = model.parent / "again" / "tiny"
    words = [*training(simulated)[:-1], str(again)]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0
    names = {"card.json", "weights.npz", "training.png"}
    assert {p.name for p in model.iterdir()} == names == {p.name for p in again.iterdir()}
    for name in ("weights.npz", "training.png"):
        assert (model / name).read_bytes() == (again / name).read_bytes()
    cards = [json.loads((path / "card.json").read_text()) for path in (model, again)]
    commands = [card.pop("command") for card in cards]  # the second is that of the test's own process
    assert commands[0] == " ".join(["reprocess", *training(simulated)])
    assert cards[0] == cards[1]


def test_a_model_is_measured_and_its_card_tells(simulated: Path, model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(model, tmp_path / "tiny")
    events = simulated / "archive/truth.parquet"
    arguments = ("evaluate", simulated / "work", "--events", events, "--model", copy)
    done = reprocess(*arguments, "--card", copy, "--workers", 1)
    folder = simulated / "work/runs/evaluate-tiny-published/evaluation"
    found = json.loads((folder / "evaluation.json").read_text())
    truth = pd.read_parquet(events)
    assert found["satellite_days"] == found["simulated satellite-days"] == 3
    assert found["events"]["any_strength"]["all"]["true"] == len(truth) > 40
    assert found["windows"]["whole days"]["windows"] > 100_000
    assert found["windows"]["around events"]["micro"]["roc_auc"] > 0.6, "it has learnt something"
    assert "satellite-days: 3" in done.stdout
    assert "events are those above 4 counts/s, false alarms per day those of any strength" in done.stdout
    assert f"wrote {copy / 'card.json'}" in done.stderr
    noted = json.loads((copy / "card.json").read_text())["evaluations"]["tiny"]
    assert noted["event recall"] == found["events"]["above_4_counts"]["all"]["recall"]
    assert noted["command"] == found["command"]
    assert load_bundle(copy).sha256 == load_bundle(model).sha256 == found["model_sha256"]

    # Two workers, after the card was written: the same model, the same bytes but for the command.
    reprocess(*arguments, "--workers", 2, "--run", "second", "-o", tmp_path / "out")
    again = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert again.pop("command") != found.pop("command")
    assert again == found
    assert found["listed events without any record"] == found["listed rows left out"] == 0
    with_a_bad_row = tmp_path / "events.csv"
    columns = ["satellite", "start_time", "stop_time", "event_class", *SITUATIONS]
    text = truth[columns].to_csv(index=False) + "sputnik,2015-03-01,2015-03-01,REP\n"
    with_a_bad_row.write_text(text)
    words = [*arguments[:2], "--events", with_a_bad_row, *arguments[4:], "--drop-bad-rows"]
    reprocess(*words, "--workers", 1, "--run", "second", "-o", tmp_path / "dropped")
    dropped = json.loads((tmp_path / "dropped/evaluation.json").read_text())
    assert dropped["listed rows left out"] == 1
    assert dropped["events"] == found["events"]
    runs = simulated / "work/runs"
    assert tree(runs / "evaluate-tiny-published/classes.zarr") == tree(runs / "second/classes.zarr")

    # A day that cannot be read is no silent hole.
    bad = simulated / "archive/2015/noaa18/poes_n18_20150302_proc.nc"
    bad.write_bytes(b"<html>")
    reprocess("ingest", simulated / "archive", simulated / "work", "--partition", "1/1", code=3)
    done = reprocess(*arguments, "--workers", 1, "--run", "second", "-o", tmp_path / "out", code=3)
    assert re.search(r"noaa18: \d of \d satellite-days ingested, \d+ records, 1 quarantined", done.stdout)
    assert "  quarantined noaa18 2015-03-02: " in done.stdout
    third = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert (third["events"], third["windows"]) == (found["events"], found["windows"])
