"""Scores of an evaluation, from the counts of all blocks; areas under curves with scikit-learn."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from reprocess import schema
from reprocess.evaluation.matching import NOT_OBSERVED, match_events
from reprocess.evaluation.situations import describe, score_situations
from reprocess.evaluation.tally import EVENT_KEY, SCOPES, Tally, bin_probabilities
from reprocess.schema.granules import Granule

STRONG = 4.0
"""Counts per second in E4 above which events are strong."""

RECALL_BINS: dict[str, tuple[float, ...]] = {
    "peak_counts": (0, 2, 4, 8, 16, 32, 64, np.inf),
    "width_L": (0, 0.1, 0.2, 0.4, 0.8, np.inf),
    "L": (0, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, np.inf),
    "MLT": (0, 3, 6, 9, 12, 15, 18, 21, 24),
}
"""Edges of the bins that recall is given by; half-open."""


def score(tally: Tally, found: pd.DataFrame) -> dict[str, Any]:
    """Return everything that is measured, ready for JSON; what is undefined is None.

    Parameters
    ----------
    tally : Tally
        Sum over all blocks.
    found : pandas.DataFrame
        Event table of the run for the same satellite-days.
    """
    windows = {scope: score_windows(tally.confusion[i], tally.scores[i]) for i, scope in enumerate(SCOPES)}
    return {"satellite_days": tally.days, "windows": windows, "events": _score_events(tally, found)}


def count_unseen(events: pd.DataFrame, granules: Iterable[Granule], tally: Tally) -> int:
    """Return how many listed events begin on one of these satellite-days and have no record at all.

    They lie in data gaps; those on days that the archive does not hold were refused with the list.
    """
    dates = events["start_time"].dt.strftime("%Y-%m-%d")
    wanted = {(g.satellite, g.text) for g in granules}
    asked = np.array([key in wanted for key in zip(events["satellite"], dates, strict=True)], bool)
    seen = set(zip(*(tally.events[name] for name in EVENT_KEY), strict=True))
    keys = zip(*(events.loc[asked, name] for name in EVENT_KEY), strict=True)
    return sum(key not in seen for key in keys)


def summarise(scores: dict[str, Any], given: str = "true") -> dict[str, float | int | None]:
    """Return the main figures by name; events are those above 4 counts/s, and called what is `given`."""
    windows = {scope: scores["windows"][scope]["micro"] for scope in ("near events", "around events")}
    events = scores["events"]["above_4_counts"]["all"]
    return {
        "satellite-days": scores["satellite_days"],
        **{
            f"{scope} {name}": micro[name]
            for scope, micro in windows.items()
            for name in ("f1", "roc_auc", "pr_auc")
        },
        f"{given} events": events["true"],
        f"{given} events not observed": events[NOT_OBSERVED],
        "found events": events["found"],
        "event recall": events["recall"],
        "event precision": events["precision"],
        "event precision, either class": (
            1 - events["false_alarms"] / events["found"] if events["found"] else None
        ),
        "false alarms per day": scores["events"]["any_strength"]["all"]["false_alarms_per_day"],
    }


def score_windows(confusion: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    """Return the scores of one set of windows.

    Parameters
    ----------
    confusion : ndarray of int64, shape (3, 3)
        What `tally.count_confusion` counts.
    scores : ndarray of int64, shape (3, BINS, 2)
        What `tally.count_scores` counts.
    """
    right, true, found = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    by_class = {
        name: {
            "windows": int(true[i]),
            "precision": _share(right[i], found[i]),
            "recall": _share(right[i], true[i]),
            "f1": _share(2 * right[i], true[i] + found[i]),
            **_areas(scores[i]),
        }
        for i, name in enumerate(schema.CLASSES)
    }
    total = int(confusion.sum())
    return {
        "windows": total,
        "confusion": confusion.tolist(),
        "by_class": by_class,
        # With one class per window, micro-averaged precision, recall, F1 and accuracy are one number.
        "micro": {
            "f1": _share(right.sum(), total),
            **_areas(scores.sum(axis=0)),
        },
        "macro": {
            key: _number(float(np.mean([_nan(c[key]) for c in by_class.values()])))
            for key in ("precision", "recall", "f1", "roc_auc", "pr_auc")
        },
        "reliability": _reliability(scores),
    }


def _areas(scores: np.ndarray) -> dict[str, float | None]:
    """Return areas under both curves from counts by bin and truth, shape (BINS, 2)."""
    if (scores.sum(axis=0) == 0).any():
        return {"roc_auc": None, "pr_auc": None}
    truth = np.tile([0, 1], len(scores))
    values = np.repeat(bin_probabilities(), 2)
    used = scores.ravel() > 0
    arguments = truth[used], values[used]
    weights = scores.ravel()[used]
    return {
        "roc_auc": _number(roc_auc_score(*arguments, sample_weight=weights)),
        "pr_auc": _number(average_precision_score(*arguments, sample_weight=weights)),
    }


def _reliability(scores: np.ndarray) -> dict[str, list[dict[str, Any]]]:
    """Return, per event class and tenth of probability, the mean probability and the share that is true."""
    probability = bin_probabilities()
    tenth = np.minimum((probability * 10).astype(int), 9)
    result = {}
    for name, i in schema.EVENT_CLASSES.items():
        count = np.bincount(tenth, scores[i].sum(axis=1), minlength=10)
        hits = np.bincount(tenth, scores[i][:, 1], minlength=10)
        mass = np.bincount(tenth, scores[i].sum(axis=1) * probability, minlength=10)
        result[name] = [
            {"windows": int(n), "mean_probability": float(m / n), "true_share": float(h / n)}
            for n, m, h in zip(count, mass, hits, strict=True)
            if n
        ]
    return result


def _score_events(tally: Tally, found: pd.DataFrame) -> dict[str, Any]:
    found = found.assign(
        **{name: found[name].dt.tz_localize(None) for name in ("start_time", "stop_time")},
        peak_counts=_counts(found["max_e4_0"]),
        width_L=(found["L_max"] - found["L_min"]).astype(float).round(2),
        MLT=found["MLT"] % 24,
    )
    truth = _whole_events(tally.events)
    outcome, verdict = match_events(truth, found)
    truth, found = truth.assign(outcome=outcome), found.assign(verdict=verdict)
    strong = truth["peak_counts"] > STRONG, found["peak_counts"] > STRONG
    kinds = ("all", *schema.EVENT_CLASSES)
    return {
        "above_4_counts": {k: _summary(truth[strong[0]], found[strong[1]], k, tally.days) for k in kinds},
        "any_strength": {k: _summary(truth, found, k, tally.days) for k in kinds},
        "recall_by": {
            name: _score_by(truth, found, tally.days, name, edges) for name, edges in RECALL_BINS.items()
        },
        "by_situation": {
            "above_4_counts": score_situations(truth[strong[0]], found[strong[1]], tally.days),
            "any_strength": score_situations(truth, found, tally.days),
        },
    }


def _whole_events(parts: pd.DataFrame) -> pd.DataFrame:
    """Return one row per true event, of its strongest day, with the range of L over all its days.

    It is observed if it is on any of them.
    """
    strongest = parts.sort_values("peak_e4", ascending=False, kind="stable").drop_duplicates(EVENT_KEY)
    groups = parts.groupby(EVENT_KEY, sort=False)
    # L has two decimals in the files; their differences in single precision do not.
    width = (groups["L_max"].max() - groups["L_min"].min()).astype(float).round(2).rename("width_L")
    both = pd.concat([width, groups["observed"].max().astype(bool)], axis=1).reset_index()
    return (
        strongest.drop(columns="observed")
        .merge(both, on=EVENT_KEY)
        .assign(
            peak_counts=lambda t: _counts(t["peak_e4"]),
            MLT=lambda t: t["MLT"] % 24,  # the files have both 0 and 24
        )
    )


def _counts(flux: pd.Series) -> pd.Series:
    """Return counts per second; rounded, as two counts are stored as 363.63635 and not 363.63636."""
    return (flux.astype(float) / schema.FLUX_PER_COUNT["e4"]).round(3)


def _summary(truth: pd.DataFrame, found: pd.DataFrame, kind: str, days: int) -> dict[str, Any]:
    if kind != "all":
        truth, found = truth[truth["event_class"] == kind], found[found["event_class"] == kind]
    return describe(truth, found, days)


def _score_by(
    truth: pd.DataFrame, found: pd.DataFrame, days: int, name: str, edges: tuple[float, ...]
) -> list[dict[str, Any]]:
    """Return outcomes in bins of a property, true and found events each by their own; none without it."""
    ours, theirs = truth[name].to_numpy(float), found[name].to_numpy(float)
    rows = []
    for low, high in pairwise(edges):
        inside = truth[(ours >= low) & (ours < high)]
        by_class = {
            c: {"true": len(part), "matched": int((part["outcome"] == "matched").sum())}
            for c, part in ((c, inside[inside["event_class"] == c]) for c in schema.EVENT_CLASSES)
        }
        counts = describe(inside, found[(theirs >= low) & (theirs < high)], days)
        rows.append({"low": low, "high": None if np.isinf(high) else high, **counts, "by_class": by_class})
    return rows


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _nan(value: float | None) -> float:
    return np.nan if value is None else value
