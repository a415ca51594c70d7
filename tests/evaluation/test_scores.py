"""Counts that add up, and scores that are scikit-learn's from the probabilities themselves."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)

from reprocess import schema
from reprocess.evaluation.matching import OUTCOMES
from reprocess.evaluation.scores import RECALL_BINS, count_unseen, score, score_windows, summarise
from reprocess.evaluation.situations import share_interval
from reprocess.evaluation.tally import (
    BINS,
    SCOPES,
    TRUTH_COLUMNS,
    Tally,
    bin_probabilities,
    count_confusion,
    count_scores,
)
from reprocess.schema.granules import Granule
from tests.support.labelled import event_table

COUNT = np.float32(181.81818)


def softmax(n: int, seed: int, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Return true classes and float32 probabilities, better than chance, some of them 0 and 1."""
    rng = np.random.default_rng(seed)
    true = rng.choice(3, n, p=(0.8, 0.15, 0.05))
    logits = rng.normal(size=(n, 3)) * 2 + 2 * np.eye(3)[true]
    e = np.exp(sharpness * (logits - logits.max(axis=1, keepdims=True)))
    return true, (e / e.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("sharpness", [0.3, 1, 5, 30])
def test_window_scores_are_those_of_scikit_learn(sharpness: float) -> None:
    """A network so unsure that most of its log odds are within 1 has many windows in a bin."""
    near = 1e-3 if sharpness >= 1 else 3e-3
    true, p = softmax(20_000, 1, sharpness)
    guess = p.argmax(axis=1)
    found = score_windows(count_confusion(true, guess), count_scores(true, p.T))
    np.testing.assert_array_equal(found["confusion"], confusion_matrix(true, guess, labels=[0, 1, 2]))
    each = precision_recall_fscore_support(true, guess, labels=[0, 1, 2])
    onehot = np.eye(3)[true]
    for k, name in enumerate(schema.CLASSES):
        row = found["by_class"][name]
        expected = [*(part[k] for part in each[:3])]
        assert [row["precision"], row["recall"], row["f1"]] == pytest.approx(expected, abs=1e-12)
        assert row["windows"] == each[3][k]
        assert row["roc_auc"] == pytest.approx(roc_auc_score(onehot[:, k], p[:, k]), abs=near)
        assert row["pr_auc"] == pytest.approx(average_precision_score(onehot[:, k], p[:, k]), abs=near)
    assert found["micro"]["f1"] == pytest.approx(np.mean(true == guess))
    assert found["micro"]["roc_auc"] == pytest.approx(roc_auc_score(onehot, p, average="micro"), abs=near)
    expected_pr = average_precision_score(onehot, p, average="micro")
    assert found["micro"]["pr_auc"] == pytest.approx(expected_pr, abs=near)
    macro = precision_recall_fscore_support(true, guess, average="macro")
    assert [found["macro"][k] for k in ("precision", "recall", "f1")] == pytest.approx(macro[:3])
    assert found["macro"]["roc_auc"] == pytest.approx(roc_auc_score(onehot, p, average="macro"), abs=near)
    assert (p == 1).any() == (sharpness >= 5)


def test_undefined_scores_are_none() -> None:
    only = score_windows(np.diag([5, 0, 0]), count_scores(np.zeros(5, int), np.tile([[1], [0], [0]], 5)))
    assert only["by_class"]["none"] == {
        "windows": 5, "precision": 1.0, "recall": 1.0, "f1": 1.0, "roc_auc": None, "pr_auc": None
    }  # fmt: skip
    assert set(only["by_class"]["REP"].values()) == {0, None}
    assert only["micro"] == {"f1": 1.0, "roc_auc": 1.0, "pr_auc": 1.0}
    assert set(only["macro"].values()) == {None}
    wrong = score_windows(np.array([[0, 5, 0], [0, 0, 0], [0, 0, 0]]), np.zeros((3, BINS, 2), int))
    assert wrong["by_class"]["REP"]["precision"] == 0
    assert wrong["by_class"]["REP"]["recall"] is None
    assert wrong["by_class"]["none"]["recall"] == 0
    assert wrong["by_class"]["none"]["precision"] is None


@settings(deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50), st.integers(0, 10))
def test_every_window_is_in_one_bin_near_its_probability(values: list[float], seed: int) -> None:
    p = np.tile(np.array(values, np.float32), (3, 1))
    true = np.random.default_rng(seed).integers(0, 3, len(values))
    counts = count_scores(true, p)
    assert counts.shape == (3, BINS, 2)
    np.testing.assert_array_equal(counts.sum(axis=(1, 2)), len(values))
    np.testing.assert_array_equal(counts[:, :, 1].sum(axis=1), np.bincount(true, minlength=3))
    stands = bin_probabilities()
    assert (np.diff(stands) > 0).all()
    again = np.repeat(stands, counts[0].sum(axis=1))
    np.testing.assert_allclose(again, np.sort(values), atol=0.0026)  # a bin of 0.02 in log odds, at 1/2


def test_certainty_and_rounding_beyond_it_have_a_bin() -> None:
    p = np.array([[0, 1, 1.0000001, -1e-9]], np.float32)
    counts = count_scores(np.zeros(4, int), p)
    assert counts[0, 0].tolist() == [0, 2]
    assert counts[0, -1].tolist() == [0, 2]


def test_a_calibrated_network_is_reliable_and_an_overconfident_one_is_not() -> None:
    rng = np.random.default_rng(3)
    rep = rng.uniform(0, 1, 200_000)
    true = np.where(rng.uniform(size=rep.size) < rep, 1, 0)
    p = np.stack([1 - rep, rep, np.zeros_like(rep)]).astype(np.float32)
    found = score_windows(count_confusion(true, p.argmax(axis=0)), count_scores(true, p))["reliability"]
    assert len(found["REP"]) == 10
    assert sum(row["windows"] for row in found["REP"]) == rep.size
    for k, row in enumerate(found["REP"]):
        assert k / 10 <= row["mean_probability"] < (k + 1) / 10
        assert row["true_share"] == pytest.approx(row["mean_probability"], abs=0.02)
    assert [row["windows"] for row in found["CSS"]] == [rep.size]
    half = np.where(rng.uniform(size=rep.size) < rep / 2, 1, 0)
    sure = score_windows(count_confusion(half, p.argmax(axis=0)), count_scores(half, p))["reliability"]
    assert all(r["true_share"] == pytest.approx(r["mean_probability"] / 2, abs=0.02) for r in sure["REP"])


Seen = dict[str, float]
"""What was seen of an event, by column of `TRUTH_COLUMNS`."""


def tally_of(*rows: tuple[tuple[str, str, str, str], Seen], days: int = 2) -> Tally:
    """Return a tally of true events; each is an event and what was seen of it on one day."""
    typical = {"peak_e4": 10 * COUNT, "L": 5.0, "MLT": 22.0, "L_min": 4.9, "L_max": 5.1, "observed": True}
    typical |= dict.fromkeys(schema.SITUATIONS, False)
    frames = [event_table([event]).assign(**(typical | seen)) for event, seen in rows]
    zero = Tally.zero()
    events = pd.concat(frames, ignore_index=True)[list(TRUTH_COLUMNS)] if frames else zero.events
    return Tally(days, zero.confusion, zero.scores, events)


def found_table(*events: tuple[str, str, str, str], counts: float = 10) -> pd.DataFrame:
    table = event_table(events)
    for name in ("start_time", "stop_time"):
        table[name] = table[name].dt.tz_localize("UTC")
    place = {"L": 5.0, "MLT": 24.0, "L_min": 4.9, "L_max": 5.1, "quality_flags": 0}
    return table.assign(max_e4_0=np.float32(counts * COUNT), **place)


def event(start: str, stop: str, name: str = "REP") -> tuple[str, str, str, str]:
    return "noaa18", f"2015-03-01T{start}", f"2015-03-01T{stop}", name


def without_intervals(scores: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in scores.items() if not name.endswith("_interval")}


def holding(rows: list[dict[str, Any]]) -> list[int]:
    """Return which bins of recall_by hold an event."""
    return [i for i, r in enumerate(rows) if r["matched"] + r["confused"] + r["missed"] + r["not_observed"]]


@pytest.mark.parametrize("k", [2, 4, 8, 16, 32, 64])
def test_peaks_of_whole_counts_are_in_the_bin_that_begins_there(k: int) -> None:
    """The files have k counts as slightly less than k times the flux of one."""
    flux = float(np.float32(k * 181.81818))
    assert flux / 181.81818 != k
    found = score(tally_of((event("10:00:00", "10:00:20"), {"peak_e4": flux})), found_table())["events"]
    (i,) = holding(found["recall_by"]["peak_counts"])
    assert found["recall_by"]["peak_counts"][i]["low"] == k
    assert found["above_4_counts"]["all"]["true"] == (k > 4)


@pytest.mark.parametrize(
    ("name", "seen", "low"),
    [
        ("MLT", {"MLT": 24.0}, 0),
        ("MLT", {"MLT": 0.0}, 0),
        ("MLT", {"MLT": 3.0}, 3),
        ("MLT", {"MLT": 23.99}, 21),
        ("MLT", {"MLT": np.nan}, None),
        ("L", {"L": 2.5}, 2.5),
        ("L", {"L": 100.0}, 8.5),
        ("L", {"L": 0.0}, 0),
        ("L", {"L": np.nan}, None),
        ("width_L", {"L_min": np.float32(4.2), "L_max": np.float32(4.3)}, 0.1),
        ("width_L", {"L_min": np.float32(4.4), "L_max": np.float32(4.5)}, 0.1),
        ("width_L", {"L_min": 4.2, "L_max": 4.2}, 0),
        ("width_L", {"L_min": 4.2, "L_max": 44.2}, 0.8),
        ("width_L", {"L_min": np.nan, "L_max": np.nan}, None),
        ("peak_counts", {"peak_e4": 0.0}, 0),
        ("peak_counts", {"peak_e4": 1e9}, 64),
        ("peak_counts", {"peak_e4": np.nan}, None),
    ],
)
def test_an_event_is_in_one_bin_of_a_property_that_is_known(name: str, seen: Seen, low: float | None) -> None:
    found = score(tally_of((event("10:00:00", "10:00:20"), seen)), found_table())["events"]
    rows = found["recall_by"][name]
    assert [rows[i]["low"] for i in holding(rows)] == ([] if low is None else [low])
    for other in RECALL_BINS.keys() - {name}:
        assert len(holding(found["recall_by"][other])) == 1
    assert found["any_strength"]["all"]["missed"] == 1


def test_an_event_that_straddles_midnight_counts_once() -> None:
    whole = ("noaa18", "2015-03-01T23:59:50", "2015-03-02T00:00:20", "CSS")
    before = {"peak_e4": 3 * COUNT, "L": 4.0, "MLT": 20.0, "L_min": 4.0, "L_max": 4.3}
    after = {"peak_e4": 9 * COUNT, "L": 4.6, "MLT": 1.0, "L_min": 4.3, "L_max": 4.7}
    one = score(tally_of((whole, before)), found_table())["events"]
    for order in ((before, after), (after, before)):
        tally = tally_of(*((whole, part) for part in order))
        found = score(tally, found_table(whole))["events"]
        assert found["any_strength"]["CSS"]["true"] == found["any_strength"]["CSS"]["matched"] == 1
        assert found["above_4_counts"]["CSS"]["true"] == 1, "as strong as its strongest record"
        values = {"peak_counts": 8, "L": 4.5, "MLT": 0, "width_L": 0.4}
        for name, low in values.items():
            rows = found["recall_by"][name]
            assert [rows[i]["low"] for i in holding(rows)] == [low]
    assert one["above_4_counts"]["CSS"]["true"] == 0
    assert [one["recall_by"]["width_L"][i]["low"] for i in holding(one["recall_by"]["width_L"])] == [0.2]


def test_event_scores_of_a_case_made_by_hand() -> None:
    tally = tally_of(
        (event("10:00:00", "10:00:20"), {}),
        (event("11:00:00", "11:00:20"), {}),
        (event("12:00:00", "12:00:20", "CSS"), {}),
        (event("13:00:00", "13:00:20", "CSS"), {"peak_e4": 3 * COUNT}),
        days=4,
    )
    found = found_table(
        event("10:00:10", "10:00:12"),  # right
        event("11:00:10", "11:00:12", "CSS"),  # confused
        event("13:00:10", "13:00:12", "CSS"),  # right, of a weak event
        event("20:00:00", "20:00:02", "CSS"),  # false alarm
        event("21:00:00", "21:00:02"),  # false alarm
    )
    scores = score(tally, found)
    assert without_intervals(scores["events"]["any_strength"]["all"]) == {
        "true": 4, "matched": 2, "confused": 1, "missed": 1, "not_observed": 0,
        "found": 5, "right": 2, "false_alarms": 2,
        "recall": 0.5, "precision": 0.4, "false_alarms_per_day": 0.5,
    }  # fmt: skip
    assert without_intervals(scores["events"]["above_4_counts"]["CSS"]) == {
        "true": 1, "matched": 0, "confused": 0, "missed": 1, "not_observed": 0,
        "found": 3, "right": 1, "false_alarms": 1,
        "recall": 0.0, "precision": 1 / 3, "false_alarms_per_day": 0.25,
    }  # fmt: skip
    rep = scores["events"]["any_strength"]["REP"]
    assert (rep["matched"], rep["confused"], rep["missed"], rep["right"]) == (1, 1, 0, 1)
    summary = summarise(scores)
    assert summary["satellite-days"] == 4
    assert (summary["true events"], summary["event recall"], summary["event precision"]) == (3, 1 / 3, 0.4)
    assert summary["false alarms per day"] == 0.5
    for rows in scores["events"]["recall_by"].values():
        totals = {k: sum(row[k] for row in rows) for k in ("matched", "confused", "missed")}
        assert totals == {"matched": 2, "confused": 1, "missed": 1}
        by_class = [sum(row["by_class"][c]["true"] for row in rows) for c in schema.EVENT_CLASSES]
        assert by_class == [2, 2]
        assert sum(row["by_class"][c]["matched"] for row in rows for c in schema.EVENT_CLASSES) == 2
    weak = score(tally, found.assign(max_e4_0=4 * COUNT))
    assert weak["events"]["above_4_counts"]["all"]["found"] == 0, "four counts are not above four"


def test_recall_is_of_what_was_observed() -> None:
    tally = tally_of(
        (event("10:00:00", "10:00:20"), {}),
        (event("11:00:00", "11:00:20"), {"observed": False}),
        (event("12:00:00", "12:00:20"), {"observed": False}),
        (event("13:00:00", "13:00:20"), {}),
    )
    # The second event is touched by one that is found beside it, which is right and no false alarm.
    found = found_table(event("10:00:10", "10:00:12"), event("11:00:24", "11:00:30"))
    scores = score(tally, found)
    every = scores["events"]["above_4_counts"]["all"]
    outcomes = {name: every[name] for name in ("true", *OUTCOMES)}
    assert outcomes == {"true": 4, "matched": 1, "confused": 0, "missed": 1, "not_observed": 2}
    assert (every["recall"], every["precision"], every["false_alarms"]) == (0.5, 1, 0)
    assert every["recall_interval"] == share_interval(1, 2)
    assert summarise(scores)["true events not observed"] == 2
    nothing = score(tally_of((event("11:00:00", "11:00:20"), {"observed": False})), found_table())
    assert nothing["events"]["above_4_counts"]["all"]["recall"] is None


@pytest.mark.parametrize(("parts", "outcome"), [((True, False), "matched"), ((False, False), "not_observed")])
def test_an_event_over_midnight_is_observed_if_it_is_on_either_day(
    parts: tuple[bool, bool], outcome: str
) -> None:
    whole = ("noaa18", "2015-03-01T23:59:50", "2015-03-02T00:00:20", "CSS")
    seen: list[Seen] = [{"observed": known, "peak_e4": 9 * COUNT + k} for k, known in enumerate(parts)]
    for order in (seen, seen[::-1]):
        found = score(tally_of(*((whole, part) for part in order)), found_table(whole))["events"]
        assert found["above_4_counts"]["CSS"]["true"] == found["above_4_counts"]["CSS"][outcome] == 1


def test_nothing_at_all_can_be_scored() -> None:
    scores = score(Tally.zero(), found_table())
    json.dumps(scores, allow_nan=False)
    nothing = scores["events"]["any_strength"]["all"]
    assert {nothing[f"{k}_interval"] for k in ("recall", "precision", "false_alarms_per_day")} == {None}
    assert without_intervals(nothing) == {
        "true": 0, "matched": 0, "confused": 0, "missed": 0, "not_observed": 0,
        "found": 0, "right": 0, "false_alarms": 0,
        "recall": None, "precision": None, "false_alarms_per_day": None,
    }  # fmt: skip
    assert set(scores["windows"]) == set(SCOPES)
    assert score(Tally.zero() + Tally.zero(), found_table()) == scores


def test_listed_events_without_any_record_are_counted() -> None:
    there, gap = event("10:00:00", "10:00:20"), event("11:00:00", "11:00:20")
    day = gap[1][:10]
    listed = event_table([there, gap])
    tally = tally_of((there, {"peak_e4": 9 * COUNT}))
    asked = Granule("noaa18", schema.day_index(day), "file:///x", 1, "v")
    assert count_unseen(listed, [asked], tally) == 1
    assert count_unseen(listed[:1], [asked], tally) == 0
    assert count_unseen(listed, [asked._replace(satellite="noaa19")], tally) == 0
    assert count_unseen(listed, [asked._replace(day=asked.day + 1)], tally) == 0
