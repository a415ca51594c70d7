"""Scores by situation, and the intervals of all of them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from reprocess import schema
from reprocess.evaluation.matching import OUTCOMES
from reprocess.evaluation.situations import rate_interval, score_situations, share_interval
from tests.support.labelled import event_table

FLAG = schema.EVENT_FLAGS


def event(start: str, stop: str, name: str = "REP") -> tuple[str, str, str, str]:
    return "noaa18", f"2015-03-01T{start}", f"2015-03-01T{stop}", name


TRUE = event_table(
    [
        event("10:00:00", "10:00:20"),
        event("11:00:00", "11:00:20", "CSS"),
        event("12:00:00", "12:00:20"),
        event("13:00:00", "13:00:20"),
    ]
).assign(
    outcome=["matched", "confused", "missed", "matched"],
    **dict.fromkeys(schema.SITUATIONS, False)
    | {"at_gap": [True, True, True, False], "in_L_hole": [True, False, False, False]},
)
FOUND = event_table(
    [
        event("10:00:02", "10:00:04"),
        event("11:00:02", "11:00:04"),
        event("13:00:02", "13:00:04"),
        event("19:00:00", "19:00:04"),
        event("20:00:00", "20:00:04"),
        event("21:00:00", "21:00:04"),
        event("23:59:50", "23:59:58"),
    ]
).assign(
    verdict=["right", "confused", "right", *["false alarm"] * 4],
    quality_flags=[
        0,
        0,
        FLAG["calibration"],
        FLAG["L_traced"],
        FLAG["time_gap"] | FLAG["E4_missing"],
        FLAG["calibration"],
        0,
    ],
)


def test_a_case_made_by_hand() -> None:
    scores = score_situations(TRUE, FOUND, 4)
    keys = ("true", *OUTCOMES, "found", "right", "false_alarms")
    counts = {name: tuple(row[k] for k in keys) for name, row in scores.items()}
    nothing = (0,) * 8
    assert counts == {
        "at_midnight": (0, 0, 0, 0, 0, 1, 0, 1),
        "at_gap": (3, 1, 1, 1, 0, 3, 1, 1),
        "in_L_hole": (1, 1, 0, 0, 0, 2, 1, 1),
        "in_anomaly": nothing,
        # A found event that is true is where the list has the true one, whatever the run's mark.
        "in_calibration": (0, 0, 0, 0, 0, 1, 0, 1),
        "in_conjunction": nothing,
        "in_storm": nothing,
        "none": (1, 1, 0, 0, 0, 1, 1, 0),
    }
    assert scores["at_gap"]["recall"] == scores["at_gap"]["precision"] == 1 / 3
    assert scores["at_gap"]["false_alarms_per_day"] == 0.25
    assert scores["in_anomaly"]["recall"] is None
    assert scores["in_anomaly"]["recall_interval"] is None


def test_every_false_alarm_and_true_event_is_in_some_row() -> None:
    scores = score_situations(TRUE, FOUND, 4)
    assert sum(row["true"] for row in scores.values()) >= len(TRUE)
    assert sum(row["false_alarms"] for row in scores.values()) == 4
    without = score_situations(TRUE.assign(**dict.fromkeys(schema.SITUATIONS, False)), FOUND.iloc[:3], 4)
    assert without["none"]["true"] == len(TRUE)
    assert without["none"]["found"] == 3


def test_no_events_have_no_scores() -> None:
    scores = score_situations(TRUE.iloc[:0], FOUND.iloc[:0], 0)
    assert all(row["true"] == row["found"] == 0 and row["precision"] is None for row in scores.values())
    assert scores["none"]["false_alarms_per_day_interval"] is None


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_interval_of_a_share_has_its_tails(part: int, whole: int) -> None:
    part = min(part, whole)
    low, high = share_interval(part, whole) or (np.nan, np.nan)
    assert low <= part / whole <= high
    # At its ends what was seen, or more extreme, has a chance of 2.5 %.
    assert low == 0 if part == 0 else binom.sf(part - 1, whole, low) == pytest.approx(0.025)
    assert high == 1 if part == whole else binom.cdf(part, whole, high) == pytest.approx(0.025)


@given(st.integers(0, 200), st.integers(1, 1000))
def test_the_interval_of_a_rate_has_its_tails(count: int, days: int) -> None:
    low, high = rate_interval(count, days) or (np.nan, np.nan)
    assert low <= count / days <= high
    assert low == 0 if count == 0 else poisson.sf(count - 1, low * days) == pytest.approx(0.025)
    assert poisson.cdf(count, high * days) == pytest.approx(0.025)


def test_truth_of_the_simulator_has_all_situations() -> None:
    from reprocess.simulate import TRUTH_COLUMNS

    assert {name: TRUTH_COLUMNS[name] for name in schema.SITUATIONS} == dict.fromkeys(
        schema.SITUATIONS, "bool"
    )
    assert pd.Series(list(schema.SITUATIONS.values())).is_unique
