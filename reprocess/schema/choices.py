"""Names that a user chooses among, and what holds unless they choose.

Nothing is imported here, so that the command line knows them and starts fast.
"""

PUBLISHED_MODES = ("published", "published-2022")
"""Sets of rules that make events of classes, as they were released: `detect.rules.published`."""

CONTINUOUS = "continuous"
"""The project's own, whose rules can be set: `detect.rules.continuous`."""

MODES = (*PUBLISHED_MODES, CONTINUOUS)

DEFAULT_MODE = PUBLISHED_MODES[0]
"""The mode of new runs."""

EARLY_MODES = (PUBLISHED_MODES[1],)
"""Modes whose events begin and end with numbers of windows, three records before what these stand for."""

ENGINES = ("onnxruntime", "tensorflow")
"""What runs a network, `classifier.engine`; the first is the default."""

BUNDLED_MODEL = "simulated2026"
"""The model that comes with the project: trained on simulated events, for demonstration and tests."""

PUBLISHED_MODEL = "capannolo2022"
"""The model released with Capannolo, Li & Huang (2022)."""

CONNECTIONS = 6
"""Files read from a web server at a time: as many as one browser opens."""

DASHBOARD_PORT = 8787
"""Where Dask's dashboard listens; its own default."""

EVENT_FORMATS = ("csv", "parquet", "json", "xlsx", "nc")
"""Formats of the event table, `catalogue.formats`; also the suffixes of files in them."""

EVENTS_PER_DAY = 3.0
"""REP and CSS together on a whole simulated satellite-day: the magnitude that surveys of 2-s data find."""

IMAGE_FORMATS = ("png", "pdf", "svg")
"""Formats of figures; also the suffixes of files in them."""

UNCERTAINTIES = ("none", "relative", "interval")
"""What may stand beside a map of rates, `maps.plot`."""
