"""What is drawn: one satellite's records over some time, what a run makes of them, and what is lacking.

The records come from the archive, over midnights too. Class probabilities are those that the run kept, or
those of the run's model, computed again for the records shown as the run's mode computes them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from reprocess import schema
from reprocess.classifier.bundle import Bundle, find_model
from reprocess.classifier.engine import DEFAULT_ENGINE, Engine, get_engine
from reprocess.classifier.features import windows_at
from reprocess.detect.rules.calibration import calibrating
from reprocess.detect.rules.mode import RECORDS, Mode, Stretch
from reprocess.detect.rules.modes import MODES, classifiable, mode_of
from reprocess.detect.rules.traced import trace_L
from reprocess.detect.series import Series
from reprocess.errors import ModelError, PlotError
from reprocess.schema import MS_PER_DAY
from reprocess.schema.measurements import LARGEST_FLUX, has_L, not_measured
from reprocess.work.parts import column_numbers, part_path, read_part
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import DayEntry, DetectReceipt
from reprocess.work.store import open_classes

if TYPE_CHECKING:
    import pandas as pd

ARRAYS = (*RECORDS, "altitude")
"""What is read of the archive; altitude is what L is traced with."""

FLAGS = ("calibration", "no L in the file", "E4 missing", "no measurement")
"""What is told of single records."""

_EPOCH_MS = int(np.datetime64(schema.EPOCH, "ms").astype(np.int64))


_NUMBERS = ("start_time", "stop_time", "quality_flags")
"""What is drawn of events beside their classes."""


@dataclass(frozen=True)
class Marked:
    """Events as they are drawn over records, arrays of shape (k,)."""

    event_class: np.ndarray
    """str."""
    start_ms: np.ndarray
    """int64, milliseconds since 1970, of the first record."""
    stop_ms: np.ndarray
    """int64, of the last one."""
    quality_flags: np.ndarray
    """int32."""

    def __len__(self) -> int:
        """Return the number of events."""
        return int(self.start_ms.size)

    def where(self, chosen: np.ndarray) -> "Marked":
        """Return some of them: bool, shape (k,)."""
        return Marked(*(values[chosen] for values in vars(self).values()))

    def between(self, start_ms: int, stop_ms: int) -> "Marked":
        """Return those that touch what is between two times; half a sampling interval is an event's own."""
        half = round(500 * schema.SAMPLING_S)
        return self.where((self.stop_ms >= start_ms - half) & (self.start_ms <= stop_ms + half))


def marked(events: "pd.DataFrame") -> Marked:
    """Return rows of an event table, whose times are UTC, as they are drawn."""
    start, stop = (
        events[name].dt.tz_localize(None).to_numpy("datetime64[ms]").astype(np.int64)
        for name in ("start_time", "stop_time")
    )
    flags = events["quality_flags"].to_numpy(np.int32)
    return Marked(events["event_class"].to_numpy(str), start, stop, flags)


@dataclass(frozen=True)
class View:
    """Records of one satellite over some time, in order of time."""

    satellite: str
    start_ms: int
    stop_ms: int
    """What is shown, milliseconds since 1970, both included; records may lack at either end."""
    time: np.ndarray
    """int64, shape (n,), milliseconds since 1970."""
    flux: np.ndarray
    """float32, shape (2, 4, n): telescopes 0 and 90 degrees, E1-E4, cm-2 s-1 sr-1; NaN where missing."""
    place: dict[str, np.ndarray]
    """L (traced where the file has none and a field line is known), MLT (h), latitude and longitude (degrees)
    by name, float32, shape (n,); NaN where there is none."""
    flags: dict[str, np.ndarray]
    """What holds for which records, by the names in `FLAGS`, bool, shape (n,)."""
    probability: np.ndarray | None = None
    """float32, shape (3, n), by `schema.CLASSES`; NaN where no window stands for the record. None if they are
    not to be had."""
    events: Marked | None = None
    """Events that touch what is shown; None if no run is shown."""
    notes: tuple[str, ...] = ()
    """What a reader must know, in sentences."""
    simulated: bool = False
    """Whether a file says that it is simulated."""

    @property
    def seconds(self) -> np.ndarray:
        """Time of the records from the start of what is shown, float64, shape (n,)."""
        return (self.time - self.start_ms) / 1000

    @property
    def duration(self) -> float:
        """What is shown, seconds."""
        return (self.stop_ms - self.start_ms) / 1000


@dataclass
class Source:
    """A satellite's records and a run over them, as a `View` needs them."""

    work: Work
    satellite: str
    run: Run | None = None
    events: "pd.DataFrame | None" = None
    """The run's event table, if it was read before."""
    mode: Mode = field(init=False)
    identity: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.identity = (self.run.read_identity() if self.run else None) or {}
        self.mode = mode_of(self.identity) if self.identity else MODES[schema.DEFAULT_MODE]({})

    def view(self, start_ms: int, stop_ms: int, *, classify: bool = True) -> View:
        """Read what there is between two times.

        Parameters
        ----------
        start_ms, stop_ms : int
            Milliseconds since 1970, both included.
        classify : bool
            Whether to have the class probabilities, too.

        Raises
        ------
        PlotError
            If the archive has no record there.
        LedgerError, StoreError
            If what is read is not what the ledger claims.
        """
        series, days, absent = self._days(start_ms, stop_ms)
        shown, entries = [], []
        network, note = self.network if classify else (None, "")
        notes = [note, *absent]
        if self.identity.get("mode") in schema.EARLY_MODES:
            notes.append("events of this mode start and stop three records (6 s) before the records meant")
        for day in days:
            entry = series.require(day)
            stretch = series.stretch(day, self.mode.halo)
            part = of_records(self.satellite, start_ms, stop_ms, stretch)
            if network is not None or self._keeps_classes():
                chosen = _chosen(stretch, start_ms, stop_ms)
                part = replace(part, probability=self._probability(day, entry, stretch, chosen, network))
            notes.append(self._doubt(day, entry))
            shown.append(part)
            entries.append(entry)
        if not shown or not sum(part.time.size for part in shown):
            raise PlotError(self._nothing(start_ms, stop_ms))
        view = join(shown)
        if self.run:
            view = replace(view, events=self._events(start_ms, stop_ms))
        simulated = any(entry.get("simulated", False) for entry in entries)
        return replace(view, simulated=simulated, notes=tuple(dict.fromkeys(filter(None, notes))))

    def _days(self, start_ms: int, stop_ms: int) -> tuple[Series, list[int], list[str]]:
        """Return a reader, the days between two times that the archive has, and words on those it lacks."""
        first, last = (max(0, (ms - _EPOCH_MS) // MS_PER_DAY) for ms in (start_ms, stop_ms))
        wanted = range(first, min(last + 1, schema.DAYS))
        arrays = tuple(dict.fromkeys((*ARRAYS, *self.mode.arrays)))
        series = Series(self.work, self.satellite, arrays, list(wanted))
        held = [day for day in wanted if series.entry(day)]
        return series, held, [f"{schema.day_date(d)} is not in the archive" for d in wanted if d not in held]

    def _keeps_classes(self) -> bool:
        return bool(self.run and self.identity.get("classes") and self.run.classes.exists())

    @cached_property
    def network(self) -> tuple[tuple[Bundle, Engine] | None, str]:
        """Return the run's model, or why there is none to be had; None without words if it is not needed."""
        if not self.run or self._keeps_classes():
            return None, ""
        name, wanted = self.identity["model"], self.identity["model_sha256"]
        try:
            return get_engine(find_model(name), wanted, DEFAULT_ENGINE), ""
        except ModelError as e:
            return None, f"no class probabilities: the run kept none, and its model cannot be used ({e})"

    def _receipt(self, day: int) -> DetectReceipt | None:
        return self.run.ledger.read(self.satellite, day // schema.BLOCK_DAYS) if self.run else None

    def _doubt(self, day: int, entry: DayEntry) -> str:
        """Say what is doubtful of the events of a day; empty if nothing is."""
        if not self.run:
            return ""
        receipt, date = self._receipt(day), schema.day_date(day).isoformat()
        classified = receipt["days"].get(date) if receipt and receipt.get("state") == "done" else None
        if classified is None:
            return f"{date} is not classified in run {self.run.name}: its events are not known"
        if classified["source_sha256"] != entry["source"].get("sha256"):
            return (
                f"{date} was read again since run {self.run.name} classified it: its events are of other data"
            )
        return ""

    def _probability(
        self,
        day: int,
        entry: DayEntry,
        stretch: Stretch,
        chosen: np.ndarray,
        network: tuple[Bundle, Engine] | None,
    ) -> np.ndarray:
        """Return the class probabilities of chosen records of a day, shape (3, k)."""
        own = stretch.own
        if network is None:
            if self.run is None or self._doubt(day, entry):
                return np.full((len(schema.CLASSES), chosen.sum()), np.nan, np.float32)
            store = open_classes(self.run, self.satellite)
            return store.read_day(day, entry["records"], ("probability",))["probability"][:, chosen[own]]
        windows, possible = classifiable(self.mode, stretch)
        index = np.flatnonzero(possible & chosen[windows.seen])
        found = np.full((chosen.size, len(schema.CLASSES)), np.nan, np.float32)
        if index.size:
            bundle, engine = network
            flux = stretch.records["electron_flux"]
            found[index + windows.offset] = engine.predict(windows_at(flux, index, bundle.scaling))
        return found[chosen].T

    def _events(self, start_ms: int, stop_ms: int) -> Marked:
        """Return the events that touch what is shown, of the event table if it was read before."""
        table = self.events
        if table is not None:
            return marked(table[table["satellite"] == self.satellite]).between(start_ms, stop_ms)
        return self._stored_events(start_ms, stop_ms).between(start_ms, stop_ms)

    def _stored_events(self, start_ms: int, stop_ms: int) -> Marked:
        """Return the events of the blocks around what is shown, without pandas, which a table takes."""
        found = [Marked(np.empty(0, str), *(np.empty(0, np.int64) for _ in range(3)))]
        for receipt in self._receipts(start_ms, stop_ms):
            path = part_path(self.run.events, self.satellite, receipt["block"])  # type: ignore[union-attr]
            part = read_part(path, receipt["outputs"]["events"], ("event_class", *_NUMBERS))
            names = np.array(part["event_class"].to_pylist(), str)
            found.append(Marked(names, *(column_numbers(part[name]) for name in _NUMBERS)))
        return Marked(*map(np.concatenate, zip(*(vars(one).values() for one in found), strict=True)))

    def _receipts(self, start_ms: int, stop_ms: int) -> Iterator[DetectReceipt]:
        """Yield the receipts of the blocks whose events may touch what is shown."""
        first, last = ((ms - _EPOCH_MS) // MS_PER_DAY for ms in (start_ms, stop_ms))
        for block in range(max(first - 1, 0) // schema.BLOCK_DAYS, last // schema.BLOCK_DAYS + 1):
            receipt = self.run.ledger.read(self.satellite, block) if self.run else None
            if receipt is not None and receipt.get("state") == "done":
                yield receipt

    def _nothing(self, start_ms: int, stop_ms: int) -> str:
        first, last = (np.datetime64(ms, "ms").astype("datetime64[s]") for ms in (start_ms, stop_ms))
        dates = (np.datetime64(ms, "ms").astype("datetime64[D]") for ms in (start_ms, stop_ms))
        start, end = dates
        return (
            f"the archive in {self.work.root} has no record of {self.satellite} from {first} to {last}; give "
            f"another time, or: reprocess ingest ARCHIVE {self.work.root} --satellite {self.satellite} "
            f"--start {start} --end {end}"
        )


def _chosen(stretch: Stretch, start_ms: int, stop_ms: int) -> np.ndarray:
    """Tell which records of a stretch are the day's own and shown, bool, shape (n,)."""
    time = stretch.records["time"]
    chosen = (time >= start_ms) & (time <= stop_ms)
    chosen[: stretch.own.start] = False
    chosen[stretch.own.stop :] = False
    return chosen


def of_records(satellite: str, start_ms: int, stop_ms: int, stretch: Stretch) -> View:
    """Return what is to be shown of a day's own records, without what a run makes of them."""
    chosen = _chosen(stretch, start_ms, stop_ms)
    on = calibrating(stretch.records["ifc_on"], stretch.records["time"])[chosen]
    records = {name: values[..., chosen] for name, values in stretch.records.items()}
    flux, missing = records["electron_flux"], not_measured(records)
    L, MLT = trace_L(records), records["MLT"]
    place = {
        "L": np.where(has_L(L), L, np.nan),
        "MLT": np.where((MLT >= 0) & (MLT <= 24), MLT, np.nan),
        "latitude": np.where(np.abs(records["latitude"]) <= 90, records["latitude"], np.nan),
        "longitude": np.where(np.abs(records["longitude"]) <= 360, records["longitude"], np.nan),
    }
    held = (
        on, ~has_L(records["L_IGRF"]), (flux[:, 3] == schema.E4_MISSING).any(axis=0), missing,
    )  # fmt: skip
    shown = np.where((flux >= 0) & (flux <= LARGEST_FLUX), flux, np.nan)
    return View(
        satellite, start_ms, stop_ms, records["time"], shown, place, dict(zip(FLAGS, held, strict=True))
    )


def join(parts: list[View]) -> View:
    """Return the days' records as one series."""

    def joined(values: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(values, axis=-1)

    known = [part.probability for part in parts if part.probability is not None]
    return replace(
        parts[0],
        time=joined([part.time for part in parts]),
        flux=joined([part.flux for part in parts]),
        place={name: joined([part.place[name] for part in parts]) for name in parts[0].place},
        flags={name: joined([part.flags[name] for part in parts]) for name in FLAGS},
        probability=joined(known) if len(known) == len(parts) else None,
    )
