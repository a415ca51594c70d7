"""The layout is the architecture: imports only point down, and heavy libraries stay where they belong."""

import ast
import functools
import re
import statistics
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest

import reprocess
from tests.support.places import REPOSITORY

PACKAGE = Path(reprocess.__file__).parent
DESIGN = (REPOSITORY / "docs" / "design.md").read_text()


def _table(first_column: str) -> list[list[str]]:
    """Rows of the table in docs/design.md whose first column has this heading."""
    lines = iter(DESIGN.splitlines())
    for line in lines:
        if line.startswith(f"| {first_column} |"):
            next(lines)
            rows = list(takewhile(lambda row: row.startswith("|"), lines))
            return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    raise AssertionError(f"docs/design.md has no table of {first_column}s")


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


ROOMS = [_names(row[0])[0] for row in _table("room")]
"""From the top down."""

LIBRARIES = {_names(library)[0]: _names(modules) for library, modules in _table("library")}


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in sorted(PACKAGE.rglob("*.py")) if _name(path)}


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def _imports(path: Path) -> frozenset[str]:
    """Every module imported anywhere in a file, `from x import y` as both x and x.y."""
    found = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def _internal(module: str) -> set[str]:
    """The project's modules that a module imports, the packages on the way to them left out."""
    found = {name.removeprefix("reprocess.") for name in _imports(MODULES[module])} & MODULES.keys()
    return {name for name in found if not any(other.startswith(f"{name}.") for other in found)} - {module}


def _room(module: str) -> str:
    return module.partition(".")[0]


def test_the_table_of_rooms_is_the_package() -> None:
    assert {_room(module) for module in MODULES} == set(ROOMS)
    assert len(ROOMS) == len(set(ROOMS)) <= 25  # two dozen and `__main__`


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    rank = ROOMS.index(_room(module))
    upward = {
        other
        for other in _internal(module)
        if _room(other) != _room(module) and ROOMS.index(_room(other)) < rank
    }
    assert not upward


def test_no_modules_import_each_other() -> None:
    left = {module: _internal(module) for module in MODULES}
    left["classifier.engine"] -= {"classifier.onnx_engine", "classifier.tensorflow_engine"}  # loaded by name
    while free := {module for module, needed in left.items() if not needed & left.keys()}:
        left = {module: needed for module, needed in left.items() if module not in free}
    assert not left


@pytest.mark.parametrize("library", LIBRARIES)
def test_heavy_libraries_stay_in_their_modules(library: str) -> None:
    users = {
        name for name, path in MODULES.items() if any(i.split(".")[0] == library for i in _imports(path))
    }
    named = set(LIBRARIES[library])
    assert all(module in MODULES or module == "cli.*" for module in named)
    assert {"cli.*" if _room(user) == "cli" else user for user in users} == named


@pytest.mark.parametrize("module", MODULES)
def test_modules_stay_readable(module: str) -> None:
    assert len(MODULES[module].read_text().splitlines()) <= 400
    long = {
        node.name: _body_lines(node)
        for node in ast.walk(_tree(MODULES[module]))
        if isinstance(node, ast.FunctionDef) and _body_lines(node) > 45
    }
    assert not long


def _body_lines(function: ast.FunctionDef) -> int:
    """Lines of a function without its signature and docstring."""
    first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
    return int(function.end_lineno or 0) - first.lineno + 1


def test_functions_stay_short() -> None:
    lines = sorted(
        _body_lines(node)
        for path in MODULES.values()
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert statistics.median(lines) <= 6
    assert lines[len(lines) * 9 // 10] <= 20


def _loaded(module: str, libraries: list[str]) -> str:
    """Import a module in a fresh interpreter and say which of the libraries that loads."""
    code = f"import sys, {module}; print([m for m in {libraries} if m in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def _is_text(call: ast.Call, name: str) -> bool:
    """Whether a call opens text: a file unless its mode is binary, a process if it is asked to decode."""
    words = {keyword.arg: keyword.value for keyword in call.keywords}
    if name in {"run", "Popen", "check_output"}:
        return any(word in words for word in ("text", "universal_newlines"))
    if name in {"read_text", "write_text"}:
        return True
    opens = {"open": 1 if isinstance(call.func, ast.Name) else 0, "NamedTemporaryFile": 0}
    if name not in opens:
        return False
    mode = words.get("mode", call.args[opens[name]] if len(call.args) > opens[name] else ast.Constant("r"))
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and "b" not in mode.value


@pytest.mark.parametrize("module", MODULES)
def test_every_text_is_read_and_written_in_a_named_encoding(module: str) -> None:
    """Or the locale of the session decides what WORK says."""
    calls = [node for node in ast.walk(_tree(MODULES[module])) if isinstance(node, ast.Call)]
    unnamed = [
        f"line {call.lineno}: {name}"
        for call in calls
        if (name := getattr(call.func, "attr", getattr(call.func, "id", "")))
        and _is_text(call, name)
        and "encoding" not in {keyword.arg for keyword in call.keywords}
    ]
    assert not unnamed


@pytest.mark.parametrize("module", ["work", "work.paths", "work.ledger", "work.asked", "work.status"])
def test_what_lies_in_work_is_known_without_network_or_tables(module: str) -> None:
    heavy = ["requests", "fsspec", "pandas", "dask", "zarr", "xarray"]
    assert _loaded(f"reprocess.{module}", heavy) == "[]"


def test_the_command_starts_without_heavy_imports() -> None:
    heavy = [
        "dask",
        "distributed",
        "xarray",
        "zarr",
        "pandas",
        "tensorflow",
        "onnxruntime",
        "matplotlib",
        "h5py",
    ]
    assert _loaded("reprocess.cli", heavy) == "[]"


def test_the_lazy_public_name_resolves() -> None:
    from reprocess.work.archive import open_archive

    assert reprocess.open_archive is open_archive
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = reprocess.no_such_name
