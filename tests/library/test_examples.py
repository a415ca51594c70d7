"""Every example in a docstring is run and gives what it says."""

import doctest
import importlib
from pathlib import Path

import pytest
from click.testing import CliRunner

import reprocess
from reprocess.cli import main

PACKAGE = Path(reprocess.__file__).parent


def _with_examples() -> list[str]:
    files = {path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8")}
    return sorted(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first command of the README makes, of fewer days."""
    folder = tmp_path_factory.mktemp("examples")
    span = (
        "--satellite",
        "noaa18",
        "--start",
        "2015-03-01",
        "--days",
        "3",
        "--seed",
        "1",
        "--events-per-day",
        "20",
    )
    for words in (
        ("simulate", folder / "archive", *span),
        ("run", folder / "archive", folder / "work", "--model", "simulated2026", "--mode", "published"),
    ):
        result = CliRunner().invoke(main, [*map(str, words), "--workers", "1"])
        assert result.exit_code == 0, result.output
    return folder / "work"


@pytest.mark.parametrize("name", _with_examples())
def test_examples_give_what_they_say(work: Path, name: str) -> None:
    module = importlib.import_module(name)
    names = {"WORK": str(work), "reprocess": reprocess}
    found = doctest.testmod(module, extraglobs=names, verbose=False)
    assert found.failed == 0


def test_every_public_function_has_an_example() -> None:
    for name in set(reprocess.__all__) - {"__version__"}:
        documented = getattr(reprocess, name)
        if not isinstance(documented, type):
            assert ">>> " in documented.__doc__, name
    assert len(_with_examples()) > 4
