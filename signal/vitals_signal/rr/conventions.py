"""The definitions behind the numbers: what each school means by the same names.

A convention is a row of a table: every denominator, band, window, interpolation rate and scale that any HRV number of
this package depends on. Three are asked for by name in daily work ("taskforce", "kubios", "neurokit"); three more say
how other tools came to published numbers. What each is checked against stands in docs/hrv.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

ConventionName = Literal["taskforce", "kubios", "neurokit", "hrv-analysis", "physionet", "pyhrv"]
Band = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Convention:
    """All choices; the values of "taskforce" are the defaults."""

    source: str

    # time domain
    sdsd_ddof: int = 1
    pnn_per_interval: bool = True
    """pNNxx is a share of the n intervals (Task Force), else of the n - 1 differences."""
    histogram_ms: tuple[float, float] = (0.0, 1000.0 / 128.0)
    """First edge and width of the bins of HTI."""
    segment_mean: Literal["whole", "neurokit"] = "whole"
    """SDANN, SDNNI: segments that intervals cover, or NeuroKit2's, which leave the last interval of each out."""
    tinn: Literal["all-bins", "neurokit"] = "all-bins"
    """Bins over which the triangle of TINN is fitted."""
    prsa_limit: float = 0.05
    """DC, AC: an anchor differs by at most this share from the interval before."""
    prsa_margin: int = 2
    """DC, AC: intervals between an anchor and the ends of the series."""

    # frequency domain: bands in Hz
    ulf: Band | None = (0.0, 0.0033)
    vlf: Band = (0.0033, 0.04)
    lf: Band = (0.04, 0.15)
    hf: Band = (0.15, 0.4)
    vhf: Band | None = (0.4, 0.5)
    integral: Literal["exact", "trapezoid", "sum", "sum-closed"] = "exact"
    """Power of a band: the integral of the density up to the very edges; the trapezoid over the bins in [lo, hi); the
    sum of the bins in [lo, hi], or of those in [lo, hi], each times the step."""
    unit: Literal["ms2", "peak"] = "ms2"
    """"peak": the density is divided by its highest value, as NeuroKit2 does by default."""
    nu_of: Literal["lf+hf", "total-vlf", "total"] = "lf+hf"
    """What LFn and HFn are a share of."""
    nu_percent: bool = False
    """LFn and HFn in percent, else as a share of 1."""
    up_to_half_rate: bool = True
    """No power above half the mean heart rate: what lies there is an image of what lies below."""
    vhf_in_total: bool = False
    """TP goes up to VHF, else to 0.4 Hz."""

    # Welch
    interpolation: Literal["cubic", "linear", "quadratic"] = "cubic"
    rate_hz: float = 4.0
    gain_removed: bool = True
    """The density is divided by the squared gain of the spline, which reads a rhythm the lower the nearer it is to half
    the heart rate (-1 % at a fifth of the heart rate, -44 % at two fifths)."""
    rate_to_end: bool = False
    """The grid of the tachogram goes on to the first point at or after the last beat."""
    segment: float | Literal["half"] = 300.0
    """Length of a segment in seconds (all of a shorter stretch), or half the tachogram. Segments overlap by half."""
    whole_below_s: float = 0.0
    """A shorter tachogram is one segment, whatever `segment` says."""
    tail: bool = True
    """A last segment ends with the stretch; else what fills no segment is left out."""
    lowest_cycles: float = 0.0
    """Frequencies with fewer cycles than this in the whole tachogram are left out."""
    window: Literal["hann", "hamming"] = "hann"
    nfft: int | None = None
    """Length of the transforms; None: the next power of 2, or twice the segment where that is half the tachogram."""
    detrend: Literal["linear", "mean", "none", "smoothness-priors"] = "linear"
    """Of each segment ("none": the mean of the tachogram only); "smoothness-priors" of the tachogram as a whole."""
    detrend_lambda: float = 500.0

    # autoregression
    ar_method: Literal["burg", "yule-walker"] = "burg"
    ar_order: int = 16
    ar_nfft: int | None = 4096
    """Length of the transform of the coefficients; None: that of the tachogram."""

    # Lomb
    lomb_step: Literal["1/T", "1/1024", "1/5T"] = "1/T"
    """Distance of the frequencies: 1 / duration, 1/1024 Hz, or 1 / (5 duration)."""
    lomb_for_days: bool = True
    """From 18 h on, ULF and VLF of "welch" come from the Lomb periodogram of the whole."""
    lomb_floating_mean: bool = False
    lomb_scale: Literal["density", "twice", "psd"] = "density"
    """ms^2/Hz; twice the periodogram (PhysioNet); the periodogram (astropy's "psd")."""

    # nonlinear
    entropy_m: int = 2
    entropy_r: float = 0.2
    entropy_ddof: int = 1
    """Tolerance r times the SD of the intervals with this ddof."""
    dfa_short: tuple[int, int] = (4, 16)
    dfa_long: tuple[int, int | None] = (16, 64)
    """Beats per segment, both ends included; None: a tenth of the intervals."""
    dfa_overlap: bool = False
    """Segments overlap by half, else they follow each other."""
    fragmentation: Literal["costa", "neurokit"] = "costa"
    """PIP, PSS and PAS in % of intervals, or NeuroKit2's shares of segments."""
    multiscale: int | None = 20
    """Scales of MSEn, CMSEn and RCMSEn; None: as many as leave n / 12 values."""
    multiscale_shifted: bool = False
    """CMSEn and RCMSEn of every s-th value, else of means of s values."""
    correlation_radii: Literal["log", "neurokit"] = "log"
    """Radii of CD in equal ratios, or NeuroKit2's."""
    recurrence_dimension: int = 7
    recurrence_sd: float | None = None
    """RQA: tolerance in SDs of the intervals as they are; None: half their mean distance after a linear detrend."""
    poincare: Literal["points", "series"] = "points"
    """SD2 as the SD of (x + next) / sqrt(2), or as sqrt(2 SDNN^2 - SD1^2)."""

    @property
    def bands(self) -> Mapping[str, Band]:
        """Those that this convention has, by name, from low to high."""
        every = {"ULF": self.ulf, "VLF": self.vlf, "LF": self.lf, "HF": self.hf, "VHF": self.vhf}
        return {name: band for name, band in every.items() if band is not None}


CONVENTIONS: Final[Mapping[ConventionName, Convention]] = MappingProxyType(
    {
        "taskforce": Convention(
            source="Task Force of ESC and NASPE, Circulation 93, 1996, doi 10.1161/01.CIR.93.5.1043; what it leaves "
            "open (interpolation, detrending, segments) is chosen so that the EC57 patterns come out right"
        ),
        "kubios": Convention(
            source="Kubios HRV 3 user's guide, sections on preprocessing and analysis methods; Tarvainen et al., "
            "Comput. Methods Programs Biomed. 113, 2014, doi 10.1016/j.cmpb.2013.07.024; not checked against outputs",
            pnn_per_interval=False,
            ulf=None,
            vlf=(0.0, 0.04),
            vhf=None,
            nu_of="total-vlf",
            nu_percent=True,
            up_to_half_rate=False,
            gain_removed=False,
            lomb_for_days=False,
            detrend="smoothness-priors",
            dfa_short=(4, 12),
            dfa_long=(13, 64),
            recurrence_dimension=10,
            recurrence_sd=10**0.5,
            poincare="series",
        ),
        "neurokit": Convention(
            source="NeuroKit2 0.2.13, hrv_time, hrv_frequency, hrv_nonlinear and hrv_rqa with their defaults",
            dfa_short=(4, 11),
            dfa_long=(12, None),
            dfa_overlap=True,
            fragmentation="neurokit",
            multiscale=None,
            multiscale_shifted=True,
            correlation_radii="neurokit",
            segment_mean="neurokit",
            tinn="neurokit",
            integral="trapezoid",
            unit="peak",
            nu_of="total",
            vhf_in_total=True,
            up_to_half_rate=False,
            gain_removed=False,
            lomb_for_days=False,
            interpolation="quadratic",
            rate_hz=100.0,
            rate_to_end=True,
            segment="half",
            tail=False,
            lowest_cycles=4.0,
            detrend="none",
            ar_nfft=None,
        ),
        "hrv-analysis": Convention(
            source="hrv-analysis 1.0.5 with its defaults",
            sdsd_ddof=0,
            pnn_per_interval=False,
            histogram_ms=(300.0, 8.0),
            ulf=None,
            vlf=(0.003, 0.04),
            vhf=None,
            integral="trapezoid",
            nu_percent=True,
            up_to_half_rate=False,
            gain_removed=False,
            lomb_for_days=False,
            interpolation="linear",
            segment=64.0,
            tail=False,
            nfft=4096,
            detrend="mean",
            lomb_step="1/5T",
            lomb_floating_mean=True,
            lomb_scale="psd",
            poincare="series",
        ),
        "physionet": Convention(
            source="PhysioNet Cardiovascular Signal Toolbox 1.0.2, CalcLomb and CalcLfHfParams",
            pnn_per_interval=False,
            prsa_limit=0.20,
            prsa_margin=30,
            ulf=(0.0, 0.003),
            vlf=(0.003, 0.04),
            vhf=None,
            integral="sum-closed",
            up_to_half_rate=False,
            gain_removed=False,
            lomb_for_days=False,
            lomb_step="1/1024",
            lomb_scale="twice",
        ),
        "pyhrv": Convention(
            source="pyHRV 0.5.0, welch_psd with its defaults",
            pnn_per_interval=False,
            ulf=None,
            vlf=(0.0, 0.04),
            vhf=None,
            integral="sum-closed",
            nu_percent=True,
            up_to_half_rate=False,
            gain_removed=False,
            lomb_for_days=False,
            segment=75.0,
            whole_below_s=300.0,
            tail=False,
            window="hamming",
            nfft=4096,
            detrend="mean",
            ar_method="yule-walker",
            poincare="series",
        ),
    }
)


def convention_named(convention: ConventionName | Convention) -> Convention:
    """The row of the table; a row of one's own goes through. Raises ValueError on a name that it does not have."""
    if isinstance(convention, Convention):
        return convention
    if convention not in CONVENTIONS:
        raise ValueError(f"convention is {convention!r}; use one of {', '.join(map(repr, CONVENTIONS))}")
    return CONVENTIONS[convention]
