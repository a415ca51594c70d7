"""A run held against the truth."""

import pandas as pd

from reprocess.evaluation.stage import on_days

EVENTS = pd.DataFrame(
    {
        "satellite": ["noaa18", "noaa18", "noaa19"],
        "date": ["2015-03-01", "2015-03-02", "2015-03-01"],
        "start_time": pd.to_datetime(["2015-03-01", "2015-03-02", "2015-03-01"], utc=True),
    }
)


def test_events_are_chosen_by_satellite_and_day() -> None:
    chosen = on_days(EVENTS, {("noaa18", "2015-03-01"), ("noaa19", "2015-03-02")})
    assert chosen.index.tolist() == [0]
    assert on_days(EVENTS, set(zip(EVENTS["satellite"], EVENTS["date"], strict=True))).equals(EVENTS)


def test_a_run_without_events_has_a_table_with_all_columns() -> None:
    for chosen in (on_days(EVENTS.iloc[:0], {("noaa18", "2015-03-01")}), on_days(EVENTS, set())):
        assert chosen.empty
        assert chosen.columns.tolist() == EVENTS.columns.tolist()
        assert chosen.dtypes.equals(EVENTS.dtypes)
