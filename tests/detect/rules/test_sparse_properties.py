"""Sparse classification gives the events of dense classification, whatever the day.

A fake network looks the classes up, so that any sequence of classes can be asked about; it counts
what it is asked, so that "sparse" is not an empty word.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess.detect.rules.published import MODES, find_events, in_L_range, repair_L
from reprocess.detect.rules.sparse import Classified, classify, dilate, wanted_windows
from tests.detect.rules.test_published_properties import days as eventful_days

CHECK = settings(max_examples=400, deadline=None)


def look_up(classes: np.ndarray, asked: list[int]):
    """Return a network that knows the classes, and notes which windows it is asked for."""

    def network(index: np.ndarray) -> np.ndarray:
        asked.extend(index.tolist())
        return np.eye(3, dtype=np.float32)[classes[index]]

    return network


def sparse(classes, L, flux, mode) -> tuple[Classified, dict[str, list], list[int]]:
    rules, asked = MODES[mode], []
    in_range = in_L_range(repair_L(L, rules))
    wanted = wanted_windows(in_range, flux, rules)
    found = classify(look_up(classes, asked), wanted, rules)
    events = find_events(found.classes, in_range, flux, rules)
    return found, {name: s.final.tolist() for name, s in events.items()}, asked


def dense(classes, L, flux, mode) -> dict[str, list]:
    rules = MODES[mode]
    events = find_events(classes, in_L_range(repair_L(L, rules)), flux, rules)
    return {name: s.final.tolist() for name, s in events.items()}


def scene(rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return classes, L and fluxes of 130 records in which one to three runs are close to what counts.

    Runs are short or longer than any margin, gaps between them about what is joined; one stretch
    of belt and one or two hot records lie in, between or beside them. The other channels are high
    everywhere, or in single records about as far from a hot one as they could matter to an event.
    """
    classes, L = np.zeros(130, np.int8), np.full(130, 30, np.float32)
    flux = np.full((2, 4, 130), 9000, np.float32)
    e4 = flux[0, 3]
    e4[:] = 0
    value, end = rng.integers(1, 3), 24
    for _ in range(rng.integers(1, 4)):
        start, end = end, end + rng.choice([1, 1, 2, 3, 20])
        classes[start:end] = value if rng.random() < 0.9 else 3 - value
        end += rng.integers(1, 6)
    belt = rng.integers(24 - 18, end + 18)
    L[belt : belt + rng.choice([1, 1, 3, 10])] = 4
    hot = rng.integers(24, end + 3, rng.integers(1, 3))
    e4[hot] = rng.choice([363.63635, 363.6364, 5000.0, 9001.0], hot.size, p=[0.1, 0.6, 0.2, 0.1])
    for channel in (flux[0, 0], flux[0, 1], flux[0, 2], flux[1, 3]):
        if rng.random() < 0.3:
            channel[:] = rng.choice([0, -1])
            far = rng.choice([-6, -5, -4, 0, 2, 3, 4], rng.integers(1, 3))
            channel[hot[0] + far] = rng.choice([363.6364, 9000, np.nan])
    if rng.random() < 0.1:
        L[rng.integers(0, 130) :][:5] = -1
    return classes, L, flux


@st.composite
def quiet_days(draw):
    """Days of some scenes, cut anywhere at both ends."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scenes = [scene(rng) for _ in range(draw(st.sampled_from([8, 3, 1])))]
    first, last = rng.integers(0, [60, 110])
    classes, L, flux = (
        np.concatenate(parts, axis=-1)[..., first : 130 * len(scenes) - last]
        for parts in zip(*scenes, strict=True)
    )
    return classes[: max(L.size - 7, 0)], L, flux


@CHECK
@given(st.one_of(quiet_days(), eventful_days()), st.sampled_from(list(MODES)))
def test_events_are_those_of_every_window(day, mode):
    found, events, asked = sparse(*day, mode)
    assert events == dense(*day, mode)
    assert sorted(asked) == np.flatnonzero(found.evaluated).tolist(), "a window was asked for twice"


@CHECK
@given(st.one_of(quiet_days(), eventful_days()), st.sampled_from(list(MODES)))
def test_what_was_not_evaluated_is_marked(day, mode):
    classes = day[0]
    found, events, _ = sparse(*day, mode)
    assert np.array_equal(found.classes, np.where(found.evaluated, classes, 0))
    assert np.array_equal(np.isnan(found.probabilities).all(axis=1), ~found.evaluated)
    offset = MODES[mode].offset
    for intervals in events.values():  # the mean probability of an event is over all its windows
        for first, last in intervals:
            assert found.evaluated[first - offset : last - offset + 1].all()


@CHECK
@given(st.lists(st.booleans(), max_size=40), st.integers(0, 12), st.integers(0, 12))
def test_dilate(mask, before, after):
    expected = [any(mask[max(i - after, 0) : i + before + 1]) for i in range(len(mask))]
    assert dilate(np.array(mask, bool), before, after).tolist() == expected


@CHECK
@given(st.one_of(quiet_days(), eventful_days()), st.sampled_from(list(MODES)), st.data())
def test_records_that_are_no_measurement_are_in_no_event_sparse_or_dense(day, mode, data):
    """Dense is: every window that touches none of them, class 0 for the others."""
    classes, L, flux = day
    rules, n = MODES[mode], L.size
    missing = np.zeros(n, bool)
    index = st.lists(st.integers(0, n - 1), max_size=5) if n else st.just([])
    for first in data.draw(index):
        missing[first : first + data.draw(st.sampled_from([1, 1, 3, 30]))] = True
    possible = rules.windows(n).clear_of(missing)
    in_range = in_L_range(repair_L(L, rules))
    expected = find_events(np.where(possible, classes, 0), in_range, flux, rules)
    asked = []
    wanted = wanted_windows(in_range, flux, rules)
    found = classify(look_up(classes, asked), wanted, rules, possible)
    events = find_events(found.classes, in_range, flux, rules)
    assert {k: s.final.tolist() for k, s in events.items()} == {
        k: s.final.tolist() for k, s in expected.items()
    }
    assert possible[asked].all()
    for stages in events.values():
        for first, last in stages.final:
            assert not missing[first : last + 1].any()
            assert possible[first - rules.offset : last - rules.offset + 1].all()


def test_the_generated_days_are_not_trivial():
    """Events of every kind are found, and most windows left alone, on enough of the quiet days."""
    counts = dict.fromkeys(("events", "in_a_gap", "over_the_edge", "few"), 0)

    @settings(max_examples=400, deadline=None, derandomize=True, database=None)
    @given(quiet_days())
    def count(day):
        classes, L, flux = day
        found, events, _ = sparse(*day, "published")
        in_range = in_L_range(repair_L(L, MODES["published"]))
        near = dilate(in_range, 14, 14)[: classes.size]
        hot = flux[0, 3, 3 : 3 + classes.size].astype(np.float64) >= 2 * 181.81818
        for value, intervals in enumerate(events.values(), start=1):
            for a, b in np.array(intervals, int).reshape(-1, 2) - 3:
                counts["events"] += 1
                counts["in_a_gap"] += not hot[a : b + 1][classes[a : b + 1] == value].any()
                counts["over_the_edge"] += not (hot & near)[a : b + 1].any()
        counts["few"] += np.count_nonzero(found.evaluated) < classes.size / 2

    count()
    assert min(counts.values()) >= 6, counts
