"""The contracts: calendar, blocks, arrays, event columns, bin edges."""

import csv
import datetime as dt
import itertools
from pathlib import Path

import numpy as np
import pytest

from reprocess import schema

BLOCKS = -(-schema.DAYS // schema.BLOCK_DAYS)

NOAA_NAMES = {
    "noaa15": ("n15", 4),
    "noaa16": ("n16", 2),
    "noaa17": ("n17", 6),
    "noaa18": ("n18", 7),
    "noaa19": ("n19", 8),
    "metop02": ("m02", 12),
    "metop01": ("m01", 11),
    "metop03": ("m03", 13),
}

FIXED_EVENT_COLUMNS = [
    *("satellite", "event_class", "date", "start_index", "stop_index"),
    *("start_time", "stop_time", "peak_time"),
    *("L", "MLT", "latitude", "longitude", "L_min", "L_max", "delta_L", "hemisphere", "duration_s"),
    *("max_e1_0", "max_e2_0", "max_e3_0", "max_e4_0", "max_e1_90", "max_e2_90", "max_e3_90", "max_e4_90"),
    *("e4_ratio_0_90", "probability", "quality_flags", "model", "run"),
]


def test_calendar_runs_from_1998_to_the_end_of_2029() -> None:
    assert schema.day_date(0) == dt.date(1998, 1, 1)
    assert schema.day_date(schema.DAYS - 1) == dt.date(2029, 12, 31)


def test_day_index_and_day_date_are_inverse_on_every_day() -> None:
    dates = [schema.day_date(i) for i in range(schema.DAYS)]
    assert [schema.day_index(date) for date in dates] == list(range(schema.DAYS))
    assert dates == sorted(set(dates))
    assert dt.date(2000, 2, 29) in dates


@pytest.mark.parametrize("date", [dt.date(1997, 12, 31), dt.date(2030, 1, 1)])
def test_date_outside_the_calendar_is_refused_with_its_limits(date: dt.date) -> None:
    with pytest.raises(ValueError, match=f"{date} is outside .* 1998-01-01 to 2029-12-31"):
        schema.day_index(date)


def test_every_day_is_in_exactly_one_block() -> None:
    days = itertools.chain.from_iterable(schema.block_days(block) for block in range(BLOCKS))
    assert list(days) == list(range(schema.DAYS))


def test_blocks_are_full_but_for_the_last() -> None:
    lengths = [len(schema.block_days(block)) for block in range(BLOCKS)]
    assert set(lengths[:-1]) == {schema.BLOCK_DAYS}
    assert lengths[-1] == schema.DAYS % schema.BLOCK_DAYS == 8


def test_a_day_is_in_the_block_of_its_integer_quotient() -> None:
    for day in (0, 31, 32, 7966, 7968, schema.DAYS - 1):
        assert day in schema.block_days(day // schema.BLOCK_DAYS)


def test_record_axis_holds_a_day_at_the_shortest_step() -> None:
    assert schema.RECORDS >= schema.MS_PER_DAY / 1991
    assert schema.RECORDS >= 43_395


def test_satellites_are_named_as_noaa_names_them() -> None:
    assert {s.directory: (s.abbr, s.sat_id) for s in schema.SATELLITES.values()} == NOAA_NAMES
    assert all(key == s.directory for key, s in schema.SATELLITES.items())
    assert len({s.name for s in schema.SATELLITES.values()}) == len(NOAA_NAMES)


@pytest.mark.parametrize("spec", schema.ARCHIVE_ARRAYS.values(), ids=lambda s: s.name)
def test_array_starts_with_day_and_its_fill_fits_its_dtype(spec: schema.ArraySpec) -> None:
    assert spec.dims[0] == "day"
    assert spec.shape == tuple(schema.DIMS[d] for d in spec.dims)
    assert spec.day_shape == spec.shape[1:]
    stored = np.array(spec.fill).astype(spec.dtype)
    assert np.array_equal(stored, spec.fill, equal_nan=spec.dtype == "float32")
    assert {"units", "long_name"} <= spec.attrs.keys()


@pytest.mark.parametrize("spec", schema.RECORD_ARRAYS, ids=lambda s: s.name)
def test_array_has_one_source_per_row_of_records(spec: schema.ArraySpec) -> None:
    assert spec.dims[-1] == "record"
    assert len(spec.sources) == int(np.prod(spec.day_shape[:-1]))


def test_sources_are_used_once() -> None:
    sources = [name for spec in schema.RECORD_ARRAYS for name in spec.sources]
    assert len(sources) == len(set(sources)) == 20 + 15


def test_flux_sources_are_in_the_order_of_the_dimensions() -> None:
    arrays = schema.ARCHIVE_ARRAYS
    electrons = np.reshape(arrays["electron_flux"].sources, arrays["electron_flux"].day_shape[:-1])
    protons = np.reshape(arrays["proton_flux"].sources, arrays["proton_flux"].day_shape[:-1])
    assert electrons[0, 3] == "mep_ele_tel0_flux_e4"
    assert electrons[1, 0] == "mep_ele_tel90_flux_e1"
    assert protons[0, 5] == "mep_pro_tel0_flux_p6"
    assert protons[1, 2] == "mep_pro_tel90_flux_p3"
    assert arrays["pitch_angle_foot"].sources == ("meped_alpha_0_foot", "meped_alpha_90_foot")


def test_sources_have_the_dtype_that_noaa_documents(shared: Path) -> None:
    with (shared / "schema" / "schema_proc_nc.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = {column.lower(): column for column in rows[0]}
    name = names.get("name") or names["variable"]
    documented = {row[name]: row[names["dtype"]] for row in rows}
    assert documented["satID"] == "uint8"
    for spec in schema.RECORD_ARRAYS:
        for source in spec.sources:
            assert documented[source] == spec.source_dtype, source


def test_record_count_is_the_last_array_written() -> None:
    assert list(schema.ARCHIVE_ARRAYS)[-1] == "record_count"


def test_coordinates_fit_their_dimensions() -> None:
    for name, (values, attrs) in schema.COORDINATES.items():
        assert values.shape == (schema.DIMS[name],)
        assert np.all(np.diff(values) > 0)
        assert "units" in attrs
    assert schema.COORDINATES["day"][1]["units"] == "days since 1998-01-01"


def test_retried_reasons_are_reasons() -> None:
    assert schema.RETRIED < set(schema.REASONS | schema.DEFERRALS)


def test_status_attributes_name_the_codes() -> None:
    attrs = schema.ARCHIVE_ARRAYS["status"].attrs
    assert dict(zip(attrs["flag_meanings"].split(), attrs["flag_values"], strict=True)) == schema.STATUS


def test_event_classes_are_indices_of_the_classifier_outputs() -> None:
    assert {name: schema.CLASSES.index(name) for name in schema.EVENT_CLASSES} == schema.EVENT_CLASSES
    assert schema.EVENT_CLASSES == {"REP": 1, "CSS": 2}


def test_event_flags_are_distinct_bits() -> None:
    bits = list(schema.EVENT_FLAGS.values())
    assert all(bit.bit_count() == 1 for bit in bits)
    assert sum(bits) == np.bitwise_or.reduce(bits)


def test_event_table_begins_with_the_fixed_columns() -> None:
    assert list(schema.EVENT_COLUMNS)[: len(FIXED_EVENT_COLUMNS)] == FIXED_EVENT_COLUMNS


def test_fine_edges_are_the_decimals_they_stand_for() -> None:
    assert schema.L_EDGES.tolist() == [float(f"{k // 10}.{k % 10}") for k in range(10, 151)]
    assert schema.MLT_EDGES[0] == 0
    assert schema.MLT_EDGES[-1] == 24
    assert set(np.diff(schema.MLT_EDGES)) == {0.25}


def test_every_state_of_a_day_has_one_word_and_the_stored_ones_are_as_they_were() -> None:
    assert len({state.value for state in schema.DayState}) == len(schema.DayState)
    assert schema.STATUS == {"not_ingested": 0, "ok": 1, "quarantined": 2}
    assert set(schema.NOT_READ) < set(schema.DayState)
    assert {state.label for state in schema.DayState} >= {"classified", "ingested, not classified", "no file"}
