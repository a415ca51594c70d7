"""Real commands in surroundings that users start them in: locales, closed streams, strange folders."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from reprocess.classifier.bundle import Bundle
from tests.support import fake
from tests.support.command import REPROCESS, reprocess, tree

PATIENCE_S = 120

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""A locale that can encode next to nothing."""

LATIN_1 = {"PYTHONIOENCODING": "latin-1:strict"}


def run(
    *words: object, code: int = 0, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in an environment; it gives this code, and no traceback."""
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONUTF8", "PYTHONSAFEPATH", "LANG"}}
    done = subprocess.run(
        [REPROCESS, *map(os.fspath, map(str_or_bytes, words))],
        env=environment | variables, cwd=cwd, capture_output=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
    assert done.returncode == code, done.stderr.decode(errors="replace")
    return done


def str_or_bytes(word: object) -> str | bytes:
    return word if isinstance(word, bytes) else str(word)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of one fake day."""
    archive = tmp_path_factory.mktemp("day")
    path = fake.granule_path(archive, "noaa18", "2019-10-24")
    fake.write_granule(path, fake.variables("noaa18", "2019-10-24"))
    return archive


ALONE = ("--partition", "1/1")


@pytest.mark.parametrize("variables", [ASCII, LATIN_1], ids=["ascii", "latin-1"])
def test_every_help_can_be_printed_in_every_encoding(variables: dict[str, str]) -> None:
    for command in ("run", "model", "cluster"):
        assert b"Usage: " in run(command, "--help", **variables).stdout


def test_the_state_of_work_does_not_depend_on_the_locale(
    day: Path, random_model: Bundle, tmp_path: Path
) -> None:
    archive, work = shutil.copytree(day, tmp_path / "Übung€"), tmp_path / "w"
    run("ingest", archive, work, *ALONE, LC_ALL="C.UTF-8")
    before = tree(work)
    done = run("ingest", archive, work, *ALONE, **ASCII)
    assert b"1 of 1 satellite-days ingested" in done.stdout
    assert b"no longer in the archive" not in done.stderr, "the same file has the same address"
    assert tree(work) == before
    shutil.rmtree(archive)
    path = fake.granule_path(archive, "noaa18", "2019-10-24")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no measurement")
    for variables in (ASCII, LATIN_1):
        done = run("ingest", archive, work, *ALONE, code=3, **variables)
        assert b"quarantined noaa18 2019-10-24: not_hdf5" in done.stdout
        assert b"/poes_n18_20191024_proc.nc" in done.stdout
    assert rb"bung\u20ac/2019" in done.stdout, "what the encoding lacks is spelled out"


def test_a_path_that_is_no_utf8_is_an_address_like_any_other(
    day: Path, random_model: Bundle, tmp_path: Path
) -> None:
    archive, work = (os.fsencode(tmp_path) + name for name in (b"/arch\xe9", b"/w\xe9"))
    shutil.copytree(os.fsencode(day), archive)
    done = run("run", archive, work, "--model", "random", "--workers", 1)
    assert b"1 satellite-day classified" in done.stdout
    assert b"stands still" not in done.stderr, "the page is told of it too"
    plain = tmp_path / "plain"
    run("run", day, plain, "--model", "random", *ALONE)
    for name in ("runs/random-published/occurrence.nc", "runs/random-published/report/index.html"):
        assert (Path(os.fsdecode(work)) / name).exists()
    table = run("events", work).stdout
    assert table == run("events", plain).stdout
    run("audit", work, "--sources")
    path = fake.granule_path(Path(os.fsdecode(archive)), "noaa18", "2019-10-24")
    path.write_bytes(b"no measurement")
    for variables in ({}, ASCII):
        done = run("run", archive, work, "--model", "random", *ALONE, code=3, **variables)
        assert b"/arch" in done.stdout
    run("status", work, "--json", code=4)  # the share made no sums
    run("simulate", os.fsencode(tmp_path) + b"/sim\xe9", "--start", "2019-10-24", "--days", 1)


def test_a_job_script_has_the_bytes_of_a_path(tmp_path: Path) -> None:
    file = Path(__file__).parents[2] / "cluster" / "slurm.yaml"
    done = run("cluster", "script", "--one-node", file, b"arch\xe9", "w", cwd=tmp_path)
    assert b"arch\xe9" in done.stdout


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_closed_stream_stops_nothing(closed: tuple[int, ...], day: Path, tmp_path: Path) -> None:
    redirect = " ".join(f"{number}>&-" for number in closed)
    words = f'exec "$0" ingest "$1" "$2" --partition 1/1 {redirect}'
    done = subprocess.run(
        ["sh", "-c", words, REPROCESS, day, tmp_path / "w"],
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 of 1 satellite-days ingested" in reprocess("status", tmp_path / "w").stdout
    assert (b"1 of 1" in done.stdout) == (1 not in closed)
    assert (b"ingest 1/1" in done.stderr) == (2 not in closed)


def test_workers_start_without_a_standard_error(fake_archive: Path, tmp_path: Path) -> None:
    """Of more than one block, which would be done without workers."""
    words = 'exec "$0" ingest "$1" "$2" --workers 1 2>&-'
    command = ["sh", "-c", words, REPROCESS, fake_archive, tmp_path / "w"]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0
    assert b"3 of 3 satellite-days ingested" in done.stdout


def test_output_that_cannot_be_written_is_named(day: Path, tmp_path: Path) -> None:
    run("ingest", day, tmp_path / "w", *ALONE)
    with open("/dev/full", "wb") as full:
        command = [REPROCESS, "status", tmp_path / "w"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False)
    assert done.returncode != 0
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_folder_that_was_removed_is_named(tmp_path: Path) -> None:
    words = 'cd "$1" && rmdir "$1" && exec "$0" status "$2"'
    (tmp_path / "gone").mkdir()
    command = ["sh", "-c", words, REPROCESS, tmp_path / "gone", tmp_path]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"Error: the current folder is no longer there")
    assert done.stderr.count(b"\n") == 1


def test_modules_in_the_current_folder_are_not_taken_for_pythons(day: Path, tmp_path: Path) -> None:
    for name in ("signal", "random", "queue", "socket", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')\n", encoding="utf-8")
    done = run("ingest", day, "w", "--workers", 1, cwd=tmp_path)
    assert b"1 of 1 satellite-days ingested" in done.stdout
    run(
        "simulate", "a", "--satellite", "noaa18,noaa19", "--start", "2019-10-24", "--days", "1",
        "--workers", 2, cwd=tmp_path,
    )  # fmt: skip


def test_an_interrupt_during_the_imports_leaves_no_traceback() -> None:
    code = "import reprocess.cli\nraise KeyboardInterrupt"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -signal.SIGINT
    assert done.stderr == b"Error: interrupted before anything was done\n"
    done = subprocess.run(
        [sys.executable, "-c", "import reprocess.cli\n1 / 0"], capture_output=True, check=False
    )
    assert b"ZeroDivisionError" in done.stderr, "what is a fault still shows where it came from"


def test_an_interrupt_within_a_destructor_is_not_lost() -> None:
    """The command would go on to its end, and Python would show a traceback."""
    dropped = "import reprocess.cli, time\nclass A:\n    def __del__(self):\n        {}\nA()\ntime.sleep({})"
    code = dropped.format("raise KeyboardInterrupt", 120)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == -signal.SIGINT
    assert done.stderr == b"Error: interrupted before anything was done\n"
    code = dropped.format("1 / 0", 0)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0
    assert b"ZeroDivisionError" in done.stderr, "what is a fault still shows where it came from"


@pytest.mark.parametrize(
    ("after_s", "workers"),
    [(0.0, 0), (0.4, 2), (0.8, 0), (1.2, 2), (1.6, 0), (2.0, 2), (2.5, 0)],
)
def test_an_interrupt_at_any_moment_leaves_no_traceback_and_nothing_half_done(
    after_s: float, workers: int, day: Path, fake_archive: Path, random_model: Bundle, tmp_path: Path
) -> None:
    """The whole group of processes is interrupted, as a terminal does it; one block needs no workers."""
    place = [fake_archive, tmp_path / "w", "--workers", "2"] if workers else [day, tmp_path / "w"]
    words = [REPROCESS, "run", *place, "--model", "random"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as command:  # fmt: skip
        assert command.stderr is not None
        first = command.stderr.readline()  # the model: what came before is Python's own start
        time.sleep(after_s)
        os.killpg(command.pid, signal.SIGINT)
        errors = first + command.communicate(timeout=PATIENCE_S)[1]
    assert b"Traceback" not in errors, errors.decode()
    assert command.returncode in {4, 0, -signal.SIGINT}, errors.decode()
    if command.returncode == 4:
        assert b"Error: interrupted; what is done stays done" in errors
    assert not list((tmp_path / "w").rglob("*.partial")) or command.returncode


def test_workers_are_deaf_to_the_interrupt_of_a_terminal(fake_archive: Path, tmp_path: Path) -> None:
    """The command tells them to end; heard by themselves, it makes each print where it was."""
    words = [REPROCESS, "ingest", fake_archive, tmp_path / "w", "--workers", "2"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as command:  # fmt: skip
        assert command.stderr is not None
        while not (line := command.stderr.readline()).startswith(b"dashboard"):
            assert line, "it ended before its workers had started"
        children = psutil.Process(command.pid).children(recursive=True)
        workers = [child.pid for child in children if "spawn_main" in " ".join(child.cmdline())]
        states = [Path(f"/proc/{pid}/status").read_text(encoding="ascii") for pid in workers]
        os.killpg(command.pid, signal.SIGINT)
        errors = command.communicate(timeout=PATIENCE_S)[1]
    blocked = [int(state.partition("SigBlk:")[2].split()[0], 16) for state in states]
    assert len(workers) == 2
    assert all(mask >> (signal.SIGINT - 1) & 1 for mask in blocked)
    assert b"Traceback" not in errors, errors.decode()


SETTINGS = {
    "ZARR_ARRAY__WRITE_EMPTY_CHUNKS": "False",
    "ZARR_ARRAY__ORDER": "F",
    "ZARR_DEFAULT_ZARR_FORMAT": "2",
    "ZARR_CODEC_PIPELINE__BATCH_SIZE": "7",
    "HDF5_USE_FILE_LOCKING": "TRUE",
    "OMP_NUM_THREADS": "3",
    "TF_CPP_MIN_LOG_LEVEL": "0",
    "MPLBACKEND": "module://of.another.program",
    "TZ": "Asia/Tokyo",
    "PYTHONHASHSEED": "7",
    "PYTHONWARNINGS": "error",
    "DASK_ARRAY__CHUNK_SIZE": "1kiB",
    "DASK_SCHEDULER": "threads",
}


def test_settings_of_other_programs_change_no_byte(day: Path, random_model: Bundle, tmp_path: Path) -> None:
    options = ("--model", "random", "--classes", *ALONE)
    run("run", day, tmp_path / "plain", *options)
    run("map", tmp_path / "plain")
    run("run", day, tmp_path / "set", *options, **SETTINGS)
    run("map", tmp_path / "set", **SETTINGS)
    assert tree(tmp_path / "set") == tree(tmp_path / "plain")


def test_a_damaged_configuration_of_dask_is_one_line(day: Path, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("distributed: [open", encoding="utf-8")
    site = str(tmp_path / "site.yaml")
    run("ingest", day, tmp_path / "w", DASK_CONFIG=site)  # one block needs no Dask
    far = ("--scheduler", "tcp://127.0.0.1:9")
    done = run("ingest", day, tmp_path / "w2", *far, code=2, DASK_CONFIG=site)
    assert b"site.yaml" in done.stderr.splitlines()[-1]
    assert b"mend the file, or move it away" in done.stderr.splitlines()[-1]


def test_work_that_may_only_be_read_is_read_and_told(day: Path, random_model: Bundle, tmp_path: Path) -> None:
    """Root, whom permissions do not stop, gives up the right to pass them for this."""
    work = tmp_path / "w"
    run("run", day, work, "--model", "random", *ALONE)
    run("map", work)
    bare: tuple[str, ...] = ()
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("no setpriv: root passes over permissions")
        rights = "-dac_override,-dac_read_search,-fowner"
        bare = (setpriv, f"--bounding-set={rights}", f"--inh-caps={rights}")

    def limited(*words: object) -> subprocess.CompletedProcess[str]:
        command = [*bare, REPROCESS, *map(str, words)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=PATIENCE_S, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    folders = [work, *(path for path in work.rglob("*") if path.is_dir())]
    try:
        for path in folders:
            path.chmod(0o555)
        assert limited("status", work).returncode == 0
        assert limited("events", work).stdout.count("\n") > 1
        for command in (("report", work), ("map", work), ("events", work, "-o", work / "e.csv")):
            done = limited(*command)
            assert done.returncode in {2, 4}, command
            assert "Permission denied; ask its owner for access" in done.stderr, command
        for part in ("runs/random-published/ledger/noaa18", "runs", "ledger/ingest"):
            (work / part).chmod(0)
            for words in ("status", "events"):
                done = limited(words, work)
                assert (done.returncode, done.stdout) == (2, ""), part
                assert f"{work / part}: Permission denied" in done.stderr
            (work / part).chmod(0o555)
    finally:
        for path in folders:
            path.chmod(0o755)
