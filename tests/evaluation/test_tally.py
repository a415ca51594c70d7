"""What blocks contribute: the same counts as directly from the probabilities, in any order and portion."""

from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from reprocess.classifier.engine import DEFAULT_ENGINE, ENGINES
from reprocess.classifier.features import scale_flux, windows
from reprocess.detect.rules.modes import MODES
from reprocess.evaluation.tally import AROUND, NEAR, SCOPES, EvaluatePlan, Tally, count_scores, tally_block
from reprocess.work.paths import Work
from reprocess.work.store import SatelliteStore, open_records
from tests.evaluation.conftest import DAYS, TRUTH
from tests.support.labelled import event_table

RUN = "random-published"


def index(date: str) -> int:
    return schema.day_index(pd.Timestamp(date).date())


def plan(work: Work, satellite: str, *dates: str, mode: str = "published") -> EvaluatePlan:
    days = tuple(index(d) for d in dates)
    events = TRUTH[TRUTH["satellite"] == satellite]
    return EvaluatePlan(
        work.root,
        f"random-{mode}",
        satellite,
        days[0] // schema.BLOCK_DAYS,
        days,
        MODES[mode]({}).offset,
        events,
    )


def plans(work: Work, mode: str = "published") -> list[EvaluatePlan]:
    return [plan(work, satellite, date, mode=mode) for satellite, date in DAYS]


def total(parts: list[Tally]) -> Tally:
    result = Tally.zero()
    for part in parts:
        result += part
    return result


def same(a: Tally, b: Tally) -> bool:
    rows = [t.events.sort_values([*t.events.columns], ignore_index=True) for t in (a, b)]
    counts = np.array_equal(a.confusion, b.confusion) and np.array_equal(a.scores, b.scores)
    return a.days == b.days and counts and rows[0].equals(rows[1])


def naive(work: Work, model: Bundle, satellite: str, date: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true class, probabilities and distance from an event of every window, from the fluxes."""
    n = DAYS[satellite, date]
    stored = open_records(work, satellite).read_day(index(date), n, ("time", "electron_flux"))
    p = ENGINES[DEFAULT_ENGINE](model).predict(windows(scale_flux(stored["electron_flux"], model.scaling)))
    labels = np.zeros(n, int)
    for event in TRUTH[TRUTH["satellite"] == satellite].itertuples():
        times = stored["time"].astype("datetime64[ms]")
        inside = (times >= event.start_time) & (times <= event.stop_time)
        labels[inside] = schema.EVENT_CLASSES[str(event.event_class)]
    centres = np.arange(len(p)) + 3
    hit = np.flatnonzero(labels)
    far = np.full(len(p), 10**6)
    distance = np.abs(centres[:, None] - hit).min(axis=1) if hit.size else far
    return labels[centres], p, distance


@pytest.mark.parametrize("mode", ["published", "published-2022"])
def test_counts_are_those_of_the_probabilities_themselves(
    mode: str, evaluated: Work, random_model: Bundle
) -> None:
    found = total([tally_block(p) for p in plans(evaluated, mode)])
    assert found.days == len(DAYS)
    days = [naive(evaluated, random_model, *key) for key in DAYS]
    true, p, distance = (np.concatenate([d[k] for d in days]) for k in range(3))
    assert len(true) == sum(max(n - 7, 0) for n in DAYS.values())
    for i, reach in enumerate((NEAR, AROUND, None)):
        use = distance <= (10**9 if reach is None else reach)
        assert 50 < use.sum()
        guess = p[use].argmax(axis=1)
        np.testing.assert_array_equal(
            found.confusion[i], confusion_matrix(true[use], guess, labels=[0, 1, 2])
        )
        np.testing.assert_array_equal(found.scores[i], count_scores(true[use], p[use].T))
    assert list(SCOPES.values()) == [NEAR, AROUND, None]
    for narrow, wide in pairwise(found.confusion):
        assert (narrow <= wide).all()
        np.testing.assert_array_equal(narrow[1:], wide[1:])  # windows of events are in every scope


def test_days_and_blocks_add_up_in_any_order(evaluated: Work) -> None:
    noaa = [date for satellite, date in DAYS if satellite == "noaa18" and date < "2015-04"]
    block = tally_block(plan(evaluated, "noaa18", *noaa))
    assert block.days == 3
    parts = [tally_block(plan(evaluated, "noaa18", date)) for date in noaa]
    for order in permutations(parts):
        assert same(total(list(order)), block)
    assert same((parts[0] + parts[1]) + parts[2], parts[0] + (parts[1] + parts[2]))
    assert same(block + Tally.zero(), block)
    assert same(Tally.zero() + block, block)


def test_true_events_are_told_as_the_instrument_saw_them(evaluated: Work) -> None:
    seen = total([tally_block(p) for p in plans(evaluated)]).events
    times = [str(t) for t in seen.sort_values(["satellite", "start_time"])["start_time"]]
    assert "2015-03-02 12:00:00" not in times, "there are no records of it"
    assert times.count("2015-03-01 23:59:50") == 2, "a part on each day"
    assert len(times) == len(TRUTH), "one has no row, one has two"
    for event in seen.to_dict("records"):
        _check_event(evaluated, event)


def _check_event(work: Work, event: dict[str, Any]) -> None:
    """Compare a row with the records themselves; an event over midnight may be of either day."""
    fits = []
    for date in {str(event["start_time"])[:10], str(event["stop_time"])[:10]}:
        n, names = DAYS[event["satellite"], date], ("time", "electron_flux", "L_IGRF", "MLT")
        day = open_records(work, event["satellite"]).read_day(index(date), n, names)
        times = day["time"].astype("datetime64[ms]")
        inside = np.flatnonzero((times >= event["start_time"]) & (times <= event["stop_time"]))
        e4 = day["electron_flux"][0, 3, inside]
        peak = inside[int(np.argmax(e4))]
        known = day["L_IGRF"][inside][day["L_IGRF"][inside] >= 0]
        fits.append(
            (event["peak_e4"], event["L"], event["MLT"], event["L_min"], event["L_max"])
            == (e4.max(), day["L_IGRF"][peak], day["MLT"][peak], known.min(), known.max())
        )
    assert any(fits)


def test_sentinels_are_no_values(evaluated: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    read = SatelliteStore.read_day

    def all_sentinels(self: SatelliteStore, *arguments: Any) -> dict[str, np.ndarray]:
        records = {name: values.copy() for name, values in read(self, *arguments).items()}
        if "MLT" in records:
            records["electron_flux"][0, 3] = -999
            records["L_IGRF"][:] = -1
            records["MLT"][:] = -1
        return records

    monkeypatch.setattr(SatelliteStore, "read_day", all_sentinels)
    events = tally_block(plan(evaluated, "noaa18", "2015-03-01")).events
    assert len(events) == 3
    assert events[["peak_e4", "L", "MLT", "L_min", "L_max"]].isna().all(axis=None)


@pytest.mark.parametrize(("mode", "last"), [("published", 4), ("published-2022", 4), ("continuous", 3)])
def test_an_event_is_observed_where_the_mode_has_a_window_for_it(
    mode: str, last: int, evaluated: Work
) -> None:
    """The published modes never make a day's last possible window, `continuous` does."""
    date, n = "2015-04-01", DAYS["noaa18", "2015-04-01"]
    times = open_records(evaluated, "noaa18").read_day(index(date), n, ("time",))["time"]
    for first, stop, seen in [
        (0, 2, False),
        (0, 3, True),
        (n - last, n - 1, False),
        (n - last - 1, n - 1, True),
    ]:
        edges = [str(times[k].astype("datetime64[ms]")) for k in (first, stop)]
        asked = replace(
            plan(evaluated, "noaa18", date, mode=mode), events=event_table([("noaa18", *edges, "REP")])
        )
        assert tally_block(asked).events["observed"].tolist() == [seen]


def test_a_list_without_events_here_leaves_background_only(evaluated: Work) -> None:
    bare = EvaluatePlan(evaluated.root, RUN, "metop01", 195, (index("2015-03-01"),), 3, TRUTH.head(0))
    found = tally_block(bare)
    assert found.confusion[2].sum() == found.confusion[2, 0].sum() == 393
    assert found.confusion[:2].sum() == 0
    assert len(found.events) == 0
