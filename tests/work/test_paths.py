"""The WORK directory: where things lie, and that a run is one model and one set of rules."""

from pathlib import Path

import pytest

from reprocess.errors import LedgerError
from reprocess.work.paths import Run, Work

IDENTITY = {"model": "a", "mode": "published", "rules": {"wrap": False}, "classes": False}


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def test_paths_are_those_of_the_design(work: Work) -> None:
    run = work.run("first")
    assert run.name == "first"
    paths = {
        work.archive: "archive.zarr",
        work.asked: "ledger/catalog.csv",
        work.ledger.path("noaa18", 248): "ledger/ingest/noaa18/0248.json",
        run.root: "runs/first",
        run.events: "runs/first/events",
        run.dwell: "runs/first/dwell",
        run.exposure: "runs/first/exposure.zarr",
        run.exposure_parts: "runs/first/exposure.json",
        run.classes: "runs/first/classes.zarr",
        run.occurrence: "runs/first/occurrence.nc",
        run.sums: "runs/first/sums.npz",
        run.gathered: "runs/first/report_events.kept",
        run.ledger.path("noaa18", 248): "runs/first/ledger/noaa18/0248.json",
    }
    assert {str(p.relative_to(work.root)) for p in paths} == set(paths.values())
    assert all(p == work.root / expected for p, expected in paths.items())


def test_asking_for_paths_creates_nothing(work: Work) -> None:
    work.run("first")
    assert work.runs() == []
    assert list(work.root.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a/"])
def test_name_that_cannot_be_a_folder_is_refused(work: Work, name: str) -> None:
    with pytest.raises(LedgerError, match="cannot name a run; use a plain name without '/'") as error:
        work.run(name)
    assert repr(name) in str(error.value)


@pytest.mark.parametrize("name", ["first", "2019-10", "with space", "ünïcode", "...", "-x"])
def test_plain_names_are_runs(work: Work, name: str) -> None:
    work.run(name).claim(IDENTITY)
    assert [run.name for run in work.runs()] == [name]
    assert work.only_run(name) == work.run(name)


def test_run_that_does_not_exist_has_no_identity(work: Work) -> None:
    assert work.run("first").read_identity() is None


def test_claim_writes_the_identity_and_may_be_repeated(work: Work) -> None:
    run = work.run("first")
    run.claim(IDENTITY)
    before = (run.root / "run.json").read_bytes()
    run.claim(dict(reversed(IDENTITY.items())))
    assert run.read_identity() == IDENTITY
    assert (run.root / "run.json").read_bytes() == before


def test_describing_extends_the_identity_and_does_not_spoil_the_claim(work: Work) -> None:
    run = work.run("first")
    run.claim(IDENTITY)
    run.describe({"satellite_days": 3})
    run.claim(IDENTITY)
    run.describe({"satellite_days": 4})
    assert run.read_identity() == IDENTITY | {"satellite_days": 4}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"model": "b"}, "model was 'a', now 'b'"),
        ({"mode": "published-2022"}, "mode was 'published', now 'published-2022'"),
        ({"rules": {"wrap": True}}, "rules: wrap was False, now True"),
        ({"classes": True}, "classes was False, now True"),
        ({"engine": "tensorflow"}, "engine was None, now 'tensorflow'"),
    ],
)
def test_claim_with_another_identity_is_refused_and_changes_nothing(
    work: Work, changed: dict, told: str
) -> None:
    run = work.run("first")
    run.claim(IDENTITY)
    with pytest.raises(LedgerError, match="choose another name with --run, which classifies its 0") as error:
        run.claim(IDENTITY | changed)
    assert str(error.value).endswith("reprocess remove WORK --run first")
    assert "run 'first' was made differently" in str(error.value)
    assert told in str(error.value)
    assert run.read_identity() == IDENTITY


def test_all_differences_are_told(work: Work) -> None:
    run = work.run("first")
    run.claim(IDENTITY)
    with pytest.raises(LedgerError, match="model was 'a', now 'b'; mode was 'published', now 'x'"):
        run.claim(IDENTITY | {"model": "b", "mode": "x"})


def test_runs_are_listed_by_name_and_only_with_an_identity(work: Work) -> None:
    for name in ("b", "a"):
        work.run(name).claim(IDENTITY)
    (work.root / "runs" / "stray").mkdir()
    assert work.runs() == [Run(work.root / "runs" / "a"), Run(work.root / "runs" / "b")]


def test_single_run_need_not_be_named(work: Work) -> None:
    work.run("first").claim(IDENTITY)
    assert work.only_run(None) == work.only_run("first") == work.run("first")


@pytest.mark.parametrize("name", [None, "first"])
def test_without_any_run_there_is_none_to_take(work: Work, name: str | None) -> None:
    with pytest.raises(LedgerError, match=r"has no run yet; reprocess detect .* makes one") as error:
        work.only_run(name)
    assert str(work.root) in str(error.value)


def test_among_several_runs_one_must_be_named(work: Work) -> None:
    work.run("first").claim(IDENTITY)
    work.run("second").claim(IDENTITY)
    with pytest.raises(LedgerError, match=r"name one with --run .*; runs in .*: first, second"):
        work.only_run(None)
    assert work.only_run("second").name == "second"


def test_unknown_run_is_refused_with_those_there_are(work: Work) -> None:
    work.run("first").claim(IDENTITY)
    with pytest.raises(LedgerError, match=r"there is no run 'other'; runs in .*: first"):
        work.only_run("other")


@pytest.mark.parametrize("content", ["[]", "null", "3", '"text"', "{"])
def test_an_identity_that_is_none_is_named(work: Work, content: str) -> None:
    run = work.run("first")
    run.claim(IDENTITY)
    (run.root / "run.json").write_text(content)
    with pytest.raises(LedgerError, match=r"run\.json is damaged"):
        run.read_identity()
