"""What a run is predicted to read and cost; tests/integration compares it with what it does."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from reprocess import schema
from reprocess.classifier.bundle import Bundle, find_model, load_bundle, save_bundle, weight_shapes
from reprocess.classifier.features import Scaling
from reprocess.cli import main
from reprocess.errors import PlanError
from reprocess.execution import costs
from reprocess.execution.forecast import Resources, count_files, make_plan, worker_memory
from reprocess.schema import BUNDLED_MODEL
from reprocess.schema.granules import Granule
from reprocess.sources.listing import list_archive

MB = 1_000_000
FULL = costs.RECORDS_PER_DAY * costs.SOURCE_BYTES_PER_RECORD


def asked(engine: str = "onnxruntime", **options: Any) -> Resources:
    given = {"operations": 600_000, "mode": "published", "dense": options.get("classes", False)} | options
    return Resources(engine, **given)


def day(date: str, satellite: str = "noaa18", size: int = FULL) -> Granule:
    return Granule(satellite, schema.day_index(date), "u", size, "v")


ARCHIVE = [
    day("2018-12-31"),
    day("2019-01-01"),
    day("2019-03-01", size=FULL // 2),
    day("2019-01-01", "metop01"),
]


def test_satellite_days_are_told_by_satellite_and_year() -> None:
    made = make_plan(ARCHIVE, asked())
    assert (made["satellite_days"], made["blocks"], made["bytes_to_read"]) == (4, 3, FULL * 7 // 2)
    assert list(made["satellites"]) == ["metop01", "noaa18"]
    noaa18 = made["satellites"]["noaa18"]
    assert (noaa18["satellite_days"], noaa18["blocks"]) == (3, 2)
    assert {year: y["satellite_days"] for year, y in noaa18["years"].items()} == {"2018": 1, "2019": 2}
    for key in ("satellite_days", "bytes_to_read"):
        assert sum(y[key] for s in made["satellites"].values() for y in s["years"].values()) == made[key]
    assert sum(s["blocks"] for s in made["satellites"].values()) == made["blocks"]


@pytest.mark.parametrize("engine", costs.DETECT)
def test_cpu_time_goes_by_records_and_blocks(engine: str) -> None:
    predicted = make_plan(ARCHIVE, asked(engine, workers=2))["predicted"]
    assert predicted["records"] == costs.RECORDS_PER_DAY * 7 // 2
    for stage, cost in (("ingest", costs.INGEST), ("detect", costs.DETECT[engine])):
        operations = costs.WINDOW_SHARE["published"] * 43_200 * 600_000 if stage == "detect" else 0
        a_day = cost.day_cpu_s + operations / costs.OPERATIONS_PER_S[engine]
        expected = (3.5 * a_day + 3 * cost.block_cpu_s) / 3600
        assert predicted["cpu_hours"][stage] == pytest.approx(expected)
    assert predicted["wall_hours"] == pytest.approx(sum(predicted["cpu_hours"].values()) / 2)


def test_time_of_the_network_goes_by_the_model_and_the_windows() -> None:
    def detect(**options: Any) -> float:
        hours: float = make_plan(ARCHIVE, asked(**options))["predicted"]["cpu_hours"]["detect"]
        return hours

    share, rest = costs.WINDOW_SHARE["published"], detect(operations=0)
    changes: list[dict[str, Any]] = [
        {},
        {"operations": 2_400_000},
        {"mode": "published-2022"},
        {"dense": True},
    ]
    sparse, wide, many, every = (detect(**change) - rest for change in changes)
    assert wide == pytest.approx(4 * sparse)
    assert many == pytest.approx(costs.WINDOW_SHARE["published-2022"] / share * sparse)
    assert every == pytest.approx(sparse / share)


def test_operations_of_the_papers_network() -> None:
    shapes = weight_shapes()
    scaling = Scaling((0.01, 100.0), 0.001, (0.0,) * 8, (1.0,) * 8)
    bundle = Bundle(Path(), {}, {name: np.empty(shape) for name, shape in shapes.items()}, scaling)
    step = 2 * (8 * 256 + 64 * 256)  # both directions
    assert bundle.operations == 2 * (7 * step + 128 * 256 + 256 * 3)


def test_more_workers_than_blocks_are_of_no_use() -> None:
    three, many = (make_plan(ARCHIVE, asked(workers=n))["predicted"] for n in (3, 50))
    assert three["wall_hours"] == many["wall_hours"]
    assert many["memory_bytes"] == 50 * many["worker_memory_bytes"]


def test_large_file_is_no_more_than_a_day_of_records() -> None:
    predicted = make_plan([day("2019-01-01", size=100 * FULL)], asked())["predicted"]
    assert predicted["records"] == costs.RECORDS_PER_DAY


def test_keeping_classes_takes_more_disk_and_files() -> None:
    without, kept = (make_plan(ARCHIVE, asked(classes=c))["predicted"] for c in (False, True))
    assert kept["disk_bytes"] - without["disk_bytes"] == without["records"] * costs.CLASSES_BYTES_PER_RECORD
    assert kept["files"] > without["files"]
    assert kept["cpu_hours"]["detect"] > 3 * without["cpu_hours"]["detect"]  # every window is classified
    assert kept["cpu_hours"]["ingest"] == without["cpu_hours"]["ingest"]


def test_files_per_block_stay_few_over_the_whole_archive() -> None:
    whole = [day(f"{year}-{month:02}-01", s, FULL) for s in schema.SATELLITES for year in range(2012, 2026)
             for month in range(1, 13)]  # fmt: skip
    blocks = make_plan(whole, asked())["blocks"]
    assert count_files(whole, classes=True) / blocks < 60


@pytest.mark.parametrize("engine", costs.DETECT)
def test_worker_that_cannot_hold_a_block_is_refused(engine: str) -> None:
    needed = worker_memory(engine)
    peak = max(costs.INGEST.memory, costs.DETECT[engine].memory)
    assert needed * costs.USABLE_MEMORY == pytest.approx(peak)
    make_plan(ARCHIVE, asked(engine, memory=needed))
    with pytest.raises(PlanError, match=f"with {(needed - MB) / 1e6:.0f} MB cannot hold a block") as error:
        make_plan(ARCHIVE, asked(engine, memory=needed - MB))
    assert f"a limit of {needed / 1e6:.0f} MB" in str(error.value)


def plan(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["plan", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_plan_is_printed_for_people(fake_archive: Path) -> None:
    text = plan(fake_archive, "--workers", 2)
    assert "noaa18   2019     3 satellite-days" in text
    assert "4 satellite-days in 3 blocks" in text
    assert "with 2 workers" in text
    assert f"a limit of {worker_memory('onnxruntime') / 1e6:.0f} MB a worker" in text


def test_plan_is_printed_for_programs(fake_archive: Path) -> None:
    options = ("--json", "--workers", 2, "--satellite", "noaa18", "--model", BUNDLED_MODEL)
    made = json.loads(plan(fake_archive, *options))
    granules = [g for g in list_archive(str(fake_archive)).granules if g.satellite == "noaa18"]
    operations = load_bundle(find_model(BUNDLED_MODEL)).operations
    expected = make_plan(granules, asked(operations=operations, workers=2))
    assert made == {"archive": str(fake_archive), "left_out": []} | expected


def test_plan_takes_what_decides_the_cost_of_a_run(
    fake_archive: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REPROCESS_MODELS", str(tmp_path / "none"))
    tensors = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(units=16).items()}
    small = save_bundle(
        tmp_path / "small", {"name": "small"}, tensors, Scaling((0.01, 100.0), 0.001, (0.0,) * 8, (1.0,) * 8)
    )

    def detect(*options: str) -> float:
        made = json.loads(plan(fake_archive, "--json", *options))
        hours: float = made["predicted"]["cpu_hours"]["detect"]
        return hours

    default = detect()
    assert detect("--mode", "published-2022") > default
    assert detect("--dense") == detect("--classes") > detect("--mode", "published-2022")
    assert detect("--engine", "tensorflow") != default
    operations = load_bundle(find_model(BUNDLED_MODEL)).operations
    monkeypatch.setitem(costs.DETECT, "onnxruntime", costs.Cost(0, 0, 0))
    ratio = detect("--model", str(small.path)) / detect()
    assert ratio == pytest.approx(small.operations / operations)
    assert ratio < 1
    assert "no model 'nosuch'" in plan(fake_archive, "--model", "nosuch", code=2)


def test_too_little_memory_is_refused_before_the_archive_is_listed() -> None:
    assert "cannot hold a block" in plan("nosuch://archive", "--memory", "300MB", code=2)
    assert "nosuch" in plan("nosuch://archive", "--memory", "4GB", code=2)


@pytest.mark.parametrize(
    ("days", "words"), [(1, "0.5 s of CPU"), (300, "2.6 min of CPU"), (27000, "3.9 h of CPU")]
)
def test_times_are_told_in_fitting_units(
    days: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprocess.sources import listing

    monkeypatch.setattr(costs, "INGEST", costs.Cost(0.14, 0, 500 * MB))
    monkeypatch.setitem(costs.DETECT, "onnxruntime", costs.Cost(0.38, 0, 278 * MB))
    monkeypatch.setitem(costs.OPERATIONS_PER_S, "onnxruntime", float("inf"))
    one = day("2019-01-01")
    listed = listing.Listing([one] * days, [])
    monkeypatch.setattr(listing, "list_archive", lambda *_: listed)
    assert words in plan("x")
