"""What a run's map and page were made of, so that they are not made again where nothing changed."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reprocess import __version__
from reprocess.files import sha256, tree_sha256, write_atomic
from reprocess.work.paths import Run, Work


def note_results(work: Work, run: Run, written: Iterable[Path]) -> None:
    """Note which files of a run's folder were just written; those made of something else are forgotten.

    Parameters
    ----------
    work : Work
    run : Run
    written : iterable of Path
        Files of the run's own map, or its page.
    """
    now, noted = _made_of(work, run), _read(run)
    files = noted["files"] if noted["of"] == now else {}
    files |= {path.relative_to(run.root).as_posix(): tree_sha256(path) for path in written}
    write_atomic(run.results, json.dumps({"of": now, "files": files}, indent=1, sort_keys=True).encode())


def are_current(work: Work, run: Run, bins: dict[str, Any]) -> bool:
    """Tell whether the files of a run's map and page lie there as they would be made now.

    Parameters
    ----------
    work : Work
    run : Run
    bins : dict
        Those of the map, as `maps.stage.bins_of` returns.
    """
    noted = _read(run)
    page = run.report.relative_to(run.root).as_posix()
    if page not in noted["files"] or (run.read_identity() or {}).get("bins") != bins:
        return False
    paths = {run.root / name: digest for name, digest in noted["files"].items()}
    return noted["of"] == _made_of(work, run) and all(
        path.is_file() and tree_sha256(path) == digest for path, digest in paths.items()
    )


def noted_bytes(run: Run, path: Path) -> bytes | None:
    """Return a file of a run's folder, None if it is not as it was written and noted together with others."""
    noted = _read(run)["files"].get(path.relative_to(run.root).as_posix())
    return path.read_bytes() if path.is_file() and tree_sha256(path) == noted else None


def _read(run: Run) -> dict[str, Any]:
    """Return what was noted; nothing if the file is missing or is not ours: all is made again then."""
    try:
        noted: dict[str, Any] = json.loads(run.results.read_bytes())
        return {"of": str(noted["of"]), "files": {str(k): str(v) for k, v in noted["files"].items()}}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"of": "", "files": {}}


def _made_of(work: Work, run: Run) -> str:
    """Return one sha256 of all that map and page are made of.

    That is what the ledgers say, which stands for the parts and the archive, and what the run was made with.
    """
    identity = {k: v for k, v in (run.read_identity() or {}).items() if k != "occurrence"}
    asked = tree_sha256(run.asked) if run.asked.is_file() else ""
    ledgers = [tree_sha256(ledger) for ledger in (work.asked.parent, run.ledger.root)]
    return sha256(json.dumps([__version__, identity, asked, *ledgers], sort_keys=True).encode())
