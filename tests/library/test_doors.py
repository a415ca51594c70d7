"""Records in the form of other programs."""

from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reprocess import classify, from_cdaweb, from_tplot
from reprocess.classifier.bundle import Bundle
from reprocess.errors import DataError
from tests.support.fake import variables

Tplot = namedtuple("Tplot", "times y")
N = 400


@pytest.fixture
def noaa(random_model: Bundle) -> dict[str, np.ndarray]:
    return variables("noaa18", "2019-10-24", n=N)


def expected(noaa: dict[str, np.ndarray]) -> Any:
    found = classify(noaa, model="random", satellite="noaa18")
    assert len(found.events)
    return found


def test_tplot_variables_give_what_noaas_give(noaa: dict[str, np.ndarray]) -> None:
    seconds = noaa["time"].astype(np.float64) / 1000
    held = {f"n18_{name}": Tplot(seconds, values) for name, values in noaa.items() if name != "time"}
    ds = from_tplot(held.get, prefix="n18_", satellite="noaa18")
    found = classify(ds, model="random")
    assert found.events.equals(expected(noaa).events)
    assert np.array_equal(ds.time.to_numpy().astype("datetime64[ms]").astype(np.int64), noaa["time"])


def test_tplot_variables_that_are_missing_or_do_not_fit_are_told(noaa: dict[str, np.ndarray]) -> None:
    held = {name: Tplot(noaa["time"] / 1000, values) for name, values in noaa.items() if name != "time"}
    with pytest.raises(DataError, match=r"there is no tplot variable 'x_mep_ele_tel0_flux_e1'; load"):
        from_tplot(held.get, prefix="x_")
    held["MLT"] = Tplot(noaa["time"] / 1000 + 1, noaa["MLT"])
    with pytest.raises(DataError, match="'MLT' has other times than"):
        from_tplot(held.get)


def cdf(noaa: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The records under the names of CDAWeb."""
    electrons = np.stack([noaa[f"mep_ele_tel{t}_flux_e{e}"] for t in (0, 90) for e in range(1, 5)], axis=1)
    protons = np.stack([noaa[f"mep_pro_tel{t}_flux_p{p}"] for t in (0, 90) for p in range(1, 7)], axis=1)
    protons = protons.reshape(N, 2, 6)
    return {
        "Epoch": noaa["time"].astype("datetime64[ms]"),
        "mep_ele_flux": electrons.reshape(N, 2, 4),
        "mep_pro_flux": protons[:, :, :5],
        "mep_pro_flux_p6": protons[:, :, 5],
        **{name: noaa[name] for name in ("lat", "lon", "alt")},
        "l_igrf": noaa["L_IGRF"],
        "mlt": noaa["MLT"],
        "mep_ifc_on": noaa["mep_IFC_on"],
    }


def test_cdaweb_names_give_what_noaas_give(noaa: dict[str, np.ndarray]) -> None:
    data = cdf(noaa)
    dims = {name: ("record", *(f"{name}_{k}" for k in range(1, v.ndim))) for name, v in data.items()}
    as_dataset = xr.Dataset({name: (dims[name], values) for name, values in data.items()})
    for one in (data, as_dataset, {name.upper(): v for name, v in data.items()}):
        found = classify(from_cdaweb(one, satellite="noaa18"), model="random")
        columns = ["start_time", "stop_time", "event_class", "L", "probability", "max_e4_90"]
        assert found.events[columns].equals(expected(noaa).events[columns])


def test_cdf_fill_is_missing(noaa: dict[str, np.ndarray]) -> None:
    data = cdf(noaa)
    data["mep_ele_flux"] = data["mep_ele_flux"].copy()
    data["mep_ele_flux"][7, 1, 2] = -1e31
    ds = from_cdaweb(data)
    assert np.isnan(ds.electron_flux[1, 2, 7])
    assert int(np.isnan(ds.electron_flux).sum()) == 1


def test_cdf_data_that_cannot_be_meant_are_told(noaa: dict[str, np.ndarray]) -> None:
    data = cdf(noaa)
    with pytest.raises(DataError, match="the CDF data lack epoch, mlt; they have alt, "):
        from_cdaweb({name: v for name, v in data.items() if name not in ("Epoch", "mlt")})
    with pytest.raises(DataError, match="Epoch is float64, not datetime64"):
        from_cdaweb(data | {"Epoch": np.zeros(N)})
    with pytest.raises(DataError, match=r"mep_ele_flux has shape \(400, 4, 2\), not \(400, 2, 4\)"):
        from_cdaweb(data | {"mep_ele_flux": data["mep_ele_flux"].transpose(0, 2, 1)})


def test_a_cdf_file_gives_what_noaas_give(noaa: dict[str, np.ndarray], tmp_path: Path) -> None:
    cdflib = pytest.importorskip("cdflib")
    pytest.importorskip("cdflib.xarray")
    data = cdf(noaa)
    data["mep_ele_flux"] = data["mep_ele_flux"].astype(np.float32)
    data["mep_ele_flux"][7, 1, 2] = -1e31
    file = tmp_path / "metop1_poes-sem2_fluxes-2sec_20191024_v01.cdf"
    with cdflib.cdfwrite.CDF(file) as written:
        for name, values in data.items():
            kind = {"f": 44, "i": 4, "M": 33}[values.dtype.kind]  # CDF_FLOAT, CDF_INT4, CDF_TIME_TT2000
            if kind == 33:
                values = cdflib.cdfepoch.timestamp_to_tt2000(noaa["time"] / 1000)
            spec = {
                "Variable": name, "Data_Type": kind, "Num_Elements": 1, "Rec_Vary": True, "Compress": 0,
                "Dim_Sizes": list(values.shape[1:]),
            }  # fmt: skip
            written.write_var(spec, var_attrs={"DEPEND_0": "Epoch"} if kind != 33 else {}, var_data=values)
    read = cdflib.xarray.cdf_to_xarray(str(file), to_datetime=True)
    ds = from_cdaweb(read, satellite="metop01")
    assert np.array_equal(ds.time.values.astype("datetime64[ms]").astype(np.int64), noaa["time"])
    assert np.isnan(ds.electron_flux[1, 2, 7])
    found = classify(ds, model="random")
    expected = classify(from_cdaweb(data, satellite="metop01"), model="random")
    assert len(found.events)
    pd.testing.assert_frame_equal(found.events, expected.events)
