"""The layout is the architecture: imports only point down, and heavy libraries stay where they belong."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import reprocess

PACKAGE = Path(reprocess.__file__).parent

# From the bottom up; a module may import only from layers below its own. Function-level imports count.
LAYERS = (
    {"errors", "schema"},
    {"simulate.activity", "simulate.errors", "simulate.telemetry"},
    {"simulate.geomagnetic", "simulate.records"},
    {"simulate.orbit"},
    {"simulate.geometry"},
    {"simulate.fluxes", "simulate.writer"},
    {"simulate.precipitation"},
    {"simulate.archive"},
    {"simulate"},
    {"costs", "web"},
    {"remote"},
    {"catalog", "granule", "features", "lmlt", "page", "classifier.framework", "monitoring"},
    {"ledger", "postprocess", "monitoring.board"},
    {"monitoring.page"},
    {"monitoring.scheduler"},
    {"executor", "work", "store", "events", "sparse", "truth", "classifier.scaler", "evaluation"},
    {
        "recount",
        "parts",
        "archive",
        "status",
        "classifier.bundle",
        "export",
        "evaluation.matching",
        "evaluation.tally",
        "plan",
    },
    {
        "dataset",
        "evaluation.scores",
        "exposure",
        "summary",
        "classifier.engine",
        "classifier.published",
        "classifier.onnx_engine",
        "classifier.tensorflow_engine",
    },
    {"occurrence", "blocks", "plotting", "classifier.training"},
    {"audit", "batch", "figures", "evaluation.figures"},
    {"cluster", "repair"},
    {"pipeline", "report", "training", "evaluation.page", "classifier.conversion"},
    {"monitoring.client"},
    {"progress"},
    {"cli.options", "cli.interruption"},
    {"cli.archives", "cli.place"},
    {"cli.inspection", "cli.models", "cli.simulation"},
    {"cli.stages"},
    {"cli.cluster", "cli.training"},
    {"cli"},
    {"__main__"},
)

# Lazy by design: the engine module names its implementations, the package its one function.
SAME_LAYER = {
    ("classifier.engine", "classifier.onnx_engine"),
    ("classifier.engine", "classifier.tensorflow_engine"),
}

ALLOWED = {
    "dask": {"batch", "cluster", "executor"},
    "dask_jobqueue": {"batch"},
    "distributed": {
        "cluster",
        "executor",
        "pipeline",
        "progress",
        "monitoring.client",
        "monitoring.scheduler",
    },
    "bokeh": {"monitoring.page", "monitoring.scheduler"},
    "prometheus_client": {"monitoring.scheduler"},
    "tensorflow": {"classifier.framework"},
    "keras": {"classifier.framework"},
    "sklearn": {"evaluation.scores"},
    "onnxruntime": {"classifier.onnx_engine"},
    "onnx": {"classifier.onnx_engine"},
    "matplotlib": {"figures", "plotting", "evaluation.figures"},
    "zarr": {"store"},
    "h5py": {"granule", "simulate.writer"},
    "pyarrow": {"parts"},
    "jinja2": {"page"},
    "ppigrf": {"simulate.geomagnetic"},
    "rich": {"progress"},
    "requests": {"web"},
    "fsspec": {"remote"},
    "click": {
        "cli",
        "cli.archives",
        "cli.cluster",
        "cli.inspection",
        "cli.models",
        "cli.options",
        "cli.place",
        "cli.simulation",
        "cli.stages",
        "cli.training",
    },
    "xarray": {"archive", "store", "exposure", "occurrence", "plotting", "report"},
    "pickle": set(),
    "joblib": {"simulate.archive"},
}


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(p): p for p in sorted(PACKAGE.rglob("*.py")) if _name(p) not in {"", "classifier"}}
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}


def _imports(path: Path) -> set[str]:
    """Every module imported anywhere in a file, `from x import y` as both x and x.y."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _internal(path: Path) -> set[str]:
    names = {name.removeprefix("reprocess.") for name in _imports(path) if name.startswith("reprocess.")}
    return names & MODULES.keys()


def test_every_module_has_a_layer() -> None:
    assert MODULES.keys() == RANK.keys()


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    upward = {
        other
        for other in _internal(MODULES[module])
        if RANK[other] >= RANK[module] and (module, other) not in SAME_LAYER
    }
    assert not upward


@pytest.mark.parametrize("library", ALLOWED)
def test_heavy_libraries_stay_in_their_modules(library: str) -> None:
    users = {
        name for name, path in MODULES.items() if any(i.split(".")[0] == library for i in _imports(path))
    }
    assert users == ALLOWED[library] if ALLOWED[library] else not users


@pytest.mark.parametrize("module", MODULES)
def test_modules_stay_readable(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text())
    assert len(MODULES[module].read_text().splitlines()) < 500
    long = {
        node.name: _body_lines(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and _body_lines(node) > 45
    }
    assert not long


def _body_lines(function: ast.FunctionDef) -> int:
    """Lines of a function without its signature and docstring."""
    first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
    return int(function.end_lineno or 0) - first.lineno + 1


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
    code = f"import sys, reprocess.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_lazy_public_name_resolves() -> None:
    from reprocess.work.archive import open_archive

    assert reprocess.open_archive is open_archive
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = reprocess.no_such_name
