"""The public names: few, in one place, quick to import."""

import subprocess
import sys

import reprocess


def test_the_names_are_those_that_are_listed() -> None:
    assert set(reprocess.__all__) == {"__version__", *reprocess._WHERE}
    assert set(reprocess.__all__) <= set(dir(reprocess))
    for name in reprocess.__all__:
        assert getattr(reprocess, name).__doc__, name


def test_importing_loads_no_library() -> None:
    code = (
        "import sys, reprocess; print([m for m in ('numpy', 'xarray', 'pandas', 'dask') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
