"""What is measured, each in a process of its own: ``python -m tests.benchmarks.stages STAGE …``.

A stage first prepares (loads the model, compiles, opens what is opened once per process), then is
timed over whole days. CPU seconds are those of the process with all its threads.
"""

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reprocess import schema
from reprocess.classifier.bundle import Bundle, load_bundle
from reprocess.classifier.engine import get_engine
from reprocess.classifier.features import scale_flux, windows
from reprocess.detect.block import detect_block
from reprocess.detect.plan import DetectPlan, Settings
from reprocess.detect.rules.published import MODES, interpolate_L, postprocess
from reprocess.ingest.block import ingest_block
from reprocess.ingest.plan import IngestPlan
from reprocess.schema import ELECTRON_VARIABLES, EVENT_CLASSES
from reprocess.schema.granules import Granule
from reprocess.sources.listing import list_archive
from reprocess.sources.remote import read_bytes
from reprocess.work.layout import create_store
from reprocess.work.paths import Work
from tests.benchmarks import SATELLITE, peak_mb
from tests.benchmarks.parts import PARTS, time_parts

Prepared = Callable[[], object]
_VARIABLES = (*ELECTRON_VARIABLES, "L_IGRF")


def ingest(archive: Path, work: Path, days: int, _: Path) -> Prepared:
    """Read the first block's NOAA files into the archive."""
    create_store(Work(work).archive, [SATELLITE], schema.ARCHIVE_ARRAYS, "benchmark")
    granules = _first_block(archive, days)
    read_bytes(granules[0].url)  # imports what fsspec needs
    return partial(
        ingest_block,
        IngestPlan(work, SATELLITE, granules[0].day // schema.BLOCK_DAYS, granules),
    )


def detect(
    archive: Path,
    work: Path,
    days: int,
    model: Path,
    engine: str,
    mode: str = "published",
    dense: bool = False,
) -> Prepared:
    """Classify the first block's days."""
    bundle = load_bundle(model)
    settings = Settings(bundle.path, bundle.sha256, mode, engine, classes=False, dense=dense)
    get_engine(bundle.path, bundle.sha256, engine)[1].predict(np.zeros((1, 7, 8), np.float32))
    chosen = tuple(g.day for g in _first_block(archive, days))
    name = f"{engine}-{mode}-{dense}"
    return partial(
        detect_block,
        DetectPlan(work, name, SATELLITE, chosen[0] // schema.BLOCK_DAYS, chosen, settings),
    )


def _first_block(archive: Path, days: int) -> tuple[Granule, ...]:
    granules = list_archive(str(archive)).granules
    block = granules[0].day // schema.BLOCK_DAYS
    return tuple(g for g in granules if g.day // schema.BLOCK_DAYS == block)[:days]


def published(archive: Path, _: Path, days: int, model: Path) -> Prepared:
    """Do what the published functions cost: Keras's predict and its defaults, loops over records.

    Written from the description of the method, not a copy: windows are collected one by one, runs
    found, filtered and joined by loops.
    """
    from tests.detect.rules.test_published_properties import slow_join, slow_near, slow_physical, slow_runs

    network, scaling = _keras(model)

    def day(path: Path) -> dict[str, list[list[int]]]:
        flux, L = _open(path)
        features = scale_flux(flux, scaling)
        collected = np.array([features[i : i + 7] for i in range(L.size - 7)])
        classes = network.predict(collected, verbose=0).argmax(axis=1).tolist()
        repaired = interpolate_L(L).tolist()
        in_range = [2.5 <= x <= 8.5 for x in repaired]
        filled = np.where(flux[0] <= 0, np.float32(0.01), flux[0])
        found = {}
        for name, value in EVENT_CLASSES.items():
            near = [r for r in slow_runs(classes, value) if slow_near(*r, in_range, wrap=False)]
            joined = slow_join([[a + 3, b + 3] for a, b in near])
            found[name] = [e for e in joined if slow_physical(filled, flux[1, 3], *e)]
        return found

    return _over_files(day, archive, days)


def plain(archive: Path, _: Path, days: int, model: Path) -> Prepared:
    """Do what a careful user would write: xarray, windows at once, Keras in large batches, Dask."""
    import dask

    network, scaling = _keras(model)

    @dask.delayed
    def day(path: Path) -> dict[str, object]:
        flux, L = _open(path)
        batch = np.ascontiguousarray(windows(scale_flux(flux, scaling)))
        classes = network.predict(batch, batch_size=1024, verbose=0).argmax(axis=1)
        return postprocess(classes, L, flux, MODES["published"])

    paths = _paths(archive, days)
    dask.compute(day(paths[0]), scheduler="synchronous")
    return lambda: dask.compute(*map(day, paths), scheduler="synchronous")


def adapter(archive: Path, _: Path, days: int, __: Path, module: Path) -> Prepared:
    """Call `events(path)` of a user's module, which calls a copy of the published functions."""
    spec = importlib.util.spec_from_file_location("published_adapter", module)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{module} is no Python module")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return _over_files(found.events, archive, days)


def _open(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return fluxes and L of a file, read with xarray."""
    import xarray as xr

    with xr.open_dataset(path, engine="h5netcdf", decode_cf=False) as file:
        values = {name: file[name].to_numpy() for name in _VARIABLES}
    L = values.pop("L_IGRF")
    return np.stack(list(values.values())).reshape(2, 4, -1), L


def _keras(model: Path):
    import keras

    bundle: Bundle = load_bundle(model)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((7, 8)),
            layers.Bidirectional(layers.LSTM(len(bundle.weights["forward_recurrent"]), activation="relu")),
            layers.Dense(bundle.weights["dense_bias"].size, "relu"),
            layers.Dense(3, "softmax"),
        ]
    )
    network.set_weights([bundle.weights[name] for name in bundle.weights])
    return network, bundle.scaling


def _paths(archive: Path, days: int) -> list[Path]:
    return [Path(g.url.removeprefix("file://")) for g in list_archive(str(archive)).granules[:days]]


def _over_files(day: Callable[[Path], object], archive: Path, days: int) -> Prepared:
    paths = _paths(archive, days)
    day(paths[0])  # warm: the first call compiles
    return lambda: [day(path) for path in paths]


STAGES: dict[str, Callable[..., Prepared]] = {
    "ingest": ingest,
    "detect onnxruntime": partial(detect, engine="onnxruntime"),
    "detect tensorflow": partial(detect, engine="tensorflow"),
    "detect published-2022": partial(detect, engine="onnxruntime", mode="published-2022"),
    "detect --dense onnxruntime": partial(detect, engine="onnxruntime", dense=True),
    "detect --dense tensorflow": partial(detect, engine="tensorflow", dense=True),
    "plain xarray, Keras, Dask": plain,
    "published functions": published,
}


def main() -> None:
    """Measure one stage and print it as JSON."""
    name, archive, work, days, model, repeats, *module = sys.argv[1:]
    stage = partial(adapter, module=Path(module[0])) if module else STAGES[name]
    prepared = stage(Path(archive), Path(work), int(days), Path(model))
    best: dict[str, Any] = {}
    for _ in range(int(repeats)):
        cpu, wall = time.process_time(), time.perf_counter()
        result = prepared()
        taken = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
        best = min(best or taken, taken, key=lambda t: t["cpu_s"])
    best = {key: value / int(days) for key, value in best.items()}
    best["peak_MB"] = peak_mb()
    if isinstance(result, dict) and result.get("stage") == "detect":
        entries = result["days"].values()
        best["windows"] = sum(e["windows_classified"] for e in entries) / sum(
            e["classifiable"] for e in entries
        )
        best["events"] = sum(sum(e["events"].values()) for e in entries) / len(entries)
    if name in PARTS:
        seconds = time_parts(name, prepared)
        best["parts"] = {part: value / int(days) for part, value in seconds.items()}
    print(json.dumps(best))


if __name__ == "__main__":
    main()
