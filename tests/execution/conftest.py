"""Clusters of tests that run beside each other."""

from collections.abc import Iterator

import pytest

from reprocess.execution import cluster


@pytest.fixture(autouse=True, scope="session")
def any_dashboard_port() -> Iterator[None]:
    """Have each cluster take any free port for its dashboard.

    Two test processes that want the same one would meet between `_free` and listening, and Tornado
    then leaves a socket open, which is an error here. What users are told then has its own test.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cluster, "_free", lambda address: f"{address.rpartition(':')[0]}:0")
        yield
