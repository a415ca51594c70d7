"""Intervals of the energy flux hold the truth as often as they say, on simulated events below aurora."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprocess.physics.budget import Sums, spectrum_and_energy
from reprocess.physics.response import SIMULATED
from reprocess.physics.unmodelled import TERMS, Term, widened
from reprocess.simulate.fluxes import PROTONS_AS_ELECTRONS, Streams, aurora, cosmic_rays
from reprocess.simulate.profiles import css_profile, rep_profile
from reprocess.simulate.telemetry import CHANNELS, measure

EVENTS, RECORDS = 600, 120
E4 = 0.55
"""Counts of E4 over the polar caps."""
STORM = 0.4
"""Storm level: what the simulator's structures are drawn around."""
ELECTRONS = [CHANNELS.index(c) for c in ("e1", "e2", "e3", "p6")]
PROTONS = [CHANNELS.index(c) for c in ("p1", "p2", "p3", "p4")]
MOVED = {"REP": 0.5, "CSS": 2.0}
"""Records that events are found longer or shorter by, at either end."""
EXTENTS = ("moved", "middle")
"""An event is found with first and last records that are not quite the true ones, or the half of it around
its middle, as a network finds it that marks less than the whole."""
L = {"REP": 5.3, "CSS": 6.5}


def simulated(kind: str, extent: str, seed: int) -> tuple[Sums, np.ndarray]:
    """Return what passes through as many structures count, and the true energy flux there, shape (2, n)."""
    rng = np.random.default_rng(seed)
    shell = np.tile(np.linspace(L[kind] - 2, L[kind] + 2, RECORDS), EVENTS)
    near = SimpleNamespace(
        time_ms=np.arange(shell.size) * 2000,
        magnetic=SimpleNamespace(shell=shell, mlt=np.repeat(rng.uniform(18, 30, EVENTS) % 24, RECORDS)),
    )
    storm = SimpleNamespace(storm=np.full(shell.size, STORM))
    expected = aurora(near, storm, Streams(*rng.spawn(3))) + cosmic_rays(near, E4)
    sums, true = [], []
    for k in range(EVENTS):
        own = slice(k * RECORDS, (k + 1) * RECORDS)
        peak = float(np.clip(rng.lognormal(np.log(12), 0.95), 2, 300))
        make = rep_profile if kind == "REP" else css_profile
        profile = make(shell[own], L[kind], peak, rng, rng)
        held = np.flatnonzero(profile.electrons[0, 3] > 1)
        if not held.size:
            continue
        if extent == "middle":
            held = held[len(held) // 4 : len(held) - len(held) // 4]
        moved = MOVED[kind] if extent == "moved" else 0.0
        first, last = (int(held[end] + np.rint(rng.normal(0, moved))) for end in (0, -1))
        records = slice(max(min(first, last), 0), max(first, last) + 1)
        counts = expected[:, own].copy()
        counts[ELECTRONS] += profile.electrons[0]
        counts[PROTONS] += profile.protons
        counts[ELECTRONS[:3]] += PROTONS_AS_ELECTRONS @ profile.protons[1:]
        seen = measure(counts[None, :, records], np.zeros(counts[:, records].shape), rng)[0].sum(axis=1)
        sums.append((seen[ELECTRONS], seen[PROTONS], records.stop - records.start))
        true.append(profile.energy_flux(records))
    electrons, protons, seconds = (np.array(x, float).T for x in zip(*sums, strict=True))
    background = np.multiply.outer([3.1, 2.55, 1.7, 1.0], E4 * seconds)
    return Sums(electrons, np.tile(seconds, (4, 1)), background, protons), np.array(true).T


@pytest.mark.parametrize("kind", ["REP", "CSS"])
@pytest.mark.parametrize("extent", EXTENTS)
def test_intervals_hold_the_truth_as_often_as_they_say_whatever_the_extent(kind: str, extent: str) -> None:
    sums, true = simulated(kind, extent, 2026)
    n = true.shape[1]
    assert n > 500
    found = spectrum_and_energy(sums, SIMULATED, np.full(n, kind))
    for k, name in enumerate(("energy_flux_40", "energy_flux_612")):
        value, lower, upper, error = (found[f"{name}{end}"] for end in ("", "_lower", "_upper", "_error"))
        covered = np.mean((lower <= true[k]) & (true[k] <= upper))
        counting = np.mean(np.abs(value - true[k]) <= error)
        assert abs(covered - 0.6827) < 0.05, f"{name}: {covered}"
        assert counting < covered - 0.05, (
            f"{name}: counting alone covers {counting}, the terms are for nothing"
        )


LIMITS = st.tuples(st.floats(1e-4, 1), st.floats(0.01, 1), st.floats(1, 10))


@given(st.lists(LIMITS, min_size=1, max_size=9), st.sampled_from(["REP", "CSS"]))
def test_room_is_made_on_either_side(rows: list, kind: str) -> None:
    value, low, high = np.array(rows).T
    energy, limits = np.stack([value, value]), np.stack([[value * low] * 2, [value * high] * 2])
    found = widened(energy, limits, np.full(len(rows), kind))
    for k in (0, 1):
        below, above = TERMS[kind][k]
        room = np.log(energy[k] / found[0, k]), np.log(found[1, k] / energy[k])
        np.testing.assert_allclose(room[0], np.hypot(np.log(1 / low), below.of(value)), rtol=1e-6)
        np.testing.assert_allclose(room[1], np.hypot(np.log(high), above.of(value)), rtol=1e-6, atol=1e-9)


def test_an_amount_weighs_most_in_weak_events() -> None:
    term = Term(0.03, 0.004)
    np.testing.assert_allclose(term.of(np.array([0.1, 0.001])), [0.05, np.hypot(0.03, 4)])


def test_no_energy_has_no_room() -> None:
    energy, limits = np.array([[np.nan, 0.0]] * 2), np.array([[[np.nan, 0.0]] * 2, [[np.nan, 0.005]] * 2])
    np.testing.assert_array_equal(widened(energy, limits, np.array(["REP", "CSS"])), limits)
