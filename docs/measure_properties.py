"""Hold properties of events against the simulator's truth: the tables of docs/physics.md.

    python docs/measure_properties.py [--days 60] [--seed 202 --seed 303] [--start DATE] [--extent cut]
    python docs/measure_properties.py --found WORK TRUTH.parquet SEED [--found ...] [--run NAME ...]
    python docs/measure_properties.py --calibrate --seed ... --start DATE --days 40 --found ...

Events are the true ones, given records of all kinds of `EXTENTS`, so that it is the properties that are
measured and not detection; with `--found`, those that runs of a WORK found, each beside the true event of its
class that it overlaps. The truth is the energy flux of the event's electrons in the very records that the
properties are of, whatever part of an event they are; `whole` tells how often the interval contains that of
the whole true event. `--calibrate` finds the terms of `reprocess.physics.unmodelled` for all that is named,
each run and each kind of extent a source of its own; measure on other seeds.
"""

import argparse
import datetime as dt
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from reprocess.catalogue.properties import describe_events
from reprocess.catalogue.stage import origin_of
from reprocess.physics.coincidence import milliseconds, overlapping
from reprocess.physics.event import AROUND, Event, properties
from reprocess.physics.unmodelled import TERMS, Term
from reprocess.schema import ELECTRON_VARIABLES, EVENT_CLASSES, PROTON_VARIABLES
from reprocess.simulate import simulated_day
from reprocess.simulate.fluxes import e4_background
from reprocess.work.held import Held
from reprocess.work.parts import read_events
from reprocess.work.paths import Run, Work
from reprocess.work.status import ledger_days

SATELLITES, EVENTS_PER_DAY, EVERY_DAYS = ("noaa18", "metop01"), 40.0, 6
"""Days are spread over a year, so that quiet and storm are among them; which year, the seed tells."""

FOUND_PER_DAY = 20.0
"""Events a day (`reprocess simulate --events-per-day`) of the archives that `--found` names."""

EXTENTS = ("true", "cut", "any")
"""Records that an event is given: its own; two to four fifths of them, around the peak; from two fifths of as
many to half as many again, the peak near their middle."""

CHECKED = (202, 303, 304, 305)
STRENGTHS = (2, 5, 10, 30, 300)
"""Limits of the peak of E4, counts per second."""

ENERGIES = ("energy_flux_40", "energy_flux_612")
NOMINAL = 0.6827

FLOOR, SIDES = 0.015, 0.01
"""Calibration: what is added in quadrature to the standard error of a cell, whose events are half as many as
its rows where two modes find the same ones; and the weight of what the two sides differ."""

Found = tuple[pd.DataFrame, pd.DataFrame]
"""Properties of events, and the truth about them, row by row."""

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


def extent(row: dict[str, object], kind: str, rng: np.random.Generator) -> tuple[int, int]:
    """Return the first and last record that an event is given: of one kind of `EXTENTS`."""
    first, last, peak = (int(row[name]) for name in ("start_index", "stop_index", "peak_index"))
    records = last - first + 1
    if kind == "cut":
        given = max(round(rng.uniform(0.4, 0.8) * records), 1)
        first = int(np.clip(peak - given // 2, first, last - given + 1))
        return first, first + given - 1
    if kind == "any":
        given = max(round(np.exp(rng.uniform(np.log(0.4), np.log(1.5))) * records), 1)
        first = max(peak - int(rng.uniform(0.3, 0.7) * given), 0)
        return first, first + given - 1
    return first, last


def events_of(
    satellite: str, date: dt.date, seed: int, per_day: float, extents: Sequence[str]
) -> list[tuple[Event, dict[str, object]]]:
    """Return a day's true events with their rows of the truth table, each as often as there are extents."""
    day = simulated_day(satellite, date, seed, per_day)
    records, found = records_of(day.variables), []
    background = e4_background(satellite, date.year + date.timetuple().tm_yday / 365.25)
    rng = np.random.default_rng([seed, date.toordinal()])
    for row, kind in itertools.product(day.truth, extents):
        if row["at_midnight"] or row["at_gap"] or row["in_calibration"] or row["in_anomaly"]:
            continue
        first, last = extent(row, kind, rng)
        near = slice(max(first - AROUND, 0), last + AROUND + 1)
        part = {name: values[..., near] for name, values in records.items()}
        if np.any(part["electron_flux"][0, 3] < 0):
            continue
        peak = min(max(int(row["peak_index"]), first), last)
        places = (first - near.start, last - near.start, peak - near.start)
        limits = (float(row["L_min"]), float(row["L_max"]))
        event = Event(part, *places, background, float(row["L"]), limits, True, str(row["event_class"]))
        flux = day.energy_flux[:, first : last + 1]
        found.append((event, row | _of_records(row, flux) | {"extent": kind}))
    return found


def _of_records(row: Mapping[str, object], flux: np.ndarray) -> dict[str, object]:
    """Return the true energy flux of an event's records, shape (2, m), and that of the whole event."""
    whole = {f"whole_{name}": row[name] for name in ENERGIES}
    return whole | dict(zip(ENERGIES, flux.mean(axis=1).tolist(), strict=True))


def true_events(
    seeds: list[int], number: int, days: list[dt.date] | None = None, extents: Sequence[str] | None = None
) -> Found:
    """Return properties and truth of simulated events, row by row.

    They are of a `number` of days over a year, or of those that are given, which are as `--found` has them.
    """
    pairs, per_day = [], FOUND_PER_DAY if days else EVENTS_PER_DAY
    for seed in seeds:
        first = dt.date(2010 + seed % 5, 1, 5)
        spread = [first + dt.timedelta(days=EVERY_DAYS * k) for k in range(number)]
        for date, satellite in itertools.product(days or spread, SATELLITES):
            pairs += events_of(satellite, date, seed, per_day, extents or EXTENTS)
    found = properties([event for event, _ in pairs])
    return pd.DataFrame(found), pd.DataFrame([row for _, row in pairs])


def found_events(work: Work, run: Run, truth: Path, seed: int) -> Found:
    """Return a run's events with properties and the true one of the same class that each overlaps."""
    held, tables = Held(ledger_days(work.ledger)), []
    for receipt in run.ledger.done():
        events = read_events(run, [receipt])
        columns = describe_events(work, receipt["satellite"], events, origin_of(receipt, held)[1])
        new = {name: values for name, values in columns.items() if name not in events}
        tables.append(pd.concat([events, pd.DataFrame(new, index=events.index)], axis=1))
    found, true = pd.concat(tables, ignore_index=True), pd.read_parquet(truth)
    usable = ~(true["at_midnight"] | true["at_gap"] | true["in_calibration"] | true["in_anomaly"])
    true = true[usable].reset_index(drop=True)
    edges = [milliseconds(table[f"{x}_time"]) for table in (found, true) for x in ("start", "stop")]
    i, j = overlapping(*edges)
    same = np.logical_and.reduce(
        [found[name].to_numpy()[i] == true[name].to_numpy()[j] for name in ("satellite", "event_class")]
    )
    same &= (found["energy_flux_40"].notna() & (found["date"] == found["stop_date"])).to_numpy()[i]
    found, true = found.iloc[i[same]], true.iloc[j[same]]
    pairs = zip(found.to_dict("records"), true.to_dict("records"), strict=True)
    return found, pd.DataFrame([own | _in_records_of(event, own, seed) for event, own in pairs])


def _in_records_of(event: Mapping[str, object], row: Mapping[str, object], seed: int) -> dict[str, object]:
    flux = _energy_flux(str(event["satellite"]), dt.date.fromisoformat(str(event["date"])), seed)
    return _of_records(row, flux[:, int(event["start_index"]) : int(event["stop_index"]) + 1])


@cache
def _energy_flux(satellite: str, date: dt.date, seed: int) -> np.ndarray:
    return simulated_day(satellite, date, seed, FOUND_PER_DAY).energy_flux


def chosen_rows(truth: pd.DataFrame) -> dict[tuple[str, str], np.ndarray]:
    """Return which events are of each class and strength."""
    peak, kind = truth["peak_counts"].to_numpy(), truth["event_class"].to_numpy()
    return {
        (f"{low}-{high}", name): (peak >= low) & (peak < high) & (kind == name)
        for low, high in itertools.pairwise(STRENGTHS)
        for name in EVENT_CLASSES
    }


def measure(found: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return bias, scatter and coverage by property, class and strength."""
    rows = []
    for (peak, kind), which in chosen_rows(truth).items():
        row: dict[str, object] = {"peak": peak, "class": kind, "events": int(which.sum())}
        rows.append(row | _energies(found[which], truth[which]) | _others(found[which], truth[which]))
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame) -> str:
    """Return the energies of `measure` as the table of docs/physics.md."""
    lines = []
    for row in table.to_dict("records"):
        cells = [f"{row['peak']} | {row['class']} | {row['events']}"]
        for short in ("40", "612"):
            low, middle, high = (row[f"{short} {name}"] for name in ("low", "median", "high"))
            cells.append(f"{middle:.2f} ({low:.2f}-{high:.2f})")
            names = ("counting", "below", "covered", "above", "in range", "whole")
            shares = [100 * row[f"{short} {name}"] for name in names]
            cells.append("{:.0f} | {:.0f} **{:.0f}** {:.0f} | {:.0f} | {:.0f}".format(*shares))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def calibrate(sources: Sequence[Found]) -> dict[tuple[str, str], tuple[Term, Term]]:
    """Return by class and energy the terms below and above whose intervals cover at nominal in each cell.

    Cells are the strengths of each source; the limits of `found` are to be those of counting alone. On a
    grid, the least sum over cells of the square of what coverage misses, and of `SIDES` of what the two
    sides differ, each over the cell's own uncertainty. An amount is looked for below the flux above 40 keV
    alone, which aurora adds to.
    """
    found_terms = {}
    shares, overs = np.arange(0, 0.2, 0.01), np.arange(0, 0.34, 0.02)
    for kind, name in itertools.product(EVENT_CLASSES, ENERGIES):
        amounts = np.arange(0, 0.003, 0.00025) if name == ENERGIES[0] else (0.0,)
        terms = [Term(round(float(s), 2), round(float(a), 5)) for s in shares for a in amounts]
        cells = [missed(*cell, name, terms, overs) for cell in cells_of(sources, kind)]
        costs = np.zeros((len(terms), len(overs)))
        for below, above, n in cells:
            off, sides = below[:, None] + above - (1 - NOMINAL), below[:, None] - above
            costs += (off**2 + SIDES * sides**2) / (2 * NOMINAL * (1 - NOMINAL) / n + FLOOR**2)
        i, j = np.unravel_index(costs.argmin(), costs.shape)
        found_terms[kind, name] = (terms[i], Term(round(float(overs[j]), 2)))
    return found_terms


def cells_of(sources: Sequence[Found], kind: str) -> Iterator[Found]:
    """Return the events of a class by source and strength."""
    for found, truth in sources:
        for (_, one), which in chosen_rows(truth).items():
            if one == kind and which.any():
                yield found[which], truth[which]


def missed(
    found: pd.DataFrame, truth: pd.DataFrame, name: str, terms: list[Term], overs: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return how often the truth is below the interval by term, above it by share, and of how many events."""
    energy, lower, upper = (found[f"{name}{end}"].to_numpy() for end in ("", "_lower", "_upper"))
    off = np.log(energy / truth[name].to_numpy())
    below, above = np.log(energy / np.maximum(lower, 1e-12 * energy)), np.log(upper / energy)
    return (
        np.array([np.mean(off > np.hypot(below, term.of(energy))) for term in terms]),
        np.array([np.mean(off < -np.hypot(above, over)) for over in overs]),
        len(found),
    )


def _energies(found: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    row: dict[str, float] = {}
    for name in ENERGIES:
        true, short = truth[name].to_numpy(), name.removeprefix("energy_flux_")
        value, error, lower, upper, least, most = (
            found[f"{name}{end}"].to_numpy() for end in ("", "_error", "_lower", "_upper", "_least", "_most")
        )
        low, middle, high = np.exp(np.percentile(np.log(value / true), [15.87, 50, 84.13]))
        row |= {f"{short} median": middle, f"{short} low": low, f"{short} high": high}
        row |= {f"{short} counting": (np.abs(value - true) <= error).mean()}
        row |= {f"{short} below": (true < lower).mean(), f"{short} above": (true > upper).mean()}
        row |= {f"{short} covered": ((lower <= true) & (true <= upper)).mean()}
        whole = truth[f"whole_{name}"].to_numpy()
        row |= {f"{short} whole": ((lower <= whole) & (whole <= upper)).mean()}
        row |= {f"{short} in range": ((least <= true) & (true <= most)).mean()}
        row |= {f"{short} width": np.median(upper / lower)}
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


def extents_markdown(parts: Mapping[str, Found]) -> str:
    """Return the table of docs/physics.md of what a shorter or longer extent means, by run and class."""
    lines = []
    for (label, (found, truth)), kind in itertools.product(parts.items(), EVENT_CLASSES):
        which = ((truth["event_class"] == kind) & (truth["peak_counts"] >= STRENGTHS[0])).to_numpy()
        own, true = found[which], truth[which]
        records = _records(own) / _records(true)
        source = ", ".join(f"`{part}`" for part in label.split("-"))
        cells = [f"{source}, {kind} ({which.sum()})", f"{np.median(records):.2f}"]
        for name in ENERGIES:
            value, lower, upper = (own[f"{name}{end}"].to_numpy() for end in ("", "_lower", "_upper"))
            for of in (true[name].to_numpy(), true[f"whole_{name}"].to_numpy()):
                inside = 100 * ((lower <= of) & (of <= upper)).mean()
                median = f"{np.median(value / of):.2f}, " if name == ENERGIES[0] else ""
                cells.append(f"{median}{inside:.0f}")
        deposited = own[ENERGIES[0]].to_numpy() / true[f"whole_{ENERGIES[0]}"].to_numpy() * records
        lines.append(f"| {' | '.join(cells)} | {np.median(deposited):.2f} |")
    return "\n".join(lines)


def _records(events: pd.DataFrame) -> np.ndarray:
    return (events["stop_index"] - events["start_index"] + 1).to_numpy()


def _joined(parts: Iterable[Found]) -> Found:
    found, truth = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    return found, truth


def measured(given: argparse.Namespace) -> dict[str, Found]:
    """Return what is measured by source: a run of all the WORKs, or one of `EXTENTS`."""
    parts: dict[str, list[Found]] = {}
    for work, truth, seed in given.found or ():
        for run in Work(Path(work)).runs():
            if not given.run or run.name in given.run:
                found = found_events(Work(Path(work)), run, Path(truth), int(seed))
                parts.setdefault(run.name, []).append(found)
    if given.seed or not given.found:
        days = (
            None if given.start is None else [given.start + dt.timedelta(days=k) for k in range(given.days)]
        )
        found, truth = true_events(given.seed or list(CHECKED), given.days, days, given.extent)
        for extent, rows in truth.groupby("extent").indices.items():
            parts[str(extent)] = [(found.iloc[rows], truth.iloc[rows])]
    return {label: _joined(tables) for label, tables in parts.items()}


def main() -> None:
    """Measure what the options name and print it."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--days", type=int, default=60)
    options.add_argument("--seed", type=int, action="append")
    options.add_argument("--start", type=dt.date.fromisoformat, help="these days, not days over a year")
    options.add_argument("--extent", choices=EXTENTS, action="append", help="only records of this kind")
    options.add_argument("--found", nargs=3, action="append", metavar=("WORK", "TRUTH", "SEED"))
    options.add_argument("--run", action="append", help="of the runs of WORK, only this one")
    options.add_argument("--calibrate", action="store_true")
    given = options.parse_args()
    if given.calibrate:
        TERMS.clear()  # so that the limits are of counting alone
    parts = measured(given)
    if given.calibrate:
        for key, terms in calibrate(list(parts.values())).items():
            sys.stdout.write(f"{key}: below {terms[0]}, above {terms[1]}\n")
        return
    table = measure(*_joined(parts.values()))
    texts = (markdown(table), extents_markdown(parts) if given.found else "", table.T.to_string())
    sys.stdout.write("\n\n".join(text for text in texts if text) + "\n")


if __name__ == "__main__":
    pd.set_option("display.width", 250, "display.max_columns", 50, "display.precision", 2)
    main()
