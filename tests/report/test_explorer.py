"""The explorer, looked at in a browser: for every choice it shows what maps and event table have of it."""

import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import html5lib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr
from playwright.sync_api import Locator, Page, sync_playwright

from reprocess.catalogue.formats import as_csv
from reprocess.errors import LedgerError
from reprocess.indices.series import Index
from reprocess.maps.axes import make_axes
from reprocess.maps.stage import bins_of
from reprocess.plots.view import View
from reprocess.report.explorer import KEPT, Activity, make_explorer
from reprocess.report.passages import Passages
from reprocess.schema import EVENT_COLUMNS, EVENT_FLAGS, MS_PER_DAY, POSITION_COLUMNS
from reprocess.schema.grid import FINE, coarse_bins, make_grid
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.parts import DWELL, EVENTS, LATER, part_path, read_dwell, read_events, write_part
from reprocess.work.paths import Run
from reprocess.work.positions import position_origin, position_path, read_positions, write_positions
from tests.maps.test_occurrence import MAP, dates, write_block
from tests.support.maps import occurrence

SAA, DOUBTFUL, OFF = EVENT_FLAGS["SAA"], EVENT_FLAGS["low_probability"], EVENT_FLAGS["L_interpolated"]
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">'&"
NAME = "a <b> 'run'"
TYPES = {name: c.dtype for name, c in EVENT_COLUMNS.items() if c.dtype.startswith(("float", "int"))}
MIN_DWELL_S = 600


def _days(rng: np.random.Generator, count: int) -> list[list[tuple]]:
    """Records of days, some of them flagged, some within events that are flagged.

    One bin is hardly observed, and one not at all in the north.
    """
    places = [(side * L, MLT) for side in (-1, 1) for L in (2.5, 4.5) for MLT in (3, 7, 15)]
    found = []
    for _ in range(count):
        rows = []
        for L, MLT in [places[k] for k in rng.permutation(len(places) - 1)[:8]]:
            records = 1 if (abs(L), MLT) == (2.5, 15) else int(rng.integers(1, 400))
            flag = int(rng.choice([0, 0, SAA]))
            rows.append((L, MLT, records, records // 5, records // 9, flag, flag | DOUBTFUL, flag))
        found.append(rows)
    return found


def _write_events(run: Run, satellite: str, every: list[str], rng: np.random.Generator) -> str:
    """Events with values in every column that the page shows, and return their sum."""
    n = 300
    columns: dict[str, Any] = {
        name: [""] * n if c.dtype == "str" else rng.uniform(0, 1e5, n).astype(np.float32)
        if c.dtype.startswith("float") else np.zeros(n, np.int32)
        for name, c in EVENT_COLUMNS.items()
    }  # fmt: skip
    date = rng.choice(every, n)
    start = pd.to_datetime(date).to_numpy("datetime64[ms]") + rng.integers(0, 86_400_000, n)
    length = rng.integers(0, 200_000, n)
    columns |= {
        "event_class": rng.choice(["REP", "CSS"], n).tolist(),
        "date": date.tolist(),
        "start_time": start,
        "stop_time": start + length,
        "peak_time": start + length // 2,
        "duration_s": length / 1000 + 2,
        "L": rng.uniform(1.5, 6.5, n).astype(np.float32),
        "MLT": rng.uniform(0, 24, n).astype(np.float32),
        "latitude": rng.uniform(-80, 80, n).astype(np.float32),
        "e4_ratio_0_90": np.where(rng.random(n) < 0.2, np.nan, rng.lognormal(-5, 5, n)).astype(np.float32),
        "quality_flags": rng.choice([0, 0, 0, SAA, DOUBTFUL, OFF], n).astype(np.int32),
    }
    columns["hemisphere"] = np.where(columns["latitude"] < 0, "S", "N").tolist()
    return write_part(part_path(run.events, satellite, 247), columns, EVENTS)


OTHER = make_grid(np.array([2.0, 4.5, 6.0]), np.array([0.0, 12.0, 24.0]))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[dict]]:
    """Two satellites over two years."""
    run = Run(tmp_path_factory.mktemp("work") / "runs" / NAME)
    run.root.mkdir(parents=True)
    identity = {"model": HOSTILE, "mode": "published", "bins": bins_of(MAP, MIN_DWELL_S)}
    (run.root / "run.json").write_text(json.dumps(identity))
    rng = np.random.default_rng(11)
    receipts = []
    for satellite, count in (("noaa18", 30), ("metop01", 22)):
        receipt = write_block(run, _days(rng, count), satellite=satellite, step=25)
        receipt["outputs"]["events"] = _write_events(run, satellite, dates(count, 25), rng)
        receipts.append(receipt)
    return run, receipts


@dataclass
class Opened:
    """A page in a browser and what happened there."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, content: bytes, path: Path) -> None:
        path.write_bytes(content)
        self.page.goto(path.as_uri())
        self.page.locator("#events tbody").wait_for()

    def numbers(self) -> xr.Dataset:
        """What the page shows, as the variables of a map."""
        table = pd.DataFrame(self.page.evaluate("explorer.numbers()"))
        names = [name for name in table if name != "event_class"]
        shaped = {name: table[name].to_numpy(float).reshape(2, *MAP.shape) for name in names}
        return xr.Dataset({name: (("event_class", "L", "MLT"), values) for name, values in shaped.items()})


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Opened]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = Opened(running.new_page(viewport={"width": 1200, "height": 900}))
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.on("console", lambda message: opened.errors.append(message.text))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        yield opened
        running.close()


@pytest.fixture
def opened(browser: Opened, whole: tuple[Run, list[dict]], tmp_path: Path) -> Iterator[Opened]:
    """The page of the run, which may ask for nothing and fail in nothing."""
    run, receipts = whole
    browser.errors.clear()
    browser.requests.clear()
    path = tmp_path / "explorer.html"
    browser.open(make_explorer(run, receipts, MAP, MIN_DWELL_S), path)
    yield browser
    assert browser.requests == [path.as_uri()]
    assert browser.errors == []


CHOICES: dict[str, tuple[dict[str, str], tuple[str, ...], Choice, dict[str, str]]] = {
    "everything": ({}, (), EVERYTHING, {}),
    "a satellite": ({}, ("metop01",), Choice(satellites=("noaa18",)), {}),
    "a hemisphere": ({"Hemisphere": "southern"}, (), Choice(hemispheres=("S",)), {}),
    "a season": ({"Time of year": "winter (northern months)"}, (), EVERYTHING, {"season": "winter"}),
    "a local season": (
        {"Time of year": "summer of the hemisphere", "Hemisphere": "northern"},
        (),
        Choice(hemispheres=("N",)),
        {"local_season": "summer"},
    ),
    "a month": ({"Time of year": "month 03"}, (), EVERYTHING, {"month": "03"}),
    "flags": ({}, ("SAA", "low_probability"), Choice(("SAA", "low_probability")), {}),
    "a year": (
        {"First year": "2020", "Last year": "2020"},
        (),
        Choice(start=dt.date(2020, 1, 1), end=dt.date(2020, 12, 31)),
        {},
    ),
    "all at once": (
        {"First year": "2020", "Hemisphere": "northern", "Time of year": "autumn (northern months)"},
        ("metop01", "SAA"),
        Choice(("SAA",), ("noaa18",), dt.date(2020, 1, 1), hemispheres=("N",)),
        {"season": "autumn"},
    ),
}


def _choose(page: Page, name: str) -> None:
    lists, boxes, *_ = CHOICES[name]
    for label, option in lists.items():
        page.get_by_label(label, exact=True).select_option(option)
    for box in boxes:
        page.get_by_label(box, exact=True).click()


@pytest.mark.parametrize("name", CHOICES)
def test_every_number_is_that_of_the_map(opened: Opened, whole: tuple[Run, list[dict]], name: str) -> None:
    run, receipts = whole
    _, _, choice, part = CHOICES[name]
    axes = make_axes(tuple(part), choice.receipts(receipts)) if part else ()
    expected = occurrence(run, receipts, MAP, MIN_DWELL_S, choice, axes).sel(part)
    _choose(opened.page, name)
    _agrees(opened, expected)
    if name in ("everything", "a satellite", "flags"):
        assert np.isfinite(expected.event_rate_lower).any()


def _agrees(opened: Opened, expected: xr.Dataset) -> None:
    """All that the page shows is what a map has."""
    shown = opened.numbers()
    for ours, theirs in {
        "events": "events", "dwell_s": "dwell", "precipitation_s": "precipitation",
        "event_rate_per_h": "event_rate", "occurrence_fraction": "occurrence_fraction",
    }.items():  # fmt: skip
        there = expected[theirs].broadcast_like(expected.event_rate).transpose("event_class", "L", "MLT")
        np.testing.assert_array_equal(shown[ours], there, err_msg=theirs)
    assert shown.events.sum() > 0
    assert shown.dwell_s.sum() > 0
    for which in ("lower", "upper"):
        limits = expected[f"event_rate_{which}"].transpose("event_class", "L", "MLT")
        np.testing.assert_allclose(shown[f"event_rate_{which}_per_h"], limits, 1e-9, 1e-12)
    _agrees_along_axes(opened.page, expected)


def _agrees_along_axes(page: Page, expected: xr.Dataset) -> None:
    """Profiles are sums over the other axis, divided last."""
    for along, other, rows in zip(
        ("L", "MLT"), ("MLT", "L"), page.evaluate("explorer.profiles()"), strict=True
    ):
        assert [row["dwell"] for row in rows] == expected.dwell.sum(other).values.tolist()
        for k, name in enumerate(("REP", "CSS")):
            events = expected.events.sel(event_class=name).sum(other).values
            assert [row["classes"][k]["events"] for row in rows] == events.tolist(), along


@pytest.fixture(scope="module")
def kp(whole: tuple[Run, list[dict]]) -> Index:
    """Values of three hours but for some days; and position parts: rows of dwell with minutes."""
    run, receipts = whole
    rng = np.random.default_rng(3)
    for receipt, (satellite, rows) in zip(receipts, read_dwell(run, receipts), strict=True):
        columns = {name: rows.get(name, np.zeros(rows["day"].size, np.int32)) for name in POSITION_COLUMNS}
        columns["cell"] = coarse_bins(MAP)[rows["cell"]] + 6 * (rows["cell"] >= FINE.cells // 2)
        columns["minute"] = rng.integers(0, 1440, rows["day"].size)
        columns = {name: values.astype(np.int32) for name, values in columns.items()}
        path = position_path(run, MAP, satellite, receipt["block"])
        write_positions(path, columns, position_origin(receipt, MAP))
    start = int(np.datetime64("2019-09-30", "ms").astype(np.int64)) + np.arange(
        0, 800 * MS_PER_DAY, MS_PER_DAY // 8
    )
    values = np.where(np.arange(start.size) // 8 % 10 == 1, np.nan, rng.integers(0, 28, start.size) / 3)
    return Index("kp", "1", start, values, MS_PER_DAY // 8, ("a/Kp file.wdc",), ("0",))


ACTIVE: dict[str, tuple[str, str, Choice, dict[str, str]]] = {
    "all": ("all", "everything", EVERYTHING, {}),
    "quiet": ("0 to 2", "everything", EVERYTHING, {"kp": "0 to 2"}),
    "storms without flags": ("6 to 9", "flags", Choice(("SAA", "low_probability")), {"kp": "6 to 9"}),
    "no value": ("no value", "a satellite", Choice(satellites=("noaa18",)), {"kp": "no value"}),
    "a season too": ("2 to 4", "a season", EVERYTHING, {"season": "winter", "kp": "2 to 4"}),
}


@pytest.mark.parametrize("name", ACTIVE)
def test_activity_is_chosen_as_the_map_is_split_by_it(
    browser: Opened, whole: tuple[Run, list[dict]], kp: Index, name: str, tmp_path: Path
) -> None:
    run, receipts = whole
    label, other, choice, part = ACTIVE[name]
    (axis,) = make_axes(("kp",), receipts, (), kp)
    page = make_explorer(run, receipts, MAP, MIN_DWELL_S, activity=Activity(axis, ("--index", "Kp file.wdc")))
    browser.open(page, tmp_path / "kp.html")
    assert "kp has no value for" in browser.page.locator(".warning").inner_text()
    _choose(browser.page, other)
    browser.page.get_by_label("kp", exact=True).select_option(label)
    chosen = choice.receipts(receipts)
    axes = make_axes(tuple(part), chosen, (), kp if "kp" in part else None) if part else ()
    rows = read_positions(run, chosen, MAP, choice) if "kp" in part else None
    expected = occurrence(run, receipts, MAP, MIN_DWELL_S, choice, axes, rows).sel(part)
    _agrees(browser, expected)
    if part:
        assert f"only the time with kp {label}" in browser.page.locator("#told").inner_text()
        by = ",".join(part)
        told = browser.page.locator("#command").inner_text()
        assert told.endswith(f"--by {by} --index 'Kp file.wdc' --name chosen")
    assert browser.errors == []


def _downloaded(page: Page, button: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_bytes()


@pytest.mark.parametrize("name", ["everything", "flags", "a hemisphere", "a year"])
def test_the_events_are_those_of_the_table(opened: Opened, whole: tuple[Run, list[dict]], name: str) -> None:
    run, receipts = whole
    table = read_events(run, receipts)
    numbers = pd.Series(range(1, len(table) + 1), name="number")
    kept = CHOICES[name][2].events(table.assign(number=numbers))
    _choose(opened.page, name)
    expected = pd.read_csv(io.BytesIO(as_csv(kept[["number", *KEPT]])), dtype=TYPES)
    found = pd.read_csv(io.BytesIO(_downloaded(opened.page, "Download these events (CSV)")), dtype=TYPES)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert len(kept) > 20


def test_a_bin_shows_its_events_and_an_event_its_facts(opened: Opened, whole: tuple[Run, list[dict]]) -> None:
    run, receipts = whole
    page = opened.page
    dial = page.get_by_role("application", name="current sheet scattering (CSS)")
    dial.locator("path[data-bin='4']").click()
    table = read_events(run, receipts)
    inside = table[
        table["L"].between(4, 6, "left")
        & table["MLT"].between(6, 12, "left")
        & (table["quality_flags"] != OFF)
    ]
    page.get_by_text(f"of {len(inside)} events in the bin that is chosen").wait_for()
    told = page.locator("#bin").inner_text()
    assert "L 4 to 6, MLT 6 to 12 h" in told
    assert f"CSS {(inside['event_class'] == 'CSS').sum()} events" in told
    row = inside.sort_values("start_time").iloc[0]
    page.get_by_role("button", name=f"Show event {row.name + 1}", exact=True).click()
    shown = page.locator("#event").inner_text()
    for words in (str(row["L"]), f"{row['start_time']:%Y-%m-%dT%H:%M:%S}", f"--number {row.name + 1} -o"):
        assert words in shown
    assert "--run 'a <b> '\"'\"'run'\"'\"''" in shown, "a shell reads the run's name as it is"
    page.get_by_label("Class").select_option("current sheet scattering (CSS)")
    assert page.locator("#count").inner_text().startswith("1 to ")
    assert page.locator("#events tbody tr").count() == min(25, (inside["event_class"] == "CSS").sum())


def test_an_event_shows_its_passage(browser: Opened, whole: tuple[Run, list[dict]], tmp_path: Path) -> None:
    """Records every 2 s from a minute before event 5, a gap among them, the first without probabilities."""
    run, receipts = whole
    table = read_events(run, receipts)
    start = int(table.loc[4, "start_time"].value // 1_000_000)
    time = start + np.r_[np.arange(-60, -20, 2), np.arange(0, 20, 2)] * 1000
    n, none = time.size, np.full(time.size, np.nan, np.float32)
    flux = np.geomspace(1, 1e5, 8 * n).astype(np.float32).reshape(2, 4, n)
    flux[0, 3] = 0
    chances = np.linspace([0, 0, 1], [1, 0.5, 0], n).astype(np.float32).T
    chances[:, 0] = np.nan
    place = {"L": none + 0, "MLT": none, "latitude": none, "longitude": none} | {"L": np.float32([5] * n)}
    view = View(
        "noaa18", start - 60_000, start + 60_000, time, flux, place, {}, chances, notes=("read <b> again",)
    )
    passages = Passages(np.array([4]), (view,))
    browser.open(make_explorer(run, receipts, MAP, MIN_DWELL_S, passages=passages), tmp_path / "passage.html")
    page, shown = browser.page, browser.page.locator("#event")
    page.get_by_role("button", name="Download these events").wait_for()
    page.evaluate("explorer.show(4)")
    drawn = page.get_by_role("img", name="Records of event 5 and 60 s on either side")
    curves = [path.get_attribute("d") for path in drawn.locator("path").all()]
    assert [len(re.findall("[ML]", d or "")) for d in curves] == [n] * 8 + [n - 1] * 2
    assert all((d or "").count("M") == 2 for d in curves), "a gap is no line"
    assert len(set(re.findall(r"[ML][\d.]+ ([\d.]+)", curves[3] or ""))) == 1, "no count"
    assert "read <b> again. With flags" in shown.inner_text()
    assert "5.00" in drawn.inner_html()
    page.evaluate("explorer.show(5)")
    assert drawn.count() == page.locator("svg.passage").count() == 0
    assert "which has those of the event with the largest E4 flux" in shown.inner_text()
    assert "--number 6 -o event6.png" in shown.inner_text()
    assert browser.errors == []


def test_it_is_used_without_a_mouse(opened: Opened) -> None:
    page = opened.page
    page.get_by_role("application", name="wave-driven (REP)").focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.locator("#bin").inner_text().startswith("L 4 to 6, MLT 12 to 24 h")
    page.keyboard.press("Enter")
    assert "in the bin that is chosen" in page.locator("#count").inner_text()
    page.keyboard.press("Escape")
    assert "in the bin that is chosen" not in page.locator("#count").inner_text()
    for role in ("combobox", "checkbox", "button", "application"):
        for found in page.get_by_role(role).all():
            assert found.evaluate("e => e.tabIndex") == 0
            name = found.evaluate("e => e.ariaLabel || e.labels?.[0]?.textContent || e.textContent")
            assert name.strip()


def fill(path: Locator) -> str | None:
    return path.get_attribute("fill")


def test_zero_thin_and_unobserved_have_colours_of_their_own(opened: Opened) -> None:
    opened.page.get_by_label("Hemisphere").select_option("northern")
    opened.page.get_by_label("Time of year").select_option("month 03")
    dial = opened.page.get_by_role("application", name="wave-driven (REP)")
    shown = opened.numbers().isel(event_class=0)
    seen = set()
    for path, seconds, rate in zip(
        dial.locator("path.bin").all(),
        shown.dwell_s.values.ravel(),
        shown.event_rate_per_h.values.ravel(),
        strict=True,
    ):
        state = "unobserved" if not seconds else "thin" if np.isnan(rate) else "some" if rate else "zero"
        colours = {"unobserved": "#9e9e9e", "thin": "url(#hatch_REP)", "zero": "#ffffff"}
        assert colours.get(state, fill(path)) == fill(path)
        assert (state == "some") == (fill(path) not in colours.values())
        seen.add(state)
    assert {"unobserved", "thin", "some"} <= seen


def test_few_blocks_have_no_interval_and_the_page_says_so(opened: Opened) -> None:
    opened.page.get_by_label("Last year").select_option("2019")
    assert "No intervals: they need 10 calendar blocks" in opened.page.locator("#intervals").inner_text()


def test_the_command_makes_the_same_map(opened: Opened) -> None:
    _choose(opened.page, "all at once")
    assert (
        opened.page.locator("#told")
        .inner_text()
        .endswith("chosen: noaa18; 2020 to 2021; autumn (northern months); northern hemisphere; without SAA.")
    )
    assert opened.page.locator("#command").inner_text() == (
        "reprocess map WORK --run 'a <b> '\"'\"'run'\"'\"'' --satellite noaa18 --start 2020-01-01 "
        "--hemisphere N --exclude SAA --by season --name chosen"
    )


def test_the_command_has_bins_that_are_not_those_of_the_runs_map(
    browser: Opened, whole: tuple[Run, list[dict]], tmp_path: Path
) -> None:
    browser.open(make_explorer(*whole, OTHER, 90), tmp_path / "other.html")
    assert (
        browser.page.locator("#command")
        .inner_text()
        .endswith("--l-edges 2,4.5,6 --mlt-edges 0,12,24 --min-dwell 1.5 --name chosen")
    )


def test_events_of_the_class_that_is_shown_are_counted(opened: Opened, whole: tuple[Run, list[dict]]) -> None:
    table = read_events(*whole)
    for name in ("REP", "CSS"):
        opened.page.get_by_label("Class", exact=True).select_option(name)
        count = int((table["event_class"] == name).sum())
        assert opened.page.locator("#told").inner_text().startswith(f"{count} events on ")
        assert f" of {count} events" in opened.page.locator("#count").inner_text()


def test_it_fits_a_phone_and_paper(opened: Opened) -> None:
    page = opened.page
    page.set_viewport_size({"width": 375, "height": 800})
    page.evaluate("explorer.show(0)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.emulate_media(media="print")
    assert not page.locator("#choice").is_visible()
    assert page.locator("#command").is_visible()
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1200, "height": 900})


def test_nothing_chosen_is_shown_as_nothing(opened: Opened) -> None:
    for name in ("metop01", "noaa18"):
        opened.page.get_by_label(name).click()
    assert opened.page.locator("#told").inner_text() == (
        "0 events on 0 satellite-days are chosen: no satellite."
    )
    assert opened.page.locator("#count").inner_text() == "No event"
    assert opened.page.locator("#command").inner_text() == "none: no satellite-day is chosen"


def test_a_policy_lets_this_script_run_and_no_other(opened: Opened) -> None:
    assert opened.page.title() != "owned"
    opened.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">')"
    )
    opened.page.wait_for_timeout(100)
    assert opened.page.title() != "1"
    assert any("Content Security Policy" in error for error in opened.errors)
    opened.errors.clear()
    opened.requests[:] = opened.requests[:1]


def test_the_page_is_valid_and_always_the_same(whole: tuple[Run, list[dict]]) -> None:
    run, receipts = whole
    page = make_explorer(run, receipts, MAP, MIN_DWELL_S, lacking=3)
    assert page == make_explorer(run, list(reversed(receipts)), MAP, MIN_DWELL_S, lacking=3)
    html5lib.HTMLParser(strict=True).parse(io.BytesIO(page))
    text = page.decode()
    assert "3 satellite-days that were asked for" in text
    assert len(re.findall("<script", text)) == len(re.findall("</script", text)) == 2
    assert HOSTILE not in text


def test_a_run_that_tells_no_flags_offers_none(browser: Opened, tmp_path: Path) -> None:
    run = Run(tmp_path / "runs" / "old")
    receipt = write_block(run, [[(2.5, 3, 900, 9, 0)]], [("REP", 2.5, 3, 60, SAA)])
    path = part_path(run.dwell, "noaa18", 247)
    old = pd.read_parquet(path).drop(columns=list(LATER["dwell"]))
    fields = pa.schema([DWELL.field(name) for name in old.columns])
    receipt["outputs"]["dwell"] = write_part(path, {name: old[name].to_numpy() for name in old}, fields)
    browser.open(make_explorer(run, [receipt], MAP, MIN_DWELL_S), tmp_path / "old.html")
    assert browser.page.get_by_text("1 flags cannot be left out").is_visible()
    assert browser.page.get_by_label("SAA", exact=True).count() == 0
    assert browser.numbers().dwell_s.isel(event_class=0).sum() == 1800


def test_a_run_without_days_has_none(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no block that is done"):
        make_explorer(Run(tmp_path / "runs" / "none"), [], MAP, 0)
