"""Figures of a report: what is on them, looked up in their pixels, and that equal data are equal bytes."""

import io
from collections.abc import Callable
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from reprocess.report.figures import (
    _CLASS,
    _SATELLITE,
    _STATE,
    Example,
    Profile,
    _broken,
    _edges,
    _rate_top,
    draw_coverage,
    draw_distributions,
    draw_examples,
    draw_profiles,
    draw_series,
)
from reprocess.report.summary import STATES, Timeline


def timeline(bins: int = 3, **states: int) -> Timeline:
    """Two satellites; in the last month of the second, days as given."""
    edges = np.arange(np.datetime64("2014-01"), np.datetime64("2014-01") + bins + 1).astype("datetime64[D]")
    lengths = np.diff(edges).astype(int)
    counts = {name: np.zeros((2, bins), int) for name in STATES}
    counts["classified"][:] = lengths
    for name, number in states.items():
        counts[name.replace("_", " ")][1, -1] += number
        counts["classified"][1, -1] -= number
    events = {"REP": np.full((2, bins), 4), "CSS": np.full((2, bins), 9)}
    return Timeline(["metop01", "noaa18"], edges, "month", counts, counts["classified"], events)


def profile() -> Profile:
    counts = np.array([[0, 4, 9], [1, 0, 0]])
    hours = np.array([10.0, 2.0, 0.001])
    rate = np.where(hours > 0.1, counts / hours, np.nan)
    return Profile(
        "L shell", np.array([2.5, 3.5, 5.0, 8.5]), counts, rate, rate * 0.5, rate * 1.5 + 0.1, hours
    )


def table(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "event_class": rng.choice(["REP", "CSS"], count),
            "max_e4_0": rng.lognormal(7, 1, count),
            "duration_s": 2.0 * rng.integers(1, 40, count),
            "delta_L": rng.exponential(0.3, count),
            "e4_ratio_0_90": np.where(rng.random(count) < 0.2, np.nan, rng.lognormal(0, 1, count)),
        }
    )


def example(probability: bool = False, flux: float = 500.0) -> Example:
    seconds = np.concatenate([np.arange(-30, 0, 2.0), np.arange(20, 60, 2.0)])
    fluxes = np.full((2, 4, seconds.size), flux)
    fluxes[0, 1] = 0.0
    fluxes[1, 3] = np.nan
    own = np.full((3, seconds.size), 0.3) if probability else None
    return Example("noaa18\nL 5", seconds, fluxes, (-5.0, 1.0), own)


DRAWINGS: dict[str, Callable[[], bytes]] = {
    "coverage": lambda: draw_coverage(timeline(missing=3)),
    "series": lambda: draw_series(timeline()),
    "profiles": lambda: draw_profiles([profile(), profile()]),
    "distributions": lambda: draw_distributions(table(50)),
    "no events": lambda: draw_distributions(table(0)),
    "one event": lambda: draw_distributions(table(1)),
    "one example": lambda: draw_examples([example()]),
    "probabilities": lambda: draw_examples([example(probability=True), example(probability=True)]),
    "no flux": lambda: draw_examples([example(flux=np.nan)]),
}


def has_colour(png: bytes, colour: str) -> bool:
    pixels = imread(io.BytesIO(png))[..., :3]
    return bool(np.any(np.all(np.abs(pixels - to_rgb(colour)) < 0.01, axis=-1)))


@pytest.mark.parametrize("name", DRAWINGS)
def test_equal_data_are_equal_bytes_whatever_the_user_has_set(name: str) -> None:
    first = DRAWINGS[name]()
    with mpl.rc_context({"font.size": 20, "axes.grid": True, "lines.linewidth": 5}):
        again = DRAWINGS[name]()
    assert first == again
    assert first.startswith(b"\x89PNG")
    assert b"Software" not in first


@pytest.mark.parametrize("state", STATES[1:4])
def test_one_day_of_a_long_archive_is_seen(state: str) -> None:
    """A month is eight pixels wide and a day two of its sixty pixels high: the mark is what one sees."""
    one = timeline(bins=140, **{state.replace(" ", "_"): 1})
    unmarked = draw_coverage(replace(one, unit="day"))
    marked = np.count_nonzero(_pixels(draw_coverage(one), state))
    assert marked > np.count_nonzero(_pixels(unmarked, state)) + 10


def _pixels(png: bytes, state: str) -> np.ndarray:
    return np.all(np.abs(imread(io.BytesIO(png))[..., :3] - to_rgb(_STATE[state])) < 0.01, axis=-1)


def test_height_is_the_share_of_the_month() -> None:
    half = _pixels(draw_coverage(timeline(bins=1, no_file=15)), "no file")
    whole = _pixels(draw_coverage(timeline(bins=1, no_file=31)), "no file")
    legend = np.count_nonzero(_pixels(draw_coverage(timeline(bins=1)), "no file"))
    ratio = (np.count_nonzero(half) - legend) / (np.count_nonzero(whole) - legend)
    assert ratio == pytest.approx(15 / 31, abs=0.06)


def test_a_satellite_has_its_colour_on_every_page() -> None:
    png = draw_series(timeline())
    assert has_colour(png, _SATELLITE["noaa18"]) or has_colour(png, _SATELLITE["metop01"])
    assert len(set(_SATELLITE.values())) == len(_SATELLITE)


def test_every_rate_is_on_the_panel() -> None:
    rate, upper = np.array([[0.5, 2.0, 0.0]]), np.array([[0.8, 3.0, 400.0]])
    assert 2.0 < _rate_top(rate, upper) < 100
    assert _rate_top(np.zeros((1, 3)), np.array([[0.1, 0.2, 9.0]])) == pytest.approx(0.2)
    assert _rate_top(np.full((1, 3), np.nan), np.full((1, 3), np.nan)) == 1


def test_both_classes_are_drawn_and_probabilities_only_if_kept() -> None:
    for colour in _CLASS.values():
        assert has_colour(draw_profiles([profile()]), colour)
        assert has_colour(draw_examples([example(probability=True)]), colour)
        assert not has_colour(draw_examples([example()]), colour)


def test_lines_break_at_gaps() -> None:
    seconds, order = _broken(np.array([-4.0, -2.0, 0.0, 9.0, 11.0]))
    np.testing.assert_equal(seconds, [-4, -2, 0, np.nan, 9, 11])
    assert order.tolist() == [0, 1, 2, -1, 3, 4]
    assert _broken(np.array([0.0, 2.009, 4.0]))[1].tolist() == [0, 1, 2]


POSITIVE = st.floats(1e-3, 1e7)


@given(st.lists(POSITIVE, min_size=1, max_size=50))
def test_bins_hold_every_value(values: list[float]) -> None:
    found = np.array(values)
    durations = 2.0 * np.ceil(found / 1e4)
    for chosen, name, logarithmic in (
        (found, "max_e4_0", True), (durations, "duration_s", False), (found / 1e6, "delta_L", False),
    ):  # fmt: skip
        edges = _edges(chosen, name, logarithmic)
        assert np.all(np.diff(edges) > 0)
        assert np.histogram(chosen, edges)[0].sum() == len(values)
        assert edges.size < 150
