"""What a run remembers: the satellite-days it was asked for and the bins of its map."""

import json
import shutil
from pathlib import Path

import pytest
import xarray as xr
from click.testing import CliRunner, Result

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from reprocess.cli import main
from reprocess.cli.steps import tell_more
from reprocess.work import surveyed
from reprocess.work.asked import read_asked
from reprocess.work.paths import Work
from reprocess.work.status import Survey, survey
from reprocess.work.surveyed import survey_again
from tests.support.command import tree

ALONE = ("--model", "random", "--partition", "1/1")


def invoke(*words: object, code: int | None = 0) -> Result:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert code is None or done.exit_code == code, done.output
    return done


pytestmark = pytest.mark.usefixtures("short_record_axis", "unrendered")


@pytest.fixture(scope="module")
def whole(fake_archive: Path, random_model: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All fake days, classified and mapped."""
    work = tmp_path_factory.mktemp("whole") / "w"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "RECORDS", 1000)
        patched.setitem(schema.DIMS, "record", 1000)
        invoke("run", fake_archive, work, *ALONE, code=None)
    invoke("map", work)
    return work


@pytest.fixture
def work(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(whole, tmp_path / "w")


def attributes(path: Path) -> dict:
    with xr.open_dataset(path, decode_timedelta=False) as maps:
        return dict(maps.attrs)


def bins(path: Path) -> list[float]:
    with xr.open_dataset(path, decode_timedelta=False) as maps:
        return [*maps["L_bounds"].values[:, 0].tolist(), float(maps["L_bounds"].values[-1, 1])]


def test_what_a_run_was_not_asked_for_is_neither_missing_nor_shown(work: Path) -> None:
    invoke("detect", work, *ALONE, "--run", "few", "--satellite", "metop01", code=None)
    invoke("map", work, "--run", "few")
    invoke("report", work, "--run", "few")
    assert "not classified" not in invoke("status", work).output
    state = json.loads(invoke("status", work, "--json").output)["runs"]["few"]
    assert (state["days_done"], state["missing"]) == (1, [])
    told = attributes(work / "runs" / "few" / "occurrence.nc")
    assert (told["satellite_days"], told["satellites"]) == (1, "metop01")
    assert told["satellite_days_not_classified"] == told["satellite_days_not_ingested"] == 0
    assert "noaa18" not in (work / "runs" / "few" / "report" / "index.html").read_text()
    # Asked for more, it answers for more.
    invoke("detect", work, *ALONE, "--run", "few", code=None)
    state = json.loads(invoke("status", work, "--json", code=4).output)["runs"]["few"]
    assert (state["days_done"], state["missing"]) == (4, [])


def test_a_command_surveys_once_and_tells_what_holds_at_its_end(
    work: Path, fake_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Work(work).only_run(None)
    made: list[Survey] = []
    ends: list[tuple[Survey, Survey]] = []

    def counted(*arguments: object) -> Survey:
        made.append(survey(*arguments))
        return made[-1]

    def compared(work: Work, name: str, granules: list, left_out: list, before: object) -> Survey:
        ends.append((survey_again(work, name, granules, left_out, before), survey(work, granules, left_out)))
        return ends[-1][0]

    monkeypatch.setattr(surveyed, "survey", counted)
    monkeypatch.setattr(surveyed, "survey_again", compared)
    for words in (("map", work), ("report", work), ("run", fake_archive, work, *ALONE[:2])):
        for path in (run.results, *([run.occurrence] if words[0] != "report" else [])):
            path.unlink(missing_ok=True)
        made.clear()
        invoke(*words, code=None)
        (now, then) = ends.pop()
        assert now == then
        assert now["runs"][run.name]["outdated"] == []
        assert len(made) == 1, words


def test_days_asked_for_and_not_done_are_missing(work: Path) -> None:
    (work / "runs" / "random-published" / "ledger" / "metop01" / "0248.json").unlink()
    state = json.loads(invoke("status", work, "--json", code=4).output)["runs"]["random-published"]
    assert state["missing"] == [{"satellite": "metop01", "date": "2019-10-24"}]
    maps = work / "runs" / "random-published" / "maps"
    for satellites, lacks in ((("noaa18",), 0), (("noaa18", "metop01"), 1)):
        chosen = [word for name in satellites for word in ("--satellite", name)]
        invoke("map", work, "--name", "some", *chosen, code=None)
        assert attributes(maps / "some.nc")["satellite_days_not_classified"] == lacks


def test_a_run_made_before_it_kept_what_it_was_asked_for_answers_for_all(work: Path) -> None:
    (work / "runs" / "random-published" / "asked.csv").unlink()
    invoke("status", work)
    assert invoke("map", work).exit_code == 0


def test_bins_are_kept_from_run_to_run_and_two_binnings_stand_side_by_side(
    work: Path, fake_archive: Path
) -> None:
    run = work / "runs" / "random-published"
    usual, sums = bins(run / "occurrence.nc"), (run / "sums.npz").read_bytes()
    invoke("report", work)
    before = (run / "report" / "index.html").read_bytes()
    invoke("map", work, "--l-edges", "3:7:1", "--name", "coarse")
    assert bins(run / "maps" / "coarse.nc") == [3, 4, 5, 6, 7]
    assert (run / "maps" / "coarse_REP.png").is_file()
    assert bins(run / "occurrence.nc") == usual
    invoke("map", work, "--l-edges", "2:6:2")
    assert (run / "report" / "index.html").read_bytes() != before, "the report is that of the new map"
    assert (run / "sums.npz").read_bytes() != sums
    made = tree(run / "maps")
    for words in (("map", work), ("run", fake_archive, work, *ALONE)):
        invoke(*words, code=None)
        assert bins(run / "occurrence.nc") == [2, 4, 6]
    assert tree(run / "maps") == made
    invoke("map", work, "--l-edges", "2.5:8.5:0.5")
    assert bins(run / "occurrence.nc") == usual
    assert (run / "sums.npz").read_bytes() == sums
    assert "0 findings" in invoke("audit", work).output


def test_an_audit_counts_one_of_a_kind_in_the_singular(fake_archive: Path, tmp_path: Path) -> None:
    one = ("--satellite", "noaa18", "--end", "2019-10-24")
    invoke("ingest", fake_archive, tmp_path / "w", "--partition", "1/1", *one)
    said = invoke("audit", tmp_path / "w", code=None).output.splitlines()[-1]
    assert said.startswith("audited 1 block, 1 satellite-day, ")
    assert said.endswith("0 parts: 0 findings")


@pytest.mark.parametrize("name", ["a/b", "..", "."])
def test_a_map_is_named_by_a_plain_name(work: Path, name: str) -> None:
    assert "cannot name a file" in invoke("map", work, "--name", name, code=2).output


def test_a_selection_within_a_run_that_holds_more_is_told(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = read_asked(Work(work).asked)
    tell_more(Work(work), Work(work).run("random-published"), known)
    assert not capsys.readouterr().err
    tell_more(Work(work), Work(work).run("random-published"), known[:1])
    assert "was asked for 3 more satellite-days before" in capsys.readouterr().err


def test_status_looks_whether_the_archive_has_what_the_ledger_claims(work: Path) -> None:
    shutil.rmtree(work / "archive.zarr" / "metop01")
    told = invoke("status", work, code=4).output
    assert "gone from archive.zarr: 1 block that the ledger claims, first metop01 block 248" in told
    assert "audit WORK --repair" in told
