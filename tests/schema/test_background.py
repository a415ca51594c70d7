"""Counts over the polar caps: E4 and its mean, protons of the Sun."""

import numpy as np
import pytest

from reprocess import schema
from reprocess.schema.background import (
    ENOUGH,
    FEW,
    STEP,
    TYPICAL_BACKGROUND,
    e4_counts,
    has_solar_protons,
    mean_background,
    polar_counts,
)

COUNT = np.float32(schema.FLUX_PER_COUNT["e4"])


def records(n: int = 8) -> dict[str, np.ndarray]:
    flux = np.zeros((2, 4, n), np.float32)
    flux[0, 3] = COUNT * np.arange(n)
    return {
        "time": 2000 * np.arange(n),
        "electron_flux": flux,
        "proton_flux": np.zeros((2, 6, n), np.float32),
        "L_IGRF": np.full(n, 20, np.float32),
        "MLT": np.full(n, 6, np.float32),
        "latitude": np.full(n, 80, np.float32),
        "longitude": np.zeros(n, np.float32),
        "ifc_on": np.zeros(n, np.int8),
    }


def test_only_measurements_poleward_of_the_belt_and_outside_calibrations_count() -> None:
    r = records()
    assert polar_counts(r)["polar_e4"] == {"records": 8, "counts": 28}
    r["L_IGRF"][:2] = 12, -1
    r["ifc_on"][2] = 1
    r["electron_flux"][0, 3, 3] = schema.E4_MISSING
    r["electron_flux"][1, 0, 4] = np.inf
    assert polar_counts(r)["polar_e4"] == {"records": 3, "counts": 5 + 6 + 7}
    r["L_IGRF"][:] = 5
    assert polar_counts(r) == {name: {"records": 0, "counts": 0} for name in ("polar_e4", "polar_p5")}


def test_protons_over_the_polar_caps_are_counted_where_they_make_E4_unusable_too() -> None:
    r = records()
    r["electron_flux"][0, 3, :4] = schema.E4_MISSING
    r["proton_flux"][0, 4] = np.float32(schema.FLUX_PER_COUNT["p5"]) * np.array([9, 8, 7, 6, 0, 1, 0, 0])
    r["proton_flux"][1] = 1e6
    r["proton_flux"][0, 4, 7] = 9.97e36
    r["ifc_on"][5] = 1
    assert polar_counts(r)["polar_p5"] == {"records": 6, "counts": 30}
    r["proton_flux"][0, 4, 6] = np.nan
    assert polar_counts(r)["polar_p5"] == {"records": 5, "counts": 30}


@pytest.mark.parametrize(
    ("records", "counts", "solar"),
    [
        (FEW, 15, True), (FEW, 14, False), (FEW - 1, 10**6, False), (5000, 750, True), (5000, 749, False),
        (977, 13, False), (2273, 34, False), (3461, 52, False),  # the real quiet days
        (0, 0, False),
    ],
)  # fmt: skip
def test_a_day_of_solar_protons_has_ten_times_the_protons_of_quiet_ones(
    records: int, counts: int, solar: bool
) -> None:
    assert has_solar_protons({"records": records, "counts": counts}) == solar


def test_counts_are_whole_and_none_where_the_channel_is_missing() -> None:
    flux = np.zeros((2, 4, 5), np.float32)
    flux[0, 3] = [np.float32(363.63635), -999, 0, 9.97e36, np.nan]
    assert e4_counts(flux)[0, [0, 1, 2, 4]].tolist() == [2, 0, 0, 0]
    assert e4_counts(flux)[0, 3] > 10**6


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], TYPICAL_BACKGROUND),
        ([(ENOUGH - 1, 5000)], TYPICAL_BACKGROUND),
        ([(ENOUGH // 2, 300), (ENOUGH // 2, 280)], 0.6),
        ([(100_000, 43_000)], 0.45),
        ([(100_000, 42_000)], 0.4),
        ([(100_000, 0)], STEP),
    ],
)
def test_the_mean_is_of_all_days_together_and_rounded(days: list[tuple[int, int]], expected: float) -> None:
    assert mean_background({"records": r, "counts": c} for r, c in days) == expected
