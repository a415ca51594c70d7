"""The synthetic instrument: simulate."""

import datetime as dt
from pathlib import Path
from typing import Any

import click

from reprocess.cli.numbers import Day, Number
from reprocess.cli.options import ONE_WORKER, Satellites, former, satellites_option
from reprocess.schema import DAYS, EVENTS_PER_DAY


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@satellites_option(
    "--satellite", default=[("noaa18",)], show_default="noaa18", help="Simulate this one; may be repeated."
)
@click.option("--start", type=Day(), required=True, help="First day.")
@click.option("--days", type=click.IntRange(1, DAYS), default=30, show_default=True, help="Number of days.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random.",
)
@click.option(
    "--events-per-day",
    type=Number(0, 1000),
    default=EVENTS_PER_DAY,
    show_default=True,
    help="Mean of a whole day.",
)
@click.option(
    "--situations-per-day",
    type=Number(0, 1000),
    default=0.0,
    show_default=True,
    help="Mean of events made in each hard situation besides: at midnights, gaps, calibrations and so on.",
)
@ONE_WORKER
@former("--satellites", "--satellite", name="satellites", type=Satellites())
def simulate(out: Path, satellites: tuple[str, ...], start: dt.datetime, **options: Any) -> None:
    """Write a simulated archive with known events to OUT.

    Files are in NOAA's layout; OUT/truth.parquet tells the events in them.
    """
    from reprocess.simulate import simulate_archive

    def report(done: int, total: int) -> None:
        click.echo(f"simulate {done}/{total}", err=True)

    truth = simulate_archive(out, satellites, start.date(), progress=report, **options)
    click.echo(f"wrote {truth}")
