"""What is made of all blocks of a run together: the exposure and the maps."""

from pathlib import Path

from reprocess.maps.exposure import write_exposure
from reprocess.maps.occurrence import occurrence, write_occurrence
from reprocess.maps.plot import plot_occurrence
from reprocess.schema.grid import Grid
from reprocess.work.ledger import source_digest
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import Receipt
from reprocess.work.status import lacking, survey


def sum_up(run: Run) -> list[Receipt]:
    """Bring the exposure up to date with the done blocks, and return their records."""
    records = list(run.ledger.done())
    if run.outdated("exposure", records):
        write_exposure(run, records)
        run.made("exposure", records)
    days = sum(len(record["days"]) for record in records)
    run.describe({"source_digest": source_digest(records), "satellite_days": days})
    return records


def make_map(work: Work, run: Run, grid: Grid, min_dwell_s: float) -> list[Path]:
    """Write `occurrence.nc` and the plots of a run's done blocks; return the files.

    What the map lacks is counted in the file's attributes.

    Raises
    ------
    LedgerError
        If nothing is done, or a part is missing or damaged.
    """
    records = sum_up(run)
    dataset = occurrence(run, records, grid, min_dwell_s)
    dataset = dataset.assign_attrs(lacking(survey(work), run.name))
    write_occurrence(run, dataset)
    run.made("occurrence", records)
    return [run.occurrence, *plot_occurrence(dataset, run.root)]
