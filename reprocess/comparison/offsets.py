"""The page of a match: counts, chance, and how far from each other what coincides is."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reprocess.pages.render import embed, render
from reprocess.pages.style import CLASS_COLOURS, LETTERS, WIDTHS_MM, inches, new_figure, png, style
from reprocess.schema import EVENT_CLASSES

_MARKERS = dict(zip(EVENT_CLASSES, ("o", "^"), strict=True))

_LISTED = 40
"""Coincidences that the page lists; the table has all."""

_HEIGHT_MM = 68.0


def draw_offsets(table: pd.DataFrame, facts: dict[str, Any]) -> bytes:
    """Return a PNG: differences in L and MLT, time apart, and what the moved lists meet.

    Parameters
    ----------
    table : pandas.DataFrame
        The columns of `schema.COINCIDENCE_COLUMNS`.
    facts : dict
        What `against.match_list` returns beside it.
    """
    found = table[table["event_class"] != ""]
    with style(LETTERS["two"]):
        figure = new_figure(inches(WIDTHS_MM["two"]), inches(_HEIGHT_MM))
        places, times, controls = figure.subplots(
            1, 3, gridspec_kw={"left": 0.07, "right": 0.985, "bottom": 0.19, "top": 0.84, "wspace": 0.34}
        )
        _draw_places(places, found, facts["windows"])
        _draw_times(times, found, facts["windows"]["minutes"])
        _draw_controls(controls, facts["counts"]["any"])
        figure.legend(*places.get_legend_handles_labels(), loc="upper right", ncols=2, frameon=False)
        for letter, ax in zip("abc", (places, times, controls), strict=True):
            ax.set_title(letter, loc="left", fontweight="bold")
        return png(figure)


def _draw_places(ax: Axes, found: pd.DataFrame, windows: dict[str, float]) -> None:
    for name, marker in _MARKERS.items():
        own = found[found["event_class"] == name]
        ax.plot(
            own["apart_MLT"], own["apart_L"], marker, mfc="none", ms=4, color=CLASS_COLOURS[name], label=name
        )
    # A little beyond the windows: what is at their edge is seen whole.
    ax.set_xlim(-1.1 * windows["MLT_h"] - 0.01, 1.1 * windows["MLT_h"] + 0.01)
    ax.set_ylim(-1.1 * windows["L"] - 0.01, 1.1 * windows["L"] + 0.01)
    ax.axhline(0, lw=0.5, color="0.7", zorder=0)
    ax.axvline(0, lw=0.5, color="0.7", zorder=0)
    ax.set_xlabel("MLT, ours - listed (h)")
    ax.set_ylabel("L, ours - listed")


def _draw_times(ax: Axes, found: pd.DataFrame, minutes: float) -> None:
    edges = np.linspace(0, max(minutes, 1 / 60), 11).tolist()
    values = [found.loc[found["event_class"] == name, "apart_s"] / 60 for name in EVENT_CLASSES]
    ax.hist(values, edges, stacked=True, color=[CLASS_COLOURS[name] for name in EVENT_CLASSES])
    ax.set_xlabel("time between them (minutes)")
    ax.set_ylabel("coincidences")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_controls(ax: Axes, count: dict[str, Any]) -> None:
    seen = [c for c in count["controls"] if c["satellite_days"]]
    ax.plot([c["shift_h"] for c in seen], [c["coincide"] for c in seen], "s", ms=3, color="0.45")
    ax.plot([0], [count["coincide"]], "*", ms=9, color="k")
    if count["expected"] is not None:
        ax.axhline(count["expected"], lw=0.8, ls="--", color="0.45")
    ax.set_ylim(0, None if count["coincide"] or any(c["coincide"] for c in seen) else 1)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("list moved by (h)")
    ax.set_ylabel("listed events that coincide")


def draw_page(table: pd.DataFrame, facts: dict[str, Any], table_name: str) -> bytes:
    """Return the page of a match; `table_name` is the file with the table, empty where there is none."""
    found = table[table["event_class"] != ""]
    return render(
        "coincidence.html",
        facts=facts,
        table_name=table_name,
        counts=[_count(name, count) for name, count in facts["counts"].items()],
        median=_medians(found),
        image=embed(draw_offsets(table, facts)),
        pairs=len(found),
        listed=[_row(row) for row in found.head(_LISTED).to_dict("records")],
        left_out=[[reason, count] for reason, count in facts["left_out"].items()],
    )


def _count(name: str, count: dict[str, Any]) -> list[str | int]:
    expected, interval = count["expected"], count["interval"]
    return [
        "any class" if name == "any" else name,
        count["coincide"],
        "not known" if expected is None else f"{expected:.1f}",
        "not given" if interval is None else f"{interval[0]:.1f} to {interval[1]:.1f}",
        "not given" if count["as_many"] is None else f"{count['as_many']:.2f}",
    ]


def _medians(found: pd.DataFrame) -> list[list[str]]:
    """Return median and middle 68 % of each offset, ours less the listed."""
    rows = []
    for name, column in (("L", "apart_L"), ("MLT (h)", "apart_MLT"), ("time apart (s)", "apart_s")):
        values = found[column].dropna().to_numpy(float)
        if values.size:
            low, middle, high = np.percentile(values, [15.87, 50, 84.13])
            rows.append([name, f"{middle:+.2f}", f"{low:+.2f} to {high:+.2f}"])
    return rows


def _row(row: dict[Any, Any]) -> list[str | int]:
    def when(time: pd.Timestamp) -> str:
        return f"{time:%Y-%m-%d %H:%M:%S}"

    places = [
        "" if np.isnan(row[name]) else f"{row[name]:.1f}"
        for name in itertools.chain(("listed_L", "listed_MLT"), ("L", "MLT"))
    ]
    return [
        str(row["line"]), row["listed_satellite"], when(row["listed_start_time"]), *places[:2],
        row["satellite"], row["event_class"], when(row["start_time"]), *places[2:], f"{row['apart_s']:.0f}",
    ]  # fmt: skip
