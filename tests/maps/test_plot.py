import numpy as np
import pytest
import xarray as xr
from matplotlib import colormaps
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from reprocess.maps.exposure import grid_coordinates
from reprocess.maps.plot import _dial, _figure, _norm, plot_occurrence
from reprocess.schema.grid import make_grid

GRID = make_grid(np.array([1.0, 3.0, 5.0, 7.0]), np.arange(0.0, 25.0))
VIRIDIS = colormaps["viridis"]
PLACES = {12: (0, 1), 18: (-1, 0), 6: (1, 0), 0: (0, -1)}
"""Where an hour belongs on the page: noon up, dusk left, dawn right, midnight down."""


def maps(rate: np.ndarray | None = None) -> xr.Dataset:
    """Maps of one class; every bin was seen for two hours unless its rate is NaN."""
    rate = np.zeros(GRID.shape) if rate is None else rate
    dwell = np.where(np.isnan(rate), 0.0, 7200.0)
    return xr.Dataset(
        {
            "events": (("event_class", "L", "MLT"), np.nan_to_num(rate * 2)[np.newaxis].astype(int)),
            "event_rate": (("event_class", "L", "MLT"), rate[np.newaxis]),
            "dwell": (("L", "MLT"), dwell),
        },
        coords={"event_class": ["REP"], **grid_coordinates(GRID)},
        attrs={
            "satellites": "noaa18",
            "satellite_days": 3,
            "time_coverage_start": "2019-10-24",
            "time_coverage_end": "2019-10-26",
            "model": "m",
            "rules": "published",
            "min_dwell_s": 600.0,
        },
    )


def with_hour(hour: int, value: float, elsewhere: float = 0.0) -> np.ndarray:
    """Rates that differ in the two bins beside an hour, at L 3 to 5."""
    rate = np.full(GRID.shape, elsewhere)
    rate[1, [hour % 24, (hour - 1) % 24]] = value
    return rate


class Picture:
    """A drawn figure whose colours can be looked up by place on the left dial."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self.figure = _figure(dataset, "REP")
        self.figure.canvas.draw()
        self.pixels = np.asarray(self.figure.canvas.buffer_rgba())[::-1, :, :3] / 255
        self.axes = self.figure.axes[0]
        box = self.axes.get_window_extent()
        self.centre = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
        self.per_L = box.width / 2 / 7

    def patch(self, direction: tuple[int, int], L: float = 3.6, half: int = 4) -> np.ndarray:
        """Pixels around a place that is L from the centre, whatever the axes say."""
        x, y = (self.centre + np.array(direction) * L * self.per_L).round().astype(int)
        # Beside the boundary of two bins and away from the circle at L = 3.
        return self.pixels[y - half : y + half + 1, x - half : x + half + 1].reshape(-1, 3)


def colours(patch: np.ndarray) -> int:
    return len(np.unique(patch.round(2), axis=0))


@pytest.mark.parametrize(("hour", "direction"), PLACES.items())
def test_noon_is_up_and_dusk_is_left(hour, direction):
    picture = Picture(maps(with_hour(hour, 5.0)))
    for other, place in PLACES.items():
        expected = VIRIDIS(1.0 if other == hour else 0.0)[:3]
        np.testing.assert_allclose(np.median(picture.patch(place), axis=0), expected, atol=0.02)
    assert direction == PLACES[hour]


@pytest.mark.parametrize("dial", [0, 1])
@pytest.mark.parametrize(("hour", "direction"), PLACES.items())
def test_axes_of_both_dials(hour, direction, dial):
    axes = _figure(maps(), "REP").axes[dial]
    axes.figure.canvas.draw()
    box = axes.get_window_extent()
    centre = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
    place = axes.transData.transform((hour * np.pi / 12, 7.0)) - centre
    np.testing.assert_allclose(place / (box.width / 2), direction, atol=1e-6)


def test_hours_on_the_rim():
    axes = _figure(maps(), "REP").axes[0]
    labels = [t.get_text() for t in axes.get_xticklabels()]
    assert [int(text[:2]) for text in labels] == list(range(0, 24, 3))
    np.testing.assert_allclose(axes.get_xticks(), [h * np.pi / 12 for h in range(0, 24, 3)])


def test_L_grows_outwards():
    rate = np.zeros(GRID.shape)
    rate[2] = 5.0
    picture = Picture(maps(rate))
    for place in PLACES.values():
        np.testing.assert_allclose(
            np.median(picture.patch(place, L=3.8), axis=0), VIRIDIS(0.0)[:3], atol=0.02
        )
        np.testing.assert_allclose(
            np.median(picture.patch(place, L=6.2), axis=0), VIRIDIS(1.0)[:3], atol=0.02
        )


def test_thin_bins_are_hatched():
    picture = Picture(maps(with_hour(12, np.nan, elsewhere=1.0)))
    thin = picture.patch(PLACES[12], half=8)
    assert colours(thin) > 3  # lines on a ground
    np.testing.assert_allclose(thin.max(axis=1), thin.min(axis=1), atol=0.02)  # all of it grey
    assert thin.max() == pytest.approx(0.85, abs=0.05)  # the seam of two bins is a shade lighter
    assert thin.min() < 0.8
    seen = picture.patch(PLACES[0])
    np.testing.assert_allclose(np.median(seen, axis=0), VIRIDIS(1.0)[:3], atol=0.02)


@pytest.mark.parametrize("largest", [2.0, 5000.0])
def test_zero_is_not_hatched(largest):
    rate = with_hour(12, 0.0, elsewhere=2.0)
    rate[1, 3] = largest  # far beyond two decades the scale is logarithmic and zero has no colour
    picture = Picture(maps(rate))
    zero = picture.patch(PLACES[12], half=8)
    expected = VIRIDIS(0.0)[:3] if largest < 100 else (1, 1, 1)
    np.testing.assert_allclose(np.median(zero, axis=0), expected, atol=0.02)
    assert colours(zero) <= 2


def test_unseen_bins_are_hatched_beside_their_dwell():
    figure = _figure(maps(with_hour(12, np.nan, elsewhere=1.0)), "REP")
    for axes in figure.axes[:2]:
        hatched, mesh = axes.collections[:2]
        assert hatched.get_hatch() == "////"
        assert not mesh.get_hatch()
        thin = np.isnan(with_hour(12, np.nan))
        assert np.ma.getmaskarray(mesh.get_array()).reshape(GRID.shape).tolist() == thin.tolist()


def test_white_is_explained_where_there_is_any():
    rate = with_hour(18, 1e4, elsewhere=1.0)
    labels = [axes.get_xlabel() for axes in _figure(maps(rate), "REP").axes[2:]]
    assert labels == ["events per hour of dwell", "dwell (hours)"]
    rate[0, 0] = 0
    assert _figure(maps(rate), "REP").axes[2].get_xlabel() == "events per hour of dwell (white: none)"


@pytest.mark.parametrize("rate", [np.nan, 0.0, 1.0])
def test_maps_of_one_value(rate, tmp_path):
    (path,) = plot_occurrence(maps(np.full(GRID.shape, rate)), tmp_path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_what_is_written_on_it():
    figure = _figure(maps(with_hour(12, 5.0)), "REP")
    text = " ".join([figure.get_suptitle(), figure.get_supxlabel(), *(a.get_title() for a in figure.axes)])
    for wanted in (
        "wave-driven (REP): 20 events",
        "3 satellite-days",
        "noaa18, 2019-10-24 to 2019-10-26",
        "model m",
        "rules published",
        "under 10 minutes",
    ):
        assert wanted in text


def test_what_is_lacking_is_written_on_it():
    dataset = maps()
    assert "missing" not in _figure(dataset, "REP").get_supxlabel()
    dataset.attrs |= {"satellite_days_not_ingested": 3, "satellite_days_quarantined": 1}
    assert "; 4 more satellite-days are missing or quarantined" in _figure(dataset, "REP").get_supxlabel()


def test_files_are_the_same_bytes_every_time(tmp_path):
    dataset = xr.concat(
        [maps(with_hour(12, 5.0)), maps(with_hour(6, 1.0))], "event_class", data_vars="minimal"
    )
    dataset["event_class"] = ["REP", "CSS"]
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
        paths = plot_occurrence(dataset, folder)
        assert paths == [folder / "occurrence_REP.png", folder / "occurrence_CSS.png"]
    first, again = ([p.read_bytes() for p in sorted(folder.iterdir())] for folder in folders)
    assert first == again
    assert first[0] != first[1]
    assert b"Software" not in first[0]


def test_scale():
    assert _norm(np.array([np.nan, 0.0])).vmax == 1
    linear = _norm(np.array([0.0, 1.0, 100.0, np.nan]))
    assert (linear.vmin, linear.vmax, isinstance(linear, LogNorm)) == (0, 100, False)
    log = _norm(np.array([0.0, 1.0, 101.0, np.inf]))
    assert (log.vmin, log.vmax, isinstance(log, LogNorm)) == (1, 101, True)


def test_a_dial_needs_polar_axes():
    with pytest.raises(TypeError, match="a dial needs polar axes, got Axes"):
        _dial(Figure().subplots(), maps(), np.zeros(GRID.shape), "label")
