"""Labelled windows for training, taken from an archive and an event list.

Capannolo, Li & Huang (2022) stacked fixed windows of points around listed events, each point
labelled by itself. Here as there the windows around each event are taken, labelled by the record at
their centre, but never across the seam of two events, and background is added: quiet records, and
difficult ones where something that is no event counts in E4 or is isotropic (the South Atlantic
Anomaly, protons, aurora, calibrations).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.errors import TrainingError
from reprocess.features import CENTRE, PUBLISHED_EPSILON, PUBLISHED_FILL, WINDOW, Scaling, scale_flux, windows
from reprocess.status import ledger_days
from reprocess.store import SatelliteStore
from reprocess.truth import label_records
from reprocess.work import Work

MARGIN = 20
"""Records before and after an event that are taken with it."""

DIFFICULT_PER_EVENT = 120
QUIET_PER_EVENT = 60
"""Windows of background per event of a day, if the day has as many; days without events count as one."""

_RAW = Scaling(PUBLISHED_FILL, PUBLISHED_EPSILON, (0.0,) * 8, (1.0,) * 8)
_DIFFICULT_E4 = 2 * 181.0
_DIFFICULT_E3 = 10 * 133.0
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


def build_dataset(work: Work, events: pd.DataFrame, seed: int) -> Dataset:
    """Collect windows from every ingested satellite-day of the satellites and months of a list.

    Parameters
    ----------
    work : Work
        With an ingested archive.
    events : pandas.DataFrame
        Of `truth.read_event_list`.
    seed : int
        Of the choice of background.

    Raises
    ------
    TrainingError
        If the archive holds no record of an event, or no event of a class.
    """
    parts = [part for part in _days(work, events, seed) if part.labels.size]
    if not parts:
        raise TrainingError(f"{work.archive} holds none of the {len(events)} events; ingest their days first")
    found = Dataset(
        *(np.concatenate([getattr(p, n) for p in parts]) for n in ("windows", "labels", "groups"))
    )
    counts = np.bincount(found.labels, minlength=len(schema.CLASSES))
    if counts.min() == 0:
        absent = ", ".join(name for name, count in zip(schema.CLASSES, counts, strict=True) if count == 0)
        raise TrainingError(f"no window of class {absent} in the archive; a classifier needs all three")
    return found


def split_groups(
    dataset: Dataset, fractions: tuple[float, float], seed: int
) -> tuple[Dataset, Dataset, Dataset]:
    """Split by satellite-month into training, validation and test parts, never by window.

    Parameters
    ----------
    dataset : Dataset
    fractions : tuple of float
        Share of the groups for validation and for testing; at least one group each.
    seed : int

    Raises
    ------
    TrainingError
        If there are fewer than three groups, or a part lacks a class.
    """
    groups = np.unique(dataset.groups)
    if groups.size < 3:
        raise TrainingError(
            f"splitting needs three satellite-months at least, the list covers {', '.join(groups)}; add "
            "events of other months or satellites"
        )
    shuffled = np.random.default_rng(seed).permutation(groups)
    sizes = [max(1, round(groups.size * f)) for f in fractions]
    chosen = {
        "validation": shuffled[: sizes[0]],
        "test": shuffled[sizes[0] : sum(sizes)],
        "training": shuffled[sum(sizes) :],
    }
    parts = {name: dataset.select(np.isin(dataset.groups, members)) for name, members in chosen.items()}
    for name, part in parts.items():
        counts = np.bincount(part.labels, minlength=len(schema.CLASSES))
        if counts.min() == 0:
            raise TrainingError(
                f"the {name} part ({', '.join(chosen[name])}) has {counts.tolist()} windows of "
                f"{', '.join(schema.CLASSES)}; add events or change --seed"
            )
    return parts["training"], parts["validation"], parts["test"]


def fit_scaling(training: Dataset) -> Scaling:
    """Fit the standardisation on the records at the centres of the training windows only."""
    centres = training.windows[:, CENTRE].astype(np.float64)
    mean, scale = centres.mean(axis=0), centres.std(axis=0)
    return Scaling(PUBLISHED_FILL, PUBLISHED_EPSILON, tuple(mean.tolist()), tuple(scale.tolist()))


def standardise(values: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Standardise logarithms of fluxes, shape (…, 8); the last step of `features.scale_flux`."""
    return ((values - np.array(scaling.mean)) / np.array(scaling.scale)).astype(np.float32)


def _days(work: Work, events: pd.DataFrame, seed: int) -> Iterator[Dataset]:
    months = set(zip(events["satellite"], events["start_time"].dt.strftime("%Y-%m"), strict=True))
    ingested = sorted((key, e) for key, e in ledger_days(work.ledger).items() if e["status"] == "ok")
    for (satellite, date), entry in ingested:
        if (satellite, date[:7]) not in months:
            continue
        day = schema.day_index(pd.Timestamp(date).date())
        records = SatelliteStore(work.archive, satellite).read_day(day, entry["records"], _ARRAYS)
        near = events[events["satellite"] == satellite]
        labels = label_records(records["time"], near)
        rng = np.random.default_rng([seed, day, schema.SATELLITES[satellite].sat_id])
        chosen = _choose(records["electron_flux"], labels, rng)
        raw = windows(scale_flux(records["electron_flux"], _RAW))
        group = np.full(chosen.size, f"{satellite} {date[:7]}")
        yield Dataset(raw[chosen], labels[chosen + CENTRE], group)


def _choose(flux: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the windows to take of a day: around events all, of the background a sample."""
    count = max(labels.size - WINDOW, 0)
    centre = labels[CENTRE : CENTRE + count]
    starts = np.flatnonzero(np.diff(np.concatenate(([0], labels != 0))) > 0)
    near = np.convolve(centre != 0, np.ones(2 * MARGIN + 1), "same")[:count] > 0
    seen = flux[:, :, CENTRE : CENTRE + count]
    isotropic = (seen[0, 2] > _DIFFICULT_E3) & (seen[0, 2] > _ISOTROPIC * seen[1, 2])
    difficult = ~near & ((seen[0, 3] >= _DIFFICULT_E4) | isotropic)
    quiet = ~near & ~difficult
    events = max(starts.size, 1)
    picks = [np.flatnonzero(near)]
    for pool, each in ((difficult, DIFFICULT_PER_EVENT), (quiet, QUIET_PER_EVENT)):
        candidates = np.flatnonzero(pool)
        picks.append(rng.choice(candidates, min(candidates.size, each * events), replace=False))
    return np.sort(np.concatenate(picks))
