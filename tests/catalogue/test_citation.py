"""What a run is cited with."""

import json
import re
from pathlib import Path

import pytest

from reprocess.catalogue.citation import METHOD, references
from reprocess.schema import PUBLISHED_MODEL
from tests.support.places import REPOSITORY

IDENTITY = {
    "model": PUBLISHED_MODEL,
    "model_sha256": "ab",
    "mode": "published",
    "engine": "e",
    "code_version": "1",
}
DAYS = [("noaa18", "2019-10-24"), ("noaa19", "2013-01-02")]


def test_measurements_by_the_published_model_rest_on_paper_data_and_software() -> None:
    found = references(IDENTITY, DAYS, 0)
    assert [reference.what for reference in found] == ["the method", "the data", "the software"]
    assert "of NOAA-18, NOAA-19, 2013-01-02 to 2019-10-24 (2 satellite-days)" in found[1].text
    assert "(version 1; mode published, engine e;" in found[2].text


def test_another_model_is_named_with_its_sum_and_simulated_data_are_not_noaas() -> None:
    own = IDENTITY | {"model": "my model", "model_card": {"title": "Mine"}}
    found = references(own, DAYS, 2)
    assert [reference.what for reference in found] == ["the method", "the model", "the software"]
    assert found[1].text == "Model my model: Mine (sha256 of its card ab)"
    assert found[1].key == "model-my-model"


@pytest.mark.parametrize("reference", references(IDENTITY | {"model": "own"}, DAYS, 0), ids=lambda r: r.key)
def test_bibtex_is_well_formed(reference: object) -> None:
    entry = reference.bibtex  # type: ignore[attr-defined]
    assert re.match(r"@(article|misc)\{[\w-]+,\n", entry)
    assert entry.count("{") == entry.count("}")
    assert entry.endswith("\n}")


def test_the_files_at_the_top_cite_the_same_paper_and_version() -> None:
    cff, codemeta = (
        (REPOSITORY / "CITATION.cff").read_text(),
        json.loads((REPOSITORY / "codemeta.json").read_text()),
    )
    assert METHOD.fields["doi"] in cff
    assert codemeta["referencePublication"]["identifier"].endswith(METHOD.fields["doi"])
    version = re.search(r'__version__ = "(.*)"', Path(REPOSITORY / "reprocess/__init__.py").read_text())
    assert version is not None
    assert f"version: {version[1]}\n" in cff
    assert codemeta["version"] == version[1]
