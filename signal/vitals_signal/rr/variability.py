"""All heart-rate variability of one series: time, frequency and nonlinear measures together."""

from __future__ import annotations

from typing import Final

from numpy.typing import ArrayLike

from vitals_signal.rr.conventions import Convention, ConventionName, convention_named
from vitals_signal.rr.frequency_domain import HRV_FREQUENCY_FEATURES, hrv_frequency
from vitals_signal.rr.named_values import HrvValues
from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_domain import hrv_nonlinear
from vitals_signal.rr.time_domain import HRV_TIME_FEATURES, hrv_time

HRV_CORE_NONLINEAR: Final = ("SD1", "SD2", "SD1SD2", "SampEn", "DFA_alpha1", "DFA_alpha2")
HRV_CORE_FEATURES: Final = (*HRV_TIME_FEATURES, *HRV_FREQUENCY_FEATURES, *HRV_CORE_NONLINEAR)


def hrv(
    nn: NN | ArrayLike, *, convention: ConventionName | Convention = "taskforce", times_s: ArrayLike | None = None
) -> HrvValues:
    """All measures of NN intervals by their standard names: `hrv_time`, `hrv_frequency` and `hrv_nonlinear`.

    `nn`: an `NN`, or intervals in ms, shape (n,), NaN between stretches; from five minutes to a day. `times_s`: (n,)
    the beats that end the intervals (for an `NN` of RR intervals that end at `t`: `t[nn.source]`); only a series with
    gaps needs them. Returns a dict; `.reasons` says for each NaN why it is one. Where data suffice for nothing all
    values are NaN; nothing raises but wrong arguments (ValueError).
    """
    time = hrv_time(nn, convention=convention, times_s=times_s)
    frequency = hrv_frequency(nn, convention=convention, times_s=times_s)
    nonlinear = hrv_nonlinear(nn, convention=convention)
    return HrvValues({**time, **frequency, **nonlinear}, {**time.reasons, **frequency.reasons, **nonlinear.reasons})


def hrv_core(
    nn: NN | ArrayLike, *, convention: ConventionName | Convention = "taskforce", times_s: ArrayLike | None = None
) -> HrvValues:
    """What monitoring needs of `hrv` (`HRV_CORE_FEATURES`), in a hundredth of its time; arguments as there.

    Nonlinear among them: SD1, SD2, SD1SD2, SampEn, DFA_alpha1 and DFA_alpha2, as in `hrv_nonlinear`.
    """
    row = convention_named(convention)
    time = hrv_time(nn, convention=row, times_s=times_s)
    frequency = hrv_frequency(nn, convention=row, times_s=times_s)
    nonlinear = hrv_nonlinear(nn, convention=row, names=HRV_CORE_NONLINEAR)
    return HrvValues({**time, **frequency, **nonlinear}, {**time.reasons, **frequency.reasons, **nonlinear.reasons})
