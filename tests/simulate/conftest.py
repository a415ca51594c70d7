"""The real files and days that several tests look at."""

import datetime as dt
import importlib.util
import sys

import pytest

from reprocess.simulate import simulate_day
from tests.support.places import REPOSITORY


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
