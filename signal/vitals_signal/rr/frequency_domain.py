"""Heart-rate variability in the frequency domain.

Laws of this file:
1. No band is filled from where there are no data: neither from across a gap, nor from above half the mean heart rate
   (under "taskforce"), where a spectrum of beats only shows images of what lies below.
2. A band for which the series is too short is NaN, and `reasons` says so.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.conventions import Band, Convention, ConventionName, convention_named
from vitals_signal.rr.frequency_density import PowerDensity, ar_model_density, lomb_density, welch_density
from vitals_signal.rr.named_values import HrvValues
from vitals_signal.rr.nn import NN
from vitals_signal.rr.stretches import Stretch, stretches

Floats = NDArray[np.float64]
SpectrumMethod = Literal["welch", "lomb", "ar"]

HRV_FREQUENCY_FEATURES: Final = (
    "ULF", "VLF", "LF", "HF", "VHF", "TP", "LFHF", "LFn", "HFn", "LnHF",
    "VLFpeak", "LFpeak", "HFpeak", "VLFrel", "LFrel", "HFrel",
)  # fmt: skip
_BANDS: Final = ("ULF", "VLF", "LF", "HF", "VHF")
_LONG_S: Final = 18 * 3600.0  # "24 h" of the Task Force, with what a night in the charger takes
_CYCLES: Final = {"VLF": 1.0, "LF": 2.0, "HF": 2.0, "VHF": 2.0}  # of the lowest frequency, in the longest piece


def hrv_frequency(
    nn: NN | ArrayLike,
    *,
    method: SpectrumMethod = "welch",
    convention: ConventionName | Convention = "taskforce",
    times_s: ArrayLike | None = None,
) -> HrvValues:
    """Powers of NN intervals by band (`HRV_FREQUENCY_FEATURES`).

    `nn`: an `NN`, or intervals in ms, shape (n,); NaN (or anything below 1 ms, or above an hour) stands between
    stretches. `times_s`: (n,) the beats that end the intervals, in seconds: only with them does "lomb" know how long
    the gaps are and can see rhythms slower than a stretch.

    - ULF, VLF, LF, HF, VHF (ms^2; borders in `CONVENTIONS`), TP: their sum
    - LFHF LF / HF; LnHF ln(HF); LFn, HFn: share of LF + HF (Task Force), of TP less VLF in percent (Kubios), of TP
      (NeuroKit2)
    - VLFpeak, LFpeak, HFpeak: frequency (Hz) of the highest density in the band; VLFrel, LFrel, HFrel: share of TP in %

    Methods:
    - "welch": each stretch without gaps is resampled at 4 Hz by a cubic spline, cut into segments of 300 s (a shorter
      stretch is one segment) that overlap by half, each less its straight line and under a Hann window. Where the
      intervals last 18 h or more, ULF and VLF come from the Lomb periodogram of the whole (with `times_s` if there are
      gaps), for no segment holds a rhythm of hours.
    - "lomb": Lomb periodogram at multiples of 1 / duration, no resampling.
    - "ar": autoregressive model of order 16 (Burg) of the same 4-Hz series.

    Under "taskforce" the density is integrated up to the very border of a band, and nothing above half the mean heart
    rate counts: with 3 s between beats nobody can see 0.3 Hz. "welch" and "ar" undo the gain of the spline, which would
    cost HF a fifth at 57 beats per minute. ULF needs 18 h, VLF 300 s, LF 50 s, HF 30 s in one piece; what cannot be had
    is NaN with a reason and does not count in TP. Other conventions do what their tools do.

    The default reads the EC57 test patterns TP2 .. TP5 within 1 % without phantom power. Source: Task Force of ESC and
    NASPE, Circulation 93, 1996, doi 10.1161/01.CIR.93.5.1043. Raises ValueError on an unknown method or convention.
    """
    row = convention_named(convention)
    if method not in ("welch", "lomb", "ar"):
        raise ValueError(f"method is {method!r}; use 'welch', 'lomb' or 'ar'")
    parts = stretches(nn, times_s)
    placed = times_s is not None or len(parts) == 1
    if method == "lomb":
        density = lomb_density(parts, row, placed=placed)
    elif method == "ar":
        density = ar_model_density(parts, row)
    else:
        density = welch_density(parts, row)
    if density is None:
        return HrvValues(
            dict.fromkeys(HRV_FREQUENCY_FEATURES, float("nan")),
            dict.fromkeys(HRV_FREQUENCY_FEATURES, "no 30 s of intervals without a gap"),
        )
    limit = _half_rate(parts) if row.up_to_half_rate else float("inf")
    values, reasons = _powers(density, row, limit)
    if method == "welch" and row.lomb_for_days and sum(part.duration_s for part in parts) >= _LONG_S:
        whole = lomb_density(parts, row, placed=placed, top_hz=row.vlf[1])
        if whole is not None:
            slow, slow_reasons = _powers(whole, row, limit)
            for name in ("ULF", "VLF", "VLFpeak"):
                values[name] = slow[name]
                reasons.pop(name, None)
                if name in slow_reasons:
                    reasons[name] = slow_reasons[name]
    return _derived(values, reasons, row)


def _half_rate(parts: list[Stretch]) -> float:
    return 0.5 * sum(len(part.nn_ms) for part in parts) / sum(part.duration_s for part in parts)


def _powers(density: PowerDensity, row: Convention, limit: float) -> tuple[dict[str, float], dict[str, str]]:
    frequency, power = density.frequency_hz, density.ms2_per_hz
    values, reasons = dict.fromkeys(HRV_FREQUENCY_FEATURES, float("nan")), dict[str, str]()
    grown = np.append(0.0, np.cumsum(power))
    for name in _BANDS:
        band = row.bands.get(name)
        if band is None:
            reasons[name] = "not a band of this convention"
            continue
        why = _why_not(name, band, density, row, limit)
        peak = f"{name}peak"
        if why is None:
            values[name] = band_power(frequency, power, grown, (band[0], min(band[1], limit)), row)
            if values[name] == 0.0 and row.unit == "peak":
                values[name], why = float("nan"), "no frequency of the density lies in the band"
        if why is not None:
            reasons[name] = reasons[peak] = why
        elif peak in values:
            inside = np.flatnonzero((frequency >= band[0]) & (frequency < min(band[1], limit)))
            if len(inside):
                values[peak] = float(frequency[inside[np.argmax(power[inside])]])
            else:
                reasons[peak] = "no frequency of the density lies in the band"
    return values, reasons


def _why_not(name: str, band: Band, density: PowerDensity, row: Convention, limit: float) -> str | None:
    """The reason for not giving a band at all; other tools than ours always give one."""
    if not row.up_to_half_rate:
        return None
    if band[0] >= limit:
        return "the band lies above half the mean heart rate"
    if name == "ULF":
        return None if density.seconds >= _LONG_S else "shorter than 18 h in one piece"
    # A hair less: five minutes of whole beats are seldom 300 s.
    if density.seconds < 0.95 * _CYCLES[name] / band[0]:
        return f"shorter than {_CYCLES[name] / band[0]:.0f} s in one piece"
    return None


def band_power(frequency: Floats, power: Floats, grown: Floats, band: Band, row: Convention) -> float:
    """`grown`: sums of the power before each frequency, shape (n + 1,)."""
    low, high = band
    if len(frequency) < 2:
        return float("nan")
    step = float(frequency[1] - frequency[0])
    if row.integral == "trapezoid":
        inside = (frequency >= low) & (frequency < high)
        return float(np.trapezoid(power[inside], frequency[inside]))
    if row.integral == "sum":
        return step * float(power[(frequency >= low) & (frequency < high)].sum())
    if row.integral == "sum-closed":
        return step * float(power[(frequency >= low) & (frequency <= high)].sum())
    # Each value stands for the step around its frequency; the first and last step of a band count in part.
    return step * (_sum_up_to(high, frequency, grown, step) - _sum_up_to(low, frequency, grown, step))


def _sum_up_to(edge: float, frequency: Floats, grown: Floats, step: float) -> float:
    place = min(max((edge - float(frequency[0])) / step + 0.5, 0.0), float(len(frequency)))
    whole = min(int(place), len(frequency) - 1)
    return float(grown[whole] + (place - whole) * (grown[whole + 1] - grown[whole]))


def _derived(values: dict[str, float], reasons: dict[str, str], row: Convention) -> HrvValues:
    summed = [values[name] for name in row.bands if name != "VHF" or row.vhf_in_total]
    total = float("nan") if all(value != value for value in summed) else float(np.nansum(summed))
    vlf, lf, hf = values["VLF"], values["LF"], values["HF"]
    whole = {"lf+hf": lf + hf, "total-vlf": total - vlf, "total": total}[row.nu_of]
    scale = 100.0 if row.nu_percent else 1.0
    values.update(TP=total, LFHF=_ratio(lf, hf), LFn=scale * _ratio(lf, whole), HFn=scale * _ratio(hf, whole))
    if hf > 0:
        values["LnHF"] = float(np.log(hf))
    for name in ("VLF", "LF", "HF"):
        values[f"{name}rel"] = 100.0 * _ratio(values[name], total)
    for name, needed in {
        "TP": "LF", "LFHF": "HF", "LFn": "LF", "HFn": "HF", "LnHF": "HF", "VLFrel": "VLF", "LFrel": "LF", "HFrel": "HF"
    }.items():  # fmt: skip
        if values[name] != values[name]:
            reasons[name] = reasons.get(needed, "there is no power to compare with")
    return HrvValues(values, reasons)


def _ratio(a: float, b: float) -> float:
    return a / b if b else float("nan")
