"""The public names: few, in one place, quick to import."""

import subprocess
import sys
from pathlib import Path

import reprocess


def test_the_names_are_those_that_are_listed() -> None:
    assert set(reprocess.__all__) == {"__version__", *reprocess._WHERE}
    assert set(reprocess.__all__) <= set(dir(reprocess))
    assert {name for name in dir(reprocess) if not name.startswith("_")} == set(reprocess._WHERE)
    for name in reprocess.__all__:
        assert getattr(reprocess, name).__doc__, name


def test_the_documentation_of_a_classification_has_its_arrays() -> None:
    for name in ("classes", "probabilities"):
        assert f"{name} : xarray.DataArray" in (reprocess.Classification.__doc__ or "")


def test_type_checkers_may_use_the_types() -> None:
    assert (Path(reprocess.__file__).parent / "py.typed").is_file(), "PEP 561"


def test_importing_loads_no_library() -> None:
    code = (
        "import sys, reprocess; print([m for m in ('numpy', 'xarray', 'pandas', 'dask') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
