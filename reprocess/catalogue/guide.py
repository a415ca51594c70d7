"""The README of a catalogue: its purpose, what to leave out for which use, how sure the numbers are."""

import html

import pandas as pd

from reprocess.catalogue import package
from reprocess.pages.render import render
from reprocess.schema import EVENT_CLASSES, FLAGS, PRODUCT
from reprocess.schema.properties import UNCERTAINTY
from reprocess.work.paths import Run
from reprocess.work.receipts import DetectReceipt

_ALWAYS = frozenset({"calibration", "simulated"})

_PURPOSES = {
    "where and when precipitation occurs": {"L_interpolated", "time_gap", "SAA"},
    "energy input": {"E4_missing", "solar_protons", "overlaps_other_class"},
    "spectra": {"E4_missing", "solar_protons", "channel_order"},
    "widths and isotropy boundaries": {"time_gap", "beside_missing", "L_traced", "L_interpolated"},
    "training a classifier": {"overlaps_other_class", "adjacent_other_class", "low_probability"},
}
"""Purposes, and flags whose events are better left out for them besides, as far as there are such flags."""


def readme(run: Run, receipts: list[DetectReceipt], table: pd.DataFrame, version: str) -> bytes:
    """Return the README of a run's catalogue."""
    identity = run.read_identity() or {}
    dates = sorted(date for r in receipts for date in r["days"])
    counts = [f"{int((table['event_class'] == name).sum())} {name}" for name in EVENT_CLASSES]
    page = render(
        "catalogue.md",
        title=package.TITLE,
        version=version,
        counts=", ".join(counts),
        days=len(dates),
        first=dates[0],
        last=dates[-1],
        satellites=package.satellites(receipts),
        model=identity.get("model"),
        mode=identity.get("mode"),
        run=run.name,
        code=identity.get("code_version"),
        simulated_bit=_mask({"simulated"}),
        simulated=int((table["origin"] == "simulated").sum()),
        purposes=[
            (purpose, _named(flags | _ALWAYS), _mask(flags | _ALWAYS)) for purpose, flags in _PURPOSES.items()
        ],
        flags=FLAGS,
        license=PRODUCT["license"],
        uncertainty=UNCERTAINTY[0].upper() + UNCERTAINTY[1:],
    )
    return html.unescape(page.decode()).encode()  # templates escape for pages; this is none


def _mask(flags: frozenset[str] | set[str]) -> int:
    return sum(flag.bit for flag in FLAGS if flag.name in flags)


def _named(flags: set[str] | frozenset[str]) -> str:
    return ", ".join(f"`{flag.name}`" for flag in FLAGS if flag.name in flags)
