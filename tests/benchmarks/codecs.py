"""Size and speed of the archive's codecs: ``python -m tests.benchmarks.codecs [--source FOLDER]``.

Each array of each day is compressed as one chunk, padded as in the archive. The first row is what
the store uses. Prints Markdown, which docs/performance.md holds.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from numcodecs import Blosc, Zstd

from reprocess import schema
from reprocess.ingest.reading import read_records
from reprocess.sources.listing import list_archive
from tests.benchmarks.data import make_days

Codec = Blosc | Zstd
CODECS: dict[str, dict[str, Codec]] = {
    "flux": {
        "zstd 3": Zstd(3),
        "zstd 1": Zstd(1),
        "zstd 5": Zstd(5),
        "zstd 9": Zstd(9),
        "blosc zstd 3, shuffle": Blosc("zstd", 3, Blosc.SHUFFLE),
        "blosc zstd 5, shuffle": Blosc("zstd", 5, Blosc.SHUFFLE),
        "blosc zstd 3, bitshuffle": Blosc("zstd", 3, Blosc.BITSHUFFLE),
        "blosc lz4 5, bitshuffle": Blosc("lz4", 5, Blosc.BITSHUFFLE),
    },
    "other": {
        "blosc zstd 3, shuffle": Blosc("zstd", 3, Blosc.SHUFFLE),
        "blosc zstd 1, shuffle": Blosc("zstd", 1, Blosc.SHUFFLE),
        "blosc zstd 5, shuffle": Blosc("zstd", 5, Blosc.SHUFFLE),
        "blosc zstd 9, shuffle": Blosc("zstd", 9, Blosc.SHUFFLE),
        "blosc zstd 3, bitshuffle": Blosc("zstd", 3, Blosc.BITSHUFFLE),
        "zstd 3": Zstd(3),
    },
}


def chunks(archive: str) -> tuple[dict[str, list[np.ndarray]], int]:
    """Return the chunks of both groups of arrays and the number of records they hold."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in CODECS}
    records = 0
    for granule in list_archive(archive).granules:
        data = Path(granule.url.removeprefix("file://")).read_bytes()
        day = read_records(data, granule.satellite, granule.day)
        records += day.count
        for spec in schema.RECORD_ARRAYS:
            chunk = np.full(spec.day_shape, spec.fill, spec.dtype)
            chunk[..., : day.count] = day.arrays[spec.name]
            found["flux" if spec.name.endswith("flux") else "other"].append(chunk)
    return found, records


def measure(codec: Codec, group: list[np.ndarray]) -> tuple[int, float, float]:
    """Return bytes, and CPU seconds to write and to read, of one codec over all chunks."""
    size, write, read = 0, 0.0, 0.0
    for chunk in group:
        started = time.process_time()
        encoded = codec.encode(chunk)
        half = time.process_time()
        decoded = codec.decode(encoded)
        write, read = write + half - started, read + time.process_time() - half
        size += len(encoded)
        if bytes(decoded) != chunk.tobytes():
            raise SystemExit(f"{codec} is not lossless")
    return size, write, read


def main() -> None:
    """Measure every codec on every array."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", help="folder of NOAA's files instead of four simulated days")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = options.source or str(make_days(Path(folder) / "archive", "2019-10-26", 4))
        groups, records = chunks(archive)
    scale = 43_200 * 1000 / records
    print("| arrays | codec | bytes a record | write, CPU ms a day | read, CPU ms a day |")
    print("|---|---|---:|---:|---:|")
    for name, codecs in CODECS.items():
        for label, codec in codecs.items():
            size, write, read = measure(codec, groups[name])
            print(f"| {name} | {label} | {size / records:.2f} | {write * scale:.1f} | {read * scale:.1f} |")


if __name__ == "__main__":
    main()
