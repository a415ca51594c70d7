"""Cluster files are checked before anything starts, and scripts ask each batch system in its own words."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask
import kubernetes_validate
import pytest
import yaml

from reprocess.errors import ClusterError
from reprocess.execution import batch, scripts
from reprocess.execution.batch import Batch, load_batch
from tests.support.places import REPOSITORY

FOLDER = REPOSITORY / "cluster"
FILES = {name: FOLDER / f"{name}.yaml" for name in batch.SYSTEMS}
RUN = ("ARCHIVE", "my work", "--model", "random")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs go to the folder that a command is given in."""
    monkeypatch.chdir(tmp_path)


def write(folder: Path, *drop: str, **changes: Any) -> Path:
    """Write a small cluster file, with keys changed or left out."""
    content: dict[str, Any] = {
        "batch_system": "slurm",
        "options": {"cores": 2, "memory": "4GB", "walltime": "01:00:00"},
    }
    content |= changes
    path = folder / "cluster.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if k not in drop}))
    return path


@pytest.mark.parametrize("name", FILES)
def test_the_job_of_workers_of_every_shipped_file_renders(name: str) -> None:
    known = load_batch(FILES[name])
    assert known.batch_system == name
    options = known.worker_options()
    del options["shared_temp_directory"]
    text = known.cluster_class.job_cls("tcp://10.0.0.1:8786", name="w", **options).job_script()
    assert f"--nworkers {options['cores']} " in text
    assert "--nthreads 1 " in text
    assert "--nanny" in text
    assert "--local-directory ${TMPDIR:-/tmp}" in text
    assert "--dashboard-address 127.0.0.1:0" in text
    for variable, value in batch.ENVIRONMENT.items():
        assert f"export {variable}={value}" in text
    assert "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL=False" in text
    assert ("--lifetime " in text) == (name != "htcondor")  # which has no limit of time
    assert "--lifetime-restart" not in text  # the job's time is over then


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("slurm", ("#SBATCH --cpus-per-task=8", "#SBATCH -t 04:00:00", "#SBATCH --mem=15G")),
        ("sge", ("#$ -P PROJECT", "#$ -pe omp 4", "#$ -l h_rt=12:00:00", "#$ -S /bin/bash\n")),
        ("pbs", ("#PBS -l select=1:ncpus=8:mem=15GB", "#PBS -l walltime=04:00:00")),
        ("lsf", ("#BSUB -n 8", "#BSUB -M 16000", "#BSUB -W 04:00", 'span[hosts=1]"')),
        ("htcondor", ("MY.DaskWorkerCores = 4", "MY.DaskWorkerMemory = 8000000000", "Queue\n")),
    ],
)
def test_one_node_is_asked_for_what_a_job_of_workers_has(name: str, words: tuple[str, ...]) -> None:
    text = scripts.node_script(load_batch(FILES[name]), RUN)
    for word in words:
        assert word in text
    cores = load_batch(FILES[name]).options["cores"]
    assert f"--workers {cores} --tls" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("slurm", ("#SBATCH --array=1-7", "#SBATCH --cpus-per-task=1", "$SLURM_ARRAY_TASK_ID/7")),
        ("sge", ("#$ -t 1-7", "#$ -pe omp 1", "$SGE_TASK_ID/7")),
        ("pbs", ("#PBS -J 1-7", "select=1:ncpus=1:mem=1908MB", "$PBS_ARRAY_INDEX/7")),
        ("lsf", ('#BSUB -J "reprocess[1-7]"', "#BSUB -n 1", "#BSUB -M 2000", "$LSB_JOBINDEX/7")),
        ("htcondor", ("Queue 7\n", "MY.DaskWorkerCores = 1", "`expr $(Process) + 1`/7")),
    ],
)
def test_an_array_asks_for_one_core_and_the_memory_of_one_process(name: str, words: tuple[str, ...]) -> None:
    text = scripts.array_script(load_batch(FILES[name]), RUN, 7)
    for word in words:
        assert word in text
    assert "--cluster" not in text


@pytest.mark.parametrize("name", FILES)
def test_the_main_job_has_one_core_and_its_own_time(name: str) -> None:
    known = load_batch(FILES[name])
    text = scripts.run_script(known, RUN)
    assert f"--cluster {FILES[name]}" in text
    assert str(known.main.get("walltime", known.options.get("walltime", ""))) in text
    assert f"/{name}-" not in text
    rest = scripts.rest_script(known, RUN)
    assert "--workers 1" in rest
    assert "--partition" not in rest


@pytest.mark.parametrize("name", FILES)
def test_making_a_script_makes_no_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    known = load_batch(FILES[name])
    for text in (scripts.run_script(known, RUN), scripts.array_script(known, RUN, 3)):
        assert str(known.logs) in text
    assert list(tmp_path.iterdir()) == []
    assert not known.logs.exists()


def test_grid_engine_is_told_the_shell_once_and_the_files_own_wins(tmp_path: Path) -> None:
    text = FILES["sge"].read_text(encoding="utf-8")
    own = tmp_path / "own.yaml"
    own.write_text(text.replace('["-pe omp {cores}"]', '["-pe omp {cores}", "-S /bin/zsh"]'), "utf-8")
    for path, shell in ((FILES["sge"], "/bin/bash"), (own, "/bin/zsh")):
        for script in (
            scripts.node_script(load_batch(path), RUN),
            scripts.array_script(load_batch(path), RUN, 2),
        ):
            assert [line for line in script.splitlines() if " -S " in line] == [f"#$ -S {shell}"]


@pytest.mark.parametrize(
    ("memory", "asked"),
    [("1.5GB", "2G"), ("4.4GB", "5G"), ("16GB", "15G"), ("2GiB", "2G"), ("900MB", "859M")],
)
def test_what_slurm_is_asked_for_is_told(memory: str, asked: str, tmp_path: Path) -> None:
    path = tmp_path / "slurm.yaml"
    path.write_text(f"batch_system: slurm\noptions: {{cores: 1, memory: {memory}}}\n", encoding="utf-8")
    known = load_batch(path)
    assert scripts.asked_memory(known, scripts.node_script(known, RUN)) == asked
    other = load_batch(FILES["sge"])
    assert scripts.asked_memory(other, scripts.node_script(other, RUN)) is None


@pytest.mark.parametrize("name", [n for n in FILES if n != "htcondor"])
def test_scripts_are_shell_and_run_where_they_were_made(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPROCESS_MODELS", "/models of mine")
    for text in (
        scripts.run_script(load_batch(FILES[name]), RUN),
        scripts.array_script(load_batch(FILES[name]), RUN, 3),
    ):
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)
        assert f"cd {tmp_path} || exit 2\n" in text
        assert "export REPROCESS_MODELS='/models of mine'\n" in text
        assert f"exec {sys.executable} -m reprocess run ARCHIVE 'my work' --model random" in text


def test_the_interpreter_and_the_prologue_of_the_file_are_used(tmp_path: Path) -> None:
    options = {"cores": 1, "memory": "2GB", "python": "apptainer exec r.sif python"}
    path = write(tmp_path, options=options | {"job_script_prologue": ["module load x"]})
    text = scripts.node_script(load_batch(path), RUN)
    assert "exec apptainer exec r.sif python -m reprocess run ARCHIVE" in text
    assert text.index("module load x") < text.index("export OMP_NUM_THREADS=1")


@pytest.mark.parametrize(
    ("walltime", "seconds"),
    [("01:00:00", 3600), ("1-00:00:00", 86400), ("00:05:00", 300), ("12:00", 43200), ("100:00:00", 360000)],
)
def test_workers_leave_before_their_job_is_killed(walltime: str, seconds: int, tmp_path: Path) -> None:
    path = write(tmp_path, options={"cores": 1, "memory": "2GB", "walltime": walltime})
    words = load_batch(path).worker_options()["worker_extra_args"]
    lifetime, stagger = (int(words[words.index(k) + 1][:-1]) for k in ("--lifetime", "--lifetime-stagger"))
    assert lifetime + stagger <= seconds - 60
    assert lifetime - stagger >= 0.6 * seconds
    assert stagger >= 15


def test_workers_leave_before_the_walltime_that_nobody_gave(tmp_path: Path) -> None:
    path = write(tmp_path, options={"cores": 1, "memory": "2GB"})
    usual = load_batch(path).worker_options()["worker_extra_args"]
    with dask.config.set({"jobqueue.slurm.walltime": "02:00:00"}):
        sites = load_batch(path).worker_options()["worker_extra_args"]
    for walltime, words in (("00:30:00", usual), ("02:00:00", sites)):
        path = write(tmp_path, options={"cores": 1, "memory": "2GB", "walltime": walltime})
        assert words == load_batch(path).worker_options()["worker_extra_args"]


def test_a_users_own_lifetime_comes_last_and_so_wins(tmp_path: Path) -> None:
    options = {"cores": 1, "memory": "2GB", "walltime": "01:00:00", "worker_extra_args": ["--lifetime", "9m"]}
    words = load_batch(write(tmp_path, options=options)).worker_options()["worker_extra_args"]
    assert words[-2:] == ["--lifetime", "9m"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"job": 3}, "unknown key: job; known are batch_system, jobs, tls, dashboard, options, main"),
        ({"batch_system": "cray"}, f"batch_system is 'cray'; known are {', '.join(batch.SYSTEMS)}"),
        ({"jobs": 0}, "jobs is 0, not a number from 1"),
        ({"jobs": True}, "jobs is True"),
        ({"tls": "yes please"}, "tls is 'yes please', not true or false"),
        ({"dashboard": 8787}, "dashboard is 8787, not HOST:PORT"),
        ({"options": ["cores"]}, "options is ['cores'], not a mapping"),
        ({"main": 5}, "main is 5, not a mapping"),
        ({"main": {"core": 1}}, "unknown option of SLURMCluster: core; known are account, cores"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=re.escape(words)):
        load_batch(write(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nodes": 3}, "unknown option of SLURMCluster: nodes; known are account, cores, death_timeout"),
        ({"processes": 1}, "unknown option of SLURMCluster: processes"),
        ({"project": "p"}, "unknown option of SLURMCluster: project"),
        ({"cores": "all"}, "cores, a number from 1 (not 'all')"),
        ({"cores": 0}, "cores, a number from 1 (not 0)"),
        ({"memory": None}, "and memory"),
        ({"memory": "lots"}, "memory 'lots' is no amount"),
        (
            {"memory": "1GB"},
            "memory 1GB for 2 processes is too little: a worker with 500 MB cannot hold a block",
        ),
        ({"walltime": "12 hours"}, "walltime '12 hours' is not HH:MM:SS"),
        ({"walltime": "00:04:59"}, "shorter than 5 minutes"),
        ({"job_directives_skip": 5}, "SLURMCluster refuses the options"),
    ],
)
def test_what_is_wrong_in_the_options_is_named(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    options = {"cores": 2, "memory": "4GB", "walltime": "01:00:00"} | changes
    with pytest.raises(ClusterError, match=re.escape(words)):
        load_batch(write(tmp_path, options=options))
    assert [p.name for p in tmp_path.iterdir()] == ["cluster.yaml"]


def test_a_time_without_quotes_is_refused_because_yaml_reads_a_number(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("batch_system: slurm\noptions: {cores: 1, memory: 2GB, walltime: 12:00:00}\n")
    with pytest.raises(ClusterError, match=r"walltime 43200 is not HH:MM:SS.*quotes"):
        load_batch(path)


@pytest.mark.parametrize("text", ["", "- a\n", "a: [1\n", "just words"])
def test_a_file_that_is_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ClusterError, match="is no cluster file"):
        load_batch(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="No such file"):
        load_batch(tmp_path / "none.yaml")


def test_memory_fits_the_engine(tmp_path: Path) -> None:
    known = load_batch(write(tmp_path, options={"cores": 2, "memory": "2GB"}))
    known.require_memory("onnxruntime")
    with pytest.raises(ClusterError, match=r"with 1000 MB cannot hold a block.* with tensorflow"):
        known.require_memory("tensorflow")


def test_the_interrupt_key_still_interrupts(tmp_path: Path) -> None:
    """On import, dask_jobqueue makes it end the program with exit code 0."""
    code = (
        "import os, signal, sys; from pathlib import Path; from reprocess.execution.batch import load_batch\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background jobs of a shell ignore it
        f"load_batch(Path({str(write(tmp_path))!r})); assert 'dask_jobqueue' in sys.modules\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "KeyboardInterrupt" in done.stderr
    assert done.returncode == -signal.SIGINT


def test_a_missing_dask_jobqueue_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(ClusterError, match=re.escape("pip install 'reprocess[cluster]'")):
        load_batch(write(tmp_path))


COMMANDS = {
    "slurm": ("sbatch", "Submitted batch job 12", "12", ["--dependency=afterany:7"]),
    "sge": ("qsub", 'Your job-array 12.1-3:1 ("reprocess") has been submitted', "12", ["-hold_jid", "7"]),
    "pbs": ("qsub", "12[].server", "12[].server", ["-W", "depend=afterany:7"]),
    "lsf": ("bsub", "Job <12> is submitted to queue <normal>.", "12", ["-w", "ended(7)"]),
    "htcondor": ("condor_submit", "3 job(s) submitted to cluster 12.", "12", None),
}


def fake_command(folder: Path, name: str, answer: str, code: int = 0) -> None:
    """Write a command that keeps its arguments and the script it is given."""
    script = f"""#!/bin/sh
printf '%s\\n' "$@" > {folder}/arguments
for last; do :; done
if [ -f "$last" ]; then cat "$last"; else cat; fi > {folder}/script
echo '{answer}'
exit {code}
"""
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("name", COMMANDS)
def test_scripts_are_submitted_and_wait_for_each_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, answer, job, waits = COMMANDS[name]
    fake_command(tmp_path, command, answer)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    known = load_batch(FILES[name])
    assert scripts.submit(known, "the script") == job
    assert (tmp_path / "script").read_text() == "the script"
    if waits is None:
        assert not batch.SYSTEMS[name].after
        return
    scripts.submit(known, "the other", after="7")
    assert (tmp_path / "arguments").read_text().split("\n")[: len(waits)] == waits
    assert (tmp_path / "script").read_text() == "the other"


@pytest.mark.parametrize(("answer", "code"), [("Invalid account", 1), ("no number here", 0)])
def test_a_refused_script_is_reported(
    answer: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_command(tmp_path, "sbatch", answer, code)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ClusterError, match=f"sbatch gave {code}: {answer}"):
        scripts.submit(load_batch(FILES["slurm"]), "the script")


def test_a_machine_without_the_batch_system_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match=r"sbatch cannot be run here.*submit from a login node"):
        scripts.submit(load_batch(FILES["slurm"]), "the script")


def test_the_shipped_dask_configuration_is_the_one_in_use() -> None:
    assert yaml.safe_load((FOLDER / "dask.yaml").read_text()) == batch.DASK


def test_the_kubernetes_manifest_has_what_the_operator_reads() -> None:
    documents = list(yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text()))
    kinds = {d["kind"]: d for d in documents}
    cluster = kinds["DaskCluster"]
    assert cluster["apiVersion"] == "kubernetes.dask.org/v1"
    assert cluster["spec"].keys() == {"worker", "scheduler"}
    worker, scheduler = (cluster["spec"][k]["spec"]["containers"][0] for k in ("worker", "scheduler"))
    assert isinstance(cluster["spec"]["worker"]["replicas"], int)
    arguments = worker["args"]
    assert arguments[arguments.index("--name") + 1] == "$(DASK_WORKER_NAME)"
    assert arguments[arguments.index("--nthreads") + 1] == "1"
    service = cluster["spec"]["scheduler"]["service"]
    named = {port["name"] for port in scheduler["ports"]}
    assert {port["targetPort"] for port in service["ports"]} == named == {"tcp-comm", "http-dashboard"}
    name = cluster["metadata"]["name"]
    assert service["selector"] == {"dask.org/cluster-name": name, "dask.org/component": "scheduler"}
    client = kinds["Job"]["spec"]["template"]
    assert f"tcp://{name}-scheduler:8786" in client["spec"]["containers"][0]["args"]
    allowed = kinds["NetworkPolicy"]["spec"]["ingress"][0]["from"]
    assert {"podSelector": {"matchLabels": client["metadata"]["labels"]}} in allowed


def test_kubernetes_accepts_the_manifest_and_the_pods_that_the_operator_makes_of_it() -> None:
    version = kubernetes_validate.latest_version()
    documents = {d["kind"]: d for d in yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())}
    parts = documents.pop("DaskCluster")["spec"]
    core = {"apiVersion": "v1", "metadata": {"name": "x"}}
    pods = [core | {"kind": "Pod", "spec": parts[part]["spec"]} for part in ("scheduler", "worker")]
    service = core | {"kind": "Service", "spec": parts["scheduler"]["service"]}
    for document in (*documents.values(), *pods, service):
        kubernetes_validate.validate(document, version, strict=True)
        document["spec"]["unknown"] = 1
        with pytest.raises(kubernetes_validate.ValidationError, match="unknown"):
            kubernetes_validate.validate(document, version, strict=True)


def test_the_kubernetes_arguments_are_ones_that_the_commands_have() -> None:
    from distributed.cli.dask_worker import main as dask_worker

    from reprocess.cli.run import run

    documents = {d["kind"]: d for d in yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())}
    worker = documents["DaskCluster"]["spec"]["worker"]["spec"]["containers"][0]["args"]
    dask_worker.make_context("worker", worker[2:])
    client = documents["Job"]["spec"]["template"]["spec"]["containers"][0]["args"]
    run.make_context("run", client[2:])


@pytest.mark.parametrize("name", ["Dockerfile", "apptainer.def"])
def test_container_recipes_set_the_environment_and_copy_files_that_exist(name: str) -> None:
    text = (FOLDER / name).read_text()
    for variable, value in batch.ENVIRONMENT.items():
        assert f"{variable}={value}" in text
    for path in ("pyproject.toml", "README.md", "LICENSE", "reprocess", "models", "cluster/dask.yaml"):
        assert path in text
        assert (FOLDER.parent / path).exists()


def test_settings_have_the_defaults_that_the_documents_say() -> None:
    known = Batch(Path("/x.yaml"), "slurm", {"cores": 1, "memory": "1GB"})
    assert (known.jobs, known.tls, known.dashboard) == (1, True, "127.0.0.1:8787")
