"""A run's events as a folder that can be deposited: data in several formats, and all that explains them.

Everything is made of the parts of the run, and nothing tells when or where: equal WORK, equal bytes.
`provenance.json` is written first and `SHA256SUMS` last: the first tells that a folder is one of ours, the
last that it is whole.
"""

from pathlib import Path, PurePosixPath

import pandas as pd

from reprocess.catalogue import package
from reprocess.catalogue.dictionary import of_variables, unit_in_text
from reprocess.catalogue.formats import as_csv, as_netcdf, as_text
from reprocess.catalogue.guide import readme
from reprocess.catalogue.hapi import hapi_csv, hapi_header
from reprocess.catalogue.table import CATALOGUE_COLUMNS, read_catalogue
from reprocess.errors import CatalogueError
from reprocess.files import files_under, write_atomic
from reprocess.maps.attributes import coverage_attributes, product_attributes
from reprocess.schema.properties import UNCERTAINTY
from reprocess.work.described import parquet_bytes
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import DetectReceipt
from reprocess.work.status import ledger_days

SUMS, PROVENANCE = "SHA256SUMS", "provenance.json"

SUMMARY = (
    "Events of relativistic electron precipitation that POES and MetOp satellites observed, driven by waves "
    "(REP) or by current sheet scattering (CSS) as a neural network tells them apart: times, position, "
    "extent, fluxes, spectrum, energy flux and quality of each."
)


_CAUTION = f"{UNCERTAINTY[0].upper()}{UNCERTAINTY[1:]}."


def require_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but a catalogue.

    Raises
    ------
    CatalogueError
        If it is not empty and no catalogue, or no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise CatalogueError(f"{folder} is a file; a catalogue is a folder, give the name of a new one")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    path = folder / PROVENANCE
    if not path.is_file() or f'"program": "{package.PROGRAM}"'.encode() not in path.read_bytes()[:200]:
        raise CatalogueError(
            f"{folder} is not empty and holds no catalogue of this program (there is no {PROVENANCE} of it); "
            "nothing in it was touched: give a new folder, or empty this one"
        )


def write_catalogue(work: Work, run: Run, folder: Path) -> list[Path]:
    """Write a run's catalogue; files of an earlier one in the folder are replaced, and those of no use go.

    Parameters
    ----------
    work : Work
    run : Run
        Described: `catalogue.stage.describe`.
    folder : Path
        New, empty, or a catalogue.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    CatalogueError
        As `require_folder`, or if there are no events.
    LedgerError
        If events are not described.
    """
    require_folder(folder)
    files = catalogue_files(work, run)
    for name in (PROVENANCE, *sorted(files.keys() - {PROVENANCE, SUMS}), SUMS):
        write_atomic(folder / name, files[name])
    for path in files_under(folder):
        if path.relative_to(folder).as_posix() not in files and _was_ours(path):
            path.unlink()
    return [folder / name for name in files]


_FORMER = frozenset({"events.csv", "events.parquet", "events.nc", "events_hapi.csv", "events_hapi.json"})


def _was_ours(path: Path) -> bool:
    """Tell whether a file that is not of this catalogue was left by a killed writer or an earlier version."""
    return path.name in _FORMER or ".partial" in path.name


def catalogue_files(work: Work, run: Run) -> dict[str, bytes]:
    """Return the files of a run's catalogue by name."""
    receipts = list(run.ledger.done())
    table = read_catalogue(run)
    if table.empty:
        raise CatalogueError(
            f"run {run.name!r} has no events, and a catalogue needs one at least; "
            f"see: reprocess status {work.root}"
        )
    version = package.version_of(receipts)
    attributes = _attributes(run, receipts, version)
    about = {"summary": SUMMARY, "source": str(attributes["source"])}
    text = as_text(table)
    files = {
        "events.parquet": parquet_bytes(table, CATALOGUE_COLUMNS.values(), attributes),
        "events.csv": as_csv(table),
        "events.nc": as_netcdf(table, CATALOGUE_COLUMNS, attributes),
        "events_hapi.csv": hapi_csv(text),
        "events_hapi.json": hapi_header(text, CATALOGUE_COLUMNS, f"{SUMMARY} {_CAUTION}"),
        "columns.csv": _columns().to_csv(index=False, lineterminator="\n").encode(),
        "columns.md": _columns_page().encode(),
        "README.md": readme(run, receipts, table, version),
        "CITATION.cff": package.citation(version),
        "VERSION": f"{version}\n".encode(),
        PROVENANCE: package.provenance(run, receipts, _sources(work, receipts), len(table)),
    }
    files["datapackage.json"] = package.data_package(run.name, version, CATALOGUE_COLUMNS, files, about)
    return files | {SUMS: package.sums(files)}


def _attributes(run: Run, receipts: list[DetectReceipt], version: str) -> dict[str, object]:
    """Return what the files say of themselves."""
    found = product_attributes(
        run,
        title=package.TITLE,
        summary=SUMMARY,
        processing_level="Level 2",
        cdm_data_type="Point",
        featureType="point",
        comment=UNCERTAINTY,
    )
    return found | coverage_attributes(run, receipts) | {"product_version": version}


def _sources(work: Work, receipts: list[DetectReceipt]) -> list[dict[str, str]]:
    """Return the satellite-days of a run with name and sum of the file of each; where it lay says nothing."""
    held = ledger_days(work.ledger)
    rows = []
    for receipt in receipts:
        for date, entry in sorted(receipt["days"].items()):
            source = held.get((receipt["satellite"], date), {}).get("source", {})
            name = PurePosixPath(str(source.get("url", ""))).name
            row = {"satellite": receipt["satellite"], "date": date, "file": name}
            rows.append(row | {"sha256": entry["source_sha256"]})
    return rows


def _columns() -> pd.DataFrame:
    """Return the dictionary of columns as a table."""
    entries = of_variables(CATALOGUE_COLUMNS.values())
    rows = [(c.name, c.dtype, unit_in_text(c.dtype, c.units), c.meaning, c.source) for c in entries]
    return pd.DataFrame(rows, columns=["column", "dtype", "unit", "meaning", "source"])


def _columns_page() -> str:
    rows = _columns().itertuples(index=False)
    lines = [f"| `{r.column}` | {r.dtype} | {r.unit} | {r.meaning} | {r.source} |" for r in rows]
    head = "# Columns\n\n| column | dtype | unit | meaning | source |\n|---|---|---|---|---|\n"
    return head + "\n".join(lines) + "\n"
