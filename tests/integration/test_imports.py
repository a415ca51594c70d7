"""What a command imports: libraries that take time are loaded by those who use them only."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reprocess.classifier.bundle import Bundle

WORKERS = {"dask", "dask.array", "distributed", "tornado", "bokeh", "prometheus_client", "rich"}
TABLES = {"pandas", "xarray"}
HEAVY = {
    *WORKERS, *TABLES, "zarr", "h5py", "pyarrow", "matplotlib", "scipy", "sklearn", "jinja2", "requests",
    "fsspec", "onnx", "onnxruntime", "tensorflow", "keras", "xlsxwriter",
}  # fmt: skip
"""Whatever takes more than 20 ms to import, but for numpy and click."""

PROGRAM = """
import json, sys
from reprocess.cli import main
try:
    main(sys.argv[1:])
except SystemExit as e:
    code = e.code
names = {name.partition(".")[0] for name in sys.modules} | ({"dask.array"} & sys.modules.keys())
print(json.dumps([code, sorted(names)]), file=sys.stderr)
"""


def loaded(*words: object) -> set[str]:
    """Run a command in a process of its own and return which of the heavy libraries it loaded."""
    program = [sys.executable, "-c", PROGRAM, *map(str, words)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=True)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert not code, done.stderr
    return HEAVY & set(modules)


@pytest.fixture
def one_day(fake_archive: Path, tmp_path: Path) -> Path:
    """An archive of one satellite-day."""
    name = next(fake_archive.rglob("poes_m01_*"))
    copy = tmp_path / "archive" / name.relative_to(fake_archive)
    copy.parent.mkdir(parents=True)
    shutil.copyfile(name, copy)
    return tmp_path / "archive"


def test_help_loads_nothing() -> None:
    assert loaded("run", "--help") == set()


def test_where_nothing_is_to_do_nothing_is_loaded(
    fake_archive: Path, undisturbed: Path, tmp_path: Path
) -> None:
    work = shutil.copytree(undisturbed, tmp_path / "w")
    options = ("--model", "random", "--classes")
    assert loaded("run", fake_archive, work, *options) == set()
    assert loaded("ingest", fake_archive, work) == set()
    assert loaded("detect", work, *options) == set()
    assert loaded("status", work) == set()


def test_what_is_done_in_this_process_loads_no_workers(
    one_day: Path, random_model: Bundle, tmp_path: Path
) -> None:
    work = tmp_path / "w"
    assert loaded("ingest", one_day, work) == {"h5py", "zarr", "fsspec"}
    os.utime(next(one_day.rglob("*.nc")), (0, 0))  # read again, into stores that are whole
    assert loaded("ingest", one_day, work) == {"h5py"}
    detect = loaded("detect", work, "--model", "random", "--partition", "1/1")
    assert detect >= {"onnx", "onnxruntime", "pyarrow"}
    assert not detect & {"distributed", "bokeh", "matplotlib", "sklearn", "requests", "h5py", "zarr", *TABLES}
    drawn = loaded("run", one_day, work, "--model", "random")
    assert drawn >= {"matplotlib", "jinja2"}
    assert not drawn & {"bokeh", "dask", "h5py", "onnxruntime", "sklearn", "requests", "xarray"}
    shutil.rmtree(next((work / "runs").glob("*/report")))  # the page is of tables of pandas
    mapped = loaded("map", work)
    assert mapped >= {"matplotlib", "scipy"}
    others = {"h5py", "jinja2", "onnxruntime", "sklearn", "requests", "zarr"}
    assert not mapped & {*WORKERS, *TABLES, *others}
