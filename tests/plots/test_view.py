"""What is drawn is what the archive and the run have, over midnights too; what lacks is said."""

import datetime as dt
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from reprocess import schema
from reprocess.classifier.bundle import Bundle
from reprocess.errors import PlotError
from reprocess.plots.choice import milliseconds, view_day
from reprocess.plots.panels import gaps
from reprocess.plots.view import FLAGS, Source, View
from reprocess.work.parts import read_events
from reprocess.work.paths import Run, Work
from reprocess.work.store import open_records
from tests.support import labelled

pytestmark = pytest.mark.usefixtures("short_record_axis")

MIDNIGHT = milliseconds(dt.datetime(2019, 10, 25))
MODES = ("published", "continuous")


def over_midnight(work: Work, run: Run | None, **options: bool) -> View:
    return Source(work, "noaa18", run).view(MIDNIGHT - 200_000, MIDNIGHT + 300_000, **options)


def without_classes(run: Run, tmp_path: Path, **changes: str) -> Run:
    """The same run, had it not kept its classes."""
    copy = Run(tmp_path / "runs" / run.name)
    shutil.copytree(run.root, copy.root)
    shutil.rmtree(copy.classes)
    identity = (copy.read_identity() or {}) | {"classes": False} | changes
    (copy.root / "run.json").write_text(json.dumps(identity))
    return copy


def test_records_are_those_of_the_archive_over_midnight(work: Work) -> None:
    view = over_midnight(work, None)
    store = open_records(work, "noaa18")
    days = [store.read_day(schema.day_index(d), n, ("time", "electron_flux", "L_IGRF")) for d, n in (
        ("2019-10-24", 900), ("2019-10-25", 700)
    )]  # fmt: skip
    time, flux, L = (
        np.concatenate([day[x] for day in days], -1) for x in ("time", "electron_flux", "L_IGRF")
    )
    shown = (time >= MIDNIGHT - 200_000) & (time <= MIDNIGHT + 300_000)
    assert shown.sum() == 250
    np.testing.assert_array_equal(view.time, time[shown])
    np.testing.assert_array_equal(view.flux, np.where(flux[..., shown] < 0, np.nan, flux[..., shown]))
    known = L[shown] >= 0
    np.testing.assert_array_equal(view.place["L"][known], L[shown][known])
    np.testing.assert_array_equal(view.flags["no L in the file"], ~known)
    np.testing.assert_array_equal(view.flags["E4 missing"], (flux[:, 3, shown] == -999).any(0))
    assert np.isnan(view.flux).any()
    assert view.events is view.probability is None
    assert (view.seconds[0], view.duration) == ((view.time[0] - MIDNIGHT) / 1000 + 200, 500)
    assert not view.notes


@pytest.mark.parametrize("mode", MODES)
def test_probabilities_computed_again_are_those_that_were_kept(work: Work, mode: str, tmp_path: Path) -> None:
    run = work.run(f"random-{mode}")
    kept = over_midnight(work, run).probability
    again = over_midnight(work, without_classes(run, tmp_path)).probability
    assert kept is not None
    assert again is not None
    known = np.isfinite(kept).all(axis=0)
    assert known.sum() > 200
    np.testing.assert_array_equal(np.isfinite(again).all(axis=0), known)
    np.testing.assert_allclose(again[:, known], kept[:, known], atol=1e-5)
    np.testing.assert_allclose(kept[:, known].sum(axis=0), 1, atol=1e-5)
    # Published rules treat each day for itself: no window stands for the records beside a midnight.
    beside = np.abs(over_midnight(work, run).time - MIDNIGHT) < 6000
    assert known[beside].any() == (mode == "continuous")


@pytest.mark.parametrize("mode", MODES)
def test_events_are_those_that_touch_what_is_shown(work: Work, mode: str) -> None:
    run = work.run(f"random-{mode}")
    whole = read_events(run, run.ledger.done())
    start, stop = (np.datetime64(MIDNIGHT + x, "ms") for x in (-200_000, 300_000))
    found = over_midnight(work, run).events
    assert found is not None
    inside = (whole["stop_time"].dt.tz_localize(None) >= start) & (
        whole["start_time"].dt.tz_localize(None) <= stop
    )
    expected = whole[inside]
    starts = [time.value // 1_000_000 for time in expected["start_time"]]
    kinds = expected["event_class"].tolist()
    pairs = zip(found.start_ms.tolist(), found.event_class.tolist(), strict=True)
    assert sorted(pairs) == list(zip(starts, kinds, strict=True))
    of_table = Source(work, "noaa18", run, whole).view(MIDNIGHT - 200_000, MIDNIGHT + 300_000).events
    assert of_table is not None
    for name, values in vars(found).items():
        assert sorted(vars(of_table)[name].tolist()) == sorted(values.tolist())
    assert len(found) < len(whole)
    assert len(found) or mode == "continuous"


def test_nothing_is_classified_unless_asked_for(work: Work, tmp_path: Path) -> None:
    run = without_classes(work.run("random-published"), tmp_path)
    assert over_midnight(work, run, classify=False).probability is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"model": "gone"}, "there is no model 'gone'"), ({"model_sha256": "0"}, "the run was planned with 0")],
)
def test_without_classes_and_model_it_says_so(
    work: Work, changes: dict[str, str], word: str, tmp_path: Path
) -> None:
    view = over_midnight(work, without_classes(work.run("random-published"), tmp_path, **changes))
    assert view.probability is None
    (note,) = view.notes
    assert note.startswith("no class probabilities: the run kept none")
    assert word in note


def test_early_events_are_told(work: Work, random_model: Bundle, tmp_path: Path) -> None:
    run = without_classes(work.run("random-published"), tmp_path, mode="published-2022")
    notes = over_midnight(work, run).notes
    assert notes == ("events of this mode start and stop three records (6 s) before the records meant",)


def test_days_that_lack_are_told(work: Work, tmp_path: Path) -> None:
    run = work.run("random-published")
    late = milliseconds(dt.datetime(2019, 10, 25, 23, 59))
    view = Source(work, "noaa18", run).view(MIDNIGHT, late + 120_000)
    assert view.notes == ("2019-10-26 is not in the archive",)

    other = without_classes(run, tmp_path)
    receipt = other.ledger.require("noaa18", 248)
    del receipt["days"]["2019-10-24"]
    receipt["days"]["2019-10-25"]["source_sha256"] = "0"
    other.ledger.commit(receipt)
    assert over_midnight(work, other).notes == (
        "2019-10-24 is not classified in run random-published: its events are not known",
        "2019-10-25 was read again since run random-published classified it: its events are of other data",
    )


def test_times_without_records_are_refused_with_a_remedy(work: Work) -> None:
    with pytest.raises(PlotError, match="no record of noaa18 from 2019-10-25T12:00:00") as told:
        Source(work, "noaa18").view(MIDNIGHT + 43_200_000, MIDNIGHT + 43_260_000)
    assert f"reprocess ingest ARCHIVE {work.root} --satellite noaa18 --start 2019-10-25" in str(told.value)


def test_flags_of_records(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    from reprocess.plots import view as module
    from reprocess.work.store import SatelliteStore

    read = SatelliteStore.read_days

    def altered(self, counts, names):
        for day, records in read(self, counts, names):
            records = {name: values.copy() for name, values in records.items()}
            records["ifc_on"][:] = -1
            records["ifc_on"][[100, 116, 132]] = [0, 1, 0]
            records["electron_flux"][0, 0, 200] = np.inf
            records["L_IGRF"][210:220] = -1
            yield day, records

    monkeypatch.setattr(SatelliteStore, "read_days", altered)
    found = module.Source(work, "noaa18").view(MIDNIGHT, MIDNIGHT + 700_000)
    held = {name: np.flatnonzero(mask).tolist() for name, mask in found.flags.items()}
    assert held["calibration"] == list(range(116, 132))
    assert held["no measurement"] == [200]
    assert set(range(210, 220)) <= set(held["no L in the file"])
    assert np.isnan(found.flux[0, 0, 200])
    assert set(held) == set(FLAGS)


def test_a_calibration_of_a_real_day_is_told(shared: Path, tmp_path: Path) -> None:
    """It is on from 07:12:48 for 192 records; records end at a quarter past four in the afternoon."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "RECORDS", 43_400)
        patched.setitem(schema.DIMS, "record", 43_400)
        work = labelled.ingest(shared / "archive" / "2022", tmp_path / "w")
        view = view_day(Source(work, "noaa19"), dt.date(2022, 10, 19))
    on = np.flatnonzero(view.flags["calibration"])
    assert on.size == 192
    assert np.all(np.diff(on) == 1)
    assert str(view.time[on[0]].astype("datetime64[ms]"))[:19] == "2022-10-19T07:12:48"
    assert view.time.size == 29_151
    assert gaps(view)[-1][1] == pytest.approx(86_400, abs=1)
    assert view.events is None
