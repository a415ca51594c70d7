"""Maps of a run as xarray has them, as Python users get them from the files."""

from typing import Any

import xarray as xr

from reprocess.maps.occurrence import load_occurrence, make_maps
from reprocess.work.paths import Run


def occurrence(*arguments: Any, **named: Any) -> xr.Dataset:
    """Return what `make_maps` makes."""
    return make_maps(*arguments, **named).dataset()


def read_occurrence(run: Run) -> xr.Dataset:
    """Read a run's own map."""
    return load_occurrence(run.occurrence, run.name)
