"""Hold properties of events against the simulator's truth: the table of docs/physics.md.

    python docs/measure_properties.py [DAYS]

Events are the true ones, between their true records, so that it is the properties that are measured and not
detection.
"""

import datetime as dt
import itertools
import sys

import numpy as np
import pandas as pd

from reprocess.physics.event import AROUND, Event, properties
from reprocess.schema import ELECTRON_VARIABLES, PROTON_VARIABLES
from reprocess.simulate import simulate_day
from reprocess.simulate.fluxes import e4_background

SATELLITES, START, EVENTS_PER_DAY, SEED = ("noaa18", "metop01"), dt.date(2015, 6, 1), 40.0, 77
STRENGTHS = (2, 5, 10, 30, 300)
"""Limits of the peak of E4, counts per second."""

NAMES = {
    "time": "time", "L_IGRF": "L_IGRF", "foot_latitude": "geod_lat_foot", "foot_longitude": "geod_lon_foot",
    "B_sat": "Btot_sat", "B_foot": "Btot_foot",
}  # fmt: skip


def records_of(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return a simulated file's variables as the archive has them."""
    records = {name: variables[source] for name, source in NAMES.items()}
    for name, sources in (("electron_flux", ELECTRON_VARIABLES), ("proton_flux", PROTON_VARIABLES)):
        stacked = np.stack([variables[source] for source in sources])
        records[name] = stacked.reshape(2, len(sources) // 2, -1).astype(np.float32)
    records["pitch_angle_sat"] = np.stack([variables[f"meped_alpha_{t}_sat"] for t in (0, 90)])
    return records


def events_of(satellite: str, date: dt.date) -> list[tuple[Event, dict[str, object]]]:
    """Return a day's true events with their rows of the truth table."""
    variables, truth = simulate_day(satellite, date, SEED, EVENTS_PER_DAY)
    records, found = records_of(variables), []
    background = e4_background(satellite, date.year + date.timetuple().tm_yday / 365.25)
    for row in truth:
        first, last, peak = (int(row[name]) for name in ("start_index", "stop_index", "peak_index"))
        if row["at_midnight"] or row["at_gap"] or row["in_calibration"] or row["in_anomaly"]:
            continue
        near = slice(max(first - AROUND, 0), last + AROUND + 1)
        part = {name: values[..., near] for name, values in records.items()}
        if np.any(part["electron_flux"][0, 3] < 0):
            continue
        places = (first - near.start, last - near.start, peak - near.start)
        extent = (float(row["L_min"]), float(row["L_max"]))
        found.append((Event(part, *places, background, float(row["L"]), extent, simulated=True), row))
    return found


def measure(days: int) -> pd.DataFrame:
    """Return bias, scatter and coverage by property and strength."""
    pairs = [
        pair for s in SATELLITES for k in range(days) for pair in events_of(s, START + dt.timedelta(days=k))
    ]
    found = pd.DataFrame(properties([event for event, _ in pairs]))
    truth = pd.DataFrame([row for _, row in pairs])
    rows = []
    for low, high in itertools.pairwise(STRENGTHS):
        which = ((truth["peak_counts"] >= low) & (truth["peak_counts"] < high)).to_numpy()
        for kind in ("REP", "CSS"):
            chosen = which & (truth["event_class"] == kind).to_numpy()
            row: dict[str, object] = {"peak": f"{low}-{high}", "class": kind, "events": int(chosen.sum())}
            rows.append(row | _energies(found[chosen], truth[chosen]) | _others(found[chosen], truth[chosen]))
    return pd.DataFrame(rows)


def _energies(found: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    row: dict[str, float] = {}
    for name in ("energy_flux_40", "energy_flux_612"):
        true, short = truth[name].to_numpy(), name.removeprefix("energy_flux_")
        ratio = np.log(found[name].to_numpy() / true)
        within = (found[f"{name}_lower"].to_numpy() <= true) & (true <= found[f"{name}_upper"].to_numpy())
        inside = (found[f"{name}_least"].to_numpy() <= true) & (true <= found[f"{name}_most"].to_numpy())
        low, middle, high = np.exp(np.percentile(ratio, [15.87, 50, 84.13]))
        row |= {f"{short} median": middle, f"{short} low": low, f"{short} high": high}
        row |= {f"{short} covered": within.mean(), f"{short} in range": inside.mean()}
    return row


def _others(found: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    row: dict[str, float] = {}
    for k in (1, 3):
        off = found[f"contamination_e{k}"].to_numpy() - truth[f"protons_E{k}"].to_numpy()
        row |= {f"protons E{k} bias": off.mean(), f"protons E{k} sd": off.std()}
    off = found["ratio_e4"].to_numpy() - truth["e4_ratio_0_90"].to_numpy()
    bias = np.nanmedian(off)
    row |= {"ratio E4 bias": bias, "ratio E4 sd": 1.4826 * np.nanmedian(np.abs(off - bias))}
    known = found["dispersion"].notna()
    return row | {"dispersion": found["dispersion"].median(), "with boundaries": known.mean()}


if __name__ == "__main__":
    pd.set_option("display.width", 250, "display.max_columns", 50, "display.precision", 2)
    sys.stdout.write(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10).T.to_string() + "\n")
