"""All heart-rate variability of one series: time, frequency and nonlinear measures together."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from vitals_signal.rr.conventions import Convention, ConventionName, convention_named
from vitals_signal.rr.entropy_templates import sample_entropy
from vitals_signal.rr.fractal_detrended import dfa
from vitals_signal.rr.frequency_domain import HRV_FREQUENCY_FEATURES, hrv_frequency
from vitals_signal.rr.named_values import HrvValues
from vitals_signal.rr.nn import NN
from vitals_signal.rr.stretches import nn_series
from vitals_signal.rr.time_domain import HRV_TIME_FEATURES, hrv_time

HRV_CORE_FEATURES: Final = (
    *HRV_TIME_FEATURES, *HRV_FREQUENCY_FEATURES, "SD1", "SD2", "SD1SD2", "SampEn", "DFA_alpha1", "DFA_alpha2"
)  # fmt: skip


def hrv(
    nn: NN | ArrayLike, *, convention: ConventionName | Convention = "taskforce", times_s: ArrayLike | None = None
) -> HrvValues:
    """All measures of NN intervals by their standard names: `hrv_time`, `hrv_frequency` and `hrv_nonlinear`.

    `nn`: an `NN`, or intervals in ms, shape (n,), NaN between stretches; from five minutes to a day. `times_s`: (n,)
    the beats that end the intervals (for an `NN` of RR intervals that end at `t`: `t[nn.source]`); only a series with
    gaps needs them. Returns a dict; `.reasons` says for each NaN why it is one. Where data suffice for nothing all
    values are NaN; nothing raises but wrong arguments (ValueError).
    """
    from vitals_signal import hrv_nonlinear

    time = hrv_time(nn, convention=convention, times_s=times_s)
    frequency = hrv_frequency(nn, convention=convention, times_s=times_s)
    nonlinear = hrv_nonlinear(nn)
    return HrvValues({**time, **frequency, **nonlinear}, {**time.reasons, **frequency.reasons, **nonlinear.reasons})


def hrv_core(
    nn: NN | ArrayLike, *, convention: ConventionName | Convention = "taskforce", times_s: ArrayLike | None = None
) -> HrvValues:
    """What monitoring needs of `hrv` (`HRV_CORE_FEATURES`), in a hundredth of its time; arguments as there.

    Nonlinear among them, with x the intervals and x' the ones after them, pairs across gaps left out: SD1, SD2 the SDs
    (ddof 1) of (x' - x) / sqrt(2) and (x' + x) / sqrt(2) in ms, or SD2 = sqrt(2 SDNN^2 - SDSD^2 / 2) where the
    convention says "sdnn"; SD1SD2 their ratio; SampEn (`sample_entropy`); DFA_alpha1 and DFA_alpha2 (`dfa`),
    scales by convention.
    """
    row = convention_named(convention)
    time = hrv_time(nn, convention=row, times_s=times_s)
    frequency = hrv_frequency(nn, convention=row, times_s=times_s)
    series = nn_series(nn)
    values = {**time, **frequency}
    reasons = {**time.reasons, **frequency.reasons}
    pairs = np.stack((series[:-1], series[1:]))
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    sd1 = sd2 = float("nan")
    if pairs.shape[1] > 1:
        sd1 = float((pairs[1] - pairs[0]).std(ddof=1)) / np.sqrt(2.0)
        if row.poincare == "sdnn":
            sd2 = float(np.sqrt(max(2.0 * time["SDNN"] ** 2 - sd1 * sd1, 0.0)))
        else:
            sd2 = float((pairs[1] + pairs[0]).std(ddof=1)) / np.sqrt(2.0)
    values.update(SD1=float(sd1), SD2=float(sd2), SD1SD2=float(sd1 / sd2) if sd2 else float("nan"))
    known = series[~np.isnan(series)]
    tolerance = row.entropy_r * float(known.std(ddof=row.entropy_ddof)) if len(known) > row.entropy_ddof else 0.0
    entropy = sample_entropy(series, m=row.entropy_m, r=tolerance if tolerance > 0 else None)
    values["SampEn"] = float(entropy)
    reasons["SampEn"] = entropy.reason or "no variation"
    for name, (low, high) in (("DFA_alpha1", row.dfa_short), ("DFA_alpha2", row.dfa_long)):
        alpha = dfa(series, scales=range(low, high + 1))
        values[name] = float(alpha)
        reasons[name] = alpha.reason or "no variation"
    reasons.update(dict.fromkeys(("SD1", "SD2"), "no two pairs of intervals"), SD1SD2="no variation")
    return HrvValues(values, reasons)
