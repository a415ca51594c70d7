"""What a result rests on, as one cites it: in sentences and in BibTeX.

Nothing is made up: where no identifier is known (the data, this software), there is none, and persons are
named only where a publication names them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprocess.pages.words import counted
from reprocess.schema import PUBLISHED_MODEL, SATELLITES
from reprocess.work.paths import Run
from reprocess.work.status import ledger_days

PAPER = (
    "Identification and Classification of Relativistic Electron Precipitation at Earth Using "
    "Supervised Deep Learning"
)
_DATA_URL = "https://www.ncei.noaa.gov/data/poes-metop-space-environment-monitor/access/l1b/v01r00/"


@dataclass(frozen=True)
class Reference:
    """One thing to cite."""

    key: str
    what: str
    """What of the result it stands for."""
    text: str
    kind: str
    """BibTeX's kind of entry."""
    fields: Mapping[str, str]

    @property
    def bibtex(self) -> str:
        """The entry."""
        lines = [f"  {name} = {{{value}}}" for name, value in self.fields.items()]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}"


METHOD = Reference(
    "capannolo2022",
    "the method",
    f"Capannolo, L., Li, W., and Huang, S. (2022), {PAPER}, Frontiers in Astronomy and Space Sciences 9, "
    "858990, https://doi.org/10.3389/fspas.2022.858990",
    "article",
    {
        "author": "Capannolo, Luisa and Li, Wen and Huang, Sheng",
        "title": f"{{{PAPER}}}",
        "journal": "Frontiers in Astronomy and Space Sciences",
        "volume": "9",
        "pages": "858990",
        "year": "2022",
        "doi": "10.3389/fspas.2022.858990",
    },
)
"""The paper, and with it the released model."""


@dataclass(frozen=True)
class Citation:
    """What a run is to be cited with."""

    run: str
    references: Sequence[Reference]
    days: int
    """Satellite-days that it classified."""
    simulated: int
    """How many of them are simulated."""

    @property
    def text(self) -> str:
        """Sentences, a line each."""
        lines = [f"A result of run {self.run!r} rests on:"]
        lines += [f"- {reference.what}: {reference.text}" for reference in self.references]
        if self.simulated:
            lines.append(
                f"{self.simulated} of its {self.days} satellite-days are simulated: no measurements, not to "
                "be cited."
            )
        return "\n".join(lines)

    @property
    def bibtex(self) -> str:
        """Entries of BibTeX."""
        return "\n\n".join(reference.bibtex for reference in self.references)

    def __str__(self) -> str:
        return f"{self.text}\n\n{self.bibtex}"


def cite_run(run: Run) -> Citation:
    """Return what a run is to be cited with."""
    days = ledger_days(run.ledger)
    simulated = sum(bool(entry.get("simulated")) for entry in days.values())
    found = references(run.read_identity() or {}, sorted(days), simulated)
    return Citation(run.name, found, len(days), simulated)


def references(
    identity: Mapping[str, Any], days: Sequence[tuple[str, str]], simulated: int
) -> list[Reference]:
    """Return what a run is to be cited with.

    Parameters
    ----------
    identity : mapping
        Its `run.json`.
    days : sequence of tuple of str
        Satellite and date of each satellite-day that it classified.
    simulated : int
        How many of them are simulated.
    """
    found = [METHOD]
    if identity["model"] != PUBLISHED_MODEL:
        found.append(_model(identity))
    if len(days) > simulated:
        found.append(_data(days))
    return [*found, _software(identity)]


def _model(identity: Mapping[str, Any]) -> Reference:
    name, digest = identity["model"], str(identity["model_sha256"])
    title = str(identity.get("model_card", {}).get("title", "")) or "a model"
    text = f"Model {name}: {title} (sha256 of its card {digest})"
    fields = {"title": f"{{{title}}}", "note": f"model {name}, sha256 of its card {digest}"}
    return Reference(_key(f"model-{name}"), "the model", text, "misc", fields)


def _data(days: Sequence[tuple[str, str]]) -> Reference:
    satellites = ", ".join(SATELLITES[s].name for s in sorted({satellite for satellite, _ in days}))
    dates = sorted(date for _, date in days)
    what = f"POES/MetOp SEM-2 MEPED, Level 1b, of {satellites}, {dates[0]} to {dates[-1]}"
    centre = "NOAA National Centers for Environmental Information"
    text = f"{centre}, {what} ({counted(len(days), 'satellite-day')}), {_DATA_URL}"
    fields = {"author": f"{{{centre}}}", "title": f"{{{what}}}", "howpublished": f"\\url{{{_DATA_URL}}}"}
    return Reference("noaa-sem2", "the data", text, "misc", fields)


def _software(identity: Mapping[str, Any]) -> Reference:
    version = identity["code_version"]
    mode = f"mode {identity['mode']}, engine {identity['engine']}"
    text = (
        f"The reprocess developers, reprocess (version {version}; {mode}; run with model {identity['model']})"
    )
    fields = {
        "author": "{The reprocess developers}",
        "title": "{reprocess}",
        "version": str(version),
        "note": mode,
    }
    return Reference("reprocess", "the software", text, "misc", fields)


def _key(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in name)
