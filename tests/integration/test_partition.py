"""Shares of the blocks in processes of their own, at once and without Dask: same bytes, nothing missed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reprocess.execution.batch import load_batch
from reprocess.execution.scripts import array_script
from tests.support import fake
from tests.support.command import REPROCESS, reprocess, tree
from tests.support.places import REPOSITORY

OPTIONS = ("--model", "random", "--classes")


def test_shares_at_once_and_a_map_give_the_same_bytes(
    fake_archive: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """All of them create the store, the catalog and the run at the same time."""
    work = tmp_path / "w"
    shares = [
        subprocess.Popen(
            [REPROCESS, "run", str(fake_archive), str(work), *OPTIONS, "--partition", f"{k}/4"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for k in range(1, 5)
    ]
    said = [share.communicate(timeout=300) for share in shares]
    assert [share.returncode for share in shares] == [0] * 4, said
    assert not any("dashboard" in err or "Traceback" in err for _, err in said)
    counts = [re.search(r"(\d+) satellite-days? classified", out) for out, _ in said]
    assert sum(int(count[1]) for count in counts if count) == len(fake.DAYS)
    assert not (work / "runs/random-published/exposure.zarr").exists()
    reprocess("map", work)
    done = reprocess("report", work)
    assert f"wrote {work}/runs/random-published/report/index.html" in done.stderr
    assert "runs/random-published/report/index.html" in tree(work)
    assert tree(work) == tree(undisturbed)


def test_a_map_says_which_shares_days_are_missing(
    fake_archive: Path, undisturbed: Path, tmp_path: Path
) -> None:
    work = tmp_path / "w"
    done = reprocess("run", fake_archive, work, *OPTIONS, "--partition", "1/2")
    assert f"share 1/2 is through; when all are: reprocess map {work}, reprocess report {work}" in done.stderr
    missing = reprocess("map", work, code=4).stdout
    state = json.loads(reprocess("status", work, "--json", code=4).stdout)
    absent = [(d["satellite"], d["date"]) for d in state["ingest"]["missing"]]
    assert 0 < len(absent) < len(fake.DAYS)
    assert all(f"missing {satellite} {date}" in missing for satellite, date in absent)
    reprocess("run", fake_archive, work, *OPTIONS, "--partition", "2/2")
    reprocess("map", work)
    page = tuple(
        f"runs/random-published/{name}" for name in ("report/", "report_events.kept", "results.json")
    )
    ours, whole = (
        {name: digest for name, digest in tree(root).items() if not name.startswith(page)}
        for root in (work, undisturbed)
    )
    assert ours == whole  # `report` makes the same page of the same files: see the test before


def test_the_stages_can_be_shared_one_at_a_time(fake_archive: Path, unmapped: Path, tmp_path: Path) -> None:
    work = tmp_path / "w"
    reprocess("ingest", fake_archive, work, "--partition", "1/2")
    lacking = reprocess("detect", work, *OPTIONS, "--partition", "2/2", code=4)
    assert "missing" in lacking.stdout
    reprocess("ingest", fake_archive, work, "--partition", "2/2")
    for share in ("2/2", "1/2"):
        reprocess("detect", work, *OPTIONS, "--partition", share)
    assert tree(work) == tree(unmapped)


def test_a_block_that_fails_stops_no_other_of_its_share(
    fake_archive: Path, undisturbed: Path, tmp_path: Path
) -> None:
    work = shutil.copytree(undisturbed, tmp_path / "w")
    shutil.rmtree(work / "runs")
    (work / "archive.zarr/noaa18/electron_flux/c/248/0/0/0").unlink()
    done = reprocess("detect", work, *OPTIONS, "--partition", "1/1", code=4)
    assert "noaa18 block 248: FAILED: StoreError" in done.stderr
    assert "failed noaa18 block 248: StoreError" in done.stdout
    assert "2 satellite-days classified" in done.stdout


@pytest.mark.parametrize(("system", "index"), [("slurm", "SLURM_ARRAY_TASK_ID"), ("lsf", "LSB_JOBINDEX")])
def test_the_script_of_an_array_does_what_it_says(
    system: str, index: str, fake_archive: Path, unmapped: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    file = REPOSITORY / "cluster" / f"{system}.yaml"
    script = array_script(load_batch(file), [str(fake_archive), "w", *OPTIONS], 2)
    for number in ("1", "2"):
        monkeypatch.setenv(index, number)
        subprocess.run(["bash"], input=script, text=True, check=True, capture_output=True)
    assert tree(tmp_path / "w") == tree(unmapped)


def test_the_script_of_one_node_does_what_it_says(
    fake_archive: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "c.yaml"
    file.write_text("{batch_system: pbs, options: {cores: 2, memory: 2GB, walltime: '00:10:00'}}")
    script = reprocess("cluster", "script", "--one-node", file, fake_archive, "w", *OPTIONS).stdout
    done = subprocess.run(["bash"], input=script, text=True, check=True, capture_output=True)
    assert "dashboard: http://127.0.0.1:" in done.stderr
    assert tree(tmp_path / "w") == tree(undisturbed)
