"""What is told of lists of events."""

import pandas as pd

from reprocess.cli.event_lists import describe_lists
from reprocess.evaluation.truth import EventList


def test_events_that_a_model_found_are_not_called_true() -> None:
    known = describe_lists(EventList(pd.DataFrame(), ["a row"], (), 2), 1)
    assert known == {
        "listed events without any record": 1,
        "listed rows left out": 1,
        "listed events that overlap the other class": 2,
    }
    found = describe_lists(EventList(pd.DataFrame(), [], ("model a, run r", "model b, run s")), 0)
    assert found["listed events found by"] == "model a, run r; model b, run s (not known to be true)"
