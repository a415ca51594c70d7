"""Classifying data of one's own, exactly as the command does: same rules, same network, same columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from reprocess import schema
from reprocess.classifier.bundle import find_model, load_bundle
from reprocess.classifier.engine import get_engine
from reprocess.detect.block import DayResult, detect_day
from reprocess.detect.plan import DetectPlan, Settings
from reprocess.detect.stage import months_near
from reprocess.errors import RuleError
from reprocess.library.given import SPECS, Data, Given, GivenDay, stored, take
from reprocess.library.memory import Arrays, entry_of, series_of
from reprocess.library.tables import plain_table
from reprocess.schema import CLASS_ARRAYS, CLASSES
from reprocess.work.held import Held
from reprocess.work.origin import marked
from reprocess.work.parts import EVENTS, as_part, event_table
from reprocess.work.receipts import DayEntry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Days = Mapping[int, tuple[Arrays, DayEntry]]
"""Arrays and what ingestion says of them, by position on the `day` axis."""

_REACH = 2_000
"""Records that what a rule looks at beyond an event's length may span."""


@dataclass(frozen=True)
class Classification:
    """What `classify` gives.

    Attributes
    ----------
    classes : xarray.DataArray
        int8, dimension time: 0 none, 1 REP, 2 CSS; -1 where no window stands for it or was asked for.
    probabilities : xarray.DataArray
        float32, dimensions event_class (none, REP, CSS) and time; NaN where ``classes`` is -1.
    """

    classes: xr.DataArray
    probabilities: xr.DataArray
    _table: Callable[[], pd.DataFrame] = field(repr=False)
    _given: Given = field(repr=False)

    @cached_property
    def events(self) -> pd.DataFrame:
        """The events, as `read_events` gives them; worked out when first asked for where data are Dask's."""
        return self._table()

    def plot_event(
        self,
        row: int = 0,
        *,
        around_s: float = 60,
        counts: bool = False,
        axes: Sequence["Axes"] | None = None,
    ) -> "Figure":
        """Draw an event as ``reprocess plot event`` does: fluxes, probabilities, events and flags.

        Parameters
        ----------
        row : int
            Row in `events`, from 0.
        around_s : float
            Seconds before its first and after its last record that are drawn too.
        counts : bool
            Whether to draw counts in place of fluxes.
        axes : sequence of matplotlib Axes, optional
            Four of your own to draw on: fluxes at 0 and 90 degrees, probabilities, and a strip of events and
            flags; a figure 190 mm wide by default.

        Returns
        -------
        matplotlib.figure.Figure
            A notebook shows it, ``savefig`` writes it.

        Raises
        ------
        PlotError
            If there is no such row.

        Examples
        --------
        >>> ds = reprocess.records(WORK, "noaa18", "2015-03-02", "2015-03-02")
        >>> found = reprocess.classify(ds, model="simulated2026", dense=False)
        >>> figure = found.plot_event(0)
        >>> len(figure.axes)
        4
        """
        from reprocess.library.drawing import draw_event

        return draw_event(self.events, self.probabilities, self._given, row, around_s, counts, axes)


def classify(
    data: Data,
    *,
    model: str | Path,
    mode: str = schema.DEFAULT_MODE,
    satellite: str | None = None,
    simulated: bool | None = None,
    dense: bool = True,
    rules: Mapping[str, Any] | None = None,
    background: Mapping[str, float] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Classification:
    """Classify records of one satellite, and find the events among them.

    Nothing is written, no process is started and no port opened.

    Parameters
    ----------
    data
        One of

        - the path of a file of NOAA's, or several of one satellite;
        - an xarray Dataset: what `records` or `open_archive` gives, or a NOAA file as xarray opens it. Where
          its arrays are Dask's, nothing is computed until it is asked for, a day at a time;
        - a frame of pandas or Polars with a column for each variable, and ``time`` a column or the index;
        - a mapping of names to arrays.

        Names are NOAA's (``mep_ele_tel0_flux_e1`` … ``mep_ele_tel90_flux_e4``, ``L_IGRF``, ``MLT``,
        ``lat``, ``lon``; optional ``alt``, ``mep_IFC_on``, ``Btot_sat``, …) or the archive's
        (``electron_flux`` of shape (2, 4, n), ``latitude``, ``longitude``, …; docs/columns.md). Units are
        NOAA's too: fluxes cm-2 s-1 sr-1, not logarithms; L of McIlwain without a unit; MLT in hours;
        degrees; km; nT. ``time`` is UTC: datetime64, times of pandas or Polars (those with a zone are
        converted), or integers in milliseconds since 1970. Records are 2 s apart and in order. NaN in E4
        and L stands for NOAA's -999 and -1; NaN elsewhere makes the record no measurement. What is optional
        and absent counts as not known.
    model : str or Path
        Name of a model, as ``reprocess model list`` has it, or its folder.
    mode : str
        One of `schema.MODES`.
    satellite : str, optional
        Directory name, as ``noaa18``, for the table; by default what files or attributes say, else empty.
    simulated : bool, optional
        Whether the records are simulated, which events are flagged with; by default what the data say.
    dense : bool
        Whether to classify every record (about 0.4 s a day) or only those that events depend on (0.03 s);
        the events are the same.
    rules : mapping, optional
        Rules of mode ``continuous`` set otherwise; None switches one off.
    background : mapping of str to float, optional
        E4 at 0 degrees over the polar caps by month (YYYY-MM), counts per second, for mode ``continuous``; by
        default that of the data, which is not a whole month's if these are a part of one.
    progress : callable, optional
        Called with the number of days done and of all; not where arrays are Dask's.

    Returns
    -------
    Classification

    Raises
    ------
    DataError
        If the data lack something or are no records of 2 s.
    ModelError
        If there is no such model.
    RuleError
        If there is no such mode or rule.

    Notes
    -----
    Mode ``published`` treats every day (UTC) for itself. Mode ``continuous`` looks beyond midnights as far as
    the data go: events near the ends of the data may differ from those of a longer series.

    Examples
    --------
    >>> ds = reprocess.records(WORK, "noaa18", "2015-03-02", "2015-03-02")
    >>> found = reprocess.classify(ds, model="simulated2026", dense=False)
    >>> list(found.events.columns[:3]), found.classes.dims
    (['satellite', 'event_class', 'date'], ('time',))
    """
    bundle = load_bundle(find_model(str(model)))
    if mode not in schema.MODES:
        raise RuleError(f"there is no mode {mode!r}; use one of {', '.join(schema.MODES)}")
    settings = Settings(bundle.path, bundle.sha256, mode, schema.ENGINES[0], True, dense, dict(rules or {}))
    job = _Job(settings, dict(background or {}), take(data, satellite, simulated))
    return _lazily(job) if job.given.lazy else _at_once(job, progress)


@dataclass(frozen=True)
class _Job:
    settings: Settings
    background: Mapping[str, float]
    given: Given

    def neighbours(self, day: int) -> list[int]:
        """Return a day and those around it that a mode may look at, as far as none is missing between."""
        mode, days = self.settings.rules_of_mode, self.given.days
        length = mode.as_dict().get("length", 0)
        need = np.inf if length is None else max(schema.RECORDS, 8 * (length + _REACH))
        near = [day]
        for step in (-1, 1):
            other, reach = day + step, need if mode.halo else 0
            while reach > 0 and other in days:
                near.append(other)
                reach -= days[other].time.size
                other += step
        return sorted(near)

    def detect(self, day: int, near: Days, held: Held) -> DayResult:
        """Return what detection gives for a day."""
        settings, satellite = self.settings, self.given.satellite
        known = {m: held.background(satellite, m) for m in months_near([day])} | dict(self.background)
        plan = DetectPlan(Path(), "", satellite, 0, (day,), settings, known)
        mode = settings.rules_of_mode
        arrays, entries = {d: one[0] for d, one in near.items()}, {d: one[1] for d, one in near.items()}
        series = series_of(satellite, arrays, entries, mode.arrays, (day,))
        model = get_engine(settings.model, settings.model_sha256, settings.engine)
        return detect_day(series, day, series.stretch(day, mode.halo), plan, *model)


def _read(day: GivenDay) -> Arrays:
    """Return all arrays of a day."""
    return {name: stored(name, np.asarray(day.read(name))) for name in SPECS}


def _held(satellite: str, entries: Mapping[int, DayEntry]) -> Held:
    return Held({(satellite, schema.day_date(d).isoformat()): entry for d, entry in entries.items()})


def _at_once(job: _Job, progress: Callable[[int, int], object] | None) -> Classification:
    days = job.given.days
    held, entries = Held({}), dict[int, DayEntry]()
    if job.settings.rules_of_mode.halo:
        entries = {d: entry_of(_read(day), day.sha256, day.simulated) for d, day in days.items()}
        held = _held(job.given.satellite, entries)
    kept: dict[int, tuple[Arrays, DayEntry]] = {}
    results = []
    for k, number in enumerate(days):
        near = job.neighbours(number)
        for d in near:
            if d not in kept:
                arrays, day = _read(days[d]), days[d]
                kept[d] = arrays, entries.get(d) or entry_of(arrays, day.sha256, day.simulated)
        results.append(job.detect(number, {d: kept[d] for d in near}, held))
        kept = {d: one for d, one in kept.items() if d > number - 2}
        if progress is not None:
            progress(k + 1, len(days))
    classes, probabilities = (
        np.concatenate([one.classes[name] for one in results], axis=-1) for name in CLASS_ARRAYS
    )
    table = _table(job, [one.columns for one in results])
    return Classification(*_labelled(job, classes, probabilities), lambda: table, job.given)


def _lazily(job: _Job) -> Classification:
    """Make a task of each day; nothing is computed."""
    import dask
    import dask.array as da

    def load(day: GivenDay) -> Any:
        arrays = {name: day.read(name) for name in SPECS}
        return dask.delayed(_loaded)(arrays, day.sha256, day.simulated)

    loaded = {number: load(day) for number, day in job.given.days.items()}
    entries = {number: one[1] for number, one in loaded.items()}
    halo = job.settings.rules_of_mode.halo
    work = dask.delayed(_detect_lazily)
    rows, tables = [], []
    bare = _Job(job.settings, job.background, Given(job.given.satellite, {}, True))
    for number, day in job.given.days.items():
        near = {d: loaded[d] for d in job.neighbours(number)}
        counted = {d: e for d, e in entries.items() if halo and abs(d - number) <= _MONTHS}
        result = work(bare, number, near, counted)
        tables.append(result[1])
        shapes = {name: (*spec.day_shape[:-1], day.time.size) for name, spec in CLASS_ARRAYS.items()}
        rows.append([da.from_delayed(result[0][n], shapes[n], CLASS_ARRAYS[n].dtype) for n in shapes])
    classes, probabilities = (da.concatenate(parts, axis=-1) for parts in zip(*rows, strict=True))

    def table() -> pd.DataFrame:
        return _table(job, dask.compute(*tables))

    return Classification(*_labelled(job, classes, probabilities), table, job.given)


_MONTHS = 60
"""Days around one that are of a month with its neighbours."""


def _loaded(arrays: Mapping[str, Any], sha256: str, simulated: bool) -> tuple[Arrays, DayEntry]:
    own = {name: stored(name, np.asarray(values)) for name, values in arrays.items()}
    return own, entry_of(own, sha256, simulated)


def _detect_lazily(job: _Job, day: int, near: Days, counted: Mapping[int, DayEntry]) -> tuple[Any, Any]:
    result = job.detect(day, near, _held(job.given.satellite, counted))
    return result.classes, result.columns


def _table(job: _Job, columns: Any) -> pd.DataFrame:
    joined = {name: [x for one in columns for x in one[name]] for name in schema.EVENT_COLUMNS}
    table = event_table([(job.given.satellite, as_part(joined, EVENTS))])
    facts = {"model": job.settings.model.name, "mode": job.settings.mode}
    return plain_table(table, simulated=job.given.simulated, **facts)


def _labelled(job: _Job, classes: Any, probabilities: Any) -> tuple[xr.DataArray, xr.DataArray]:
    coords = {"time": ("time", job.given.time, {"long_name": "time tag of the record (UTC)"})}
    names = {"event_class": ("event_class", list(CLASSES), {"long_name": "class"})}
    made = []
    for name, dims, values in (
        ("class", ("time",), classes),
        ("probability", ("event_class", "time"), probabilities),
    ):
        attrs = dict(CLASS_ARRAYS[name].attrs)
        made.append(xr.DataArray(values, coords if len(dims) == 1 else coords | names, dims, name, attrs))
    if job.given.simulated:
        made = [marked(one.to_dataset())[one.name] for one in made]
    return made[0], made[1]
