"""The page of a run: the numbers of the ledger on it, everything listed, nothing that runs."""

import re
import shutil
from itertools import groupby
from pathlib import Path
from typing import Any

import html5lib
import numpy as np
import pytest

from reprocess import schema
from reprocess.classifier.bundle import Bundle, save_bundle
from reprocess.detect.block import detect_block
from reprocess.detect.plan import Settings
from reprocess.detect.stage import claim, plan_detect
from reprocess.errors import LedgerError, StoreError
from reprocess.ingest.block import ingest_block
from reprocess.ingest.plan import IngestPlan
from reprocess.maps import stage as map_stage
from reprocess.maps.axes import make_axes
from reprocess.maps.contrast import contrast
from reprocess.pages.render import embed
from reprocess.pages.words import counted
from reprocess.report import figures
from reprocess.report import page as page_module
from reprocess.report.page import DRAWN, LISTED, write_report
from reprocess.schema.granules import Granule
from reprocess.schema.grid import make_grid
from reprocess.sources.listing import list_archive
from reprocess.work.asked import merge_asked
from reprocess.work.choice import Choice
from reprocess.work.layout import create_store
from reprocess.work.ledger import source_digest
from reprocess.work.parts import read_events
from reprocess.work.paths import Run, Work
from reprocess.work.results import note_results
from reprocess.work.status import survey
from reprocess.work.store import open_records
from tests.pages.test_render import Tags
from tests.support import fake
from tests.support.maps import read_occurrence
from tests.support.places import REPOSITORY

GRID = make_grid(np.arange(2.5, 9.0, 0.5), np.arange(0.0, 25.0))
HOSTILE = "</td><script>alert('x')</script>"


pytestmark = pytest.mark.usefixtures("short_record_axis")


@pytest.fixture
def drawn() -> None:
    """Asked for by tests that want real figures."""


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere, do not draw: the figures have tests of their own."""
    if "drawn" in request.fixturenames:
        return
    for module, name in (
        *((figures, name) for name in dir(figures) if name.startswith("draw_")),
        (page_module, "draw_occurrence"),
    ):
        monkeypatch.setattr(module, name, lambda *_: b"\x89PNG")
    monkeypatch.setattr("reprocess.maps.plot.plot_occurrence", lambda *_: [])


def build(
    root: Path,
    archive: Path,
    model: Bundle,
    *,
    mode: str = "published",
    classes: bool = False,
    name: str = "r",
) -> tuple[Work, Run]:
    """Do what the stages do, without a cluster."""
    work = Work(root)
    run = work.run(name)
    granules = list_archive(str(archive)).granules
    merge_asked(work.asked, granules)
    create_store(work.archive, sorted({g.satellite for g in granules}), schema.ARCHIVE_ARRAYS, "test")
    for (satellite, block), group in groupby(sorted(granules), lambda g: (g.satellite, g.day // 32)):
        ingest_block(IngestPlan(root, satellite, block, tuple(group)))
    settings = Settings(model.path, model.sha256, mode, "onnxruntime", classes, classes)
    claim(run, settings)
    if classes:
        create_store(run.classes, sorted({g.satellite for g in granules}), schema.CLASS_ARRAYS, "test")
    for plan in plan_detect(work, run, settings, granules):
        detect_block(plan)
    remap(work, run)
    return work, run


def remap(work: Work, run: Run) -> None:
    map_stage.make_map(work, run, GRID, 10.0)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fake archive, with files that are no HDF5 on two days."""
    folder = fake.write_archive(tmp_path_factory.mktemp("archive"))
    for date, content in (("2019-10-27", HOSTILE), ("2019-11-20", "<!DOCTYPE html>")):
        fake.granule_path(folder, "noaa18", date).write_text(content)
    return folder


@pytest.fixture(scope="module")
def whole(archive: Path, random_model: Bundle, tmp_path_factory: pytest.TempPathFactory) -> tuple[Work, Run]:
    """A run over all of it, classes kept; tests leave it as it is."""
    return build(tmp_path_factory.mktemp("whole"), archive, random_model, classes=True)


@pytest.fixture(scope="module")
def written(whole: tuple[Work, Run]) -> bytes:
    path = write_report(*whole)
    assert path == whole[1].root / "report" / "index.html"
    return path.read_bytes()


@pytest.fixture
def copy(whole: tuple[Work, Run], tmp_path: Path) -> tuple[Work, Run]:
    """A copy that a test may change."""
    work = Work(shutil.copytree(whole[0].root, tmp_path / "elsewhere"))
    return work, work.run("r")


def text_of(data: bytes) -> str:
    return re.sub(r"\s+", " ", Tags(data).text)


def tables(data: bytes) -> dict[str, list[list[str]]]:
    """Return the rows of each table by its caption, as text."""
    tree = html5lib.parse(data, namespaceHTMLElements=False)
    found = {}
    for table in tree.iter("table"):
        caption = table.find("caption")
        if caption is not None:
            rows = [[" ".join("".join(c.itertext()).split()) for c in row] for row in table.iter("tr")]
            found[" ".join("".join(caption.itertext()).split())] = rows
    return found


def numbers(row: list[str]) -> list[int]:
    return [int(cell.replace(",", "")) for cell in row if re.fullmatch(r"[\d,]+", cell)]


def test_the_page_is_valid_and_whole(written: bytes) -> None:
    html5lib.HTMLParser(strict=True).parse(written)
    tags = Tags(written)
    assert not {"script", "link", "iframe", "object", "embed", "form"} & set(tags.names)
    sources = [value or "" for key, value in tags.attributes if key == "src"]
    assert len(sources) == tags.names.count("img") == 8
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    alternatives = [value for key, value in tags.attributes if key == "alt"]
    assert len(set(alternatives)) == len(sources)
    ids = [value for key, value in tags.attributes if key == "id"]
    links = [value for key, value in tags.attributes if key == "href" and (value or "").startswith("#")]
    assert len(set(ids)) == len(ids)
    assert {(link or "")[1:] for link in links} == set(ids)


def test_a_screen_reader_and_a_keyboard_find_their_way(written: bytes) -> None:
    """One landmark for the content, no header without words, what scrolls can be reached."""
    html = written.decode()
    assert html.count("<main>") == html.count("</main>") == 1
    assert html.index("<main>") < html.index("<h1>") < html.index("</main>")
    assert not re.search(r"<th[^>]*>\s*</th>", html)
    assert html.count('class="scroll"') == html.count('<div class="scroll" tabindex="0">') > 0


def test_the_same_work_gives_the_same_bytes_wherever_it_is(
    written: bytes, copy: tuple[Work, Run], whole: tuple[Work, Run], drawn: None
) -> None:
    copy[1].report.unlink()
    assert write_report(*copy).read_bytes() == written
    assert str(whole[0].root).encode() not in written


def test_what_was_run_is_told(written: bytes, whole: tuple[Work, Run], random_model: Bundle) -> None:
    text = text_of(written)
    identity = whole[1].read_identity() or {}
    for fact in ("model_sha256", "code_version", "engine", "mode"):
        assert str(identity[fact]) in text
    assert source_digest(whole[1].ledger.done()) in text
    assert "random: random weights" in text
    assert identity["model_sha256"] == random_model.sha256
    assert (
        "2 satellites (metop01, noaa18), 2019-10-24 to 2019-12-01, 4 of 6 satellite-days classified" in text
    )


def test_days_are_those_of_status(written: bytes, whole: tuple[Work, Run]) -> None:
    state = survey(whole[0])
    rows = tables(written)["Satellite-days by year"]
    assert rows[0] == [
        "Satellite",
        "Year",
        "Classified",
        "Not classified",
        "Quarantined",
        "Missing",
        "No file",
    ]
    assert rows[1] == ["metop01", "2019", "1", "0", "0", "0", "0"]
    assert rows[2] == ["noaa18", "2019", "3", "0", "2", "0", "34"]
    assert rows[3] == ["all", "", "4", "0", "2", "0", "34"]
    assert state["ingest"]["satellites"]["noaa18"]["ok"] == 3
    months = tables(written)["Satellite-days by state, records classified and events, by month"]
    assert [row[:2] for row in months[1:]] == [
        ["metop01", "2019-10"],
        ["noaa18", "2019-10"],
        ["noaa18", "2019-11"],
        ["noaa18", "2019-12"],
        ["all", ""],
    ]
    assert np.sum([numbers(row[2:]) for row in months[1:-1]], axis=0).tolist() == numbers(months[-1][2:])


def test_records_add_up(written: bytes, whole: tuple[Work, Run]) -> None:
    entries = [entry for record in whole[1].ledger.done() for entry in record["days"].values()]
    rows = tables(written)[
        "Records of the days that were classified; the last three columns add up to the classifiable ones"
    ]
    for row in rows[1:]:
        days, records, classifiable, *parts = numbers(row[1:])
        assert sum(parts) == classifiable == records - 7 * days
    assert numbers(rows[-1])[1:3] == [sum(e[k] for e in entries) for k in ("records", "classifiable")]
    archive = tables(written)["Records of the days that were read"]
    for row in archive[1:]:
        in_file, outside, repeated, kept = numbers(row[1:])
        assert in_file - outside - repeated == kept
    assert numbers(archive[-1])[-1] == sum(e["records"] for e in entries)


def test_events_are_those_of_the_table(written: bytes, whole: tuple[Work, Run]) -> None:
    events = read_events(whole[1], whole[1].ledger.done())
    counts = events["event_class"].value_counts()
    assert counts["REP"] > LISTED
    text = text_of(written)
    assert f"{counted(int(counts['REP']))} REP and {counted(int(counts['CSS']))} CSS events" in text
    yearly = tables(written)["Events and days classified (by month: above)"]
    assert numbers(yearly[-1]) == [4, counts["REP"], counts["CSS"]]
    listed = next(rows for caption, rows in tables(written).items() if caption.startswith("The 10 strongest"))
    strong = events.sort_values("max_e4_0", ascending=False)
    for name in schema.EVENT_CLASSES:
        own = strong[strong["event_class"] == name].head(LISTED)
        assert [r[7] for r in listed[1:] if r[0] == name] == [f"{x:,.0f}" for x in own["max_e4_0"]]
    flags = next(rows for caption, rows in tables(written).items() if caption.startswith("Flags"))
    for name, _, rep, css in flags[1:]:
        bit = schema.EVENT_FLAGS[name.replace(" ", "_")]
        flagged = events[(events["quality_flags"] & bit) != 0]["event_class"].value_counts()
        assert [int(rep), int(css)] == [flagged.get("REP", 0), flagged.get("CSS", 0)]


def test_satellites_are_held_against_each_other(written: bytes, whole: tuple[Work, Run]) -> None:
    receipts = list(whole[1].ledger.done())
    least = float(read_occurrence(whole[1]).attrs["min_dwell_s"])
    (axis,) = make_axes(("satellite",), receipts)
    found = contrast(whole[1], receipts, GRID, least, axis)
    (rows,) = (rows[1:] for caption, rows in tables(written).items() if caption.startswith("Each satellite"))
    assert [row[:2] for row in rows] == [[s, c] for s in ("metop01", "noaa18") for c in ("REP", "CSS")]
    for satellite, name, events, expected, ratio, interval, bins, blocks in rows:
        part = found.sel(satellite=satellite, event_class=name)
        assert events == counted(int(part.events_compared))
        assert float(expected.replace(",", "")) == pytest.approx(float(part.events_expected), abs=0.05)
        if np.isfinite(part.standardised_ratio):
            assert float(ratio) == pytest.approx(float(part.standardised_ratio), rel=0.005)
        else:
            assert ratio == "—"
        assert interval == "—", "there are few calendar blocks"
        assert (int(bins), int(blocks)) == (int(part.bins_compared), int(part.blocks_compared))
    assert found.events_compared.sum() > 0
    alone = write_report(*whole, Choice(satellites=("noaa18",))).read_bytes()
    assert "Between satellites" not in text_of(alone)
    one_class = write_report(*whole, Choice(classes=("CSS",))).read_bytes()
    (rows,) = (r[1:] for caption, r in tables(one_class).items() if caption.startswith("Each satellite"))
    assert [row[:2] for row in rows] == [["metop01", "CSS"], ["noaa18", "CSS"]]


def test_every_quarantined_day_is_listed_with_its_reason(written: bytes) -> None:
    text = text_of(written)
    assert "Quarantined: 2 satellite-days" in text
    assert "not_hdf5: the file is not NetCDF-4/HDF5" in text
    assert 'the file begins with b"</td><script>alert' in text
    assert "poes_n18_20191120_proc.nc" in text
    assert "No satellite-day is missing." in text
    assert "No block failed." in text


def fail_many(work: Work, count: int) -> list[dict[str, Any]]:
    """Put quarantined days of another satellite into the ledger, with details of a hostile file."""
    granules = [Granule("noaa15", 6000 + k, f"file:///{k}/{HOSTILE}.nc", 10, "1") for k in range(count)]
    merge_asked(work.asked, granules)
    for block, group in groupby(granules, lambda g: g.day // 32):
        days = {
            g.date.isoformat(): {
                "source": dict(g.identity), "status": "quarantined", "reason": "unreadable",
                "detail": f"day {g.day} {HOSTILE} \x1b[31m \u202e",
            }
            for g in group
        }  # fmt: skip
        work.ledger.commit({"satellite": "noaa15", "block": block, "days": days, "outputs": {}})
    return survey(work)["ingest"]["quarantined"]


def test_thousands_of_bad_days_are_all_listed_and_run_nothing(copy: tuple[Work, Run]) -> None:
    work, run = copy
    quarantined = fail_many(work, 3000)
    assert len(quarantined) == 3002
    remap(work, run)
    data = write_report(work, run).read_bytes()
    html5lib.HTMLParser(strict=True).parse(data)
    tags = Tags(data)
    assert "script" not in tags.names
    assert HOSTILE in tags.text
    assert "\x1b" not in tags.text
    assert "\u202e" not in tags.text
    listed = re.findall(r"day (\d+) </td><script>", tags.text)
    assert sorted(map(int, listed)) == list(range(6000, 9000))
    assert "Quarantined: 3,002 satellite-days" in tags.text
    assert len(data) < 2_000_000, "not counting the figures"


def test_what_is_missing_is_told_on_top_and_listed(copy: tuple[Work, Run]) -> None:
    work, run = copy
    merge_asked(work.asked, [Granule("metop01", 7970, "file:///never.nc", 10, "1")])
    run.ledger.path("noaa18", 250).unlink()
    run.ledger.fail("noaa18", 250, "OSError: <i>disk full</i>", "trace")
    remap(work, run)
    text = text_of(write_report(work, run).read_bytes())
    assert "Not complete: 1 satellite-day not ingested, 1 ingested but not classified, 1 block failed" in text
    assert "file:///never.nc" in text
    first, last = (schema.day_date(schema.block_days(250)[k]) for k in (0, -1))
    assert f"detect of noaa18, block 250 ({first} to {last}): OSError: <i>disk full</i>" in text
    assert "noaa18 2019-12-01" in text
    assert "3 of 7 satellite-days classified" in text


def test_events_of_a_replaced_file_are_called_outdated(copy: tuple[Work, Run]) -> None:
    work, run = copy
    record = work.ledger.read("noaa18", 250) or {}
    record["days"]["2019-12-01"]["source"]["sha256"] = "0" * 64
    work.ledger.commit(record)
    remap(work, run)
    data = write_report(work, run).read_bytes()
    text = text_of(data)
    assert "Outdated: 1 satellite-day in these results was classified from a file that was replaced" in text
    assert "noaa18 2019-12-01: now ingested, not classified" in text
    assert "3 of 6 satellite-days classified" in text
    html5lib.HTMLParser(strict=True).parse(data)


def test_a_page_is_not_made_without_maps_or_with_those_of_another_state(copy: tuple[Work, Run]) -> None:
    work, run = copy
    run.ledger.path("metop01", 248).unlink()
    before = run.report.read_bytes() if run.report.exists() else None
    with pytest.raises(LedgerError, match=r"satellite_days_not_classified was 0, now 1.*run map first"):
        write_report(work, run)
    remap(work, run)
    write_report(work, run)
    fail_many(work, 1)
    with pytest.raises(LedgerError, match="satellite_days_quarantined was 2, now 3"):
        write_report(work, run)
    run.occurrence.unlink()
    with pytest.raises(LedgerError, match="run 'r' has no maps yet; run map first"):
        write_report(work, run)
    assert before is None or run.report.read_bytes() != before


def test_a_lost_shard_is_named_instead_of_drawn_as_nothing(copy: tuple[Work, Run]) -> None:
    work, run = copy
    for satellite in ("noaa18", "metop01"):
        for block in (248, 250):
            shard = open_records(work, satellite).shard_path("electron_flux", block)
            shard.unlink(missing_ok=True)
    with pytest.raises(StoreError, match=r"electron_flux.* is missing although its block is done"):
        write_report(work, run)


def test_the_figures_of_the_map_are_shown_if_they_were_made_with_it(copy: tuple[Work, Run]) -> None:
    work, run = copy
    figure = run.root / "occurrence_REP.png"
    figure.write_bytes(b"other colours")
    note_results(work, run, [run.occurrence, figure])
    shown = embed(b"other colours").encode()
    assert shown in write_report(work, run).read_bytes()
    figure.write_bytes(b"not noted")
    page = write_report(work, run).read_bytes()
    assert shown not in page
    assert embed(b"not noted").encode() not in page


def test_no_events(
    archive: Path, random_model: Bundle, models_folder: Path, tmp_path: Path, drawn: None
) -> None:
    weights = dict(random_model.weights)
    weights["softmax_bias"] = np.array([1e4, 0, 0], np.float32)
    silent = save_bundle(models_folder / "silent", {"name": "silent"}, weights, random_model.scaling)
    data = write_report(*build(tmp_path, archive, silent)).read_bytes()
    html5lib.HTMLParser(strict=True).parse(data)
    text = text_of(data)
    assert "0 REP and 0 CSS events" in text
    assert "The run found no events." in text
    assert Tags(data).names.count("img") == 6


def test_one_day(random_model: Bundle, tmp_path: Path, drawn: None) -> None:
    fake.write_granule(
        fake.granule_path(tmp_path / "a", "metop03", "2020-02-29"), fake.variables("metop03", "2020-02-29")
    )
    data = write_report(*build(tmp_path / "w", tmp_path / "a", random_model)).read_bytes()
    html5lib.HTMLParser(strict=True).parse(data)
    text = text_of(data)
    assert "1 satellite (metop03), 2020-02-29 to 2020-02-29, 1 of 1 satellite-day classified" in text
    assert "The run kept no probabilities" in text
    assert "No file:" not in text.replace("No file: between", "")


def test_rules_are_those_of_the_run(
    written: bytes, archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    assert "Events of one class that start within 5 records of the one before are joined" in text_of(written)
    assert "reaches 363.63636" in text_of(written)
    work, run = build(tmp_path, archive, random_model, mode="published-2022", name="<b> $(x)")
    text = text_of(write_report(work, run).read_bytes())
    assert "are joined" not in text
    assert "363.63636" not in text
    assert "A look back before the first record continues at the end of the day." in text
    assert "reprocess events WORK --run '<b> $(x)' -o events.csv" in text
    run.describe({"rules": (run.read_identity() or {})["rules"] | {"mask_anomaly": "deep <i>"}})
    assert "mask_anomaly: deep <i>" in text_of(write_report(work, run).read_bytes())


def test_the_card_of_the_model_is_told(copy: tuple[Work, Run]) -> None:
    work, run = copy
    card = {
        "title": "Trained on simulated events <b>only</b>", "notes": ["One.", "Two."],
        "licence": "none stated", "citation": "Somebody (2026)",
        "metrics": {"f1": 0.25, "data": "windows", "by_class": {"REP": 1}},
    }  # fmt: skip
    run.describe({"model_card": card})
    text = text_of(write_report(work, run).read_bytes())
    for words in (
        "Model random: Trained on simulated events <b>only</b>.",
        "NotesOne.",
        "Two.",
        "none stated",
        "Model: Somebody (2026)",
        "data: windows; f1: 0.25",
    ):
        assert words in text


def test_the_card_is_kept_with_the_run(whole: tuple[Work, Run], random_model: Bundle) -> None:
    identity = whole[1].read_identity() or {}
    assert identity["model_card"]["title"] == "random weights"
    kept = Bundle(random_model.path, identity["model_card"], {}, random_model.scaling)
    assert kept.sha256 == random_model.sha256


def test_probabilities_are_drawn_if_kept(written: bytes) -> None:
    text = text_of(written)
    assert "The run kept no probabilities" not in text
    assert text.count("events by E4 flux at 0°, without those during calibrations") == 2
    assert DRAWN == 3


def test_the_citation_is_that_of_the_project(written: bytes) -> None:
    text = text_of(written)
    cff = (REPOSITORY / "CITATION.cff").read_text()
    for words in (
        "Identification and Classification of Relativistic Electron Precipitation",
        "858990",
        "Capannolo",
    ):
        assert words in cff
        assert words in text
    (doi,) = re.findall(r"doi: (\S+)", cff)
    assert f"doi:{doi}" in text
    assert f'href="https://doi.org/{doi}"'.encode() in written
