"""All nonlinear measures of one series by their standard names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal.rr.asymmetry_indices import ASYMMETRY_NAMES, heart_rate_asymmetry
from vitals_signal.rr.conventions import Convention, ConventionName, convention_named
from vitals_signal.rr.entropy_fuzzy import fuzzy_entropy
from vitals_signal.rr.entropy_multiscale import complexity_index, entropy_of_scales, multiscale_index, scale_pairs
from vitals_signal.rr.entropy_ordinal import permutation_entropy, shannon_entropy
from vitals_signal.rr.entropy_templates import approximate_entropy, sample_entropy
from vitals_signal.rr.fractal_detrended import (
    MULTIFRACTAL_NAMES,
    Residuals,
    residual_variances,
    slope_of,
    spectrum_of,
)
from vitals_signal.rr.fractal_dimension import correlation_dimension, higuchi_dimension, katz_dimension
from vitals_signal.rr.fractal_hurst import hurst_exponent
from vitals_signal.rr.fragmentation_indices import FRAGMENTATION_NAMES, heart_rate_fragmentation
from vitals_signal.rr.named_values import HrvValues
from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_measure import (
    NO_VARIATION,
    TOO_LITTLE,
    TOO_LONG,
    Measure,
    interval_series,
    missing,
    span_starts,
)
from vitals_signal.rr.poincare_plot import POINCARE_NAMES, poincare
from vitals_signal.rr.recurrence_plot import RECURRENCE_NAMES, recurrence_quantification
from vitals_signal.rr.symbolic_complexity import lempel_ziv_complexity
from vitals_signal.rr.symbolic_words import WORD_FAMILIES, symbolic_dynamics

COMPOSITE_LIMIT: Final = 8192


_MULTIFRACTAL: Final = {k: tuple(f"MFDFA_alpha{k}_{name}" for name in MULTIFRACTAL_NAMES) for k in (1, 2)}
_WORDS: Final = tuple(f"Symbolic_EqualProb4_{family}" for family in WORD_FAMILIES)
_RECURRENCE: Final = tuple(f"RQA_{name}" for name in RECURRENCE_NAMES)

HRV_NONLINEAR_FEATURES: Final = (
    *POINCARE_NAMES, *FRAGMENTATION_NAMES, *ASYMMETRY_NAMES, "DFA_alpha1", *_MULTIFRACTAL[1], "DFA_alpha2",
    *_MULTIFRACTAL[2], "ApEn", "SampEn", "ShanEn", "FuzzyEn", "PermEn", "MSEn", "CMSEn", "RCMSEn", "CD", "HFD", "KFD",
    "LZC", "Hurst", *_WORDS, *_RECURRENCE,
)  # fmt: skip


def hrv_nonlinear(
    nn: NN | ArrayLike,
    *,
    convention: ConventionName | Convention = "taskforce",
    names: Iterable[str] | None = None,
) -> HrvValues:
    """Nonlinear measures of NN intervals by their standard names (`HRV_NONLINEAR_FEATURES`), or those in `names`.

    `nn`: an `NN`, or intervals in ms, shape (n,); NaN, or anything not above 0 or above an hour, stands between
    stretches, and nothing is taken across it. Returns a dict; `.reasons` says for each NaN why it is one. Never raises
    on data; an unknown convention or name is a ValueError. Only what `names` needs is computed.

    - SD1 SD2 SD1SD2 S CSI CVI CSI_Modified: `poincare`; PIP IALS PSS PAS: `heart_rate_fragmentation`; GI SI AI PI, C1d
      ... SDNNa: `heart_rate_asymmetry`
    - DFA_alpha1, DFA_alpha2: `dfa`; MFDFA_alpha1_*, MFDFA_alpha2_*: `multifractal_dfa` on the same scales
    - ApEn SampEn FuzzyEn: `approximate_entropy`, `sample_entropy`, `fuzzy_entropy`, m 2, tolerance 0.2 SD; ShanEn:
      `shannon_entropy`; PermEn: `permutation_entropy`, order 3
    - MSEn CMSEn RCMSEn: `complexity_index` of `multiscale_entropy`, tolerance 0.2 SD of the series at all scales
    - CD HFD KFD: `correlation_dimension`, `higuchi_dimension` (10), `katz_dimension`; LZC: `lempel_ziv_complexity`;
      Hurst: `hurst_exponent`; Symbolic_EqualProb4_*: `symbolic_dynamics`; RQA_*: `recurrence_quantification`

    Conventions differ in: "taskforce" (the definitions of the papers): DFA 4..16 and 16..64 beats, fragmentation by
    Costa in %, 20 scales, means at each scale; "kubios": DFA 4..12 and 13..64, SD2 from SDNN, RQA of dimension 10 with
    tolerance sqrt(10) SD and no detrending; "neurokit": equal to NeuroKit2 0.2.13 on series without gaps, including its
    time-shifted CMSEn and RCMSEn and its radii of CD. docs/hrv-nonlinear.md lists every difference. The others
    follow "taskforce" in what their row of `CONVENTIONS` leaves open.

    Over a day, all are exact but RQA (more than 8,192 intervals: NaN) and, in "neurokit" only, CMSEn and RCMSEn (the
    same limit: their scales grow with n).
    """
    row = convention_named(convention)
    wanted = tuple(HRV_NONLINEAR_FEATURES if names is None else names)
    unknown = [name for name in wanted if name not in _MAKERS]
    if unknown:
        raise ValueError(f"names: {', '.join(unknown)} is no nonlinear measure; see HRV_NONLINEAR_FEATURES")
    work = _Work(interval_series(nn), row)
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    made: dict[Callable[[_Work], Mapping[str, float]], Mapping[str, float]] = {}
    for name in wanted:
        maker = _MAKERS[name]
        if maker not in made:
            made[maker] = maker(work)
        value = made[maker][name]
        values[name] = float(value)
        if value != value:
            reasons[name] = _reason(made[maker], name)
    return HrvValues(values, reasons)


def _reason(made: Mapping[str, float], name: str) -> str:
    value = made[name]
    if isinstance(value, Measure):
        return value.reason or NO_VARIATION
    return made.reasons.get(name, NO_VARIATION) if isinstance(made, HrvValues) else NO_VARIATION


class _Work:
    """A series and what several measures share."""

    def __init__(self, x: NDArray[np.float64], row: Convention) -> None:
        self.x, self.row = x, row
        known = x[~np.isnan(x)]
        self.n = len(known)
        deviation = float(known.std(ddof=row.entropy_ddof)) if self.n > row.entropy_ddof else 0.0
        self.deviation = deviation
        self.tolerance = row.entropy_r * deviation

    def varied(self, measure: Callable[[], Measure]) -> Measure:
        """The measure, where there is a tolerance to measure with."""
        if self.n < 2:
            return missing(TOO_LITTLE)
        return measure() if self.tolerance > 0 else missing(NO_VARIATION)

    def scales(self, kind: int) -> range:
        if kind == 1:
            return range(self.row.dfa_short[0], self.row.dfa_short[1] + 1)
        first, last = self.row.dfa_long
        return range(first, ((self.n + 1) // 10 if last is None else last) + 1)

    @cached_property
    def variances_1(self) -> Residuals:
        return residual_variances(self.x, self.scales(1), overlap=self.row.dfa_overlap)

    @cached_property
    def variances_2(self) -> Residuals:
        return residual_variances(self.x, self.scales(2), overlap=self.row.dfa_overlap)

    @cached_property
    def steps(self) -> range:
        scales = self.row.multiscale
        return range(1, self.n // (self.row.entropy_m + 10) if scales is None else scales + 1)

    @cached_property
    def pairs(self) -> list[NDArray[np.int64]]:
        return scale_pairs(self.x, self.steps, self.row.entropy_m, self.tolerance, shifted=self.row.multiscale_shifted)

    def composite(self, refined: bool) -> Measure:
        if self.row.multiscale is None and self.n > COMPOSITE_LIMIT:
            return missing(TOO_LONG)
        if not self.steps or len(span_starts(self.x, self.row.entropy_m + 1)) < 2:
            return missing(TOO_LITTLE)
        return self.varied(lambda: complexity_index(entropy_of_scales(self.pairs, refined=refined)))


def _multifractal(work: _Work, kind: int) -> HrvValues:
    values = spectrum_of(work.variances_1 if kind == 1 else work.variances_2)
    prefix = f"MFDFA_alpha{kind}_"
    return HrvValues(
        {prefix + name: value for name, value in values.items()},
        {prefix + name: reason for name, reason in values.reasons.items()},
    )


def _symbolic(work: _Work) -> HrvValues:
    words = symbolic_dynamics(work.x)
    return HrvValues(dict(zip(_WORDS, words.values(), strict=True)), dict.fromkeys(_WORDS, TOO_LITTLE))


def _recurrence(work: _Work) -> HrvValues:
    sd = work.row.recurrence_sd
    found = recurrence_quantification(
        work.x,
        dimension=work.row.recurrence_dimension,
        tolerance=None if sd is None else sd * work.deviation,
        detrend=sd is None,
    )
    return HrvValues(
        {"RQA_" + name: value for name, value in found.items()},
        {"RQA_" + name: reason for name, reason in found.reasons.items()},
    )


def _single(name: str, measure: Callable[[_Work], Measure]) -> Callable[[_Work], Mapping[str, float]]:
    return lambda work: {name: measure(work)}


def _makers() -> dict[str, Callable[[_Work], Mapping[str, float]]]:
    """Each name with what makes it (and the names beside it)."""
    groups: list[tuple[tuple[str, ...], Callable[[_Work], Mapping[str, float]]]] = [
        (POINCARE_NAMES, lambda w: poincare(w.x, axes=w.row.poincare)),
        (FRAGMENTATION_NAMES, lambda w: heart_rate_fragmentation(w.x, definition=w.row.fragmentation)),
        (ASYMMETRY_NAMES, lambda w: heart_rate_asymmetry(w.x)),
        (_MULTIFRACTAL[1], lambda w: _multifractal(w, 1)),
        (_MULTIFRACTAL[2], lambda w: _multifractal(w, 2)),
        (_WORDS, _symbolic),
        (_RECURRENCE, _recurrence),
    ]
    singles: dict[str, Callable[[_Work], Measure]] = {
        "DFA_alpha1": lambda w: slope_of(w.variances_1),
        "DFA_alpha2": lambda w: slope_of(w.variances_2),
        "ApEn": lambda w: w.varied(lambda: approximate_entropy(w.x, m=w.row.entropy_m, r=w.tolerance)),
        "SampEn": lambda w: w.varied(lambda: sample_entropy(w.x, m=w.row.entropy_m, r=w.tolerance)),
        "FuzzyEn": lambda w: w.varied(lambda: fuzzy_entropy(w.x, r=w.tolerance)),
        "ShanEn": lambda w: shannon_entropy(w.x),
        "PermEn": lambda w: permutation_entropy(w.x),
        "MSEn": lambda w: w.varied(lambda: multiscale_index(w.x, scales=w.steps, m=w.row.entropy_m, r=w.tolerance)),
        "CMSEn": lambda w: w.composite(refined=False),
        "RCMSEn": lambda w: w.composite(refined=True),
        "CD": lambda w: correlation_dimension(w.x, radii=w.row.correlation_radii),
        "HFD": lambda w: higuchi_dimension(w.x),
        "KFD": lambda w: katz_dimension(w.x),
        "LZC": lambda w: lempel_ziv_complexity(w.x),
        "Hurst": lambda w: hurst_exponent(w.x),
    }
    groups += [((name,), _single(name, measure)) for name, measure in singles.items()]
    return {name: maker for names, maker in groups for name in names}


_MAKERS: Final = _makers()
