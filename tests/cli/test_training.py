"""`train` and `evaluate`: what they refuse and with which words; what they do is tested in integration/."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from reprocess.classifier.bundle import Bundle
from reprocess.cli import main
from reprocess.errors import IncompleteError, LedgerError, ReprocessError
from reprocess.evaluation.stage import tally_run
from reprocess.execution.workers import Workers
from reprocess.schema.granules import Granule, block_of
from reprocess.work.asked import read_asked
from reprocess.work.paths import Run, Work
from reprocess.work.store import open_classes, open_records
from tests.support import fake
from tests.support.labelled import classify, event_table, ingest, record_time, write_days

pytestmark = pytest.mark.usefixtures("short_record_axis")

MONTHS = ("2015-03-01", "2015-04-01", "2015-05-01")
DAYS = {("noaa18", date): 400 for date in MONTHS}
EVENTS = [
    ("noaa18", record_time(date, start), record_time(date, start - 10), name)
    for date in MONTHS
    for start, name in ((300, "REP"), (200, "CSS"))
]
TINY = ("--lstm-units", 2, "--dense-units", 2, "--epochs", 1)


def invoke(*arguments: object, code: int = 2) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    folder = tmp_path_factory.mktemp("training")
    return ingest(write_days(folder / "archive", DAYS, EVENTS), folder / "work")


@pytest.fixture
def events(tmp_path: Path) -> Path:
    event_table(EVENTS).to_csv(tmp_path / "events.csv", index=False)
    return tmp_path / "events.csv"


def test_bad_rows_are_refused_or_named_and_dropped(work: Work, events: Path, tmp_path: Path) -> None:
    with events.open("a", encoding="utf-8") as file:
        file.write("sputnik,2015-03-01,2015-03-01,REP\n")
    arguments = ("train", work.root, "--events", events, "--output", tmp_path / "m", *TINY)
    text = invoke(*arguments).output
    assert f"1 of 7 rows cannot be used:\n  {events} row 7: satellite 'sputnik' is none of" in text
    text = invoke(*arguments, "--drop-bad-rows", code=0).output
    assert f"left out {events} row 7: satellite 'sputnik'" in text
    assert f"wrote {tmp_path / 'm'}" in text
    card = json.loads((tmp_path / "m" / "card.json").read_text())
    assert (card["events"], card["background"], card["name"]) == (6, True, "m")
    assert not (tmp_path / "m" / "training-state").exists()


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        (lambda t: t[t["event_class"] == "REP"], (), "no window of class CSS; a classifier needs all three"),
        (lambda t: t.iloc[:4], (), "2 satellite-months (noaa18 2015-03, noaa18 2015-04) cannot be split"),
        (lambda t: t.drop(index=4), (), "part (noaa18 2015-05) has windows of too few classes"),
        (lambda t: t, ("--optimizer", "adamant"), "Keras has no optimiser 'adamant'"),
        (lambda t: t.assign(satellite="noaa15"), (), "the archive does not hold noaa15 on 2015-03-01"),
        (lambda t: t.head(0), (), "can be used"),
        (lambda t: t.drop(columns="event_class"), (), "has no column event_class"),
        (lambda t: t, ("--seed", 2**32), "is not in the range"),
        (lambda t: t, ("--seed", -1), "is not in the range"),
        (lambda t: t, ("--dropout", 1), "is not in the range"),
        (lambda t: t, ("--epochs", 0), "is not in the range"),
    ],
)
def test_training_that_cannot_be_is_explained(
    rows: Any, options: tuple[object, ...], words: str, work: Work, tmp_path: Path
) -> None:
    path = tmp_path / "events.csv"
    rows(event_table(EVENTS)).to_csv(path, index=False)
    assert (
        words
        in invoke("train", work.root, "--events", path, "--output", tmp_path / "m", *TINY, *options).output
    )
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON: "),
        ('["title"]', "must hold an object with entries such as title"),
        ("\xff", "is not JSON"),
    ],
)
def test_a_description_that_is_none_is_refused(
    content: str, words: str, work: Work, events: Path, tmp_path: Path
) -> None:
    (tmp_path / "card.json").write_text(content, "latin-1")
    arguments = ("--events", events, "--output", tmp_path / "m", "--card-entries", tmp_path / "card.json")
    assert words in invoke("train", work.root, *arguments).output


def test_a_model_takes_the_name_of_its_folder(
    work: Work, events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "describe.json").write_text('{"title": "of a test"}')
    invoke(
        "train",
        work.root,
        "--events",
        events,
        "--output",
        ".",
        *TINY,
        "--describe",
        tmp_path / "describe.json",
        code=0,
    )
    card = json.loads((tmp_path / "here" / "card.json").read_text())
    assert (card["name"], card["title"]) == ("here", "of a test")


def test_evaluation_that_cannot_be_is_explained(
    work: Work, events: Path, random_model: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "w").mkdir()
    bad = tmp_path / "bad.csv"
    bad.write_text(events.read_text(encoding="utf-8").replace("CSS", "FLCS"))
    good = ("--events", events, "--model", "random")
    for folder, arguments, words in (
        (tmp_path / "w", good, "is no WORK directory"),
        (work.root, ("--events", events, "--model", "unheard"), "no model 'unheard'"),
        (work.root, (*good, "--card", "unheard"), "no model 'unheard'"),
        (work.root, (*good, "--end", "2001-01-01"), "none of the 3"),
        (work.root, (*good, "--classes"), "No such option"),  # they are always kept
        (work.root, ("--events", bad, "--model", "random"), "3 of 6 rows cannot be used"),
    ):
        assert words in invoke("evaluate", folder, *arguments).output
    assert not (work.root / "runs").exists()


@pytest.fixture
def classified(random_model: Bundle, tmp_path: Path) -> tuple[Work, Run, list[Granule]]:
    work = ingest(write_days(tmp_path / "archive", DAYS, EVENTS), tmp_path / "work")
    return work, classify(work, random_model), read_asked(work.asked)


class Here(Workers):
    """Blocks are done in this process."""

    def client(self, blocks: int) -> Any:
        """Return no client."""


def tally(work: Work, run: Run, granules: list[Granule]) -> Any:
    return tally_run(work, run, event_table(EVENTS), granules, Here(), fake.Silence())


def refused(
    work: Work, run: Run, granules: list[Granule], kind: type[ReprocessError] = IncompleteError
) -> str:
    with pytest.raises(kind) as caught:
        tally(work, run, granules)
    return str(caught.value)


@pytest.mark.parametrize("damage", ["missing", "damaged"])
@pytest.mark.parametrize("store", ["archive", "classes"])
def test_a_bad_block_is_named_and_its_remedy_works(
    classified: tuple[Work, Run, list[Granule]], random_model: Bundle, store: str, damage: str, tmp_path: Path
) -> None:
    work, run, granules = classified
    before, _ = tally(work, run, granules)
    block = block_of(next(g for g in granules if g.date.isoformat() == "2015-04-01"))
    opened = open_records(work, "noaa18") if store == "archive" else open_classes(run, "noaa18")
    shard = opened.shard_path("time" if store == "archive" else "class", block[1])
    if damage == "missing":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    text = refused(work, run, granules)
    assert "1 of 3 blocks could not be compared with the list, so there are no scores" in text
    assert f"noaa18 block {block[1]}: StoreError: {shard} " in text
    told = re.search(r"; delete (.*) and (.*)$", text)
    assert told
    Path(told[1]).unlink()
    commands = {"archive": "run ingest again", "classes": f"repeat the command that made run '{run.name}'"}
    assert told[2] == commands[store]
    if store == "archive":
        ingest(tmp_path / "archive", work.root)
    else:
        classify(work, random_model)
    after, _ = tally(work, run, granules)
    assert np.array_equal(after.scores, before.scores)
    assert after.events.equals(before.events)


def test_a_run_that_lacks_days_is_not_evaluated(classified: tuple[Work, Run, list[Granule]]) -> None:
    work, run, granules = classified
    for path in run.ledger.root.glob("noaa18/*.json"):
        if "2015-04-01" in path.read_text() or "2015-05-01" in path.read_text():
            path.unlink()
    assert refused(work, run, granules) == (
        "run 'random-published' lacks 2 satellite-days, first noaa18 2015-04-01; "
        f"see: reprocess status {work.root}"
    )


def test_classes_of_a_file_that_was_replaced_are_not_evaluated(
    classified: tuple[Work, Run, list[Granule]], tmp_path: Path
) -> None:
    work, run, _ = classified
    write_days(tmp_path / "archive", {("noaa18", "2015-04-01"): 500}, EVENTS)
    ingest(tmp_path / "archive", work.root)
    assert "lacks 1 satellite-day, first noaa18 2015-04-01" in refused(work, run, read_asked(work.asked))


def test_days_of_which_none_is_in_the_archive_are_not_evaluated(
    classified: tuple[Work, Run, list[Granule]],
) -> None:
    work, run, granules = classified
    for path in work.ledger.root.glob("noaa18/*.json"):
        path.unlink()
    assert (
        refused(work, run, granules, LedgerError)
        == "none of the 3 satellite-days asked for is in the archive"
    )
