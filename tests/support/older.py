"""WORK as version 0.1.0 left it, made of one of today."""

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reprocess.files import sha256
from reprocess.work.parts import LATER, PARTS, RENAMED, part_path
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt


def older_parts(run: Run, records: Iterable[DetectReceipt]) -> None:
    """Write parts under the names of 0.1.0, with nothing told of their columns; claim them in the records."""
    before = {new: old for old, new in RENAMED.items()}
    for record in records:
        for kind in PARTS:
            path = part_path(run.root / kind, record["satellite"], record["block"])
            table = pq.read_table(path)
            table = table.drop_columns([name for name in LATER[kind] if name in table.column_names])
            names = [before.get(name, name) for name in table.column_names]
            fields = [pa.field(name, of.type) for name, of in zip(names, table.schema, strict=True)]
            pq.write_table(table.rename_columns(names).cast(pa.schema(fields)), path)
            record["outputs"][kind] = sha256(path.read_bytes())


def older_attributes(store: Path) -> None:
    """Take from a store what 0.1.0 did not tell, and give its pitch angles the sentinel that they had."""
    for path in store.glob("*/*/zarr.json"):
        metadata = json.loads(path.read_text())
        attributes = metadata["attributes"]
        for name in ("source", "comment", "valid_range"):
            attributes.pop(name, None)
        if path.parent.name.startswith("pitch_angle"):
            attributes["missing_value"] = -1.0
        path.write_text(json.dumps(metadata, indent=2))
