"""The published spline without SciPy's own, to the last bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from reprocess.detect.rules.spline import cubic_spline

STEPS = st.lists(st.integers(1, 3) | st.integers(1, 800), min_size=2, max_size=40)
L = st.integers(90, 10_700).map(lambda hundredths: np.float32(hundredths / 100))
OTHERS = st.floats(-1e6, 1e6, width=32).map(np.float32)


@given(steps=STEPS, values=st.data(), others=st.booleans())
@settings(max_examples=200, deadline=None)
def test_spline_is_that_of_scipy_to_the_last_bit(
    steps: list[int], values: st.DataObject, others: bool
) -> None:
    x = np.cumsum(steps)
    kind = OTHERS if others else L
    y = np.array(values.draw(st.lists(kind, min_size=x.size, max_size=x.size)), np.float32)
    at = np.arange(x[0] - 10, x[-1] + 10)
    np.testing.assert_array_equal(cubic_spline(x, y, at), CubicSpline(x, y)(at))  # 0 is -0


def test_spline_goes_through_its_knots_and_is_a_cubic_where_they_are_of_one() -> None:
    x = np.array([0, 1, 3, 4, 9, 11])
    at = np.arange(-4, 15)
    cubic = 0.5 * at**3 - 2.0 * at**2 + at - 7
    np.testing.assert_allclose(cubic_spline(x, cubic[x + 4], at), cubic, rtol=1e-12, atol=1e-9)
