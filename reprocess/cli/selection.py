"""Which satellite-days a command is about."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprocess.errors import ListingError
from reprocess.pages.words import numbered

if TYPE_CHECKING:
    from reprocess.schema.granules import Granule, LeftOut, Listing, Selection
    from reprocess.work.choice import Choice
    from reprocess.work.paths import Work

_SHOWN = 3
"""Files left out for one reason that are named before anything is read; `status` names more."""


def selection(options: dict[str, Any]) -> "Selection":
    """Return the satellite-days that the options ask for."""
    from reprocess.schema.granules import Selection

    start, end = (options[k].date() if options[k] else None for k in ("start", "end"))
    if start and end and start > end:
        raise click.UsageError(f"--start {start} is after --end {end}")
    return Selection(frozenset(options["satellites"]), start, end)


def chosen(choice: "Choice", options: dict[str, Any]) -> "Choice":
    """Return a choice of flags with what else the options of `CHOICE` choose; these are taken out."""
    asked = selection(options)
    hemispheres, event_class = options.pop("hemispheres"), options.pop("event_class")
    for name in ("satellites", "start", "end"):
        del options[name]
    return replace(
        choice,
        satellites=tuple(sorted(asked.satellites)),
        start=asked.start,
        end=asked.end,
        hemispheres=tuple(dict.fromkeys(hemispheres)),
        classes=(event_class,) if event_class else (),
    )


def refuse_overlap(archive: str, work: Path) -> None:
    """Make sure that WORK is not in ARCHIVE nor ARCHIVE in WORK: one would be taken for part of the other.

    Raises
    ------
    ListingError
        If it is, by way of links too.
    """
    from reprocess.sources.listing import real_folder

    source = real_folder(archive)
    if source is None or not archive:
        return
    real = work.resolve()
    if real == source or source in real.parents or real in source.parents:
        raise ListingError(
            f"WORK {work} and ARCHIVE {archive} lie within each other ({real}, {source}): results would be "
            "listed as part of the archive; choose a WORK directory outside of it"
        )


def list_granules(archive: str, options: dict[str, Any]) -> "Listing":
    """List the satellite-days of an archive that are asked for; there is at least one."""
    from reprocess.sources.listing import list_archive

    if not archive.strip():
        raise click.UsageError(f"ARCHIVE {archive!r} is empty; is a shell variable not set?")
    asked = selection(options)
    listing = list_archive(archive, asked, options["storage"])
    print_left_out(listing.left_out)
    if not listing.granules:
        raise click.UsageError(
            f"no satellite-day in {archive} is selected by {_words(asked)}; without that, "
            f"reprocess plan {archive} tells what there is"
        )
    _tell_limits(listing)
    return listing


def _words(asked: "Selection") -> str:
    """Return the options that make a selection."""
    limits = {"--start": asked.start, "--end": asked.end}
    words = [f"--satellite {name}" for name in sorted(asked.satellites)]
    return " ".join(words + [f"{name} {day}" for name, day in limits.items() if day])


def _tell_limits(listing: "Listing") -> None:
    """Say what of a selection is not there at all: satellites, and time before all days or after them."""
    asked, days = listing.selection, [g.date for g in listing.granules]
    for name in sorted(asked.satellites - {g.satellite for g in listing.granules}):
        click.echo(f"nothing of {name} is in the archive for what is selected", err=True)
    if asked.start and asked.start < min(days):
        click.echo(f"the first day there is of what is selected is {min(days)}, not {asked.start}", err=True)
    if asked.end and asked.end > max(days):
        click.echo(f"the last day there is of what is selected is {max(days)}, not {asked.end}", err=True)


def print_left_out(left_out: "Sequence[LeftOut]") -> None:
    """Say by reason what is in an archive and not read."""
    from reprocess.schema import LEFT_OUT

    for reason, meaning in LEFT_OUT.items():
        if urls := [x.url for x in left_out if x.reason == reason]:
            shown = ", ".join(urls[:_SHOWN]) + (", …" if len(urls) > _SHOWN else "")
            click.echo(f"left out, {len(urls)} {reason} ({meaning}): {shown}", err=True)


def reading(found: dict[str, Any]) -> str:
    """Say how much there is to read, from the totals of a plan."""
    return (
        f"{numbered(found['satellite_days'], 'satellite-day')} in "
        f"{numbered(found['blocks'], 'block')}, "
        f"{found['bytes_to_read'] / 1e6:.1f} MB to read"
    )


def known_granules(work: "Work", options: dict[str, Any]) -> list["Granule"]:
    """Return the satellite-days asked for among those that WORK was ever asked for."""
    from reprocess.work.asked import read_asked

    known = read_asked(work.asked)
    if not known:
        raise click.UsageError(f"{work.root} holds no archive yet; use: reprocess ingest ARCHIVE {work.root}")
    asked = selection(options)
    granules = [g for g in known if asked.has(g)]
    if not granules:
        raise click.UsageError(f"none of the {len(known)} satellite-days in {work.root} is selected")
    return granules
