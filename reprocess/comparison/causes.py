"""What made two runs differ: what they were made with, and which rule is behind each difference.

A rule is named only if it was tried: the day is done again with that one rule of mode ``continuous``
switched (off, or to the other run's value), and the difference goes. An event that the published mode drops
is looked for after each of that mode's steps, and the step that drops it is named.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from reprocess.classifier.engine import Engine
from reprocess.classifier.features import windows_at
from reprocess.detect.rules.continuous import Continuous
from reprocess.detect.rules.mode import Found, Mode, Stretch
from reprocess.detect.rules.modes import Published
from reprocess.detect.rules.parameters import RULES
from reprocess.detect.rules.published import E4_THRESHOLD, L_MARGIN, Stages, find_events, in_L_range
from reprocess.detect.rules.published import MODES as PUBLISHED
from reprocess.detect.series import Series
from reprocess.schema import EVENT_CLASSES
from reprocess.work.held import Held
from reprocess.work.paths import Work
from reprocess.work.status import ledger_days

NOT_SHOWN = "not shown"

Changes = dict[str, Any]
"""Rules of mode ``continuous`` set otherwise, as `--rule` and `--no-rule` do."""

Event = tuple[int, int, int]
"""Class, first and last record's time in milliseconds."""

_TOGETHER = ("decode", "join")
"""Two rules that often make a difference only together: what one joins the other parts."""


def differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return what two runs were made with that can change events, where it differs.

    Parameters
    ----------
    a, b : mapping
        What `Run.read_identity` returns.

    Returns
    -------
    list of (str, object, object)
        Name and the value in A and B: model (with the sum of its files where the names are alike), mode,
        rules of one mode, engine, version of the code.
    """
    found: list[tuple[str, Any, Any]] = []
    if a.get("model_sha256") != b.get("model_sha256"):
        alike = a.get("model") == b.get("model")
        ours, theirs = (f"{x['model']}" + f" ({x['model_sha256'][:12]})" * alike for x in (a, b))
        found.append(("model", ours, theirs))
    if a.get("mode") != b.get("mode"):
        found.append(("mode", a.get("mode"), b.get("mode")))
    else:
        rules = a.get("rules", {}), b.get("rules", {})
        values = {name: [side.get(name) for side in rules] for name in (rules[0] | rules[1])}
        found += [(f"rule {name}", one, two) for name, (one, two) in values.items() if one != two]
    names = [name for name in ("engine", "code_version") if a.get(name) != b.get(name)]
    return found + [(name, a.get(name), b.get(name)) for name in names]


def only_cause(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    """Return the one thing that differs between two runs in words; `NOT_SHOWN` if that is none or several."""
    found = differing(a, b)
    if len(found) != 1:
        return NOT_SHOWN
    name, ours, theirs = found[0]
    return f"{name} {shown(ours)} to {shown(theirs)}"


def shown(value: Any) -> str:
    """Return what a rule is set to, in words."""
    if value is None or value is False:
        return "off"
    if value is True:
        return "on"
    return ":".join(f"{x:g}" for x in value) if isinstance(value, list | tuple) else f"{value}"


def variants(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, dict[str, Changes]] | None:
    """Return which run's rules can be switched, and how, so as to come nearer to the other.

    Returns
    -------
    tuple of str and dict, or None
        ``a`` or ``b``, the run in mode ``continuous``, and by name all its rules set otherwise. None where
        neither is in that mode, or the two have different models: no rule is behind that.
    """
    if a.get("model_sha256") != b.get("model_sha256"):
        return None
    ours = "b" if b.get("mode") == Continuous.name else "a"
    own, other = (b, a) if ours == "b" else (a, b)
    if own.get("mode") != Continuous.name:
        return None
    rules = _rules(own)
    if other.get("mode") == Continuous.name:
        theirs = _rules(other)
        changed = {name: theirs.get(name) for name, value in rules.items() if theirs.get(name) != value}
    else:
        changed = {name: None for name, value in rules.items() if value not in (None, False)}
    found = {name: rules | {name: value} for name, value in changed.items()}
    if changed.keys() >= set(_TOGETHER):
        found[" and ".join(_TOGETHER)] = rules | {name: changed[name] for name in _TOGETHER}
    return ours, found


@dataclass(frozen=True)
class Events:
    """Events that were found on a day and around it: class and extent in milliseconds, shape (k,) each."""

    kind: np.ndarray
    start: np.ndarray
    stop: np.ndarray

    def has(self, event: Event) -> bool:
        """Tell whether an event of this class and extent is among them."""
        kind, start, stop = event
        return bool(((self.kind == kind) & (self.start == start) & (self.stop == stop)).any())

    def meets(self, event: Event, same_class: bool) -> bool:
        """Tell whether one, of the class or of any, shares a record with an event."""
        kind, start, stop = event
        near = (self.start <= stop) & (self.stop >= start)
        return bool((near & ((self.kind == kind) | (not same_class))).any())

    def parts(self, others: "Events", event: Event) -> int:
        """Count the events that share records with that of `others` which meets `event`."""
        _, start, stop = event
        near = (others.start <= stop) & (others.stop >= start)
        first, last = others.start[near].min(), others.stop[near].max()
        return int(((self.start <= last) & (self.stop >= first)).sum())


def events_of(found: Mapping[str, np.ndarray], time: np.ndarray) -> Events:
    """Return events by class as positions in `time`, shape (k, 2), in one table."""
    parts = [(np.full(len(x), EVENT_CLASSES[name]), *time[x.reshape(-1, 2)].T) for name, x in found.items()]
    return Events(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@dataclass(frozen=True)
class Again:
    """Days of one satellite, found again under any rules."""

    series: Series
    bundle: Bundle
    engine: Engine
    backgrounds: Mapping[str, float]

    def find(self, day: int, mode: Mode) -> Found:
        """Return what a mode makes of a day."""

        def stretch_of(halo: int) -> Stretch:
            return self.series.stretch(day, halo)

        def network(flux: np.ndarray, index: np.ndarray) -> np.ndarray:
            return self.engine.predict(windows_at(flux, index, self.bundle.scaling))

        return mode.find(stretch_of, network, self.backgrounds, dense=False)

    def events(self, day: int, mode: Mode) -> Events:
        """Return the events of a day, and those around it as far as they are known."""
        found = self.find(day, mode)
        return events_of(found.events, found.stretch.records["time"])


def explain(
    work: Work,
    pairs: pd.DataFrame,
    identities: Mapping[str, Mapping[str, Any]],
    bundle: Bundle,
    engine: Engine,
) -> Iterator[tuple[int, str]]:
    """Find the rule behind each difference by doing its day again.

    Parameters
    ----------
    work : Work
        That the events were found in.
    pairs : pandas.DataFrame
        What `pairs.pair_events` returns.
    identities : mapping
        What `Run.read_identity` returns, of the runs ``a`` and ``b``.
    bundle, engine
        The model of both.

    Yields
    ------
    tuple of int and str
        Row of `pairs` and its cause. Nothing for pairs that are kept, nor where no rule can be switched.
    """
    switched = variants(identities["a"], identities["b"])
    if switched is None:
        return
    ours, changes = switched
    own, other = identities[ours], identities["a" if ours == "b" else "b"]
    modes = {name: Continuous.changed(rules) for name, rules in changes.items()}
    published = Published(PUBLISHED[other["mode"]]) if other["mode"] != Continuous.name else None
    held = Held(ledger_days(work.ledger))
    for satellite, here in pairs[pairs["kind"] != "kept"].groupby("satellite"):
        again, days = _again(work, str(satellite), here, ours, held, bundle, engine)
        for day in np.unique(days).tolist():
            now = again.events(day, Continuous.changed(_rules(own)))
            found = {name: again.events(day, mode) for name, mode in modes.items()}
            steps = None if published is None else Steps.of(again.find(day, published), published)
            for index, row in here[days == day].iterrows():
                yield int(str(index)), _cause(row, ours, now, found, steps)


def _rules(identity: Mapping[str, Any]) -> Changes:
    """Return what the rules of a run were set to; one that was not there yet is off."""
    return dict.fromkeys(RULES) | {k: value for k, value in identity["rules"].items() if k != "name"}


def _cause(row: pd.Series, ours: str, now: Events, found: Mapping[str, Events], steps: "Steps | None") -> str:
    """Return what makes one difference, given the events of the day now and with each rule switched."""
    own, their = (_event(row, which) for which in (ours, "a" if ours == "b" else "b"))
    if own is not None and not now.has(own):
        return NOT_SHOWN  # the archive or the engine is not what it was
    if own is not None and their is None and steps is not None and (step := steps.drops(own)):
        return f"published {step}"
    names = [name for name, events in found.items() if _undone(now, events, own, their)]
    alone = [name for name in names if " and " not in name]
    return "rule " + " or ".join(alone or names) if names else NOT_SHOWN


def _undone(now: Events, then: Events, own: Event | None, their: Event | None) -> bool:
    """Tell whether a difference between our event and theirs is gone under another rule."""
    if their is None:
        return own is not None and not then.meets(own, same_class=False)
    if own is not None or then.has(their):
        return then.has(their)
    return then.meets(their, same_class=True) and (
        not now.meets(their, same_class=True) or then.parts(now, their) > 1
    )


def _again(
    work: Work, satellite: str, pairs: pd.DataFrame, ours: str, held: Held, bundle: Bundle, engine: Engine
) -> tuple[Again, np.ndarray]:
    """Return what does a satellite's days again, and the day that each pair is looked for on."""
    own, other = (pairs[f"start_time_{x}"] for x in ((ours, "a") if ours == "b" else (ours, "b")))
    days = np.array([schema.day_index(f"{time:%Y-%m-%d}") for time in own.fillna(other)])
    months = {f"{schema.day_date(d):%Y-%m}" for day in days for d in _around(day)}
    backgrounds = {month: held.background(satellite, month) for month in months}
    series = Series(work, satellite, Continuous.arrays, np.unique(days).tolist())
    return Again(series, bundle, engine, backgrounds), days


def _around(day: int) -> range:
    """Return the days whose records may be looked at with a day's."""
    return range(max(day - 2, 0), min(day + 3, schema.DAYS))


@dataclass(frozen=True)
class Steps:
    """What the published mode has of a day after each of its steps."""

    stages: Mapping[str, Stages]
    time: np.ndarray
    flux: np.ndarray
    in_range: np.ndarray
    """Whether the L of a record is that of the belt, by the published spline where there is none."""
    offset: int
    """Records from the number of a window to that of its record."""

    @classmethod
    def of(cls, found: Found, mode: Published) -> "Steps":
        """Take the steps apart that made the events of a day."""
        flux = found.stretch.records["electron_flux"]
        in_range = in_L_range(found.look.L)
        stages = find_events(found.classified.classes, in_range, flux, mode.rules)
        return cls(stages, found.stretch.records["time"], flux, in_range, mode.rules.offset)

    def drops(self, event: Event) -> str | None:
        """Return the step that drops what there is of an event; None if nothing is, or none drops it."""
        _, start, stop = event
        near = {}
        for step in ("runs", "in_L", "joined", "final"):
            shift = self.offset if step in ("runs", "in_L") else 0
            spans = np.concatenate([getattr(stages, step) for stages in self.stages.values()]) + shift
            first, last = self.time[spans[:, 0]], self.time[spans[:, 1]]
            near[step] = spans[(first <= stop) & (last >= start)]
        if len(near["final"]):
            return None
        if not len(near["in_L"]):
            return "filter of L" if len(near["runs"]) or self._far(start, stop) else None
        return "join" if not len(near["joined"]) else self._flux_filter(near["joined"])

    def _far(self, start: int, stop: int) -> bool:
        """Tell whether no L of the belt is near: such windows are not even classified."""
        first, last = np.searchsorted(self.time, [start, stop]).tolist()
        return not self.in_range[max(first - L_MARGIN, 0) : last + L_MARGIN + 1].any()

    def _flux_filter(self, events: np.ndarray) -> str:
        """Say what an event that is not physical lacks; the last record is not looked at, as published."""
        first, last = events[0].tolist()
        seen = slice(first, max(last, first + 1))
        if self.flux[0, 3, seen].max() < E4_THRESHOLD:
            return "flux filter: E4 below two counts"
        if self.flux[1, 3, seen].mean(dtype=np.float64) <= 0:
            return "flux filter: no E4 at 90 degrees"
        return "flux filter: order of channels"


def _event(row: pd.Series, which: str) -> Event | None:
    """Return class and extent of one event of a pair."""
    kind = EVENT_CLASSES.get(row[f"event_class_{which}"])
    if kind is None:
        return None
    start, stop = (row[f"{name}_{which}"].value // 1_000_000 for name in ("start_time", "stop_time"))
    return kind, start, stop
