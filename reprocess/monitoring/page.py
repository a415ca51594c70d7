"""The page of a run on the Dask dashboard, drawn by Bokeh.

Text on it comes from file names and error messages and is escaped.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import (
    ColorBar,
    ColumnDataSource,
    DatetimeTickFormatter,
    Div,
    FixedTicker,
    HoverTool,
    Label,
    LinearColorMapper,
    Range1d,
    UIElement,
)
from bokeh.palettes import Viridis256
from bokeh.plotting import figure

from reprocess.monitoring.board import GRID, NOT_USABLE, STATES, Board, Stage, duration
from reprocess.pages.words import counted
from reprocess.schema import EVENT_CLASSES, SATELLITES, block_days, day_date

MIN_DWELL_S = 600
"""Bins observed for less get no rate, as on the map that `reprocess map` makes by default."""

_COLOURS = dict(  # none relies on red and green
    zip(STATES, ("#08519c", "#9ecae1", "#fe9929", "#fee391", "#525252", "#cb181d", "#e3e3e3"), strict=True)
)
_UNKNOWN = "#d0d0d0"
_LINES = {"ingest": "#6baed6", "detect": "#08519c", "evaluate": "#54278f"}
_ROWS = 200  # of a table; a browser need not hold thousands

_HEAD = (
    "<style>.title{{font-size:13px}} .numbers{{display:flex;flex-wrap:wrap;gap:4px 28px;margin-top:6px}}"
    ".number{{font-size:19px;font-weight:600;white-space:nowrap}}"
    ".caption{{font-size:11px;color:#555;white-space:nowrap}}</style>"
    "<div class=title>{title} &mdash; <b>{standing}</b></div><div class=numbers>{numbers}</div>"
)
_TABLE = (
    "<style>table{{border-collapse:collapse;font-size:12px;width:100%}}"
    "th{{text-align:left;color:#555;font-weight:normal}}"
    "td,th{{padding:1px 8px 1px 0;vertical-align:top;overflow-wrap:anywhere}}"
    "td:not(:last-child){{white-space:nowrap}}</style>{}"
)


class BoardPage:
    """One view of a board; `update` brings it up to date."""

    def __init__(self, board: Board, workers: Callable[[], int], clock: Callable[[], float]) -> None:
        self._board, self._workers, self._clock = board, workers, clock
        self._version = -1
        self._title = self._numbers = ""
        self._head = Div(name="head", sizing_mode="stretch_width")
        self._progress = _Progress()
        self._pace = _Pace()
        self._dials = {
            name: _Dial(f"map_{name}", f"{name} events per hour observed") for name in EVENT_CLASSES
        }
        self._dwell = _Dial("map_dwell", "time observed (hours)")
        self._note = Div(name="map_note", sizing_mode="stretch_width")
        self._failures, self._not_usable = (
            Div(name=name, sizing_mode="stretch_width", height=190, styles={"overflow-y": "auto"})
            for name in ("failures", "left_out")
        )
        maps = row(*(d.figure for d in (*self._dials.values(), self._dwell)))
        self.root: UIElement = column(
            self._head,
            row(self._progress.figure, self._pace.figure, sizing_mode="stretch_width"),
            row(
                column(maps, self._note),
                column(self._failures, self._not_usable, sizing_mode="stretch_width"),
                sizing_mode="stretch_width",
            ),
            sizing_mode="stretch_width",
            styles={"padding": "0 12px"},
        )

    def update(self) -> None:
        """Show the board as it is now."""
        if self._board.facts and self._board.version != self._version:
            self._version = self._board.version
            self._redraw()
        self._head.text = _HEAD.format(
            title=self._title, numbers=self._numbers,
            standing=escape(_standing(self._board, self._workers(), self._clock() - self._board.since)),
        )  # fmt: skip

    def _redraw(self) -> None:
        """Show what messages have changed."""
        self._title, self._numbers = _title(self._board), _numbers(self._board)
        self._progress.update(self._board)
        self._pace.update(list(self._board.stages.values()))
        counts, dwell = self._board.maps()
        hours = dwell / 3600
        rates = counts / np.where(dwell >= MIN_DWELL_S, hours, np.nan)
        for dial, events, rate in zip(self._dials.values(), counts, rates, strict=True):
            dial.update(rate, events, hours)
        self._dwell.update(np.where(dwell > 0, hours, np.nan), counts.sum(axis=0), hours)
        self._note.text = _map_note(self._board)
        _set(self._failures, _failures(self._board))
        _set(self._not_usable, _not_usable(self._board))


class _Progress:
    """Days of each satellite and month by what became of them, as bars that fill up."""

    def __init__(self) -> None:
        columns = ("satellite", "month", "planned", "left", "right", *STATES)
        edges = [f"{state}_{edge}" for state in STATES for edge in ("bottom", "top")]
        self.source = ColumnDataSource({name: [] for name in (*columns, *edges)}, name="progress")
        self.figure = figure(
            height=270, sizing_mode="stretch_width", x_axis_type="datetime", toolbar_location=None, tools="",
            x_range=Range1d(0, 1), y_range=Range1d(-0.5, 0.5), title="Satellite-days by month",
        )  # fmt: skip
        for state, colour in _COLOURS.items():
            self.figure.quad(
                left="left", right="right", bottom=f"{state}_bottom", top=f"{state}_top", source=self.source,
                fill_color=colour, line_color=None, legend_label=state,
            )  # fmt: skip
        tips = [("", "@satellite @month"), ("asked for", "@planned"), *((s.label, f"@{s}") for s in STATES)]
        self.figure.add_tools(HoverTool(tooltips=tips))
        self.figure.add_layout(self.figure.legend[0], "right")
        self.figure.legend[0].border_line_color = None
        self.figure.xaxis.formatter = DatetimeTickFormatter(days="%d %b %Y", months="%b %Y", years="%Y")
        self.figure.xaxis.axis_label = "month"
        self.figure.yaxis.axis_label = "satellite"
        self.figure.grid.visible = False

    def update(self, board: Board) -> None:
        months = board.by_month()
        order = {name: i for i, name in enumerate(s for s in SATELLITES if any(k[0] == s for k in months))}
        rows: dict[str, list[object]] = {name: [] for name in self.source.data}
        for (satellite, month), counts in months.items():
            first = np.datetime64(month, "M")
            left, right = first.astype("datetime64[ms]"), (first + 1).astype("datetime64[ms]")
            fixed = {
                "satellite": SATELLITES[satellite].name, "month": month, "planned": counts["planned"],
                "left": left, "right": right - np.timedelta64(1, "D"),  # a gap between months
            }  # fmt: skip
            bottom = len(order) - 1 - order[satellite] - 0.4
            for state in STATES:
                top = bottom + 0.8 * counts[state] / counts["planned"]
                fixed |= {state: counts[state], f"{state}_bottom": bottom, f"{state}_top": top}
                bottom = top
            for name, value in fixed.items():
                rows[name].append(value)
        self.source.data = rows
        if months:
            self._rescale(rows, order)

    def _rescale(self, rows: dict[str, list[object]], order: dict[str, int]) -> None:
        self.figure.x_range.update(start=min(rows["left"]), end=max(rows["right"]))  # type: ignore[type-var]
        self.figure.y_range.update(start=-0.5, end=len(order) - 0.5)
        places = {len(order) - 1 - i: SATELLITES[name].name for name, i in order.items()}
        self.figure.yaxis.ticker = FixedTicker(ticks=sorted(places))
        self.figure.yaxis.major_label_overrides = places


class _Pace:
    """Satellite-days done against time, one line per stage."""

    def __init__(self) -> None:
        self.figure = figure(
            height=270, width=420, toolbar_location=None, tools="", title="Satellite-days done in this job",
            x_axis_label="minutes since the stage began", y_axis_label="satellite-days",
            x_range=Range1d(0, 1), y_range=Range1d(0, 1),
        )  # fmt: skip
        self.sources = {}
        for stage, colour in _LINES.items():
            self.sources[stage] = ColumnDataSource({"minutes": [], "days": []}, name=f"pace_{stage}")
            self.figure.step(
                "minutes", "days", source=self.sources[stage], mode="after", color=colour, line_width=2,
                legend_label=stage,
            )  # fmt: skip
        self.figure.legend[0].location = "bottom_right"
        self.figure.legend[0].background_fill_alpha = 0.7

    def update(self, stages: Sequence[Stage]) -> None:
        for stage in stages:
            if stage.name in self.sources:
                minutes, days = [s[0] / 60 for s in stage.samples], [s[1] for s in stage.samples]
                self.sources[stage.name].data = {"minutes": minutes, "days": days}
        for item, name in zip(self.figure.legend[0].items, self.sources, strict=True):
            item.visible = any(s.name == name for s in stages)
        self.figure.y_range.end = 1.05 * max([1, *(s.days for s in stages)])
        self.figure.x_range.end = max([0.5, *(1.05 * s.samples[-1][0] / 60 for s in stages)])


class _Dial:
    """A quantity by L and MLT: noon up, dusk left, dawn right, as the field draws it."""

    def __init__(self, name: str, title: str) -> None:
        edges, hours = GRID.L_edges, GRID.MLT_edges
        i, j = np.indices(GRID.shape).reshape(2, -1)
        self.source = ColumnDataSource(
            {
                "inner": edges[i], "outer": edges[i + 1],
                "start": _angle(hours[j]), "end": _angle(hours[j + 1]),
                "L": [f"{edges[k]:g}-{edges[k + 1]:g}" for k in i],
                "MLT": [f"{hours[k]:02g}-{hours[k + 1]:02g} h" for k in j],
                "value": np.full(i.size, np.nan), "events": np.zeros(i.size), "hours": np.zeros(i.size),
            },
            name=name,
        )  # fmt: skip
        self._mapper = LinearColorMapper(Viridis256, low=0, high=1, nan_color=_UNKNOWN)
        limit = edges[-1] * 1.16
        self.figure = figure(
            width=300, height=370, x_range=Range1d(-limit, limit), y_range=Range1d(-limit, limit),
            toolbar_location=None, tools="", title=title,
        )  # fmt: skip
        self.figure.annular_wedge(
            0, 0, "inner", "outer", "start", "end", source=self.source, line_color=None,
            fill_color={"field": "value", "transform": self._mapper},
        )  # fmt: skip
        tips = [("L", "@L"), ("MLT", "@MLT"), ("events", "@events"), ("observed", "@hours{0.0} h"),
                ("", "@value{0.00}")]  # fmt: skip
        self.figure.add_tools(HoverTool(tooltips=tips))
        self._decorate(edges)
        bar = ColorBar(color_mapper=self._mapper, height=10, width=220, padding=0, location="center")
        self.figure.add_layout(bar, "below")

    def update(self, values: np.ndarray, events: np.ndarray, hours: np.ndarray) -> None:
        flat = {"value": values, "events": events, "hours": hours}
        self.source.data = dict(self.source.data) | {name: x.ravel() for name, x in flat.items()}
        known = values[np.isfinite(values)]
        self._mapper.high = float(known.max()) if known.any() else 1.0

    def _decorate(self, edges: np.ndarray) -> None:
        plot = self.figure
        plot.axis.visible, plot.grid.visible, plot.outline_line_color = False, False, None
        rings = [ring for ring in np.arange(np.ceil(edges[0]), edges[-1]) if ring % 2 == 0]
        plot.circle(0, 0, radius=rings, fill_color=None, line_color="#ffffff", line_width=0.7, line_alpha=0.7)
        plot.wedge(0, 0, 1, 0, np.pi, fill_color="white", line_color="black")  # Earth: day above
        plot.wedge(0, 0, 1, np.pi, 2 * np.pi, fill_color="black", line_color="black")
        text = {"text_font_size": "11px", "text_align": "center", "text_baseline": "middle"}
        for hour in (0, 6, 12, 18):
            x, y = (1.08 * edges[-1] * f(_angle(hour)) for f in (np.cos, np.sin))
            plot.add_layout(Label(x=x, y=y, text="12 MLT" if hour == 12 else f"{hour:02d}", **text))
        for ring in rings:
            place = _angle(13.5)
            x, y = ring * np.cos(place), ring * np.sin(place)
            small = text | {"text_font_size": "9px", "background_fill_color": "white"}
            plot.add_layout(Label(x=x, y=y, text=f"L {ring:g}", background_fill_alpha=0.6, **small))


def _angle(hours: float | np.ndarray) -> float | np.ndarray:
    """Return the mathematical angle of an MLT on the dial, in radians."""
    return (hours - 6) * np.pi / 12


def _title(board: Board) -> str:
    """Return what the job is."""
    facts = board.facts
    what = f"run <b>{escape(facts['run'])}</b>" if facts["run"] else "the archive"
    made = ", ".join(escape(facts[key]) for key in ("model", "mode", "engine") if facts[key])
    return f"{what} in {escape(facts['work'])}" + (f" ({made})" if made else "")


def _numbers(board: Board) -> str:
    """Return the numbers to see first, each above what it is."""
    days, classifies = board.days(), bool(board.facts["run"])
    stage = next(reversed(board.stages.values()), None)
    numbers = [
        (f"{board.ingested():,} of {days['planned']:,}", "satellite-days ingested"),
        *([(f"{days['classified']:,}", "classified")] if classifies else []),
        *((f"{days[state]:,}", state) for state in NOT_USABLE if days[state] or state == "quarantined"),
        (f"{board.records():,}", "records"),
        *((f"{count:,}", f"{name} events") for name, count in board.events().items() if classifies),
        (f"{len(board.failures()):,}", "failed blocks"),
        *(_stage_numbers(stage) if stage else ()),
    ]
    return "".join(
        f"<div><div class=number>{n}</div><div class=caption>{what}</div></div>" for n, what in numbers
    )


def _standing(board: Board, workers: int, quiet_s: float) -> str:
    """Say in one sentence what is going on."""
    stage = next(reversed(board.stages.values()), None)
    if not board.facts:
        return "no run of reprocess has begun on this scheduler"
    if board.ending:
        return board.ending
    if stage is None:
        return "beginning"
    text = f"{stage.name}: {stage.ended} of {stage.blocks} blocks ended"
    if stage.ended < stage.blocks:
        there = f"{counted(workers, 'worker')}" if workers else "no worker is here"
        text += f"; {there}; last news {duration(quiet_s)} ago"
    return text


def _stage_numbers(stage: Stage) -> list[tuple[str, str]]:
    rate, left = stage.rate(), stage.time_left()
    speed = [(f"{rate[0]:.3g}", "satellite-days/s")] if rate else []
    speed += [(f"{rate[1]:,.0f}", "records/s")] if rate and rate[1] else []  # stages after detect count none
    return [*speed, (duration(left) if left is not None else "not known yet", f"left of {stage.name}")]


def _map_note(board: Board) -> str:
    """Say what is on the map and what is not."""
    if not board.facts.get("run"):
        return "This job is not about one run: no events, no map."
    off = board.off_map()
    text = f"Grey: observed for under {MIN_DWELL_S // 60} minutes (rates), not at all (time). "
    text += f"Events off the map (L outside it, or not measured at the peak): {off:,}." if off else ""
    unread = board.unread()
    if unread:
        text += f" <b>Classified blocks not on the map: {len(unread):,}</b>. {escape(unread[0])}"
    return f"<span style='font-size:11px;color:#555'>{text}</span>"


def _failures(board: Board) -> str:
    """Return the table of failed blocks."""
    rows = [
        (SATELLITES[satellite].name, f"{day_date(block_days(block)[0])}", stage, reason)
        for satellite, block, stage, reason in board.failures()
    ]
    return f"<b>Failed blocks: {len(rows):,}</b>" + _table(
        ("satellite", "block from", "stage", "reason"), rows
    )


def _not_usable(board: Board) -> str:
    """Return the table of days that could not be read."""
    rows = [(SATELLITES[satellite].name, *rest) for satellite, *rest in board.left_out()]
    reasons = sorted(Counter(f"{state}: {reason}" for _, _, state, reason, _ in rows).items())
    tally = escape("; ".join(f"{count:,} {reason}" for reason, count in reasons))
    head = f"<b>Days left out: {len(rows):,}</b><div>{tally}</div>"
    return head + _table(("satellite", "day", "", "reason", "detail"), rows)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return "<div style='color:#555'>none</div>"
    cells = "".join("<tr>" + "".join(f"<td>{escape(x)}</td>" for x in one) + "</tr>" for one in rows[:_ROWS])
    more = f"<div>and {len(rows) - _ROWS:,} more: reprocess status WORK</div>" if len(rows) > _ROWS else ""
    head = "".join(f"<th>{escape(x)}</th>" for x in heads)
    return _TABLE.format(f"<table><tr>{head}</tr>{cells}</table>{more}")


def _set(div: Div, text: str) -> None:
    """Replace a text if it has changed: a browser scrolls back to the top."""
    if div.text != text:
        div.text = text
