"""The whole archive with the code of another commit and with this tree's: `whole` with ``--against``.

Each code runs a small archive, whose results are copied to as many blocks as are asked for by its own
`whole.copy`, and makes map and page of them once, untimed. What its ledger calls the files of all these
days is a folder of empty files of a size and time that stay as they are known. Then both give each command
in turn, on copies that are equal but for what the codes write.
"""

import argparse
import compileall
import json
import os
import shutil
import statistics
from pathlib import Path

import numpy as np
import zarr

from reprocess import schema
from reprocess.report.page import DRAWN
from reprocess.simulate import simulate_archive
from tests.benchmarks.against import REPOSITORY, Tree, Watched, unpack
from tests.support.fake import granule_path

SIZE, TIME = 6_600_000, 1_500_000_000
"""Of each file that is listed and never read: bytes, and seconds since 1970."""

_MS_A_DAY = 86_400_000
WORK = "WORK"
"""Stands for the WORK of either code in the words of a command."""

NOTHING_NEW, NEW_DAYS = "run, nothing new", "run, one new day of each satellite, two workers"
_COPY = (
    "import sys; from pathlib import Path; from tests.benchmarks.whole import copy; "
    "copy(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))"
)


def compare(folder: Path, options: argparse.Namespace) -> None:
    """Print what each command costs with the code of a commit and with this tree's, as Markdown."""
    (folder / "old").mkdir()
    compileall.compile_dir(REPOSITORY / "reprocess", quiet=1)  # as the commit's is
    trees = [unpack(options.against, folder / "old"), Tree.at("this tree", REPOSITORY)]
    listing, rules = folder / "listing", ["--model", options.model, "--mode", "published"]
    places = [folder / str(k) for k in range(2)]
    for tree, place in zip(trees, places, strict=True):
        prepare(tree, options.source, listing, place, options.blocks, rules)
    rounds = []
    for number in range(options.rounds):
        works = [place / f"round-{number}" for place in places]
        for place, work in zip(places, works, strict=True):
            shutil.copytree(place / "whole", work, copy_function=os.link)  # files are replaced, not changed
        order = [0, 1] if number % 2 == 0 else [1, 0]
        rounds.append(measure(trees, works, listing, rules, order))
    print(table(options.against, rounds))


def prepare(tree: Tree, source: Path, listing: Path, place: Path, blocks: int, rules: list[str]) -> None:
    """Write a WORK of so many blocks at ``place/whole``, with map and page, and the files that it is of."""
    small, whole = place / "small", place / "whole"
    tree.command("run", source, small, *rules)
    tree.python("-c", _COPY, small, whole, blocks)
    link_shards(small, whole)
    list_known(whole, listing)
    (whole / "ledger" / "catalog.csv").unlink()  # written anew of the listing
    tree.command("run", listing, whole, *rules)


def link_shards(small: Path, whole: Path) -> None:
    """Give each block of a copy the shards of the block that it is a copy of, as `whole.copy` takes turns.

    The times of a satellite's first blocks are moved to their days: the page draws events of these.
    """
    (run,) = (small / "runs").iterdir()
    originals = _blocks(run / "ledger")
    first, satellites = min(block for _, block in originals), list(schema.SATELLITES)
    for satellite, block in _blocks(whole / "ledger" / "ingest"):
        number = (block - first) * 8 + satellites.index(satellite)
        of, old = originals[number % len(originals)]
        group = whole / "archive.zarr" / satellite
        for path in (small / "archive.zarr" / of).rglob("zarr.json"):
            _link(path, group / path.relative_to(small / "archive.zarr" / of))
        for chunks in (small / "archive.zarr" / of).glob("*/c"):
            shard = chunks / str(old)
            place = group / chunks.parent.name / "c"
            _link(shard if shard.exists() else chunks, place / str(block) if shard.exists() else place)
        if block < first + DRAWN:
            _move_times(group / "time", block, block - old)


def _blocks(ledger: Path) -> list[tuple[str, int]]:
    return [(p.parent.name, int(p.stem)) for p in sorted(ledger.glob("*/*.json"))]


def _link(old: Path, new: Path) -> None:
    if new.exists():
        return
    new.parent.mkdir(parents=True, exist_ok=True)
    if old.is_dir():
        shutil.copytree(old, new, copy_function=os.link)
    else:
        os.link(old, new)


def _move_times(place: Path, block: int, blocks: int) -> None:
    times, rows = zarr.open_array(place, mode="r+"), slice(*_rows(block))
    values = times[rows]
    shutil.rmtree(place / "c" / str(block))  # it is the original's, too
    moved = np.where(values == times.fill_value, values, values + blocks * schema.BLOCK_DAYS * _MS_A_DAY)
    times[rows] = moved


def _rows(block: int) -> tuple[int, int]:
    return block * schema.BLOCK_DAYS, (block + 1) * schema.BLOCK_DAYS


def list_known(work: Path, listing: Path) -> None:
    """Write the files that a WORK is of into a listing, and have its ledger call them so."""
    for path in (work / "ledger" / "ingest").rglob("[0-9]*.json"):
        receipt = json.loads(path.read_bytes())
        for date, entry in receipt["days"].items():
            file = granule_path(listing, receipt["satellite"], date)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as empty:
                empty.truncate(SIZE)
            os.utime(file, (TIME, TIME))
            entry["source"] |= {"url": f"file://{file}", "size": SIZE, "version": str(file.stat().st_mtime)}
        path.write_text(json.dumps(receipt, indent=1, sort_keys=True))


def measure(
    trees: list[Tree], works: list[Path], listing: Path, rules: list[str], order: list[int]
) -> dict[str, list[Watched]]:
    """Give each command with either code, one after the other; the listing gets its new days last."""
    found: dict[str, list[Watched]] = {}

    def both(name: str, *words: object) -> None:
        taken = {k: trees[k].watch(*(works[k] if word == WORK else word for word in words)) for k in order}
        found[name] = [taken[0], taken[1]]

    for work in works:
        (run,) = (work / "runs").iterdir()
        shutil.rmtree(run / "report")  # or this tree's `map` makes the page again too
    for name in ("map", "report", "status", "events"):
        both(name, name, WORK)
    both(NOTHING_NEW, "run", listing, WORK, *rules)
    blocks = _blocks(works[0] / "ledger" / "ingest")
    new = max(block for _, block in blocks) + 1
    day = schema.day_date(_rows(new)[0])
    more = works[0].with_name("new")
    simulate_archive(more, sorted({s for s, _ in blocks}), day, 1, workers=2)
    for path in more.rglob("*.nc"):
        _link(path, listing / path.relative_to(more))
    both(NEW_DAYS, "run", listing, WORK, *rules, "--workers", 2)
    for path in more.rglob("*.nc"):
        (listing / path.relative_to(more)).unlink()
    return found


def table(commit: str, rounds: list[dict[str, list[Watched]]]) -> str:
    """Return the medians of both codes, and of the ratios of CPU seconds, a row for each command."""
    lines = [
        f"| command | CPU s, {commit} | this tree | ratio | wall s, {commit} | this tree "
        f"| peak MB, {commit} | this tree |",
        "|---|" + 7 * "---:|",
    ]
    for name in rounds[0]:
        old, new = ([one[name][k] for one in rounds] for k in (0, 1))
        ratio = statistics.median(b.cpu / a.cpu for a, b in zip(old, new, strict=True))
        cells = [f"{_median(old, 'cpu'):.3g}", f"{_median(new, 'cpu'):.3g}", f"{ratio:.2f}"]
        cells += [f"{_median(which, kind):.3g}" for kind in ("wall", "peak") for which in (old, new)]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _median(some: list[Watched], kind: str) -> float:
    return statistics.median(getattr(one, kind) for one in some)
