"""`reprocess remove`: what goes, what stays byte for byte, and a removal that is killed on its way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from reprocess.classifier.bundle import Bundle
from reprocess.cli import main
from reprocess.maps.stage import sum_up
from reprocess.work import removal
from reprocess.work.asked import merge_asked, read_asked
from reprocess.work.parts import part_path
from reprocess.work.paths import Work
from tests.support import labelled
from tests.support.command import tree

pytestmark = pytest.mark.usefixtures("short_record_axis", "unrendered")


@pytest.fixture(scope="module")
def made(
    short_record_axis: None,
    random_model: Bundle,
    fake_archive: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """WORK with noaa18 and metop01 in one run of both, and one of metop01 alone."""
    work = labelled.ingest(fake_archive, tmp_path_factory.mktemp("remove") / "w")
    both = labelled.classify(work, random_model)
    merge_asked(both.asked, read_asked(work.asked))
    one = labelled.classify(work, random_model, "published-2022")
    shutil.rmtree(one.ledger.root / "noaa18")
    for path in (one.events / "satellite=noaa18", one.dwell / "satellite=noaa18", one.classes / "noaa18"):
        shutil.rmtree(path)
    merge_asked(one.asked, [g for g in read_asked(work.asked) if g.satellite == "metop01"])
    for run in (both, one):
        sum_up(run)
    return work.root


@pytest.fixture
def work(made: Path, tmp_path: Path) -> Work:
    shutil.copytree(made, tmp_path / "w")
    return Work(tmp_path / "w")


def remove(work: Work, *options: str, code: int = 0, answer: str | None = None) -> str:
    words = ["remove", str(work.root), *options]
    result = CliRunner().invoke(main, words, catch_exceptions=False, input=answer)
    assert result.exit_code == code, result.output
    return result.output


def audit(work: Work, code: int = 0) -> None:
    result = CliRunner().invoke(main, ["audit", str(work.root)], catch_exceptions=False)
    assert result.exit_code == code, result.output


def claims_hold(work: Work) -> bool:
    """Tell whether what receipts stand for is there."""
    parts = [
        part_path(folder, receipt["satellite"], receipt["block"])
        for run in work.runs()
        for receipt in run.ledger.done()
        for folder in (run.events, run.dwell)
    ]
    return all(path.is_file() for path in parts) and all(
        work.archived(receipt["satellite"], receipt["block"]) for receipt in work.ledger.done()
    )


def test_a_run_goes_and_nothing_else_changes(work: Work) -> None:
    before = tree(work.root)
    told = remove(work, "--run", "random-published", "--yes")
    assert "removed run 'random-published'" in told
    gone = "runs/random-published/"
    assert tree(work.root) == {path: sha for path, sha in before.items() if not path.startswith(gone)}
    assert [run.name for run in work.runs()] == ["random-published-2022"]
    audit(work)


def test_a_satellite_goes_from_archive_ledger_and_runs(work: Work) -> None:
    before, kept = tree(work.root), work.run("random-published")
    told = remove(work, "--satellite", "metop01", "--yes")
    assert "removed all of metop01 in archive, ledger and runs and run 'random-published-2022'" in told
    after = tree(work.root)
    assert not [path for path in after if "metop01" in path or "published-2022" in path]
    mine = [p for p in before if "noaa18" in p and "published-2022" not in p and "exposure" not in p]
    assert mine
    assert {path: before[path] for path in mine}.items() <= after.items()
    assert (
        {g.satellite for g in read_asked(work.asked)}
        == {"noaa18"}
        == {g.satellite for g in read_asked(kept.asked)}
    )
    audit(work)


def test_maps_of_a_run_that_lost_a_satellite_are_told_as_outdated(work: Work) -> None:
    kept = work.run("random-published")
    CliRunner().invoke(main, ["map", str(work.root), "--run", kept.name], catch_exceptions=False)
    assert b"metop01" in kept.sums.read_bytes()
    kept.gathered.write_bytes(b"events of metop01, too")
    told = remove(work, "--satellite", "metop01", "--yes")
    assert (
        f"run 'random-published': its maps and report still count metop01; these make them again: "
        f"reprocess map {work.root} --run random-published" in told
    )
    assert not any(path.exists() for path in (kept.sums, kept.gathered))
    assert kept.outdated("occurrence", list(kept.ledger.done()))
    assert not kept.outdated("exposure", list(kept.ledger.done()))
    audit(work, 4)
    CliRunner().invoke(main, ["map", str(work.root), "--run", kept.name], catch_exceptions=False)
    assert b"metop01" not in kept.sums.read_bytes()
    audit(work)


def test_the_last_satellite_leaves_an_empty_work(work: Work) -> None:
    for satellite in ("noaa18", "metop01"):
        remove(work, "--satellite", satellite, "--yes")
    assert read_asked(work.asked) == []
    assert work.runs() == []
    audit(work)
    told = remove(work, "--satellite", "metop01", "--yes", code=2)
    assert "has nothing of metop01, only of none" in told


def test_several_satellites_go_with_the_runs_that_have_no_other(work: Work) -> None:
    told = remove(work, "--satellite", "noaa18,metop01", "--yes")
    assert told.count("removed all of ") == 2
    assert read_asked(work.asked) == []
    assert work.runs() == []
    audit(work)


@pytest.mark.parametrize("options", [("--run", "random-published"), ("--satellite", "metop01")])
def test_a_removal_that_is_killed_anywhere_is_finished_by_the_next_one(
    made: Path, tmp_path: Path, options: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made, tmp_path / "whole")
    remove(Work(tmp_path / "whole"), *options, "--yes")
    whole = tree(tmp_path / "whole")
    delete = removal._delete
    steps = 0
    while True:
        steps += 1
        left = [steps]

        def until_killed(path: Path, left: list[int] = left) -> None:
            left[0] -= 1
            if not left[0]:
                raise SystemExit(9)
            delete(path)

        root = tmp_path / f"w{steps}"
        shutil.copytree(made, root)
        monkeypatch.setattr(removal, "_delete", until_killed)
        killed = CliRunner().invoke(main, ["remove", str(root), *options, "--yes"]).exit_code
        monkeypatch.setattr(removal, "_delete", delete)
        if killed == 0:
            break
        assert claims_hold(Work(root))
        remove(Work(root), *options, "--yes")
        assert tree(root) == whole
        shutil.rmtree(root)
    assert steps > 5


def test_links_lead_to_what_is_removed(work: Work, tmp_path: Path) -> None:
    (work.archive / "metop01").rename(tmp_path / "elsewhere")
    (work.archive / "metop01").symlink_to(tmp_path / "elsewhere")
    remove(work, "--satellite", "metop01", "--yes")
    assert not (tmp_path / "elsewhere").exists()
    assert not (work.archive / "metop01").is_symlink()


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_without_a_yes_nothing_is_removed(work: Work, answer: str) -> None:
    before = tree(work.root)
    told = remove(work, "--run", "random-published", code=2, answer=answer)
    assert "nothing was removed, as that was not confirmed; --yes removes without asking" in told
    assert tree(work.root) == before


def test_a_yes_at_the_question_removes(work: Work) -> None:
    remove(work, "--run", "random-published", answer="y\n")
    assert not work.run("random-published").root.exists()


def test_a_dry_run_tells_bytes_and_removes_nothing(work: Work) -> None:
    before = tree(work.root)
    size = sum(p.stat().st_size for p in work.run("random-published").root.rglob("*") if p.is_file())
    assert f" {size} bytes " in remove(work, "--run", "random-published", "--dry-run")
    assert tree(work.root) == before


def test_nothing_is_removed_while_another_process_holds_a_lock(work: Work) -> None:
    lock = work.run("random-published").root / "run.json.lock"
    program = (
        "import fcntl, os, sys; f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT); "
        "fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    )
    before = tree(work.root)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        told = remove(work, "--satellite", "metop01", "--yes", code=2)
        assert f"{lock} is held by " in told
        assert holder.stdin is not None
        holder.stdin.close()
    lock.unlink()
    assert tree(work.root) == before


def test_a_lock_file_that_nobody_holds_is_no_lock(work: Work) -> None:
    (work.archive.parent / "archive.zarr.lock").touch()
    remove(work, "--run", "random-published", "--yes")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give either --satellite NAME or --run NAME"),
        (
            ("--satellite", "metop01", "--run", "random-published"),
            "give either --satellite NAME or --run NAME",
        ),
        (("--run", "nosuch"), "there is no run 'nosuch'; runs in"),
        (("--run", ".."), "'..' cannot name a run"),
        (("--run", ""), "'' cannot name a run"),
        (("--satellite", "noaa19"), "has nothing of noaa19, only of metop01, noaa18"),
    ],
)
def test_what_cannot_be_removed_is_named(work: Work, options: tuple[str, ...], words: str) -> None:
    before = tree(work.root)
    assert words in remove(work, *options, "--yes", code=2)
    assert tree(work.root) == before


def test_a_folder_that_may_not_be_written_is_named(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", os.fspath(path))

    monkeypatch.setattr(removal, "_delete", refuse)
    told = remove(work, "--run", "random-published", "--yes", code=4)
    assert f"{work.run('random-published').ledger.root}: Permission denied" in told
