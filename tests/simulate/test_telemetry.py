import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocess.schema import E4_MISSING, FLUX_PER_COUNT
from reprocess.simulate.telemetry import (
    CALIBRATION_RECORDS,
    CHANNELS,
    CODE_FLOORS,
    CODE_VALUES,
    TELESCOPES,
    calibration_pulses,
    channel_name,
    decode,
    fluxes,
    measure,
)

COUNTS = st.integers(0, 2**21 - 1)


def test_there_are_256_codes_and_fourteen_an_octave():
    assert len(CODE_VALUES) == len(CODE_FLOORS) == 256
    octaves = np.log2(CODE_FLOORS[32:])
    assert (np.bincount(octaves.astype(int))[5:] == 14).all()
    # The largest code's floor is the limit that NOAA gives for the counts of its other sensor.
    assert CODE_FLOORS[-1] == 1_998_848


@given(COUNTS)
def test_small_counts_are_exact_and_large_ones_within_a_code(n):
    decoded = decode(np.array([n]))[0]
    assert decoded == n if n <= 32 else abs(decoded - n) <= n * 3 / 64


@given(COUNTS, COUNTS)
def test_decoding_keeps_the_order(a, b):
    low, high = sorted((a, b))
    assert decode(np.array([low]))[0] <= decode(np.array([high]))[0]


@given(COUNTS)
def test_decoding_twice_changes_nothing(n):
    once = decode(np.array([n]))
    np.testing.assert_array_equal(decode(once), once)


def test_real_files_hold_nothing_but_these_codes(real_files):
    for path in real_files:
        with h5py.File(path) as file:
            for telescope in TELESCOPES:
                for channel in CHANNELS:
                    flux = file[channel_name(telescope, channel)][:].astype(float)
                    counts = np.unique(flux / FLUX_PER_COUNT[channel])
                    nearest = CODE_VALUES[np.abs(counts[:, None] - CODE_VALUES).argmin(axis=1)]
                    # Fluxes are rounded to five decimals: 0.02 % of P5's smallest.
                    np.testing.assert_allclose(counts, nearest, rtol=2e-4, atol=1e-4)


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=20))
def test_e4_is_p6_where_p5_is_quiet(pairs):
    counts = np.zeros((2, len(CHANNELS), len(pairs)))
    counts[1, CHANNELS.index("p5")], counts[1, CHANNELS.index("p6")] = decode(np.array(pairs)).T
    out = fluxes(counts)
    p5, p6 = counts[1, CHANNELS.index("p5")], counts[1, CHANNELS.index("p6")]
    expected = np.where(p5 <= 2, 181.81818 * p6, E4_MISSING).astype(np.float32)
    np.testing.assert_array_equal(out["mep_ele_tel90_flux_e4"], expected)
    np.testing.assert_array_equal(out["mep_ele_tel90_flux_e4_err"] == E4_MISSING, p5 > 2)
    # The rule looks at the telescope's own P5.
    assert (out["mep_ele_tel0_flux_e4"] == 0).all()


def test_error_variables_are_those_of_the_real_files(real_files):
    with h5py.File(real_files[-1]) as file:
        for telescope in TELESCOPES:
            for channel in CHANNELS:
                name = channel_name(telescope, channel)
                counts = np.zeros((2, len(CHANNELS), file[name].shape[0]))
                counts[:, CHANNELS.index(channel)] = file[name][:] / FLUX_PER_COUNT[channel]
                ours = fluxes(counts)[f"{name}_err"]
                assert np.abs(ours - file[f"{name}_err"][:]).max() <= 2, name


def test_electron_channels_are_nested():
    rng = np.random.default_rng(0)
    expected = np.full((2, len(CHANNELS), 5000), 2.0)
    expected[:, 1], expected[:, 2] = 1.2, 0.7
    counts = measure(expected, np.zeros((len(CHANNELS), 5000)), rng)
    assert (counts[:, 0] >= counts[:, 1]).all()
    assert (counts[:, 1] >= counts[:, 2]).all()
    # Five standard errors of the mean of 10,000 Poisson counts.
    for k in range(len(CHANNELS)):
        assert counts[:, k].mean() == pytest.approx(expected[0, k, 0], abs=5 * np.sqrt(2.0 / 10_000))


def test_calibration_pulses_are_in_every_second_record():
    pulses = calibration_pulses(CALIBRATION_RECORDS)
    assert pulses.shape == (len(CHANNELS), CALIBRATION_RECORDS)
    assert (pulses[:, 1::2] == 0).all()
    assert (pulses.max(axis=1) > 1500).all()


def test_calibration_looks_like_the_real_one(real_files):
    with h5py.File(real_files[-1]) as file:
        start = np.flatnonzero(file["mep_IFC_on"][:] == 1)[0]
        records = slice(start, start + CALIBRATION_RECORDS)
        pulses = calibration_pulses(CALIBRATION_RECORDS)
        for channel, ours in zip(CHANNELS, pulses, strict=True):
            real = file[channel_name(0, channel)][records] / FLUX_PER_COUNT[channel]
            # Rises and falls are a few records wide: that many may be on the other side.
            assert ((real > 100) != (ours > 100)).sum() <= 4, channel
