import numpy as np
import pytest

from reprocess.schema import MS_PER_DAY
from reprocess.simulate.structures import (
    CROSSINGS,
    CSS_L,
    HALF_WIDTH_LIMIT_H,
    HOUR_MS,
    LIFE_LIMIT_H,
    MEMBER_DELAY_LIMIT_H,
    MEMBERS,
    PEAK_RANGE,
    REP_L,
    structures,
)

START = 1_425_168_000_000  # 2015-03-01


def days(count, rate=3.0, seed=1, wide=0.0, first=0):
    return structures(seed, START + first * MS_PER_DAY, START + (first + count) * MS_PER_DAY, rate, wide)


def test_structures_depend_on_seed_time_and_rate_only():
    whole = {s.number: s for s in days(20, rate=30.0)}
    assert len(whole) > 100
    part = {s.number: s for s in days(3, rate=30.0, first=11)}
    assert part
    assert all(whole[k] == s for k, s in part.items())
    low, high = START + 11 * MS_PER_DAY, START + 14 * MS_PER_DAY
    assert {k for k, s in whole.items() if s.stop_ms >= low and s.start_ms <= high} == set(part)
    assert not {s.start_ms for s in days(3, rate=30.0, seed=2, first=11)} & {
        s.start_ms for s in part.values()
    }


def test_their_properties_are_in_the_stated_ranges():
    found = days(60, rate=30.0, wide=3.0)
    assert len({s.number for s in found}) == len(found)
    for s in found:
        low, high = {"REP": REP_L, "CSS": CSS_L}[s.event_class]
        assert low <= s.shell <= high
        assert 0 <= s.mlt < 24.1
        assert 0 < s.half_width_h <= HALF_WIDTH_LIMIT_H
        assert 0 < s.stop_ms - s.start_ms <= LIFE_LIMIT_H * HOUR_MS
        assert PEAK_RANGE[0] <= s.peak <= PEAK_RANGE[1]
    assert {s.event_class for s in found} == {"REP", "CSS"}


def test_rates_become_structures_by_what_satellites_see_of_them():
    # 40 seeds of 60 days: the shared activity leaves some 7 %, the Poisson noise less.
    found = [s for seed in range(40) for s in days(60, seed=seed)]
    per_day = len(found) / 2400
    assert per_day == pytest.approx(3.0 / 2 * sum(1 / c for c in CROSSINGS.values()), rel=0.25)
    expected = {k: sum(s.event_class == k for s in found) * c for k, c in CROSSINGS.items()}
    assert expected["REP"] == pytest.approx(expected["CSS"], rel=0.1)


def test_structures_come_in_clusters_within_hours():
    found = days(200)
    first = {s.cluster: s for s in found if s.number == s.cluster}
    sizes = np.bincount(np.unique([s.cluster for s in found], return_inverse=True)[1])
    assert sizes.mean() == pytest.approx(MEMBERS, rel=0.1)
    delays = [
        s.start_ms - first[s.cluster].start_ms for s in found if s.cluster in first and s.number != s.cluster
    ]
    assert 0 < min(delays)
    assert max(delays) <= MEMBER_DELAY_LIMIT_H * HOUR_MS


def test_counts_of_days_vary_as_clusters_and_activity_have_them():
    counts = np.array(
        [
            np.histogram([s.start_ms for s in days(90, seed=k)], START + MS_PER_DAY * np.arange(91))[0]
            for k in range(10)
        ]
    )
    # Poisson counts have 1; clusters of 2 on average 2.5; a log-normal rate of 0.8 adds 0.9 times the mean.
    assert counts.var() / counts.mean() > 4
    # The activity lasts for days: one day knows of the next.
    centred = counts - counts.mean()
    assert (centred[:, 1:] * centred[:, :-1]).mean() / centred.var() > 0.3


def test_no_rate_no_structures():
    assert days(50, rate=0.0) == []


def test_wide_structures_are_asked_for_and_leave_the_others_as_they_are():
    plain, wide = days(30), days(30, wide=2.0)
    extra = [s for s in wide if s not in plain]
    assert [s for s in wide if s in plain] == plain
    assert len(extra) > 10
    assert min(s.half_width_h for s in extra) == max(s.half_width_h for s in extra) > 3
