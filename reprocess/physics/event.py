"""The properties of events, from the records around them: columns of `schema.properties`, no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprocess.physics.background import chance, expected_background
from reprocess.physics.budget import Sums, spectrum_and_energy
from reprocess.physics.counts import ELECTRONS, PROTONS, electron_counts, proton_counts
from reprocess.physics.dispersion import dispersion, isotropy_boundary
from reprocess.physics.geometry import distance_km, folded, invariant_latitude, loss_cone
from reprocess.physics.protons import Rule, fractions
from reprocess.physics.ratio import ratio
from reprocess.physics.response import MEASURED, SIMULATED, Response
from reprocess.schema import FLUX_PER_COUNT

ARRAYS = (
    "time", "electron_flux", "proton_flux", "L_IGRF", "foot_latitude", "foot_longitude", "B_sat", "B_foot",
    "pitch_angle_sat",
)  # fmt: skip
"""Arrays of the archive that properties are made of."""

AROUND = 20
"""Records on either side of an event in which its boundaries are looked for."""

_TELESCOPES = (0, 90)

Records = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Event:
    """One event and the records around it."""

    records: Records
    """`ARRAYS` of the records, shapes (…, m)."""
    first: int
    last: int
    """Position of its first and last record in them."""
    peak: int
    """Position of its peak."""
    background: float
    """E4 at 0 degrees over the polar caps, counts per second."""
    L: float
    """At the peak, as the event table has it: traced where the file has none."""
    L_extent: tuple[float, float]
    """Least and largest measured L; NaN where none is measured."""
    simulated: bool
    """Whether the file says that it is simulated."""
    event_class: str
    """REP or CSS."""


def properties(events: Sequence[Event]) -> dict[str, np.ndarray]:
    """Return the properties of events, but for what names them.

    Parameters
    ----------
    events : sequence of Event
        From one or several days.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        By `schema.properties.PROPERTY_COLUMNS`, without its first three.
    """
    rows = [_row(event) for event in events]
    columns = {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}
    simulated = np.array([event.simulated for event in events], bool)
    classes = np.array([event.event_class for event in events])
    sums = [_sums(event) for event in events]
    found: dict[str, np.ndarray] = {}
    for response, which in ((MEASURED, ~simulated), (SIMULATED, simulated)):
        if which.any():
            part = _together([one for one, wanted in zip(sums, which, strict=True) if wanted])
            known = _fractions(part, response) | spectrum_and_energy(part, response, classes[which])
            for name, values in known.items():
                found.setdefault(name, np.full(len(events), np.nan))[which] = values
    return columns | found


def _own(event: Event, name: str) -> np.ndarray:
    return event.records[name][..., event.first : event.last + 1]


def _row(event: Event) -> dict[str, Any]:
    """Return what is made of one event alone."""
    instrument = SIMULATED if event.simulated else MEASURED
    row: dict[str, Any] = {"instrument": instrument.name, "records": event.last - event.first + 1}
    for kind, channels in (("electron_flux", ELECTRONS), ("proton_flux", PROTONS)):
        row |= _of_channels(_own(event, kind), channels)
    row |= _background_and_ratios(event) | _boundaries(event) | _place(event)
    return row


def _of_channels(flux: np.ndarray, channels: tuple[str, ...]) -> dict[str, float]:
    """Return sums of counts, mean fluxes and (of protons) largest fluxes; flux of shape (2, channels, m)."""
    found: dict[str, float] = {}
    for telescope, by_channel in zip(_TELESCOPES, flux, strict=True):
        counts = electron_counts(by_channel) if channels is ELECTRONS else proton_counts(by_channel)
        for name, values in zip(channels, counts, strict=True):
            seen = values[~np.isnan(values)]
            per_count, where = FLUX_PER_COUNT[name], f"{name}_{telescope}"
            found[f"counts_{where}"] = float(seen.sum())
            found[f"mean_{where}"] = per_count * float(seen.mean()) if seen.size else np.nan
            if channels is PROTONS:
                found[f"max_{where}"] = per_count * float(seen.max()) if seen.size else np.nan
    return found


def _electrons(event: Event) -> np.ndarray:
    """Return counts of E1-E4 in the event's records, shape (2, 4, m)."""
    return np.stack([electron_counts(flux) for flux in _own(event, "electron_flux")])


def _sums(event: Event) -> Sums:
    """Return what one event counts at 0 degrees, shapes (4, 1)."""
    electrons = _electrons(event)
    seconds = (~np.isnan(electrons[0])).sum(axis=-1).astype(float)
    seen_90 = np.where(np.isnan(electrons[0, 3]), 0.0, np.nan_to_num(electrons[1, 3])).sum()
    background = expected_background(event.background * seconds[3:], seen_90)
    background[:3] = expected_background(event.background * seconds[:1], np.zeros(()))[:3]
    protons = np.nan_to_num(proton_counts(_own(event, "proton_flux")[0, :4])).sum(axis=-1)
    return Sums(np.nansum(electrons[0], axis=-1)[:, None], seconds[:, None], background, protons[:, None])


def _together(sums: Sequence[Sums]) -> Sums:
    names = ("counts", "seconds", "background", "protons")
    return Sums(*(np.concatenate([getattr(one, name) for one in sums], axis=1) for name in names))


def _fractions(sums: Sums, response: Response) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    rules: dict[str, Rule] = {"contamination": response.protons, "contamination_fixed": "fixed"}
    for name, rule in rules.items():
        shares = fractions(sums.counts, sums.protons, rule)
        found |= {f"{name}_e{k + 1}": share for k, share in enumerate(shares)}
    return found


def _background_and_ratios(event: Event) -> dict[str, float]:
    sums, electrons = _sums(event), _electrons(event)
    counts, expected = float(sums.counts[3, 0]), float(sums.background[3, 0])
    found = {
        "e4_expected": expected,
        "e4_excess": counts - expected,
        "e4_excess_error": float(np.sqrt(max(counts, 1.0))),
        "e4_chance": float(chance(sums.counts[3], sums.background[3])[0]),
    }
    polar = expected_background(np.array(event.background), np.zeros(()))
    for k in range(4):
        both = ~np.isnan(electrons[:, k]).any(axis=0)
        of_0, of_90 = electrons[:, k, both].sum(axis=-1)
        value, error = ratio(of_0, of_90, polar[k] * both.sum())
        found[f"ratio_e{k + 1}"], found[f"ratio_e{k + 1}_error"] = float(value), float(error)
    return found


def _boundaries(event: Event) -> dict[str, float]:
    near = slice(max(event.first - AROUND, 0), event.last + AROUND + 1)
    flux, shell = event.records["electron_flux"][..., near], event.records["L_IGRF"][near]
    counts = [electron_counts(one) for one in flux]
    peak = event.peak - near.start
    limits = [isotropy_boundary(shell, counts[0][k], counts[1][k], peak) for k in range(4)]
    found = {}
    for k, (value, error) in enumerate(limits):
        found[f"boundary_L_e{k + 1}"], found[f"boundary_L_e{k + 1}_error"] = value, error
    slope, error = dispersion(*np.array(limits).T)
    return found | {"dispersion": slope, "dispersion_error": error}


def _place(event: Event) -> dict[str, float]:
    r, at = event.records, event.peak
    ends = [[float(r[f"foot_{name}"][k]) for k in (event.first, event.last)] for name in _COORDINATES]
    low, high = invariant_latitude(np.array(event.L_extent))
    axes = folded(r["pitch_angle_sat"][:, at])
    return {
        "invariant_latitude": float(invariant_latitude(np.array(event.L))),
        "width_invariant_latitude": float(high - low),
        "width_km": float(distance_km(*np.array(ends))),
        "loss_cone_angle": float(loss_cone(r["B_sat"][at], r["B_foot"][at])),
        "axis_angle_0": float(axes[0]),
        "axis_angle_90": float(axes[1]),
    }


_COORDINATES = ("latitude", "longitude")
