"""Which satellite-days a command is about."""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from reprocess.schema.granules import Granule, Listing, Selection
    from reprocess.work.paths import Work


def selection(options: dict[str, Any]) -> "Selection":
    """Return the satellite-days that the options ask for."""
    from reprocess.schema.granules import Selection

    start, end = (options[k].date() if options[k] else None for k in ("start", "end"))
    if start and end and start > end:
        raise click.UsageError(f"--start {start} is after --end {end}")
    return Selection(frozenset(options["satellites"]), start, end)


def list_granules(archive: str, options: dict[str, Any]) -> "Listing":
    """List the satellite-days of an archive that are asked for; there is at least one."""
    from reprocess.sources.listing import list_archive

    listing = list_archive(archive, selection(options), options["storage"])
    for path in listing.ignored:
        click.echo(f"ignored, not the name of a known satellite-day: {path}", err=True)
    if not listing.granules:
        raise click.UsageError(f"none of the satellite-days in {archive} is selected")
    return listing


def reading(found: dict[str, Any]) -> str:
    """Say how much there is to read, from the totals of a plan."""
    return (
        f"{found['satellite_days']} satellite-days in {found['blocks']} blocks, "
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
