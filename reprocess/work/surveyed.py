"""One survey for a whole command: what a run answers for is looked through once, be it asked for thrice."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from reprocess.schema.granules import Granule, LeftOut
from reprocess.work.asked import asked_of
from reprocess.work.choice import EVERYTHING, Choice
from reprocess.work.paths import Run, Work
from reprocess.work.status import RunState, Survey, not_ingested, outdated_sums, survey, with_left_out


class Surveyed(NamedTuple):
    """The satellite-days that a run answers for, and their survey."""

    granules: list[Granule]
    state: Survey


def survey_of(work: Work, run: Run) -> Surveyed:
    """Return what a run answers for, and its survey; errors as `status.survey`."""
    granules = asked_of(work, run)
    return Surveyed(granules, survey(work, granules))


def survey_again(
    work: Work,
    name: str | None,
    granules: Sequence[Granule] | None,
    left_out: Collection[LeftOut] = (),
    before: Surveyed | None = None,
) -> Survey:
    """Return the survey after a run's map and page were made.

    Parameters
    ----------
    work : Work
    name : str, optional
        The run's name.
    granules : sequence of Granule, optional
        Satellite-days to answer for, as `status.survey` takes them.
    left_out : collection of LeftOut
        What their archive holds besides.
    before : Surveyed, optional
        A survey made since anything was ingested or classified. If it is of the same satellite-days it holds
        still, but for what is left out and which sums of the run are outdated.
    """
    if before is None or name is None or granules is None or before.granules != list(granules):
        return survey(work, granules, left_out)
    state, run = before.state, work.run(name)
    one: RunState = state["runs"][name] | {"outdated": outdated_sums(run, list(run.ledger.done()))}
    return {
        "ingest": with_left_out(state["ingest"], granules, sorted(left_out)),
        "runs": state["runs"] | {name: one},
    }


def lacking(state: Survey, run: str, choice: Choice = EVERYTHING) -> dict[str, int]:
    """Return how many satellite-days of a choice a run lacks, as the attributes that its maps carry.

    Parameters
    ----------
    state : dict
        What `survey` returns for all that was ever asked for.
    run : str
    choice : Choice
        What is looked at; satellites and days are all of it that matters here.
    """
    days = {
        "satellite_days_not_ingested": not_ingested(state),
        "satellite_days_quarantined": state["ingest"]["quarantined"],
        "satellite_days_not_classified": state["runs"][run]["missing"],
    }
    return {
        name: sum(choice.has(day["satellite"], day["date"]) for day in some) for name, some in days.items()
    }
