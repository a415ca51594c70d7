"""Every example in a docstring is run and gives what it says."""

import doctest
import importlib
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner
from matplotlib.text import Text

import reprocess
from reprocess.cli import main

PACKAGE = Path(reprocess.__file__).parent


def _with_examples() -> list[str]:
    files = {path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8")}
    return sorted(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first command of the README makes, of fewer days."""
    folder = tmp_path_factory.mktemp("examples")
    span = (
        "--satellite",
        "noaa18",
        "--start",
        "2015-03-01",
        "--days",
        "3",
        "--seed",
        "1",
        "--events-per-day",
        "20",
    )
    for words in (
        ("simulate", folder / "archive", *span),
        ("run", folder / "archive", folder / "work", "--model", "simulated2026", "--mode", "published"),
    ):
        result = CliRunner().invoke(main, [*map(str, words), "--workers", "1"])
        assert result.exit_code == 0, result.output
    return folder / "work"


@pytest.mark.parametrize("name", _with_examples())
def test_examples_give_what_they_say(work: Path, name: str) -> None:
    module = importlib.import_module(name)
    names = {"WORK": str(work), "reprocess": reprocess}
    found = doctest.testmod(module, extraglobs=names, verbose=False)
    assert found.failed == 0


def test_every_public_function_has_an_example() -> None:
    for name in set(reprocess.__all__) - {"__version__"}:
        documented = getattr(reprocess, name)
        if not isinstance(documented, type):
            assert ">>> " in documented.__doc__, name
    assert len(_with_examples()) > 4


def test_what_is_made_of_simulated_files_says_so_through_usual_operations(work: Path) -> None:
    run = "simulated2026-published"
    maps = reprocess.map_occurrence(work, run, L_edges=[3, 5, 7], MLT_edges=[0, 12, 24])
    archive, events = reprocess.open_archive(work, "noaa18"), reprocess.read_events(work, run)
    day = reprocess.records(work, "noaa18", "2015-03-02", "2015-03-02")
    found = reprocess.classify(archive.isel(day=[1]), model="simulated2026", dense=False)
    for made in (
        maps, reprocess.open_maps(work, run), archive, day, events,
        maps.event_rate.sel(event_class="CSS").sum("L"), maps.sum(["L", "MLT"]).events, maps.dwell / 3600,
        archive.electron_flux.isel(day=0), day.electron_flux.sel(energy=612).max("time"),
        found.classes, found.probabilities.isel(time=slice(9)), found.events,
        events[events.event_class == "REP"].sort_values("L").head(), reprocess.compare_events(events, events),
    ):  # fmt: skip
        assert "simulated" in made.attrs
    assert {"model", "mode", "run", "simulated", "times", "units", "meaning"} == set(events.attrs)


def test_figures_of_simulated_files_say_so(work: Path) -> None:
    """Those that xarray draws, by their labels; those of the library of records as a user opened them."""
    drawn = reprocess.open_maps(work).event_rate.sel(event_class="CSS").plot()
    assert "(simulated)" in drawn.colorbar.ax.get_ylabel()
    plt.close(drawn.figure)
    with xr.open_dataset(work.parent / "archive/2015/noaa18/poes_n18_20150302_proc.nc") as opened:
        raw = opened.load()
    frame = pd.DataFrame({name: raw[name].values for name in raw.variables})
    for given, origin in ((raw, "simulated"), (frame, "measured")):
        found = reprocess.classify(given, model="simulated2026", dense=False)
        assert (found.events.origin == origin).all()
        assert len(found.events)
        words = [text.get_text() for text in found.plot_event(0).findobj(Text)]
        assert any("SIMULATED DATA" in word for word in words) is (origin == "simulated")
    frame.attrs = raw.attrs
    told = reprocess.classify(frame, model="simulated2026", dense=False)
    assert "simulated" in told.events.attrs
