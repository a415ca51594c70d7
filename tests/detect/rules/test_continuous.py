"""Rules over a series: the same events wherever it is cut, and from few windows as from all."""

from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess import schema
from reprocess.detect.rules import continuous, protons
from reprocess.detect.rules.calibration import calibrating
from reprocess.detect.rules.continuous import (
    ADJACENT,
    Series,
    Structure,
    classify,
    find_structures,
    first_halo,
    is_open,
    marks,
    observed,
    search,
)
from reprocess.detect.rules.parameters import DEFAULTS, RULES, Parameters
from reprocess.detect.rules.protons import ENOUGH, NEAR
from reprocess.detect.rules.sparse import Classifier
from reprocess.errors import RuleError
from reprocess.schema.background import e4_counts

START = np.datetime64("2015-03-17T23:00", "ms").astype(np.int64)
EVERYTHING = DEFAULTS
E4_FLUX_PER_COUNT = schema.FLUX_PER_COUNT["e4"]


def quiet(n: int) -> Series:
    """A series in the belt with no counts at all."""
    flux = np.zeros((2, 4, n), np.float32)
    return Series(
        START + 2000 * np.arange(n), flux, np.zeros(n, bool), np.zeros(n, bool), np.full(n, 5, np.float32),
        np.full(n, 0.5), slice(0, n),
    )  # fmt: skip


def with_counts(series: Series, counts: dict[int, int]) -> Series:
    """The series with so many counts of E4 at 0 degrees, by position."""
    flux = series.flux.copy()
    for i, n in counts.items():
        flux[0, 3, i] = n * np.float32(E4_FLUX_PER_COUNT)
    return replace(series, flux=flux)


def given_probabilities(table: np.ndarray) -> Classifier:
    """A classifier that looks probabilities up, by position in the series."""
    return lambda index: table[index]


def table_of(n: int, rep: dict[int, float], css: dict[int, float] | None = None) -> np.ndarray:
    table = np.zeros((n, 3), np.float32)
    for column, values in ((1, rep), (2, css or {})):
        for i, p in values.items():
            table[i, column] = p
    table[:, 0] = 1 - table[:, 1] - table[:, 2]
    return table


def events(series: Series, table: np.ndarray, parameters: Parameters = EVERYTHING) -> list[Structure]:
    found = classify(series, given_probabilities(table), parameters)
    return find_structures(series, found, parameters)


def test_an_event_has_the_extent_of_its_records_the_last_included() -> None:
    n = 100
    series = with_counts(quiet(n), {40: 5, 41: 30, 42: 4})
    (event,) = events(series, table_of(n, dict.fromkeys(range(39, 44), 0.9)))
    assert (event.first, event.last, event.peak, event.value) == (39, 43, 41, 1)
    assert event.background_probability < 1e-20


def test_one_structure_has_one_class_by_the_summed_log_odds() -> None:
    n = 100
    series = with_counts(quiet(n), {50: 40})
    table = table_of(n, {48: 0.5, 49: 0.5, 50: 0.5, 51: 0.01}, {48: 0.3, 49: 0.3, 50: 0.3, 51: 0.98})
    (event,) = events(series, table)
    assert (event.first, event.last, event.value) == (48, 51, 2)
    assert event.log_odds < 0
    swapped = table[:, [0, 2, 1]]
    (other,) = events(series, swapped)
    assert other.value == 1
    assert other.log_odds == pytest.approx(-event.log_odds)


@pytest.mark.parametrize(("missing", "count"), [(5, 1), (6, 2)])
def test_records_are_joined_by_the_true_gap_between_them(missing: int, count: int) -> None:
    n = 100
    second = 40 + missing + 1
    series = with_counts(quiet(n), {40: 30, second: 30})
    assert len(events(series, table_of(n, {40: 0.9, second: 0.9}))) == count


def test_records_joined_in_a_chain_are_one_event_to_its_last_record() -> None:
    n = 100
    series = with_counts(quiet(n), dict.fromkeys((30, 34, 38, 42), 20))
    (event,) = events(series, table_of(n, dict.fromkeys((30, 34, 38, 42), 0.9)))
    assert (event.first, event.last) == (30, 42)


def test_no_window_spans_a_gap_and_the_last_window_counts() -> None:
    series = quiet(60)
    time = series.time.copy()
    time[30:] += 5000
    seen = observed(replace(series, time=time), EVERYTHING)
    assert np.flatnonzero(seen).tolist() == [*range(3, 27), *range(33, 57)]
    assert observed(replace(series, time=time), replace(EVERYTHING, gap=None)).sum() == 54


def test_no_window_touches_a_calibration_from_16_records_before_to_16_after_its_last_flag() -> None:
    n, first, flags = 400, 100, 12
    calibrating = np.zeros(n, bool)
    calibrating[first : first + 16 * flags] = True  # each flag stands for its frame of 16 records
    seen = observed(replace(quiet(n), calibrating=calibrating), EVERYTHING)
    last_flag = first + 16 * (flags - 1)
    touched = range(first - 16 - 3, last_flag + 16 + 3 + 1)
    assert np.flatnonzero(~seen[3:-3]).tolist() == [i - 3 for i in touched]


def test_what_is_no_measurement_is_in_no_window_and_what_has_no_L_is_not_observed() -> None:
    series = quiet(60)
    unusable, L = series.unusable.copy(), series.L.copy()
    unusable[20], L[40], L[45] = True, -1, np.nan
    seen = observed(replace(series, unusable=unusable, L=L), EVERYTHING)
    assert np.flatnonzero(~seen[3:-3]).tolist() == [*range(14, 21), 37, 42]


@pytest.mark.parametrize(("L", "count"), [(2.49, 0), (2.5, 1), (8.5, 1), (8.51, 0)])
def test_an_event_belongs_to_the_belt_if_its_peak_does(L: float, count: int) -> None:
    n = 60
    series = with_counts(quiet(n), {30: 30, 31: 5})
    place = np.full(n, 5 if count == 0 else 1.5, np.float32)
    place[30] = L
    table = table_of(n, {30: 0.9, 31: 0.9})
    assert len(events(replace(series, L=place), table)) == count
    assert len(events(replace(series, L=place), table, replace(EVERYTHING, belt=None))) == 1


def test_exactly_two_counts_reach_the_peak() -> None:
    n = 60
    loose = replace(EVERYTHING, significance=None)
    for counts, expected in ((2, 1), (1, 0)):
        series = with_counts(quiet(n), {30: counts})
        assert len(events(series, table_of(n, {30: 0.9}), loose)) == expected


def test_background_alone_is_significant_as_seldom_as_it_says() -> None:
    n = 60
    series = with_counts(quiet(n), {30: 3})
    (event,) = events(series, table_of(n, {30: 0.9}), replace(EVERYTHING, significance=None))
    # P(3 or more | 0.5) = 1 - exp(-0.5) (1 + 0.5 + 0.125)
    assert event.background_probability == pytest.approx(1 - np.exp(-0.5) * 1.625)
    assert not events(series, table_of(n, {30: 0.9}))


def test_what_leaks_from_90_degrees_is_background() -> None:
    n = 60
    series = with_counts(quiet(n), {30: 8})
    assert events(series, table_of(n, {30: 0.9}))
    flux = series.flux.copy()
    flux[1, 3] = 200 * np.float32(E4_FLUX_PER_COUNT)
    assert not events(replace(series, flux=flux), table_of(n, {30: 0.9}))
    series.flux[1, 3] = -999
    assert events(series, table_of(n, {30: 0.9}))
    assert e4_counts(series.flux)[1].max() == 0


def polar(series: Series, *caps: tuple[slice, int]) -> Series:
    """The series with stretches over a polar cap, and the counts of E4 at 0 degrees in each record there."""
    L, flux = series.L.copy(), series.flux.copy()
    for where, counts in caps:
        L[where] = 20
        flux[0, 3, where] = -999 if counts < 0 else counts * np.float32(E4_FLUX_PER_COUNT)
    return replace(series, L=L, flux=flux)


@pytest.mark.parametrize(
    ("counts", "quiet_there"), [(0, True), (1, True), (2, False), (50, False), (-1, False)]
)
def test_nothing_is_observed_within_half_an_orbit_of_a_polar_cap_full_of_protons(
    counts: int, quiet_there: bool
) -> None:
    n, cap = 6000, slice(3000, 3000 + ENOUGH)
    series = polar(quiet(n), (cap, counts))
    seen = observed(series, EVERYTHING)
    # Each record that has `ENOUGH` of the cap within reach, hence all of it.
    reached = slice(cap.stop - 1 - NEAR, cap.start + NEAR + 1)
    assert (seen[reached] == quiet_there).all()
    elsewhere = np.concatenate([seen[3 : reached.start], seen[reached.stop : -3]])
    assert elsewhere.size > 2 * ENOUGH
    assert elsewhere.all()
    assert observed(series, replace(EVERYTHING, solar_protons=None))[3:-3].all()


def test_too_few_records_and_calibrations_over_the_caps_tell_of_no_protons() -> None:
    n, cap = 1000, slice(500, 500 + ENOUGH)
    assert observed(polar(quiet(n), (slice(cap.start, cap.stop - 1), 50)), EVERYTHING)[3:-3].all()
    assert not observed(polar(quiet(n), (cap, 50)), EVERYTHING).any()
    pulses = np.zeros(n, bool)
    pulses[cap] = True
    alone = replace(polar(quiet(n), (cap, 50)), calibrating=pulses)
    assert np.array_equal(
        observed(alone, EVERYTHING), observed(replace(quiet(n), calibrating=pulses), EVERYTHING)
    )
    broken = replace(polar(quiet(n), (cap, 50)), unusable=pulses)
    assert np.array_equal(
        observed(broken, EVERYTHING), observed(replace(quiet(n), unusable=pulses), EVERYTHING)
    )


def test_caps_on_either_side_are_taken_together() -> None:
    n = 1000
    caps = (slice(100, 100 + ENOUGH), 2), (slice(700, 700 + ENOUGH), 0)
    assert observed(polar(quiet(n), *caps), EVERYTHING)[3:-3].all(), "1.0 counts per second on average"
    assert not observed(polar(quiet(n), *caps), replace(EVERYTHING, solar_protons=0.9)).any()


@st.composite
def series_and_table(draw: st.DrawFn) -> tuple[Series, np.ndarray]:
    n = draw(st.integers(30, 160))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    steps = rng.choice(
        [1991, 2000, 2009, 2900, 3100, 7000, 40_000], n, p=[0.3, 0.3, 0.3, 0.03, 0.03, 0.03, 0.01]
    )
    flux = np.zeros((2, 4, n), np.float32)
    busy = rng.random() * 0.6
    flux[:, 3] = rng.poisson(
        rng.choice([0, 1, 20], n, p=[1 - busy, busy / 2, busy / 2]), (2, n)
    ) * np.float32(E4_FLUX_PER_COUNT)
    calibrating, unusable = np.zeros(n, bool), rng.random(n) < 0.01
    if rng.random() < 0.3:
        at = int(rng.integers(n))
        calibrating[at : at + 20] = True
    L = rng.choice(np.array([-1, 2, 5, 8, 20], np.float32), n, p=[0.02, 0.2, 0.6, 0.16, 0.02])
    table = rng.dirichlet([3 - 2.5 * busy, busy + 0.05, busy + 0.05], n).astype(np.float32)
    background = np.where(np.arange(n) < rng.integers(n), 0.5, rng.choice([0.05, 0.5, 1.5]))  # a month ends
    series = Series(START + np.cumsum(steps), flux, calibrating, unusable, L, background, slice(0, n))
    return series, table


def cut(whole: Series, start: int, stop: int, halo: int) -> Series:
    low, high = max(start - halo, 0), min(stop + halo, whole.time.size)
    own = slice(start - low, stop - low)
    seen = slice(low, high)
    return Series(
        whole.time[seen], whole.flux[:, :, seen], whole.calibrating[seen], whole.unusable[seen],
        whole.L[seen], whole.background[seen], own, (low > 0, high < whole.time.size),
    )  # fmt: skip


PARAMETERS = st.sampled_from(
    [
        EVERYTHING,
        replace(EVERYTHING, solar_protons=None),
        replace(EVERYTHING, significance=None),
        replace(EVERYTHING, peak=None),
        replace(EVERYTHING, peak=None, significance=None),
        replace(EVERYTHING, belt=None, gap=None, calibration=None),
        replace(EVERYTHING, join=0, decode=0.7),
        replace(EVERYTHING, join=2, decode=0.2),
        replace(EVERYTHING, decode=None),
        replace(EVERYTHING, decode=None, join=None, peak=None, significance=None),
        replace(EVERYTHING, decode=None, join=2, leak=None),
        replace(EVERYTHING, length=10, significance=None),
    ]
)


near_caps = patch.multiple(protons, NEAR=25, ENOUGH=1)
"""Series of a few minutes have polar caps that tell of solar protons within a minute."""


@near_caps
@settings(max_examples=200, deadline=None)
@given(series_and_table(), PARAMETERS)
def test_few_windows_give_the_events_of_all(made: tuple[Series, np.ndarray], parameters: Parameters) -> None:
    series, table = made
    few = classify(series, given_probabilities(table), parameters)
    every = classify(series, given_probabilities(table), parameters, dense=True)
    assert find_structures(series, few, parameters) == find_structures(series, every, parameters)
    assert np.array_equal(every.evaluated, observed(series, parameters))
    assert not np.any(few.evaluated & ~every.evaluated)


@near_caps
@patch.object(continuous, "NEAR", 25)
@settings(max_examples=200, deadline=None)
@given(series_and_table(), PARAMETERS, st.lists(st.integers(1, 159), max_size=6), st.integers(1, 40))
def test_events_and_observed_time_do_not_depend_on_cuts(
    made: tuple[Series, np.ndarray], parameters: Parameters, cuts: list[int], halo: int
) -> None:
    whole, table = made
    n = whole.time.size
    expected = find_structures(whole, classify(whole, given_probabilities(table), parameters), parameters)
    ends = [0, *sorted({c for c in cuts if c < n}), n]
    together: list[Structure] = []
    seen = np.zeros(n, bool)
    for start, stop in pairwise(ends):
        need = max(halo, 40)  # a halo is never shorter than what windows and calibrations reach

        def stretch(asked: int, start: int = start, stop: int = stop, need: int = need) -> Series:
            return cut(whole, start, stop, need * asked // first_halo(parameters))

        def classifier_of(part: Series, start: int = start) -> Classifier:
            low = start - part.own.start
            return lambda index: table[index + low]

        part, _, found = search(stretch, classifier_of, parameters)
        low = start - part.own.start
        together += [
            replace(s, first=s.first + low, last=s.last + low, peak=s.peak + low, head=s.head + low)
            for s in found
            if part.own.start <= s.first < part.own.stop
        ]
        seen[start:stop] = observed(part, parameters)[part.own]
    assert together == expected
    assert np.array_equal(seen, observed(whole, parameters))


def test_a_structure_that_runs_over_the_halo_is_followed() -> None:
    n = 5000
    whole = with_counts(quiet(n), dict.fromkeys(range(500, 1500), 20))
    table = table_of(n, dict.fromkeys(range(400, 1600), 0.9))
    part = cut(whole, 0, 600, first_halo(EVERYTHING))
    assert is_open(part, classify(part, given_probabilities(table), EVERYTHING), EVERYTHING)
    series, found, structures = search(
        lambda halo: cut(whole, 0, 600, halo), lambda _: given_probabilities(table), EVERYTHING
    )
    assert [(s.first, s.last) for s in structures] == [(400, 1599)]
    assert series.truncated == (False, True)
    assert marks(found.probabilities, EVERYTHING).sum() == 1200


@pytest.mark.parametrize(("length", "count"), [(1500, 1), (1501, 0)])
def test_what_is_longer_than_half_an_orbit_is_no_event_however_long_it_is(length: int, count: int) -> None:
    n = 40_000
    whole = with_counts(quiet(n), dict.fromkeys(range(9_000, 11_000), 5))
    asked: list[int] = []
    for stop in (9_000 + length, n):
        table = table_of(n, dict.fromkeys(range(9_000, stop), 0.9))

        def stretch(halo: int) -> Series:
            asked.append(halo)
            return cut(whole, 9_900, 10_200, halo)

        def classifier_of(_: Series, table: np.ndarray = table) -> Classifier:
            return lambda index: table[index + 9_900 - min(9_900, asked[-1])]

        _, _, found = search(stretch, classifier_of, EVERYTHING)
        assert len(found) == (count if stop < n else 0)
    assert max(asked) < 5000


def test_events_of_two_classes_side_by_side_share_the_number_of_the_first() -> None:
    n, parameters = 200, replace(EVERYTHING, decode=None, join=0)
    series = with_counts(quiet(n), dict.fromkeys((50, 54, 58, 63), 30))
    table = table_of(n, {50: 0.9, 58: 0.9}, {54: 0.9, 63: 0.9})
    found = events(series, table, parameters)
    assert [(s.first, s.value, s.head) for s in found] == [(50, 1, 50), (54, 2, 50), (58, 1, 50), (63, 2, 63)]
    assert 63 - 58 - 1 > ADJACENT


def test_a_frame_that_began_before_midnight_has_the_flag_of_the_record_before() -> None:
    time = START + 2000 * np.arange(80)
    sampled = np.repeat(np.array([0, 1, 1, 0, 0], np.int8), 16)
    cut_off = sampled.copy()
    cut_off[40:48] = -1  # a new file begins at record 40, its first sample is at 48
    assert np.array_equal(calibrating(cut_off, time), calibrating(sampled, time))
    assert np.flatnonzero(calibrating(sampled, time)).tolist() == list(range(16, 48))
    alone = np.where(np.arange(80) < 48, np.int8(-1), sampled)
    assert not calibrating(alone, time).any()


# --- what rules can be set to


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("gap", "10", 10.0), ("gap", None, None), ("join", "0", 0), ("join", 6, 6),
        ("belt", "3:6", (3.0, 6.0)), ("belt", [3, 6.5], (3.0, 6.5)),
        ("L_traced", None, False), ("L_traced", True, True),
        ("significance", "1e-6", 1e-6), ("decode", None, None),
    ],
)  # fmt: skip
def test_rules_can_be_set_and_switched_off(name: str, given: object, expected: object) -> None:
    changed = DEFAULTS.changed({name: given})
    assert getattr(changed, name) == expected
    assert Parameters().changed(changed.as_dict()) == changed  # as run.json has them
    assert sum(changed.as_dict()[other] != DEFAULTS.as_dict()[other] for other in RULES) <= 1


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("gaps", "3", "there is no rule 'gaps'; rules are gap, "),
        ("gap", "long", "rule gap takes a number from 2.1 to 86400 (s), got 'long'"),
        ("gap", "nan", "got 'nan'"),
        ("gap", "1", "got '1'"),
        ("join", "1.5", "rule join takes a whole number from 0 to 6 (records), got '1.5'"),
        ("belt", "3", "rule belt takes two numbers, low:high, from 0 to 1000 (L), got '3'"),
        ("belt", "8:3", "got '8:3'"),
        ("L_traced", "no", "rule L_traced has no value, got 'no'; switch it off with --no-rule L_traced"),
    ],
)
def test_what_a_rule_cannot_be_set_to_is_told_in_a_line(name: str, given: object, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        DEFAULTS.changed({name: given})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_rule_tells_its_unit_what_it_does_and_why() -> None:
    for rule in RULES.values():
        assert {"unit", "what", "why", "limits"} <= set(rule.metadata)
        assert rule.metadata["what"]
        assert rule.metadata["why"]
