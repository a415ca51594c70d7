"""Dials: where a bin is, which colour it has, what the scale is, and what is written beside it."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.figure import Figure

from reprocess.maps.dials import (
    THIN,
    UNOBSERVED,
    ZERO,
    difference_scale,
    draw_bar,
    draw_dial,
    dwell_scale,
    polar_cells,
    rate_scale,
    relative_scale,
    relative_uncertainty,
    round_up,
)
from reprocess.maps.exposure import grid_coordinates
from reprocess.maps.occurrence import poisson_interval
from reprocess.maps.plot import (
    Panel,
    difference_figure,
    draw_occurrence,
    draw_panels,
    occurrence_figure,
    plot_occurrence,
)
from reprocess.maps.split_plot import empty_parts, plot_split, split_figure
from reprocess.pages.style import LETTERS, style
from reprocess.schema import IMAGE_FORMATS
from reprocess.schema.grid import make_grid
from tests.support.drawn import outside, overlapping, texts

GRID = make_grid(np.array([1.0, 3.0, 5.0, 7.0]), np.arange(0.0, 25.0))
EDGES = (GRID.L_edges, GRID.MLT_edges)
PLACES = {12: (0, 1), 18: (-1, 0), 6: (1, 0), 0: (0, -1)}
"""Where an hour belongs on the page: noon up, dusk left, dawn right, midnight down."""

HOURS = 2.0
"""Dwell of every bin that is seen well."""


def maps(events: np.ndarray | None = None, hours: np.ndarray | None = None, **attrs: object) -> xr.Dataset:
    """Maps of two classes: events of REP as given, shape of the grid, and one CSS event a bin."""
    events = np.zeros(GRID.shape, int) if events is None else events
    hours = np.full(GRID.shape, HOURS) if hours is None else hours
    counts = np.stack([events, np.ones(GRID.shape, int)])
    counts[:, hours == 0] = 0
    seen = np.where(hours >= 1 / 6, hours, np.nan)
    lower, upper = poisson_interval(counts)
    dims = ("event_class", "L", "MLT")
    return xr.Dataset(
        {
            "events": (dims, counts),
            "dwell": (dims[1:], hours * 3600),
            "event_rate": (dims, counts / seen),
            "event_rate_lower": (dims, lower / seen),
            "event_rate_upper": (dims, upper / seen),
        },
        coords={"event_class": ["REP", "CSS"], **grid_coordinates(GRID)},
        attrs={
            "satellites": "noaa18", "satellite_days": 3, "time_coverage_start": "2019-10-24",
            "time_coverage_end": "2019-10-26", "model": "m", "rules": "published", "min_dwell_s": 600.0,
            **attrs,
        },
    )  # fmt: skip


def with_hour(hour: int, value: float, elsewhere: float = 0) -> np.ndarray:
    """Values that differ in the two bins beside an hour, at L 3 to 5."""
    values = np.full(GRID.shape, elsewhere)
    values[1, [hour % 24, (hour - 1) % 24]] = value
    return values


def dial(values: np.ndarray, edges: tuple[np.ndarray, np.ndarray] = EDGES, **options: object):
    axes = Figure(figsize=(4, 4)).subplots(subplot_kw={"projection": "polar"})
    scale = options.pop("scale", rate_scale(values, values))
    return draw_dial(axes, edges, values, scale, **options)


def cells(axes) -> PolyCollection:
    return next(c for c in axes.collections if not c.get_hatch())


@settings(max_examples=15)
@given(
    st.lists(st.integers(10, 150), min_size=2, max_size=5, unique=True).map(sorted),
    st.lists(st.integers(1, 95), min_size=0, max_size=6, unique=True).map(lambda x: [0, *sorted(x), 96]),
)
def test_a_cell_has_the_area_that_it_stands_for(L: list[int], MLT: list[int]) -> None:
    """On the page, where 6-hour bins would be a diamond if their arcs were chords."""
    L_edges, MLT_edges = np.array(L) / 10, np.array(MLT) / 4
    axes = dial(np.zeros((L_edges.size - 1, MLT_edges.size - 1)), (L_edges, MLT_edges))
    per_L = axes.get_window_extent().width / 2 / L_edges[-1]
    on_page = cells(axes).get_transform().transform
    outlines = [on_page(path.vertices[:-1]) for path in cells(axes).get_paths()]
    assert len(outlines) == (L_edges.size - 1) * (MLT_edges.size - 1)
    areas = np.array(
        [abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2 for x, y in (o.T for o in outlines)]
    )
    expected = np.outer(np.diff(L_edges**2) / 2, np.diff(MLT_edges) * np.pi / 12).ravel() * per_L**2
    np.testing.assert_allclose(areas, expected, rtol=0.01)
    for cell in polar_cells(L_edges, MLT_edges):
        assert set(np.round(cell[:, 1], 9)) <= set(np.round(L_edges, 9))


@pytest.mark.parametrize(("hour", "direction"), PLACES.items())
def test_noon_is_up_and_dusk_is_left(hour: int, direction: tuple[int, int]) -> None:
    axes = dial(with_hour(hour, 5.0))
    box = axes.get_window_extent()
    centre = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
    coloured = [
        path
        for path, face in zip(cells(axes).get_paths(), cells(axes).get_facecolors(), strict=True)
        if tuple(face) != to_rgba(ZERO)
    ]
    assert len(coloured) == 2
    on_page = cells(axes).get_transform().transform
    middle = np.mean([on_page(path.vertices[:-1]).mean(axis=0) for path in coloured], axis=0)
    at_data = axes.transData.transform((hour * np.pi / 12, 4))  # what a user draws besides is there too
    np.testing.assert_allclose((at_data - centre) / (box.width / 2 / 7), np.array(direction) * 4, atol=0.1)
    place = (middle - centre) / (box.width / 2 / 7)
    np.testing.assert_allclose(place, np.array(direction) * 4, atol=0.2)


def test_hours_on_the_rim_and_L_along_a_radius() -> None:
    axes = dial(np.zeros(GRID.shape))
    labels = [t.get_text() for t in axes.get_xticklabels()]
    assert labels == ["00", "03", "06", "09", "12 h MLT", "15", "18", "21"]
    np.testing.assert_allclose(axes.get_xticks(), np.arange(8) * np.pi / 4)
    assert [t.get_text() for t in axes.get_yticklabels()] == ["L 1", "3", "5"]
    assert axes.get_rmax() == 7
    bare = dial(np.zeros(GRID.shape), labels=False)
    assert not any(t.get_text() for t in [*bare.get_xticklabels(), *bare.get_yticklabels()])


@settings(max_examples=15)
@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_zero_thin_and_unobserved_have_colours_that_no_value_has(one: float, other: float) -> None:
    values = with_hour(12, one, 0.0)
    values[2, :3] = [other, np.nan, np.nan]
    thin = np.zeros(GRID.shape, bool)
    thin[2, 1] = True
    axes = dial(values, thin=thin, scale=rate_scale(values, values))
    face = cells(axes).get_facecolors().reshape(*GRID.shape, 4)
    assert tuple(face[2, 1]) == to_rgba(THIN)
    assert tuple(face[2, 2]) == to_rgba(UNOBSERVED)
    np.testing.assert_array_equal((face == to_rgba(ZERO)).all(axis=-1), values == 0)
    greys = np.array([to_rgba(x) for x in (ZERO, THIN, UNOBSERVED)])
    for colour in (face[1, 12], face[2, 0]):
        assert np.abs(greys - colour).max(axis=1).min() > 0.2
    (hatched,) = [c for c in axes.collections if c.get_hatch()]
    assert len(hatched.get_paths()) == 1
    assert np.abs(np.diff(greys, axis=0)).max(axis=1).min() > 0.09


@given(st.floats(1e-9, 1e9))
def test_rounding_up_gives_a_number_that_one_can_read(value: float) -> None:
    top = round_up(value)
    assert value * (1 - 1e-9) <= top <= value * 1.51
    assert float(f"{top:.1e}") == pytest.approx(top)


def test_two_events_in_a_hardly_observed_bin_do_not_set_the_scale() -> None:
    hours = np.full(GRID.shape, 50.0)
    hours[0, 0] = 0.4
    events = np.full(GRID.shape, 100)
    events[0, 0] = 2
    dataset = maps(events, hours)
    scale = rate_scale(dataset.event_rate.values, dataset.event_rate_lower.values)
    assert dataset.event_rate.max() == 5
    assert (scale.norm.vmax, scale.beyond) == (2.0, True)
    # The lower limit of 2 events in 24 minutes is 1.8 an hour, just that of 100 in 50 hours.
    assert rate_scale(np.array([1.0]), np.array([0.5]), vmax=0.7).norm.vmax == 0.7
    for none in (np.nan, 0.0):
        assert rate_scale(np.array([none]), np.array([none])).norm.vmax == 1


def test_both_classes_have_one_scale() -> None:
    dataset = maps(with_hour(12, 40))
    bars = []
    for name in ("REP", "CSS"):
        figure = occurrence_figure(dataset, name)
        bars.append(figure.axes[1].get_xlim())
        rates = dataset.event_rate.sel(event_class=name).values
        face = cells(figure.axes[0]).get_facecolors()
        expected = rate_scale(dataset.event_rate.values, dataset.event_rate_lower.values).colours(rates)
        np.testing.assert_allclose(face, expected.reshape(-1, 4))
    assert bars[0] == bars[1]


def test_dwell_is_always_logarithmic_and_says_so() -> None:
    for hours in (np.array([1.0, 2.0]), np.array([0.001, 30.0]), np.array([10.0, 10.0]), np.array([0.0])):
        scale = dwell_scale(hours)
        assert isinstance(scale.norm, LogNorm)
        assert "logarithmic" in scale.label
        axes = draw_bar(Figure().subplots(), scale)
        axes.figure.canvas.draw()
        ticks = [t.get_text() for t in axes.get_xticklabels()]
        assert [float(t) for t in ticks if t] == sorted(float(t) for t in ticks if t)
        positive = hours[hours > 0]
        assert ((positive >= scale.norm.vmin) & (positive <= scale.norm.vmax)).all()


def test_the_bar_of_rates_begins_above_zero() -> None:
    axes = draw_bar(Figure().subplots(), rate_scale(np.array([5.0]), np.array([2.0])))
    axes.figure.canvas.draw()
    assert axes.get_xticklabels()[0].get_text() == ">0"


def test_a_difference_is_neutral_at_zero_and_as_far_to_either_side() -> None:
    scale = difference_scale(np.array([-3.0, np.nan, 1.0]), "d")
    assert (scale.norm.vmin, scale.norm.vmax) == (-3, 3)
    neutral = scale.colours(np.array(0.0))[:3]
    assert np.ptp(neutral) < 0.02
    for value in (0.5, 2.0):
        less, more = scale.colours(np.array([-value, value]))
        assert less[2] > less[0]
        assert more[0] > more[2]
        assert np.linalg.norm(less[:3] - neutral) == pytest.approx(
            np.linalg.norm(more[:3] - neutral), abs=0.2
        )
    assert difference_scale(np.array([0.0]), "d").norm.vmax == 1
    assert difference_scale(np.array([9.0]), "d", vmax=2).beyond


def test_a_scale_of_differences_holds_those_that_are_sure() -> None:
    difference = np.array([-60.0, 3.0, -5.0, np.nan])
    lower, upper = np.array([-150.0, 1.8, -8.0, np.nan]), np.array([30.0, 4.0, -2.0, np.nan])
    scale = difference_scale(difference, "d", limits=(lower, upper))
    assert scale.norm.vmax == 5
    assert scale.beyond
    nothing_sure = difference_scale(difference, "d", limits=(lower - 500, upper + 500))
    assert nothing_sure.norm.vmax == 60
    assert not nothing_sure.beyond
    assert difference_scale(difference, "d", 9, (lower, upper)).norm.vmax == 9


def test_relative_uncertainty_is_half_the_interval_over_the_rate() -> None:
    events = np.zeros(GRID.shape, int)
    events[0, :3] = [1, 10_000, 4]
    hours = np.full(GRID.shape, HOURS)
    hours[0, 2] = 0.01
    found = relative_uncertainty(maps(events, hours).sel(event_class="REP"))
    assert found[0, 0] == pytest.approx(156.4, abs=0.1)  # of one event, 0.173 to 3.300
    assert found[0, 1] == pytest.approx(1.0, abs=0.01)  # one over the root
    assert np.isnan(found[0, 2])
    assert found[1, 1] == 0
    assert not relative_scale(found).beyond


def split() -> xr.Dataset:
    parts = [maps(with_hour(hour, 7)) for hour in (0, 6, 12, 18, 21)]
    labels = xr.Variable("kp", [f"{k} to {k + 1}" for k in range(5)], {"long_name": "geomagnetic index kp"})
    found = xr.concat(parts, labels, data_vars="all", coords="minimal", compat="override")
    return found.assign_attrs(index="kp", index_files="Kp.wdc", satellite_days_not_classified=26)


def by_property() -> xr.Dataset:
    """Parts that share the time observed, two of them without an event."""
    one = np.zeros(GRID.shape)
    one[1, 12] = 1
    parts = [maps(counts) for counts in (with_hour(6, 7), one, one, one, with_hour(18, 7))]
    names = ["2 to 6", "6 to 20", "20 to 60", "below all bins", "no value"]
    labels = xr.Variable("duration_s", names)
    found = xr.concat(parts, labels, data_vars="all", coords="minimal", compat="override")
    has = ~found.duration_s.isin(["20 to 60", "below all bins"])
    return found.assign(events=found.events * has, event_rate=found.event_rate * has)


def passes(uncertainty: str) -> Figure:
    dataset = maps(with_hour(6, 5), thin_hours(), **LONG)
    share = xr.where(dataset.events > 0, 0.25, 0.0).where(dataset.event_rate.notnull())
    return occurrence_figure(dataset.assign(pass_probability=share), "REP", None, uncertainty)


def thin_hours() -> np.ndarray:
    hours = with_hour(12, 0.01, HOURS)
    hours[0, 3] = 0
    return hours


LONG = {
    "satellites": "noaa15 noaa18 noaa19", "simulated_satellite_days": 3, "model": "simulated2026",
    "events_off_map": 12, "satellite_days_not_ingested": 3, "satellite_days_quarantined": 1,
}  # fmt: skip
FIGURES = {
    "plain": lambda: occurrence_figure(maps(with_hour(6, 5), thin_hours(), **LONG), "REP"),
    "relative": lambda: occurrence_figure(
        maps(with_hour(6, 5), thin_hours(), **LONG), "REP", None, "relative"
    ),
    "interval": lambda: occurrence_figure(
        maps(with_hour(6, 5), thin_hours(), **LONG), "CSS", 3.0, "interval"
    ),
    "split": lambda: split_figure(split(), "kp", "REP"),
    "property": lambda: split_figure(by_property(), "duration_s", "REP"),
    "passes": lambda: passes("none"),
    "passes and limits": lambda: passes("interval"),
    "no difference": lambda: difference_figure(maps(), maps(), "REP", ("published", "continuous")),
    "difference": lambda: difference_figure(
        maps(with_hour(6, 5)), maps(with_hour(0, 9)), "REP", ("published", "continuous")
    ),
    "nothing": lambda: occurrence_figure(maps(hours=np.zeros(GRID.shape)), "REP"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_hides_another_or_leaves_the_figure(name: str) -> None:
    with style(LETTERS["two"]):
        figure = FIGURES[name]()
        assert overlapping(figure) == []
        assert outside(figure) == []
    assert figure.get_figwidth() == pytest.approx(190 / 25.4)


def test_dials_of_a_split_share_a_bar_and_have_letters() -> None:
    figure = FIGURES["split"]()
    assert len(figure.axes) == 6
    written = texts(figure)
    assert {"a", "b", "c", "d", "e"} <= set(written)
    assert "kp: geomagnetic index kp (Kp.wdc)" in written
    assert "26 more satellite-days are missing or quarantined" in written
    assert "4 to 5\n14 events, 144 h" in written
    assert len([t for t in written if t == "events per hour of dwell"]) == 1


def test_empty_parts_are_named_and_not_drawn(tmp_path: Path) -> None:
    written = texts(FIGURES["property"]())
    assert "Not drawn: below all bins (no event)" in written
    shown = [text.split("\n")[0] for text in written if " h" in text and "\n" in text]
    assert shown == ["2 to 6", "6 to 20", "20 to 60", "no value"], "a bin without an event says so"
    for start in ("2 to 6\n14 events, ", "6 to 20\n1 event, ", "20 to 60\n0 events, "):
        assert any(text.startswith(start) for text in written)
    unseen = by_property()
    unseen = unseen.assign(event_rate=unseen.event_rate.where(unseen.duration_s != "2 to 6"))
    assert empty_parts(unseen, "duration_s", "REP") == {"2 to 6": "no rate", "below all bins": "no event"}
    hours = xr.Variable("duration_s", [1, 2, 3, 4, 5])
    own_time = unseen.assign(dwell=unseen.dwell * hours)
    assert empty_parts(own_time, "duration_s", "REP") == {"2 to 6": "no rate"}
    nothing = unseen.assign(event_rate=unseen.event_rate * np.nan)
    assert plot_split(nothing, ["duration_s"], tmp_path, "by", {}) == []


def test_passes_have_a_dial_of_percent() -> None:
    figure = FIGURES["passes"]()
    assert "probability per pass" in texts(figure)
    assert figure.axes[3].get_xlabel() == "passes with an event (%)"
    colours = rate_scale(np.array([25.0]), np.array([25.0])).colours(np.array([[25.0, 0.0]]))
    face = cells(figure.axes[2]).get_facecolors().reshape(*GRID.shape, 4)
    np.testing.assert_allclose(face[1, [6, 8]], colours.reshape(-1, 4))


def test_what_differs_within_the_intervals_has_dots() -> None:
    first, second = maps(with_hour(6, 5)), maps(with_hour(6, 5) + with_hour(0, 90))
    second = second.assign_attrs(satellite_days_not_ingested=1)
    figure = difference_figure(first, second, "REP", ("one", "two"))
    (dots,) = [c for c in figure.axes[4].collections if c.get_label() == "dots"]
    assert len(dots.get_offsets()) == GRID.shape[0] * GRID.shape[1] - 2
    values = dict(zip(["one", "two", "two less one"], figure.axes[:6:2], strict=True))
    assert all(v in texts(figure) for v in values)
    assert "two: 1 more satellite-day is missing or quarantined" in texts(figure)
    with pytest.raises(ValueError, match="other bins have no difference; make both with the same --l-edges"):
        difference_figure(first, second.isel(L=slice(2)), "REP", ("one", "two"))


def of_blocks() -> xr.Dataset:
    """A long map: most bins have too few blocks with an event for an interval."""
    dataset = maps(with_hour(6, 5) + with_hour(9, 1))
    poisson = {f"event_rate_poisson_{x}": dataset[f"event_rate_{x}"] for x in ("lower", "upper")}
    known = dataset.events >= 5
    own = {f"event_rate_{x}": dataset[f"event_rate_{x}"].where(known) for x in ("lower", "upper")}
    return dataset.assign(poisson | own)


def test_bins_without_an_interval_are_not_said_to_be_hardly_observed() -> None:
    wanted = {
        "none": "white: observed, no event; hatched: observed for under 10 minutes, no rate; grey",
        "relative": "so no uncertainty in b; hatched: observed for under 10 minutes, no rate, or in b no "
        "interval (events in too few calendar blocks); grey",
        "interval": "no rate, or in b and c no interval (events in too few calendar blocks); grey",
    }
    for kind, words in wanted.items():
        written = " ".join(texts(occurrence_figure(of_blocks(), "REP", None, kind)))
        assert words in written
        assert "the largest lower limit of a bin's Poisson interval, rounded up" in written
    of_poisson = of_blocks().assign_attrs(interval_note="no intervals")
    short = " ".join(texts(occurrence_figure(of_poisson, "REP", None, "interval")))
    assert "calendar blocks" not in short
    assert "lower limit of a bin's 68 % interval" in short


def test_bins_without_an_interval_are_not_said_to_differ() -> None:
    first, second = of_blocks(), of_blocks()
    figure = difference_figure(first, second, "REP", ("one", "two"))
    (dots,) = [c for c in figure.axes[4].collections if c.get_label() == "dots"]
    assert len(dots.get_offsets()) == GRID.shape[0] * GRID.shape[1], "those of no interval, too"
    assert any("overlap, or one of both has none" in text for text in texts(figure))


def test_what_is_written_on_it() -> None:
    text = "\n".join(texts(FIGURES["plain"]())).replace("\n", " ")
    for wanted in (
        "SIMULATED DATA: wave-driven (REP)",
        "noaa15, noaa18, noaa19, 2019-10-24 to 2019-10-26, 3 satellite-days, both hemispheres",
        "model simulated2026, rules published",
        "10 events in bins with a rate",
        "12 events of all classes are on no map",
        "4 more satellite-days are missing or quarantined",
        "hatched: observed for under 10 minutes, no rate; grey: never observed",
        "white: observed, no event",
        "the largest lower limit of a bin's 68 % interval",
    ):
        assert wanted in text
    hidden = "\n".join(texts(occurrence_figure(maps(hours=thin_hours()), "CSS")))
    assert "69 events in bins with a rate, 2 in hatched bins" in hidden
    assert "missing" not in hidden
    assert "where it was told to (--vmax)" in " ".join(texts(FIGURES["interval"]())).replace("\n", " ")
    many = occurrence_figure(maps(satellites="a b c d e"), "REP")
    assert any(t.startswith("5 satellites, ") for t in texts(many))


def test_unseen_bins_are_hatched_or_grey_on_every_dial() -> None:
    figure = occurrence_figure(maps(with_hour(6, 5), thin_hours()), "REP", None, "interval")
    for axes in figure.axes[:6:2]:
        face = cells(axes).get_facecolors().reshape(*GRID.shape, 4)
        assert (face[1, [11, 12]] == to_rgba(THIN)).all()
        assert (face[0, 3] == to_rgba(UNOBSERVED)).all()
    dwell = cells(figure.axes[6]).get_facecolors().reshape(*GRID.shape, 4)
    assert (dwell[0, 3] == to_rgba(UNOBSERVED)).all()
    assert not (dwell[1, 12] == to_rgba(THIN)).all()


@pytest.mark.parametrize("kind", IMAGE_FORMATS)
def test_files_are_the_same_bytes_every_time(kind: str, tmp_path: Path) -> None:
    dataset = maps(with_hour(12, 5), thin_hours())
    folders = [tmp_path / name for name in ("a", "b")]
    for folder, size in zip(folders, (9, 20), strict=True):
        folder.mkdir()
        with mpl.rc_context({"font.size": size, "svg.hashsalt": None}):
            paths = plot_occurrence(dataset, folder, formats=(kind, "png"))
        assert set(paths) == {folder / f"occurrence_{c}.{k}" for c in ("REP", "CSS") for k in (kind, "png")}
    first, again = ([p.read_bytes() for p in sorted(folder.iterdir())] for folder in folders)
    assert first == again
    assert first[0] != first[-1]
    assert draw_occurrence(dataset, "REP") == (folders[0] / "occurrence_REP.png").read_bytes()


def test_a_dial_needs_polar_axes() -> None:
    with pytest.raises(TypeError, match="a dial needs polar axes, got Axes"):
        draw_dial(Figure().subplots(), EDGES, np.zeros(GRID.shape), rate_scale(np.zeros(1), np.zeros(1)))


def test_more_dials_than_letters_are_numbered() -> None:
    scale = rate_scale(np.zeros(1), np.zeros(1))
    panels = [Panel(f"p{k}", np.zeros(GRID.shape), scale) for k in range(28)]
    figure = draw_panels(panels, EDGES, ("h", "i"), [], columns=7)
    assert {"z", "27", "28"} <= set(texts(figure))
