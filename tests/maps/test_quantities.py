"""Quartiles of properties by bin, and the energy that events bring down, against plain sums."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reprocess.errors import LedgerError, SplitError
from reprocess.maps.intervals import block_interval
from reprocess.maps.quantities import POWER, quartiles, read_values
from reprocess.maps.quantity_plot import plot_property, value_scale
from reprocess.maps.stage import Split, make_dataset
from reprocess.physics.geometry import cell_area
from reprocess.schema import EVENT_FLAGS
from reprocess.schema.grid import Grid, make_grid
from reprocess.schema.properties import PROPERTY_COLUMNS, PROPERTY_KEY
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.described import write_properties
from reprocess.work.parts import EVENTS, part_path, read_part, write_part
from reprocess.work.paths import Run
from tests.maps.test_occurrence import MAP, dates, write_block

ONE = make_grid(np.array([2.0, 6.0]), np.array([0.0, 24.0]))
DAYS = 36
"""One in each calendar block of 27 days, and some more."""


def described(folder: Path, days: int) -> tuple[Run, list[dict], pd.DataFrame]:
    """A run whose events have energy fluxes, one without; and these events."""
    run, rng = Run(folder / "runs" / "demo"), np.random.default_rng(8)
    day = [(L, MLT, 200, 9, 7) for L in (2.5, 5.0) for MLT in (3, 9, 15)]
    every = dates(days, 27)
    events = [
        (kind, L, MLT, 60, flag, every[int(rng.integers(days))])
        for kind in ("REP", "CSS")
        for L in (2.5, 5.0)
        for MLT in (3.0, 9.0)
        for flag in (0, 0, 0, EVENT_FLAGS["SAA"])
        for _ in range(8)
    ]
    receipt = write_block(run, [day] * days, events, step=27)
    path = part_path(run.events, "noaa18", 247)
    table = read_part(path, receipt["outputs"]["events"]).to_pandas()
    table["start_index"] = np.arange(len(table), dtype=np.int32)
    table["duration_s"] = rng.integers(1, 40, len(table)) * 2.0
    receipt["outputs"]["events"] = write_part(
        path, {name: table[name].tolist() for name in EVENTS.names}, EVENTS
    )
    table["energy_flux_40"] = rng.lognormal(-3, 1, len(table))
    table.loc[0, "energy_flux_40"] = np.nan
    table["records"] = (table["duration_s"] / 2).astype(int)
    blank = {"str": "", "time": 0}
    columns = {name: [blank.get(c.dtype, 0)] * len(table) for name, c in PROPERTY_COLUMNS.items()}
    columns |= {name: table[name].tolist() for name in (*PROPERTY_KEY, "energy_flux_40", "records")}
    origin = {"events_sha256": receipt["outputs"]["events"]}
    write_properties(part_path(run.properties, "noaa18", 247), columns, origin)
    return run, [receipt], table


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[dict], pd.DataFrame]:
    return described(tmp_path_factory.mktemp("work"), DAYS)


def of(
    run: Run, receipts: list[dict], name: str, grid: Grid = MAP, choice: Choice = EVERYTHING
) -> xr.Dataset:
    return make_dataset(run, receipts, grid, 60, choice, Split((), of_property=name))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["duration_s", "energy_flux_40"])
@pytest.mark.parametrize("choice", [EVERYTHING, Choice(exclude=("SAA",)), Choice(classes=("CSS",))])
def test_quartiles_are_those_of_the_events_in_the_bin(
    demo: tuple[Run, list[dict], pd.DataFrame], name: str, choice: Choice
) -> None:
    run, receipts, table = demo
    found = of(run, receipts, name, choice=choice)
    table = table[(table["quality_flags"] & choice.bits) == 0]
    for kind in choice.classes or ("REP", "CSS"):
        for i, L in enumerate((2.5, 5.0)):
            for j, MLT in enumerate((3.0, 9.0)):
                own = table[(table["event_class"] == kind) & (table["L"] == L) & (table["MLT"] == MLT)]
                values = own[name].dropna()
                at = found.sel(event_class=kind).isel(L=i, MLT=j)
                assert int(at[f"{name}_count"]) == len(values) > 10
                for which, share in (("quartile_lower", 0.25), ("median", 0.5), ("quartile_upper", 0.75)):
                    assert float(at[f"{name}_{which}"]) == pytest.approx(values.quantile(share))
                lower, median, upper = (float(at[f"{name}_median{end}"]) for end in ("_lower", "", "_upper"))
                assert values.min() <= lower < median < upper <= values.max()
        assert np.isnan(found[f"{name}_median"].sel(event_class=kind).values[:, 2]).all(), "no event there"
    assert found.attrs["property_events_without_value"] == int(table[name].isna().sum())


@pytest.mark.parametrize("name", ["duration_s", "energy_flux_40"])
def test_a_split_has_in_each_part_what_a_map_of_it_alone_has(
    demo: tuple[Run, list[dict], pd.DataFrame], name: str, tmp_path: Path
) -> None:
    run, receipts, _ = demo
    found = make_dataset(run, receipts, MAP, 60, EVERYTHING, Split(("hemisphere", "year"), of_property=name))  # type: ignore[arg-type]
    years = found.year.values.tolist()
    assert len(years) > 1
    for year in years[:2]:
        dates = {"start": dt.date(int(year), 1, 1), "end": dt.date(int(year), 12, 31)}
        alone = of(run, receipts, name, choice=Choice(hemispheres=("N",), **dates))  # type: ignore[arg-type]
        part = found.sel(hemisphere="N", year=year)
        # Limits are of other blocks: a year alone has no others.
        ends = ("_count", "_median", "_quartile_lower", "_quartile_upper")
        for key in (*(f"{name}{end}" for end in ends), *({f"mean_{name}", "power"} & {*alone})):
            np.testing.assert_allclose(part[key], alone[key], err_msg=f"{key} {year}")
    assert int(found[f"{name}_count"].sel(hemisphere="S").sum()) == 0
    assert int(found[f"{name}_count"].sum()) == int(of(run, receipts, name)[f"{name}_count"].sum())
    paths = plot_property(found, tmp_path, "x", {"formats": ("svg",)}, ["hemisphere", "year"])
    drawn = next(path for path in paths if path.name == "x_N_REP.svg").read_text()
    assert f"{name} by year, hemisphere N" in drawn
    assert "hemisphere N alone" in drawn
    assert ("Power over a hemisphere" in drawn) == (name == "energy_flux_40")


def test_a_property_of_no_event_has_no_quartile() -> None:
    none = np.empty(0, int)
    found = quartiles(none.astype(float), none, none, np.ones((12, 2)), 4)
    assert found["count"].tolist() == [0] * 4
    assert np.isnan(found["median"]).all()


def test_energy_and_power_are_plain_sums_over_dwell_and_area(
    demo: tuple[Run, list[dict], pd.DataFrame], tmp_path: Path
) -> None:
    run, receipts, table = demo
    found = of(run, receipts, "energy_flux_40")
    table = table.assign(energy=table["energy_flux_40"] * table["duration_s"])
    for kind in ("REP", "CSS"):
        flux = np.zeros((2, 3))
        for i, L in enumerate((2.5, 5.0)):
            for j, MLT in enumerate((3.0, 9.0, 15.0)):
                own = table[(table["event_class"] == kind) & (table["L"] == L) & (table["MLT"] == MLT)]
                flux[i, j] = own["energy"].sum() / (DAYS * 200 * 2)
        np.testing.assert_allclose(found["mean_energy_flux_40"].sel(event_class=kind), flux)
        area = [[cell_area(a, b, hours) for hours in (6, 6, 12)] for a, b in ((2, 4), (4, 6))]
        power = float((flux * area).sum() / 1e9)
        assert float(found.power.sel(event_class=kind)) == pytest.approx(power)
        lower, upper = (float(found[f"power_{end}"].sel(event_class=kind)) for end in ("lower", "upper"))
        assert 0 < lower < power < upper
    assert found.attrs["power_is"] == POWER
    found = found.assign_attrs(satellite_days_quarantined=3)
    paths = plot_property(found, tmp_path, "energy", {"formats": ("svg",)})
    for path in paths:
        drawn = path.read_text()
        assert "Power over a hemisphere" in drawn
        assert "3 more satellite-days are missing or quarantined" in drawn
        assert "energy_flux_40 (mW m⁻²)" in drawn
        assert "energy_flux_40: energy flux of precipitating electrons above 40 keV" in drawn
    assert len(paths) == 2


def test_the_power_of_one_bin_has_the_interval_of_its_flux(
    demo: tuple[Run, list[dict], pd.DataFrame],
) -> None:
    run, receipts, table = demo
    found = of(run, receipts, "energy_flux_40", ONE).sel(event_class="REP")
    area = float(cell_area(2, 6, 24)) / 1e9
    for end in ("", "_lower", "_upper"):
        assert float(found[f"power{end}"]) == pytest.approx(
            area * float(found[f"mean_energy_flux_40{end}"].item())
        )
    own = table[table["event_class"] == "REP"]
    energy = (own["energy_flux_40"] * own["duration_s"]).groupby(own["date"]).sum()
    energy = energy.reindex(dates(DAYS, 27), fill_value=0).to_numpy()[:, np.newaxis]
    limits = block_interval(energy, np.full((DAYS, 1), 6 * 200 * 2.0))
    assert found["mean_energy_flux_40_lower"].item() == pytest.approx(limits.lower[0])


def test_few_blocks_give_no_interval(tmp_path: Path) -> None:
    run, receipts, _ = described(tmp_path, 6)
    found = of(run, receipts, "energy_flux_40")
    assert np.isfinite(found["energy_flux_40_median"]).any()
    for name in ("energy_flux_40_median_lower", "mean_energy_flux_40_upper", "power_lower", "power_upper"):
        assert not np.isfinite(found[name]).any(), name


def test_what_is_no_number_or_not_described_is_named(demo: tuple[Run, list[dict], pd.DataFrame]) -> None:
    run, receipts, _ = demo
    for name in ("model", "nothing"):
        with pytest.raises(
            SplitError, match=f"'{name}' is no property of events that is a number; there are .*L_min"
        ):
            read_values(run, receipts, name, EVERYTHING)  # type: ignore[arg-type]
    other = [receipts[0] | {"outputs": receipts[0]["outputs"] | {}}]
    path = part_path(run.properties, "noaa18", 247)
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(LedgerError, match="reprocess describe WORK --run demo makes it"):
        read_values(run, other, "energy_flux_40", EVERYTHING)  # type: ignore[arg-type]
    path.write_bytes(kept)


def test_scales_hold_all_values_and_say_whether_they_are_logarithmic() -> None:
    wide, narrow = value_scale(np.array([0.002, 50, np.nan, 0]), "x"), value_scale(np.array([-3.0, 4]), "x")
    assert (wide.norm.vmin, wide.norm.vmax, wide.label) == (0.001, 100, "x, logarithmic")
    assert (narrow.norm.vmin, narrow.norm.vmax, narrow.label) == (-3, 4, "x")
    assert value_scale(np.full(3, np.nan), "x").norm.vmax == 1
