"""The cubic spline that is called not-a-knot, bit for bit as SciPy has it, but for the sign of a zero.

SciPy's own takes half a second to import, of which the solution of a tridiagonal system takes half, and twice
the time a day. The spline is written by its slopes s at the knots x: continuity of the second derivative is
for every inner knot, with d the distances of knots and m the slopes of the chords,
``d[i] s[i-1] + 2 (d[i-1] + d[i]) s[i] + d[i-1] s[i+1] = 3 (d[i] m[i-1] + d[i-1] m[i])``; at either end the
third derivative is continuous at the second knot (de Boor, A Practical Guide to Splines, chapter IV).
"""

import numpy as np


def cubic_spline(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return a cubic spline through values, not-a-knot at both ends, which are extended outwards.

    Parameters
    ----------
    x : ndarray of int, shape (n,)
        Knots, increasing, two or more. Through two of them goes a line, through three a parabola.
    y : ndarray, shape (n,)
        Finite values.
    at : ndarray of int, shape (k,)
        Where the spline is asked for.

    Returns
    -------
    ndarray of float64, shape (k,)
    """
    if x.size < _FEWEST:
        from scipy.interpolate import CubicSpline  # has cases of their own for two and three

        return np.asarray(CubicSpline(x, y)(at))
    x, y = x.astype(np.float64), y.astype(np.float64)
    d = np.diff(x)
    m = np.diff(y) / d
    s = _slopes(x, d, m)
    i = np.clip(np.searchsorted(x, at, "right") - 1, 0, d.size - 1)
    d, m, first, last = d[i], m[i], s[i], s[i + 1]
    bend = (first + last - 2 * m) / d
    t = at - x[i]
    square = t * t
    return np.asarray(y[i] + first * t + ((m - first) / d - bend) * square + bend / d * (square * t))


_FEWEST = 4


def _slopes(x: np.ndarray, d: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Return the slopes of the spline at its knots, from the distances of these and the chords' slopes."""
    from scipy.linalg.lapack import dgtsv  # a quarter of a second; where nothing is classified not needed

    start, end = x[2] - x[0], x[-1] - x[-3]
    diagonal = np.concatenate(([d[1]], 2 * (d[:-1] + d[1:]), [d[-2]]))
    upper, lower = np.append(start, d[:-1]), np.append(d[1:], end)
    first = ((d[0] + 2 * start) * d[1] * m[0] + d[0] ** 2 * m[1]) / start
    last = (d[-1] ** 2 * m[-2] + (2 * end + d[-1]) * d[-2] * m[-1]) / end
    right = np.concatenate(([first], 3 * (d[1:] * m[:-1] + d[:-1] * m[1:]), [last]))
    return np.asarray(dgtsv(lower, diagonal, upper, right)[3])
