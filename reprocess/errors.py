"""Errors a user can cause or must know about; each message says what, why and what to do.

Everything raised on purpose derives from `ReprocessError`, so that the command line can print it
without a traceback and any other exception still shows where it came from.
"""


class ReprocessError(Exception):
    """Base of all errors raised on purpose."""


class IncompleteError(ReprocessError):
    """A run that was stopped from outside; the same command goes on where it stopped."""


class ListingError(ReprocessError):
    """The archive of NOAA files cannot be listed or is ambiguous."""


class GranuleError(ReprocessError):
    """One NOAA file cannot become records.

    Parameters
    ----------
    reason : str
        One of `reprocess.schema.REASONS`; what the ledger and `status` count by.
    detail : str
        The offending values, in words.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class SourceError(ReprocessError):
    """A file or a listing cannot be had from where it is.

    Parameters
    ----------
    reason : str
        One of `reprocess.schema.REASONS` (the source's answer is definite) or
        `reprocess.schema.DEFERRALS` (it may be had later).
    detail : str
        Address and what happened, in words.
    retry_after : float, optional
        Seconds that the server asked to be left alone.
    """

    def __init__(self, reason: str, detail: str, retry_after: float | None = None) -> None:
        super().__init__(reason, detail, retry_after)
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class StoreError(ReprocessError):
    """A write that is not a whole shard row, or a store of another layout."""


class LedgerError(ReprocessError):
    """A record in the ledger contradicts what is on disk or what is asked for."""


class ModelError(ReprocessError):
    """A model bundle, a released model or an engine that cannot be used."""


class DataError(ReprocessError):
    """Data given to the library that cannot be classified, or names of data that are not known."""


class GridError(ReprocessError):
    """Bin edges that cannot be made from the exposure grid."""


class IndexFileError(ReprocessError):
    """A file of a geomagnetic index that is damaged, of another time or kind, or not in order."""


class SplitError(ReprocessError):
    """Something that a map cannot be split by, or bins that it cannot be split into."""


class RuleError(ReprocessError):
    """A rule of a mode that does not exist, or a value that it cannot have."""


class FlagError(ReprocessError):
    """A flag that does not exist, or that a run's files do not tell of."""


class CatalogueError(ReprocessError):
    """A catalogue that cannot be written, or a folder that it must not be written to."""


class EventListError(ReprocessError):
    """An event list with rows that cannot be used."""


class ComparisonError(ReprocessError):
    """Two runs, or a run and a list, that cannot be held against each other."""


class TrainingError(ReprocessError):
    """Data or a training run that cannot give a model."""


class PlotError(ReprocessError):
    """What is to be drawn is not there, or is ambiguous."""


class PlanError(ReprocessError):
    """What is planned cannot be done with the resources given."""


class ClusterError(ReprocessError):
    """A cluster file, a batch system or a Dask scheduler that cannot be used."""
