"""A small archive with events over midnight, and runs over it that kept classes."""

import pytest

from reprocess.classifier.bundle import Bundle
from reprocess.work.paths import Work
from tests.support import labelled

DAYS = {("noaa18", "2019-10-24"): 900, ("noaa18", "2019-10-25"): 700, ("noaa18", "2019-10-28"): 400}

OVER = ("noaa18", "2019-10-24T23:59:30", "2019-10-25T00:00:40", "REP")
"""At L 5, so that a crossing of the belt goes on over midnight."""


@pytest.fixture(scope="module")
def work(short_record_axis: None, random_model: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Work:
    """Two days that meet at midnight, and one for itself; runs `random-published` and `random-continuous`."""
    folder = tmp_path_factory.mktemp("plots")
    archive = labelled.write_days(folder / "a", DAYS, events=[OVER], mornings=[("noaa18", "2019-10-25")])
    work = labelled.ingest(archive, folder / "w")
    for mode in ("published", "continuous"):
        labelled.classify(work, random_model, mode)
    return work
