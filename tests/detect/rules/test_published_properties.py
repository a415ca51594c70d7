"""The vectorised rules against a second implementation with loops, written from the description."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from reprocess.detect.rules.published import MODES, find_runs, join, near_belt, physical, postprocess

CHECK = settings(max_examples=150, deadline=None)

# --- the steps, one record at a time -----------------------------------------------------------


def slow_runs(classes, value):
    runs, start = [], None
    for i, c in enumerate(classes):
        if c == value and start is None:
            start = i
        if c != value and start is not None:
            runs.append([start, i - 1])
            start = None
    return runs  # one that is still open is dropped


def slow_near(first, last, in_range, wrap):
    n = len(in_range)
    for j in range(first - 10, last + 11):
        if j >= n:
            position = n - 1
        elif j >= 0:
            position = j
        else:
            position = max(n + j, 0) if wrap else 0
        if in_range[position]:
            return True
    return False


def slow_join(events):
    events = [list(e) for e in events]
    gone = []
    for i in range(len(events) - 1):
        if events[i + 1][0] - events[i][0] <= 5:
            events[i] = [min(events[i][0], events[i + 1][0]), max(events[i][1], events[i + 1][1])]
            gone.append(i + 1)
    return [e for i, e in enumerate(events) if i not in gone]


def slow_physical(filled_0, e4_90, first, last):
    records = range(first, last) if last > first else [first]
    e1, e2, e3, e4 = (max(float(filled_0[channel][j]) for j in records) for channel in range(4))
    if e4 < 2 * 181.81818:
        return False
    if sum(float(e4_90[j]) for j in records) / len(records) <= 0:
        return False
    if e4 <= e3:
        return True
    return e4 <= e2 and e4 <= e1


def slow_L(L):
    valid = [i for i, x in enumerate(L) if x >= 0]
    if len(valid) < 2:
        return list(L)
    spline = CubicSpline(valid, [L[i] for i in valid])
    return [x if x >= 0 else np.float32(spline(i)) for i, x in enumerate(L)]


def slow_filled(flux):
    filled = flux.copy()
    for telescope, fill in enumerate((0.01, 100.0)):
        for channel in filled[telescope]:
            for j in range(channel.size):
                if channel[j] <= 0:
                    channel[j] = fill
    return filled


def slow_postprocess(classes, L, flux, mode):
    repaired = slow_L(L) if mode == "published" else list(L)
    in_range = [2.5 <= x <= 8.5 for x in repaired]
    filled = slow_filled(flux)
    result = {}
    for name, value in (("REP", 1), ("CSS", 2)):
        runs = slow_runs(classes.tolist(), value)
        in_L = [r for r in runs if slow_near(*r, in_range, wrap=mode == "published-2022")]
        if mode == "published-2022":
            result[name] = [runs, in_L, in_L, in_L]
            continue
        joined = slow_join([[first + 3, last + 3] for first, last in in_L])
        final = [e for e in joined if slow_physical(filled[0], flux[1, 3], *e)]
        result[name] = [runs, in_L, joined, final]
    return result


# --- inputs ------------------------------------------------------------------------------------


@st.composite
def class_sequences(draw):
    """Runs and gaps mostly short, so that neighbours, chains and runs open at the end are common."""
    size = draw(st.sampled_from([40, 25, 10, 3, 1, 0]))
    pieces = st.tuples(st.sampled_from([0, 1, 0, 2]), st.sampled_from([1, 2, 3, 4, 15]))
    drawn = draw(st.lists(pieces, min_size=size, max_size=size))
    return np.repeat([c for c, _ in drawn], [k for _, k in drawn]).astype(np.int8)


FLUXES = st.sampled_from(
    [-999.0, 0.0, 80.64516, 181.81818, 363.63635, 363.6364, 545.45454, 1333.3333, 5000.0]
)


@st.composite
def days(draw):
    """A whole day; its many values come from a drawn seed, so that no two examples look alike."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pieces = draw(st.sampled_from([40, 60, 40, 20, 20, 5, 1, 0]))
    shares = draw(st.sampled_from([(0.5, 0.25, 0.25), (0.5, 0.5, 0), (0.2, 0.4, 0.4)]))
    lengths = rng.choice([1, 2, 3, 4, 15], pieces)
    classes = np.repeat(rng.choice(3, pieces, p=shares), lengths).astype(np.int8)
    n = classes.size + 7 if classes.size else draw(st.integers(0, 7))
    L_values = [4, 2.5, 8.5, -1, 0, 2.49, 8.51, 30]
    blocks = rng.choice(L_values, n + 1, p=[0.3, *[0.1] * 7]), rng.choice([1, 10, 30], n + 1)
    e1_to_e3 = rng.choice([0, 363.6364, 545.45454, 5000], (n, 6))
    e4 = rng.choice([-999, 0, 363.63635, 363.6364, 545.45454, 5000], (n, 2), p=[0.1, 0.1, 0.3, 0.3, 0.1, 0.1])
    flux = np.concatenate([e1_to_e3, e4], axis=1).reshape(n, 4, 2).transpose(2, 1, 0)
    return classes, np.repeat(*blocks)[:n].astype(np.float32), flux.astype(np.float32)


# --- properties --------------------------------------------------------------------------------


@CHECK
@given(class_sequences(), st.sampled_from([1, 2]))
def test_find_runs(classes, value):
    assert find_runs(classes, value).tolist() == slow_runs(classes.tolist(), value)


@CHECK
@given(class_sequences(), st.sampled_from([1, 2]))
def test_runs_cover_the_class_except_the_open_one(classes, value):
    covered = np.zeros(classes.size, bool)
    for first, last in find_runs(classes, value):
        assert not covered[first : last + 1].any()
        covered[first : last + 1] = True
    missed = np.flatnonzero((classes == value) & ~covered)
    assert not np.any(covered & (classes != value))
    np.testing.assert_array_equal(missed, np.arange(classes.size - missed.size, classes.size))


@CHECK
@given(st.data(), st.integers(9, 80), st.booleans())
def test_near_belt(data, n, wrap):
    places = data.draw(st.sets(st.integers(0, n - 1), max_size=2))
    in_range = np.isin(np.arange(n), list(places))
    ends = data.draw(
        st.lists(st.tuples(st.integers(0, n - 9), st.integers(0, n - 9)).map(sorted), max_size=6)
    )
    runs = np.array(ends, int).reshape(-1, 2)
    expected = [slow_near(first, last, in_range, wrap) for first, last in runs.tolist()]
    assert near_belt(runs, in_range, wrap).tolist() == expected


@CHECK
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 12)), max_size=12))
def test_join(steps):
    first = np.cumsum([s for s, _ in steps], dtype=int)
    events = np.stack([first, first + np.array([k for _, k in steps], int)], axis=1)
    assert join(events).tolist() == slow_join(events.tolist())


@CHECK
@given(st.lists(st.tuples(*[FLUXES] * 5), min_size=1, max_size=8), st.data())
def test_physical(rows, data):
    values = np.array(rows, np.float32).T
    filled = np.where(values[:4] > 0, values[:4], np.float32(0.01))
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(rows) - 1)] * 2)))
    assert physical(filled, values[4], first, last) == slow_physical(filled, values[4], first, last)


@settings(max_examples=200, deadline=None)
@given(days(), st.sampled_from(list(MODES)))
def test_postprocess(day, mode):
    classes, L, flux = day
    found = postprocess(classes, L, flux, MODES[mode])
    steps = {
        n: [s.runs.tolist(), s.in_L.tolist(), s.joined.tolist(), s.final.tolist()] for n, s in found.items()
    }
    assert steps == slow_postprocess(classes, L, flux, mode)


def test_the_generated_days_are_not_trivial():
    """Every step must drop something in some of the days and leave something in others."""
    drops, left = np.zeros(3, int), 0

    @settings(max_examples=100, deadline=None, derandomize=True, database=None)
    @given(days())
    def count(day):
        nonlocal left
        for steps in slow_postprocess(*day, "published").values():
            sizes = [len(s) for s in steps]
            drops[:] += np.diff(sizes) < 0
            left += sizes[-1] > 0

    count()
    assert drops.min() >= 20
    assert left >= 20
