"""A run watched from outside: page, metrics and performance report say what the ledger says.

The scheduler is an external one, as on a cluster: the second command finds what the first did.
"""

import html
import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from bokeh.client import pull_session
from bokeh.document import Document
from distributed import Client, LocalCluster
from playwright.sync_api import Page, sync_playwright

from reprocess.classifier.bundle import Bundle
from reprocess.monitoring.board import STATES
from reprocess.monitoring.scheduler import TOPIC
from tests.support import fake
from tests.support.command import reprocess
from tests.support.states import block, job, states

RUN = "random-published"
NOT_HDF5 = b"<html><script>document.title='owned'</script>"


@dataclass
class Watched:
    """What two commands on one scheduler gave."""

    work: Path
    state: dict[str, Any]
    """What ``reprocess status --json`` prints."""
    url: str
    """Port of the scheduler's dashboard."""
    document: Document
    metrics: dict[str, float]
    errors: str
    """What the second command wrote to standard error."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    options = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, threads_per_worker=1, **options) as found:
        yield found


@pytest.fixture(scope="module")
def watched(
    cluster: LocalCluster, fake_archive: Path, random_model: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> Watched:
    """An archive with a bad file, ingested in two steps, with a shard that was lost in between."""
    folder = tmp_path_factory.mktemp("watched")
    archive, work = shutil.copytree(fake_archive, folder / "archive"), folder / "w"
    fake.granule_path(archive, "noaa18", "2019-10-25").write_bytes(NOT_HDF5)
    where = ("--scheduler", cluster.scheduler_address)
    reprocess("ingest", archive, work, "--satellite", "noaa18", "--performance-report", *where, code=3)
    (work / "archive.zarr/noaa18/electron_flux/c/250/0/0/0").unlink()
    options = ("--model", "random", "--performance-report")
    done = reprocess("run", archive, work, *options, *where, code=4)
    state = json.loads(reprocess("status", work, "--json", code=4).stdout)
    url = cluster.dashboard_link.removesuffix("/status")
    with pull_session(url=f"{url}/reprocess") as session:
        document = session.document
    return Watched(work, state, url, document, _metrics(url), done.stderr)


def _metrics(url: str) -> dict[str, float]:
    """Return our metrics by name and labels."""
    with urllib.request.urlopen(f"{url}/metrics") as answer:  # noqa: S310  # our own server
        lines = answer.read().decode().splitlines()
    assert any(line.startswith("dask_scheduler_workers{") for line in lines), "Dask's metrics are there too"
    samples = (line.rsplit(" ", 1) for line in lines if line.startswith("reprocess_"))
    return {name: float(value) for name, value in samples}


def _data(document: Document, name: str) -> dict[str, np.ndarray]:
    return {key: np.asarray(values) for key, values in document.select_one({"name": name}).data.items()}


def test_the_bars_are_what_the_ledger_says(watched: Watched) -> None:
    bars = _data(watched.document, "progress")
    assert list(zip(bars["satellite"], bars["month"], strict=True)) == [
        ("MetOp-B", "2019-10"), ("NOAA-18", "2019-10"), ("NOAA-18", "2019-12"),
    ]  # fmt: skip
    ingest, run = watched.state["ingest"], watched.state["runs"][RUN]
    assert bars["planned"].sum() == sum(s["planned"] for s in ingest["satellites"].values()) == 4
    assert bars["quarantined"].sum() == len(ingest["quarantined"]) == 1
    assert bars["classified"].sum() == run["days_done"] == 2
    assert bars["failed"].tolist() == [0, 0, 1]
    assert (bars["failed"] + bars["ok"]).sum() == len(run["missing"]) == 1


def test_the_map_is_the_one_that_the_run_ends_with(watched: Watched) -> None:
    with xr.open_dataset(watched.work / "runs" / RUN / "occurrence.nc", engine="scipy") as final:
        for name in final.event_class.values:
            shown, expected = _data(watched.document, f"map_{name}"), final.sel(event_class=name)
            assert expected.events.sum() > 0
            np.testing.assert_array_equal(shown["events"], expected.events.values.ravel())
            np.testing.assert_array_equal(shown["hours"], final.dwell.values.ravel() / 3600)
            np.testing.assert_array_equal(shown["value"], expected.event_rate.values.ravel())


def test_the_numbers_and_troubles_are_those_of_status(watched: Watched) -> None:
    head = re.sub("<[^>]*>", " ", watched.document.select_one({"name": "head"}).text)
    ingest, run = watched.state["ingest"], watched.state["runs"][RUN]
    records = sum(s["records"] for s in ingest["satellites"].values())
    for words in (
        "3 of 4 satellite-days ingested", "2 classified", "1 quarantined", f"{records:,} records",
        *(f"{count:,} {name} events" for name, count in run["events"].items()), "1 failed blocks", "ended",
    ):  # fmt: skip
        assert words in " ".join(head.split())
    tables = [watched.document.select_one({"name": name}).text for name in ("failures", "left_out")]
    (failed,), (day,) = run["failed_blocks"], ingest["quarantined"]
    for reason, table in zip((failed["reason"], day["detail"]), tables, strict=True):
        assert html.escape(reason) in table


def test_the_pace_is_of_this_command_alone(watched: Watched) -> None:
    ingested, detected = (_data(watched.document, f"pace_{stage}")["days"] for stage in ("ingest", "detect"))
    assert ingested.tolist() == [0, 1], "noaa18 was ingested by the command before"
    assert detected.tolist() == [0, 1, 2]


def test_the_metrics_are_what_the_ledger_says(watched: Watched) -> None:
    found, run = watched.metrics, watched.state["runs"][RUN]
    for name, count in run["events"].items():
        assert found[f'reprocess_events{{event_class="{name}"}}'] == count
    records = sum(s["records"] for s in watched.state["ingest"]["satellites"].values())
    assert found["reprocess_records"] == records
    expected = dict.fromkeys(STATES, 0) | {"classified": 2, "quarantined": 1, "failed": 1}
    assert {s: found[f'reprocess_satellite_days{{state="{s}"}}'] for s in expected} == expected
    assert found['reprocess_satellite_days_not_usable{reason="not_hdf5",state="quarantined"}'] == 1
    assert found['reprocess_blocks_total{outcome="done",stage="detect"}'] == 2
    assert found['reprocess_blocks_total{outcome="failed",stage="detect"}'] == 1
    assert found['reprocess_stage_blocks{stage="detect"}'] == 3
    assert found['reprocess_satellite_days_processed_total{stage="ingest"}'] == 1
    assert found['reprocess_records_processed_total{stage="ingest"}'] == 400


def test_the_command_says_where_the_page_is_and_writes_the_report(watched: Watched) -> None:
    assert f"this run's page: {watched.url}/reprocess\n" in watched.errors
    for folder, stage in ((watched.work, "ingest"), (watched.work / "runs" / RUN, "detect")):
        text = (folder / "performance.html").read_text()
        assert "Dask Performance Report" in text
        assert f"{stage}-" in text
        assert "cdn.bokeh.org" not in text, "it can be read without a network"


@pytest.fixture
def browser(chromium: Path) -> Iterator[Page]:
    """A page of a headless browser that fails on any error in it."""
    errors: list[str] = []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = running.new_page(viewport={"width": 1400, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("requestfailed", lambda request: errors.append(request.url))
        yield page
        running.close()
    assert not errors


def _figures(page: Page) -> list[dict[str, float]]:
    """Return where figures and texts are on the screen, in pixels."""
    boxes = [found.bounding_box() for found in page.locator(".bk-Figure, .bk-Div").all()]
    return [box for box in boxes if box is not None]


def test_a_browser_shows_it_all_on_one_screen(watched: Watched, browser: Page) -> None:
    browser.goto(f"{watched.url}/reprocess")
    for text in ("3 of 4", "failed blocks", "Days left out: 1"):
        browser.get_by_text(text).first.wait_for()
    assert browser.title() != "owned"
    boxes = _figures(browser)
    assert len(boxes) == 9
    for i, a in enumerate(boxes):
        assert a["x"] >= 0
        assert a["x"] + a["width"] <= 1400
        assert a["y"] + a["height"] <= 900
        for b in boxes[i + 1 :]:
            apart = a["x"] + a["width"] <= b["x"] + 1 or b["x"] + b["width"] <= a["x"] + 1
            below = a["y"] + a["height"] <= b["y"] + 1 or b["y"] + b["height"] <= a["y"] + 1
            assert apart or below, "nothing covers anything else"
    values = browser.evaluate(
        "Array.from(Bokeh.documents[0].get_model_by_name('map_REP').data.events).reduce((a, b) => a + b)"
    )
    assert values == _data(watched.document, "map_REP")["events"].sum()


def test_dasks_own_pages_lead_to_it(watched: Watched, browser: Page) -> None:
    browser.goto(f"{watched.url}/workers")
    browser.get_by_role("link", name="Reprocess", exact=True).click()
    browser.get_by_text("satellite-days ingested").wait_for()


def test_a_page_that_is_open_follows_the_next_job(
    watched: Watched, cluster: LocalCluster, browser: Page
) -> None:
    browser.goto(f"{watched.url}/reprocess")
    browser.get_by_text("3 of 4").wait_for()
    with Client(cluster.scheduler_address) as client:
        client.log_event(TOPIC, job("another", run="another run", client=client.id))
        client.log_event(TOPIC, states(block(days="iiiiiiic..", records=77777), name="another"))
        browser.get_by_text("8 of 10").wait_for()
        browser.get_by_text("77,777").wait_for()
    browser.get_by_text("the command that drives it has gone").wait_for()
