"""RR intervals: artefact correction, heart-rate variability, rhythm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vitals_signal._lazy import lazy

if TYPE_CHECKING:
    from vitals_signal.rr.asymmetry_indices import heart_rate_asymmetry
    from vitals_signal.rr.conventions import CONVENTIONS, Convention, ConventionName
    from vitals_signal.rr.entropy_fuzzy import fuzzy_entropy
    from vitals_signal.rr.entropy_multiscale import complexity_index, multiscale_entropy
    from vitals_signal.rr.entropy_ordinal import permutation_entropy, shannon_entropy
    from vitals_signal.rr.entropy_templates import approximate_entropy, sample_entropy
    from vitals_signal.rr.fractal_detrended import dfa, multifractal_dfa
    from vitals_signal.rr.fractal_dimension import correlation_dimension, higuchi_dimension, katz_dimension
    from vitals_signal.rr.fractal_hurst import hurst_exponent
    from vitals_signal.rr.fragmentation_indices import heart_rate_fragmentation
    from vitals_signal.rr.frequency_domain import HRV_FREQUENCY_FEATURES, hrv_frequency
    from vitals_signal.rr.lomb import lomb_scargle
    from vitals_signal.rr.named_values import HrvValues
    from vitals_signal.rr.nn import NN, Beat, nn_intervals
    from vitals_signal.rr.nonlinear_domain import HRV_NONLINEAR_FEATURES, hrv_nonlinear
    from vitals_signal.rr.nonlinear_measure import Measure
    from vitals_signal.rr.poincare_plot import poincare
    from vitals_signal.rr.recurrence_plot import recurrence_quantification
    from vitals_signal.rr.rhythm import RHYTHM_FEATURES, RHYTHM_VERSION, RhythmStream, rhythm_windows
    from vitals_signal.rr.symbolic_complexity import lempel_ziv_complexity
    from vitals_signal.rr.symbolic_words import symbolic_dynamics
    from vitals_signal.rr.time_domain import HRV_TIME_FEATURES, hrv_time
    from vitals_signal.rr.turbulence_onset import HeartRateTurbulence, heart_rate_turbulence
    from vitals_signal.rr.variability import HRV_CORE_FEATURES, hrv, hrv_core
    from vitals_signal.rr.variability_windows import HRV_VERSION, HrvStream, hrv_windows

_HOME: Final[dict[str, str]] = {
    "Beat": "nn",
    "CONVENTIONS": "conventions",
    "Convention": "conventions",
    "ConventionName": "conventions",
    "HRV_CORE_FEATURES": "variability",
    "HRV_FREQUENCY_FEATURES": "frequency_domain",
    "HRV_NONLINEAR_FEATURES": "nonlinear_domain",
    "HRV_TIME_FEATURES": "time_domain",
    "HRV_VERSION": "variability_windows",
    "HeartRateTurbulence": "turbulence_onset",
    "HrvStream": "variability_windows",
    "HrvValues": "named_values",
    "Measure": "nonlinear_measure",
    "NN": "nn",
    "RHYTHM_FEATURES": "rhythm",
    "RHYTHM_VERSION": "rhythm",
    "RhythmStream": "rhythm",
    "approximate_entropy": "entropy_templates",
    "complexity_index": "entropy_multiscale",
    "correlation_dimension": "fractal_dimension",
    "dfa": "fractal_detrended",
    "fuzzy_entropy": "entropy_fuzzy",
    "heart_rate_asymmetry": "asymmetry_indices",
    "heart_rate_fragmentation": "fragmentation_indices",
    "heart_rate_turbulence": "turbulence_onset",
    "higuchi_dimension": "fractal_dimension",
    "hrv": "variability",
    "hrv_core": "variability",
    "hrv_frequency": "frequency_domain",
    "hrv_nonlinear": "nonlinear_domain",
    "hrv_time": "time_domain",
    "hrv_windows": "variability_windows",
    "hurst_exponent": "fractal_hurst",
    "katz_dimension": "fractal_dimension",
    "lempel_ziv_complexity": "symbolic_complexity",
    "lomb_scargle": "lomb",
    "multifractal_dfa": "fractal_detrended",
    "multiscale_entropy": "entropy_multiscale",
    "nn_intervals": "nn",
    "permutation_entropy": "entropy_ordinal",
    "poincare": "poincare_plot",
    "recurrence_quantification": "recurrence_plot",
    "rhythm_windows": "rhythm",
    "sample_entropy": "entropy_templates",
    "shannon_entropy": "entropy_ordinal",
    "symbolic_dynamics": "symbolic_words",
}

__all__: list[str] = [
    "Beat",
    "CONVENTIONS",
    "Convention",
    "ConventionName",
    "HRV_CORE_FEATURES",
    "HRV_FREQUENCY_FEATURES",
    "HRV_NONLINEAR_FEATURES",
    "HRV_TIME_FEATURES",
    "HRV_VERSION",
    "HeartRateTurbulence",
    "HrvStream",
    "HrvValues",
    "Measure",
    "NN",
    "RHYTHM_FEATURES",
    "RHYTHM_VERSION",
    "RhythmStream",
    "approximate_entropy",
    "complexity_index",
    "correlation_dimension",
    "dfa",
    "fuzzy_entropy",
    "heart_rate_asymmetry",
    "heart_rate_fragmentation",
    "heart_rate_turbulence",
    "higuchi_dimension",
    "hrv",
    "hrv_core",
    "hrv_frequency",
    "hrv_nonlinear",
    "hrv_time",
    "hrv_windows",
    "hurst_exponent",
    "katz_dimension",
    "lempel_ziv_complexity",
    "lomb_scargle",
    "multifractal_dfa",
    "multiscale_entropy",
    "nn_intervals",
    "permutation_entropy",
    "poincare",
    "recurrence_quantification",
    "rhythm_windows",
    "sample_entropy",
    "shannon_entropy",
    "symbolic_dynamics",
]

__getattr__, __dir__ = lazy("vitals_signal.rr", _HOME)
