"""Every format against its real sample, or lines as its publisher describes them."""

from pathlib import Path

import numpy as np
import pytest

from reprocess.errors import IndexFileError, SourceError
from reprocess.indices.reading import read_index


def at(index, *times: str) -> list[float]:
    return index.at(np.array(times, "datetime64[ms]").astype(np.int64)).tolist()


def sample(shared: Path, name: str) -> str:
    return str(shared / "indices" / name)


def written(folder: Path, text: str, name: str = "index.txt") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_kp_of_the_wdc_format(shared: Path) -> None:
    index = read_index([sample(shared, "Kp_def2009.wdc")], "Kp")
    assert (index.name, index.step_ms, index.start.size) == ("kp", 3 * 3_600_000, 365 * 8)
    expected = [17, 23, 27, 20, 23, 17, 7, 17]
    found = at(index, *[f"2009-01-01T{3 * k:02d}:00" for k in range(8)])
    assert found == [round(x * 3 / 10) / 3 for x in expected]
    assert at(index, "2009-01-01T02:59:59.999", "2009-01-01T03:00") == [5 / 3, 7 / 3]
    assert np.isnan(at(index, "2008-12-31T23:59:59.999", "2010-01-01T00:00")).all()
    assert at(read_index([sample(shared, "Kp_def2009.wdc")], "ap"), "2009-01-01T03:00") == [9]


def test_joined_years_list_their_gap(shared: Path) -> None:
    both = [sample(shared, name) for name in ("Kp_now2020.wdc", "Kp_def2009.wdc")]
    index = read_index(both, "kp")
    assert index.start.size == (365 + 366) * 8
    limits = np.array(["2009-12-31", "2020-01-02"], "datetime64[ms]").astype(np.int64)
    gap = np.array(["2010-01-01", "2020-01-01"], "datetime64[ms]").astype(np.int64)
    assert index.gaps(*limits.tolist()) == [tuple(gap.tolist())]


@pytest.mark.parametrize(
    ("name", "count", "minutes"), [("hp30", 1489, 30), ("hp60", 745, 60), ("ap60", 745, 60)]
)
def test_gfz_json(shared: Path, name: str, count: int, minutes: int) -> None:
    index = read_index([sample(shared, f"{name.capitalize() if name != 'ap60' else name}_2009-01.txt")], name)
    assert index.start.size == count
    assert index.step_ms == minutes * 60_000
    np.testing.assert_allclose(index.values * 3, np.round(index.values * 3), atol=1e-12)
    assert np.isfinite(at(index, "2009-02-01T00:00")).all(), "the end that was asked for has a value too"


def test_hp60_agrees_with_kp_of_the_same_month(shared: Path) -> None:
    kp = read_index([sample(shared, "Kp_def2009.wdc")], "kp")
    hp = read_index([sample(shared, "Hp60_2009-01.txt")], "hp60")
    times = np.arange(np.datetime64("2009-01-01", "ms"), np.datetime64("2009-02-01"), 3_600_000).astype(
        np.int64
    )
    assert np.corrcoef(kp.at(times), hp.at(times))[0, 1] > 0.85  # a shift by one slot gives 0.7


def test_dst_of_kyoto_with_a_blank_century(shared: Path) -> None:
    index = read_index([sample(shared, "dst2000.txt")], "dst")
    assert index.start.size == 366 * 24
    assert index.units == "nT"
    assert at(index, "2000-01-01T00:59", "2000-01-01T01:00", "2000-01-11T23:00") == [-46, -38, -76]
    assert np.nanmin(index.values) == at(index, "2000-07-16T00:30")[0] == -301, "the storm of July 2000"


def test_base_value_and_missing_hours_of_kyoto(tmp_path: Path) -> None:
    values = "".join(f"{v:4d}" for v in [10, 9999, *[-5] * 22])
    line = f"AE 8201*02  X219   1{values}  11\n"
    assert len(line) == 121
    index = read_index([written(tmp_path, line)], "AE")
    assert at(index, "1982-01-02T00:00", "1982-01-02T02:00") == [110, 95]
    assert np.isnan(at(index, "1982-01-02T01:30")).all()


def line_of_minutes(name: str, value: int = -300) -> str:
    """An hour that begins without a value."""
    values = "".join(f"{v:6d}" for v in [99999, *range(value, value + 59), value])
    return f"AEALAOAU    120310{name[1]}07{name} {'KYOTO/E02':10s}{values}\n"


def test_ae_of_kyoto_by_the_minute(tmp_path: Path) -> None:
    index = read_index([written(tmp_path, line_of_minutes("AE", 500) + line_of_minutes("AL"))], "al")
    assert at(index, "2012-03-10T07:01", "2012-03-10T07:59:59") == [-300, -242]
    assert np.isnan(at(index, "2012-03-10T07:00", "2012-03-10T08:00")).all()


def test_omni2(shared: Path) -> None:
    source = [sample(shared, "omni2_2020.dat")]
    assert at(read_index(source, "kp"), "2020-01-01T02:30", "2020-01-01T09:00") == [1 / 3, 2 / 3]
    assert at(read_index(source, "dst"), "2020-01-01T00:00", "2020-01-01T02:00") == [-4, 3]
    assert at(read_index(source, "f107"), "2020-01-01T02:00") == [69.4]
    for name in ("ae", "al", "au"):  # AE is filled with 9999 where AL and AU are with 99999
        assert np.isnan(read_index(source, name).values).all(), name


def test_omni_by_the_minute(shared: Path) -> None:
    source = [sample(shared, "omni_min2020.asc")]
    index = read_index(source, "sym_h")
    assert index.step_ms == 60_000
    assert at(index, "2020-01-01T00:00", "2020-01-01T00:03:59", "2020-01-01T00:10") == [-6, -7, -6]
    assert np.isnan(read_index(source, "al").values).all()
    lines = Path(source[0]).read_text().splitlines()[:12:5]
    assert len(lines) == 3


def test_omni_by_five_minutes(shared: Path, tmp_path: Path) -> None:
    lines = Path(sample(shared, "omni_min2020.asc")).read_text().splitlines()[:11:5]
    text = "".join(f"{line}    0.10    0.20    0.30\n" for line in lines)
    index = read_index([written(tmp_path, text)], "sym_h")
    assert index.step_ms == 300_000
    assert at(index, "2020-01-01T00:04:59") == [-6]


def test_swpc_where_missing_values_run_together(shared: Path) -> None:
    source = [sample(shared, "daily-geomagnetic-indices.txt")]
    kp = read_index(source, "kp")
    assert at(kp, "2023-10-03T00:00", "2023-10-03T23:59") == [4 / 3, 5 / 3]
    assert np.isnan(at(kp, "2023-11-01T15:00")).all()
    local = read_index(source, "k_fredericksburg")
    assert at(local, "2023-10-07T00:00", "2023-10-07T03:00") == [1, 2]
    assert np.isnan(at(local, "2023-10-07T06:00", "2023-10-08T00:00")).all()
    assert at(read_index(source, "k_college"), "2023-10-03T12:00") == [5]


GFZ = """# PURPOSE: This file distributes the geomagnetic planetary three-hour index
#YYY MM DD hh.h hh._m        days      days_m     Kp   ap D
1932 01 01 00.0 01.50     0.00000     0.06250  3.333   18 1
1932 01 01 03.0 04.50     0.12500     0.18750 -1.000   -1 0
"""


def test_gfz_kp_since_1932(tmp_path: Path) -> None:
    kp, ap = (read_index([written(tmp_path, GFZ)], name) for name in ("kp", "ap"))
    assert at(kp, "1932-01-01T00:00", "1932-01-01T02:59") == [10 / 3, 10 / 3]
    assert at(ap, "1932-01-01T00:00") == [18]
    assert np.isnan([*at(kp, "1932-01-01T03:00"), *at(ap, "1932-01-01T05:00")]).all()
    with pytest.raises(IndexFileError, match="stand for 3 h, so this is not hp30"):
        read_index([written(tmp_path, GFZ)], "hp30")


def test_gfz_hp30_in_lines(tmp_path: Path) -> None:
    text = "2026 06 19 00.5 00.75 34503.02083 34503.03125  3.333   18 0\n"
    index = read_index([written(tmp_path, text)], "hp30")
    assert index.step_ms == 1_800_000
    assert at(index, "2026-06-19T00:59:59") == [10 / 3]


def test_gfz_lines_of_days(tmp_path: Path) -> None:
    kps = "1.667  2.333 -1.000  3.000  3.667  4.000  0.333  9.000"
    aps = "6   9  -1  15  22  27   2 400"
    line = f"2003 10 30 26235 26235.5 2325 12 {kps}   {aps}   60 120    270.9    268.0 2\n"
    source = [written(tmp_path, line)]
    kp = read_index(source, "kp")
    assert at(kp, "2003-10-30T00:00", "2003-10-30T03:00", "2003-10-30T21:00") == [5 / 3, 7 / 3, 9]
    assert np.isnan(at(kp, "2003-10-30T06:00")).all()
    assert at(read_index(source, "ap"), "2003-10-30T21:00") == [400]
    assert at(read_index(source, "ap_daily"), "2003-10-30T23:59") == [60]
    assert at(read_index(source, "f107"), "2003-10-30T12:00") == [270.9]


IAGA = """ Format                 IAGA-2002                                    |
 IAGA CODE              Dst                                          |
DATE       TIME         DOY     DST                                  |
2020-01-01 00:29:30.000 001     -4.00
2020-01-01 01:29:30.000 001  99999.90
"""


def test_iaga_with_times_of_the_middle(tmp_path: Path) -> None:
    index = read_index([written(tmp_path, IAGA)], "dst")
    assert at(index, "2020-01-01T00:00", "2020-01-01T00:59:59") == [-4, -4]
    assert np.isnan(at(index, "2020-01-01T01:00")).all()
    with pytest.raises(IndexFileError, match="names no AE"):
        read_index([written(tmp_path, IAGA)], "ae")
    with pytest.raises(IndexFileError, match="line 5 has 3 words, not 4: the file is truncated"):
        read_index([written(tmp_path, IAGA[:-12])], "dst")


SUPERMAG = """Date_UTC,SML,SMU
2015-03-17T00:00:00,-120,80
2015-03-17T00:01:00,999999.000000,81
"""


def test_supermag(tmp_path: Path) -> None:
    index = read_index([written(tmp_path, SUPERMAG)], "SML")
    assert at(index, "2015-03-17T00:00:59") == [-120]
    assert np.isnan(at(index, "2015-03-17T00:01")).all()


TABLE = """when,Planetary Kp
2015-03-17 03:00+00:00,2.7
2015-03-17 06:00+00:00,999.9
2015-03-17 09:00+00:00,
"""


@pytest.mark.parametrize(("label", "time"), [("start", "03:00"), ("middle", "01:30"), ("end", "00:00")])
def test_a_plain_table_is_told_what_its_times_are(tmp_path: Path, label: str, time: str) -> None:
    options = {"value": "planetary kp", "at": label, "fill": "999.9"}
    index = read_index([written(tmp_path, TABLE)], "kp", options)
    begins = np.datetime64(f"2015-03-17T{time}", "ms").astype(np.int64)
    assert index.start[0] == begins
    assert index.at(begins + np.array([0, 3 * 3_600_000 - 1])).tolist() == [8 / 3, 8 / 3]
    assert np.isnan(index.values[1:]).all()


OPTIONS = {"at": "end", "value": "Planetary Kp"}

KP = " 9 1 12394 1172327202317 717150  6  9 12  7  9  6  3  6  70.42\n"


@pytest.mark.parametrize(
    ("text", "name", "options", "message"),
    [
        ("", "kp", {}, "the file is empty"),
        ("hello\nworld\n", "kp", {}, "of no known format"),
        (KP[:50], "kp", {}, "line 1 has 50 characters, not 62: the file is truncated"),
        (KP.replace(" 9 1 1", " 913 1"), "kp", {}, "line 1: 2009-13-01 is no date"),
        (KP.replace("71715", "71x15"), "kp", {}, "line 1 has no numbers"),
        (KP, "dst", {}, "has no dst; it may have kp, ap"),
        (KP + KP, "kp", {}, "not in order of time: 2009-01-01T00:00 comes after 2009-01-01T21"),
        (GFZ.replace("03.0 04.5", "00.0 01.5"), "kp", {}, "overlap: 1932-01-01T00:00 comes 0 h after"),
        (GFZ[:-8], "kp", {}, "line 4 has 8 words, not 10|a line does not have 10 numbers"),
        (GFZ.replace("1932 01 01 03", "1932 13 01 03"), "kp", {}, "words of a line are no date"),
        (GFZ.replace("3.333", "abcde"), "kp", {}, "a line does not have 10 numbers"),
        ("{\"meta\": {}, \"datetime\": [", "kp", {}, "this JSON has no times and values of kp"),
        ('{"datetime": ["2009-01-01T00:00:00Z"], "Kp": [1, 2]}', "kp", {}, "1 times stand beside 2 values"),
        (TABLE, "kp", {}, "say so: --index-option at=start"),
        (TABLE, "kp", {"at": "start"}, "no column 'kp', only when, Planetary Kp"),
        (TABLE, "kp", {"at": "start", "zone": "1"}, "no option 'zone' of an index"),
        (TABLE.replace("2.7", "high"), "kp", {"at": "start", "value": "Planetary Kp"}, "'high' in column"),
        (TABLE.replace("2015-03-17 06", "17.3.2015"), "kp", OPTIONS, "a time is not"),
        (TABLE.replace("2015-03-17 06", "17.3.2015"), "kp", OPTIONS, r"mm:ss: [^\n]*(?<!\.)$"),
        (TABLE.replace("2.7", "-inf"), "kp", OPTIONS, r"'-inf' in .* is no value \(1 such\)"),
        (TABLE, "kp", OPTIONS | {"fill": "abc"}, "fill=abc is no number"),
        ("t,kp\n2015-03-17,1\n,2\n", "kp", {"at": "start"}, r"row 2 has no time \(1 such\)"),
        ("t,kp\n2015-03-18,1\n2015-03-17,2\n", "kp", {"at": "start"}, "go backwards from line to line; sort"),
        ("\ufeff", "kp", {"at": "start"}, "the file is empty"),
        ("t,kp\n2015-03-18,1\n2015-03-17,2\n2015-03-17,2\n", "kp", {"at": "start"}, "go backwards"),
        ("t,kp\n2015-03-18,1\n2015-03-19,2,3\n", "kp", {"at": "start"}, r"\(Error[^\n]* saw 3\)$"),
        ('{"datetime": ["2009-01-01T00:00:00Z"], "Kp": [1]}', "kp", OPTIONS, "that tells all; leave"),
        (KP, "kp", {"at": "start"}, "of a format .* that tells all; leave --index-option out"),
        ("t,kp\n2015-03-17,1\n", "kp", {"at": "start"}, "two at least are needed"),
        ('t,kp\n"2015', "kp", {"at": "start"}, "no comma-separated table"),
        ("DST0001*01       000-046\n", "dst", {}, "not 116: the file is truncated"),
        ("DST0001*01       000-046\n", "ae", {}, "no line of this file begins with AE"),
        ("AEALAOAU    120310E07AE KYOTO/E02 \n", "au", {}, "no line of this file is of AU"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used_are_named(
    tmp_path: Path, text: str, name: str, options: dict, message: str
) -> None:
    with pytest.raises(IndexFileError, match=message) as e:
        read_index([written(tmp_path, text)], name, options)
    assert "index.txt" in str(e.value)


def test_a_year_that_is_none(tmp_path: Path, shared: Path) -> None:
    line = Path(sample(shared, "omni2_2020.dat")).read_text().splitlines()[0]
    with pytest.raises(IndexFileError, match="no year and day of the year"):
        read_index([written(tmp_path, line.replace("2020   1", "  20   1"))], "kp")
    line = line_of_minutes("AL").replace("1203", "x203", 1)
    with pytest.raises(IndexFileError, match="line 1: 'x2' is no year of two digits"):
        read_index([written(tmp_path, line)], "al")


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not_found"):
        read_index([str(tmp_path / "none.txt")], "kp")
    (tmp_path / "packed").write_bytes(b"\x1f\x8b\xff\xfe")
    with pytest.raises(IndexFileError, match="unpack it first"):
        read_index([str(tmp_path / "packed")], "kp")


def test_files_that_contradict_each_other(tmp_path: Path, shared: Path) -> None:
    other = KP.replace("1172327", "1272327", 1)
    with pytest.raises(IndexFileError, match="contradict each other at 2009-01-01T00:00"):
        read_index([sample(shared, "Kp_def2009.wdc"), written(tmp_path, other)], "kp")
    same = read_index([sample(shared, "Kp_def2009.wdc"), written(tmp_path, KP)], "kp")
    assert same.start.size == 365 * 8
    with pytest.raises(IndexFileError, match="stand for different times"):
        read_index([sample(shared, "omni2_2020.dat"), sample(shared, "Kp_now2020.wdc")], "kp")
