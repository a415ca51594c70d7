"""Runs the command, as a user does or in this process, and compares WORK directories byte by byte."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from reprocess.cli import main

REPROCESS = str(Path(sys.executable).with_name("reprocess"))


def reprocess(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command and check its exit code."""
    words = [REPROCESS, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, f"{words} gave {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def invoke(*arguments: object, code: int = 0) -> Result:
    """Run the command in this process, which need not import anything again, and check its exit code."""
    result = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def tree(folder: Path) -> dict[str, str]:
    """Return the digest of every file under a folder, by relative path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


MAPS = ("exposure", "occurrence", "report", "results.json", "sums.npz")
"""How names begin, in a run's folder, of what is made of all its blocks together."""


def blocks(work: Path) -> dict[str, str]:
    """Return what `tree` does, without the maps of runs and without what run.json tells of them."""
    found = {}
    for name, digest in tree(work).items():
        of_run = name.split("/", 2)[2] if name.startswith("runs/") else ""
        if of_run == "run.json":
            told = json.loads((work / name).read_bytes())
            digest = json.dumps({key: told[key] for key in told if key not in TOLD_OF_MAPS})
        if not of_run.startswith(MAPS):
            found[name] = digest
    return found


TOLD_OF_MAPS = {"bins", "exposure", "occurrence", "satellite_days", "source_digest"}
"""What of run.json is written with maps."""


def records(folder: Path) -> dict[str, int]:
    """Return when each receipt under a folder was last written, by relative path.

    Only ledgers are looked into: other folders come and go while a run is writing.
    """
    ledgers = [folder / "ledger", *folder.glob("runs/*/ledger")]
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for ledger in ledgers
        for path in sorted(ledger.rglob("*.json"))
    }
