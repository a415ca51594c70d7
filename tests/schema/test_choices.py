"""What several rooms must agree on is written once."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import reprocess
from reprocess import schema
from reprocess.classifier.bundle import list_models
from reprocess.classifier.engine import ENGINES
from reprocess.detect.rules.modes import MODES
from reprocess.execution import costs

PACKAGE = Path(reprocess.__file__).parent

ONCE = {
    "calendar": (schema.MS_PER_DAY, schema.RECORDS),
    "instrument": (
        *schema.FLUX_PER_COUNT.values(),
        abs(schema.E4_MISSING),
        *(value for value in schema.ELECTRON_KEV if value > 200),
    ),
    "choices": (
        *schema.MODES,
        *schema.ENGINES,
        schema.BUNDLED_MODEL,
        schema.PUBLISHED_MODEL,
        schema.DASHBOARD_PORT,
    ),
}
"""Values by the module of `schema` that says them."""

OTHER_MEANINGS = {
    ("classifier/framework.py", "tensorflow"),
    ("catalogue/citation.py", "capannolo2022"),
    ("indices/formats.py", 999),
}
"""Where the same means something else: the backend of Keras, a paper, the fill value of an index."""


def literals(path: Path) -> Iterator[object]:
    """Every number and text in a module's code, docstrings left out."""
    tree = ast.parse(path.read_text())
    told = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in told:
            yield node.value


@pytest.mark.parametrize("module", ONCE)
def test_values_are_written_where_they_belong_and_nowhere_else(module: str) -> None:
    home = PACKAGE / "schema" / f"{module}.py"
    assert set(ONCE[module]) <= set(literals(home))
    again = {
        (path.relative_to(PACKAGE).as_posix(), value)
        for path in PACKAGE.rglob("*.py")
        if path != home
        for value in literals(path)
        if value in ONCE[module] and not isinstance(value, bool)
    }
    assert again - OTHER_MEANINGS == set()


def test_no_text_hides_a_port() -> None:
    port = str(schema.DASHBOARD_PORT)
    assert [p for p in PACKAGE.rglob("*.py") for v in literals(p) if isinstance(v, str) and port in v] == []


def test_names_are_those_of_the_things() -> None:
    assert tuple(MODES) == schema.MODES
    assert all(name == make({}).name for name, make in MODES.items())
    assert tuple(ENGINES) == schema.ENGINES
    assert tuple(costs.DETECT) == tuple(costs.OPERATIONS_PER_S) == schema.ENGINES
    assert tuple(costs.WINDOW_SHARE) == schema.MODES
    assert {schema.BUNDLED_MODEL, schema.PUBLISHED_MODEL} <= {model.name for model in list_models()}


def test_a_mode_without_its_cost_is_told_by_name() -> None:
    with pytest.raises(ValueError, match=r"costs.py gives 1 values for 2 names, old, new: give one for each"):
        costs._by(("old", "new"), 0.03)


def test_names_load_nothing() -> None:
    path = PACKAGE / "schema" / "choices.py"
    code = f"import runpy, sys; runpy.run_path({str(path)!r}); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
