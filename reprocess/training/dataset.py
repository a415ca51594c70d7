"""Labelled windows for training, taken from an archive and an event list.

Capannolo, Li & Huang (2022) stacked fixed windows of points around listed events, each point
labelled by itself. Here as there all windows around each event are taken, labelled by the record at
their centre, and background is added: quiet records, and difficult ones where something that is no
event counts in E4 or is isotropic (South Atlantic Anomaly, protons, aurora, calibrations).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.classifier.features import (
    CENTRE,
    FEATURES,
    PUBLISHED_EPSILON,
    PUBLISHED_FILL,
    Scaling,
    Windows,
    scale_flux,
    windows,
)
from reprocess.errors import TrainingError
from reprocess.evaluation.tally import AROUND
from reprocess.evaluation.truth import label_records, near_events
from reprocess.files import sha256
from reprocess.pages.words import counted
from reprocess.schema import DayState
from reprocess.schema.measurements import not_measured
from reprocess.work.paths import Work
from reprocess.work.status import ledger_days
from reprocess.work.store import open_records

DIFFICULT_PER_DAY = 600
QUIET_PER_DAY = 150
"""Windows of background per satellite-day, if the day has as many."""

_RAW = Scaling(PUBLISHED_FILL, PUBLISHED_EPSILON, (0.0,) * 8, (1.0,) * 8)
# Fluxes are whole counts: a little less than one count per second in E4, than ten in E3.
_DIFFICULT_E4 = 0.99 * schema.FLUX_PER_COUNT["e4"]
_DIFFICULT_E3 = 9.9 * schema.FLUX_PER_COUNT["e3"]
_ISOTROPIC = 0.5
_ARRAYS = ("time", "electron_flux")


@dataclass(frozen=True)
class Dataset:
    """Windows in the order of satellite and time."""

    windows: np.ndarray
    """Logarithms of fluxes, not yet standardised; float32, shape (n, 7, 8)."""
    labels: np.ndarray
    """Positions in `schema.CLASSES`; int8, shape (n,)."""
    groups: np.ndarray
    """Satellite and month of each window, ``noaa18 2015-03``; shape (n,)."""

    def select(self, where: np.ndarray) -> "Dataset":
        """Return the windows where a mask is true."""
        return Dataset(self.windows[where], self.labels[where], self.groups[where])

    @property
    def counts(self) -> list[int]:
        """Windows of each class."""
        return [int(x) for x in np.bincount(self.labels, minlength=len(schema.CLASSES))]

    @property
    def digest(self) -> str:
        """Sha256 of the content."""
        parts = (self.windows.tobytes(), self.labels.tobytes(), "\n".join(self.groups).encode())
        return sha256(b"".join(parts))


def build_dataset(work: Work, events: pd.DataFrame, seed: int, *, background: bool = True) -> Dataset:
    """Collect windows from every ingested satellite-day of the satellites and months of a list.

    An event belongs to the month in which it starts; what it has of the next month is left out.

    Parameters
    ----------
    work : Work
        With an ingested archive.
    events : pandas.DataFrame
        `EventList.table` of `truth.read_event_list`.
    seed : int
        Seed of the choice of background.
    background : bool
        Take background far from events too. Only right if the list is complete: an event that
        it lacks would be learnt as background.

    Raises
    ------
    TrainingError
        If the archive holds no window of one of the classes.
    """
    parts = [part for part in _days(work, events, seed, background) if part.labels.size]
    if not parts:
        listed = counted(len(events), "event")
        raise TrainingError(f"{work.archive} has none of the days of {listed}; ingest them first")
    found = Dataset(
        *(np.concatenate([getattr(p, n) for p in parts]) for n in ("windows", "labels", "groups"))
    )
    absent = [name for name, count in zip(schema.CLASSES, found.counts, strict=True) if count == 0]
    if absent:
        raise TrainingError(f"no window of class {', '.join(absent)}; a classifier needs all three")
    return found


def split_groups(
    dataset: Dataset, fractions: tuple[float, float], seed: int
) -> tuple[Dataset, Dataset, Dataset]:
    """Split by satellite-month into training, validation and test parts, never by window.

    An event is in one satellite-month only, so this splits by event too.

    Parameters
    ----------
    dataset : Dataset
    fractions : tuple of float
        Share of the satellite-months for validation and for testing; at least one each.
    seed : int

    Raises
    ------
    TrainingError
        If there are fewer than three satellite-months, or a part lacks a class.
    """
    groups = np.unique(dataset.groups)
    sizes = [max(1, round(groups.size * f)) for f in fractions]
    if sum(sizes) >= groups.size:
        raise TrainingError(
            f"{groups.size} satellite-months ({', '.join(groups)}) cannot be split into training, "
            f"{sizes[0]} for validation and {sizes[1]} for testing; add events of other months or satellites"
        )
    shuffled = np.random.default_rng(seed).permutation(groups)
    chosen = {
        "validation": shuffled[: sizes[0]],
        "test": shuffled[sizes[0] : sum(sizes)],
        "training": shuffled[sum(sizes) :],
    }
    parts = {name: dataset.select(np.isin(dataset.groups, members)) for name, members in chosen.items()}
    for name, part in parts.items():
        if min(part.counts) == 0:
            counts = ", ".join(f"{n} {c}" for n, c in zip(part.counts, schema.CLASSES, strict=True))
            raise TrainingError(
                f"the {name} part ({', '.join(chosen[name])}) has windows of too few classes: {counts}; "
                "add events or change --seed"
            )
    return parts["training"], parts["validation"], parts["test"]


def fit_scaling(training: Dataset) -> Scaling:
    """Fit the standardisation on the records at the centres of the training windows only.

    Raises
    ------
    TrainingError
        If a feature never changes.
    """
    centres = training.windows[:, CENTRE].astype(np.float64)
    constant = np.ptp(centres, axis=0) == 0  # rounding can make a standard deviation of nothing positive
    if constant.any():
        names = ", ".join(np.array(FEATURES)[constant])
        raise TrainingError(f"{names} is the same in all {len(centres)} training windows; add other days")
    mean, scale = centres.mean(axis=0), centres.std(axis=0)
    return Scaling(PUBLISHED_FILL, PUBLISHED_EPSILON, tuple(mean.tolist()), tuple(scale.tolist()))


def standardise(dataset: Dataset, scaling: Scaling) -> np.ndarray:
    """Return the windows as the network sees them; the last step of `features.scale_flux`."""
    return ((dataset.windows - np.array(scaling.mean)) / np.array(scaling.scale)).astype(np.float32)


def _days(work: Work, events: pd.DataFrame, seed: int, background: bool) -> Iterator[Dataset]:
    months = set(zip(events["satellite"], events["start_time"].dt.strftime("%Y-%m"), strict=True))
    ingested = sorted((key, e) for key, e in ledger_days(work.ledger).items() if e["status"] == DayState.OK)
    for (satellite, date), entry in ingested:
        if (satellite, date[:7]) not in months:
            continue
        day = schema.day_index(pd.Timestamp(date).date())
        records = open_records(work, satellite).read_day(day, entry["records"], _ARRAYS)
        here = events[events["satellite"] == satellite]
        labels = label_records(records["time"], here)
        rng = np.random.default_rng([seed, day, schema.SATELLITES[satellite].sat_id])
        chosen = _choose(records["electron_flux"], labels, rng, background)
        chosen = chosen[Windows(labels.size).clear_of(not_measured(records))[chosen]]
        elsewhere = here[here["start_time"].dt.strftime("%Y-%m") != date[:7]]
        chosen = chosen[~near_events(label_records(records["time"], elsewhere), AROUND)[chosen + CENTRE]]
        raw = windows(scale_flux(records["electron_flux"], _RAW))
        group = np.full(chosen.size, f"{satellite} {date[:7]}")
        yield Dataset(raw[chosen], labels[chosen + CENTRE], group)


def _choose(flux: np.ndarray, labels: np.ndarray, rng: np.random.Generator, background: bool) -> np.ndarray:
    """Return the windows to take of a day: around events all, of the background a sample."""
    seen = Windows(labels.size).seen
    near = near_events(labels, AROUND)[seen]
    picks = [np.flatnonzero(near)]
    if background:
        (e3, e4), e3_90 = flux[0, 2:, seen], flux[1, 2, seen]
        isotropic = (e3 > _DIFFICULT_E3) & (e3 > _ISOTROPIC * e3_90)
        difficult = ~near & ((e4 >= _DIFFICULT_E4) | isotropic)
        for pool, most in ((difficult, DIFFICULT_PER_DAY), (~near & ~difficult, QUIET_PER_DAY)):
            candidates = np.flatnonzero(pool)
            picks.append(rng.choice(candidates, min(candidates.size, most), replace=False))
    return np.sort(np.concatenate(picks))
