"""What describes a catalogue to machines: Data Package, provenance, citation, sums."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from reprocess import __version__, schema
from reprocess.catalogue.citation import METHOD, PAPER
from reprocess.catalogue.dictionary import unit_in_text
from reprocess.catalogue.table import KEY
from reprocess.files import sha256
from reprocess.schema import PRODUCT, Variable
from reprocess.schema.properties import UNCERTAINTY
from reprocess.work.ledger import outputs_sha256, source_digest
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

TITLE = "Events of relativistic electron precipitation seen by POES and MetOp"

PROGRAM = "reprocess"
"""Stands in `provenance.json`: by this a folder is known as one of ours."""

_TYPES = {"str": "string", "time": "datetime", "int32": "integer", "float32": "number", "float64": "number"}


def version_of(receipts: Iterable[DetectReceipt]) -> str:
    """Return the version of a catalogue: that of the code, and what tells its events from others."""
    return f"{__version__}+{outputs_sha256(receipts)[:12]}"


def data_package(
    name: str,
    version: str,
    columns: Mapping[str, Variable],
    files: Mapping[str, bytes],
    about: Mapping[str, str],
) -> bytes:
    """Return `datapackage.json`: the CSV with its Table Schema, and the other files with their sums."""
    resources = [_resource(file, data) for file, data in files.items()]
    for resource in resources:
        if resource["path"] == "events.csv":
            resource |= {"type": "table", "profile": "tabular-data-resource", "schema": table_schema(columns)}
            resource |= {"dialect": {"delimiter": ",", "header": True}}
    found = {
        "profile": "data-package",
        "name": name.lower(),
        "title": TITLE,
        "description": f"{about['summary']} {UNCERTAINTY.capitalize()}.",
        "version": version,
        "keywords": [word.strip() for word in str(PRODUCT["keywords"]).split(",")],
        "sources": [{"title": about["source"]}],
        "resources": resources,
    }
    return _json(found)


def _resource(file: str, data: bytes) -> dict[str, Any]:
    stem, _, suffix = file.rpartition(".")
    return {
        "name": file.replace("_", "-").replace(".", "-").lower(),
        "path": file,
        "type": "file",
        "format": suffix if stem else "",
        "bytes": len(data),
        "hash": f"sha256:{sha256(data)}",
    }


def table_schema(columns: Mapping[str, Variable]) -> dict[str, Any]:
    """Return columns in the words of Table Schema."""
    fields = [
        {
            "name": column.name,
            "type": _TYPES[column.dtype],
            "title": column.meaning,
            "description": f"{column.meaning} [{column.source}]",
            "unit": unit_in_text(column.dtype, column.units),
        }
        for column in columns.values()
    ]
    return {"fields": fields, "missingValues": [""], "primaryKey": list(KEY)}


def provenance(run: Run, receipts: list[DetectReceipt], sources: list[dict[str, str]], events: int) -> bytes:
    """Return `provenance.json`: which files, code, model and rules the events are of."""
    identity = run.read_identity() or {}
    kept = ("model", "model_sha256", "mode", "rules", "engine", "code_version")
    found = {
        "program": PROGRAM,
        "program_version": __version__,
        "version": version_of(receipts),
        "run": run.name,
        "run_made_with": {key: identity[key] for key in kept if key in identity},
        "events": events,
        "satellite_days": sum(len(r["days"]) for r in receipts),
        "source_digest": source_digest(receipts),
        "source_files": sources,
        "uncertainty": UNCERTAINTY,
    }
    return _json(found)


def citation(version: str) -> bytes:
    """Return ``CITATION.cff`` of the catalogue."""
    paper = METHOD.fields
    authors = [name.split(", ") for name in paper["author"].split(" and ")]
    lines = [
        "cff-version: 1.2.0",
        f'title: "{TITLE}"',
        'message: "If you use these events, cite the catalogue with its version, and the paper whose method '
        'they are of."',
        "type: dataset",
        f'version: "{version}"',
        "authors:",
        f'  - name: "{PRODUCT["creator_name"]}"',
        "references:",
        "  - type: article",
        f'    title: "{PAPER}"',
        "    authors:",
        *(f"      - family-names: {family}\n        given-names: {given}" for family, given in authors),
        f'    journal: "{paper["journal"]}"',
        f"    year: {paper['year']}",
        f"    doi: {paper['doi']}",
    ]
    return ("\n".join(lines) + "\n").encode()


def sums(files: Mapping[str, bytes]) -> bytes:
    """Return `SHA256SUMS`, which ``sha256sum -c`` reads."""
    return "".join(f"{sha256(data)}  {name}\n" for name, data in sorted(files.items())).encode()


def _json(found: object) -> bytes:
    return (json.dumps(found, indent=1, sort_keys=False) + "\n").encode()


def satellites(receipts: Iterable[DetectReceipt]) -> str:
    """Return the satellites of a run by their names, and as the table names them."""
    found = sorted({r["satellite"] for r in receipts})
    return ", ".join(f"{schema.SATELLITES[s].name} (`{s}`)" for s in found)
