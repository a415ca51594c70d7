import numpy as np

from reprocess.schema import MS_PER_DAY
from reprocess.simulate.activity import RATE_DAYS, RATE_SPREAD, activity

START = 16_500 * MS_PER_DAY


def test_activity_is_a_function_of_seed_and_time_only():
    days = START + MS_PER_DAY * np.arange(100)
    together = activity(3, days)
    for k in (0, 57, 99):
        alone = activity(3, days[k : k + 1])
        for name in ("storm", "belt", "solar_protons", "rate"):
            value = getattr(alone, name)[0]
            np.testing.assert_allclose(value, getattr(together, name)[k], rtol=1e-12)


def test_another_seed_is_another_history():
    days = START + MS_PER_DAY * np.arange(100)
    assert not np.allclose(activity(1, days).storm, activity(2, days).storm)


def test_activity_is_bounded_and_goes_up_and_down():
    state = activity(1, START + MS_PER_DAY * np.arange(1000))
    for level in (state.storm, state.belt):
        assert 0 <= level.min() < 0.2
        assert 0.8 < level.max() <= 1
    # The belt forgets single disturbances.
    assert np.abs(np.diff(state.belt)).mean() < np.abs(np.diff(state.storm)).mean()


def test_the_event_rate_has_the_spread_and_the_memory_that_are_stated():
    # 20 histories of 1000 days: some 3000 independent values; bounds are four standard errors.
    rates = np.array(
        [activity(seed, START + MS_PER_DAY * np.arange(1000) + MS_PER_DAY // 3).rate for seed in range(20)]
    )
    logarithm = np.log(rates)
    assert abs(logarithm.std() - RATE_SPREAD) < 0.05
    assert abs(rates.mean() - 1) < 0.08
    centred = logarithm - logarithm.mean()
    for lag in (1, 3, 6):
        correlation = (centred[:, lag:] * centred[:, :-lag]).mean() / centred.var()
        assert abs(correlation - np.exp(-lag / RATE_DAYS)) < 0.08


def test_the_event_rate_has_no_jumps():
    rate = activity(1, START + 60_000 * np.arange(4 * 1440)).rate
    assert np.abs(np.diff(np.log(rate))).max() < 0.01


def test_storms_come_with_events():
    state = activity(2, START + MS_PER_DAY / 4 * np.arange(4000))
    assert np.corrcoef(state.storm, np.log(state.rate))[0, 1] > 0.5


def test_solar_protons_come_a_few_times_a_year_and_decay():
    protons = activity(1, START + MS_PER_DAY / 4 * np.arange(4 * 1461)).solar_protons
    active = protons > 1
    assert 0.005 < active.mean() < 0.3
    onsets = np.count_nonzero(active[1:] & ~active[:-1])
    assert 4 <= onsets <= 60
