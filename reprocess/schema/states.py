"""What can become of a satellite-day, and why."""

from enum import StrEnum


class DayState(StrEnum):
    """What became of a satellite-day: one word each, in the ledger, in `status`, on every page."""

    OK = "ok"
    """Read: its records are in the archive; beside a run's days: and not classified as they are now."""
    QUARANTINED = "quarantined"
    """Its file cannot be used; the reason is one of `REASONS`."""
    DEFERRED = "deferred"
    """Its file could not be had; the reason is one of `DEFERRALS`, and the next run tries again."""
    MISSING = "missing"
    """Not read yet, or its file was replaced since."""
    FAILED = "failed"
    """Missing, or not classified, because its block could not be done."""
    LOST = "lost"
    """Gone from its archive before it was read as it was last."""
    CLASSIFIED = "classified"
    """Read, and classified by the run as it is now."""
    NO_FILE = "no file"
    """Between a satellite's first and last day, but no file of it is known."""

    @property
    def label(self) -> str:
        """What pages call it."""
        return "ingested, not classified" if self is DayState.OK else self.value


NOT_READ = (DayState.MISSING, DayState.DEFERRED, DayState.LOST)
"""States of days that were asked for and are not in the archive as they are now."""

STATUS = {"not_ingested": 0, str(DayState.OK): 1, str(DayState.QUARANTINED): 2}
"""Meanings of the `status` array; anything not read is `not_ingested` there."""


REASONS = {
    "html_page": "the server keeps sending an HTML page in place of the file; tried again by the next run",
    "too_large": "the file is far larger than a satellite-day can be",
    "not_hdf5": "the file is not NetCDF-4/HDF5",
    "truncated": "the file is HDF5 but incomplete or damaged",
    "missing_variable": "a variable that is needed is not in the file",
    "wrong_dtype": "a variable has another dtype than NOAA documents",
    "unequal_length": "the variables differ in length",
    "zero_records": "the file holds no record",
    "too_many_records": "more records than a day can hold",
    "wrong_satellite": "satID contradicts the file name",
    "wrong_date": "the times contradict the file name",
    "all_sentinel": "no usable electron flux, L shell or MLT in the whole file",
}
"""Why a satellite-day can be quarantined."""


RETRIED = frozenset({"unreadable", "html_page"})
"""Reasons that may go away while the file stays the same; version 0.1.0 quarantined what is `unreadable`."""


DEFERRALS = {
    "not_found": "the file is listed but not there (HTTP 404, 410)",
    "server_error": "the server failed (HTTP 5xx)",
    "busy": "the server asked to come back later (HTTP 429, or Retry-After beyond what a worker waits)",
    "timeout": "no connection or no data within the time limit",
    "connection": "no connection, or it broke",
    "short_body": "fewer bytes came than were announced",
    "certificate": "the server's certificate is not trusted here (REQUESTS_CA_BUNDLE names the site's own)",
    "proxy": "the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names does not answer or refuses",
    "refused": "the server denies access (HTTP 401, 403 and other 4xx)",
    "not_the_file": "what came is no whole HDF5 file; quarantined if the next run gets the same bytes",
    "failed": "reading the file raised an error that is not foreseen; details in the ledger",
    "unreadable": "the file may not be read, or the disk fails",
    "changed": "the file has another size than a moment ago in the listing",
}
"""Why a satellite-day can be put off: the archive keeps what it has of it, the next run tries again."""


TRANSIENT = frozenset({"server_error", "busy", "timeout", "connection", "short_body", "not_the_file"})
"""What is tried again at once, with growing pauses, before a day is put off or quarantined."""


DOUBTED = frozenset({"html_page", "not_hdf5", "truncated"})
"""What may be the network's doing when it comes over one."""


MAX_SOURCE_BYTES = 256 * 2**20
"""A day is 4-7 MB; a file of this size is something else, and would not fit a worker's memory."""


LEFT_OUT = {
    "compressed": "a packed file or bundle; unpack it into ARCHIVE",
    "partial": "a download or copy that is not finished; read once it has its final name",
    "other_name": "a satellite-day under another name than NOAA's; rename it",
    "unknown_day": "named as a day of a satellite or date that is not known",
    "not_a_file": "named as a satellite-day, but a folder, pipe or device",
    "unreadable": "may not be read, or the disk fails; what is in it is not known",
    "broken_link": "a link to what is not there",
    "hidden": "a hidden folder or one of snapshots; not opened",
    "loop": "a link to a folder that the archive lies in; not followed",
    "other_file": "a NetCDF file whose name is not that of a satellite-day",
}
"""Why something in an archive is not read, and what to do."""


LEFT_OUT_FOR_NOW = frozenset({"partial", "unreadable", "broken_link"})
"""What may be read by a later run: until then nothing is complete."""


NO_DAY = frozenset({"hidden", "loop", "other_file"})
"""What is named, but stands for no satellite-day that could be missing."""
