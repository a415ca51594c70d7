"""Which model a command takes: the named one, the published one, or the bundled one on simulated data."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from reprocess.schema import BUNDLED_MODEL, PUBLISHED_MODEL

if TYPE_CHECKING:
    from reprocess.schema.granules import Granule
    from reprocess.work.paths import Work


def choose_model(named: str | None, only_simulated: Callable[[], bool]) -> str:
    """Return the name or folder of the model to use.

    Parameters
    ----------
    named : str, optional
        What the user asked for.
    only_simulated : callable
        Tells whether the data say of themselves that they are simulated; asked only if it matters.

    Raises
    ------
    click.UsageError
        If nothing was named, the published model is not here and the data are measurements: the bundled
        model knows simulated events only.
    """
    from reprocess.classifier.bundle import list_models

    if named is not None:
        return named
    if PUBLISHED_MODEL in {model.name for model in list_models() if model.usable}:
        return PUBLISHED_MODEL
    if only_simulated():
        return BUNDLED_MODEL
    raise click.UsageError(
        f"no --model is given and the published model {PUBLISHED_MODEL} is not on this machine; get it "
        f"once with: reprocess model fetch {PUBLISHED_MODEL}. Or give --model {BUNDLED_MODEL}, which was "
        "trained on simulated events only and is for trying things out"
    )


def first_is_simulated(granules: Sequence["Granule"], storage: Mapping[str, Any]) -> bool:
    """Tell whether the first file of a listing says that it is simulated; one that cannot be had does not."""
    from reprocess.errors import SourceError
    from reprocess.ingest.reading import is_simulated
    from reprocess.sources.remote import read_source

    try:
        return is_simulated(read_source(granules[0].url, granules[0].size, storage).body)
    except SourceError:
        return False


def all_are_simulated(work: "Work", granules: Sequence["Granule"]) -> bool:
    """Tell whether all of these satellite-days that are ingested are simulated."""
    from reprocess.work.status import ledger_days

    days = ledger_days(work.ledger)
    found = [days[key] for g in granules if (key := (g.satellite, g.text)) in days]
    return bool(found) and all(entry.get("simulated") for entry in found if entry["status"] == "ok")
