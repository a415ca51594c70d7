"""Coincidences of a catalogue's own satellites."""

import numpy as np
import pandas as pd

from reprocess.catalogue.table import coincidences
from reprocess.comparison.coincidence import Coverage, count_by_chance
from reprocess.physics.coincidence import Shifts, Spots, Windows
from reprocess.schema.properties import MATCH_COLUMNS


def table(*rows: tuple[float, str, float, float]) -> pd.DataFrame:
    """Events of 10 s: minutes after a noon, satellite, L and MLT at the peak."""
    minute, satellite, L, mlt = zip(*rows, strict=True)
    start = pd.Timestamp("2015-03-10T12:00", tz="UTC") + pd.to_timedelta(minute, unit="min")
    columns = {"start_time": start, "stop_time": start + pd.Timedelta(seconds=10)}
    return pd.DataFrame(columns | {"satellite": satellite, "L": L, "MLT": mlt})


EVENTS = table(
    (0, "a", 5.0, 23.8),
    (9, "b", 5.4, 0.5),  # over midnight in MLT
    (1, "a", 5.0, 23.8),  # the same satellite
    (10.5, "c", 5.0, 23.8),  # too late for the first of all
    (5, "c", 5.6, 23.8),  # too far out for those at L 5
)


def test_events_of_other_satellites_near_in_all() -> None:
    found = coincidences(EVENTS)
    assert set(found) == set(MATCH_COLUMNS)
    assert found["matches"].tolist() == [1, 4, 2, 2, 1]
    assert found["group"].tolist() == [1, 1, 1, 1, 1]
    assert not found["matches_by_chance"].any()


def test_controls_count_what_comes_back_every_day() -> None:
    daily = table(*((k * 1440, "ab"[k % 2], 5.0, 12.0) for k in range(20)))
    found = coincidences(daily)
    assert not found["matches"].any()
    np.testing.assert_allclose(found["matches_by_chance"][10], 4 / 6)  # after 1 and 3 days, either way
    assert found["group"].tolist() == list(range(1, 21))


def test_a_catalogue_and_match_count_alike() -> None:
    spots = Spots.of(EVENTS)
    counted = count_by_chance(spots, spots, Windows(), Shifts(), Coverage(set()), others=True)
    assert counted["coincide"] == np.count_nonzero(coincidences(EVENTS)["matches"])


def test_no_events_have_no_coincidences() -> None:
    assert {name: values.size for name, values in coincidences(EVENTS.iloc[:0]).items()} == dict.fromkeys(
        MATCH_COLUMNS, 0
    )
