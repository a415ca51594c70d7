"""The page and the JSON of an evaluation."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reprocess import __version__, schema
from reprocess.classifier.bundle import Bundle
from reprocess.detect.plan import Settings
from reprocess.evaluation.figures import draw_confusion, draw_curves, draw_recall, draw_reliability
from reprocess.evaluation.matching import OUTCOMES, TOLERANCE_S
from reprocess.evaluation.scores import STRONG
from reprocess.evaluation.tally import AROUND, NEAR, SCOPES, Tally
from reprocess.files import sha256, write_atomic
from reprocess.pages.render import embed, render
from reprocess.schema.granules import Granule


def describe_evaluation(
    bundle: Bundle, settings: Settings, lists: Sequence[Path], granules: Sequence[Granule], command: str
) -> dict[str, Any]:
    """Return what was evaluated on what."""
    return {
        "model": bundle.name,
        "title": bundle.card.get("title", ""),
        "model_sha256": bundle.sha256,
        "mode": settings.mode,
        "engine": settings.engine,
        "satellites": ", ".join(sorted({g.satellite for g in granules})),
        "period": f"{min(g.date for g in granules)} to {max(g.date for g in granules)}",
        "events": ", ".join(f"{path.name} (sha256 {sha256(path.read_bytes())})" for path in lists),
        "code_version": __version__,
        "command": command,
    }


def write_evaluation(
    folder: Path, facts: dict[str, Any], scores: dict[str, Any], tally: Tally, given: str = "true"
) -> list[Path]:
    """Write ``evaluation.json`` and ``index.html``.

    Parameters
    ----------
    folder : Path
    facts : dict
        What was evaluated on what; names and values stand in both files.
    scores : dict
        What `scores.score` returns.
    tally : Tally
        That the scores were made of.
    given : str
        What the listed events and classes are called, `EventList.given`.

    Returns
    -------
    list of Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(facts | scores, indent=1, sort_keys=True) + "\n"
    page = render(
        "evaluation.html",
        facts=facts,
        given=given,
        days=scores["satellite_days"],
        windows={scope: _window_rows(scores["windows"][scope]) for scope in SCOPES},
        strong=_event_rows(scores["events"]["above_4_counts"]),
        events=_event_rows(scores["events"]["any_strength"]),
        situations=_situation_rows(scores["events"]["by_situation"]["above_4_counts"]),
        threshold=STRONG,
        near=NEAR,
        around=AROUND,
        tolerance=TOLERANCE_S,
        confusion=embed(draw_confusion(tally, given)),
        curves=embed(draw_curves(tally)),
        reliability=embed(draw_reliability(scores)),
        recall=embed(draw_recall(scores, given)),
    )
    paths = [folder / "evaluation.json", folder / "index.html"]
    write_atomic(paths[0], text.encode())
    write_atomic(paths[1], page)
    return paths


def _window_rows(scores: dict[str, Any]) -> list[list[str | int]]:
    keys = ("precision", "recall", "f1", "roc_auc", "pr_auc")
    rows: list[list[str | int]] = [
        [name, part["windows"], *(_shown(part[k]) for k in keys)] for name, part in scores["by_class"].items()
    ]
    micro = {**dict.fromkeys(("precision", "recall"), scores["micro"]["f1"]), **scores["micro"]}
    rows.append(["micro average", scores["windows"], *(_shown(micro[k]) for k in keys)])
    rows.append(["macro average", scores["windows"], *(_shown(scores["macro"][k]) for k in keys)])
    return rows


def _event_rows(scores: dict[str, Any]) -> list[list[str | int]]:
    counts = ("true", *OUTCOMES, "found", "right")
    return [
        [
            name,
            *(scores[name][k] for k in counts),
            *(_shown(scores[name][k]) for k in ("recall", "precision")),
            scores[name]["false_alarms"],
            _shown(scores[name]["false_alarms_per_day"]),
        ]
        for name in (*schema.EVENT_CLASSES, "all")
    ]


def _situation_rows(scores: dict[str, Any]) -> list[list[str | int]]:
    meanings = {**schema.SITUATIONS, "none": "in none of these"}
    keys = ("true", *OUTCOMES, "found", "right")
    return [
        [
            meaning,
            *(scores[name][k] for k in keys),
            *(
                _with_interval(scores[name][k], scores[name][f"{k}_interval"])
                for k in ("recall", "precision")
            ),
            scores[name]["false_alarms"],
        ]
        for name, meaning in meanings.items()
    ]


def _with_interval(value: float | None, interval: list[float] | None) -> str:
    return (
        "undefined"
        if value is None or interval is None
        else f"{value:.2f} ({interval[0]:.2f}-{interval[1]:.2f})"
    )


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
