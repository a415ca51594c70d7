"""Which records can be the peak of a stretch of significant counts: against all stretches there are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from reprocess.detect.rules.significance import FEW, chance, possible

LIMITS = st.sampled_from([1e-3, 1e-2, 0.2, 1e-6])


@given(st.integers(0, 300), st.floats(0.05, 300))
def test_the_chance_is_that_of_a_poisson_variable(total: int, expected: float) -> None:
    assert chance(total, expected) == pytest.approx(poisson.sf(total - 1, expected), rel=1e-9, abs=1e-300)


@given(
    st.lists(st.sampled_from([0, 0, 0, 0, 1, 1, 2, 2, 3, 40]), max_size=60),
    st.sampled_from([0.05, 0.5, 0.9, 1.3, 2.0]),
    LIMITS,
)
def test_no_record_that_can_be_a_peak_is_left_out(counts: list[int], background: float, limit: float) -> None:
    many = np.array(counts, int)
    expected = background + 0.02 * (many[::-1] % 7)
    named = possible(many, expected, limit)
    for first in range(many.size):
        for last in range(first, many.size):
            seen = slice(first, last + 1)
            if chance(int(many[seen].sum()), float(expected[seen].sum())) <= limit:
                assert named[first + int(np.argmax(many[seen]))]


@pytest.mark.parametrize("length", [50, 400, 3000])
def test_long_stretches_of_few_counts_are_found_in_every_range(length: int) -> None:
    counts = np.tile([2, 1, 2, 1], length // 4)
    expected = np.full(counts.size, 0.5 if length < 100 else 1.3)
    assert chance(int(counts.sum()), float(expected.sum())) < 1e-3
    assert possible(counts, expected, 1e-3).all()


def test_background_alone_leaves_few_records() -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(0.5, 40_000)
    named = possible(counts, np.full(counts.size, 0.5), 1e-3) & (counts >= FEW)
    assert named.sum() < 0.4 * np.count_nonzero(counts >= FEW)
    assert not possible(np.empty(0, int), np.empty(0), 1e-3).size
