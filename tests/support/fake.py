"""Small fake NOAA files: the variables that are read, with values that look like an orbit."""

import datetime as dt
from pathlib import Path

import h5py
import numpy as np

from reprocess import schema
from reprocess.classifier.bundle import WEIGHTS, Bundle, save_bundle
from reprocess.classifier.features import Scaling

COUNT_E = np.array([80.64516, 69.44444, 133.33333, 181.81818], np.float32)
"""Flux of one count in E1-E4, cm-2 s-1 sr-1."""

DAYS = (
    ("noaa18", "2019-10-24"),
    ("noaa18", "2019-10-25"),
    ("noaa18", "2019-12-01"),
    ("metop01", "2019-10-24"),
)
"""Satellite-days of `write_archive`; blocks 248 and 250 of noaa18 and 248 of metop01."""


def variables(satellite: str, date: str, n: int = 400, seed: int = 0) -> dict[str, np.ndarray]:
    """Return every variable that is read, in file order, for a fake day of n records."""
    rng = np.random.default_rng([seed, schema.SATELLITES[satellite].sat_id, *map(int, date.split("-"))])
    start = int(np.datetime64(date, "ms").astype(np.int64))
    phase = np.arange(n) * 2 * np.pi / 400
    found: dict[str, np.ndarray] = {
        "time": (start + 500 + 2000 * np.arange(n)).astype(np.uint64),
        "satID": np.full(n, schema.SATELLITES[satellite].sat_id, np.uint8),
        "lat": (80 * np.sin(phase)).astype(np.float32),
        "lon": ((phase * 57.3) % 360).astype(np.float32),
        "alt": np.full(n, 850, np.float32),
        "L_IGRF": np.round(1.5 + 8 * np.abs(np.sin(phase)), 2).astype(np.float32),
        "MLT": np.round((phase * 24 / 2 / np.pi) % 24, 2).astype(np.float32),
        "mep_IFC_on": np.where(np.arange(n) % 16 == 3, 0, -1).astype(np.int8),
    }
    found["L_IGRF"][n // 4 : n // 4 + 5] = -1
    belt = np.exp(-((found["L_IGRF"] - 5) ** 2))
    for i, name in enumerate(schema.ELECTRON_VARIABLES):
        found[name] = (COUNT_E[i % 4] * rng.poisson(60 * belt / (1 + i % 4))).astype(np.float32)
    found["mep_ele_tel90_flux_e4"][::50] = -999
    for name in schema.PROTON_VARIABLES:
        found[name] = rng.poisson(3, n).astype(np.float32)
    for spec in schema.RECORD_ARRAYS:
        for name in spec.sources:
            found.setdefault(name, rng.normal(100, 10, n).astype(spec.source_dtype))
    found["Btot_sat"] = (27_000 + 7000 * np.cos(3 * phase)).astype(np.float32)  # in and out of the Anomaly
    return found


def write_granule(path: Path, content: dict[str, np.ndarray]) -> Path:
    """Write variables as NOAA does: each on a dimension of its own, with a wrong valid_range."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            chunks = {"chunks": values.shape, "compression": "gzip", "shuffle": True} if values.size else {}
            variable = file.create_dataset(name, data=values, **chunks)
            variable.attrs["valid_range"] = np.array([0, 0], values.dtype)
            variable.make_scale(name)
    return path


def granule_path(archive: Path, satellite: str, date: str) -> Path:
    """Return where NOAA's layout has a satellite-day."""
    day = dt.date.fromisoformat(date)
    name = f"poes_{schema.SATELLITES[satellite].abbr}_{day:%Y%m%d}_proc.nc"
    return archive / f"{day:%Y}" / satellite / name


def write_archive(archive: Path) -> Path:
    """Write the satellite-days of `DAYS` in NOAA's layout."""
    for satellite, date in DAYS:
        write_granule(granule_path(archive, satellite, date), variables(satellite, date))
    return archive


def write_random_model(models: Path) -> Bundle:
    """Write a model called random, with random weights, that finds both kinds of events on every fake day."""
    rng = np.random.default_rng(150)
    weights = {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in WEIGHTS.items()}
    scaling = Scaling((0.01, 100.0), 0.001, (5.0,) * 8, (3.0,) * 8)
    return save_bundle(models / "random", {"name": "random", "title": "random weights"}, weights, scaling)


class Silence:
    """A `reprocess.execution.mapping.Progress` that tells nobody."""

    def begin(self, *_: object) -> None:
        """Ignore that a stage begins."""

    def done(self, *_: object) -> None:
        """Ignore what a block gave."""

    def failed(self, *_: object) -> None:
        """Ignore that a block failed."""
