"""Two runs compared, with causes, page, table and errors, as functions and by command."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from reprocess.comparison import agreement, stage
from reprocess.comparison.causes import NOT_SHOWN, differing, only_cause, variants
from reprocess.comparison.page import write_comparison
from reprocess.comparison.stage import Comparison, Side, compare_runs
from reprocess.detect.rules.parameters import RULES
from reprocess.errors import ComparisonError
from reprocess.schema.grid import make_grid
from reprocess.work.parts import read_events
from reprocess.work.paths import Work
from tests.comparison.conftest import detect
from tests.support.command import invoke, reprocess
from tests.support.labelled import ingest

GRID = make_grid(np.array([1.0, 5.0, 15.0]), np.array([0.0, 12.0, 24.0]))


def compare(work: Work, a: str, b: str, *, by_rule: bool = False) -> Comparison:
    sides = [Side.of(label, work, work.run(name)) for label, name in (("A", a), ("B", b))]
    return compare_runs(sides[0], sides[1], GRID, 0, by_rule=by_rule)


def test_counts_are_those_of_the_runs(compared: Work) -> None:
    found = compare(compared, "published", "continuous")
    facts, kinds = found.facts, found.facts["kinds"]["all"]
    events = {
        name: read_events(run, run.ledger.done()) for name in ("published", "continuous")
        for run in [compared.run(name)]
    }  # fmt: skip
    paired = kinds["kept"] + kinds["moved"] + kinds["relabelled"]
    assert facts["events"] == {"A": len(events["published"]), "B": len(events["continuous"])}
    assert paired + kinds["lost"] == len(events["published"]) > 3
    assert paired + kinds["gained"] == len(events["continuous"]) > 1
    assert sum(row["pairs"] for row in facts["causes"]) == len(found.pairs) - kinds["kept"] > 0
    assert facts["days"]["satellites"] == {"metop01": 1, "noaa18": 2}
    assert facts["intervals"]["given"] is False
    table = facts["by_second"]["table"]
    within = sum(sum(row.values()) for row in table.values()) - table["none"]["none"]
    assert table["none"]["none"] == max(min(facts["dwell_s"].values()) - within, 0)
    assert found.maps.events_a.sum() <= facts["events"]["A"]
    for side, dwell in ((found.a, found.maps.dwell_a_s), (found.b, found.maps.dwell_b_s)):
        assert dwell.sum() == 2 * sum(day["in_grid"] for day in side.days.values())


def test_one_rule_is_the_cause_of_every_difference(compared: Work) -> None:
    found = compare(compared, "continuous", "plain")
    differ = found.pairs[found.pairs["kind"] != "kept"]
    assert set(differ["cause"]) == {"rule decode 0.4 to off"}
    assert set(found.pairs["cause"][found.pairs["kind"] == "kept"]) <= {""}
    again = compare(compared, "continuous", "plain", by_rule=True).pairs
    differ = again[again["kind"] != "kept"]
    assert set(differ["cause"]) <= {"rule decode", "rule decode 0.4 to off, rule not shown"}
    exact = differ["kind"].isin(["moved", "relabelled"])
    assert set(differ["cause"][exact]) == {"rule decode"}  # switching it gives the other run's very events


def test_the_same_run_twice_differs_in_nothing(compared: Work) -> None:
    found = compare(compared, "published", "published")
    assert set(found.pairs["kind"]) == {"kept"}
    assert (found.facts["differs"], found.facts["causes"]) == ([], [])
    assert not found.maps.difference[np.isfinite(found.maps.difference)].any()


def test_swapping_the_runs_mirrors_everything(compared: Work) -> None:
    there, back = (compare(compared, *names) for names in (("published", "plain"), ("plain", "published")))
    assert there.facts["by_event"]["F1, same class"] == back.facts["by_event"]["F1, same class"]
    assert there.facts["kinds"]["all"]["lost"] == back.facts["kinds"]["all"]["gained"]
    np.testing.assert_array_equal(there.maps.difference, -back.maps.difference)


def test_rules_behind_the_differences_of_the_real_days(
    shared: Path, published: Bundle, tmp_path: Path
) -> None:
    work = ingest(shared / "archive", tmp_path / "work")
    for mode in ("published", "continuous"):
        detect(work, published, mode, mode)
    pairs = compare(work, "published", "continuous", by_rule=True).pairs
    rows = pairs[["kind", "event_class_a", "event_class_b", "entangled", "cause"]].to_dict("split")["data"]
    assert rows == [
        ["moved", "CSS", "CSS", False, "rule decode"],
        ["lost", "REP", "", True, "rule decode"],
    ]
    detect(work, published, "wide", "continuous", belt=None)
    wide = compare(work, "continuous", "wide", by_rule=True).pairs
    assert wide["kind"].value_counts().to_dict() == {"gained": 46, "kept": 1}
    assert set(wide["cause"][wide["kind"] == "gained"]) == {"rule belt"}
    dropped = compare(work, "published", "wide", by_rule=True).pairs["cause"].value_counts()
    assert dropped.filter(like="published filter of L").sum() > 0


IDENTITY = {"model": "m", "model_sha256": "1" * 64, "engine": "e", "code_version": "1"}
CONTINUOUS = {**IDENTITY, "mode": "continuous", "rules": {"name": "continuous", "decode": 0.4, "join": 5}}
PUBLISHED = {**IDENTITY, "mode": "published", "rules": {"name": "published", "wrap": False}}


@pytest.mark.parametrize(
    ("a", "b", "cause"),
    [
        (PUBLISHED, PUBLISHED, NOT_SHOWN),
        (PUBLISHED, CONTINUOUS, "mode published to continuous"),
        (PUBLISHED, PUBLISHED | {"model": "n", "model_sha256": "2" * 64}, "model m to n"),
        (
            PUBLISHED,
            PUBLISHED | {"model_sha256": "2" * 64},
            "model m (111111111111) to m (222222222222)",
        ),
        (PUBLISHED, CONTINUOUS | {"engine": "f"}, NOT_SHOWN),
        (CONTINUOUS, CONTINUOUS | {"rules": CONTINUOUS["rules"] | {"join": None}}, "rule join 5 to off"),
        (CONTINUOUS, CONTINUOUS | {"rules": CONTINUOUS["rules"] | {"join": 1, "decode": 0.5}}, NOT_SHOWN),
        (CONTINUOUS, CONTINUOUS | {"code_version": "2"}, "code_version 1 to 2"),
    ],
)
def test_a_cause_is_named_where_one_thing_differs(a: dict, b: dict, cause: str) -> None:
    assert only_cause(a, b) == cause
    assert [(name, y, x) for name, x, y in differing(a, b)] == differing(b, a)


def test_which_rules_can_be_switched() -> None:
    none = dict.fromkeys(RULES)  # a rule that a run does not know is off
    off = {"decode": None, "join": 5}, {"decode": 0.4, "join": None}, {"decode": None, "join": None}
    expected = {
        name: none | rules for name, rules in zip(("decode", "join", "decode and join"), off, strict=True)
    }
    assert variants(PUBLISHED, CONTINUOUS) == ("b", expected)
    assert variants(CONTINUOUS, PUBLISHED) == ("a", expected)
    changed = CONTINUOUS | {"rules": CONTINUOUS["rules"] | {"join": 2}}
    assert variants(changed, CONTINUOUS) == ("b", {"join": none | {"decode": 0.4, "join": 2}})
    assert variants(PUBLISHED, PUBLISHED) is None
    assert variants(PUBLISHED, CONTINUOUS | {"model_sha256": "2" * 64}) is None


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_page_json_and_table_say_the_same(kind: str, compared: Work, tmp_path: Path) -> None:
    found = compare(compared, "published", "continuous")
    paths = write_comparison(found, tmp_path / "out", kind)
    assert [p.name for p in paths] == [f"pairs.{kind}", "comparison.json", "index.html"]
    facts = json.loads(paths[1].read_text())
    read = pd.read_csv if kind == "csv" else pd.read_parquet
    table = read(paths[0])
    assert list(table.columns) == list(schema.PAIR_COLUMNS)
    assert table["kind"].value_counts().to_dict() == {k: n for k, n in facts["kinds"]["all"].items() if n}
    page = paths[2].read_text()
    assert f"<strong>published</strong> with {facts['events']['A']} events" in page
    assert "mode published to continuous" in page
    assert str(compared.root) not in page
    assert sum(row["events_b"] for row in facts["bins"]) == found.maps.events_b.sum()
    before = [path.read_bytes() for path in paths]
    write_comparison(compare(compared, "published", "continuous"), tmp_path / "out", kind)
    assert [path.read_bytes() for path in paths] == before


def test_a_page_with_intervals_says_where_the_difference_is_beyond_chance(
    compared: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (agreement, stage):
        monkeypatch.setattr(module, "MIN_BLOCKS", 1)  # all days here are of one
    found = compare(compared, "published", "continuous")
    assert found.facts["intervals"]["given"] is True
    page = write_comparison(found, tmp_path, "csv")[2].read_text()
    for beyond, known in zip(found.maps.beyond, found.maps.known, strict=True):
        bins = f"in {beyond.sum()} of {known.sum()} bins that have one"
        assert f"Dots: the 95 % interval of the difference leaves out zero, {bins}" in page


def test_columns_of_the_parquet_table_say_what_they_are(compared: Work, tmp_path: Path) -> None:
    path = write_comparison(compare(compared, "published", "continuous"), tmp_path, "parquet")[0]
    stored = pq.read_schema(path)
    assert stored.field("overlap_s").metadata[b"units"] == b"s"
    assert stored.field("kind").metadata[b"long_name"].startswith(b"kept: the same first")


def test_days_of_one_run_alone_are_left_out_and_named(fewer: Work, tmp_path: Path) -> None:
    done = reprocess("compare", f"{fewer.root}:published", ":plain", "-o", tmp_path / "out", code=3)
    assert "left out, only A has these satellite-days: 1 of metop01" in done.stderr
    assert "2 satellite-days in both" in done.stdout
    assert "1 day of metop01" in (tmp_path / "out/index.html").read_text()


def test_command_prints_json_or_a_summary(compared: Work, tmp_path: Path) -> None:
    names = f"{compared.root}:published", f"{compared.root}:continuous"
    facts = json.loads(invoke("compare", *names, "--json").stdout)
    text = invoke("compare", *names).stdout
    assert f"{facts['kinds']['all']['kept']} kept, {facts['kinds']['all']['moved']} moved" in text
    assert "differs: mode published and continuous" in text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ("{work}", "{work}:plain", "name one with --run (run=… in Python); runs in"),
        ("{work}:no", ":plain", "there is no run 'no'; runs in"),
        ("nowhere:x", ":plain", "'nowhere:x' names no run: there is no folder 'nowhere'; give WORK:RUN"),
        (":plain", ":plain", "':plain' names no run: there is no folder ''"),
        ("{other}", "{work}:plain", "is no WORK directory"),
    ],
)
def test_what_names_no_run_is_refused(a: str, b: str, words: str, compared: Work, tmp_path: Path) -> None:
    places = {"work": compared.root, "other": tmp_path}
    done = invoke("compare", *(x.format(**places) for x in (a, b)), code=2)
    assert words in " ".join(done.stderr.split())


def test_runs_without_a_common_day_or_any_day_are_refused(fewer: Work) -> None:
    for receipt in list(fewer.run("continuous").ledger.done()):
        if receipt["satellite"] != "metop01":
            fewer.run("continuous").ledger.withdraw(receipt["satellite"], receipt["block"])
    with pytest.raises(ComparisonError, match="no satellite-day in common: A has 2 of noaa18 from"):
        compare(fewer, "plain", "continuous")
    for receipt in list(fewer.run("plain").ledger.done()):
        fewer.run("plain").ledger.withdraw(receipt["satellite"], receipt["block"])
    with pytest.raises(ComparisonError, match=r"run 'plain' in .* has no satellite-day that is done"):
        compare(fewer, "plain", "continuous")


def test_rules_are_not_looked_for_across_archives(compared: Work, fewer: Work) -> None:
    sides = Side.of("A", compared, compared.run("published")), Side.of("B", fewer, fewer.run("plain"))
    with pytest.raises(ComparisonError, match=r"are found in one archive, and A is of .*leave --explain out"):
        compare_runs(*sides, GRID, 0, by_rule=True)
    assert compare_runs(*sides, GRID, 0).facts["days"]["common"] == 2


def test_causes_are_not_shown_where_files_differ(fewer: Work) -> None:
    run = fewer.run("plain")
    for receipt in list(run.ledger.done()):
        for entry in receipt["days"].values():
            entry["source_sha256"] = "0" * 64
        run.ledger.commit(receipt)
    found = compare(fewer, "continuous", "plain")
    assert set(found.pairs["cause"]) <= {"", NOT_SHOWN}
    assert found.facts["days"]["of_other_files"] == ["noaa18 2015-03-01", "noaa18 2015-03-02"]
