"""Where the real files are, and days that several tests look at.

REPROCESS_SHARED names the folder with real files and the schema; by default it is looked for beside
the checkout. It is never part of the project, so tests that need it skip without it.
"""

import datetime as dt
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from reprocess.simulate import simulate_day

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shared():
    folder = Path(os.environ.get("REPROCESS_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "archive").is_dir():
        pytest.skip(f"no real files in {folder}; set REPROCESS_SHARED to the folder that holds archive/")
    return folder


@pytest.fixture(scope="session")
def comparison():
    """docs/plot_simulator.py: what the documentation reports is what is tested."""
    spec = importlib.util.spec_from_file_location("plot_simulator", REPOSITORY / "docs" / "plot_simulator.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def real_files(shared):
    return sorted((shared / "archive").glob("*/*/poes_*_proc.nc"))


@pytest.fixture(scope="session")
def eventful_day():
    """A satellite-day with many events: variables and truth."""
    return simulate_day("noaa18", dt.date(2015, 3, 4), seed=1, events_per_day=30.0)
