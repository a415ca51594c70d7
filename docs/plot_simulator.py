"""Compare simulated with real days: the tables of docs/simulator.md and its plot.

Run from the repository: ``python docs/plot_simulator.py REAL_ARCHIVE``, where REAL_ARCHIVE holds
real files in NOAA's layout. Needs no other part of the project than `reprocess.simulate`.
"""
# ruff: noqa: T201  (printing tables is what it is for)

import datetime as dt
import sys
from dataclasses import dataclass
from pathlib import Path

import h5py
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from reprocess.schema import FLUX_PER_COUNT, SATELLITES
from reprocess.simulate.activity import Activity
from reprocess.simulate.fluxes import Streams, background, e4_background
from reprocess.simulate.geomagnetic import MagneticCoordinates, magnetic_coordinates, magnetic_grid
from reprocess.simulate.geometry import day_geometry, total
from reprocess.simulate.orbit import ORBITS
from reprocess.simulate.telemetry import CHANNELS, TELESCOPES, channel_name, measure

BANDS = (
    (1, 1.2),
    (1.2, 1.5),
    (1.5, 2),
    (2, 3),
    (3, 4),
    (4, 5),
    (5, 6),
    (6, 7),
    (7, 8),
    (8, 10),
    (10, 15),
    (15, 30),
)
ANOMALY_BANDS = 3
"""The first bands are compared inside the South Atlantic Anomaly, the others everywhere."""

ANOMALY_RATIO = -0.12
"""`Geometry.local_ratio` below which a record is inside the Anomaly."""

BELT_LEVEL = {2019: 0.05, 2022: 0.95}
STORM_LEVEL = 0.3
"""Activity that stands for the real days: the level of 2019's and of 2022's outer belt."""


@dataclass(frozen=True)
class Day:
    """Counts of one day with what they are sorted by; calibrations left out."""

    counts: np.ndarray
    """(2, 9, records): decoded counts."""
    shell: np.ndarray
    mlt: np.ndarray
    anomaly: np.ndarray
    """(records,): inside the South Atlantic Anomaly."""
    gaps: float
    """Share of records with L = -1."""


def read_real(path: Path) -> dict[str, np.ndarray]:
    """Return the variables of a file that are compared, as float64."""
    names = ["time", "lat", "lon", "alt", "L_IGRF", "MLT", "mep_IFC_on", "Btot_sat", "Btot_foot"]
    names += ["geod_lat_foot", "geod_lon_foot", "aacgm_lat_foot", "meped_alpha_0_sat", "meped_alpha_90_sat"]
    names += [channel_name(t, c) for t in TELESCOPES for c in (*CHANNELS, "e4")]
    with h5py.File(path) as file:
        return {n: file[n][:].astype(float) for n in names}


def real_coordinates(data: dict[str, np.ndarray]) -> MagneticCoordinates:
    """Return what the simulator's field model gives at the positions of a real day."""
    year = int(data["time"][0].astype("datetime64[ms]").astype("datetime64[Y]").astype(int)) + 1970
    grid = magnetic_grid(year)
    return magnetic_coordinates(grid, data["time"], data["lat"], data["lon"], data["alt"])


def real_day(data: dict[str, np.ndarray]) -> Day:
    """Return a real day's counts."""
    magnetic = real_coordinates(data)
    flag = data["mep_IFC_on"]
    sampled = np.flatnonzero(flag >= 0)
    frame = np.clip(np.searchsorted(sampled, np.arange(len(flag)), side="right") - 1, 0, None)
    quiet = flag[sampled[frame]] <= 0
    counts = np.array(
        [[data[channel_name(t, c)] / FLUX_PER_COUNT[c] for c in CHANNELS] for t in TELESCOPES]
    ).round(1)  # codes are multiples of a half
    ratio = np.log(total(magnetic.field) / magnetic.drift_loss_cone_field)
    return Day(
        counts[..., quiet],
        magnetic.shell[quiet],
        magnetic.mlt[quiet],
        ratio[quiet] < ANOMALY_RATIO,
        float((data["L_IGRF"] < 0).mean()),
    )


def simulated_day(satellite: str, date: dt.date, seed: int) -> Day:
    """Return a simulated day's counts without events, at the activity that stands for the year."""
    start = (date - dt.date(1970, 1, 1)).days * 86_400_000
    time_ms = start + 2000 * np.arange(43_200)
    geometry = day_geometry(ORBITS[satellite], magnetic_grid(date.year), time_ms)
    ones = np.ones(len(time_ms))
    state = Activity(STORM_LEVEL * ones, BELT_LEVEL[date.year] * ones, 0 * ones, ones)
    rng = np.random.default_rng([seed, SATELLITES[satellite].sat_id, date.toordinal()])
    e4_counts = e4_background(satellite, date.year + date.timetuple().tm_yday / 365.25)
    expected = background(geometry, state, Streams(rng, rng, rng), e4_counts)
    counts = measure(expected, np.zeros(expected.shape[1:]), rng)
    magnetic = geometry.magnetic
    anomaly = geometry.local_ratio < ANOMALY_RATIO
    return Day(counts, magnetic.shell, magnetic.mlt, anomaly, float((magnetic.L < 0).mean()))


def day_of(path: Path) -> tuple[str, dt.date]:
    """Return satellite and date of a file in NOAA's layout."""
    return path.parent.name, dt.datetime.strptime(path.name.split("_")[2], "%Y%m%d").date()


def day_pairs(archive: Path) -> list[tuple[Day, Day]]:
    """Return real days and simulated days of the same satellites and dates."""
    paths = sorted(archive.glob("*/*/poes_*_proc.nc"))
    return [(real_day(read_real(p)), simulated_day(*day_of(p), seed=1)) for p in paths]


def band_counts(days: list[Day], band: int) -> np.ndarray:
    """Return the counts (2, 9, n) of all days in one of `BANDS`."""
    low, high = BANDS[band]
    parts = []
    for day in days:
        inside = (day.shell >= low) & (day.shell < high)
        if band < ANOMALY_BANDS:
            inside &= day.anomaly
        parts.append(day.counts[..., inside])
    return np.concatenate(parts, axis=-1)


def missing_share(days: list[Day]) -> list[float]:
    """Return the share of records with E4 = -999 at 0 and 90 degrees."""
    p5 = np.concatenate([d.counts[:, CHANNELS.index("p5")] for d in days], axis=-1)
    return [float(x) for x in (p5 > 2).mean(axis=-1)]


def _outer_belt(day: Day) -> np.ndarray:
    return (day.shell > 4) & (day.shell < 7)


def telescope_ratio(days: list[Day], channel: str) -> float:
    """Return the median ratio of counts at 0 to 90 degrees at L = 4-7, where 90 degrees has 20 or more."""
    k = CHANNELS.index(channel)
    ratios = []
    for day in days:
        zenith, trapped = day.counts[:, k]
        strong = _outer_belt(day) & (trapped >= 20)
        ratios.append(zenith[strong] / trapped[strong])
    return float(np.median(np.concatenate(ratios)))


def polar_cap_e4(day: Day) -> float:
    """Return the mean counts of E4 at 0 degrees beyond L = 12, where it is not missing."""
    p5, p6 = (day.counts[0, CHANNELS.index(c)] for c in ("p5", "p6"))
    return float(p6[(day.shell > 12) & (p5 <= 2)].mean())


def belt_leak(days: list[Day]) -> tuple[float, float]:
    """Return intercept and slope of E4 counts at 0 degrees against those at 90 degrees, at L 3-7.

    A line through the means of the records with fewer than 5 and with 15 to 150 counts at 90 degrees.
    """
    parts = []
    for day in days:
        p5, p6 = (day.counts[:, CHANNELS.index(c)] for c in ("p5", "p6"))
        quiet = (day.shell > 3) & (day.shell < 7) & (p5 <= 2).all(axis=0) & ~day.anomaly
        parts.append(p6[:, quiet])
    zenith, trapped = np.concatenate(parts, axis=1)
    low, high = trapped < 5, (trapped >= 15) & (trapped < 150)
    slope = (zenith[high].mean() - zenith[low].mean()) / (trapped[high].mean() - trapped[low].mean())
    return float(zenith[low].mean() - slope * trapped[low].mean()), float(slope)


def step_correlation(days: list[Day], telescope: int, channel: str) -> float:
    """Return the auto-correlation at one record of ln(counts + 1/2) at L = 4-7, less its 31-record mean."""
    k = CHANNELS.index(channel)
    pairs = []
    for day in days:
        x = np.log(day.counts[telescope, k] + 0.5)
        x = x - np.convolve(x, np.ones(31) / 31, mode="same")
        both = _outer_belt(day)[:-1] & _outer_belt(day)[1:]
        pairs.append(np.stack([x[:-1], x[1:]])[:, both])
    return float(np.corrcoef(np.concatenate(pairs, axis=1))[0, 1])


def print_tables(real: list[Day], simulated: list[Day]) -> None:
    """Print the tables of docs/simulator.md."""
    shown = ("e1", "e2", "e3", "p1", "p3", "p6")
    for t, telescope in enumerate(TELESCOPES):
        print(f"\n{telescope} degrees | " + " | ".join(shown))
        print("---|" * (len(shown) + 1))
        for b, (low, high) in enumerate(BANDS):
            cells = []
            for c in shown:
                pair = [band_counts(d, b)[t, CHANNELS.index(c)] for d in (real, simulated)]
                cells.append(" / ".join(f"{np.median(x):.0f}, {np.percentile(x, 90):.0f}" for x in pair))
            print(f"{low}-{high} | " + " | ".join(cells))
    for name, days in (("real", real), ("simulated", simulated)):
        print(
            f"\n{name}: E4 missing",
            np.round(missing_share(days), 4),
            "L gaps",
            [round(d.gaps, 4) for d in days],
        )
        print(
            "  polar-cap E4", [round(polar_cap_e4(d), 2) for d in days], "leak", np.round(belt_leak(days), 3)
        )
        print("  0/90", {c: round(telescope_ratio(days, c), 4) for c in ("e1", "e2", "e3", "p6")})
        for t in (0, 1):
            print(
                f"  r(2 s) {TELESCOPES[t]}",
                {c: round(step_correlation(days, t, c), 3) for c in ("e1", "e2", "e3", "p6")},
            )
        codes = np.unique(np.concatenate([np.unique(d.counts) for d in days]))
        print("  different codes", len(codes), "largest", codes[-1])


def _median_and_95(error: np.ndarray, digits: int) -> str:
    return f"median {np.median(error):+.{digits}f}, 95 % within {np.percentile(abs(error), 95):.{digits}f}"


def print_coordinates(archive: Path) -> None:
    """Print the differences between the simulator's coordinates and the files'."""
    for path in sorted(archive.glob("*/*/poes_*_proc.nc")):
        data = read_real(path)
        magnetic = real_coordinates(data)
        print(f"\n{path.name}")
        known = (data["L_IGRF"] > 0) & (magnetic.L > 0)
        for low, high in ((1, 2), (2, 4), (4, 8), (8, 15)):
            inside = known & (data["L_IGRF"] >= low) & (data["L_IGRF"] < high)
            error = magnetic.L[inside] - data["L_IGRF"][inside]
            hours = (magnetic.mlt[inside] - data["MLT"][inside] + 12) % 24 - 12
            print(f"  L {low}-{high}: dL {_median_and_95(error, 3)}; dMLT {_median_and_95(hours, 2)} h")
        agree = ((data["L_IGRF"] < 0) == (magnetic.L < 0)).mean()
        field = total(magnetic.field) / data["Btot_sat"] - 1
        print(f"  L gaps agree in {agree:.4f}; dB/B {_median_and_95(field, 4)}")


def _draw_pass(axis: Axes, day: Day, centre: int, title: str) -> None:
    records = slice(centre - 130, centre + 130)
    minutes = np.arange(-130, 130) / 30
    labels = (">40 keV", ">130 keV", ">287 keV", "P6 (>612 keV)")
    for channel, label, colour in zip(("e1", "e2", "e3", "p6"), labels, ("k", "C0", "C2", "C3"), strict=True):
        zenith, trapped = day.counts[:, CHANNELS.index(channel), records]
        axis.semilogy(minutes, np.maximum(trapped, 0.4), color=colour, lw=0.8, alpha=0.6)
        axis.semilogy(minutes, np.maximum(zenith, 0.4), color=colour, lw=1.6, label=label)
    twin = axis.twinx()
    twin.plot(minutes, day.shell[records], "m:", lw=1)
    twin.set(ylim=(0, 14), ylabel="L (dotted)")
    axis.set(ylim=(0.4, 2e4), xlabel="minutes", ylabel="counts per second", title=title)


def plot_pass(pairs: list[tuple[Day, Day]], out: Path) -> None:
    """Draw a real and a simulated pass through the outer belt at about the same local time."""
    real, simulated = pairs[-1]
    figure, axes = plt.subplots(1, 2, figsize=(13, 4.5), constrained_layout=True)
    for axis, day, name in zip(
        axes, (real, simulated), ("real, NOAA-19 2022-10-19", "simulated"), strict=True
    ):
        crossing = np.flatnonzero(np.diff(day.shell > 5.5))
        crossing = crossing[(crossing > 130) & (crossing < len(day.shell) - 130)]
        centre = crossing[np.abs(day.mlt[crossing] - 18.8).argmin()]
        _draw_pass(axis, day, int(centre), f"{name}, MLT {day.mlt[centre]:.1f}")
    axes[0].legend(loc="upper left", fontsize=8, title="thick: 0°, thin: 90°", title_fontsize=8)
    figure.savefig(out, dpi=110)


def main() -> None:
    """Print the tables and draw the plot."""
    archive = Path(sys.argv[1])
    pairs = day_pairs(archive)
    print_coordinates(archive)
    print_tables([r for r, _ in pairs], [s for _, s in pairs])
    plot_pass(pairs, Path(__file__).parent / "images" / "simulator_pass.png")


if __name__ == "__main__":
    main()
