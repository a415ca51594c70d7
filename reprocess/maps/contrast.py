"""Files of differences: two parts of a split, or each against all others, by bin and all together."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reprocess import schema
from reprocess.errors import SplitError
from reprocess.maps.attributes import coverage_attributes, product_attributes
from reprocess.maps.difference import (
    FALSE_DISCOVERIES,
    PERMUTATIONS,
    Part,
    Standardised,
    difference_interval,
    discoveries,
    enough,
    p_values,
    standardise,
)
from reprocess.maps.exposure import as_plain, grid_coordinates
from reprocess.maps.intervals import CALENDAR_BLOCK_DAYS, MIN_BLOCKS
from reprocess.maps.occurrence import bins_too_fine
from reprocess.maps.split import Axis, Columns
from reprocess.maps.tally import Tally, chosen_blocks, tally
from reprocess.pages.words import numbered
from reprocess.schema import EVENT_CLASSES
from reprocess.schema.differences import DIFFERENCES
from reprocess.schema.grid import Grid
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

if TYPE_CHECKING:
    import xarray as xr

OTHERS = "others"
"""What each part is held against if no two are named."""

_TEXTS = {
    "title": "Differences of the occurrence of relativistic electron precipitation",
    "summary": (
        "Event rates of two parts of what POES and MetOp satellites observed, by McIlwain L shell and "
        "magnetic local time, "
        "their difference and ratio, and which bins differ."
    ),
}


def contrast(
    run: Run,
    receipts: Iterable[DetectReceipt],
    grid: Grid,
    min_dwell_s: float,
    axis: Axis,
    pair: tuple[str, str] | None = None,
    choice: Choice = EVERYTHING,
    rows: Iterable[tuple[str, Columns]] | None = None,
) -> "xr.Dataset":
    """Return the difference of two parts of a split, or of each part from all others together.

    Parameters
    ----------
    run : Run
    receipts : iterable of DetectReceipt
        Receipts of its blocks.
    grid : Grid
        Made by `grid.make_grid`.
    min_dwell_s : float
        Dwell that both parts must have in a bin to be compared there.
    axis : Axis
        What to split by (`split.make_axis`).
    pair : tuple of str, optional
        Two labels of the axis, the second to be subtracted from the first; each part against all others
        together if left out.
    choice : Choice
        What of the run is looked at.
    rows : iterable of tuple of str and dict, optional
        As `tally.tally`.

    Returns
    -------
    xarray.Dataset
        Variables are those of `schema.differences.DIFFERENCES`; without a pair they have the axis as first
        dimension.

    Raises
    ------
    SplitError
        If the axis has no such part, or there is nothing to compare.
    LedgerError
        If the run has no done block of what is chosen, or a part is missing or damaged.
    """
    chosen = chosen_blocks(run, receipts, choice)
    least = max(min_dwell_s, schema.SAMPLING_S)
    counted = tally(run, chosen, grid, replace(choice, classes=()), (axis,), rows)
    sides = _sides(counted, axis, pair)
    found = [_compare(first, second, least) for _, first, second in sides]
    p = np.stack([one["p_value"] for one in found])
    significant = np.where(np.isfinite(p), discoveries(p), -1).astype(np.int32)
    values = {name: np.stack([one[name] for one in found]) for name in found[0]} | {
        "significant": significant
    }
    dataset = _dataset(values, [label for label, *_ in sides], axis, pair, grid)
    told = {
        "false_discovery_rate": FALSE_DISCOVERIES,
        "permutations": PERMUTATIONS,
        "bins_tested": int(np.isfinite(p).sum()),
        "bins_that_differ": int((significant == 1).sum()),
        "interval_block_days": CALENDAR_BLOCK_DAYS,
        "interval_blocks": counted.blocks.size,
        "min_dwell_s": float(min_dwell_s),
        "split_by": axis.name,
        "first_part": pair[0] if pair else f"each {axis.name}",
        "second_part": pair[1] if pair else OTHERS,
        "split_meaning": axis.meaning,
        **({"warning": "; ".join(warnings)} if (warnings := _warnings(sides, axis, grid)) else {}),
        **axis.attributes,
    }
    attributes = product_attributes(run, **_TEXTS) | coverage_attributes(run, chosen)
    return dataset.assign_attrs(attributes | told | choice.attributes)


def _warnings(sides: list[tuple[str, Part, Part]], axis: Axis, grid: Grid) -> list[str]:
    """Return what a reader must know: times without a value, bins too fine, too few blocks."""
    told = [axis.warning] if axis.warning else []
    told += bins_too_fine(grid)
    blocks = max(np.count_nonzero(first.observed | second.observed) for _, first, second in sides)
    if blocks < MIN_BLOCKS:
        needed = f"{MIN_BLOCKS} calendar blocks of {CALENDAR_BLOCK_DAYS} days"
        told.append(f"nothing is tested: it needs {needed} in what is compared, there are {blocks}")
    return told


def _sides(counted: Tally, axis: Axis, pair: tuple[str, str] | None) -> list[tuple[str, Part, Part]]:
    """Return name and both sides of every comparison; columns are bins by class."""
    if pair is not None:
        if missing := [label for label in pair if label not in axis.labels]:
            raise SplitError(
                f"{axis.name} has no part {missing[0]!r}; its parts are {', '.join(axis.labels)}"
            )
        if pair[0] == pair[1]:
            raise SplitError(f"{pair[0]} is compared with itself; name two parts of {axis.name}")
        first, second = (_part(counted, [axis.labels.index(label)]) for label in pair)
        for label, part in zip(pair, (first, second), strict=True):
            if not part.seconds.any():
                raise SplitError(
                    f"nothing was observed in part {label!r} of {axis.name}; name two parts that were"
                )
        return [("", first, second)]
    if len(seen := _seen(counted)) < 2:
        raise SplitError(
            f"{axis.name} has {len(seen)} part with anything in it, and no others to compare it with"
        )
    return _each_against_others(counted, axis.labels, seen)


def _seen(counted: Tally) -> list[int]:
    """Return the parts that have anything."""
    return [k for k in range(len(counted.events)) if _has_any(counted, k)]


def _each_against_others(
    counted: Tally, labels: Sequence[str], seen: Sequence[int]
) -> list[tuple[str, Part, Part]]:
    return [
        (labels[k], _part(counted, [k]), _part(counted, [other for other in seen if other != k]))
        for k in seen
    ]


def each_standardised(
    counted: Tally, labels: Sequence[str], min_dwell_s: float
) -> dict[tuple[str, str], Standardised]:
    """Hold each part against all others together where both looked, all bins together.

    Parameters
    ----------
    counted : Tally
    labels : sequence of str
        What its parts are called.
    min_dwell_s : float
        Dwell that both sides must have in a bin.

    Returns
    -------
    dict of tuple of str to Standardised
        By part and class, as `contrast` tells; none if less than two parts have anything in them.
    """
    least, bins, seen = max(min_dwell_s, schema.SAMPLING_S), counted.events.shape[-1], _seen(counted)
    if len(seen) < 2:
        return {}
    return {
        (label, name): found
        for label, first, second in _each_against_others(counted, labels, seen)
        for name, found in _standardised(first, second, bins, least).items()
    }


def _has_any(counted: Tally, part: int) -> bool:
    return bool(counted.events[part].any() or (len(counted.dwell) > 1 and counted.dwell[part].any()))


def _part(counted: Tally, parts: list[int]) -> Part:
    """Return parts together, as `difference` takes them: blocks by classes and bins."""
    events = counted.events[parts].sum(axis=0)  # classes, blocks, bins
    shared = len(counted.dwell) == 1
    seconds = counted.dwell[0] if shared else counted.dwell[parts].sum(axis=0)
    blocks = seconds.shape[0]
    return Part(
        np.moveaxis(events, 0, 1).reshape(blocks, -1).astype(np.float64),
        np.tile(seconds, (1, len(EVENT_CLASSES))).astype(np.float64),
    )


def _compare(first: Part, second: Part, least: float) -> dict[str, np.ndarray]:
    """Return what a comparison gives, bins by class flat but for the sums."""
    count = first.events.shape[1] // len(EVENT_CLASSES)
    seconds = [part.seconds[:, :count].sum(axis=0) for part in (first, second)]
    both = np.minimum(*seconds) >= least
    hourly = [
        3600 * np.where(np.tile(s >= least, len(EVENT_CLASSES)), part.rate, np.nan)
        for part, s in zip((first, second), seconds, strict=True)
    ]
    tested = enough(first, second, least)
    lower, upper = difference_interval(first, second, tested)
    found: dict[str, Any] = {
        **{
            f"events_{side}": part.events.sum(axis=0).astype(np.int32)
            for side, part in (("first", first), ("second", second))
        },
        **{f"dwell_{side}": s for side, s in zip(("first", "second"), seconds, strict=True)},
        "event_rate_first": hourly[0],
        "event_rate_second": hourly[1],
        "event_rate_difference": hourly[0] - hourly[1],
        "event_rate_difference_lower": 3600 * lower,
        "event_rate_difference_upper": 3600 * upper,
        "event_rate_ratio": _ratio(*hourly),
        "p_value": p_values(first, second, tested),
        "bins_compared": np.array(both.sum()),
        "common_share": np.array(sum(s[both].sum() for s in seconds) / max(sum(s.sum() for s in seconds), 1)),
    }
    return found | _sums(first, second, count, least)


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(a / b)


def _sums(first: Part, second: Part, count: int, least: float) -> dict[str, np.ndarray]:
    """Return the comparison of all bins together, by class."""
    found = list(_standardised(first, second, count, least).values())
    names = {
        "events": "events_compared",
        "expected": "events_expected",
        "ratio": "standardised_ratio",
        "lower": "standardised_ratio_lower",
        "upper": "standardised_ratio_upper",
    }
    values = {name: np.array([getattr(one, field) for one in found]) for field, name in names.items()}
    return values | {"blocks_compared": np.array(found[0].blocks)}


def _standardised(first: Part, second: Part, count: int, least: float) -> dict[str, Standardised]:
    found = {}
    for k, name in enumerate(EVENT_CLASSES):
        own = slice(k * count, (k + 1) * count)
        found[name] = standardise(first.of(slice(None), own), second.of(slice(None), own), least)
    return found


def _dataset(
    values: dict[str, np.ndarray], labels: list[str], axis: Axis, pair: tuple[str, str] | None, grid: Grid
) -> "xr.Dataset":
    import xarray as xr  # the page of a run, which compares its satellites, does without

    sizes = {"event_class": len(EVENT_CLASSES), "L": grid.shape[0], "MLT": grid.shape[1]}
    lead = () if pair else (axis.name,)
    variables = {}
    for name, declared in DIFFERENCES.items():
        shape = (len(labels), *(sizes[dim] for dim in declared.dims))
        shaped = values[name].reshape(shape).astype(declared.dtype)
        variables[name] = xr.Variable((*lead, *declared.dims), shaped[0] if pair else shaped, declared.attrs)
    coordinates: dict[str, Any] = {
        "event_class": as_plain(schema.OCCURRENCE_COORDINATES["event_class"], np.array(list(EVENT_CLASSES)))
    }
    if not pair:
        attributes = {"units": "1", "long_name": axis.meaning, "source": "this project"}
        coordinates[axis.name] = xr.Variable((axis.name,), np.array(labels), attributes)
    return xr.Dataset(variables, coords=coordinates | grid_coordinates(grid))


def tell(dataset: "xr.Dataset") -> list[str]:
    """Return a line for each comparison and class: events, those expected, their ratio, bins that differ.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `contrast` returns.
    """
    dim = str(dataset.attrs["split_by"])
    parts = dataset[dim].values.tolist() if dim in dataset.dims else [""]
    lines = []
    for label in parts:
        one = dataset.sel({dim: label}) if label else dataset
        who = f"{label or dataset.attrs['first_part']} against {dataset.attrs['second_part']}"
        for name in one.event_class.values.tolist():
            lines.append(f"{who}, {name}: {_words(one.sel(event_class=name))}")
    return lines


def _words(one: "xr.Dataset") -> str:
    """Say what a comparison of one class gives."""
    events, expected = int(one.events_compared), float(one.events_expected)
    ratio, lower, upper = (float(one[f"standardised_ratio{x}"]) for x in ("", "_lower", "_upper"))
    limits = f"68 % interval {lower:.2f} to {upper:.2f}" if np.isfinite(lower) else "no interval"
    tested, differ = int((one.significant >= 0).sum()), int((one.significant == 1).sum())
    bins, blocks = int(one.bins_compared), int(one.blocks_compared)
    where = f"in {numbered(bins, 'bin')} and {numbered(blocks, 'calendar block')}"
    words = f"ratio {ratio:.2f}, {limits}" if np.isfinite(ratio) else "no ratio"
    return (
        f"{numbered(events, 'event')}, {expected:.1f} expected ({words}) {where}; "
        f"{differ} of {numbered(tested, 'bin')} tested {'differs' if differ == 1 else 'differ'}"
    )
