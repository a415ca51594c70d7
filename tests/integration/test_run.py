"""`run` on a real LocalCluster: same bytes whatever the way, nothing lost, nothing done twice."""

import json
import random
import shutil
import subprocess
import time
from pathlib import Path

from reprocess.classifier.bundle import Bundle
from tests.support import fake
from tests.support.command import REPROCESS, blocks, records, reprocess, tree

OPTIONS = ("--model", "random", "--workers", 2)
ALONE = ("--model", "random", "--partition", "1/1")


def test_more_workers_give_the_same_bytes(fake_archive: Path, undisturbed: Path, tmp_path: Path) -> None:
    """With four, of which three get a block; tests below have two."""
    reprocess("run", fake_archive, tmp_path / "w", "--model", "random", "--workers", 4, "--classes")
    assert tree(tmp_path / "w") == tree(undisturbed)


def test_the_stages_one_at_a_time_give_the_same_bytes(
    fake_archive: Path, undisturbed: Path, unmapped: Path, tmp_path: Path
) -> None:
    """`map` and `report` are commands of their own after shares: `test_partition`."""
    work = tmp_path / "w"
    reprocess("ingest", fake_archive, work, "--workers", 2)
    reprocess("detect", work, *OPTIONS, "--classes")
    assert blocks(work) == blocks(unmapped)
    exposure = {name: d for name, d in tree(undisturbed).items() if "/exposure." in name}
    assert exposure.items() <= tree(work).items()
    assert len(exposure) > 20


def test_any_order_of_days_and_satellites_gives_the_same_bytes(
    fake_archive: Path, unmapped: Path, tmp_path: Path
) -> None:
    work = tmp_path / "w"
    for piece in (("--start", "2019-11-01"), ("--satellite", "metop01"), ("--start", "2019-10-25")):
        reprocess("run", fake_archive, work, *ALONE, "--classes", *piece)
    reprocess("run", fake_archive, work, *ALONE, "--classes")
    assert tree(work) == tree(unmapped)


def test_killed_again_and_again_ends_in_the_same_bytes(
    fake_archive: Path, unmapped: Path, tmp_path: Path
) -> None:
    """With workers and without, before maps are drawn; `test_survival` kills until a run has its maps."""
    work, chance = tmp_path / "w", random.Random(3)
    finished: dict[str, int] = {}
    interrupted = 0
    for way in (OPTIONS, ALONE, OPTIONS, ALONE, OPTIONS):
        words = [REPROCESS, "run", fake_archive, work, *way, "--classes"]
        command = subprocess.Popen(
            list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _wait_for_a_new_record(work, finished, command)
        time.sleep(chance.uniform(0, 0.05))
        interrupted += command.poll() is None
        command.kill()
        command.wait()
        time.sleep(0.5)  # workers notice that their parent is gone and stop
        now = {name: at for name, at in records(work).items() if _is_done(work / name)}
        assert {name: now[name] for name in finished} == finished, "a done block was done again"
        finished = now
    reprocess("run", fake_archive, work, *ALONE, "--classes")
    assert interrupted, "every run was through before it was killed"
    assert blocks(work) == blocks(unmapped)


def _wait_for_a_new_record(work: Path, finished: dict[str, int], command: subprocess.Popen[bytes]) -> None:
    """Wait until a block more is done, or the command ends by itself."""
    for _ in range(1500):
        if len(records(work)) > len(finished) or command.poll() is not None:
            return
        time.sleep(0.02)


def _is_done(record: Path) -> bool:
    return json.loads(record.read_text(encoding="utf-8"))["state"] == "done"


def test_a_second_run_does_nothing_again(fake_archive: Path, undisturbed: Path, tmp_path: Path) -> None:
    work = shutil.copytree(undisturbed, tmp_path / "w")
    before = records(work)
    done = reprocess("run", fake_archive, work, *OPTIONS, "--classes")
    assert "dashboard" not in done.stderr, "no cluster is started where nothing is to do"
    assert records(work) == before
    assert tree(work) == tree(undisturbed)


def test_a_changed_file_is_done_again_and_nothing_else(
    fake_archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    archive = shutil.copytree(fake_archive, tmp_path / "archive")
    reprocess("run", archive, tmp_path / "w", *ALONE)
    before = records(tmp_path / "w")
    path = fake.granule_path(archive, "noaa18", "2019-10-25")
    fake.write_granule(path, fake.variables("noaa18", "2019-10-25", n=600, seed=1))
    reprocess("run", archive, tmp_path / "w", *ALONE)
    after = records(tmp_path / "w")
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {
        "ledger/ingest/noaa18/0248.json",
        "runs/random-published/ledger/noaa18/0248.json",
    }
    reprocess("run", archive, tmp_path / "fresh", *ALONE)
    assert tree(tmp_path / "w") == tree(tmp_path / "fresh")


def test_a_bad_file_is_listed_and_stops_nothing(
    fake_archive: Path, undisturbed: Path, tmp_path: Path
) -> None:
    archive = shutil.copytree(fake_archive, tmp_path / "archive")
    path = fake.granule_path(archive, "noaa18", "2019-10-25")
    good = path.read_bytes()
    path.write_bytes(b"<!DOCTYPE html><title>503 Service Unavailable</title>")
    done = reprocess("run", archive, tmp_path / "w", *ALONE, code=3)
    assert "quarantined noaa18 2019-10-25: not_hdf5" in done.stdout
    assert "3 satellite-days classified" in done.stdout
    state = json.loads(reprocess("status", tmp_path / "w", "--json", code=4).stdout)  # shares make no sums
    (day,) = state["ingest"]["quarantined"]
    assert (day["satellite"], day["date"], day["reason"]) == ("noaa18", "2019-10-25", "not_hdf5")
    path.write_bytes(good)
    reprocess("run", archive, tmp_path / "w", *ALONE)
    reprocess("run", archive, tmp_path / "fresh", *ALONE)
    assert tree(tmp_path / "w") == tree(tmp_path / "fresh")


def test_a_good_file_replaced_by_a_bad_one_takes_its_events_along(
    fake_archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    archive = shutil.copytree(fake_archive, tmp_path / "archive")
    reprocess("run", archive, tmp_path / "w", *ALONE)
    assert ",2019-12-01," in reprocess("events", tmp_path / "w").stdout
    path = fake.granule_path(archive, "noaa18", "2019-12-01")
    path.write_bytes(path.read_bytes()[:5000])
    reprocess("run", archive, tmp_path / "w", *ALONE, code=3)
    assert ",2019-12-01," not in reprocess("events", tmp_path / "w").stdout


def test_a_block_that_fails_is_named_and_the_remedy_works(
    fake_archive: Path, unmapped: Path, tmp_path: Path
) -> None:
    work = tmp_path / "w"
    reprocess("ingest", fake_archive, work, "--partition", "1/1")
    shard = work / "archive.zarr/noaa18/electron_flux/c/248/0/0/0"
    shard.unlink()
    done = reprocess("detect", work, *OPTIONS, "--classes", code=4)
    assert "failed noaa18 block 248: StoreError" in done.stdout
    record = work / "ledger/ingest/noaa18/0248.json"
    assert f"delete {record} and run ingest again" in done.stdout
    assert "2 satellite-days classified" in done.stdout
    reprocess("status", work, code=4)
    record.unlink()
    reprocess("run", fake_archive, work, *ALONE, "--classes")
    assert blocks(work) == blocks(unmapped)
