"""An archive with known events, classified by the random model."""

from collections.abc import Iterator

import pytest

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from reprocess.work.paths import Work
from tests.support.labelled import classify, event_table, ingest, write_days

DAYS = {
    ("noaa18", "2015-03-01"): 600,
    ("noaa18", "2015-03-02"): 500,
    ("noaa18", "2015-03-03"): 7,
    ("noaa18", "2015-04-01"): 400,
    ("metop01", "2015-03-01"): 400,
}
MORNINGS = [("noaa18", "2015-03-02")]
EVENTS = [
    ("noaa18", "2015-03-01T23:45:00", "2015-03-01T23:45:20", "REP"),
    ("noaa18", "2015-03-01T23:50:00", "2015-03-01T23:50:10", "CSS"),
    ("noaa18", "2015-03-01T23:59:50", "2015-03-02T00:00:30", "CSS"),  # over midnight
    ("noaa18", "2015-03-02T00:10:00", "2015-03-02T00:10:30", "REP"),
    ("noaa18", "2015-03-02T12:00:00", "2015-03-02T12:00:30", "REP"),  # no records then
    ("noaa18", "2015-03-03T23:59:57", "2015-03-03T23:59:58", "REP"),  # a day without windows
    ("noaa18", "2015-04-01T23:50:00", "2015-04-01T23:50:20", "CSS"),
    ("metop01", "2015-03-01T23:55:00", "2015-03-01T23:55:20", "REP"),
]
TRUTH = event_table(EVENTS)


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory, random_model: Bundle) -> Iterator[Work]:
    """Ingested, and classified in all modes."""
    folder = tmp_path_factory.mktemp("evaluated")
    with pytest.MonkeyPatch.context() as patched:  # as short_record_axis, which lives shorter
        patched.setattr(schema, "RECORDS", 1000)
        patched.setitem(schema.DIMS, "record", 1000)
        work = ingest(write_days(folder / "archive", DAYS, EVENTS, MORNINGS), folder / "work")
        for mode in ("published", "published-2022", "continuous"):
            classify(work, random_model, mode)
    return work
