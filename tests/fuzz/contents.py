"""Sound files with contents that cannot be: each is processed as documented, or refused by name.

What is expected of a day is worked out here record by record, from what docs/method.md says and not with the
code under test. Days are read and classified together, as a block, with every mode; what comes out must be
what was expected, classifying every window must change nothing, and the audit must find nothing.
"""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from reprocess import schema
from reprocess.audit.stage import audit
from reprocess.classifier.bundle import Bundle
from reprocess.detect.block import detect_block
from reprocess.detect.plan import DetectPlan, Settings
from reprocess.detect.stage import claim
from reprocess.ingest.block import ingest_block
from reprocess.ingest.plan import IngestPlan
from reprocess.maps.stage import sum_up
from reprocess.sources.listing import list_archive
from reprocess.work.asked import merge_asked
from reprocess.work.layout import create_store
from reprocess.work.parts import read_dwell, read_events
from reprocess.work.paths import Work
from reprocess.work.receipts import ClassifiedDay, DayEntry, DetectReceipt
from reprocess.work.whole import ARCHIVE_TITLE, CLASSES_TITLE
from tests.support import fake

SATELLITE, BLOCK = "noaa18", 248
SPAN = schema.block_days(BLOCK)
HOUR = 1800
"""Records in an hour."""

Content = dict[str, np.ndarray]
Places = np.ndarray
MAY_BE_NAN = {name for name in schema.EVENT_COLUMNS if name.startswith("max_e")} | {
    "L_min", "L_max", "delta_L", "e4_ratio_0_90",
}  # fmt: skip


class Edit(NamedTuple):
    """What is done to a day."""

    kind: str
    variable: str
    """Empty if it is done to all."""
    change: Callable[[Content, np.random.Generator], Content]


class Came(NamedTuple):
    """What became of a day."""

    edit: Edit
    outcome: str


VALUES = {
    "NetCDF's fill value": 9.96921e36,
    "infinity": np.inf,
    "-infinity": -np.inf,
    "NaN": np.nan,
    "huge": 3e38,
    "tiny": 1e-45,
    "zero": 0,
    "-1": -1,
    "-999": -999,
    "24": 24,
    "25": 25,
    "1000.1": 1000.1,
}
"""Put in place of what a variable of single precision holds."""


def _limits(dtype: np.dtype) -> dict[str, int]:
    return {"the largest number": np.iinfo(dtype).max, "the smallest number": np.iinfo(dtype).min}


def _put(name: str, value: float, share: float) -> Callable[[Content, np.random.Generator], Content]:
    def change(content: Content, chance: np.random.Generator) -> Content:
        n = content[name].size
        first = int(chance.integers(0, max(n - int(share * n), 1)))
        content[name][first : first + max(int(share * n), 1)] = value
        return content

    return change


def _of_one(name: str, move: Callable[[np.ndarray], np.ndarray]) -> Callable:
    def change(content: Content, chance: np.random.Generator) -> Content:
        return content | {name: move(content[name])}

    return change


def _of_all(index: Callable[[int, np.random.Generator], np.ndarray]) -> Callable:
    def change(content: Content, chance: np.random.Generator) -> Content:
        taken = index(content["time"].size, chance)
        return {name: values[taken] for name, values in content.items()}

    return change


def _times(make: Callable[[np.ndarray], np.ndarray]) -> Callable:
    def change(content: Content, chance: np.random.Generator) -> Content:
        return content | {"time": make(content["time"].astype(np.int64)).astype(np.uint64)}

    return change


ALL: dict[str, Callable] = {
    "nothing": _of_all(lambda n, _: np.arange(n)),
    "records shuffled": _of_all(lambda n, chance: chance.permutation(n)),
    "records backwards": _of_all(lambda n, _: np.arange(n)[::-1]),
    "every record twice": _of_all(lambda n, _: np.repeat(np.arange(n), 2)),
    "no record": _of_all(lambda _, __: np.arange(0)),
    "1 record": _of_all(lambda _, __: np.arange(1)),
    "7 records": _of_all(lambda _, __: np.arange(7)),
    "8 records": _of_all(lambda _, __: np.arange(8)),
    "times run backwards": _times(lambda time: time[::-1]),
    "one time": _times(lambda time: time[:1].repeat(time.size)),
    "steps of 1.9 s": _times(lambda time: time[0] + 1900 * np.arange(time.size)),
    "a leap of 1.9 s": _times(lambda time: time - 100 * (np.arange(time.size) >= time.size // 2)),
    "a leap of an hour": _times(lambda time: time + 3_600_000 * (np.arange(time.size) >= time.size // 2)),
    "steps of 1 ms": _times(lambda time: time[0] + np.arange(time.size)),
    "an hour later": _times(lambda time: time + 3_600_000),
    "an hour earlier": _times(lambda time: time - 3_600_000),
    "a day later": _times(lambda time: time + 86_400_000),
    "steps of 20 min": _times(lambda time: time + 1_200_000 * np.arange(time.size)),
    "times of 0": _times(lambda time: time * 0),
    "half of the times of 0": _times(lambda time: time * (np.arange(time.size) % 2)),
    "86,400 records": lambda content, _: {
        name: np.resize(values, 86_400)
        if name != "time"
        else (values[0] - 500 + 1000 * np.arange(86_400)).astype(np.uint64)
        for name, values in content.items()
    },
    "another satellite": lambda content, _: content | {"satID": content["satID"] + np.uint8(1)},
    "one record of another satellite": _put("satID", 8, 0),
}
"""What is done to a day as a whole."""


def all_edits() -> Iterator[Edit]:
    """Yield everything that is done to every variable."""
    for kind, change in ALL.items():
        yield Edit(kind, "", change)
    for name, values in fake.variables(SATELLITE, "2019-10-24", 8).items():
        chosen = VALUES if values.dtype.kind == "f" else _limits(values.dtype)
        for kind, value in chosen.items():
            for many, share in {"one": 0, "a tenth": 0.1, "all": 1}.items():
                yield Edit(f"{kind}, {many}", name, _put(name, value, share))
        if name not in {"time", "satID"}:
            yield Edit("negative, all", name, _of_one(name, lambda v: -v))
            yield Edit("constant", name, _of_one(name, lambda v: v[:1].repeat(v.size)))
            yield Edit("backwards", name, _of_one(name, lambda v: v[::-1]))
            yield Edit("shifted by an hour", name, _of_one(name, lambda v: np.roll(v, HOUR % v.size)))


def impossible(content: Content, i: int) -> bool:
    """Tell whether a record is no measurement, as docs/method.md says."""
    for e, per_count in enumerate(fake.COUNT_E, 1):
        for telescope in (0, 90):
            flux = float(content[f"mep_ele_tel{telescope}_flux_e{e}"][i])
            if not 0 <= flux <= 2_047_999.5 * float(per_count) * 1.00001 and not (e == 4 and flux == -999):
                return True
    L, MLT, lat, lon = (float(content[name][i]) for name in ("L_IGRF", "MLT", "lat", "lon"))
    return not (L == -1 or 0 <= L <= 1000) or not (0 <= MLT <= 24 and abs(lat) <= 90 and -180 <= lon <= 360)


def expected(content: Content, day: int) -> tuple[str, list[int]]:
    """Return why a day is refused, and the places in the file of the records that are kept."""
    time, sat_id = content["time"].tolist(), content["satID"].tolist()
    midnight = int(np.datetime64(schema.day_date(day), "ms").astype(np.int64))
    inside: dict[int, int] = {}
    strays = 0
    for i, t in enumerate(time):
        if midnight <= t < midnight + 86_400_000:
            inside.setdefault(t, i)
        else:
            strays += 1
    keep = [inside[t] for t in sorted(inside)]
    if not time:
        return "zero_records", []
    if set(sat_id) != {schema.SATELLITES[SATELLITE].sat_id}:
        return "wrong_satellite", []
    if 2 * strays > len(time):
        return "wrong_date", []
    if len(keep) > schema.RECORDS:
        return "too_many_records", []
    return "" if _usable(content, keep) else "all_sentinel", keep


def _usable(content: Content, keep: list[int]) -> bool:
    fluxes = [content[name][keep] for name in schema.ELECTRON_VARIABLES]
    some_flux = any(np.any((f >= 0) & (f < 1e9)) for f in fluxes)
    some_L = any(0 <= x <= 1000 for x in content["L_IGRF"][keep].tolist())
    some_MLT = any(0 <= x <= 24 for x in content["MLT"][keep].tolist())
    return some_flux and some_L and some_MLT and not all(impossible(content, i) for i in keep)


class ContentsError(AssertionError):
    """A day did not become what it should."""


def require(holds: object, what: str) -> None:
    """Raise if something does not hold."""
    if not holds:
        raise ContentsError(what)


def try_edits(
    edits: list[Edit],
    bundle: Bundle,
    folder: Path,
    seed: int,
    engine: str = schema.ENGINES[0],
    records: int = 400,
) -> Iterator[Came]:
    """Read and classify a block with a day for each edit, at most 32; yield what became of them.

    Raises
    ------
    ContentsError
        If that is not what is documented.
    """
    days: dict[int, tuple[Edit, Content]] = {}
    for day, edit in zip(SPAN, edits, strict=False):
        date, chance = schema.day_date(day).isoformat(), np.random.default_rng([seed, day])
        content = edit.change(fake.variables(SATELLITE, date, records, seed), chance)
        fake.write_granule(fake.granule_path(folder / "archive", SATELLITE, date), content)
        days[day] = edit, content
    work = Work(folder / "work")
    create_store(work.archive, [SATELLITE], schema.ARCHIVE_ARRAYS, ARCHIVE_TITLE)
    granules = list_archive(str(folder / "archive")).granules
    merge_asked(work.asked, granules)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        entries = ingest_block(IngestPlan(work.root, SATELLITE, BLOCK, tuple(granules)))["days"]
        kept = {}
        for day, (edit, content) in days.items():
            entry = entries[schema.day_date(day).isoformat()]
            kept[day] = check_read(content, day, entry, edit)
            yield Came(edit, _in_words(entry))
        read = tuple(day for day, keep in kept.items() if keep)
        bad = {day: [impossible(days[day][1], i) for i in kept[day]] for day in read}
        for mode in schema.MODES:
            check_run(work, bundle, mode, engine, bad)
    findings, _ = audit(work, work.runs(), None, fake.Silence())
    require(not findings, f"the audit finds {[str(f) for f in findings]}")


def _in_words(entry: DayEntry) -> str:
    if entry["status"] != "ok":
        return f"refused: {entry['reason']}"
    missing = max(entry["not_measured"].values(), default=0)
    dropped = entry["outside_day"] + entry["duplicates"]
    return f"read{', records missing' * bool(missing)}{', records dropped' * bool(dropped)}"


def check_read(content: Content, day: int, entry: DayEntry, edit: Edit) -> list[int]:
    """Hold what ingestion says of a day against what is expected; return the records that are kept."""
    reason, keep = expected(content, day)
    which = f"{edit.kind} in {edit.variable or 'all'}"
    require(entry.get("reason", "") == reason, f"{which}: {entry}, expected {reason or 'to be read'}")
    if reason:
        return []
    n = content["time"].size
    require(entry["records"] == len(keep), f"{which}: {entry['records']} records, expected {len(keep)}")
    require(
        n == entry["in_file"] == entry["records"] + entry["outside_day"] + entry["duplicates"],
        f"{which}: accounts of {n} records do not add up: {entry}",
    )
    return keep


def check_run(work: Work, bundle: Bundle, mode: str, engine: str, bad: dict[int, list[bool]]) -> None:
    """Classify a block, a part of its windows and all; hold events and dwell against what is expected."""
    found: dict[bool, tuple[DetectReceipt, pd.DataFrame, list]] = {}
    for dense in (False, True):
        settings = Settings(bundle.path, bundle.sha256, mode, engine, classes=dense, dense=dense)
        run = work.run(f"{mode}-{engine}-{dense}")
        claim(run, settings)
        if dense:
            create_store(run.classes, [SATELLITE], schema.CLASS_ARRAYS, CLASSES_TITLE)
        record = detect_block(DetectPlan(work.root, run.name, SATELLITE, BLOCK, tuple(bad), settings))
        events = read_events(run, [record])
        dwell = [{k: v.tolist() for k, v in columns.items()} for _, columns in read_dwell(run, [record])]
        found[dense] = record, events.drop(columns="run"), dwell
        sum_up(run)
    (record, events, dwell), (_, all_events, all_dwell) = found[False], found[True]
    require(events.equals(all_events), f"{mode}: classifying every window gives other events")
    require(dwell == all_dwell, f"{mode}: classifying every window gives other dwell")
    for day, missing in bad.items():
        _check_accounts(record["days"][schema.day_date(day).isoformat()], missing, mode)
    _check_events(events, bad, mode)


def _check_accounts(facts: ClassifiedDay, missing: list[bool], mode: str) -> None:
    last = 6 if mode == schema.CONTINUOUS else 7  # the last possible window counts there
    clear = sum(not any(missing[i : i + 7]) for i in range(len(missing) - last))
    parts = facts["in_grid"] + facts["outside_grid"] + facts["invalid_position"]
    seen = facts["classifiable"]  # mode continuous has more reasons to leave a window out
    agree = seen == parts and (seen <= clear if mode == schema.CONTINUOUS else seen == clear)
    require(agree, f"{clear} windows are clear, accounts say {facts}")
    require(
        facts["not_measured"] == sum(missing), f"{sum(missing)} records are missing, accounts say {facts}"
    )


def _check_events(events: pd.DataFrame, bad: dict[int, list[bool]], mode: str) -> None:
    for name in events.select_dtypes("number"):
        wrong = np.isinf(events[name]) if name in MAY_BE_NAN else ~np.isfinite(events[name])
        require(not wrong.any(), f"{mode}: {name} of events holds {events[name][wrong].tolist()}")
    for event in events.itertuples():
        missing = bad[schema.day_index(event.date)]
        inside = missing[event.start_index : event.stop_index + 1]
        require(
            inside and not any(inside), f"{mode}: an event holds a record that is no measurement: {event}"
        )
