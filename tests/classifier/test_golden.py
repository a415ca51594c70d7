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
from reprocess.classifier.features import scale_flux, windows, windows_at
from reprocess.detect.rules.published import MODES, find_events, in_L_range, postprocess, repair_L
from reprocess.detect.rules.sparse import classify, wanted_windows
from reprocess.ingest.reading import read_records
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


def test_events_of_the_release_of_2022(shared):
    """Starts and stops that the first release gives, for every file whose attributes it can read."""
    given = json.loads((shared / "golden" / "events_2022.json").read_bytes())
    kept = 0
    for path, expected in golden(shared).items():
        relative = path.relative_to(path.parents[2]).as_posix()
        if relative not in given:  # the release cannot open this one
            assert relative == "2019/noaa15/poes_n15_20191024_proc.nc"
            continue
        flux, L = days(shared)[path]
        classes = np.zeros(expected["windows"], np.int8)
        for index, value in expected["flagged"]:
            classes[index] = value
        found = postprocess(classes, L, flux, MODES["published-2022"])
        assert {name: stages.final.tolist() for name, stages in found.items()} == given.pop(relative), path
        kept += sum(len(stages.final) for stages in found.values())
    assert not given
    assert kept > 100


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize(("mode", "share"), [("published", 0.05), ("published-2022", 0.4)])
def test_events_from_few_windows(shared, published: Bundle, engine, mode, share):
    """The events of each file, and the probabilities behind them, without classifying all of it."""
    _, network = get_engine(published.path, published.sha256, engine)
    rules, found = MODES[mode], 0
    for path, expected in golden(shared).items():
        flux, L = days(shared)[path]
        in_range = in_L_range(repair_L(L, rules))
        wanted = wanted_windows(in_range, flux, rules)
        known = classify(
            lambda index, flux=flux: network.predict(windows_at(flux, index, published.scaling)),
            wanted,
            rules,
        )
        assert 0 < known.evaluated.mean() < share, path
        classes = np.zeros(expected["windows"], np.int8)
        for index, value in expected["flagged"]:
            classes[index] = value
        assert np.array_equal(known.classes[known.evaluated], classes[known.evaluated])
        dense = postprocess(classes, L, flux, rules)
        for name, stages in find_events(known.classes, in_range, flux, rules).items():
            assert stages.final.tolist() == dense[name].final.tolist(), (path, name)
            if mode == "published":
                assert stages.final.tolist() == expected["events"][name]["final"], (path, name)
            found += len(stages.final)
    assert found > 50
