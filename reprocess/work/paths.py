"""Where everything lies in a WORK directory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from reprocess.errors import LedgerError
from reprocess.files import find, locked, tree_sha256, write_atomic
from reprocess.work.ledger import BlockLedger, outputs_sha256
from reprocess.work.receipts import DetectReceipt, IngestReceipt

Sum = Literal["exposure", "occurrence"]
SUMS: tuple[Sum, ...] = ("exposure", "occurrence")
"""What a run makes of all its parts together; names of paths of `Run`."""


@dataclass(frozen=True)
class Run:
    """Paths of one run: one model and one set of rules over the archive."""

    root: Path

    @property
    def name(self) -> str:
        """Name of the run, its folder's name."""
        return self.root.name

    @property
    def events(self) -> Path:
        """Folder of the event table's parts."""
        return self.root / "events"

    @property
    def dwell(self) -> Path:
        """Folder of the dwell parts, which `exposure` is summed from."""
        return self.root / "dwell"

    @property
    def properties(self) -> Path:
        """Folder of the parts with the events' properties."""
        return self.root / "properties"

    @property
    def positions(self) -> Path:
        """Folder of the position parts, by digest of the cells."""
        return self.root / "positions"

    @property
    def exposure(self) -> Path:
        """Zarr group of dwell seconds."""
        return self.root / "exposure.zarr"

    @property
    def exposure_parts(self) -> Path:
        """Which parts the exposure was summed from (`maps.exposure`)."""
        return self.root / "exposure.json"

    @property
    def classes(self) -> Path:
        """Zarr group of classes and probabilities per record."""
        return self.root / "classes.zarr"

    @property
    def occurrence(self) -> Path:
        """NetCDF file of the maps."""
        return self.root / "occurrence.nc"

    @property
    def asked(self) -> Path:
        """Table of the satellite-days that this run was asked for; runs of 0.1.0 have none."""
        return self.root / "asked.csv"

    @property
    def named_maps(self) -> Path:
        """Folder of maps with names of their own."""
        return self.root / "maps"

    @property
    def report(self) -> Path:
        """Page that tells what the run gave and what it rests on."""
        return self.root / "report" / "index.html"

    @property
    def explorer(self) -> Path:
        """Page in which maps, profiles and events are chosen and looked at."""
        return self.report.with_name("explorer.html")

    def report_of(self, choice: str) -> Path:
        """Return the page of what is chosen of a run, by `Choice.slug`; `report` if that is nothing."""
        return self.report.with_name(f"{choice}.html") if choice else self.report

    @property
    def sums(self) -> Path:
        """What each block gives to the map, kept between maps (`maps.sums`)."""
        return self.root / "sums.npz"

    @property
    def gathered(self) -> Path:
        """What the page tells of events, kept between pages (`report.gathered`)."""
        return self.root / "report_events.kept"

    @property
    def kept(self) -> tuple[Path, ...]:
        """What is kept of all blocks between maps and pages, besides these."""
        return self.sums, self.exposure_parts, self.gathered

    @property
    def results(self) -> Path:
        """What the map and the page were made of (`work.results`)."""
        return self.root / "results.json"

    @property
    def ledger(self) -> BlockLedger[DetectReceipt]:
        """Receipts of the blocks of this run."""
        return BlockLedger(self.root / "ledger")

    def read_identity(self) -> dict[str, Any] | None:
        """Return what the run was made with, None for a run that does not exist.

        Raises
        ------
        LedgerError
            If `run.json` is damaged.
        """
        path = self.root / "run.json"
        if not path.exists():
            return None
        try:
            identity: dict[str, Any] = json.loads(path.read_bytes())
            identity.items()
        except (ValueError, AttributeError) as e:
            raise LedgerError(f"{path} is damaged ({e}); delete the run's folder and run detect again") from e
        return identity

    def describe(self, facts: dict[str, Any]) -> None:
        """Write or extend `run.json`; nothing that other processes add is lost."""
        if not facts.items() <= (self.read_identity() or {}).items():
            with locked(self.root / "run.json"):
                self._extend(facts)

    def _extend(self, facts: dict[str, Any]) -> None:
        """Write or extend `run.json`, its lock being held."""
        text = json.dumps((self.read_identity() or {}) | facts, indent=1, sort_keys=True)
        write_atomic(self.root / "run.json", text.encode())

    def forget(self, fact: str) -> None:
        """Take something out of `run.json` again."""
        with locked(self.root / "run.json"):
            facts = {k: v for k, v in (self.read_identity() or {}).items() if k != fact}
            write_atomic(self.root / "run.json", json.dumps(facts, indent=1, sort_keys=True).encode())

    def made(self, sum_: Sum, receipts: list[DetectReceipt]) -> None:
        """Note in `run.json` what a sum over the run's parts was made from, after it was written or deleted.

        Parameters
        ----------
        sum_ : str
            Which one.
        receipts : list of DetectReceipt
            Receipts of the run's blocks.
        """
        path: Path = getattr(self, sum_)
        if path.exists():
            self.describe({sum_: {"parts_sha256": outputs_sha256(receipts), "sha256": tree_sha256(path)}})
        elif sum_ in (self.read_identity() or {}):
            self.forget(sum_)

    def outdated(self, sum_: Sum, receipts: list[DetectReceipt]) -> bool:
        """Tell whether a sum is missing or was made from other parts than there are now."""
        described = (self.read_identity() or {}).get(sum_, {})
        exists: bool = getattr(self, sum_).exists()
        if not any(receipt["days"] for receipt in receipts):
            return exists
        return not exists or described.get("parts_sha256") != outputs_sha256(receipts)

    def claim(self, identity: dict[str, Any]) -> None:
        """Create the run, or check that it was made with the same model, rules and code.

        If several processes create a run at once, the first decides.

        Raises
        ------
        LedgerError
            If the run exists with another identity; results of two are never mixed.
        """
        known = self.read_identity()
        if known is None:
            with locked(self.root / "run.json"):
                known = self.read_identity()
                if known is None:
                    self._extend(identity)
                    return
        if changes := "; ".join(_changes(known, identity)):
            days = sum(len(receipt["days"]) for receipt in self.ledger.done())
            raise LedgerError(
                f"run {self.name!r} was made differently ({changes}). It can be read, mapped and audited as "
                f"it is, but not continued: choose another name with --run, which classifies its {days} "
                f"satellite-days anew, or first: reprocess remove WORK --run {self.name}"
            )


def _changes(known: dict[str, Any], now: dict[str, Any], of: str = "") -> Iterator[str]:
    """Say what differs, within what has parts too if these are named alike."""
    for key, new in now.items():
        old = known.get(key)
        if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
            yield from _changes(old, new, f"{key}: ")
        elif old != new:
            yield f"{of}{key} was {old!r}, now {new!r}"


@dataclass(frozen=True)
class Work:
    """Paths of a WORK directory."""

    root: Path

    @property
    def archive(self) -> Path:
        """Zarr archive of all satellites."""
        return self.root / "archive.zarr"

    @property
    def asked(self) -> Path:
        """Table of the satellite-days ever asked for."""
        return self.root / "ledger" / "catalog.csv"

    @property
    def vanished(self) -> Path:
        """Table of the satellite-days asked for before that their archive no longer lists."""
        return self.root / "ledger" / "vanished.csv"

    @property
    def left_out(self) -> Path:
        """Table of what archives hold that could be a satellite-day and is not read, with reasons."""
        return self.root / "ledger" / "left_out.csv"

    @property
    def ledger(self) -> BlockLedger[IngestReceipt]:
        """Receipts of ingested blocks."""
        return BlockLedger(self.root / "ledger" / "ingest")

    def archived(self, satellite: str, block: int) -> bool:
        """Tell whether the archive has data of a block: the shard that is written last is there."""
        return (self.archive / satellite / "record_count" / "c" / str(block)).is_file()

    def run(self, name: str) -> Run:
        """Return the paths of a run, existing or not.

        Raises
        ------
        LedgerError
            If the name cannot be a folder's name.
        """
        if not name or name in {".", ".."} or "/" in name:
            raise LedgerError(f"{name!r} cannot name a run; use a plain name without '/'")
        return Run(self.root / "runs" / name)

    def is_one(self) -> bool:
        """Tell whether the folder is a WORK directory: whether something was ever asked for or claimed."""
        return self.asked.exists() or bool(find(self.root, "ledger/ingest") or self.runs())

    def runs(self) -> list[Run]:
        """Return the runs that exist, by name."""
        return [Run(p.parent) for p in find(self.root / "runs", "*/run.json")]

    def only_run(self, name: str | None) -> Run:
        """Return the named run, or the single one there is.

        Raises
        ------
        LedgerError
            If there is no such run, or no name is given and there are none or several.
        """
        runs = {run.name: run for run in self.runs()}
        if name is None and len(runs) == 1:
            return next(iter(runs.values()))
        if name in runs:
            return runs[name]
        if not runs:
            raise LedgerError(f"{self.root} has no run yet; reprocess detect {self.root} makes one")
        known = ", ".join(runs)
        asked = "name one with --run (run=… in Python)" if name is None else f"there is no run {name!r}"
        raise LedgerError(f"{asked}; runs in {self.root}: {known}")
