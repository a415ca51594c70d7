"""What is made of all blocks of a run together: the exposure and the maps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprocess.errors import SplitError
from reprocess.indices.series import Index
from reprocess.schema.grid import Grid, is_fine
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.ledger import source_digest
from reprocess.work.paths import Run, Work
from reprocess.work.receipts import DetectReceipt
from reprocess.work.results import note_results
from reprocess.work.surveyed import Surveyed, lacking, survey_of

if TYPE_CHECKING:
    import xarray as xr

    from reprocess.maps.plain import Maps
    from reprocess.maps.split import Axis


@dataclass(frozen=True)
class Split:
    """What a map is split by, and what it tells besides."""

    names: tuple[str, ...]
    """As `split.make_axis` takes them."""
    edges: tuple[str, ...] = ()
    """Edges of the bins of the one of them that has bins."""
    index: Index | None = None
    """An index that is one of them."""
    passes: bool = False
    """Whether passes are to be counted too."""
    of_property: str = ""
    """A property of events whose quartiles are to be told."""


def needs_positions(grid: Grid, split: Split | None) -> bool:
    """Tell whether a map is made of position parts (`detect.positions`) and not of dwell parts."""
    return not is_fine(grid.L_edges, grid.MLT_edges) or bool(split and (split.index or split.passes))


def sum_up(run: Run) -> list[DetectReceipt]:
    """Bring the exposure up to date with the done blocks, and return their receipts."""
    receipts = list(run.ledger.done())
    if run.outdated("exposure", receipts):
        from reprocess.maps.exposure import write_exposure  # with it come xarray, pandas and Zarr

        write_exposure(run, receipts)
        run.made("exposure", receipts)
    days = sum(len(receipt["days"]) for receipt in receipts)
    run.describe({"source_digest": source_digest(receipts), "satellite_days": days})
    return receipts


def make_map(
    work: Work,
    run: Run,
    grid: Grid,
    min_dwell_s: float,
    name: str = "",
    look: Mapping[str, Any] | None = None,
    choice: Choice = EVERYTHING,
    split: Split | None = None,
    surveyed: Surveyed | None = None,
) -> list[Path]:
    """Write `occurrence.nc` and the plots of a run's done blocks; return the files.

    What the map lacks is counted in the file's attributes. The run remembers the bins.

    Parameters
    ----------
    work : Work
    run : Run
    grid : Grid
    min_dwell_s : float
        Seconds observed below which a bin gets no rate.
    name : str
        Name of a map that stands beside the run's own, in its folder ``maps``; it is no part of what the run
        must have to be complete.
    look : mapping, optional
        How the plots look: arguments of `plot.plot_occurrence`.
    choice : Choice
        What of the run is looked at; a map of less than everything has a name.
    split : Split, optional
        What the map is split by; such a map has a name too.
    surveyed : Surveyed, optional
        The run's survey, where there is one.

    Raises
    ------
    LedgerError
        If nothing is done, or a part is missing or damaged; position parts must be there if
        `needs_positions`.
    FlagError
        If a flag is excluded that the run's parts do not tell of.
    SplitError, IndexFileError
        If the map cannot be split so.
    ValueError
        If a map of less than everything has no name: the run's own is of everything.
    """
    from reprocess.maps.occurrence import write_occurrence
    from reprocess.maps.plot import plot_occurrence
    from reprocess.maps.sums import keep_sums

    if (choice != EVERYTHING or split or needs_positions(grid, split)) and not name:
        raise ValueError(
            f"a map {choice.words or 'that is split or of cells of its own'} stands beside the run's own; "
            "give it a name"
        )
    receipts = sum_up(run)
    if not name:
        keep_sums(run, receipts, grid)
    lacks = lacking((surveyed or survey_of(work, run)).state, run.name, choice)
    if split and (split.names or split.of_property):
        dataset = make_dataset(run, receipts, grid, min_dwell_s, choice, split).assign_attrs(lacks)
        return _write_split(run, name, dataset, split, look or {})
    maps = make_plain(run, receipts, grid, min_dwell_s, choice, split).assign_attrs(lacks)
    if name:
        path = run.named_maps / f"{name}.nc"
        write_occurrence(path, maps)
        return [path, *plot_occurrence(maps, path.parent, name, **(look or {}))]
    write_occurrence(run.occurrence, maps)
    run.made("occurrence", receipts)
    run.describe({"bins": bins_of(grid, min_dwell_s)})
    written = [run.occurrence, *plot_occurrence(maps, run.root, **(look or {}))]
    note_results(work, run, written)
    return written


def _write_split(
    run: Run, name: str, dataset: "xr.Dataset", split: Split, look: Mapping[str, Any]
) -> list[Path]:
    """Write a map that is split or tells a property, and its plots; return the files."""
    from reprocess.maps.occurrence import write_occurrence

    path = run.named_maps / f"{name}.nc"
    write_occurrence(path, dataset)
    if split.of_property:
        from reprocess.maps.quantity_plot import plot_property

        return [path, *plot_property(dataset, path.parent, name, look, list(split.names))]
    from reprocess.maps.split_plot import plot_split

    return [path, *plot_split(dataset, list(split.names), path.parent, name, look)]


def make_dataset(
    run: Run,
    receipts: Sequence[DetectReceipt],
    grid: Grid,
    min_dwell_s: float,
    choice: Choice = EVERYTHING,
    split: Split | None = None,
) -> "xr.Dataset":
    """Return the maps that `make_map` writes, but for what the run lacks; arguments and errors as there."""
    found = make_plain(run, receipts, grid, min_dwell_s, choice, split).dataset()
    if not (split and split.of_property):
        return found
    from reprocess.maps.quantities import with_property
    from reprocess.maps.tally import tally
    from reprocess.work.positions import read_positions

    chosen = choice.receipts(receipts)
    axes = axes_of(chosen, split)
    rows = read_positions(run, chosen, grid, choice) if needs_positions(grid, split) else None
    counted = tally(run, chosen, grid, replace(choice, classes=()), axes, rows)
    return with_property(found, run, chosen, grid, counted, split.of_property, choice, axes)


def make_plain(
    run: Run,
    receipts: Sequence[DetectReceipt],
    grid: Grid,
    min_dwell_s: float,
    choice: Choice = EVERYTHING,
    split: Split | None = None,
) -> "Maps":
    """Return the maps that `make_dataset` does, without a property, as arrays of numpy."""
    from reprocess.maps.occurrence import make_maps
    from reprocess.maps.sums import count
    from reprocess.work.positions import read_positions

    chosen = choice.receipts(receipts)
    rows = read_positions(run, chosen, grid, choice) if needs_positions(grid, split) else None
    return make_maps(run, receipts, grid, min_dwell_s, choice, axes_of(chosen, split), rows, count)


def axes_of(chosen: Sequence[DetectReceipt], split: Split | None) -> "tuple[Axis, ...]":
    """Return what the maps of these blocks are split by.

    Raises
    ------
    SplitError, IndexFileError
        If they cannot be split so.
    """
    if not (split and split.names):
        return ()
    from reprocess.maps.axes import make_axes  # with it comes pandas

    axes = make_axes(split.names, chosen, split.edges, split.index)
    if split.passes and (of_events := [axis.name for axis in axes if axis.of_dwell is None]):
        raise SplitError(
            f"passes are of the time observed, which {of_events[0]}, a property of events, does not split; "
            "ask for passes or for this split"
        )
    return axes


def make_difference(
    work: Work,
    run: Run,
    grid: Grid,
    min_dwell_s: float,
    name: str,
    split: Split,
    pair: tuple[str, str] | None,
    look: Mapping[str, Any] | None = None,
    choice: Choice = EVERYTHING,
    surveyed: Surveyed | None = None,
) -> tuple[list[Path], list[str]]:
    """Write the difference of two parts of a split, or of each part from all others, and its plots.

    What either part may lack is counted in the file's attributes, as in those of maps.

    Parameters
    ----------
    work : Work
    run : Run
    grid : Grid
    min_dwell_s : float
        Seconds that both parts must have been observed in a bin to be compared there.
    name : str
        Name of the files in the run's folder ``maps``.
    split : Split
        By one thing.
    pair : tuple of str, optional
        Two of its parts; each against all others if left out.
    look : mapping, optional
        As `make_map`.
    choice : Choice
        What of the run is looked at.
    surveyed : Surveyed, optional
        The run's survey, where there is one.

    Returns
    -------
    list of Path, list of str
        Files, and what they say of all bins together, a line for each comparison and class.

    Raises
    ------
    LedgerError, FlagError
        As `make_map`.
    SplitError
        If the map cannot be split so, or there is no such part.
    """
    from reprocess.maps.contrast import contrast, tell
    from reprocess.maps.contrast_plot import plot_contrast
    from reprocess.maps.occurrence import write_occurrence
    from reprocess.work.positions import read_positions

    if len(split.names) != 1:
        raise SplitError(
            f"a difference is of parts of one thing, not of {', '.join(split.names) or 'nothing'}"
        )
    receipts = list(run.ledger.done())
    chosen = choice.receipts(receipts)
    (axis,) = axes_of(chosen, split)
    rows = read_positions(run, chosen, grid, choice) if needs_positions(grid, split) else None
    dataset = contrast(run, receipts, grid, min_dwell_s, axis, pair, choice, rows)
    dataset = dataset.assign_attrs(lacking((surveyed or survey_of(work, run)).state, run.name, choice))
    path = run.named_maps / f"{name}.nc"
    write_occurrence(path, dataset)
    return [path, *plot_contrast(dataset, path.parent, name, look or {})], tell(dataset)


def bins_of(grid: Grid, min_dwell_s: float) -> dict[str, Any]:
    """Return the bins of a map as `run.json` keeps them."""
    edges = {"L_edges": grid.L_edges.tolist(), "MLT_edges": grid.MLT_edges.tolist()}
    return edges | {"min_dwell_s": min_dwell_s}
