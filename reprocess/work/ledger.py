"""Receipts of blocks: the only truth about what is complete.

A block is done when its receipt says ``"state": "done"``. The receipt is written last, atomically.
Before a block that has a receipt is written again, the receipt is put to ``"writing"``, so that no
moment exists in which half-new data stand behind an old claim. A missing Zarr chunk reads as
fill value: completeness is never concluded from the data.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import orjson

from reprocess.errors import LedgerError
from reprocess.files import Remembered, from_utf8, names_in, sha256, to_utf8, write_atomic
from reprocess.work.receipts import DetectReceipt, IngestReceipt


def outputs_sha256(receipts: Iterable[DetectReceipt]) -> str:
    """Return one sha256 for the outputs of all these blocks: what is made of them depends on it."""
    return sha256(json.dumps([r["outputs"] for r in receipts], sort_keys=True).encode())


def source_digest(receipts: Iterable[DetectReceipt]) -> str:
    """Return one sha256 for all files that a run's blocks were made from."""
    sources = sorted(entry["source_sha256"] for r in receipts for entry in r["days"].values())
    return sha256("".join(sources).encode())


Receipt = TypeVar("Receipt", IngestReceipt, DetectReceipt)

_known: Remembered[Any] = Remembered()
"""Receipts that `BlockLedger.done` read: a command looks at its ledgers ten times, and reads each receipt
once, and again only those that a block has replaced."""


@dataclass(frozen=True)
class BlockLedger(Generic[Receipt]):
    """The receipts of one stage, one JSON file per block."""

    root: Path

    def path(self, satellite: str, block: int) -> Path:
        """Return where the receipt of a block lies."""
        return self.root / satellite / _name(block)

    def blocks(self) -> list[tuple[str, int]]:
        """Return satellite and number of the blocks that have a receipt, whatever is in it."""
        return [(satellite, block) for satellite, block, _ in self._files(".json")]

    def read(self, satellite: str, block: int) -> Receipt | None:
        """Return the receipt of a block whatever its state, None if there is none.

        Raises
        ------
        LedgerError
            If the file is not the block's receipt in JSON, which no crash of ours can cause.
        """
        path = os.path.join(self.root, satellite, _name(block))  # thousands are read: no object for each path
        try:
            with open(path, "rb") as file:
                receipt: Receipt = _parsed(file.read())
            _check(receipt, satellite, block)
        except FileNotFoundError:
            return None
        except ValueError as e:
            raise LedgerError(f"{path} is damaged ({e}); delete it to have the block done again") from e
        return receipt

    def require(self, satellite: str, block: int) -> Receipt:
        """Return the receipt of a block that is done.

        Raises
        ------
        LedgerError
            If there is none, or as `read`.
        """
        receipt = self.read(satellite, block)
        if receipt is None or receipt.get("state") != "done":
            raise LedgerError(
                f"{self.path(satellite, block)} does not say that the block is done; give the same reprocess "
                "run as before to finish it"
            )
        return receipt

    def done(self) -> Iterator[Receipt]:
        """Yield the receipts of all done blocks by satellite and block."""
        for satellite, block, path in self._files(".json"):
            receipt: Receipt | None = _known.get(path, partial(self.read, satellite, block))
            if receipt is not None and receipt["state"] == "done":
                yield receipt

    def forget(self, blocks: Iterable[tuple[str, int]]) -> None:
        """Have the receipts of these blocks read again, for whoever knows that workers wrote some."""
        for satellite, block in blocks:
            _known.forget(self.path(satellite, block))

    def begin(self, satellite: str, block: int, changing: Iterable[str] = ()) -> None:
        """Withdraw the claim of an existing receipt before its block is written again.

        Parameters
        ----------
        satellite, block
            The block.
        changing : iterable of str
            Dates whose data are about to change; their entries are dropped, the others stay valid.
        """
        receipt, dropped = self.read(satellite, block), set(changing)
        if receipt is not None:
            days = {date: entry for date, entry in receipt["days"].items() if date not in dropped}
            self._write(receipt | {"state": "writing", "days": days})

    def commit(self, receipt: Receipt) -> None:
        """Write the receipt of a block that is complete on disk."""
        self._write(receipt | {"state": "done"})
        self._failure_path(receipt["satellite"], receipt["block"]).unlink(missing_ok=True)

    def withdraw(self, satellite: str, block: int) -> None:
        """Give up a claim: the next run does the whole block again."""
        self.path(satellite, block).unlink(missing_ok=True)

    def fail(self, satellite: str, block: int, reason: str, traceback: str) -> None:
        """Note why a block could not be done; the note goes when it is done after all."""
        write_atomic(self._failure_path(satellite, block), to_utf8(f"{reason}\n{traceback}"))

    def failures(self) -> dict[tuple[str, int], str]:
        """Return the noted reasons by satellite and block."""
        reasons = {}
        for satellite, block, path in self._files(".failed"):
            with contextlib.suppress(FileNotFoundError):  # another process has just done the block
                reasons[satellite, block] = from_utf8(Path(path).read_bytes()).split("\n", 1)[0]
        return reasons

    def _files(self, suffix: str) -> Iterator[tuple[str, int, str]]:
        """Yield satellite, block and path of the files named after a block; copies that people make are none.

        By satellite and block, and without an object for each path: thousands are gone through often.
        """
        for satellite in names_in(self.root, "*"):
            folder = os.path.join(self.root, satellite)
            for name in names_in(folder, f"*{suffix}"):
                if (stem := name.removesuffix(suffix)).isdigit():
                    yield satellite, int(stem), os.path.join(folder, name)

    def _failure_path(self, satellite: str, block: int) -> Path:
        return self.path(satellite, block).with_suffix(".failed")

    def _write(self, receipt: Receipt) -> None:
        text = json.dumps(receipt, indent=1, sort_keys=True)
        write_atomic(self.path(receipt["satellite"], receipt["block"]), text.encode())


def _name(block: int) -> str:
    """Return what the receipt of a block is called."""
    return f"{block:04d}.json"


def _parsed(data: bytes) -> Any:
    """Return what JSON says; that with names of files that are no UTF-8 is read by Python's slower reader."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)


def _tells_source(entry: object) -> bool:
    """Tell whether a day's entry tells its file, as those of ingestion or those of detection do."""
    return isinstance(entry, dict) and ("source" in entry or "source_sha256" in entry)


def _check(receipt: object, satellite: str, block: int) -> None:
    """Refuse JSON that is no receipt, or that of another block.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    if not isinstance(receipt, dict):
        raise ValueError(f"it holds a {type(receipt).__name__}, not a receipt")
    if lacking := [key for key in ("satellite", "block", "state", "days", "outputs") if key not in receipt]:
        raise ValueError(f"it has no {', '.join(lacking)}")
    if (receipt["satellite"], receipt["block"]) != (satellite, block):
        raise ValueError(f"it is the receipt of {receipt['satellite']} block {receipt['block']}")
    days = receipt["days"]
    if not isinstance(days, dict) or not all(map(_tells_source, days.values())):
        raise ValueError("it does not tell the source of each of its days")
