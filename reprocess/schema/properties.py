"""Columns of the properties of events: what `reprocess describe` adds to the event table."""

from reprocess.schema.instrument import ELECTRON_KEV
from reprocess.schema.variables import Variable, by_name

UNCERTAINTY = (
    "energy input estimated from MEPED is uncertain by a factor of several: NOAA's own "
    "systematic error of E4 is "
    "73 %, and published estimates from these telescopes differ by about ten; the interval "
    "is of counting and of what simulated events show, and contains none of that"
)
"""What stands wherever an energy flux is shown."""

_PROJECT = "this project"
_FLUX = "cm-2 s-1 sr-1"
_DEGREE_BOTH = (0, 90)
_PROTON_KEV = ("39", "115", "332", "1105", "2723")
_LAM = "Lam et al. (2010), from P2-P4 at 0 degrees, see docs/physics.md"


def _channels() -> list[tuple[str, str, str]]:
    """Return name, meaning and unit of flux of each channel."""
    found = [(f"e{k + 1}", f"electrons above {e} keV (E{k + 1})", _FLUX) for k, e in enumerate(ELECTRON_KEV)]
    found += [
        (f"p{k + 1}", f"protons of about {e} keV (P{k + 1})", f"{_FLUX} keV-1")
        for k, e in enumerate(_PROTON_KEV)
    ]
    return [*found, ("p6", "protons above 6.2 MeV and relativistic electrons (P6)", _FLUX)]


def _of_channels() -> list[Variable]:
    columns = []
    for telescope in _DEGREE_BOTH:
        for name, meaning, units in _channels():
            where = f"{meaning} in the {telescope} degree telescope"
            columns += [
                Variable(
                    f"counts_{name}_{telescope}",
                    "float32",
                    "1",
                    f"counts of {where}, summed over the event's records, of 1 s live time each",
                    "NOAA SEM-2 Level 1b: flux over the flux of one count; missing records left out",
                ),
                Variable(
                    f"mean_{name}_{telescope}",
                    "float32",
                    units,
                    f"mean flux of {where} over the event's records",
                    "NOAA SEM-2 Level 1b; missing records left out, NaN where all are",
                ),
            ]
            if name.startswith("p"):
                columns.append(
                    Variable(
                        f"max_{name}_{telescope}",
                        "float32",
                        units,
                        f"largest flux of {where} in the event's records",
                        "NOAA SEM-2 Level 1b; NaN where all are missing",
                    )
                )
    return columns


def _with_error(name: str, units: str, meaning: str, source: str) -> list[Variable]:
    error = f"{name}_error"
    return [
        Variable(name, "float32", units, meaning, source, more={"ancillary_variables": error}),
        Variable(error, "float32", units, f"standard error of {name}, of counting alone", source),
    ]


def _ratios() -> list[Variable]:
    columns = []
    for k in range(1, 5):
        columns += _with_error(
            f"ratio_e{k}",
            "1",
            f"precipitating over trapped: counts of E{k} at 0 over those at 90 degrees, summed "
            "over the event, "
            "background subtracted; where fluxes rise steeply off by what half a record changes",
            "physics.ratio",
        )
    return columns


def _boundaries() -> list[Variable]:
    columns = []
    for k in range(1, 5):
        columns += _with_error(
            f"boundary_L_e{k}",
            "1",
            f"L where the ratio of 0 to 90 degrees of E{k} rises through 0.5, nearest to the "
            "peak and at most 20 "
            "records outside the event; NaN where there is none",
            "physics.dispersion",
        )
    columns += _with_error(
        "dispersion",
        "1",
        "change of the boundary's L per decade of energy, negative where higher energies have "
        "it at lower L as "
        "current sheets make it; a record is 0.01 to 0.05 L: the classes overlap widely, so it is no rule; "
        "NaN with fewer than three boundaries",
        "physics.dispersion, a weighted straight line",
    )
    return columns


def _protons() -> list[Variable]:
    rules = {
        "contamination": "where two channels of protons count, an exponential through them tells their share "
        "above the limit (for simulated files: fixed shares)",
        "contamination_fixed": "fixed shares of the channel that contains the limit, which is "
        "the larger estimate",
    }
    return [
        Variable(
            f"{name}_e{k}",
            "float32",
            "1",
            f"share of protons in the counts of E{k} at 0 degrees, 0 to 1; {rule}",
            _LAM,
        )
        for name, rule in rules.items()
        for k in (1, 2, 3)
    ]


def _energy(threshold: int) -> list[Variable]:
    name = f"energy_flux_{threshold}"
    source = "docs/physics.md: spectrum in pieces through the responses, protons subtracted, isotropic"

    def column(suffix: str, meaning: str) -> Variable:
        more = {"comment": UNCERTAINTY}
        if not suffix:
            limits = ("error", "lower", "upper", "least", "most")
            more["ancillary_variables"] = " ".join(f"{name}_{one}" for one in limits)
        return Variable(f"{name}{suffix}", "float64", "mW m-2", meaning, source, more=more)

    of = f"energy flux of precipitating electrons above {threshold} keV, mean of the event's records"
    within = (
        "the interval of 68 % for the mean of these very records, whatever part of an event they are: "
        "counting, and a term for aurora and other forms of spectrum, calibrated on simulated events: 0 "
        "to 26 % by class and end, and 0.001 (REP) or 0.0015 mW m-2 (CSS) below the flux above 40 keV; "
        "nothing in it is of the instrument or of other records: shorter extents have a larger mean"
    )
    over = (
        "over the choices of spectrum, of subtracting protons or not, and of pitch angles "
        "(isotropic, or rising as "
        "their sine: 2.0 times)"
    )
    return [
        column("", f"{of}; uncertain by a factor of several"),
        column(
            "_error",
            f"standard error of {name}, of counting alone, electrons and protons: half the profile "
            "likelihood interval",
        ),
        column("_lower", f"lower end of {name}, {within}"),
        column("_upper", f"upper end of {name}, {within}"),
        column("_least", f"least value of {name} {over}"),
        column("_most", f"largest value of {name} {over}"),
    ]


PROPERTY_KEY = ("date", "start_index", "event_class")
"""Columns that tell which event of a satellite and run a row of the properties is of."""

PROPERTY_COLUMNS = by_name(
    Variable(
        "date", "str", "1", "day (UTC) whose file the event is in, YYYY-MM-DD", "the event table", more={}
    ),
    Variable("start_index", "int32", "1", "first record of the event within its day", "the event table"),
    Variable("event_class", "str", "1", "class of the event, REP or CSS", "the event table"),
    Variable(
        "instrument",
        "str",
        "1",
        "whose response is used: MEPED, or `simulated` (sharp thresholds) where the file says "
        "that it is simulated",
        _PROJECT,
    ),
    Variable("records", "int32", "1", "records of the event", _PROJECT),
    *_of_channels(),
    Variable(
        "e4_expected",
        "float32",
        "1",
        "counts of E4 at 0 degrees that are expected in the event's records without an event",
        "mean over the polar caps in the month, and 0.02 of E4 at 90 degrees",
    ),
    *_with_error(
        "e4_excess",
        "1",
        "counts of E4 at 0 degrees above what is expected without an event",
        "counts_e4_0 - e4_expected",
    ),
    Variable(
        "e4_chance",
        "float64",
        "1",
        "Poisson probability of at least counts_e4_0 counts where e4_expected are expected",
        "physics.background",
    ),
    *_ratios(),
    *_protons(),
    Variable(
        "folding_energy",
        "float32",
        "keV",
        "e-folding energy of the exponential integral spectrum that fits best, 20 to 600 keV; see "
        "exponential_deviance for how well",
        "Poisson likelihood, physics.fit",
        more={"ancillary_variables": "folding_energy_lower folding_energy_upper"},
    ),
    *(
        Variable(
            f"folding_energy_{end}",
            "float32",
            "keV",
            f"{end} end of the profile likelihood interval of 68.27 %, wider by as much as the "
            "exponential fits badly",
            "physics.fit",
        )
        for end in ("lower", "upper")
    ),
    Variable(
        "exponential_deviance",
        "float32",
        "1",
        "deviance of the exponential: distributed as chi2 with deviance_dof where it is the spectrum",
        "physics.fit",
    ),
    Variable(
        "spectral_exponent",
        "float32",
        "1",
        "exponent of the power law (integral spectrum) that fits best, 2 to 7",
        "Poisson likelihood, physics.fit",
    ),
    Variable("power_law_deviance", "float32", "1", "deviance of the power law", "physics.fit"),
    Variable(
        "deviance_dof", "int32", "1", "degrees of freedom of both deviances: bands less two", "physics.fit"
    ),
    *_energy(ELECTRON_KEV[0]),
    *_energy(ELECTRON_KEV[-1]),
    *_boundaries(),
    Variable(
        "invariant_latitude",
        "float32",
        "degree",
        "invariant latitude of the peak, acos(1 / sqrt(L))",
        "L of the event table",
    ),
    Variable(
        "width_invariant_latitude",
        "float32",
        "degree",
        "extent of the event in invariant latitude; NaN where no L is measured",
        "L_min and L_max of the event table",
    ),
    Variable(
        "width_km",
        "float32",
        "km",
        "distance of the foot points of the first and the last record, at 120 km; one record is about 13 km",
        "NOAA SEM-2 Level 1b, geod_lat_foot and geod_lon_foot",
    ),
    Variable(
        "loss_cone_angle",
        "float32",
        "degree",
        "half-angle of the bounce loss cone at the satellite, at the peak",
        "asin(sqrt(Btot_sat / Btot_foot)) of NOAA SEM-2 Level 1b",
    ),
    *(
        Variable(
            f"axis_angle_{telescope}",
            "float32",
            "degree",
            f"angle of the axis of the {telescope} degree telescope to the field line, at the peak, 0 to 90",
            f"NOAA SEM-2 Level 1b, meped_alpha_{telescope}_sat, folded",
        )
        for telescope in _DEGREE_BOTH
    ),
)
"""Columns of a run's `properties` parts, one row per event in the order of the event part."""

_WITHIN = "whose records are within 10 minutes of its own, its peak within 1 h of MLT and 0.5 L"

MATCH_COLUMNS = by_name(
    Variable(
        "matches",
        "int32",
        "1",
        f"events of other satellites of the run {_WITHIN}, as `reprocess match --with-itself` counts",
        "physics.coincidence",
        more={"ancillary_variables": "matches_by_chance"},
    ),
    Variable(
        "matches_by_chance",
        "float32",
        "1",
        "the same number if the other satellites' events are moved by 1, 2 and 3 days either "
        "way, the mean: as many "
        "are expected by chance; fewer at the ends of the data",
        "physics.coincidence",
    ),
    Variable(
        "group",
        "int32",
        "1",
        "number of the group of events that matches link, in order of time from 1; most are alone in theirs",
        "physics.coincidence",
    ),
)
"""Columns that depend on all events of a run: made when a catalogue is written, in no part."""
