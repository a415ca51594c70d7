"""Batches, threads, lower precision: ``python -m tests.benchmarks.engines [--source FOLDER] [--model NAME]``.

The network alone, over all windows of some days, on one thread where nothing else is said. Lower
precision is only of use if no class changes. Prints Markdown, which docs/performance.md holds.
"""

import argparse
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
import onnxruntime

from reprocess.classifier import onnx_engine
from reprocess.classifier.bundle import Bundle, find_model, load_bundle
from reprocess.classifier.features import Scaling, scale_flux, windows
from reprocess.ingest.reading import read_records
from reprocess.schema import BUNDLED_MODEL
from reprocess.sources.listing import list_archive
from reprocess.sources.remote import read_bytes
from tests.benchmarks import AS_A_WORKER
from tests.benchmarks.data import make_days

BATCHES = (1, 8, 32, 64, 128, 256, 512, 1024, 2048)
MOST = 32_768
"""Windows that batch sizes are measured with."""

Predict = Callable[[np.ndarray], np.ndarray]


def windows_of(archive: str, scaling: Scaling) -> np.ndarray:
    """Return all windows of an archive's days; float32, shape (n, 7, 8)."""
    days = []
    for granule in list_archive(archive).granules:
        records = read_records(read_bytes(granule.url), granule.satellite, granule.day)
        flux = records.arrays["electron_flux"]
        days.append(np.ascontiguousarray(windows(scale_flux(flux, scaling))))
    return np.concatenate(days)


def timed(
    predict: Predict, given: np.ndarray, clock: Callable[[], float] = time.process_time
) -> tuple[np.ndarray, float]:
    """Return the probabilities and the microseconds a window, of CPU or another clock, the better of two."""
    best = np.inf
    for _ in range(2):
        start = clock()
        found = predict(given)
        best = min(best, clock() - start)
    return found, 1e6 * best / len(given)


def over_batches(bundle: Bundle, given: np.ndarray) -> None:
    """Print what a window costs in batches of each size; TensorFlow compiles a program for each."""
    from reprocess.classifier import tensorflow_engine

    print("| batch | " + " | ".join(map(str, BATCHES)) + " |")
    print("|---|" + "---:|" * len(BATCHES))
    engines = {
        "onnxruntime": (onnx_engine, onnx_engine.OnnxEngine),
        "tensorflow": (tensorflow_engine, tensorflow_engine.TensorflowEngine),
    }
    for name, (module, engine) in engines.items():
        row = []
        for batch in BATCHES:
            with mock.patch.object(module, "BATCH", batch):
                ready = engine(bundle)
                ready.predict(given[:batch])
                row.append(timed(ready.predict, given[: min(MOST, 4096 * batch)])[1])
        print(f"| {name} | " + " | ".join(f"{x:.1f}" for x in row) + " |", flush=True)


def over_threads(bundle: Bundle, given: np.ndarray) -> None:
    """Print what a window costs on one thread of ONNX Runtime and on two."""
    graph = onnx_engine.build_graph(bundle)
    print("| threads | CPU µs a window | wall µs a window |\n|---:|---:|---:|")
    for threads in (1, 2):
        predict = _session(graph, threads)
        cpu, wall = (timed(predict, given, clock)[1] for clock in (time.process_time, time.perf_counter))
        print(f"| {threads} | {cpu:.1f} | {wall:.1f} |", flush=True)


def over_precisions(bundle: Bundle, given: np.ndarray, folder: Path) -> None:
    """Print what a window costs in lower precision, and how many classes change."""
    graphs = precisions(bundle, folder)
    expected, _ = timed(_session(graphs["float32"]), given)
    classes = expected.argmax(axis=1)
    print(f"{len(given)} windows, {np.count_nonzero(classes)} of them of class REP or CSS.\n")
    print("| precision | CPU µs a window | classes that differ | to or from REP, CSS | largest difference |")
    print("|---|---:|---:|---:|---:|")
    for name, graph in graphs.items():
        found, cost = timed(_session(graph), given)
        other = found.argmax(axis=1)
        differ = other != classes
        events = np.count_nonzero(differ & ((classes > 0) | (other > 0)))
        largest = np.abs(found - expected).max()
        print(f"| {name} | {cost:.1f} | {np.count_nonzero(differ)} | {events} | {largest:.1g} |", flush=True)


def precisions(bundle: Bundle, folder: Path) -> dict[str, Path]:
    """Write the network in each precision that ONNX Runtime can run, and return the files.

    It has no LSTM in bfloat16: the weights are rounded to it, the sums stay in float32, which can only
    be closer than the real thing.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from tensorflow import bfloat16

    files = {
        name: folder / f"{name}.onnx" for name in ("float32", "bfloat16 weights", "int8", "int8 columns")
    }
    files["float32"].write_bytes(onnx_engine.build_graph(bundle))
    model = onnx.load(files["float32"])
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            rounded = onnx.numpy_helper.to_array(tensor).astype(bfloat16.as_numpy_dtype).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(rounded, tensor.name))
    onnx.save(model, files["bfloat16 weights"])
    logging.disable()  # advice on preprocessing, which changes nothing here
    for name, per_channel in (("int8", False), ("int8 columns", True)):
        quantize_dynamic(files["float32"], files[name], weight_type=QuantType.QInt8, per_channel=per_channel)
    logging.disable(logging.NOTSET)
    return files


def _session(graph: Path | bytes, threads: int = 1) -> Predict:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def predict(given: np.ndarray) -> np.ndarray:
        parts = [given[i : i + onnx_engine.BATCH] for i in range(0, len(given), onnx_engine.BATCH)]
        feeds = [{"windows": np.ascontiguousarray(part.swapaxes(0, 1))} for part in parts]
        return np.concatenate([session.run(None, feed)[0] for feed in feeds])

    return predict


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", help="folder of NOAA's files instead of four simulated days")
    parser.add_argument("--model", default=BUNDLED_MODEL)
    options = parser.parse_args()
    os.environ.update(AS_A_WORKER)
    bundle = load_bundle(find_model(options.model))
    with tempfile.TemporaryDirectory() as folder:
        archive = options.source or str(make_days(Path(folder) / "archive", "2019-10-26", 4))
        given = windows_of(archive, bundle.scaling)
        print("CPU µs a window:\n")
        over_batches(bundle, given)
        print()
        over_threads(bundle, given)
        print()
        over_precisions(bundle, given, Path(folder))


if __name__ == "__main__":
    main()
