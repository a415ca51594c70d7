"""The modes by name."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from reprocess.classifier.features import Windows
from reprocess.detect.rules import published
from reprocess.detect.rules.continuous import Continuous
from reprocess.detect.rules.mode import RECORDS, Found, Look, Mode, Network, Stretch
from reprocess.detect.rules.published import Rules, find_events, in_L_range, repair_L
from reprocess.detect.rules.sparse import classify, wanted_windows
from reprocess.errors import RuleError
from reprocess.schema.measurements import not_measured


@dataclass(frozen=True)
class Published:
    """The published rules, which treat every day for itself."""

    rules: Rules
    arrays = RECORDS
    halo = 0
    flags_order = False

    @property
    def name(self) -> str:
        """Name of the mode."""
        return self.rules.name

    @property
    def offset(self) -> int:
        """As `Rules.offset`."""
        return self.rules.offset

    def as_dict(self) -> dict[str, Any]:
        """As `Mode.as_dict`."""
        return asdict(self.rules)

    def look(self, stretch: Stretch) -> Look:
        """As `Mode.look`."""
        missing, stored = not_measured(stretch.records), stretch.records["L_IGRF"]
        traced, calibrating = np.zeros(stored.size, bool), stretch.records["ifc_on"] == 1
        L, windows = repair_L(stored, self.rules), self.rules.windows(stored.size)
        return Look(L, traced, missing, calibrating, calibrating, windows, windows.clear_of(missing))

    def find(
        self,
        stretch_of: Callable[[int], Stretch],
        network: Network,
        background: Mapping[str, float],
        dense: bool,
    ) -> Found:
        """As `Mode.find`."""
        del background
        stretch = stretch_of(0)
        flux, look = stretch.records["electron_flux"], self.look(stretch)
        in_range = in_L_range(look.L)
        wanted = look.possible if dense else wanted_windows(in_range, flux, self.rules)
        found = classify(lambda index: network(flux, index), wanted, self.rules, look.possible)
        stages = find_events(found.classes, in_range, flux, self.rules)
        events = {name: s.final for name, s in stages.items()}
        structures = {name: np.full(len(final), -1) for name, final in events.items()}
        return Found(stretch, look, found, events, structures)


def classifiable(mode: Mode, stretch: Stretch) -> tuple[Windows, np.ndarray]:
    """Return ``windows`` and ``possible`` of `Mode.look`, without the published repair of L.

    That one has a quarter of a second of imports, and changes neither.
    """
    if isinstance(mode, Published):
        windows = mode.rules.windows(stretch.records["L_IGRF"].size)
        return windows, windows.clear_of(not_measured(stretch.records))
    look = mode.look(stretch)
    return look.windows, look.possible


def _published(rules: Rules) -> Callable[[Mapping[str, Any]], Mode]:
    def make(changes: Mapping[str, Any]) -> Mode:
        if changes:
            raise RuleError(f"mode {rules.name} has no rule to set, got {', '.join(changes)}; leave it out")
        return Published(rules)

    return make


MODES: dict[str, Callable[[Mapping[str, Any]], Mode]] = {
    **{name: _published(rules) for name, rules in published.MODES.items()},
    Continuous.name: Continuous.changed,
}
"""What makes a mode, with some of its rules set otherwise than by default."""


def mode_of(identity: Mapping[str, Any]) -> Mode:
    """Return the mode that a run was made with, from its `run.json`."""
    rules = {} if identity["mode"] in published.MODES else identity["rules"]
    return MODES[identity["mode"]]({name: value for name, value in rules.items() if name != "name"})
