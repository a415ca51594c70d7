"""A small archive, classified by the random model in two modes and by rules that differ in one."""

import shutil
from pathlib import Path

import pytest

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from reprocess.detect.block import detect_block
from reprocess.detect.plan import Settings
from reprocess.detect.stage import claim, plan_detect
from reprocess.work.asked import read_asked
from reprocess.work.paths import Run, Work
from tests.support.labelled import ingest, write_days

DAYS = {("noaa18", "2015-03-01"): 600, ("noaa18", "2015-03-02"): 500, ("metop01", "2015-03-01"): 400}
EVENTS = [
    ("noaa18", "2015-03-01T23:45:00", "2015-03-01T23:45:20", "REP"),
    ("noaa18", "2015-03-01T23:50:00", "2015-03-01T23:50:10", "CSS"),
    ("noaa18", "2015-03-01T23:59:50", "2015-03-02T00:00:30", "CSS"),
    ("metop01", "2015-03-01T23:55:00", "2015-03-01T23:55:20", "REP"),
]


def detect(work: Work, model: Bundle, name: str, mode: str, **rules: object) -> Run:
    """Classify everything that WORK has, without Dask."""
    run = work.run(name)
    settings = Settings(model.path, model.sha256, mode, "onnxruntime", False, False, rules)
    claim(run, settings)
    for plan in plan_detect(work, run, settings, read_asked(work.asked)):
        detect_block(plan)
    return run


@pytest.fixture(scope="package")
def compared(tmp_path_factory: pytest.TempPathFactory, random_model: Bundle) -> Work:
    """Runs ``published``, ``continuous`` and ``plain``, which has rule `decode` off."""
    folder = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "RECORDS", 1000)
        patched.setitem(schema.DIMS, "record", 1000)
        archive = write_days(folder / "archive", DAYS, EVENTS, [("noaa18", "2015-03-02")])
        work = ingest(archive, folder / "work")
        detect(work, random_model, "published", "published")
        detect(work, random_model, "continuous", "continuous", significance=None)
        detect(work, random_model, "plain", "continuous", significance=None, decode=None)
    return work


@pytest.fixture
def fewer(compared: Work, tmp_path: Path) -> Work:
    """The same WORK, with a day of noaa18 gone from the run ``plain``."""
    work = Work(Path(shutil.copytree(compared.root, tmp_path / "work")))
    run = work.run("plain")
    for receipt in list(run.ledger.done()):
        if receipt["satellite"] == "metop01":
            run.ledger.withdraw("metop01", receipt["block"])
    return work
