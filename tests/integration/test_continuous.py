"""Mode continuous by command: shares, rules, errors; and what each rule does to the real days."""

import json
from pathlib import Path

import pandas as pd
import pytest

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from reprocess.detect.block import detect_block
from reprocess.detect.plan import Settings
from reprocess.detect.rules.parameters import RULES
from reprocess.detect.stage import claim, plan_detect
from reprocess.ingest.block import ingest_block
from reprocess.ingest.stage import plan_ingest
from reprocess.sources.listing import list_archive
from reprocess.work.asked import merge_asked
from reprocess.work.layout import create_store
from reprocess.work.parts import read_events
from reprocess.work.paths import Work
from reprocess.work.whole import ARCHIVE_TITLE
from tests.detect.test_borders import BORDER, write_series
from tests.support.command import blocks, reprocess, tree

CONTINUOUS = (
    "--model",
    "random",
    "--mode",
    "continuous",
    "--rule",
    "decode=0.6",
    "--rule",
    "significance=0.05",
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of one satellite, in two blocks, without a gap between them."""
    folder = tmp_path_factory.mktemp("archive")
    write_series(folder, int(BORDER) - 350 * 2000 - 1000, 1)
    return folder


@pytest.fixture(scope="module")
def whole(archive: Path, random_model: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("whole") / "w"
    reprocess("run", archive, work, *CONTINUOUS, "--workers", 2)
    return work


def test_shares_without_dask_and_a_last_run_give_the_same_bytes(
    archive: Path, whole: Path, tmp_path: Path
) -> None:
    work = tmp_path / "w"
    for share in ("2/2", "1/2"):
        reprocess("run", archive, work, *CONTINUOUS, "--partition", share)
    state = json.loads(reprocess("status", work, "--json", code=4).stdout)
    assert len(state["runs"]["random-continuous"]["missing"]) == 1  # its neighbour came after it
    reprocess("run", archive, work, *CONTINUOUS, "--partition", "1/1")
    assert blocks(work) == blocks(whole)
    reprocess("map", work)
    reprocess("audit", work)


def test_the_page_tells_the_rules_and_run_json_has_them(whole: Path) -> None:
    run = whole / "runs/random-continuous"
    rules = json.loads((run / "run.json").read_text())["rules"]
    assert rules.keys() == {"name", *RULES}
    assert (rules["decode"], rules["significance"], rules["belt"]) == (0.6, 0.05, [2.5, 8.5])
    page = (run / "report/index.html").read_text()
    assert "<code>decode</code>, 0.6 probability: records with P(REP)" in page
    assert "<code>belt</code>, 2.5 to 8.5 L: " in page
    assert "<code>order</code>, on: " in page
    assert "Windows span data gaps" not in page


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--mode", "continuous", "--rule", "gaps=3"), "there is no rule 'gaps'; rules are gap, "),
        (("--mode", "continuous", "--rule", "gap=x"), "rule gap takes a number from 2.1 to 86400 (s)"),
        (("--mode", "continuous", "--rule", "gap"), "'gap' is not NAME=VALUE"),
        (("--mode", "continuous", "--no-rule", "gaps"), "there is no rule 'gaps'"),
        (("--mode", "published", "--rule", "gap=3"), "mode published has no rule to set, got gap"),
        (("--mode", "continuous"), "(rules: decode was 0.6, now 0.4; rules: significance was 0.05"),
        (("--mode", "published", "--run", "random-continuous"), "differently (mode was 'continuous'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_before_anything_is_done(
    options: tuple[str, ...], words: str, whole: Path
) -> None:
    before = tree(whole)
    done = reprocess("detect", whole, "--model", "random", *options, code=2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert tree(whole) == before


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Work:
    """The three real days, ingested."""
    work, granules = Work(tmp_path_factory.mktemp("real")), list_archive(str(shared / "archive")).granules
    merge_asked(work.asked, granules)
    create_store(work.archive, {g.satellite for g in granules}, schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
    for plan in plan_ingest(work, granules):
        ingest_block(plan)
    return work


def found(work: Work, shared: Path, model: Bundle, mode: str, *off: str) -> tuple[pd.DataFrame, int]:
    """Events of the real days with some rules switched off, and the records observed."""
    run, granules = work.run("-".join([mode, *off])), list_archive(str(shared / "archive")).granules
    settings = Settings(model.path, model.sha256, mode, "onnxruntime", False, False, dict.fromkeys(off))
    claim(run, settings)
    for plan in plan_detect(work, run, settings, granules):
        detect_block(plan)
    receipts = list(run.ledger.done())
    seen = sum(facts["classifiable"] for r in receipts for facts in r["days"].values())
    return read_events(run, receipts), seen


def times(events: pd.DataFrame) -> list[tuple[str, str, str]]:
    return [
        (e.event_class, f"{e.start_time:%H:%M:%S}", f"{e.stop_time:%H:%M:%S}") for e in events.itertuples()
    ]


def test_differences_on_the_real_days_are_those_of_named_rules(
    real: Work, shared: Path, published: Bundle
) -> None:
    events, seen = found(real, shared, published, "published")
    assert times(events) == [("CSS", "10:00:37", "10:00:47"), ("REP", "10:00:51", "10:00:53")]
    ours, observed = found(real, shared, published, "continuous")
    assert times(ours) == [("CSS", "10:00:37", "10:00:55")]  # one structure, one class, to its last record
    assert ours["structure"][0] > 0
    apart, _ = found(real, shared, published, "continuous", "decode")
    assert [c for c, *_ in times(apart)] == ["CSS", "REP"]
    off = {rule: found(real, shared, published, "continuous", rule) for rule in RULES if rule != "decode"}
    changed = {rule for rule, (events, _) in off.items() if times(events) != times(ours)}
    assert changed == {"belt", "significance"}
    lost = {rule: records - observed for rule, (_, records) in off.items() if records != observed}
    assert lost == {"calibration": 215, "L_traced": -2967}  # 192 records, 16 + 1 + 3 on either side but one
    assert seen - observed < 300  # the published modes count the hole's records, in no cell
