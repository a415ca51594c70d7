"""The audit works properties out again: what was changed, or was made from something else, is named."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from reprocess.audit.finding import Finding
from reprocess.audit.stage import audit
from reprocess.catalogue.properties import describe_block
from reprocess.catalogue.stage import plan_describe
from reprocess.classifier.bundle import Bundle
from reprocess.work.described import PROPERTIES, made_from, write_properties
from reprocess.work.paths import Run, Work
from tests.support import fake, labelled

pytestmark = pytest.mark.usefixtures("short_record_axis")

DAYS = {("noaa18", "2015-03-01"): 900}
EVENTS = [
    (
        "noaa18",
        labelled.record_time("2015-03-01", first),
        labelled.record_time("2015-03-01", first - 9),
        kind,
    )
    for first, kind in ((300, "REP"), (500, "CSS"))
]


@pytest.fixture(scope="module")
def described(short_record_axis: None, random_model: Bundle, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("described")
    work = labelled.ingest(labelled.write_days(folder / "archive", DAYS, EVENTS), folder / "w")
    labelled.classify(work, random_model)
    for plan in plan_describe(work, work.runs()[0]):
        assert describe_block(plan) > 1
    return work.root


@pytest.fixture
def work(described: Path, tmp_path: Path) -> Work:
    return Work(shutil.copytree(described, tmp_path / "w"))


@pytest.fixture
def run(work: Work) -> Run:
    return work.runs()[0]


def part(run: Run) -> Path:
    return next(run.properties.rglob("*.parquet"))


def findings(work: Work) -> list[Finding]:
    found, _ = audit(work, work.runs(), None, fake.Silence())
    return [finding for finding in found if "properties" in finding.path]


def change(path: Path, name: str, index: int, factor: float) -> None:
    """Change one value; the part still says what it was made from."""
    columns = pq.read_table(path, schema=PROPERTIES).to_pydict()
    columns[name][index] = columns[name][index] * factor
    write_properties(path, columns, {k: v for k, v in made_from(path).items() if not k.startswith("ARROW")})


def test_properties_as_they_were_made_are_sound(work: Work) -> None:
    assert findings(work) == []


def test_events_that_were_never_described_claim_nothing(work: Work, run: Run) -> None:
    shutil.rmtree(run.properties)
    assert findings(work) == []


@pytest.mark.parametrize("name", ["energy_flux_40", "energy_flux_612"])
def test_a_changed_value_is_named(work: Work, run: Run, name: str) -> None:
    values = pq.read_table(part(run), schema=PROPERTIES).to_pandas()[name].to_numpy()
    index = int(np.flatnonzero(values > 0)[0])
    change(part(run), name, index, 1.01)
    (found,) = findings(work)
    assert found.kind == "contradiction"
    assert name in found.expected
    assert found.found == str(np.float64(values[index]) * 1.01) or float(found.found) > values[index]
    assert "describe" in found.remedy


def test_the_last_digit_is_that_of_the_processor(work: Work, run: Run) -> None:
    values = pq.read_table(part(run), schema=PROPERTIES).to_pandas()["energy_flux_40"].to_numpy()
    change(part(run), "energy_flux_40", int(np.flatnonzero(values > 0)[0]), 1 + 1e-9)
    assert findings(work) == []


def test_parts_of_other_events_are_outdated(work: Work, run: Run) -> None:
    columns = pq.read_table(part(run), schema=PROPERTIES).to_pydict()
    origin = {k: v for k, v in made_from(part(run)).items() if not k.startswith("ARROW")}
    write_properties(part(run), columns, origin | {"archive_sha256": "0" * 64})
    assert [(f.kind, f.found) for f in findings(work)] == [("outdated", "archive_sha256 " + "0" * 64)]


def test_fewer_rows_than_events_are_a_contradiction(work: Work, run: Run) -> None:
    columns = pq.read_table(part(run), schema=PROPERTIES).to_pydict()
    origin = {k: v for k, v in made_from(part(run)).items() if not k.startswith("ARROW")}
    write_properties(part(run), {name: values[:1] for name, values in columns.items()}, origin)
    (found,) = findings(work)
    assert (found.kind, found.found) == ("contradiction", "1 other")


def test_what_cannot_be_read_is_damaged(work: Work, run: Run) -> None:
    part(run).write_bytes(b"no table")
    assert [f.kind for f in findings(work)] == ["damaged"]
    part(run).write_bytes(b"")
    assert [f.kind for f in findings(work)] == ["damaged"]


def test_files_of_nobody_are_named(work: Work, run: Run) -> None:
    stray = run.properties / "satellite=noaa18" / "block-0001.parquet"
    shutil.copyfile(part(run), stray)
    assert [(f.kind, f.path) for f in findings(work)] == [
        ("unclaimed", stray.relative_to(work.root).as_posix())
    ]


def test_a_part_whose_data_cannot_be_read_is_damaged(work: Work, run: Run) -> None:
    data = bytearray(part(run).read_bytes())
    data[4:200] = bytes(196)  # columns; what it was made from stands at the end
    part(run).write_bytes(data)
    assert made_from(part(run))
    assert [f.kind for f in findings(work)] == ["damaged"]
