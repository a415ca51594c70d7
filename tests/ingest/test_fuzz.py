"""A short part of `make fuzz`: malformed input is processed as documented, or refused by name."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from tests.fuzz import contents, damage
from tests.fuzz.contents import ALL, ContentsError, Edit, all_edits, try_edits
from tests.fuzz.damage import Case

DETECTED = {*schema.ELECTRON_VARIABLES, "L_IGRF", "MLT", "lat", "lon", "mep_IFC_on"}


def test_damaged_bytes_are_read_to_the_same_records_or_refused() -> None:
    counts = Counter(damage.campaign(seed=9, cases=320))
    assert sum(counts.values()) == 320
    assert damage.faults(counts) == {}
    outcomes = {case.outcome for case in counts}
    assert {"read, same records", "truncated", "missing_variable"} <= outcomes <= {
        "read, same records", *schema.REASONS
    }  # fmt: skip
    assert {case.where for case in counts} >= {"chunks", "metadata", "both"}


def test_cases_are_those_of_their_seed_and_number() -> None:
    whole = damage.sound("earliest")
    made = [
        damage.damaged(whole, kind, np.random.default_rng([1, 2]))[0]
        for kind in damage.KINDS
        for _ in range(2)
    ]
    assert made[::2] == made[1::2]
    assert len(set(made)) == len(damage.KINDS)
    assert whole.data not in made


def test_dead_interpreters_exceptions_and_other_values_in_chunks_are_faults() -> None:
    harmless = Case("k", "metadata", "truncated"), Case("k", "nowhere", "read, same records")
    bad = (
        Case("k", "metadata", "interpreter died"), Case("k", "both", "no end"),
        Case("k", "metadata", "raised OverflowError: x"), Case("k", "chunks", damage.OTHER),
    )  # fmt: skip
    assert list(damage.faults(Counter(harmless + bad)).values()) == [1] * len(bad)


@pytest.fixture
def whole_days() -> list[Edit]:
    return [edit for edit in all_edits() if not edit.variable]


@pytest.mark.usefixtures("short_record_axis")
def test_days_that_are_odd_as_a_whole_are_as_documented(
    whole_days: list[Edit], random_model: Bundle, tmp_path: Path
) -> None:
    came = {c.edit.kind: c.outcome for c in try_edits(whole_days, random_model, tmp_path, seed=1)}
    assert came.keys() == ALL.keys()
    assert came["nothing"] == came["records shuffled"] == came["a leap of 1.9 s"] == "read"
    assert came["every record twice"] == came["half of the times of 0"] == "read, records dropped"
    assert came["no record"] == "refused: zero_records"
    assert came["86,400 records"] == "refused: too_many_records"
    assert came["a day later"] == came["times of 0"] == "refused: wrong_date"
    assert came["one record of another satellite"] == "refused: wrong_satellite"


@pytest.mark.usefixtures("short_record_axis")
@pytest.mark.parametrize("engine", schema.ENGINES)
def test_values_that_cannot_be_are_as_documented(random_model: Bundle, tmp_path: Path, engine: str) -> None:
    edits = [edit for edit in all_edits() if edit.variable in DETECTED]
    chosen = edits[:: len(edits) // (15 if engine == schema.ENGINES[0] else 7)]
    assert len({edit.variable for edit in chosen}) > 5
    came = list(try_edits(chosen, random_model, tmp_path, seed=2, engine=engine))
    assert "read, records missing" in {c.outcome for c in came}


@pytest.mark.usefixtures("short_record_axis")
def test_what_is_expected_is_not_what_is_found_where_the_code_is_wrong(
    random_model: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = next(e for e in all_edits() if (e.kind, e.variable) == ("huge, one", "mep_ele_tel0_flux_e4"))
    monkeypatch.setattr("reprocess.detect.rules.modes.not_measured", lambda r: np.zeros(r["time"].size, bool))
    with pytest.raises(ContentsError, match="windows are clear"):
        list(try_edits([edit], random_model, tmp_path, seed=1))


def test_a_day_is_expected_as_its_records_say() -> None:
    content = contents.fake.variables(contents.SATELLITE, "2019-10-24", 20)
    day = schema.day_index("2019-10-24")
    assert contents.expected(content, day) == ("", list(range(20)))
    content["MLT"][3] = 24.5
    assert [contents.impossible(content, i) for i in range(20)].index(True) == 3
    content["time"][[0, 1]] = content["time"][[1, 0]]
    assert contents.expected(content, day)[1][:3] == [1, 0, 2]
