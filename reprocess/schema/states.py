"""What can become of a satellite-day, and why."""

STATUS = {"not_ingested": 0, "ok": 1, "quarantined": 2}
"""Meanings of the `status` array."""


REASONS = {
    "unreadable": "the file could not be read; it is tried again by the next run",
    "html_page": "the server sent an HTML page in place of the file; it is tried again by the next run",
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
"""Reasons that may go away while the file stays the same."""


DEFERRALS = {
    "not_found": "the file is listed but not there (HTTP 404, 410)",
    "server_error": "the server failed (HTTP 5xx)",
    "busy": "the server asked to come back later (HTTP 429, or Retry-After beyond what a worker waits)",
    "timeout": "no connection or no data within the time limit",
    "connection": "no connection, or it broke",
    "short_body": "fewer bytes came than were announced",
    "refused": "the server denies access (HTTP 401, 403 and other 4xx)",
    "changed": "the file has another size than a moment ago in the listing",
}
"""Why a satellite-day can be put off: the archive keeps what it has of it, the next run tries again."""


TRANSIENT = frozenset({"server_error", "busy", "timeout", "connection", "short_body", "html_page"})
"""What is tried again at once, with growing pauses, before a day is put off or quarantined."""


MAX_SOURCE_BYTES = 256 * 2**20
"""A day is 4-7 MB; a file of this size is something else, and would not fit a worker's memory."""
