"""Ask simulated truth what the paper of 2024 asked of the archive: ``python docs/worked_example.py OUT``.

Writes OUT, a WORK with one run: events of known rates, seen from the orbits of real satellites, in clusters
and with the activity of the simulator. Then asks maps of it, as one would of one's own run, and prints the
tables of docs/worked_example.md. Fluxes and the classifier are left out: what is tried is what is made of
events and dwell.
"""
# ruff: noqa: T201  (printing tables is what it is for)

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from reprocess import schema
from reprocess.maps.axes import make_axes
from reprocess.maps.contrast import contrast, tell
from reprocess.maps.difference import Part, difference_interval, enough, p_values
from reprocess.maps.intervals import block_interval, calendar_block, poisson_interval
from reprocess.maps.occurrence import make_maps
from reprocess.maps.split import event_days
from reprocess.maps.tally import tally
from reprocess.schema import EVENT_COLUMNS, MS_PER_DAY, RECORDS_OF
from reprocess.schema.grid import FINE, L_EDGES, MLT_EDGES, make_grid
from reprocess.simulate.activity import activity
from reprocess.simulate.orbit import ORBITS, positions
from reprocess.work.choice import Choice
from reprocess.work.parts import DWELL, EVENTS, LATER, part_path, read_events, write_part
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import DetectReceipt

SATELLITES = ("noaa15", "noaa18", "noaa19", "metop02")
FIRST = "2013-01-01"
EVERY = 8  # records of which one position stands for all
POLE = (80.6, -72.7)
MEMBERS = 2.0
WIDTH = {"night": 0.20, "day": 0.30}
WIDTH_SPREAD = 0.5
SECTORS = np.array([0.0, 3.0, 9.0, 15.0, 21.0, 24.0])


def distance(mlt: np.ndarray, centre: float) -> np.ndarray:
    """Return hours of local time between."""
    return np.abs((mlt - centre + 12) % 24 - 12)


def true_rate(kind: str, L: np.ndarray, mlt: np.ndarray) -> np.ndarray:
    """Return events per hour of dwell: REP at any local time, most at dusk; CSS on the night side alone."""
    if kind == "REP":
        return 0.8 * np.exp(-0.5 * (L - 5.3) ** 2) * (0.15 + np.exp(-0.5 * (distance(mlt, 19.5) / 3) ** 2))
    return 1.6 * np.exp(-0.5 * ((L - 6.5) / 0.6) ** 2) * np.maximum(1 - (distance(mlt, 23.3) / 5) ** 2, 0)


@dataclass(frozen=True)
class Truth:
    """What was put in."""

    activity: float
    """Mean of the activity over the days; 1 over all time."""
    run: Run
    receipts: list[DetectReceipt]
    rates: dict[str, np.ndarray]
    """Events per hour of dwell of each class and cell of the fine grid, both hemispheres."""


def magnetic(time_ms: np.ndarray, satellite: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return L, MLT and latitude of a satellite in a tilted dipole: near enough to where it is, and cheap."""
    latitude, longitude, altitude = positions(ORBITS[satellite], time_ms)
    subsolar = 180 - 15 * (time_ms % MS_PER_DAY) / 3_600_000
    mlat, mlon = to_dipole(latitude, longitude)
    _, noon = to_dipole(np.zeros(time_ms.size), subsolar)
    L = (1 + altitude / 6371.2) / np.maximum(np.cos(mlat) ** 2, 1e-3)
    return L.astype(np.float32), ((12 + np.degrees(mlon - noon) / 15) % 24).astype(np.float32), latitude


def to_dipole(latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return dipole latitude and longitude, radians, of geographic ones in degrees."""
    lat, lon = np.radians(latitude), np.radians(longitude - POLE[1])
    tilt = np.radians(90 - POLE[0])
    x, y, z = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    return np.arcsin(np.sin(tilt) * x + np.cos(tilt) * z), np.arctan2(y, np.cos(tilt) * x - np.sin(tilt) * z)


def cell_rates() -> dict[str, np.ndarray]:
    """Return the true rate in the middle of every cell of the fine grid, both hemispheres."""
    L, mlt = ((edges[:-1] + edges[1:]) / 2 for edges in (L_EDGES, MLT_EDGES))
    grid = np.meshgrid(L, mlt, indexing="ij")
    return {kind: np.tile(true_rate(kind, *grid).ravel(), 2) for kind in schema.EVENT_CLASSES}


def simulate(out: Path, days: int, satellites: Sequence[str] = SATELLITES, seed: int = 1) -> Truth:
    """Write a WORK with a run of known truth."""
    run, rates = Work(out).run("truth"), cell_rates()
    run.root.mkdir(parents=True)
    identity = {"model": "none", "mode": "truth", "code_version": "worked example"}
    (run.root / "run.json").write_text(json.dumps(identity))
    first = schema.day_index(FIRST)
    every = np.arange(first, first + days)
    active = activity(seed, (every + 0.5 + np.datetime64(schema.EPOCH, "D").astype(int)) * MS_PER_DAY).rate
    receipts = []
    for k, satellite in enumerate(satellites):
        for block in np.unique(every // schema.BLOCK_DAYS):
            inside = every[every // schema.BLOCK_DAYS == block]
            rng = np.random.default_rng([seed, k, int(block)])
            receipts.append(
                write_block(run, satellite, int(block), inside, active[inside - first], rates, rng)
            )
    return Truth(float(active.mean()), run, receipts, rates)


def write_block(
    run: Run,
    satellite: str,
    block: int,
    days: np.ndarray,
    active: np.ndarray,
    rates: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> DetectReceipt:
    """Write the parts of a block as detection does, and return its receipt."""
    cells, numbers, records, events = [], [], [], []
    for day, level in zip(days, active, strict=True):
        start = (int(day) + int(np.datetime64(schema.EPOCH, "D").astype(int))) * MS_PER_DAY
        time_ms = start + 2000.0 * np.arange(0, 43200, EVERY)
        cell = FINE.cell(*magnetic(time_ms, satellite))
        found, count = np.unique(cell[cell >= 0], return_counts=True)
        cells.append(found)
        numbers.append(np.full(found.size, day))
        records.append(count * EVERY)
        for kind, rate in rates.items():
            expected = level * rate[found] * count * EVERY * 2 / 3600
            events.append(draw(kind, found, expected, start, rng))
    blank = np.zeros(sum(map(len, cells)), np.int32)
    dwell = {"day": np.concatenate(numbers).astype(np.int32), "cell": np.concatenate(cells).astype(np.int32)}
    dwell |= dict.fromkeys((*RECORDS_OF.values(), *LATER["dwell"]), blank)
    dwell["records"] = np.concatenate(records).astype(np.int32)
    table = pd.DataFrame({name: np.concatenate([one[name] for one in events]) for name in events[0]})
    columns = {
        name: [{"str": "", "time": 0}.get(c.dtype, 0)] * len(table) for name, c in EVENT_COLUMNS.items()
    }
    columns |= {
        name: table[name].to_numpy(EVENT_COLUMNS[name].dtype) for name in ("L", "MLT", "latitude", "delta_L")
    }
    columns |= {name: table[name].tolist() for name in ("event_class", "date", "hemisphere")}
    columns |= {
        f"{which}_time": table["time"].to_numpy("datetime64[ms]") for which in ("start", "stop", "peak")
    }
    receipt = {
        "satellite": satellite,
        "block": block,
        "state": "done",
        "days": {
            str(schema.day_date(int(day))): {"source_sha256": f"{satellite} {day}", "simulated": True}
            for day in days
        },
        "outputs": {
            "dwell": write_part(part_path(run.dwell, satellite, block), dwell, DWELL),
            "events": write_part(part_path(run.events, satellite, block), columns, EVENTS),
        },
    }
    path = run.ledger.path(satellite, block)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(receipt))
    return receipt  # type: ignore[return-value]


def draw(
    kind: str, cells: np.ndarray, expected: np.ndarray, start: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the events of a satellite-day: clusters in a cell, two events on average in each."""
    clusters = rng.poisson(expected / MEMBERS)
    cell = np.repeat(cells, clusters + rng.poisson(clusters * (MEMBERS - 1)))
    south, L, mlt = np.unravel_index(cell, (2, *FINE.shape))
    local = MLT_EDGES[mlt] + 0.25 * rng.uniform(0.001, 0.999, cell.size)
    by_day = (distance(local, 12) < 6) & (kind == "REP")
    median = np.where(by_day, WIDTH["day"], WIDTH["night"])
    date = str(np.datetime64(start, "ms").astype("datetime64[D]"))
    return {
        "event_class": np.full(cell.size, kind),
        "date": np.full(cell.size, date),
        "time": start + rng.integers(0, MS_PER_DAY, cell.size),
        "L": L_EDGES[L] + 0.1 * rng.uniform(0.001, 0.999, cell.size),
        "MLT": local,
        "latitude": np.where(south == 1, -60.0, 60.0),
        "hemisphere": np.where(south == 1, "S", "N"),
        "delta_L": rng.lognormal(np.log(median), WIDTH_SPREAD),
    }


@dataclass(frozen=True)
class Answer:
    """One row of a table: a number, its interval, and what it should be."""

    what: str
    truth: float
    found: float
    lower: float
    upper: float
    poisson: tuple[float, float] | None = None

    @property
    def covers(self) -> bool:
        """Whether the interval holds the truth."""
        return self.lower <= self.truth <= self.upper


def rates_by_sector(truth: Truth, kind: str) -> Iterator[Answer]:
    """Yield the event rate at L 3 to 8 in sectors of local time."""
    grid = make_grid(np.array([3.0, 8.0]), SECTORS)
    maps = make_maps(truth.run, truth.receipts, grid, 600).dataset().sel(event_class=kind).isel(L=0)
    expected = expected_rates(truth, kind)
    for k, (a, b) in enumerate(pairwise(SECTORS)):
        one = maps.isel(MLT=k)
        yield Answer(
            f"{a:02.0f}-{b:02.0f} h", float(expected[k]), float(one.event_rate), float(one.event_rate_lower),
            float(one.event_rate_upper), (float(one.event_rate_poisson_lower),
            float(one.event_rate_poisson_upper)),
        )  # fmt: skip


def dusk(truth: Truth) -> tuple[Answer, float]:
    """Return the rate of REP at dusk less that at dawn, and the chance of it if both were alike."""
    counted = tally(truth.run, truth.receipts, make_grid(np.array([3.0, 8.0]), SECTORS))
    events, seconds = (values[0].astype(float) for values in (counted.events[:, 0], counted.dwell))
    late, early = (Part(events[:, [k]], seconds[:, [k]]) for k in (3, 1))
    tested = enough(late, early, 600)
    limits = [3600 * float(limit[0]) for limit in difference_interval(late, early, tested)]
    true = expected_rates(truth, "REP")
    found = 3600 * float((late.rate - early.rate)[0])
    return Answer("15-21 h less 03-09 h", true[3] - true[1], found, *limits), float(
        p_values(late, early, tested)[0]
    )


def expected_rates(truth: Truth, kind: str) -> np.ndarray:
    """Return the rate that a sector has by its true rates, weighed by the dwell of its cells."""
    fine = make_grid(np.round(np.arange(3, 8.05, 0.1), 1), MLT_EDGES)
    dwell = make_maps(truth.run, truth.receipts, fine, 0)["dwell"].values
    L = (fine.L_edges[:-1] + fine.L_edges[1:]) / 2
    mlt = (fine.MLT_edges[:-1] + fine.MLT_edges[1:]) / 2
    rate = true_rate(kind, *np.meshgrid(L, mlt, indexing="ij"))
    sector = np.searchsorted(SECTORS, mlt, side="right") - 1
    return np.array(
        [np.average(rate[:, sector == k], weights=dwell[:, sector == k]) for k in range(SECTORS.size - 1)]
    )


def night_side(truth: Truth) -> list[Answer]:
    """Return the rate of CSS by night, and by day how large it can be if it was never seen."""
    night, day = (
        make_maps(truth.run, truth.receipts, make_grid(np.array([5.0, 8.0]), np.array(edges)), 600)
        .dataset()
        .sel(event_class="CSS")
        for edges in ((0.0, 3.0, 21.0, 24.0), (6.0, 17.0))
    )
    events, hours = int(day.events.sum()), float(day.dwell.sum()) / 3600
    lower, upper = (float(x) / hours for x in poisson_interval(np.array(events)))
    before = night.isel(MLT=2, L=0)
    rate = [float(before[f"event_rate{which}"]) for which in ("", "_lower", "_upper")]
    return [
        Answer("21-24 h", float(expected_of(truth, "CSS", (5.0, 8.0), (21.0, 24.0))), *rate),
        Answer("06-17 h (Poisson)", 0.0, events / hours, lower, upper),
    ]


def expected_of(truth: Truth, kind: str, L_range: tuple[float, float], hours: tuple[float, float]) -> float:
    """Return the true rate of a range, weighed by the dwell of its cells."""
    fine = make_grid(
        np.round(np.arange(L_range[0], L_range[1] + 0.05, 0.1), 1), np.arange(hours[0], hours[1] + 0.1, 0.25)
    )
    dwell = make_maps(truth.run, truth.receipts, fine, 0)["dwell"].values
    L, mlt = ((edges[:-1] + edges[1:]) / 2 for edges in (fine.L_edges, fine.MLT_edges))
    return float(np.average(true_rate(kind, *np.meshgrid(L, mlt, indexing="ij")), weights=dwell))


def widths(truth: Truth) -> list[Answer]:
    """Return the mean extent in L of REP events by day and by night; the interval is of calendar blocks."""
    events = read_events(truth.run, truth.receipts, Choice(classes=("REP",)))
    by_day = distance(events["MLT"].to_numpy(), 12) < 6
    blocks, row = np.unique(calendar_block(event_days(events)), return_inverse=True)
    answers = []
    for name, inside in (("day", by_day), ("night", ~by_day)):
        total = np.bincount(row[inside], events["delta_L"].to_numpy(float)[inside], blocks.size)
        count = np.bincount(row[inside], minlength=blocks.size)
        limits = block_interval(total[:, np.newaxis], count[:, np.newaxis])
        mean = WIDTH[name] * np.exp(WIDTH_SPREAD**2 / 2)
        answers.append(
            Answer(name, mean, total.sum() / count.sum(), float(limits.lower[0]), float(limits.upper[0]))
        )
    return answers


def agreement(truth: Truth) -> xr.Dataset:
    """Return each satellite against all others, which have the same rates."""
    (axis,) = make_axes(("satellite",), truth.receipts)
    grid = make_grid(np.arange(3, 8.5, 1), np.arange(0, 25, 3.0))
    return contrast(truth.run, truth.receipts, grid, 600, axis)


def print_answers(answers: Sequence[Answer], unit: str) -> None:
    """Print a table."""
    print(
        f"\n| | true, {unit} | found | 68 % interval | independent events would give "
        "|\n|---|---:|---:|---|---|"
    )
    for one in answers:
        poisson = "" if one.poisson is None else "{:.4f} to {:.4f}".format(*one.poisson)
        print(
            f"| {one.what} | {one.truth:.4f} | {one.found:.4f} | {one.lower:.4f} to {one.upper:.4f} | "
            f"{poisson} |"
        )


def main() -> None:
    """Simulate, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--days", type=int, default=3 * 365)
    options = parser.parse_args()
    truth = simulate(options.out, options.days)
    counts = read_events(truth.run, truth.receipts)["event_class"].value_counts()
    print(f"{counts['REP']} REP and {counts['CSS']} CSS events; mean activity {truth.activity:.2f}")
    waves = list(rates_by_sector(truth, "REP"))
    print_answers(waves, "REP events per hour")
    more, p = dusk(truth)
    print_answers([more], "REP events per hour")
    print(f"\np = {p:.4f}")
    print_answers(night_side(truth), "CSS events per hour")
    print_answers(widths(truth), "mean extent in L")
    found = agreement(truth)
    print()
    for line in tell(found):
        print(f"    {line}")
    print(f"\n{found.attrs['bins_that_differ']} of {found.attrs['bins_tested']} bins differ")


if __name__ == "__main__":
    main()
