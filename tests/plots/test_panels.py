"""What is drawn stands where it should, gaps are gaps, and equal records are equal bytes."""

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from reprocess.pages.style import CLASS_COLOURS, LETTERS, WIDTHS_MM, style
from reprocess.plots.figure import (
    draw_view,
    render_view,
    title_of_day,
    title_of_event,
    title_of_pass,
)
from reprocess.plots.panels import (
    MANY,
    broken,
    draw_flux,
    draw_probabilities,
    draw_strip,
    event_spans,
    gaps,
    label_time,
    means,
    spans,
    strip_rows,
)
from reprocess.plots.view import FLAGS, Marked, View
from reprocess.schema import FLUX_PER_COUNT, IMAGE_FORMATS
from tests.support.drawn import outside, overlapping

START = int(np.datetime64("2019-10-24T23:59:00", "ms").astype(np.int64))


def events(*rows: tuple[str, float, float, int]) -> Marked:
    """Class, first and last second from the start, flags."""
    names, start, stop, flags = zip(*rows, strict=True)
    times = (START + (1000 * np.array(seconds)).astype(np.int64) for seconds in (start, stop))
    return Marked(np.array(names), *times, np.array(flags))


def view(n: int = 60, lacking: range = range(30, 40), **changes: object) -> View:
    """Records every 2 s but for those that lack; E1 grows, E4 is zero every other record."""
    index = np.array([k for k in range(n) if k not in lacking])
    counts = np.ones((2, 4, index.size))
    counts[:, 0] = index + 1
    counts[:, 3] = index % 2
    flux = counts * np.array([FLUX_PER_COUNT[f"e{k}"] for k in range(1, 5)])[:, np.newaxis]
    flux[0, 3, 4] = np.nan
    flags = {name: np.zeros(index.size, bool) for name in FLAGS}
    flags["calibration"][10:16] = True
    ramp = np.linspace(3, 8, index.size)
    place = {"L": ramp, "MLT": ramp + 10, "latitude": ramp * 8, "longitude": ramp}
    probability = np.stack([0 * ramp, ramp / 10, 1 - ramp / 10])
    given = {
        "probability": probability, "simulated": False,
        "events": events(("REP", 10, 20, 16), ("CSS", 18, 30, 0)),
    }  # fmt: skip
    return View(
        "noaa18", START, START + 2000 * n, START + 2000 * index, flux, place, flags, **given | changes
    )


def test_lines_stop_at_gaps_and_at_missing_values() -> None:
    seconds, one = broken(np.array([-4.0, -2.0, 0.0, 9.0, 11.009]), np.arange(5))
    np.testing.assert_equal(seconds, [-4, -2, 0, np.nan, 9, 11.009])
    np.testing.assert_equal(one, [0, 1, 2, np.nan, 3, 4])
    axes = draw_flux(Figure().subplots(), view(), 0)
    x, y = axes.lines[0].get_data()
    assert np.isnan(x).sum() == np.isnan(y).sum() == 1
    assert np.isnan(axes.lines[3].get_ydata()).sum() == 2  # the gap and the missing value


@pytest.mark.parametrize("counts", [False, True])
def test_zero_has_a_place_below_one_count(counts: bool) -> None:
    shown = view()
    axes = draw_flux(Figure().subplots(), shown, 0, counts=counts)
    assert axes.get_yscale() == "log"
    zero = axes.get_yticks()[0]
    assert axes.get_yticklabels()[0].get_text() == "0"
    one = 1.0 if counts else FLUX_PER_COUNT["e4"]
    drawn = np.asarray(axes.lines[3].get_ydata())
    drawn = drawn[np.isfinite(drawn)]
    assert set(np.round(drawn, 4)) == {round(zero, 4), round(one, 4)}
    (line,) = [x for x in axes.lines if len(set(x.get_ydata())) == 1 and x.get_label().startswith("_")]
    assert axes.get_ylim()[0] < zero < line.get_ydata()[0] < one < axes.get_ylim()[1]
    largest = 60 * (1 if counts else FLUX_PER_COUNT["e1"])
    assert np.nanmax(axes.lines[0].get_ydata()) == pytest.approx(largest)


SECONDS = st.lists(st.integers(0, 400), min_size=1, max_size=60, unique=True).map(sorted)


@given(SECONDS, st.integers(0, 2**32 - 1))
def test_means_keep_the_sum_of_what_is_known(seconds: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((2, len(seconds))) < 0.2, np.nan, rng.random((2, len(seconds))))
    at = np.array(seconds, float)
    middles, mean = means(at, values, 32.0)
    place = np.floor(at / 32).astype(int)
    number = np.array([[np.isfinite(row[place == p]).sum() for p in middles // 32] for row in values])
    np.testing.assert_allclose(np.nansum(mean * number, axis=1), np.nansum(values, axis=1))
    assert np.isnan(mean[number == 0]).all()
    assert np.isfinite(mean[number > 0]).all()
    assert (np.abs(at - middles[place - place[0]]) <= 16).all()


def test_long_times_are_means_that_say_so_and_break_where_nothing_is() -> None:
    many = view(3000, range(1000, 1200))
    axes = draw_flux(Figure().subplots(), many, 0)
    assert np.isnan(axes.lines[0].get_ydata()).sum() == 12  # of 400 s, whole intervals of 32 s
    known = np.asarray(axes.lines[3].get_ydata())
    assert np.nanmedian(known) == pytest.approx(FLUX_PER_COUNT["e4"] / 2)  # 8 of 16 records have a count
    texts = [text.get_text() for text in draw_view(many, "t").texts]
    assert any("fluxes are means over 32 s" in text for text in texts)
    assert not any("means" in text.get_text() for text in draw_view(view(), "t").texts)
    assert means(np.empty(0), np.empty((4, 0)), 32.0)[1].shape == (4, 0)


@given(st.lists(st.booleans(), max_size=40), SECONDS)
def test_spans_hold_what_is_held_and_nothing_else(held: list[bool], seconds: list[int]) -> None:
    n = min(len(held), len(seconds))
    at, mask = np.array(seconds[:n], float) * 2, np.array(held[:n], bool)
    found = spans(at, mask)
    inside = np.zeros(n, bool)
    for a, b in found:
        inside |= (at >= a) & (at <= b)
    np.testing.assert_array_equal(inside, mask)
    assert all(b < c for (_, b), (c, _) in itertools.pairwise(found)) or any(
        np.diff(at) <= 2
    )  # neighbours touch where records are 2 s apart


def test_gaps_are_told_at_the_ends_too() -> None:
    assert gaps(view()) == [(59.0, 79.0)]
    late = view(60, range(5))
    assert gaps(late) == [(0.0, 9.0)]
    assert gaps(View(**{**vars(view(60, range(0))), "stop_ms": START + 200_000})) == [(119.0, 200.0)]


def test_events_are_shaded_and_calibrations_hatched_on_every_panel() -> None:
    shown = view()
    figure = Figure()
    panels = figure.subplots(3)
    draw_flux(panels[0], shown, 0)
    draw_flux(panels[1], shown, 90)
    draw_probabilities(panels[2], shown)
    for axes in panels:
        boxes = {}
        for collection in axes.collections:
            (path,) = collection.get_paths()
            low, high = path.get_extents().get_points()[:, 0]
            boxes[collection.get_hatch() or tuple(collection.get_edgecolor()[0][:3])] = (low, high)
        assert boxes[to_rgba(CLASS_COLOURS["REP"])[:3]] == pytest.approx((9, 21))
        assert boxes[to_rgba(CLASS_COLOURS["CSS"])[:3]] == pytest.approx((17, 31))
        assert boxes["////"] == pytest.approx((19, 31))
    assert event_spans(View(**{**vars(shown), "events": None}), "REP") == []


def test_the_strip_has_a_row_for_each_thing_that_there_is() -> None:
    rows = {name: found for name, found, _ in strip_rows(view())}
    assert list(rows) == [
        "REP event", "CSS event", "overlaps other class", "calibration", "no record",
    ]  # fmt: skip
    assert rows["overlaps other class"] == rows["REP event"] == [(9.0, 21.0)]
    axes = draw_strip(Figure().subplots(), view())
    assert [label.get_text() for label in axes.get_yticklabels()] == list(rows)
    for k, (found, collection) in enumerate(
        zip([x for x in rows.values() if x], axes.collections, strict=True)
    ):
        extent = collection.get_paths()[0].get_extents()
        assert (extent.x0, extent.x1) == pytest.approx(found[0])
        assert k < extent.y0 < extent.y1 < k + 1
    plain = View(**{**vars(view(60, range(0))), "events": None})
    assert [name for name, _, _ in strip_rows(plain)] == ["calibration"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"probability": None, "events": None}, "class probabilities: no run"),
        ({"probability": None}, "class probabilities: not kept, and no model at hand"),
    ],
)
def test_a_panel_without_probabilities_says_so(changes: dict[str, None], text: str) -> None:
    axes = draw_probabilities(Figure().subplots(), view(**changes))
    assert [t.get_text() for t in axes.texts] == [text]
    assert not axes.lines


def test_below_the_time_is_where_the_satellite_was() -> None:
    shown = view(60, range(28, 40))
    axes = Figure().subplots()
    axes.set_xlim(0, shown.duration)
    label_time(axes, shown, 7, ("L", "MLT", "latitude"))
    ticks = dict(zip(axes.get_xticks().tolist(), axes.get_xticklabels(), strict=True))
    assert list(ticks) == [0, 20, 40, 60, 80, 100, 120]
    k = 10  # record at 20 s
    expected = (
        f"23:59:20\n{shown.place['L'][k]:.1f}\n{shown.place['MLT'][k]:.1f}\n{shown.place['latitude'][k]:.0f}"
    )
    assert ticks[20.0].get_text() == expected
    assert ticks[60.0].get_text() == "00:00:00\n\N{EN DASH}\n\N{EN DASH}\n\N{EN DASH}"  # within the gap
    assert axes.texts[0].get_text() == "UT\nL\nMLT (h)\nlat (°)"
    empty = View(**{**vars(shown), "time": np.empty(0, np.int64)})
    label_time(axes, empty)
    assert axes.get_xticklabels()[0].get_text() == "23:59:00\n\N{EN DASH}\n\N{EN DASH}"


LONG = "SIMULATED DATA: NOAA-18, CSS event 12345, peak 2019-10-24 10:00:45 UT, run simulated2026-continuous"


@pytest.mark.parametrize("width", WIDTHS_MM)
@pytest.mark.parametrize(
    "shown", [view(), view(43_199, range(900, 1000)), view(simulated=True, notes=("n" * 40,) * 4)]
)
def test_no_text_hides_another_or_leaves_the_figure(shown: View, width: str) -> None:
    with style(LETTERS[width]):
        figure = draw_view(shown, LONG, width=width, names=("L", "MLT", "latitude"))
        assert overlapping(figure) == []
        assert outside(figure) == []
    assert figure.get_figwidth() == pytest.approx(WIDTHS_MM[width] / 25.4)


@pytest.mark.parametrize("kind", IMAGE_FORMATS)
def test_equal_records_are_equal_bytes_whatever_the_user_has_set(kind: str) -> None:
    first = render_view(view(), "t", kind)
    with mpl.rc_context({"font.size": 20, "axes.grid": True, "svg.hashsalt": None, "pdf.fonttype": 3}):
        again = render_view(view(), "t", kind)
    assert first == again
    assert first.startswith({"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[kind])
    for word in (b"matplotlib", b"Matplotlib", b"CreationDate", b"dc:date"):
        assert word not in first.replace(b"https://matplotlib.org", b"").replace(b'id="matplotlib', b"")


def test_headings_tell_what_is_drawn() -> None:
    shown = view(simulated=True)
    assert title_of_day(shown, "r") == "SIMULATED DATA: NOAA-18, 2019-10-24, run r"
    assert title_of_pass(view()) == (
        "NOAA-18, 2019-10-24 23:59:00 to 00:01:00 UT, northern hemisphere, outbound"
    )
    row = {
        "event_class": "REP", "peak_time": pd.Timestamp("2019-10-24T10:00:45Z"), "L": 4.987, "MLT": 23.7,
        "latitude": -56.3, "longitude": 177.31, "quality_flags": 16 + 64, "run": "r",
    }  # fmt: skip
    assert title_of_event(view(), pd.DataFrame([row] * 3), 2) == (
        "NOAA-18, REP event 3, peak 2019-10-24 10:00:45 UT, run r\n"
        "L 4.99, MLT 23.7 h, latitude -56.3°, longitude 177.3°; flags: overlaps other class, simulated"
    )
    assert len(view().time) < MANY
