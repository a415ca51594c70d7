"""The benchmarks run: what they measure is the code as it is."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reprocess.classifier.bundle import Bundle, load_bundle
from reprocess.ingest.stage import plan_ingest
from reprocess.sources.listing import list_archive
from reprocess.work.paths import Work
from reprocess.work.store import open_records
from tests.benchmarks import against, whole, whole_against, workers
from tests.benchmarks.parts import PARTS, time_parts
from tests.benchmarks.stages import STAGES
from tests.benchmarks.tracked import block
from tests.report.test_page import build

FOLDER = Path(workers.__file__).parent


@pytest.mark.parametrize("name", sorted(p.stem for p in FOLDER.glob("[!_]*.py")))
def test_every_benchmark_can_be_imported(name: str) -> None:
    importlib.import_module(f"tests.benchmarks.{name}")


def test_stages_do_what_they_are_named_after(
    fake_archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    for name in ("ingest", "detect onnxruntime", "detect published-2022"):
        prepared = STAGES[name](fake_archive, tmp_path, 1, random_model.path)
        record = prepared()
        assert record["stage"] == name.split()[0]
        assert len(record["days"]) == 1
        if name in PARTS:
            assert min(time_parts(name, prepared).values()) > 0, "a part is no longer called"


def test_what_asv_tracks_is_there_to_be_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(block, "DAYS", 1)
    tracked = block.Block()
    root = tracked.setup_cache()
    tracked.setup(root)
    tracked.time_ingest(root)
    assert (tracked.new / "archive.zarr").is_dir()
    tracked.teardown(root)
    assert not tracked.new.exists()
    configuration = json.loads((FOLDER / "asv.conf.json").read_text())
    assert (FOLDER / configuration["benchmark_dir"] / "block.py").samefile(block.__file__)
    assert (FOLDER / configuration["repo"] / "pyproject.toml").is_file()
    assert 20 < tracked.track_archive(root) < 80  # one day bears all of the metadata
    assert 0 < tracked.track_windows(root) < 0.1


def test_both_stages_are_timed_on_workers_that_load_nothing_else(
    fake_archive: Path, random_model: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_and_more_for_libraries_of_the_client() -> float:
        return 1.0 + len({"dask.array", "xarray", "matplotlib"} & sys.modules.keys())

    monkeypatch.setattr(workers, "peak_mb", one_and_more_for_libraries_of_the_client)
    found = workers.measure(fake_archive, tmp_path / "w", 1, False, random_model.path)
    assert found["ingest_worker_MB"] == found["detect_worker_MB"] == 1 < found["main_MB"]
    assert found["days"] == 4
    assert {found["ingest_tasks"], found["detect_tasks"]} == {2}
    assert all(value > 0 for value in found.values())


def test_old_and_new_are_told_by_medians_of_rounds_and_of_ratios() -> None:
    rounds = [[{"x": 1.0}, {"x": 0.5}], [{"x": 4.0}, {"x": 4.0}], [{"x": 2.0}, {"x": 0.5}]]
    assert against.table("abc", rounds).splitlines()[2:] == ["| x | 2 | 0.5 | 0.50 |"]


def test_events_that_differ_are_told() -> None:
    old = pd.DataFrame({"start_time": [1, 2], "L": [4.0, np.nan], "run": ["a", "a"], "gone": [0, 0]})
    new = old.drop(columns="gone").assign(run="b", more=0)
    assert "the same in all 2 columns" in against.differences(old, new)
    assert "differ in L" in against.differences(old, new.assign(L=[4.0, 5.0]))
    assert "1 in the new one: they differ" in against.differences(old, new[:1])


def test_only_code_of_the_tree_itself_is_measured(tmp_path: Path) -> None:
    package = tmp_path / "tests" / "benchmarks"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").write_text("AS_A_WORKER = {}\n")
    with pytest.raises(SystemExit, match="not what is in"):
        against.Tree.at("a tree without reprocess", tmp_path)


class Here(against.Tree):
    """This code in this process; it makes no map, and knows of one archive."""

    def command(self, *words: object) -> tuple[float, float]:
        _, archive, work, bundle = words
        if not Path(str(work)).exists():
            build(Path(str(work)), Path(str(archive)), load_bundle(Path(str(bundle))))
        return 0, 0

    def python(self, *words: object) -> None:
        small, new, blocks = words[2:]
        whole.copy(Path(str(small)), Path(str(new)), int(str(blocks)))


@pytest.mark.usefixtures("short_record_axis")
def test_an_archive_that_is_copied_knows_all_files_of_its_listing(
    fake_archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    listing, here = tmp_path / "listing", Here("here", against.REPOSITORY, {})
    whole_against.prepare(here, fake_archive, listing, tmp_path, 9, [str(random_model.path)])
    work, known = Work(tmp_path / "whole"), list_archive(str(listing)).granules
    assert plan_ingest(work, known) == []
    assert len(known) == sum(len(receipt["days"]) for receipt in work.ledger.done()) > 9
    assert all(work.archived(g.satellite, g.block) for g in known)
    for g in known:
        (first,) = open_records(work, g.satellite).read_day(g.day, 1, ("time",))["time"]
        assert str(first.astype("datetime64[ms]"))[:10] == g.date.isoformat(), "the page draws these"


def test_both_codes_are_told_by_command() -> None:
    old, new = against.Watched(4, 5, 100), against.Watched(1, 2, 50)
    line = whole_against.table("abc", [{"map": [old, new]}]).splitlines()[-1]
    assert line == "| `map` | 4 | 1 | 0.25 | 5 | 2 | 100 | 50 |"
