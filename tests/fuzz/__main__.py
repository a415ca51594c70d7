"""Try malformed input of both kinds and print what became of it.

    python -m tests.fuzz --cases 20000 --seed 1

Ends with 1 if anything became of it that may not.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from reprocess import schema
from tests.fuzz import contents, damage
from tests.support import fake


def tell(title: str, counts: Counter[tuple[str, ...]], columns: Iterable[str]) -> None:
    """Print counts as a table of Markdown; the last item of a key is what became of the case."""
    outcomes: dict[tuple[str, ...], list[str]] = {}
    for (*row, outcome), n in sorted(counts.items()):
        outcomes.setdefault(tuple(row), []).append(f"{outcome} {n:,}")
    names = [*columns, "what became of how many"]
    print(f"\n{title}\n\n| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for row, cell in outcomes.items():
        print(f"| {' | '.join(row)} | {'; '.join(cell)} |")


def damaged_bytes(seed: int, cases: int) -> list[str]:
    """Try damaged bytes; print a table and return what may not be."""
    counts = Counter(damage.campaign(seed, cases))
    tell(
        "Damaged bytes:",
        Counter({(c.kind, c.where, c.outcome): n for c, n in counts.items()}),
        ("damage", "where"),
    )
    return [f"{n} x {case}" for case, n in damage.faults(counts).items()]


def impossible_contents(seed: int, days: int, engine: str) -> list[str]:
    """Try impossible contents; print a table and return what may not be."""
    edits = list(contents.all_edits())
    random.Random(seed).shuffle(edits)
    counts: Counter[tuple[str, ...]] = Counter()
    troubles = []
    with tempfile.TemporaryDirectory() as name:
        bundle = fake.write_random_model(Path(name))
        for first in range(0, days, len(contents.SPAN)):
            chosen = [edits[i % len(edits)] for i in range(first, min(first + len(contents.SPAN), days))]
            with tempfile.TemporaryDirectory() as folder:
                try:
                    counts.update(
                        (came.edit.kind.rsplit(", ", 1)[0], came.outcome)
                        for came in contents.try_edits(chosen, bundle, Path(folder), seed + first, engine)
                    )
                except Exception as e:  # noqa: BLE001 - whatever it is, it is told and the next block is tried
                    troubles.append(f"block of days {first} on: {type(e).__name__}: {e}")
    tell(f"Impossible contents, {engine}:", counts, ("contents",))
    return troubles


def main() -> None:
    """Try as much as was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=8000, help="damaged files")
    parser.add_argument(
        "--days", type=int, default=len(list(contents.all_edits())), help="days with impossible contents"
    )
    parser.add_argument(
        "--tensorflow", type=int, default=32, help="days of them with the engine tensorflow too"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    troubles = damaged_bytes(options.seed, options.cases)
    for engine, days in zip(schema.ENGINES, (options.days, options.tensorflow), strict=True):
        troubles += impossible_contents(options.seed, days, engine)
    print("\n" + ("\n".join(troubles) or "nothing became of any that may not"))
    sys.exit(bool(troubles))


if __name__ == "__main__":
    main()
