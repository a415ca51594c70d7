"""Bytes of a sound file are damaged at random: it is read to the same records, or refused by name.

Cases are made in memory from a seed and their number, and each is tried in a child process that may use
so much memory and time: what HDF5 does with damaged metadata is not known before.
"""

import collections
import io
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import h5py
import numpy as np

from reprocess import schema
from reprocess.errors import GranuleError
from reprocess.ingest.reading import Records, read_records
from tests.support import fake
from tests.support.places import REPOSITORY

SATELLITE, DATE = "noaa18", "2019-10-24"
DAY = schema.day_index(DATE)
MEMORY = 4 * 2**30
"""Bytes of address space of a child."""
PATIENCE_S = 30
"""Seconds for one case, of which an undamaged file takes 0.01."""

OTHER = "read, other values"
RAISED = "raised "
LOST = ("interpreter died", "no end")


@dataclass(frozen=True)
class Sound:
    """An undamaged file."""

    data: bytes
    chunks: np.ndarray
    """Whether a byte is in a compressed chunk; bool, shape (len(data),)."""
    records: Records


class Case(NamedTuple):
    """What was done to a file, where, and what came of it."""

    kind: str
    where: str
    outcome: str


def sound(version: str) -> Sound:
    """Return a small file in one of the formats that h5py calls earliest and latest."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=version) as file:
        for name, values in fake.variables(SATELLITE, DATE, 200).items():
            file.create_dataset(name, data=values, chunks=(80,), compression="gzip", shuffle=True)
    data = buffer.getvalue()
    chunks = np.zeros(len(data), bool)
    with h5py.File(buffer, "r") as file:
        for variable in file.values():
            for i in range(variable.id.get_num_chunks()):
                info = variable.id.get_chunk_info(i)
                chunks[info.byte_offset : info.byte_offset + info.size] = True
    return Sound(data, chunks, read_records(data, SATELLITE, DAY))


def _flip(data: np.ndarray, at: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    data[at] ^= (1 << chance.integers(0, 8, at.size)).astype(np.uint8)
    return data


def _overwrite(data: np.ndarray, at: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    data[at] = chance.integers(0, 256, at.size)
    return data


def _saturate(data: np.ndarray, at: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    data[at[0] : at[0] + chance.integers(1, 9)] = 255
    return data


def _zero(data: np.ndarray, at: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    data[at[0] : at[0] + chance.integers(1, 600)] = 0
    return data


def _copy(data: np.ndarray, at: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    source = int(chance.integers(data.size))
    piece = data[source : source + chance.integers(1, 600)].copy()
    data[at[0] : at[0] + piece.size] = piece[: data.size - at[0]]
    return data


def _truncate(data: np.ndarray, at: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    return data[: at[0]]


def _insert(data: np.ndarray, at: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    source = int(chance.integers(data.size))
    return np.insert(data, at[0], data[source : source + chance.integers(1, 600)])


def _remove(data: np.ndarray, at: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    return np.delete(data, slice(at[0], at[0] + chance.integers(1, 600)))


KINDS: dict[str, Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]] = {
    "bits flipped": _flip,
    "bytes replaced": _overwrite,
    "bytes set to 255": _saturate,
    "range zeroed": _zero,
    "range copied over another": _copy,
    "cut off": _truncate,
    "range inserted": _insert,
    "range removed": _remove,
}


def damaged(whole: Sound, kind: str, chance: np.random.Generator) -> tuple[bytes, str]:
    """Return a file with damage of a kind, and whether that is in chunks only, in metadata or in both."""
    place = [np.arange(len(whole.data)), np.flatnonzero(~whole.chunks), np.flatnonzero(whole.chunks)]
    at = chance.choice(place[chance.integers(3)], chance.integers(1, 5))
    before = np.frombuffer(whole.data, np.uint8)
    after = KINDS[kind](before.copy(), at, chance)
    if after.size != before.size:
        return after.tobytes(), "both"
    touched = whole.chunks[before != after]
    if not touched.size:
        return after.tobytes(), "nowhere"
    return after.tobytes(), "chunks" if touched.all() else "both" if touched.any() else "metadata"


def outcome(data: bytes, expected: Records) -> str:
    """Return what reading a file gives."""
    try:
        found = read_records(data, SATELLITE, DAY)
    except GranuleError as e:
        return e.reason if e.reason in schema.REASONS else f"{RAISED}{e.reason}"
    except Exception as e:  # noqa: BLE001 - whatever it is, it is counted by its name
        return f"{RAISED}{type(e).__name__}: {e}"
    same = all(found.arrays[k].tobytes() == v.tobytes() for k, v in expected.arrays.items())
    return "read, same records" if same else OTHER


def try_cases(seed: int, first: int, stop: int) -> None:
    """Print what becomes of each case, a line each; the death of this process tells of the next one."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    files = [sound("earliest"), sound("latest")]
    for number in range(first, stop):
        chance = np.random.default_rng([seed, number])
        kind, whole = list(KINDS)[number % len(KINDS)], files[number // len(KINDS) % 2]
        data, where = damaged(whole, kind, chance)
        print(json.dumps([kind, where]), flush=True)
        signal.alarm(PATIENCE_S)  # ends the process, within HDF5 too
        print(json.dumps(outcome(data, whole.records)), flush=True)
        signal.alarm(0)


def campaign(seed: int, cases: int) -> Iterator[Case]:
    """Yield what becomes of each damaged file."""
    done = 0
    while done < cases:
        words = [sys.executable, "-m", "tests.fuzz.damage", str(seed), str(done), str(cases)]
        child = subprocess.run(words, capture_output=True, text=True, cwd=REPOSITORY, check=False)
        lines = [json.loads(line) for line in child.stdout.splitlines()]
        for (kind, where), came in zip(lines[::2], lines[1::2], strict=False):
            yield Case(kind, where, came)
        done += len(lines) // 2
        if len(lines) % 2 and child.returncode < 0:
            yield Case(*lines[-1], LOST[child.returncode == -signal.SIGALRM])
            done += 1
        elif child.returncode:
            raise RuntimeError(f"the child ended with {child.returncode} after {done} cases: {child.stderr}")


def faults(counts: "collections.Counter[Case]") -> dict[str, int]:
    """Return what may not happen, by case: an exception, death, other values where chunks were touched."""
    return {
        " / ".join(case): n
        for case, n in counts.items()
        if case.outcome.startswith((RAISED, *LOST)) or (case.outcome == OTHER and case.where == "chunks")
    }


if __name__ == "__main__":
    try_cases(*map(int, sys.argv[1:4]))
