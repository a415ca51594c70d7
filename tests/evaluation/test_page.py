"""The page and the JSON: complete, valid, harmless, the same every time."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import html5lib
import matplotlib.image
import numpy as np
import pytest

from reprocess import schema
from reprocess.classifier.bundle import Bundle, save_bundle
from reprocess.detect.plan import Settings
from reprocess.evaluation.matching import OUTCOMES
from reprocess.evaluation.page import describe_evaluation, write_evaluation
from reprocess.evaluation.scores import score, summarise
from reprocess.evaluation.tally import Tally, tally_block
from reprocess.files import sha256
from reprocess.work.asked import read_asked
from reprocess.work.parts import read_events
from reprocess.work.paths import Work
from tests.evaluation.test_tally import RUN, plans, total

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)>"
FACTS = {"model": "random", "title": "random weights", "command": "reprocess evaluate"}


def refuse(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


@pytest.fixture(scope="module")
def tally(evaluated: Work) -> Tally:
    return total([tally_block(p) for p in plans(evaluated)])


@pytest.fixture(scope="module")
def scores(evaluated: Work, tally: Tally) -> dict[str, Any]:
    return score(tally, read_events(evaluated.run(RUN), evaluated.run(RUN).ledger.done()))


def text(page: Path) -> str:
    return re.sub(r"<[^>]*>", " ", page.read_text(encoding="utf-8"))


def test_every_true_event_has_one_outcome_and_at_most_one_bin(scores: dict[str, Any]) -> None:
    every = scores["events"]["any_strength"]["all"]
    assert every["true"] == sum(every[name] for name in OUTCOMES) == 7
    for rows in scores["events"]["recall_by"].values():
        assert sum(row[name] for row in rows for name in OUTCOMES) == 7
    assert every["found"] > 5, "the test is not trivial"
    assert every["not_observed"] == 1, "the one on a day without windows"
    for kind in schema.EVENT_CLASSES:
        part = scores["events"]["any_strength"][kind]
        assert part["true"] == sum(part[name] for name in OUTCOMES)


def test_both_files_tell_the_same(scores: dict[str, Any], tally: Tally, tmp_path: Path) -> None:
    json_path, page = write_evaluation(tmp_path / "out", FACTS, scores, tally)
    assert (json_path.name, page.name) == ("evaluation.json", "index.html")
    content = json.loads(json_path.read_text(), parse_constant=refuse)
    assert content == json.loads(json.dumps(FACTS | scores))
    html5lib.HTMLParser(strict=True).parse(page.read_bytes())
    shown = text(page)
    assert "random weights" in shown
    assert "5 satellite-days" in shown
    every = content["events"]["any_strength"]["all"]
    row = [every[k] for k in ("true", *OUTCOMES, "found", "right")]
    numbers = " ".join([*map(str, row), f"{every['recall']:.4f}", f"{every['precision']:.4f}"])
    assert f"all {numbers}" in " ".join(shown.split())
    f1 = content["windows"]["around events"]["by_class"]["CSS"]["f1"]
    assert f"{f1:.4f}" in shown
    images = re.findall(r'src="data:image/png;base64,([^"]+)"', page.read_text())
    assert len(images) == 4
    for image in images:
        pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(image)))
        assert np.ptp(pixels[..., :3]) > 0.5


def test_equal_evaluations_are_equal_bytes(scores: dict[str, Any], tally: Tally, tmp_path: Path) -> None:
    a, b = (write_evaluation(tmp_path / name, FACTS, scores, tally) for name in "ab")
    assert [p.read_bytes() for p in a] == [p.read_bytes() for p in b]


def test_a_page_of_simulated_days_says_so(scores: dict[str, Any], tally: Tally, tmp_path: Path) -> None:
    words = "3 satellite-days of these results are of files that say of"
    facts = {"model": "m", "title": "t"}
    assert words not in write_evaluation(tmp_path, facts, scores, tally)[1].read_text()
    facts_of_3 = facts | {"simulated satellite-days": 3}
    assert words in write_evaluation(tmp_path, facts_of_3, scores, tally)[1].read_text()


def test_text_of_others_is_never_markup(scores: dict[str, Any], tally: Tally, tmp_path: Path) -> None:
    hostile = dict.fromkeys(FACTS, HOSTILE)
    _, page = write_evaluation(tmp_path, hostile, scores, tally)
    tree = html5lib.HTMLParser(strict=True).parse(page.read_bytes())
    tags = [node.tag.split("}")[-1] for node in tree.iter() if isinstance(node.tag, str)]
    assert "script" not in tags
    assert tags.count("img") == 4
    assert "alert(1)" in "".join(tree.itertext())


def test_an_evaluation_without_events_is_written_with_what_is_undefined(
    evaluated: Work, tmp_path: Path
) -> None:
    found = read_events(evaluated.run(RUN), evaluated.run(RUN).ledger.done()).head(0)
    nothing = Tally.zero()
    json_path, page = write_evaluation(tmp_path, FACTS, score(nothing, found), nothing)
    json.loads(json_path.read_text(), parse_constant=refuse)
    html5lib.HTMLParser(strict=True).parse(page.read_bytes())
    assert text(page).count("undefined") > 20
    assert set(summarise(score(nothing, found)).values()) == {0, None}


def test_facts_tell_what_was_evaluated_on_what(evaluated: Work, random_model: Bundle, tmp_path: Path) -> None:
    lists = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in lists:
        path.write_text(path.name)
    settings = Settings(
        random_model.path, random_model.sha256, "published", "onnxruntime", classes=True, dense=True
    )
    bundle = save_bundle(tmp_path / "m", {"name": "bare"}, random_model.weights, random_model.scaling)
    granules = read_asked(evaluated.asked)
    facts = describe_evaluation(bundle, settings, lists, granules, "reprocess evaluate W")
    assert (facts["model"], facts["title"], facts["model_sha256"]) == ("bare", "", bundle.sha256)
    assert (facts["mode"], facts["engine"], facts["command"]) == (
        "published", "onnxruntime", "reprocess evaluate W",
    )  # fmt: skip
    assert facts["satellites"] == "metop01, noaa18"
    assert facts["period"] == "2015-03-01 to 2015-04-01"
    assert facts["events"] == ", ".join(f"{p.name} (sha256 {sha256(p.read_bytes())})" for p in lists)
