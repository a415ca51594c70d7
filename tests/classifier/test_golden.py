"""Every file of the test archives against what the published code made of it, with each engine."""

import datetime as dt
import hashlib
import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from reprocess.classifier.bundle import Bundle
from reprocess.classifier.engine import ENGINES, get_engine
from reprocess.features import scale_flux, windows
from reprocess.granule import read_records
from reprocess.postprocess import MODES, postprocess
from reprocess.schema import day_index

ARCHIVES = {"events_real.json": "archive", "events_simulated.json": "archive_simulated"}


@lru_cache(maxsize=1)
def golden(shared: Path) -> dict[Path, dict]:
    """What the published code made of each file."""
    found = {}
    for name, archive in ARCHIVES.items():
        results = json.loads((shared / "golden" / name).read_bytes())
        found |= {shared / archive / relative: result for relative, result in results.items()}
    return found


@lru_cache(maxsize=1)
def days(shared: Path) -> dict[Path, tuple[np.ndarray, np.ndarray]]:
    """Fluxes and L of each file."""
    found = {}
    for path in golden(shared):
        day = day_index(dt.datetime.strptime(path.stem.split("_")[2], "%Y%m%d").replace(tzinfo=dt.UTC).date())
        arrays = read_records(path.read_bytes(), path.parent.name, day).arrays
        found[path] = arrays["electron_flux"], arrays["L_IGRF"]
    return found


def test_every_file_has_a_golden_result(shared):
    files = {path for archive in ARCHIVES.values() for path in (shared / archive).rglob("*.nc")}
    assert files == set(golden(shared))
    assert len(files) == 7


@pytest.mark.parametrize("engine", list(ENGINES))
def test_classes(shared, published: Bundle, engine):
    _, classifier = get_engine(published.path, published.sha256, engine)
    flagged = 0
    for path, expected in golden(shared).items():
        flux, _ = days(shared)[path]
        assert flux.shape[-1] == expected["records"], path
        probabilities = classifier.predict(windows(scale_flux(flux, published.scaling)))
        classes = probabilities.argmax(axis=1).astype(np.int8)
        assert classes.size == expected["windows"], path
        found = [[int(i), int(classes[i])] for i in np.flatnonzero(classes)]
        assert found == expected["flagged"], path
        assert np.bincount(classes, minlength=3).tolist() == expected["class_counts"], path
        assert hashlib.sha256(classes.tobytes()).hexdigest() == expected["flag_sha256"], path
        flagged += len(found)
    assert flagged > 1000


def test_events(shared):
    counts = dict.fromkeys(("runs", "in_L", "joined", "final"), 0)
    for path, expected in golden(shared).items():
        flux, L = days(shared)[path]
        classes = np.zeros(expected["windows"], np.int8)
        for index, value in expected["flagged"]:
            classes[index] = value
        assert hashlib.sha256(classes.tobytes()).hexdigest() == expected["flag_sha256"]
        found = postprocess(classes, L, flux, MODES["published"])
        assert set(found) == set(expected["events"])
        for name, stages in expected["events"].items():
            for stage in counts:
                assert getattr(found[name], stage).tolist() == stages[stage], (path, name, stage)
                counts[stage] += len(stages[stage])
    assert counts["runs"] > counts["in_L"] > counts["joined"] > counts["final"] > 50
