"""docs/worked_example.py: what is asked of known truth comes back, in a small variant."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.support.places import REPOSITORY


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("worked_example", REPOSITORY / "docs/worked_example.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["worked_example"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def truth(example: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(example, "EVERY", 60)
        return example.simulate(tmp_path_factory.mktemp("example") / "w", 430, ("noaa18", "metop02"), seed=6)


def test_rates_come_back(example: ModuleType, truth: object) -> None:
    """All sectors share the activity of the year, so each is looked at with three times its interval."""
    for kind in ("REP", "CSS"):
        for one in example.rates_by_sector(truth, kind):
            if np.isfinite(one.lower):
                assert one.lower - 2 * (one.found - one.lower) <= one.truth
                assert one.truth <= one.upper + 2 * (one.upper - one.found)
                assert one.upper - one.lower > one.poisson[1] - one.poisson[0]


def test_the_questions_are_answered(example: ModuleType, truth: object) -> None:
    waves = list(example.rates_by_sector(truth, "REP"))
    assert all(one.lower > 0 for one in waves), "waves at any local time"
    difference, p = example.dusk(truth)
    assert difference.lower > 0
    assert p < 0.01
    night, day = example.night_side(truth)
    assert night.lower > 100 * day.upper, "current sheet scattering by night alone"
    by_day, by_night = example.widths(truth)
    assert by_day.lower > by_night.upper, "wider by day"
    for one in (by_day, by_night):
        assert one.found == pytest.approx(one.truth, rel=0.08)


def test_satellites_agree(example: ModuleType, truth: object) -> None:
    found = example.agreement(truth)
    assert found.attrs["bins_tested"] > 10
    assert found.attrs["bins_that_differ"] <= 0.15 * found.attrs["bins_tested"]


def test_it_prints_what_the_page_shows(
    example: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["worked_example.py", str(tmp_path / "w"), "--days", "40"])
    monkeypatch.setattr(example, "EVERY", 90)
    example.main()
    printed = capsys.readouterr().out
    page = (REPOSITORY / "docs" / "worked_example.md").read_text()
    for row in ("| 00-03 h |", "| 15-21 h less 03-09 h |", "| 21-24 h |", "| day |"):
        assert row in printed
        assert row in page
