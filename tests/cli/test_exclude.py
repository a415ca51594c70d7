"""`--exclude` of events, map and report: the same results without some flags, from the parts there are."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner, Result

from reprocess.classifier.bundle import Bundle
from reprocess.cli import main
from reprocess.schema import EVENT_FLAGS, FLAGS
from reprocess.work.parts import read_dwell, read_events
from reprocess.work.paths import Run, Work
from tests.support import labelled
from tests.support.command import tree
from tests.support.older import older_parts

pytestmark = pytest.mark.usefixtures("short_record_axis", "unrendered")


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def work(work: Work) -> Work:
    """A run with its map and page, of days that are in and out of the Anomaly."""
    call("map", work.root, "--min-dwell", 0)
    call("report", work.root)
    return work


@pytest.fixture(scope="module")
def run(work: Work) -> Run:
    return work.only_run(None)


def test_the_table_without_flags_is_the_rows_that_have_none_of_them(work: Work, run: Run) -> None:
    everything = pd.read_csv(io.BytesIO(call("events", work.root).stdout_bytes))
    left = set()
    for names in ("SAA", "SAA_wide,E4_missing", "simulated"):
        bits = sum(EVENT_FLAGS[name] for name in names.split(","))
        words = [word for name in names.split(",") for word in ("--exclude", name)]
        expected = everything[(everything["quality_flags"] & bits) == 0].reset_index(drop=True)
        for given in (["--exclude", names], words):
            found = pd.read_csv(io.BytesIO(call("events", work.root, *given).stdout_bytes))
            pd.testing.assert_frame_equal(found, expected)
        left.add(len(expected))
    assert max(left) == len(everything) > min(left) > 0


def test_a_map_without_flags_stands_beside_the_runs_own_and_says_so(work: Work, run: Run) -> None:
    before = {name: data for name, data in tree(run.root).items() if not name.startswith("maps/")}
    result = call("map", work.root, "--min-dwell", 0, "--exclude", "SAA", "--name", "clear")
    assert result.exit_code == 0, result.output
    assert {name: d for name, d in tree(run.root).items() if not name.startswith("maps/")} == before
    with xr.open_dataset(run.named_maps / "clear.nc", decode_timedelta=False) as found:
        assert found.attrs["excluded_flags"] == "SAA"
        receipts, bit = list(run.ledger.done()), EVENT_FLAGS["SAA"]
        parts = [pd.DataFrame(part) for _, part in read_dwell(run, receipts)]
        left = pd.concat(parts)["quality_flags"].to_numpy() & bit == 0
        assert left.any()
        assert not left.all()
        assert found.attrs["run"] == run.name
    with xr.open_dataset(run.occurrence, decode_timedelta=False) as own:
        assert "excluded_flags" not in own.attrs
        with xr.open_dataset(run.named_maps / "clear.nc", decode_timedelta=False) as found:
            assert 0 < float(found.dwell.sum()) < float(own.dwell.sum())
    assert call("audit", work.root).exit_code == 0


def test_a_map_without_flags_needs_a_name(work: Work) -> None:
    result = call("map", work.root, "--exclude", "SAA")
    assert result.exit_code == 2
    assert "name it with --name" in result.stderr


def test_a_page_without_flags_lies_beside_the_runs_own(work: Work, run: Run) -> None:
    before = run.report.read_bytes()
    result = call("report", work.root, "--exclude", "low_probability,SAA")
    assert result.exit_code == 0, result.output
    assert run.report.read_bytes() == before
    page = (run.report.parent / "without_SAA_low_probability.html").read_text()
    assert "Without some of it" in page
    assert "Without some of it" not in before.decode()
    events = read_events(run, list(run.ledger.done()))
    bits = EVENT_FLAGS["SAA"] | EVENT_FLAGS["low_probability"]
    left = events[(events["quality_flags"] & bits) == 0]["event_class"].value_counts()
    assert f"{left.get('REP', 0)} REP and {left.get('CSS', 0)} CSS events" in page.replace("\n", " ")
    assert np.all(left < events["event_class"].value_counts())


@pytest.mark.parametrize("command", ["events", "map", "report"])
def test_a_flag_that_there_is_not_is_a_mistake_of_usage_that_names_all_there_are(
    work: Work, command: str
) -> None:
    result = call(command, work.root, "--exclude", "SAA,anomaly")
    assert result.exit_code == 2
    assert "no flag 'anomaly'" in result.stderr
    for flag in FLAGS:
        assert f"{flag.name}: {flag.meaning}" in result.stderr


def test_a_run_of_before_says_how_its_flags_are_made(
    random_model: Bundle, fake_archive: Path, tmp_path: Path
) -> None:
    work = labelled.ingest(fake_archive, tmp_path / "w")
    labelled.classify(work, random_model)
    run = work.only_run(None)
    receipts = list(run.ledger.done())
    older_parts(run, receipts)
    for receipt in receipts:
        run.ledger.commit(receipt)
    assert call("events", work.root, "--exclude", "E4_missing").exit_code == 0
    for command in (["events"], ["map", "--name", "n"]):
        result = call(command[0], work.root, *command[1:], "--exclude", "SAA")
        assert result.exit_code != 0
        assert f"reprocess detect {work.root} --run {run.name}-flags --model random" in result.stderr


def test_a_split_map_and_chosen_maps_add_up_to_the_runs_own(work: Work, run: Run) -> None:
    def made(name: str, *words: object) -> xr.Dataset:
        result = call("map", work.root, "--min-dwell", 0, *words)
        assert result.exit_code == 0, result.output
        with xr.open_dataset(run.named_maps / f"{name}.nc", decode_timedelta=False) as found:
            return found.load()

    with xr.open_dataset(run.occurrence, decode_timedelta=False) as own:
        whole = own.load()
    split = made("by_hemisphere_SAA", "--by", "hemisphere,SAA")
    by_hemisphere = {}
    for hemisphere in ("N", "S"):
        name = f"only_{hemisphere}"
        by_hemisphere[hemisphere] = made(name, "--hemisphere", hemisphere, "--name", name)
    for quantity in ("dwell", "events", "precipitation"):
        axes = [dim for dim in split[quantity].dims if dim not in whole[quantity].dims]
        assert len(axes) == 2
        np.testing.assert_array_equal(split[quantity].sum(axes), whole[quantity])
        parts = sum(found[quantity] for found in by_hemisphere.values())
        np.testing.assert_array_equal(parts, whole[quantity])
    assert all(float(found.dwell.sum()) > 0 for found in by_hemisphere.values())
    alone = made("waves", "--class", "REP", "--name", "waves")
    rep = whole.events.sel(event_class="REP")
    np.testing.assert_array_equal(alone.events.sel(event_class="REP"), rep)
    assert int(alone.events.sum()) == int(rep.sum()) > 0


def test_bins_need_something_to_split_by(work: Work) -> None:
    result = call("map", work.root, "--bins", "2,5")
    assert result.exit_code == 2
    assert "--bins is for what --by splits the map by" in result.stderr


CHOICES = [
    (("--satellite", "noaa18", "--hemisphere", "N"), "of_noaa18_N"),
    (("--start", "2019-10-25", "--class", "REP"), "of_from_2019-10-25_REP"),
    (("--class", "CSS", "--exclude", "SAA"), "of_CSS_without_SAA"),
]


def chosen_by_hand(table: pd.DataFrame, words: tuple[str, ...]) -> pd.DataFrame:
    """Rows of the whole table that the options choose."""
    options = dict(zip(words[::2], words[1::2], strict=True))
    kept = np.ones(len(table), bool)
    for name, column in (("--satellite", "satellite"), ("--class", "event_class")):
        kept &= (table[column] == options.get(name, table[column])).to_numpy()
    kept &= table["date"].between(options.get("--start", "0"), options.get("--end", "9")).to_numpy()
    if "--hemisphere" in options:
        kept &= ((table["latitude"] < 0) == (options["--hemisphere"] == "S")).to_numpy()
    if "--exclude" in options:
        kept &= (table["quality_flags"].to_numpy() & EVENT_FLAGS[options["--exclude"]]) == 0
    return table[kept].reset_index(drop=True)


@pytest.mark.parametrize(("words", "name"), CHOICES, ids=[name for _, name in CHOICES])
def test_events_and_page_are_of_what_is_chosen_and_say_so(
    work: Work, run: Run, words: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    everything = pd.read_csv(io.BytesIO(call("events", work.root).stdout_bytes))
    expected = chosen_by_hand(everything, words)
    assert 0 < len(expected) < len(everything)
    found = pd.read_csv(io.BytesIO(call("events", work.root, *words).stdout_bytes))
    pd.testing.assert_frame_equal(found, expected)
    for suffix in ("parquet", "nc"):
        call("events", work.root, *words, "-o", tmp_path / f"e.{suffix}")
    with xr.open_dataset(tmp_path / "e.nc", engine="scipy") as file:
        told = {key: value for key, value in file.attrs.items() if key.startswith(("chosen_", "excluded_"))}
    assert set(told.values()) == set(words[1::2])
    assert pd.read_parquet(tmp_path / "e.parquet").attrs == told
    before = run.report.read_bytes()
    result = call("report", work.root, *words)
    assert result.exit_code == 0, result.output
    page = (run.report.parent / f"{name}.html").read_text()
    assert run.report.read_bytes() == before
    assert "A selection:" in page
    assert "A selection:" not in before.decode()
    counts = expected["event_class"].value_counts()
    classes = (
        [dict(zip(words[::2], words[1::2], strict=True))["--class"]] if "--class" in words else ["REP", "CSS"]
    )
    told_counts = " and ".join(f"{counts.get(kind, 0)} {kind}" for kind in classes)
    assert f"{told_counts} events" in " ".join(page.split())


@pytest.mark.parametrize("command", ["events", "report"])
def test_a_selection_of_nothing_is_named(work: Work, command: str) -> None:
    result = call(command, work.root, "--satellite", "noaa15")
    assert result.exit_code == 2
    assert "has no satellite-day of noaa15; reprocess status tells what it has" in result.stderr
