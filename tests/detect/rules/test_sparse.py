"""The limits of what is wanted, one by one; that they suffice is a property (properties/)."""

import gzip
import json

import numpy as np
import pytest

from reprocess.detect.rules.published import E4_THRESHOLD, MODES, find_events, in_L_range, repair_L
from reprocess.detect.rules.sparse import classify, dilate, wanted_windows

PUBLISHED, EARLY = MODES["published"], MODES["published-2022"]


def wanted(n: int, belt: list[int], hot: list[int], rules=PUBLISHED, **others: list[int]) -> list[int]:
    """Windows wanted on a day of n records with these records in the belt and with two counts.

    The other channels are high in all records, or in those of `others` (e1, e2, e3, e4_90) alone.
    """
    flux = np.full((2, 4, n), 500, np.float32)
    for at, name in (((0, 0), "e1"), ((0, 1), "e2"), ((0, 2), "e3"), ((1, 3), "e4_90")):
        if name in others:
            flux[at] = np.where(np.isin(np.arange(n), others[name]), 500, 0)
    flux[0, 3] = np.where(np.isin(np.arange(n), hot), 500, 0)
    return np.flatnonzero(wanted_windows(np.isin(np.arange(n), belt), flux, rules)).tolist()


def classified(flags: dict[int, int], start: list[int], m: int = 100, rules=PUBLISHED):
    """What is evaluated where these windows have these classes, and in how many calls."""
    classes, calls = np.zeros(m, np.int8), []
    classes[list(flags)] = list(flags.values())

    def network(index):
        calls.append(index.tolist())
        return np.eye(3, dtype=np.float32)[classes[index]]

    found = classify(network, np.isin(np.arange(m), start), rules)
    return np.flatnonzero(found.evaluated).tolist(), calls, found


def test_a_record_with_counts_wants_its_window_and_four_before():
    assert wanted(100, [50], [53]) == [46, 47, 48, 49, 50]


@pytest.mark.parametrize(
    "others",
    [
        {"e4_90": []},
        {"e4_90": [48, 56]},
        {"e1": [53], "e2": [], "e3": []},
        {"e1": [], "e2": [53], "e3": []},
        {"e1": [48, 56], "e3": [48, 56]},
    ],
)
def test_where_no_short_event_could_be_kept_the_windows_that_a_long_one_reaches_are_wanted(others):
    assert wanted(100, [50], [53], **others) == [50, 54]


@pytest.mark.parametrize(
    "others", [{"e4_90": [49]}, {"e4_90": [55]}, {"e1": [49], "e2": [55], "e3": []}, {"e1": [], "e3": [55]}]
)
def test_what_a_short_event_could_be_kept_for_is_looked_for_as_far_as_it_reaches(others):
    assert wanted(100, [50], [53], **others) == [46, 47, 48, 49, 50]


def test_a_channel_that_is_NaN_leaves_the_others_to_decide():
    flux = np.full((2, 4, 50), 500, np.float32)
    flux[0, 3] = np.where(np.arange(50) == 20, 500, 0)
    flux[0, 2, 18] = flux[1, 3, 18] = np.nan
    found = wanted_windows(np.ones(50, bool), flux, PUBLISHED)
    assert np.flatnonzero(found).tolist() == [13, 14, 15, 16, 17]


def test_no_window_is_wanted_after_the_last():
    assert wanted(60, [50], [55], e4_90=[]) == [52]


@pytest.mark.parametrize(("hot", "count"), [(53 - 14, 5), (53 - 15, 1), (53 + 14, 5), (53 + 15, 1)])
def test_near_the_belt_is_fourteen_records(hot, count):
    # Beyond that only the nearest window near the belt is wanted: a run could come in through it.
    assert len(wanted(100, [50], [hot])) == count


def test_edges_are_wanted_only_where_a_stretch_outside_is_hot():
    assert wanted(200, [50, 150], []) == []
    assert wanted(200, [50, 150], [103]) == [64, 136]
    assert wanted(200, [50, 150], [10]) == [36]
    assert wanted(200, [50, 150], [190]) == [164]


def test_nothing_is_wanted_without_belt_or_counts():
    assert wanted(100, [], [50]) == []
    assert wanted(100, [50], []) == []


def test_counts_before_the_first_and_after_the_last_windows_record_do_not_matter():
    assert wanted(20, [10], [2]) == []
    assert wanted(20, [10], [15]) == [8, 9, 10, 11, 12]
    assert wanted(20, [10], [16]) == []


def test_exactly_two_counts_are_not_wanted():
    stored = np.float32(363.63635)
    assert float(stored) < E4_THRESHOLD
    for e4, count in ((stored, 0), (np.nextafter(stored, np.float32(400)), 5), (np.float32(np.nan), 0)):
        flux = np.full((2, 4, 50), 500, np.float32)
        flux[0, 3] = np.where(np.arange(50) == 20, e4, 0)
        found = wanted_windows(np.ones(50, bool), flux, PUBLISHED)
        assert np.count_nonzero(found) == count


def test_early_release_wants_every_window_near_the_belt():
    assert wanted(100, [50], [], EARLY) == list(range(40, 61))
    assert wanted(100, [97], [], EARLY) == [*range(8), *range(87, 93)]


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9])
@pytest.mark.parametrize("rules", [PUBLISHED, EARLY])
def test_short_days(n, rules):
    everything = list(range(n))
    m = max(n - 7, 0)
    assert wanted(n, everything, everything, rules) == list(range(m))
    evaluated, calls, found = classified({}, list(range(m)), m, rules)
    assert evaluated == list(range(m))
    assert len(calls) == (m > 0)
    assert found.probabilities.shape == (m, 3)


def test_nothing_wanted_asks_nothing():
    evaluated, calls, found = classified({}, [])
    assert (evaluated, calls) == ([], [])
    assert np.isnan(found.probabilities).all()
    assert not found.classes.any()


def test_windows_without_class_want_no_neighbours():
    assert classified({10: 1}, [20, 40])[1] == [[20, 40]]


def test_a_window_with_class_wants_five_on_either_side():
    evaluated, calls, _ = classified({50: 1}, [50])
    assert evaluated == list(range(45, 56))
    assert len(calls) == 2


def test_runs_of_the_release_without_joining_are_followed_to_their_ends_only():
    assert classified({50: 1}, [50], rules=EARLY)[0] == [49, 50, 51]
    assert classified({50: 1, 52: 1}, [50], rules=EARLY)[0] == [49, 50, 51]


def test_a_long_run_is_followed_in_few_calls():
    evaluated, calls, _ = classified(dict.fromkeys(range(100, 900), 2), [100], 2000)
    assert set(range(95, 905)) <= set(evaluated)
    assert len(calls) <= 10
    assert len(evaluated) < 2.2 * 800


def test_followed_to_the_ends_of_the_day():
    assert classified(dict.fromkeys(range(30), 1), [15], 30)[0] == list(range(30))


def test_chains_are_followed():
    evaluated, *_ = classified({20: 1, 25: 1, 30: 2, 35: 1}, [20])
    assert set(range(15, 41)) <= set(evaluated)


def events(classes, L, flux):
    in_range = in_L_range(repair_L(L, PUBLISHED))
    everything = find_events(classes, in_range, flux, PUBLISHED)["REP"].final.tolist()
    wanted = wanted_windows(in_range, flux, PUBLISHED)
    found = classify(lambda index: np.eye(3, dtype=np.float32)[classes[index]], wanted, PUBLISHED)
    return everything, find_events(found.classes, in_range, flux, PUBLISHED)["REP"].final.tolist()


@pytest.mark.parametrize(
    ("belt", "run", "hot"),
    [
        # The only counts are in the last record between two runs that start five apart and are joined.
        ([43], (45, 46), 44),
        # As far outside the belt as it can be without being found from the belt's edges: both of
        # those lie between the runs too.
        ([30, 56], (45, 47), 43),
    ],
)
def test_counts_between_joined_runs(belt, run, hot):
    classes, L = np.zeros(93, np.int8), np.full(100, 30, np.float32)
    flux = np.full((2, 4, 100), 900, np.float32)
    classes[40] = classes[run[0] : run[1] + 1] = 1
    L[belt] = 5
    flux[0, 3] = np.where(np.arange(100) == hot + 3, 500, 0)
    everything, sparse = events(classes, L, flux)
    assert everything == sparse == [[43, run[1] + 3]]


@pytest.mark.parametrize(("second", "hot", "e4_90"), [(45, 44, 40), (44, 41, 43), (45, 41, 44)])
def test_counts_between_joined_runs_whose_other_channels_are_as_far_as_they_can_be(second, hot, e4_90):
    # The first and the last record that a short event could be kept for; the first beyond, of an event that
    # ends with the window that is looked at instead.
    classes, L = np.zeros(93, np.int8), np.full(100, 5, np.float32)
    flux = np.full((2, 4, 100), 900, np.float32)
    classes[[40, second]] = 1
    flux[0, 3] = np.where(np.arange(100) == hot + 3, 500, 0)
    flux[1, 3] = np.where(np.arange(100) == e4_90 + 3, 500, 0)
    everything, sparse = events(classes, L, flux)
    assert everything == sparse == [[43, second + 3]]


def test_a_run_reaches_in_from_far_outside():
    classes, L, flux = (
        np.zeros(493, np.int8),
        np.full(500, 30, np.float32),
        np.full((2, 4, 500), 900, np.float32),
    )
    classes[100:400] = 1
    L[405] = 5
    flux[0, 3] = np.where(np.arange(500) == 110, 500, 0)
    everything, sparse = events(classes, L, flux)
    assert everything == sparse == [[103, 402]]


def test_golden_cases(shared):
    with gzip.open(shared / "golden" / "postprocessing.json.gz") as file:
        cases = json.load(file)
    found, evaluated, windows = 0, 0, 0
    for case in cases:
        L, classes = np.array(case["L"], np.float32), np.array(case["flag"], np.int8)
        flux = np.array(case["flux"], np.float32).reshape(len(L), 4, 2).transpose(2, 1, 0)
        in_range = in_L_range(repair_L(L, PUBLISHED))
        wanted = wanted_windows(in_range, flux, PUBLISHED)
        known = classify(lambda index, c=classes: np.eye(3, dtype=np.float32)[c[index]], wanted, PUBLISHED)
        for name, stages in find_events(known.classes, in_range, flux, PUBLISHED).items():
            assert stages.final.tolist() == case["events"][name]["final"]
            found += len(stages.final)
        evaluated += np.count_nonzero(known.evaluated)
        windows += classes.size
    assert found > 100
    assert evaluated < windows


@pytest.mark.parametrize(
    ("before", "after", "expected"), [(0, 0, [3]), (1, 0, [2, 3]), (0, 2, [3, 4, 5]), (9, 9, list(range(8)))]
)
def test_dilate(before, after, expected):
    assert np.flatnonzero(dilate(np.arange(8) == 3, before, after)).tolist() == expected
