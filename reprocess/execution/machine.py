"""What this machine is and what a folder's file system can do, told without names of people or places."""

import contextlib
import fcntl
import importlib.metadata
import locale
import os
import platform
import re
import resource
import shutil
import sys
import tempfile
from pathlib import Path

from reprocess import __version__

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_NAME = re.compile(r"[A-Za-z0-9._-]+")

Facts = dict[str, str]


def describe_machine(cores: int) -> dict[str, Facts]:
    """Return facts by name, in sections.

    Parameters
    ----------
    cores : int
        Processors that this process may use.
    """
    return {
        "versions": {
            "reprocess": __version__,
            "Python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "C library": " ".join(platform.libc_ver()).strip() or "not told",
        },
        "machine": {
            "processors": f"{cores} for this process, {os.cpu_count()} in all",
            "threads": ", ".join(f"{n}={os.environ[n]}" for n in _THREADS if n in os.environ) or "not set",
            "memory": _memory(),
            "GPU": "yes" if _has_gpu() else "no",
            "open files": "{} at most, {} if asked".format(*resource.getrlimit(resource.RLIMIT_NOFILE)),
            "encoding": f"files {sys.getfilesystemencoding()}, text {locale.getpreferredencoding(False)}",
            "temporary folder": _gigabytes(shutil.disk_usage(tempfile.gettempdir()).free) + " free",
        },
        "packages": _packages(),
    }


def _packages() -> Facts:
    """Return the versions of what the project needs, extras included where they are there."""
    found: Facts = {}
    for line in importlib.metadata.requires("reprocess") or []:
        name = _NAME.match(line)
        if name is not None and (name[0] not in found):
            optional = "extra ==" in line
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                found[name[0]] = importlib.metadata.version(name[0])
            if name[0] not in found and not optional:
                found[name[0]] = "MISSING"
    return found


def _memory() -> str:
    """Return this machine's memory, and what a container may have of it."""
    told = {}
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            told[name] = int(rest.split()[0]) * 1024
    if not told:
        return "not told"
    text = f"{_gigabytes(told['MemTotal'])}, {_gigabytes(told['MemAvailable'])} of it free"
    with contextlib.suppress(OSError, ValueError):
        text += f"; limit {_gigabytes(int(Path('/sys/fs/cgroup/memory.max').read_text(encoding='ascii')))}"
    return text


def _has_gpu() -> bool:
    """Tell whether there is a GPU that TensorFlow could take; nothing is loaded to find out."""
    return any(Path(path).exists() for path in ("/dev/nvidia0", "/dev/dxg", "/dev/kfd"))


def describe_folder(folder: Path) -> Facts:
    """Return what a folder's file system is and can do; it is tried in files that are gone at once."""
    usage = shutil.disk_usage(folder)
    facts = {
        "file system": _kind(folder),
        "room": f"{_gigabytes(usage.free)} free of {_gigabytes(usage.total)}",
        "writable": "yes" if os.access(folder, os.W_OK) else "no",
    }
    if facts["writable"] == "yes":
        with tempfile.TemporaryDirectory(prefix=".reprocess-doctor-", dir=folder) as inside:
            facts |= {name: _tried(test, Path(inside)) for name, test in _TESTS.items()}
    return facts


def _lock(folder: Path) -> None:
    with (folder / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _replace(folder: Path) -> None:
    for name in ("old", "new"):
        (folder / name).write_bytes(name.encode())
    (folder / "new").replace(folder / "old")
    if (folder / "old").read_bytes() != b"new":
        raise OSError("the old content is still there")


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _capitals(folder: Path) -> None:
    (folder / "a").touch()
    if (folder / "A").exists():
        raise OSError("A and a are one name")


_TESTS = {
    "locks": _lock,
    "replacing as one step": _replace,
    "syncing a folder": _sync,
    "capitals count": _capitals,
}


def _tried(test: object, folder: Path) -> str:
    try:
        test(folder)  # type: ignore[operator]
    except OSError as e:
        return f"no ({e.strerror or e})"
    return "yes"


def _kind(folder: Path) -> str:
    """Return the kind of a folder's file system: that of the longest mount point above it."""
    best, kind = "", "not told"
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
            _, point, name, *_ = line.split(" ")
            point = point.replace("\\040", " ")
            if folder.resolve().is_relative_to(point) and len(point) > len(best):
                best, kind = point, name
    return kind


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
