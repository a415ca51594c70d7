"""The page of a run on the Dask dashboard, and its Prometheus metrics: what a scheduler shows.

Runs within the scheduler, which learns all of it from events of the topic `TOPIC`; nothing is read
from disk. The page joins Dask's own pages on their server, the metrics those on ``/metrics``.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import prometheus_client
from bokeh.document import Document
from distributed.diagnostics.plugin import SchedulerPlugin
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from reprocess.monitoring.board import STATES, Board
from reprocess.monitoring.page import BoardPage

TOPIC = "reprocess"
"""Topic of the events that carry a board's messages."""

PATH = "/reprocess"
"""Where the page is, beside Dask's ``/status``."""

_REFRESH_MS = 1000


class DashboardPlugin(SchedulerPlugin):
    """Keeps the board of the job that began last, and shows it."""

    name = TOPIC
    idempotent = True
    """A scheduler keeps the first: it has the page already."""

    def __init__(self) -> None:
        self.board = Board()
        self._metrics: Metrics | None = None

    async def start(self, scheduler: Any) -> None:
        """Add the page and the metrics to the scheduler's HTTP server."""
        self._metrics = Metrics(self.board)
        prometheus_client.REGISTRY.register(self._metrics)
        if scheduler.http_application.applications:  # it shows Dask's own pages
            _add_page(scheduler, self.board)

    def log_event(self, topic: str, msg: Any) -> None:
        """Take in a message."""
        if topic == TOPIC:
            self.board.apply(msg, time.monotonic())

    def remove_client(self, scheduler: Any, client: str) -> None:
        """Note that the command which drives the job has gone."""
        del scheduler
        if client == self.board.facts.get("client") and not self.board.ending:
            how = "stopped: the command that drives it has gone; give it again to go on"
            self.board.apply({"kind": "end", "job": self.board.facts["job"], "how": how}, time.monotonic())

    async def close(self) -> None:
        """Withdraw the metrics, which belong to the process."""
        if self._metrics is not None:
            prometheus_client.REGISTRY.unregister(self._metrics)


def _add_page(scheduler: Any, board: Board) -> None:
    """Serve the page beside Dask's, with an entry in the menu of all of them."""
    from distributed.dashboard.components.scheduler import env
    from distributed.dashboard.core import BokehApplication
    from distributed.dashboard.scheduler import template_variables
    from tornado.ioloop import IOLoop

    menu = template_variables(scheduler)
    menu["pages"].append(PATH.strip("/"))

    def make(server: Any, extra: dict[str, Any], doc: Document) -> None:
        page = BoardPage(board, lambda: len(server.workers), time.monotonic)
        page.update()
        doc.title = "reprocess"
        doc.add_root(page.root)
        doc.add_periodic_callback(page.update, _REFRESH_MS)
        doc.template = env.get_template("simple.html")
        doc.template_variables.update(extra)

    served = scheduler.http_application.applications[0]
    application = BokehApplication({PATH: make}, scheduler, prefix=served.prefix, template_variables=menu)
    scheduler.http_application.add_application(application)
    application.initialize(IOLoop.current())
    application.start()


class Metrics(Collector):
    """The board as Prometheus metrics: gauges of what there is, counters of what this job did."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they are now."""
        board = self._board
        yield _family(
            GaugeMetricFamily, "reprocess_satellite_days", "Satellite-days asked for, by what became of them",
            ("state",), {(state,): board.days()[state] for state in STATES},
        )  # fmt: skip
        reasons = Counter((state, reason) for _, _, state, reason, _ in board.left_out())
        yield _family(
            GaugeMetricFamily, "reprocess_satellite_days_not_usable", "Satellite-days that could not be read",
            ("state", "reason"), reasons,
        )  # fmt: skip
        yield _family(
            GaugeMetricFamily, "reprocess_records", "Records ingested", (), {(): board.records()}
        )  # fmt: skip
        yield _family(
            GaugeMetricFamily, "reprocess_events", "Events found, by class",
            ("event_class",), {(name,): count for name, count in board.events().items()},
        )  # fmt: skip
        yield from self._of_stages()

    def _of_stages(self) -> Iterator[Metric]:
        stages = self._board.stages.values()
        yield _family(
            GaugeMetricFamily, "reprocess_stage_blocks", "Blocks of a stage of this job, done or not",
            ("stage",), {(s.name,): s.blocks for s in stages},
        )  # fmt: skip
        yield _family(
            CounterMetricFamily, "reprocess_blocks", "Blocks that ended in this job, by stage and outcome",
            ("stage", "outcome"),
            {(s.name, how): count for s in stages for how, count in
             (("done", s.ended - s.failed), ("failed", s.failed))},
        )  # fmt: skip
        yield _family(
            CounterMetricFamily, "reprocess_satellite_days_processed", "Satellite-days done in this job",
            ("stage",), {(s.name,): s.days_done for s in stages},
        )  # fmt: skip
        yield _family(
            CounterMetricFamily, "reprocess_records_processed", "Records of those satellite-days",
            ("stage",), {(s.name,): s.records_done for s in stages},
        )  # fmt: skip


def _family(kind: type, name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    family: Metric = kind(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)  # type: ignore[attr-defined]
    return family
