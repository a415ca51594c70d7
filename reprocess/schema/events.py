"""Classes, flags and columns of the event table."""

CLASSES = ("none", "REP", "CSS")
"""Classifier outputs by index: 0 none, 1 wave-driven precipitation, 2 current sheet scattering."""


EVENT_CLASSES = {"REP": 1, "CSS": 2}


EVENT_FLAGS = {
    "calibration": 1,
    "L_interpolated": 2,
    "time_gap": 4,
    "E4_missing": 8,
    "overlaps_other_class": 16,
}
"""Bits of the event table's `flags` column."""


FLAG_MEANINGS = {
    "calibration": "an in-flight calibration was on during the event; its pulses look like precipitation",
    "L_interpolated": "L at the peak is the method's spline, not a measured value; the event is on no map",
    "time_gap": "the event's windows span more than 3 s between two records",
    "E4_missing": "E4 is -999 in part of the event: protons made the channel unusable",
    "overlaps_other_class": "shares a record with an event of the other class",
}
"""What each flag tells."""


EVENT_COLUMNS = {
    "satellite": "str",
    "event_class": "str",
    "date": "str",
    "start_index": "int32",
    "stop_index": "int32",
    "start_time": "time",
    "stop_time": "time",
    "peak_time": "time",
    "L": "float32",
    "MLT": "float32",
    "latitude": "float32",
    "longitude": "float32",
    "L_min": "float32",
    "L_max": "float32",
    "delta_L": "float32",
    "hemisphere": "str",
    "duration_s": "float64",
    **{f"max_e{e}_{t}": "float32" for t in (0, 90) for e in range(1, 5)},
    "e4_ratio_0_90": "float32",
    "probability": "float32",
    "flags": "int32",
    "model": "str",
    "run": "str",
    "source_sha256": "str",
}
"""Columns of the event table; `time` is UTC with millisecond resolution."""
