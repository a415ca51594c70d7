"""Plots of an evaluation and of a training."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reprocess import schema
from reprocess.evaluation.matching import NOT_OBSERVED, OUTCOMES
from reprocess.evaluation.tally import SCOPES, Tally
from reprocess.pages.style import new_figure, png, style
from reprocess.pages.words import counted

_COLOURS = {"none": "0.45", "REP": "#0072b2", "CSS": "#d55e00"}
_OUTCOME_COLOURS = {"matched": "#009e73", "confused": "#e69f00", "missed": "0.75", NOT_OBSERVED: "0.92"}
_STYLE: dict[Any, Any] = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False}
_PROPERTIES = {
    "peak_counts": "largest E4 at 0° (counts s⁻¹)",
    "width_L": "width in L",
    "L": "L at the peak",
    "MLT": "MLT at the peak (h)",
}


@contextmanager
def _style() -> Iterator[None]:
    with style(), mpl.rc_context(_STYLE):
        yield


def draw_confusion(tally: Tally, given: str = "true") -> bytes:
    """Return a PNG of the confusion matrix of each set of windows; classes are called what is `given`."""
    with _style():
        figure, axes = _figure(3, (11.0, 3.4))
        for axis, scope, counts in zip(axes, SCOPES, tally.confusion, strict=True):
            _matrix(axis, counts, given)
            axis.set_title(f"{scope}, {counted(int(counts.sum()), 'window')}")
        return png(figure)


def draw_curves(tally: Tally) -> bytes:
    """Return a PNG of the ROC and precision-recall curves of windows near events."""
    with _style():
        figure, (left, right) = _figure(2, (8.6, 3.6))
        for name, counts in zip(schema.CLASSES, tally.scores[0], strict=True):
            above = counts[::-1].cumsum(axis=0)  # windows at least this probable, from the top
            false, true = above.T
            if not false[-1] or not true[-1]:
                continue
            left.plot(false / false[-1], true / true[-1], color=_COLOURS[name], label=name)
            used = (false + true) > 0
            right.plot(
                true[used] / true[-1], true[used] / (true + false)[used], color=_COLOURS[name], label=name
            )
        left.set(xscale="log", xlim=(1e-4, 1), xlabel="false positive rate", ylabel="true positive rate")
        left.set_title("ROC, windows near events")
        right.set(xlim=(0, 1), xlabel="recall", ylabel="precision")
        right.set_title("precision and recall, windows near events")
        for axis in (left, right):
            axis.set_ylim(0, 1.01)
            if axis.lines:
                axis.legend(loc="lower left" if axis is right else "lower right")
        return png(figure)


def draw_reliability(scores: dict[str, Any]) -> bytes:
    """Return a PNG of the share of true windows against the probability given to them."""
    with _style():
        figure, axes = _figure(3, (11.0, 3.4))
        for axis, scope in zip(axes, SCOPES, strict=True):
            axis.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle="--")
            for name, rows in scores["windows"][scope]["reliability"].items():
                x, y = ([row[k] for row in rows] for k in ("mean_probability", "true_share"))
                axis.plot(x, y, "o-", color=_COLOURS[name], markersize=4, label=name)
            axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="mean probability", ylabel="share that is true")
            axis.set_title(f"reliability, {scope}")
            axis.legend(loc="upper left")
        return png(figure)


def draw_recall(scores: dict[str, Any], given: str = "true") -> bytes:
    """Return a PNG of what became of the `given` events, by strength, width, L and MLT."""
    with _style():
        figure, axes = _figure(4, (8.6, 6.0), rows=2)
        for axis, (name, what) in zip(axes, _PROPERTIES.items(), strict=True):
            rows = scores["events"]["recall_by"][name]
            low = np.zeros(len(rows))
            for outcome in OUTCOMES:
                counts = np.array([row[outcome] for row in rows])
                label = outcome.replace("_", " ")
                axis.bar(range(len(rows)), counts, 0.9, low, color=_OUTCOME_COLOURS[outcome], label=label)
                low = low + counts
            for i, row in enumerate(rows):
                if row["recall"] is not None:
                    share = f"{100 * row['recall']:.0f} %"
                    axis.annotate(share, (i, low[i]), (0, 1), textcoords="offset points", ha="center", size=7)
            edges = [f"{row['low']:g}" for row in rows] + [
                "∞" if rows[-1]["high"] is None else f"{rows[-1]['high']:g}"
            ]
            axis.set_xticks(np.arange(len(edges)) - 0.5, edges)
            axis.set(xlabel=what, ylabel=f"{given} events")
        axes[0].legend()
        return png(figure)


def draw_training(history: Sequence[dict[str, float]], best: int, confusion: np.ndarray) -> bytes:
    """Return a PNG of the learning curves and of the confusion matrix on the test part."""
    with _style():
        figure, axes = _figure(3, (11.0, 3.4))
        epochs = range(1, len(history) + 1)
        for axis, key in zip(axes, ("loss", "accuracy"), strict=False):
            axis.plot(epochs, [h[key] for h in history], color="0.45", label="training (with dropout)")
            axis.plot(epochs, [h[f"val_{key}"] for h in history], color="#0072b2", label="validation")
            axis.axvline(best + 1, color="0.7", linestyle="--", linewidth=1, label="weights kept")
            axis.set(xlabel="epoch", ylabel=key)
        axes[0].legend()
        _matrix(axes[2], confusion)
        axes[2].set_title(f"test part, {counted(int(confusion.sum()), 'window')}")
        return png(figure)


def _matrix(axis: Axes, counts: np.ndarray, given: str = "true") -> None:
    """Draw a confusion matrix: shares of the true class as shade and number, counts below."""
    with np.errstate(invalid="ignore"):
        share = counts / counts.sum(axis=1, keepdims=True)
    axis.imshow(share, vmin=0, vmax=1, cmap="Blues")
    for (i, j), value in np.ndenumerate(share):
        text = f"{100 * value:.1f} %\n{counts[i, j]:,}" if counts[i].sum() else "none"
        axis.text(j, i, text, ha="center", va="center", color="white" if value > 0.5 else "black")
    axis.set_xticks(range(len(schema.CLASSES)), schema.CLASSES)
    axis.set_yticks(range(len(schema.CLASSES)), schema.CLASSES)
    axis.set(xlabel="found", ylabel=given)


def _figure(count: int, size: tuple[float, float], rows: int = 1) -> tuple[Figure, list[Axes]]:
    figure = new_figure(*size)
    figure.set_layout_engine("constrained")
    return figure, list(np.ravel(figure.subplots(rows, count // rows)))
