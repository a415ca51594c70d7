"""Options from the command line, the environment, a file; what is told, kept quiet or written to a file."""

import os
import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from reprocess.cli import main
from reprocess.cli.options import CLUSTER, PARTITION
from reprocess.cli.place import open_place
from reprocess.cli.settings import name_variables, read_settings, refuse_unknown
from tests.support.command import reprocess


@pytest.fixture
def group() -> click.Group:
    """Commands that tell what they were given."""

    @click.group()
    def top() -> None:
        pass

    @top.command()
    @click.option("--min-dwell", "minutes", type=float, default=1.0)
    @click.option("--flag", is_flag=True)
    @click.option("--satellite", multiple=True)
    @click.option("--start")
    def run(**options: object) -> None:
        click.echo(repr(sorted(options.items())))

    @click.group()
    def model() -> None:
        pass

    @model.command()
    @click.option("--name")
    def fetch(name: str) -> None:
        click.echo(name)

    top.add_command(model)
    name_variables(top)
    return top


def write(path: Path, text: str) -> Path:
    file = path / "settings.toml"
    file.write_text(text)
    return file


def test_the_command_line_goes_before_the_environment_before_the_file_before_the_default(
    group: click.Group, tmp_path: Path
) -> None:
    settings = read_settings(write(tmp_path, "[run]\nmin-dwell = 2\n"), group)

    def given(*words: str, env: dict[str, str] | None = None, file: bool = True) -> str:
        done = CliRunner().invoke(group, ["run", *words], env=env, default_map=settings if file else None)
        return done.output.partition("'minutes', ")[2].partition(")")[0]

    variable = {"REPROCESS_RUN_MIN_DWELL": "3"}
    assert given(file=False) == "1.0"
    assert given() == "2.0"
    assert given(env=variable) == "3.0"
    assert given("--min-dwell", "4", env=variable) == "4.0"


def test_every_option_has_one_variable_called_as_the_option() -> None:
    named: list[str] = []

    def look(command: click.Command, prefix: str) -> None:
        for option in command.params:
            if isinstance(option, click.Option) and option.envvar:
                names = [option.envvar] if isinstance(option.envvar, str) else option.envvar
                assert names[-1] == f"{prefix}_{option.opts[-1].lstrip('-').replace('-', '_').upper()}"
                named.extend(names)
        for name, one in getattr(command, "commands", {}).items():
            look(one, f"{prefix}_{name.upper()}")

    look(main, "REPROCESS")
    assert {"REPROCESS_EVENTS_RUN", "REPROCESS_MODEL_FETCH_BASE_URL", "REPROCESS_QUIET"} <= set(named)
    assert len(named) == len(set(named)) > 100
    refuse_unknown(named, main)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("REPROCESS_RUN_WORKER", "is no option of any command; rename it to REPROCESS_RUN_WORKERS, if you"),
        ("REPROCESS_XYZZY_123456789", "is no option of any command; leave it out: unset REPROCESS_XYZZY"),
    ],
)
def test_a_misspelled_variable_is_refused(name: str, said: str) -> None:
    done = CliRunner().invoke(main, ["status", "."], env={name: "1"})
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert CliRunner().invoke(main, ["--help"], env={name: "1"}).exit_code == 0


@pytest.mark.parametrize(
    ("words", "env", "file", "share", "error"),
    [
        (["--partition", "1/2"], {"WORKERS": "3"}, {}, (1, 2), ""),
        ([], {"PARTITION": "1/2"}, {"workers": "3"}, (1, 2), ""),
        ([], {"PARTITION": "1/2", "WORKERS": "3"}, {}, None, "--partition of the environment exclude"),
        ([], {}, {"partition": "1/2", "workers": "3"}, None, "--partition of the --config file exclude"),
        (["--workers", "1"], {"PARTITION": "1/2"}, {}, None, ""),
    ],
)
def test_places_from_elsewhere_exclude_each_other_too(
    words: list[str], env: dict[str, str], file: dict[str, str], share: object, error: str
) -> None:
    @click.command()
    @CLUSTER
    @PARTITION
    def work(**options: object) -> None:
        where = open_place(options)
        with where if share else nullcontext() as place:
            assert share is None or place is not None
            click.echo(str(options["partition"]))

    name_variables(work, "REPROCESS_WORK")
    variables = {f"REPROCESS_WORK_{name}": value for name, value in env.items()}
    done = CliRunner().invoke(work, words, env=variables, default_map=file)
    assert done.exit_code == (2 if error else 0), done.output
    if error:
        assert error in " ".join(done.output.split())
    else:
        assert done.output.strip().endswith(str(share))


def test_a_file_gives_options_as_a_user_would(group: click.Group, tmp_path: Path) -> None:
    text = """
    [run]
    flag = true
    satellite = ["noaa18", "noaa19"]
    start = 2015-03-01
    min_dwell = 2.5
    [model.fetch]
    name = "capannolo2022"
    """
    assert read_settings(write(tmp_path, text), group) == {
        "run": {"flag": True, "satellite": ["noaa18", "noaa19"], "start": "2015-03-01", "minutes": "2.5"},
        "model": {"fetch": {"name": "capannolo2022"}},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[rum]\n", r"there is no 'rum'; there are \[run\], \[model\]"),
        (
            "[run]\nworker = 1\n",
            r"\[run\]: there is no 'worker'; there are min-dwell, flag, satellite, start",
        ),
        ("[run]\nflag = 1\n", "flag is true or false, not 1"),
        ("[run]\nstart = [1]\n", r"start takes one text or number, not \[1\]"),
        ("[run\n", "is not TOML"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(
    group: click.Group, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(click.BadParameter, match=said):
        read_settings(write(tmp_path, text), group)


def test_a_file_that_is_not_there_is_refused(group: click.Group, tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match="cannot be read: No such file"):
        read_settings(tmp_path / "none.toml", group)


def test_every_option_of_every_command_can_stand_in_a_file(tmp_path: Path) -> None:
    file = write(
        tmp_path, '[run]\nworkers = 1\nl-edges = "3:8:1"\n[events]\nformat = "json"\n[map]\nrun = "one"\n'
    )
    assert read_settings(file, main) == {
        "run": {"workers": "1", "l_edges": "3:8:1"},
        "events": {"kind": "json"},
        "map": {"name": "one"},
    }


def test_quiet_hides_what_is_told_and_the_log_keeps_it(fake_archive: Path, tmp_path: Path) -> None:
    def untimed(line: str) -> str:
        return re.sub(
            r"[\d.,]+ (satellite-days|records)/s", "", line.replace(f"{tmp_path}/a", f"{tmp_path}/b")
        )

    share, log = ("--partition", "1/2"), tmp_path / "log"
    loud = reprocess("ingest", fake_archive, tmp_path / "a", *share)
    quiet = reprocess("--quiet", "--log-file", log, "ingest", fake_archive, tmp_path / "b", *share)
    assert quiet.stderr == ""
    assert "1 of 1 satellite-days ingested" in loud.stdout
    assert loud.stdout == quiet.stdout
    lines = log.read_text().splitlines()
    assert "reprocess 0" in lines[0]
    assert "--log-file" in lines[0]
    assert lines[-1].endswith("ended with exit code 0")
    told = [untimed(line.partition("Z ")[2]) for line in lines[1:-1]]
    assert told == [untimed(line) for line in loud.stderr.splitlines() if line.strip()]
    assert len(told) == 2, "how far it is, and what to do next"


def test_errors_are_shown_and_logged_however_quiet(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = reprocess("--quiet", "--log-file", log, "status", tmp_path, code=2)
    assert "is no WORK directory" in done.stderr
    assert "is no WORK directory" in log.read_text()
    assert log.read_text().splitlines()[-1].endswith("ended with exit code 2")


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    done = reprocess("--log-file", tmp_path / "no" / "log", "status", tmp_path, code=2)
    assert "cannot be written: No such file or directory; name another file" in done.stderr


@pytest.mark.parametrize(("given", "threads"), [({}, "1 1"), ({"OMP_NUM_THREADS": "3"}, "None None")])
def test_products_of_matrices_take_one_thread_unless_a_number_is_set(
    given: dict[str, str], threads: str
) -> None:
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    words = f"import os, reprocess.cli; print(*(os.environ.get(name) for name in {names}))"
    surroundings = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")} | given
    told = subprocess.run([sys.executable, "-c", words], env=surroundings, capture_output=True, text=True)
    assert told.stdout.split() == threads.split(), told.stderr


def test_nothing_is_looked_through_for_garbage_as_a_command_ends() -> None:
    words = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count()))"
    for call, frozen in (("main()", True), ("main(['--version'], standalone_mode=False)", False)):
        program = [sys.executable, "-c", f"{words}; from reprocess.cli import main; {call}", "--version"]
        told = subprocess.run(program, capture_output=True, text=True, check=True)
        assert (int(told.stdout.splitlines()[-1]) > 0) is frozen, "who calls from Python keeps collecting"
