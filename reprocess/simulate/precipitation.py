"""Precipitation events with known truth: what satellites see of the structures that they cross.

Events are worked out on a window that reaches past both midnights of a day, from what is the same in the
windows of the days on either side. So an event that straddles midnight is one event, half of it in
either file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from reprocess.simulate.fluxes import PROTONS_AS_ELECTRONS
from reprocess.simulate.geometry import Geometry
from reprocess.simulate.profiles import Profile, css_profile, rep_profile
from reprocess.simulate.structures import PEAK_RANGE, Structure
from reprocess.simulate.telemetry import CHANNELS

THRESHOLD_COUNTS = 1.0
"""An event's records: its expected E4 counts at 0 degrees exceed this and the background's."""

SEPARATION_RECORDS = 45
"""Free records around an event: neighbouring windows are to have one answer."""
REACH_RECORDS = 150
"""Half the longest stretch of a pass an event can cover."""
MARGIN_RECORDS = 4 * REACH_RECORDS + 2 * SEPARATION_RECORDS + 16
"""How far a window reaches beyond the day: to all that can keep out an event that reaches into the day."""

SEEN_SHARE = 0.85
"""A pass now and then misses a structure."""
PASS_SPREAD = 0.3
"""Standard deviation of the logarithm of the peak, from pass to pass through one structure."""
PASS_SHIFT_RECORDS = 6

_E4 = CHANNELS.index("p6")
_ELECTRONS = [CHANNELS.index(c) for c in ("e1", "e2", "e3", "p6")]
_PROTONS = [CHANNELS.index(c) for c in ("p1", "p2", "p3", "p4")]


@dataclass(frozen=True)
class Candidate:
    """A pass through a structure."""

    structure: Structure
    centre: int
    """Record of the window at which the satellite is at the structure's L."""


@dataclass(frozen=True)
class Event:
    """One event; records are those of the window it was worked out on."""

    structure: Structure
    centre: int
    """Record of the peak."""
    start: int
    stop: int
    """First and last record that meet `THRESHOLD_COUNTS`, inclusive."""
    peak_counts: float
    """Largest expected count per second of E4 at 0 degrees, without background."""
    width: float
    """Width in L: of the profile's half maximum (REP), between the outermost records (CSS)."""
    ratio: float
    """Flux at 0 degrees over flux at 90 degrees of the event itself, E4."""
    contamination: tuple[float, float, float]
    """Share of protons in the counts of E1, E2 and E3 at 0 degrees, summed over the event's records."""
    energy: tuple[float, float] = (np.nan, np.nan)
    """Energy flux of electrons above 40 and 612 keV, mW m-2, mean of the event's records."""
    first: int = 0
    """The first record of the pass that the event is a part of."""
    energy_by_record: np.ndarray = field(default_factory=lambda: np.zeros((2, 0)))
    """The same energy flux of each record from `first` on, of its flanks too."""


@dataclass(frozen=True)
class _Draft:
    """An event that may have to give way to another."""

    event: Event
    profile: Profile
    where: slice
    priority: float


def _stretch(geometry: Geometry, centre: int) -> slice:
    """Return the records around `centre` on the same pass: L monotonic, at most `REACH_RECORDS` away."""
    shell = geometry.magnetic.shell
    first, last = max(centre - REACH_RECORDS, 0), min(centre + REACH_RECORDS, len(shell) - 1)
    slope = np.sign(shell[min(centre + 8, last)] - shell[max(centre - 8, first)])
    # Steps against the slope end the pass; interpolation noise in L does not.
    turned = np.flatnonzero(np.diff(shell[first : last + 1 : 8]) * slope < 0) * 8 + first
    before, after = turned[turned + 8 <= centre], turned[turned >= centre]
    return slice(int(before[-1]) + 8 if before.size else first, int(after[0]) + 1 if after.size else last + 1)


def crossings(geometry: Geometry, found: Sequence[Structure]) -> list[Candidate]:
    """Return where a satellite crosses structures while they live, within their local times."""
    shell, mlt = geometry.magnetic.shell, geometry.magnetic.mlt
    candidates = []
    for structure in found:
        first, last = np.searchsorted(geometry.time_ms, [structure.start_ms, structure.stop_ms])
        crossed = np.flatnonzero(np.diff(shell[first:last] > structure.shell)) + first
        hours = np.abs((mlt[crossed] - structure.mlt + 12) % 24 - 12)
        candidates += [Candidate(structure, int(c)) for c in crossed[hours < structure.half_width_h]]
    return candidates


def _contamination(electrons: np.ndarray, protons: np.ndarray) -> tuple[float, float, float]:
    """Return the share of protons in E1-E3 from counts (4, records) of electrons and of protons."""
    by_protons = (PROTONS_AS_ELECTRONS @ protons[1:]).sum(axis=1)
    e1, e2, e3 = by_protons / np.maximum(by_protons + electrons[:3].sum(axis=1), 1e-9)
    return float(e1), float(e2), float(e3)


def _draft(
    geometry: Geometry, usual_e4: Callable[[slice], np.ndarray], sat_id: int, candidate: Candidate
) -> _Draft | None:
    """Work out a pass; None if it misses, or if no record meets the threshold."""
    structure = candidate.structure
    minute = int(geometry.time_ms[candidate.centre] // 60_000)
    rng = np.random.default_rng([structure.seed, structure.number, sat_id, minute])
    seen, priority = rng.uniform() < SEEN_SHARE, rng.uniform()
    centre = candidate.centre + int(rng.integers(-PASS_SHIFT_RECORDS, PASS_SHIFT_RECORDS + 1))
    centre = min(max(centre, 0), len(geometry.time_ms) - 1)
    peak = float(np.clip(structure.peak * rng.lognormal(0.0, PASS_SPREAD), *PEAK_RANGE))
    if not seen:
        return None
    where = _stretch(geometry, centre)
    shell = geometry.magnetic.shell[where]
    shape_rng = np.random.default_rng([structure.seed, structure.number])
    make = rep_profile if structure.event_class == "REP" else css_profile
    profile = make(shell, float(geometry.magnetic.shell[centre]), peak, shape_rng, rng)
    e4 = profile.electrons[0, 3]
    clear = np.flatnonzero((e4 > THRESHOLD_COUNTS) & (e4 > usual_e4(where)))
    if not clear.size:
        return None
    start, stop = int(clear[0]), int(clear[-1])
    width = profile.width or float(abs(shell[stop] - shell[start]))
    top, held = int(clear[e4[clear].argmax()]), slice(start, stop + 1)
    shares = _contamination(profile.electrons[0][:, held], profile.protons[:, held])
    first = where.start
    event = Event(
        structure,
        first + top,
        first + start,
        first + stop,
        float(e4[top]),
        width,
        profile.ratio,
        shares,
        profile.energy_flux(held),
        first,
        profile.energy_flux_by_record(),
    )
    return _Draft(event, profile, where, priority)


def _free(drafts: list[_Draft]) -> list[_Draft]:
    """Return the drafts to which none of higher priority is near, in order of time.

    Whether the other has to give way itself does not matter: else what happens at midnight could
    depend on the whole day before.
    """
    kept = []
    for draft in drafts:
        low, high = draft.event.start - SEPARATION_RECORDS, draft.event.stop + SEPARATION_RECORDS
        near = (o for o in drafts if o.event.start <= high and o.event.stop >= low)
        if all(o.priority <= draft.priority for o in near):
            kept.append(draft)
    return sorted(kept, key=lambda d: d.event.start)


def _add(expected: np.ndarray, offset: int, draft: _Draft) -> None:
    """Add an event to expected counts (2, 9, records) the first of which is record `offset` of the window."""
    first = max(draft.where.start, offset)
    last = min(draft.where.stop, offset + expected.shape[-1])
    if first >= last:
        return
    target = expected[..., first - offset : last - offset]
    part = slice(first - draft.where.start, last - draft.where.start)
    electrons, protons = draft.profile.electrons[..., part], draft.profile.protons[:, part]
    target[0, _ELECTRONS] += electrons[0]
    # The 90-degree telescope sees the event's source as part of what it sees anyway.
    target[1, _ELECTRONS] = np.maximum(target[1, _ELECTRONS], electrons[1])
    target[:, _PROTONS] += protons
    target[:, _ELECTRONS[:3]] += PROTONS_AS_ELECTRONS @ protons[1:]


def add_events(
    expected: np.ndarray,
    offset: int,
    geometry: Geometry,
    usual_e4: Callable[[slice], np.ndarray],
    sat_id: int,
    candidates: Sequence[Candidate],
) -> list[Event]:
    """Add events to the expected counts in place and return those of the window in order of time.

    Parameters
    ----------
    expected : array of shape (2, 9, records)
        Expected counts per second of the background.
    offset : int
        Record of the window that is the first of `expected`.
    geometry : Geometry
        The window.
    usual_e4 : callable
        Gives the background of P6 at 0 degrees as it usually is in some records of the window.
    sat_id : int
        NOAA's `satID`.
    candidates : sequence of Candidate
        Passes; one of any two that would share records or nearly do is left out, so very high rates saturate.
    """
    drafts = [_draft(geometry, usual_e4, sat_id, c) for c in candidates]
    kept = _free([d for d in drafts if d is not None])
    for draft in kept:
        _add(expected, offset, draft)
    return [d.event for d in kept]
