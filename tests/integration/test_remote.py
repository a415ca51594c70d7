"""`run` on archives that are elsewhere: a web server that misbehaves, and S3."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprocess.classifier.bundle import Bundle
from reprocess.sources.listing import list_archive
from tests.support import fake
from tests.support.command import records, reprocess, tree
from tests.support.web import Fault, NoaaServer

ONE = ("--workers", 1)
ALONE = ("--partition", "1/1")
OPTIONS = ("--model", "random", *ONE)

# A server's own pause of 0 s takes the place of the growing ones, so that tests need not wait.
AT_ONCE = {"Retry-After": "0"}


@pytest.fixture
def server(fake_archive: Path, random_model: Bundle, tmp_path: Path) -> Iterator[NoaaServer]:
    with NoaaServer(Path(shutil.copytree(fake_archive, tmp_path / "archive"))) as running:
        yield running


def name_of(satellite: str, date: str) -> str:
    return fake.granule_path(Path(), satellite, date).name


def state_of(work: Path, code: int) -> dict:
    return json.loads(reprocess("status", work, "--json", code=code).stdout)["ingest"]


def test_faults_are_waited_out_or_named_and_mended_by_the_next_run(
    server: NoaaServer, tmp_path: Path
) -> None:
    reprocess("ingest", server.url, tmp_path / "undisturbed", *ALONE)
    server.requests.clear()
    first, second, third, fourth = (name_of(*day) for day in fake.DAYS)
    server.faults = {
        first: [Fault(status=503, headers=AT_ONCE), Fault(status=429, headers=AT_ONCE), Fault(missing=500)],
        second: [Fault(status=503, headers=AT_ONCE)] * 99,
        third: [Fault(status=404)],
        fourth: [Fault(body=b"<html>Sorry</html>", headers=AT_ONCE)] * 99,
    }
    done = reprocess("ingest", server.url, tmp_path / "w", *ALONE, code=4)
    assert "deferred by reason: 1 not_found, 1 not_the_file, 1 server_error\n" in done.stdout
    assert "  deferred noaa18 2019-10-25: server_error (" in done.stdout
    assert "noaa18: 1 of 3 satellite-days ingested" in done.stdout
    assert "0 missing, 2 deferred" in done.stdout
    state = state_of(tmp_path / "w", 4)
    assert {(d["date"], d["reason"]) for d in state["deferred"]} == {
        ("2019-10-25", "server_error"),
        ("2019-12-01", "not_found"),
        ("2019-10-24", "not_the_file"),
    }
    assert state["quarantined"] == []
    assert [server.asked(name) for name in (first, second, third)] == [4, 5, 1]
    server.faults = {}
    server.requests.clear()
    reprocess("ingest", server.url, tmp_path / "w", *ALONE)
    assert [server.asked(name) for name in (first, second, third, fourth)] == [0, 1, 1, 1]
    assert tree(tmp_path / "w") == tree(tmp_path / "undisturbed")


def test_new_grown_and_replaced_days_are_read_again_and_no_others(server: NoaaServer, tmp_path: Path) -> None:
    reprocess("ingest", server.url, tmp_path / "w", *ALONE)
    before = records(tmp_path / "w")
    server.requests.clear()
    reprocess("ingest", server.url, tmp_path / "w", *ALONE)
    assert records(tmp_path / "w") == before
    assert not any(path.endswith(".nc") for _, path in server.requests)

    grown = fake.granule_path(server.root, "noaa18", "2019-10-25")
    fake.write_granule(grown, fake.variables("noaa18", "2019-10-25", n=900))
    replaced = fake.granule_path(server.root, "metop01", "2019-10-24")
    os.utime(replaced, (1_600_000_000, 1_600_000_000))
    new = fake.granule_path(server.root, "noaa18", "2019-10-26")
    fake.write_granule(new, fake.variables("noaa18", "2019-10-26"))
    reprocess("ingest", server.url, tmp_path / "w", *ALONE)
    asked = {path.rsplit("/", 1)[-1] for _, path in server.requests if path.endswith(".nc")}
    assert asked == {grown.name, replaced.name, new.name}
    reprocess("ingest", server.url, tmp_path / "fresh", *ALONE)
    assert tree(tmp_path / "w") == tree(tmp_path / "fresh")


def test_day_that_vanishes_is_reported_and_kept(server: NoaaServer, tmp_path: Path) -> None:
    reprocess("ingest", server.url, tmp_path / "w", *ALONE)
    before = tree(tmp_path / "w")
    path = fake.granule_path(server.root, "noaa18", "2019-12-01")
    content, at = path.read_bytes(), path.stat().st_mtime
    path.unlink()
    done = reprocess("ingest", server.url, tmp_path / "w", *ALONE)
    assert f"no longer in the archive: noaa18 2019-12-01 {server.url}2019/noaa18/{path.name}" in done.stderr
    assert "vanished noaa18 2019-12-01: what was read is kept" in done.stdout
    assert "vanished noaa18 2019-12-01" in reprocess("status", tmp_path / "w").stdout
    after = tree(tmp_path / "w")
    assert after.pop("ledger/vanished.csv")
    assert after == before
    path.write_bytes(content)
    os.utime(path, (at, at))
    assert "vanished" not in reprocess("ingest", server.url, tmp_path / "w", *ALONE).stdout
    assert tree(tmp_path / "w") == before


def test_day_that_vanishes_before_it_was_read_is_lost_not_forgotten(
    server: NoaaServer, tmp_path: Path
) -> None:
    name = name_of("noaa18", "2019-12-01")
    server.faults[name] = [Fault(status=404)]
    reprocess("ingest", server.url, tmp_path / "w", *ALONE, code=4)
    fake.granule_path(server.root, "noaa18", "2019-12-01").unlink()
    done = reprocess("ingest", server.url, tmp_path / "w", *ALONE, code=3)
    assert "vanished noaa18 2019-12-01: lost, it was never read" in done.stdout
    assert "1 lost" in done.stdout
    reprocess("status", tmp_path / "w", code=3)


def test_workers_share_the_connections(server: NoaaServer, tmp_path: Path) -> None:
    server.linger = 0.5
    reprocess("ingest", server.url, tmp_path / "w", "--workers", 3, "--connections", 1)
    assert server.busiest == 1
    assert sum(path.endswith(".nc") for _, path in server.requests) == len(fake.DAYS)


@pytest.fixture
def bucket(fake_archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """An S3 server with the fake archive in a bucket: its address and the archive's."""
    import boto3
    from moto.server import ThreadedMotoServer

    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "testing")
    running = ThreadedMotoServer("127.0.0.1", port=0)
    running.start()
    endpoint = "http://{}:{}".format(*running.get_host_and_port())
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket="noaa")
    for path in fake_archive.rglob("*.nc"):
        client.put_object(
            Bucket="noaa",
            Key=f"l1b/{path.relative_to(fake_archive)}",
            Body=path.read_bytes(),
            ACL="public-read",
        )
    client.put_object(Bucket="noaa", Key="l1b/2019/noaa18/", Body=b"")  # as consoles make folders
    client.close()
    yield endpoint, "s3://noaa/l1b"
    running.stop()


def test_archive_in_s3_is_read_like_a_folder(
    bucket: tuple[str, str], fake_archive: Path, tmp_path: Path
) -> None:
    endpoint, url = bucket
    storage = ("--storage-option", f"endpoint_url={endpoint}", "--storage-option", "anon=true")
    reprocess("ingest", url, tmp_path / "w", *ALONE, *storage)
    reprocess("ingest", fake_archive, tmp_path / "local", *ALONE)
    assert tree(tmp_path / "w" / "archive.zarr") == tree(tmp_path / "local" / "archive.zarr")
    before = records(tmp_path / "w")
    reprocess("ingest", url, tmp_path / "w", *ALONE, *storage)
    assert records(tmp_path / "w") == before


def test_replaced_object_is_read_again_by_its_etag_and_a_gone_one_deferred(
    bucket: tuple[str, str], tmp_path: Path
) -> None:
    import boto3

    from reprocess.ingest.stage import plan_ingest
    from reprocess.work.paths import Work

    endpoint, url = bucket
    storage = {"endpoint_url": endpoint}
    words = ("--storage-option", f"endpoint_url={endpoint}")
    reprocess("ingest", url, tmp_path / "w", *ALONE, *words)
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    path = fake.write_granule(tmp_path / "new.nc", fake.variables("metop01", "2019-10-24", n=700))
    key = f"l1b/2019/metop01/{name_of('metop01', '2019-10-24')}"
    client.put_object(Bucket="noaa", Key=key, Body=path.read_bytes())
    work = Work(tmp_path / "w")
    (plan,) = plan_ingest(work, list_archive(url, storage=storage).granules, storage)
    assert [g.date.isoformat() for g in plan.granules] == ["2019-10-24"]
    client.delete_object(Bucket="noaa", Key=key)
    client.close()

    from reprocess.ingest.block import ingest_block

    record = ingest_block(plan)
    assert record["deferred"]["2019-10-24"]["reason"] == "not_found"
    assert record["days"]["2019-10-24"]["records"] == 400


def test_private_bucket_is_refused_with_the_remedy(
    bucket: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endpoint, url = bucket
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(key)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    done = reprocess("plan", url, "--storage-option", f"endpoint_url={endpoint}", code=2)
    assert "for a public bucket use --storage-option anon=true" in done.stderr


def test_plan_predicts_files_exactly_and_disk_within_a_factor_of_two(
    random_model: Bundle, tmp_path: Path
) -> None:
    archive, work = tmp_path / "a", tmp_path / "w"
    reprocess("simulate", archive, "--satellite", "noaa18,metop03", "--start", "2020-02-29", "--days", 2)
    without, kept = (
        json.loads(reprocess("plan", archive, "--json", *extra).stdout)["predicted"]
        for extra in ((), ("--classes",))
    )
    reprocess("run", archive, work, *OPTIONS, "--classes")
    sizes = {path: path.stat().st_size for path in work.rglob("*") if path.is_file()}
    others = {path: size for path, size in sizes.items() if "classes.zarr" not in path.parts}
    assert (kept["files"], without["files"]) == (len(sizes), len(others))
    assert 0.5 < kept["disk_bytes"] / sum(sizes.values()) < 2
    assert 0.5 < without["disk_bytes"] / sum(others.values()) < 2
    counts = state_of(work, 0)["satellites"]
    assert 0.5 < kept["records"] / sum(c["records"] for c in counts.values()) < 2
