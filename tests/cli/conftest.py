"""What commands that look at a run have in common."""

from pathlib import Path

import pytest

from reprocess.classifier.bundle import Bundle
from reprocess.work.paths import Work
from tests.support import labelled


@pytest.fixture(scope="module")
def work(
    short_record_axis: None,
    random_model: Bundle,
    fake_archive: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Work:
    work = labelled.ingest(fake_archive, tmp_path_factory.mktemp("classified") / "w")
    labelled.classify(work, random_model)
    return work
