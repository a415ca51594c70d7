"""Lists as people have them, read the same by every command."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reprocess.errors import EventListError
from reprocess.evaluation.rows import Form, numbers, read_rows
from reprocess.evaluation.truth import read_event_list

WITHOUT_HEADER = """\
noaa18 2015-03-01/10:00:00.000 2015-03-01/10:00:20.000 4.5 0.1

noaa18 2015-03-01/11:00:00.000 2015-03-01/11:00:2x.000 -1e31 23.9
noaa18 2015-03-01 2015-03-01/12:00:20.000 5.5 NaN
"""
BY_NUMBER = {"satellite": "1", "start_time": "2", "stop_time": "3", "L": "4", "MLT": "5"}


def test_a_list_without_header_has_columns_by_number(tmp_path: Path) -> None:
    path = tmp_path / "clear_REPs_with_midnight_crossing.txt"
    path.write_text(WITHOUT_HEADER)
    table = read_rows(path, Form(BY_NUMBER, header=False, event_class="REP"))
    assert table["line"].tolist() == [1, 3, 4]  # as an editor counts, empty lines too
    assert table["start_time"].astype(str).str[:19].tolist()[:2] == [
        "2015-03-01 10:00:00",
        "2015-03-01 11:00:00",
    ]
    assert table["stop_time"].isna().tolist() == [False, True, False]
    assert table["dated"].tolist() == [False, False, True]
    assert set(table["event_class"]) == {"REP"}
    np.testing.assert_array_equal(numbers(table["L"]), [4.5, np.nan, 5.5])


@pytest.mark.parametrize("separator", [",", "\t", ";", "  "])
def test_fields_are_divided_by_what_the_first_line_has(separator: str, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\n".join([separator.join("ab"), separator.join(["2015-03-01T10:00:00", "5"])]))
    table = read_rows(path, Form({"start_time": "a", "L": "b"}))
    assert table["start_time"].tolist() == [pd.Timestamp("2015-03-01T10:00:00")]
    assert table["L"].tolist() == [5]


def test_a_named_column_comes_before_one_that_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("start,begin,time\n2015-03-01T10:00:00,2015-03-01T11:00:00,2015-03-01T12:00:00\n")
    assert read_rows(path, Form({"start_time": "begin"}))["start_time"].dt.hour.tolist() == [11]
    assert read_rows(path, Form({"start_time": "3"}))["start_time"].dt.hour.tolist() == [12]  # by its number
    assert read_rows(path, Form())["start_time"].dt.hour.tolist() == [10]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (Form({"L": "lshell"}), "has no column for L=lshell; it has start, x"),
        (Form({"L": "3"}, header=False), "has no column for L=3; it has 2 columns, 1 to 2"),
        (Form({"L": "x"}, header=False), "has no column for L=x; it has 2 columns, 1 to 2"),
    ],
)
def test_a_column_that_is_not_there_is_named(form: Form, words: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("start,x\n2015-03-01T10:00:00,1\n")
    with pytest.raises(EventListError, match=words):
        read_rows(path, form)


def test_what_is_no_number_is_none() -> None:
    values = pd.Series(["1.5", "-1e31", "inf", "x", "", "-999"])
    np.testing.assert_array_equal(numbers(values), [1.5, np.nan, np.nan, np.nan, np.nan, -999])


def test_truth_is_read_in_the_same_forms(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(WITHOUT_HEADER.splitlines()[0] + "\n")
    form = Form(
        {k: v for k, v in BY_NUMBER.items() if k not in ("L", "MLT")}, header=False, event_class="CSS"
    )
    (event,) = read_event_list([path], {("noaa18", "2015-03-01")}, form=form).table.to_dict("records")
    assert (event["event_class"], event["stop_time"]) == ("CSS", pd.Timestamp("2015-03-01T10:00:20"))
