"""Labelled windows: which are taken, what they are called, how they are split and scaled."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess import schema
from reprocess.classifier.features import PUBLISHED_EPSILON, PUBLISHED_FILL, Scaling, scale_flux, windows
from reprocess.errors import TrainingError
from reprocess.evaluation.tally import AROUND
from reprocess.training import dataset as dataset_module
from reprocess.training.dataset import Dataset, build_dataset, fit_scaling, split_groups, standardise
from reprocess.work.paths import Work
from reprocess.work.store import open_records
from tests.support.fake import granule_path
from tests.support.labelled import event_table, ingest, record_time, write_days

pytestmark = pytest.mark.usefixtures("short_record_axis")

DAYS = {
    ("noaa18", "2015-03-01"): 700,
    ("noaa18", "2015-03-02"): 400,
    ("noaa18", "2015-03-03"): 1,
    ("noaa18", "2015-03-04"): 7,
    ("noaa18", "2015-03-05"): 8,
    ("noaa18", "2015-03-31"): 400,
    ("noaa18", "2015-04-01"): 600,
    ("noaa18", "2015-05-01"): 400,
    ("metop01", "2015-03-01"): 400,
}
EVENTS = [
    ("noaa18", record_time("2015-03-01", 500), record_time("2015-03-01", 495), "REP"),
    ("noaa18", record_time("2015-03-01", 480), record_time("2015-03-01", 470), "CSS"),
    ("noaa18", record_time("2015-03-01", 2), record_time("2015-03-01", 0), "CSS"),
    ("noaa18", record_time("2015-03-02", 399), record_time("2015-03-02", 395), "REP"),
    ("noaa18", record_time("2015-03-02", 100), record_time("2015-03-02", 100), "CSS"),
    ("noaa18", record_time("2015-03-05", 4), record_time("2015-03-05", 4), "CSS"),
    ("noaa18", "2015-04-01T00:10:00", "2015-04-01T00:10:20", "REP"),
    ("metop01", record_time("2015-03-01", 200), record_time("2015-03-01", 190), "REP"),
    ("metop01", "2015-03-01T02:00:00", "2015-03-01T02:00:30", "CSS"),  # before the first record
]
LISTED = event_table(EVENTS)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    folder = tmp_path_factory.mktemp("dataset")
    archive = write_days(folder / "archive", DAYS, EVENTS, mornings=[("noaa18", "2015-04-01")])
    granule_path(archive, "noaa18", "2015-03-06").write_bytes(b"<html>")  # quarantined
    return ingest(archive, folder / "work")


def naive_windows(
    work: Work, satellite: str, date: str, events: pd.DataFrame
) -> list[tuple[bytes, int, int]]:
    """Return of every window of a day its content, its label, and its distance from an event in records."""
    n, day = DAYS[satellite, date], schema.day_index(pd.Timestamp(date).date())
    stored = open_records(work, satellite).read_day(day, n, ("time", "electron_flux"))
    times = stored["time"].astype("datetime64[ms]")
    labels = np.zeros(n, int)
    for event in events[events["satellite"] == satellite].itertuples():
        inside = (times >= event.start_time) & (times <= event.stop_time)
        labels[inside] = schema.EVENT_CLASSES[str(event.event_class)]
    flux = stored["electron_flux"].astype(np.float64)
    filled = np.where(flux <= 0, np.array([0.01, 100.0])[:, None, None], flux)
    logs = np.log((filled.astype(np.float32) + np.float32(0.001)).astype(np.float64)).astype(np.float32)
    features = np.stack([logs[t, e] for e in range(4) for t in range(2)], axis=1)
    hit = np.flatnonzero(labels)
    found = []
    for first in range(n - 7):
        centre = first + 3
        distance = int(np.abs(hit - centre).min()) if hit.size else 10**6
        found.append((features[first : first + 7].tobytes(), int(labels[centre]), distance))
    return found


def listed_days(events: pd.DataFrame) -> list[tuple[str, str]]:
    months = {(e.satellite, str(e.start_time)[:7]) for e in events.itertuples()}
    return [key for key in sorted(DAYS) if (key[0], key[1][:7]) in months]


def content(found: Dataset) -> list[tuple[bytes, int, str]]:
    return [
        (w.tobytes(), int(label), str(group))
        for w, label, group in zip(found.windows, found.labels, found.groups, strict=True)
    ]


def expected(work: Work, events: pd.DataFrame, within: int) -> list[tuple[bytes, int, str]]:
    return [
        (w, label, f"{satellite} {date[:7]}")
        for satellite, date in listed_days(events)
        for w, label, distance in naive_windows(work, satellite, date, events)
        if distance <= within
    ]


def test_around_events_every_window_is_taken_once_and_labelled_by_its_centre(work: Work) -> None:
    found = build_dataset(work, LISTED, seed=1, background=False)
    assert content(found) == expected(work, LISTED, AROUND)
    assert min(found.counts) > 5
    assert found.windows.dtype == np.float32
    assert found.labels.dtype == np.int8


def test_with_background_days_that_are_small_enough_are_taken_whole(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_module, "QUIET_PER_DAY", 1000)
    assert content(build_dataset(work, LISTED, seed=1)) == expected(work, LISTED, 10**6)


def test_other_months_satellites_and_bad_files_are_left_alone(work: Work) -> None:
    groups = set(build_dataset(work, LISTED, seed=1).groups)
    assert groups == {"noaa18 2015-03", "noaa18 2015-04", "metop01 2015-03"}
    one = LISTED[LISTED["satellite"] == "noaa18"]
    assert set(build_dataset(work, one, seed=1).groups) == {"noaa18 2015-03", "noaa18 2015-04"}


@pytest.mark.parametrize("most", [(0, 10**6), (10**6, 0), (11, 13)], ids=["quiet", "difficult", "both"])
def test_background_is_sampled_far_from_events(
    most: tuple[int, int], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_module, "DIFFICULT_PER_DAY", most[0])
    monkeypatch.setattr(dataset_module, "QUIET_PER_DAY", most[1])
    found = content(build_dataset(work, LISTED, seed=1))
    assert len(set(found)) == len(found), "no window twice"
    taken, position = {w for w, _, _ in found}, 0
    for satellite, date in listed_days(LISTED):
        kinds: dict[str, list[bool]] = {"near": [], "difficult": [], "quiet": []}
        for w, label, distance in naive_windows(work, satellite, date, LISTED):
            e = np.exp(np.frombuffer(w, np.float32).reshape(7, 4, 2)[3].astype(float)) - PUBLISHED_EPSILON
            e3, e4, e3_90 = e[2, 0], e[3, 0], e[2, 1]
            strange = e4 >= 181 or (e3 > 1330 and e3 > e3_90 / 2)
            kind = "near" if distance <= AROUND else "difficult" if strange else "quiet"
            kinds[kind].append(w in taken)
            if w in taken:
                assert found[position] == (w, label, f"{satellite} {date[:7]}"), "in order of time"
                position += 1
                assert label == 0 or kind == "near"
        assert all(kinds["near"])
        for kind, limit in zip(("difficult", "quiet"), most, strict=True):
            assert sum(kinds[kind]) == min(len(kinds[kind]), limit)
        if DAYS[satellite, date] >= 400:
            assert len(kinds["difficult"]) > 20
            assert len(kinds["quiet"]) > 20
    assert position == len(found)


def test_the_choice_depends_on_seed_and_day_alone(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_module, "DIFFICULT_PER_DAY", 20)
    first, again, other = (build_dataset(work, LISTED, seed) for seed in (1, 1, 2))
    assert first.digest == again.digest != other.digest
    events = (set(content(build_dataset(work, LISTED, seed, background=False))) for seed in (1, 2))
    assert len({frozenset(e) for e in events}) == 1
    noaa = build_dataset(work, LISTED[LISTED["satellite"] == "noaa18"], 1)
    assert content(noaa) == [c for c in content(first) if c[2].startswith("noaa18")]


def test_an_event_that_straddles_two_months_is_in_the_first_only(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its part of the second month is neither taken nor background; windows near it go too."""
    monkeypatch.setattr(dataset_module, "QUIET_PER_DAY", 1000)
    start, stop = record_time("2015-03-31", 9), "2015-04-01T00:00:20"
    events = event_table([*EVENTS, ("noaa18", start, stop, "CSS")])
    found = content(build_dataset(work, events, seed=1))
    march = naive_windows(work, "noaa18", "2015-03-31", events)
    april = naive_windows(work, "noaa18", "2015-04-01", events)
    straddling = event_table([("noaa18", start, stop, "CSS")])
    away = naive_windows(work, "noaa18", "2015-04-01", straddling)
    assert sum(label == 2 for _, label, _ in march) == 10 - 4  # no window is centred on the last four
    assert sum(label == 2 for _, label, _ in april) == 10 - 3
    taken = [(w, label) for w, label, group in found if group == "noaa18 2015-04"]
    kept = [(a[0], a[1]) for a, b in zip(april, away, strict=True) if b[2] > AROUND]
    assert taken == kept
    assert 0 < len(kept) < len(april)
    assert [f for f in found if f[2] == "noaa18 2015-03"] == [
        (w, label, "noaa18 2015-03")
        for s, date in sorted(DAYS)
        if (s, date[:7]) == ("noaa18", "2015-03")
        for w, label, _ in naive_windows(work, s, date, events)
    ]


def test_a_list_without_windows_or_without_a_class_is_an_error(work: Work) -> None:
    nowhere = event_table([("noaa18", "2015-05-01T01:00:00", "2015-05-01T01:00:10", "REP")])
    with pytest.raises(TrainingError, match="has none of the days of 1 event; ingest them first"):
        build_dataset(work, nowhere, 1, background=False)
    with pytest.raises(TrainingError, match="no window of class REP, CSS; a classifier needs all three"):
        build_dataset(work, nowhere, 1)
    with pytest.raises(TrainingError, match="no window of class CSS; "):
        build_dataset(work, LISTED[LISTED["event_class"] == "REP"], 1)


def made(labels: list[int], groups: list[str]) -> Dataset:
    content = np.arange(len(labels) * 56, dtype=np.float32).reshape(-1, 7, 8)
    return Dataset(content, np.array(labels, np.int8), np.array(groups))


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_no_satellite_month_is_in_two_parts(data: st.DataObject) -> None:
    months = [f"noaa{k} 2015-{m:02d}" for k in (15, 18) for m in range(1, 8)]
    groups = data.draw(st.lists(st.sampled_from(months), min_size=3, max_size=14, unique=True))
    extra = data.draw(st.lists(st.tuples(st.sampled_from(groups), st.integers(0, 2)), max_size=30))
    rows = data.draw(st.permutations([(g, k) for g in groups for k in range(3)] + extra))
    whole = made([k for _, k in rows], [g for g, _ in rows])
    fractions = data.draw(st.sampled_from([(0.15, 0.15), (0.3, 0.1), (0.0, 0.4)]))
    seed = data.draw(st.integers(0, 100))
    parts = split_groups(whole, fractions, seed)
    assert sorted(w for part in parts for w in part.windows[:, 0, 0]) == sorted(whole.windows[:, 0, 0])
    members = [set(part.groups.tolist()) for part in parts]
    assert sum(map(len, members)) == len(set.union(*members)) == len(groups)
    assert [len(m) for m in members[1:]] == [max(1, round(len(groups) * f)) for f in fractions]
    for part in parts:
        assert len(part.labels) == len(part.windows) == len(part.groups) == sum(part.counts)
        for w, label, group in zip(part.windows, part.labels, part.groups, strict=True):
            row = int(w[0, 0]) // 56
            assert (group, label) == rows[row]
    assert [p.digest for p in split_groups(whole, fractions, seed)] == [p.digest for p in parts]


def test_another_seed_splits_otherwise() -> None:
    months = [f"noaa18 2015-{m:02d}" for m in range(1, 13)]
    whole = made([0, 1, 2] * 12, [m for m in months for _ in range(3)])
    tested = {tuple(np.unique(split_groups(whole, (0.15, 0.15), seed)[2].groups)) for seed in range(10)}
    assert len(tested) > 5


def test_too_few_satellite_months_cannot_be_split() -> None:
    whole = made([0, 1, 2] * 2, ["noaa18 2015-03"] * 3 + ["noaa18 2015-04"] * 3)
    with pytest.raises(TrainingError) as caught:
        split_groups(whole, (0.15, 0.15), 1)
    assert str(caught.value) == (
        "2 satellite-months (noaa18 2015-03, noaa18 2015-04) cannot be split into training, 1 for validation "
        "and 1 for testing; add events of other months or satellites"
    )


def test_a_part_without_a_class_is_named() -> None:
    months = ["noaa18 2015-03", "noaa18 2015-04", "noaa18 2015-05"]
    whole = made([0, 1, 2, 0, 1, 2, 0, 0, 1], [m for m in months for _ in range(3)])
    words = set()
    for seed in range(20):
        with pytest.raises(TrainingError) as caught:
            split_groups(whole, (0.1, 0.1), seed)
        words.add(str(caught.value))
    assert words == {
        f"the {part} part (noaa18 2015-05) has windows of too few classes: 2 none, 1 REP, 0 CSS; "
        "add events or change --seed"
        for part in ("training", "validation", "test")
    }


def test_scaling_is_that_of_the_centres() -> None:
    rng = np.random.default_rng(1)
    scales = np.array([1, 2, 3, 4, 5, 6, 7, 8.0])
    part = made([0] * 5000, ["noaa18 2015-03"] * 5000)
    part.windows[:] = rng.normal(scales * 10, 100, part.windows.shape)  # only the centres may count
    part.windows[:, 3] = rng.normal(scales, scales, (5000, 8))
    found = fit_scaling(part)
    np.testing.assert_allclose(found.mean, scales, atol=0.5)
    np.testing.assert_allclose(found.scale, scales, rtol=0.05)
    assert (found.fill, found.epsilon) == (PUBLISHED_FILL, PUBLISHED_EPSILON)
    scaled = standardise(part, found)[:, 3]
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-4)


def test_training_and_detection_scale_alike(work: Work) -> None:
    rng = np.random.default_rng(2)
    flux = rng.choice(np.array([-999, 0, 69.44444, 363.63635, 1e6], np.float32), (2, 4, 60))
    scaling = Scaling(
        PUBLISHED_FILL, PUBLISHED_EPSILON, tuple(rng.normal(3, 1, 8)), tuple(rng.uniform(1, 4, 8))
    )
    raw = Scaling(PUBLISHED_FILL, PUBLISHED_EPSILON, (0.0,) * 8, (1.0,) * 8)
    part = Dataset(windows(scale_flux(flux, raw)), np.zeros(53, np.int8), np.full(53, "noaa18 2015-03"))
    np.testing.assert_array_equal(standardise(part, scaling), windows(scale_flux(flux, scaling)))


@pytest.mark.parametrize("value", [0.1, 0.0, -6.9])
def test_a_constant_feature_is_an_error_whatever_rounding_makes_of_it(value: float) -> None:
    rng = np.random.default_rng(1)
    part = made([0] * 999, ["noaa18 2015-03"] * 999)
    part.windows[:] = rng.normal(size=part.windows.shape)
    part.windows[:, 3, 5] = value
    with pytest.raises(TrainingError, match="e3_90 is the same in all 999 training windows"):
        fit_scaling(part)
