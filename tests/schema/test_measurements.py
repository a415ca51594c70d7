"""What is a measurement: exactly what telemetry codes and NOAA's processing can give."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from reprocess import schema
from reprocess.schema import FLUX_PER_COUNT
from reprocess.schema.measurements import (
    LARGEST_COUNT,
    LARGEST_FLUX,
    has_L,
    impossible_values,
    not_measured,
)
from reprocess.simulate.telemetry import CODE_VALUES

FACTORS = np.array([[FLUX_PER_COUNT[f"e{e}"]] for e in range(1, 5)])


def sound(n: int = 20) -> dict[str, np.ndarray]:
    """Records in which nothing is wrong."""
    flux = np.tile(FACTORS.astype(np.float32), (2, 1, n))
    return {
        "time": np.arange(n, dtype=np.int64),
        "electron_flux": flux,
        "L_IGRF": np.full(n, 4, np.float32),
        "MLT": np.full(n, 24, np.float32),
        "latitude": np.full(n, -81, np.float32),
        "longitude": np.full(n, 360, np.float32),
    }


def test_every_telemetry_code_of_every_channel_is_a_measurement() -> None:
    records = sound(CODE_VALUES.size)
    records["electron_flux"][:] = FACTORS * CODE_VALUES
    assert CODE_VALUES[-1] == LARGEST_COUNT
    assert impossible_values(records) == {}
    records["electron_flux"][:, 3] = -999
    assert impossible_values(records) == {}


@pytest.mark.parametrize("value", [9.96921e36, np.inf, -np.inf, np.nan, -1, -998, -1e30, 1e30])
@pytest.mark.parametrize("telescope", [0, 1])
@pytest.mark.parametrize("energy", range(4))
@pytest.mark.parametrize("sentinel_beside", [False, True])
def test_flux_that_no_code_gives_is_none(
    value: float, telescope: int, energy: int, sentinel_beside: bool
) -> None:
    records = sound()
    if sentinel_beside:
        records["electron_flux"][:, 3, 3:9] = -999
    records["electron_flux"][telescope, energy, 7] = value
    ((name, where),) = impossible_values(records).items()
    assert (name, np.flatnonzero(where).tolist()) == ("electron_flux", [7])
    assert np.flatnonzero(not_measured(records)).tolist() == [7]


@pytest.mark.parametrize("energy", range(4))
def test_ceiling_is_that_of_the_channel(energy: int) -> None:
    records = sound()
    records["electron_flux"][0, energy, 5] = np.nextafter(LARGEST_FLUX[energy, 0], np.float32(np.inf))
    assert np.flatnonzero(not_measured(records)).tolist() == [5]


def test_sentinel_of_e4_is_none_in_other_channels() -> None:
    records = sound()
    records["electron_flux"][1, 2, 5] = -999
    assert not_measured(records).sum() == 1


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("L_IGRF", [-1, 0, 107, 999.5], [np.inf, np.nan, -2, -999, 1001, 9.96921e36]),
        ("MLT", [0, 24], [-1, 24.01, np.nan, np.inf, 9.96921e36]),
        ("latitude", [-90, 90], [-91, 90.5, np.nan, np.inf, 9.96921e36]),
        ("longitude", [-180, 0, 360], [-181, 361, np.nan, np.inf, 9.96921e36]),
    ],
)
def test_positions_that_cannot_be(name: str, good: list[float], bad: list[float]) -> None:
    records = sound(len(good) + len(bad))
    records[name][:] = [*good, *bad]
    assert impossible_values(records)[name].tolist() == [False] * len(good) + [True] * len(bad)
    if name == "L_IGRF":
        expected = [value >= 0 for value in good] + [False] * len(bad)
        assert has_L(records[name]).tolist() == expected


def test_kinds_are_told_apart_and_joined() -> None:
    records = sound()
    records["L_IGRF"][2] = np.inf
    records["MLT"][3] = np.nan
    records["electron_flux"][0, 0, 3] = np.inf
    assert impossible_values(records).keys() == {"electron_flux", "L_IGRF", "MLT"}
    assert np.flatnonzero(not_measured(records)).tolist() == [2, 3]
    assert not not_measured(sound(0)).size


def test_real_days_hold_measurements_only(shared: Path) -> None:
    """So whatever is done about other values, results on them stay as published."""
    for path in sorted((shared / "archive").rglob("*.nc")) + sorted(
        (shared / "archive_simulated").rglob("*.nc")
    ):
        with h5py.File(path) as file:
            records = {
                spec.name: np.stack([file[name][()] for name in spec.sources])
                .reshape(*spec.day_shape[:-1], -1)
                .astype(spec.dtype)
                for spec in schema.RECORD_ARRAYS
            }
        assert impossible_values(records) == {}
