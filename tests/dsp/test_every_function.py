"""The laws that every public function of vitals_signal keeps, in one table; a function without a row fails.

1. Whatever a sensor sends, nothing is raised and nothing is warned.
2. No NaN without a reason: a result that holds one says why, by the means of its type (`reason_of_every_nan`).
   Functions that work element by element, or return a bare number, are named in `PLAIN` with what their NaN means.
3. Wrong arguments raise ValueError.
4. Streams (`STREAMS`): any split gives the numbers of the whole, as does the batch twin; bytes kept in the middle of a
   stream give a stream that goes on as the original does; none loads SciPy.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import math
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import vitals_signal as dsp
from vitals_signal._resume import Resumable
from vitals_signal._runs import runs

Floats = NDArray[np.float64]
Call = Callable[[Floats], Any]
FS: Final = 50.0
RNG: Final = np.random.default_rng(0)
N: Final = 3000

FAILURES: Final[dict[str, Floats]] = {
    "nothing": np.empty(0),
    "one sample": np.ones(1),
    "two samples": np.array([0.0, 1.0]),
    "zero": np.zeros(N),
    "stuck": np.full(N, 3.3),
    "ramp": np.linspace(0, 100, N),
    "saturated": np.clip(RNG.standard_normal(N) * 1e6, -1, 1),
    "noise": RNG.standard_normal(N),
    "positive noise": 800 + 50 * RNG.standard_normal(N),
    "missing": np.full(N, np.nan),
    "infinite": np.full(N, np.inf),
    "one alive": np.append(np.full(N - 1, np.nan), 1.0),
    "holes": np.where(np.arange(N) % 7 == 0, np.nan, RNG.standard_normal(N)),
    "torn": np.where(np.arange(N) % 1000 < 300, np.nan, 800 + 50 * RNG.standard_normal(N)),
    "spike": np.eye(1, N, N // 2)[0],
    "huge": RNG.standard_normal(N) * 1e150,
    "tiny": RNG.standard_normal(N) * 1e-150,
    "negative": -np.abs(RNG.standard_normal(N)),
}


def tri(x: Floats) -> Floats:
    return np.stack((x, x[::-1], 0.5 * x), 1)


def times(x: Floats) -> NDArray[np.int64]:
    """Beats 800 ms apart."""
    return np.arange(1, len(x) + 1, dtype=np.int64) * 800_000


def peaks(x: Floats) -> NDArray[np.int64]:
    return np.arange(10, max(len(x) - 10, 10), 40)


SECTIONS: Final = dsp.butterworth(2, 5.0, FS, "low")
LABELS: Final = dsp.beat_labels([20, 60, 100], ["N", "N", "V"])
RATES: Final = (0.0, -1.0, math.nan, math.inf)


def wrong_rates(call: Callable[[Floats, float], Any]) -> list[Callable[[], Any]]:
    return [functools.partial(call, FAILURES["noise"], fs) for fs in RATES]


@dataclasses.dataclass(frozen=True)
class Row:
    call: Call
    wrong: Sequence[Callable[[], Any]] = ()


def rated(call: Callable[[Any, float], Any], *wrong: Callable[[], Any], acc: bool = False, deep: bool = True) -> Row:
    """A function of a signal and its rate: no other shape, no rate but one above 0."""
    shape = tri if acc else np.asarray
    flat = FAILURES["noise"] if acc else tri(FAILURES["noise"])
    shapes = [lambda: call(flat, FS)] if deep else []
    return Row(lambda x: call(shape(x), FS), [*wrong_rates(lambda x, fs: call(shape(x), fs)), *shapes, *wrong])


def measure(call: Callable[..., Any], *wrong: Callable[[], Any], **options: Any) -> Row:
    """A function of one series."""
    return Row(lambda x: call(x, **options), [lambda: call(np.zeros((4, 3)), **options), *wrong])


ROWS: Final[dict[str, Row]] = {
    # ecg
    "aami_labels": Row(lambda x: dsp.aami_labels(["N", "V", "?"][: len(x)]), [lambda: dsp.aami_labels(["+"])]),
    "beat_features": rated(lambda x, fs: dsp.beat_features(x, fs, peaks(x))),
    "beat_labels": Row(lambda x: dsp.beat_labels(peaks(x)), [lambda: dsp.beat_labels([3, 2], ["N"])]),
    "causal_r_peaks": rated(dsp.causal_r_peaks),
    "compare_beats": Row(
        lambda x: dsp.compare_beats("x", LABELS, dsp.beat_labels(peaks(x)), FS),
        [functools.partial(dsp.compare_beats, "x", LABELS, LABELS, fs) for fs in RATES],
    ),
    "detect_r_peaks": rated(dsp.detect_r_peaks),
    "ecg_quality": rated(dsp.ecg_quality),
    "ecg_respiration": rated(dsp.ecg_respiration),
    "refine_r_peaks": rated(lambda x, fs: dsp.refine_r_peaks(x, fs, peaks(x))),
    "sqi_ecg": rated(dsp.sqi_ecg),
    # ppg
    "detect_pulse_peaks": rated(
        dsp.detect_pulse_peaks,
        lambda: dsp.detect_pulse_peaks([], FS, method="best"),  # type: ignore[arg-type]
    ),
    "perfusion_index": rated(dsp.perfusion_index),
    "pulse_beats": rated(dsp.pulse_beats),
    "pulse_intervals": rated(dsp.pulse_intervals),
    "pulse_rate": rated(
        lambda x, fs: dsp.pulse_rate(x, tri(x), fs), lambda: dsp.pulse_rate(np.ones(9), np.ones((8, 3)), FS), deep=False
    ),
    "pulse_wave_features": rated(dsp.pulse_wave_features),
    "respiratory_rate": rated(dsp.respiratory_rate),
    "spo2": rated(lambda x, fs: dsp.spo2(x, x[::-1], fs), lambda: dsp.spo2(np.ones(9), np.ones(8), FS), deep=False),
    "sqi_ppg": rated(dsp.sqi_ppg),
    # rr
    "approximate_entropy": measure(dsp.approximate_entropy, lambda: dsp.approximate_entropy([1.0], m=0)),
    "complexity_index": Row(dsp.complexity_index),
    "correlation_dimension": measure(
        dsp.correlation_dimension,
        lambda: dsp.correlation_dimension([1.0, 2.0, 3.0], radii="few"),  # type: ignore[arg-type]
    ),
    "dfa": measure(dsp.dfa, lambda: dsp.dfa([1.0], scales=[2]), scales=range(4, 17)),
    "fuzzy_entropy": measure(dsp.fuzzy_entropy, lambda: dsp.fuzzy_entropy([1.0], r=-1.0)),
    "heart_rate_asymmetry": Row(dsp.heart_rate_asymmetry),
    "heart_rate_fragmentation": Row(
        dsp.heart_rate_fragmentation,
        [lambda: dsp.heart_rate_fragmentation([1.0], definition="mine")],  # type: ignore[arg-type]
    ),
    "heart_rate_turbulence": Row(
        lambda x: dsp.heart_rate_turbulence(x, np.arange(len(x)) % 50 != 30, np.arange(len(x)) % 50 == 30),
        [lambda: dsp.heart_rate_turbulence([800.0], [True, False], [True])],
    ),
    "higuchi_dimension": measure(dsp.higuchi_dimension, lambda: dsp.higuchi_dimension([1.0], k_max=0)),
    "hrv": Row(dsp.hrv, [lambda: dsp.hrv([1.0], convention="mine")]),  # type: ignore[arg-type]
    "hrv_core": Row(dsp.hrv_core, [lambda: dsp.hrv_core([1.0], times_s=[1.0, 2.0])]),
    "hrv_frequency": Row(dsp.hrv_frequency, [lambda: dsp.hrv_frequency([1.0], method="fft")]),  # type: ignore[arg-type]
    "hrv_nonlinear": Row(dsp.hrv_nonlinear, [lambda: dsp.hrv_nonlinear([1.0], names=["Sampen"])]),
    "hrv_time": Row(dsp.hrv_time, [lambda: dsp.hrv_time([1.0], convention="mine")]),  # type: ignore[arg-type]
    "hrv_windows": Row(
        lambda x: dsp.hrv_windows(times(x), x),
        [lambda: dsp.hrv_windows([1], [1.0], window_s=0.0), lambda: dsp.hrv_windows([2, 1], [1.0, 1.0])],
    ),
    "hurst_exponent": measure(dsp.hurst_exponent),
    "katz_dimension": measure(dsp.katz_dimension),
    "lempel_ziv_complexity": measure(dsp.lempel_ziv_complexity),
    "lomb_scargle": Row(
        lambda x: dsp.lomb_scargle(np.arange(len(x)), np.nan_to_num(x, posinf=0.0), 0.01, 20),
        [lambda: dsp.lomb_scargle([1.0], [1.0, 2.0], 0.1, 3), lambda: dsp.lomb_scargle([1.0], [1.0], 0.0, 3)],
    ),
    "multifractal_dfa": measure(
        dsp.multifractal_dfa, lambda: dsp.multifractal_dfa([1.0], scales=[0]), scales=range(4, 17)
    ),
    "multiscale_entropy": measure(dsp.multiscale_entropy, lambda: dsp.multiscale_entropy([1.0], scales=[0])),
    "nn_intervals": measure(
        dsp.nn_intervals,
        lambda: dsp.nn_intervals([800.0], method="best"),  # type: ignore[arg-type]
    ),
    "permutation_entropy": measure(dsp.permutation_entropy, lambda: dsp.permutation_entropy([1.0], order=1)),
    "poincare": Row(dsp.poincare, [lambda: dsp.poincare([1.0], axes="other")]),  # type: ignore[arg-type]
    "recurrence_quantification": measure(
        dsp.recurrence_quantification, lambda: dsp.recurrence_quantification([1.0], dimension=0)
    ),
    "rhythm_windows": Row(
        lambda x: dsp.rhythm_windows(times(x), x, hop=16), [lambda: dsp.rhythm_windows([1], [1.0], hop=0)]
    ),
    "sample_entropy": measure(dsp.sample_entropy, lambda: dsp.sample_entropy([1.0], m=-1)),
    "shannon_entropy": measure(dsp.shannon_entropy),
    "symbolic_dynamics": measure(dsp.symbolic_dynamics, lambda: dsp.symbolic_dynamics([1.0], levels=1)),
    # acc
    "acc_metrics": rated(dsp.acc_metrics, lambda: dsp.acc_metrics(tri(np.ones(9)), FS, metrics=["enmoo"]), acc=True),
    "acc_orientation": rated(dsp.acc_orientation, acc=True),
    "activity_bouts": Row(
        lambda x: dsp.activity_bouts(x > 0.5, 5.0, 60.0), [lambda: dsp.activity_bouts([True], 0.0, 60.0)]
    ),
    "activity_counts": Row(
        lambda x: dsp.activity_counts(tri(x), 50.0), [lambda: dsp.activity_counts(tri(np.ones(9)), 1.0)]
    ),
    "activity_intensity": Row(
        lambda x: dsp.activity_intensity(x, 5.0, next(iter(dsp.CUT_POINTS))),
        [lambda: dsp.activity_intensity([1.0], 5.0, "mine")],
    ),
    "branched_energy": Row(
        lambda x: dsp.branched_energy(x, x, x, x, flex_bpm=90.0, transition_bpm=110.0),
        [lambda: dsp.branched_energy([1.0], [1.0, 2.0], [1.0], [1.0], flex_bpm=90.0, transition_bpm=110.0)],
    ),
    "calibrate_acc": rated(dsp.calibrate_acc, acc=True),
    "energy_kcal": Row(lambda x: dsp.energy_kcal(x, 70.0), [lambda: dsp.energy_kcal([1.0], -1.0)]),
    "energy_mets": Row(
        lambda x: dsp.energy_mets(x, "freedson-1998"),
        [lambda: dsp.energy_mets([1.0], "mine")],  # type: ignore[arg-type]
    ),
    "enmo": Row(lambda x: dsp.enmo(tri(x)), [lambda: dsp.enmo(np.ones(4))]),
    "even_times": Row(lambda x: dsp.even_times(times(x)), [lambda: dsp.even_times([2, 1], max_gap_s=-1.0)]),
    "fall_candidates": rated(dsp.fall_candidates, acc=True),
    "fall_features": rated(
        lambda x, fs: dsp.fall_features(x, fs, len(x) // 2) if len(x) else None,
        lambda: dsp.fall_features(np.empty((0, 3)), FS, 0),
        acc=True,
    ),
    "fall_rule": Row(lambda x: dsp.fall_rule(dsp.fall_features(tri(np.append(x, 0.0)), FS, len(x) // 2))),
    "gait_regularity": rated(
        dsp.gait_regularity, lambda: dsp.gait_regularity(np.ones((4, 2)), FS), acc=True, deep=False
    ),
    "intensity_gradient": Row(lambda x: dsp.intensity_gradient(x, 5.0), [lambda: dsp.intensity_gradient([1.0], 0.0)]),
    "keytel_kj_min": Row(
        lambda x: dsp.keytel_kj_min(x, weight_kg=70.0, age_years=40.0, female=True),
        [lambda: dsp.keytel_kj_min([90.0], weight_kg=-70.0, age_years=40.0, female=True)],
    ),
    "mad": rated(dsp.mad, acc=True),
    "mims_units": rated(lambda x, fs: dsp.mims_units(x, fs, 5.0), acc=True),
    "non_wear": rated(dsp.non_wear, acc=True),
    "posture": rated(lambda x, fs: dsp.posture(x, fs, "trunk", "+y"), acc=True),
    "resample_acc": Row(
        lambda x: dsp.resample_acc(np.arange(len(x)) * 20_000, tri(x), FS),
        [functools.partial(dsp.resample_acc, [0, 20_000], np.ones((2, 3)), fs) for fs in RATES],
    ),
    "sit_stand": rated(dsp.sit_stand, lambda: dsp.sit_stand(np.ones((4, 2)), FS), acc=True, deep=False),
    "steps": rated(dsp.steps, lambda: dsp.steps(np.ones((4, 2)), FS), acc=True, deep=False),
    "tremor_power": rated(dsp.tremor_power, acc=True),
    "walking_bouts": Row(lambda x: dsp.walking_bouts(np.arange(len(x)) * 0.5), [lambda: dsp.walking_bouts([2.0, 1.0])]),
    # sleep
    "cosinor": Row(lambda x: dsp.cosinor(x, 0.1), [lambda: dsp.cosinor([1.0], 0.0)]),
    "heart_activity": Row(lambda x: dsp.heart_activity(x, x[::-1]), [lambda: dsp.heart_activity([1.0], [1.0, 2.0])]),
    "inactivity_bouts": Row(dsp.inactivity_bouts, [lambda: dsp.inactivity_bouts([1.0], 0.0)]),
    "lindert_counts": rated(dsp.lindert_counts),
    "rest_activity": Row(dsp.rest_activity, [lambda: dsp.rest_activity([1.0], 0.0)]),
    "sleep_activity": Row(dsp.sleep_activity, [lambda: dsp.sleep_activity([1.0], 0.0)]),
    "sleep_features": Row(lambda x: dsp.sleep_features(x, x[::-1]), [lambda: dsp.sleep_features([1.0], [1.0, 2.0])]),
    "sleep_hr_variation": Row(
        lambda x: dsp.sleep_hr_variation(np.arange(len(x)), x, 20),
        [lambda: dsp.sleep_hr_variation([1.0], [1.0, 2.0], 3)],
    ),
    "sleep_metrics": Row(lambda x: dsp.sleep_metrics(x > 0), [lambda: dsp.sleep_metrics([1.0], 0.0)]),
    "sleep_night_features": Row(
        lambda x: dsp.sleep_night_features(x, x[::-1]), [lambda: dsp.sleep_night_features([1.0], [1.0, 2.0])]
    ),
    "sleep_regularity": Row(lambda x: dsp.sleep_regularity(x), [lambda: dsp.sleep_regularity([1.0], 0.0)]),
    "sleep_wake": Row(dsp.sleep_wake, [lambda: dsp.sleep_wake([1.0], 45.0)]),
    "sleep_window": Row(dsp.sleep_window, [lambda: dsp.sleep_window([1.0], 0.0)]),
    "webster_rules": Row(lambda x: dsp.webster_rules((x > 0) * 1.0)),
    # windows
    "acc_window_features": rated(lambda x, fs: dsp.acc_window_features(x, fs, 10.0), acc=True),
    # filters
    "butterworth": Row(
        lambda x: dsp.butterworth(4, 5.0, FS, "low"),
        [
            lambda: dsp.butterworth(4, 30.0, FS, "low"),
            lambda: dsp.butterworth(0, 5.0, FS, "low"),
            lambda: dsp.butterworth(4, (5.0, 2.0), FS, "band"),
        ],
    ),
    "notch": Row(lambda x: dsp.notch(10.0, FS), [lambda: dsp.notch(25.0, FS), lambda: dsp.notch(10.0, FS, 0.0)]),
    "powerline_notches": Row(lambda x: dsp.powerline_notches(250.0), [lambda: dsp.powerline_notches(-1.0)]),
    "remove_baseline": rated(dsp.remove_baseline),
    "remove_powerline": rated(lambda x, fs: dsp.remove_powerline(x, fs * 5)),
    "zero_phase": Row(lambda x: dsp.zero_phase(SECTIONS, x), [lambda: dsp.zero_phase((), [1.0])]),
}

PLAIN: Final[dict[str, str]] = {
    "branched_energy": "NaN where an input is",
    "causal_r_peaks": "no NaN",
    "energy_kcal": "NaN where nothing is known",
    "ecg_respiration": "NaN at a beat that tells nothing",
    "enmo": "NaN where a sample is",
    "even_times": "no NaN",
    "keytel_kj_min": "NaN where the heart rate is",
    "lindert_counts": "NaN where a sample is",
    "lomb_scargle": "no NaN",
    "multiscale_entropy": "NaN at a scale at which nothing matches",
    "perfusion_index": "NaN without a pulse",
    "refine_r_peaks": "no NaN",
    "remove_baseline": "NaN where a sample is",
    "remove_powerline": "NaN where a sample is",
    "sleep_activity": "NaN where a count is",
    "sleep_hr_variation": "NaN where no heart rate is",
    "webster_rules": "NaN where a score is",
    "zero_phase": "NaN where a sample is",
}


def reason_of_every_nan(result: Any) -> bool:
    """Whether each NaN in a result has its reason, by the means of the type."""
    if isinstance(result, dsp.Measure):
        return not math.isnan(result) or bool(result.reason)
    if isinstance(result, dsp.HrvValues):
        return {name for name, value in result.items() if math.isnan(value)} == set(result.reasons)
    if isinstance(result, dsp.FeatureTable | dsp.EpochSeries | dsp.PulseWaves):
        return all(map(reason_of_every_nan, result.windows()))
    if isinstance(result, dsp.NN):
        return bool((result.beat[np.isnan(result.nn_ms)] == dsp.Beat.GAP).all() or result.method == "malik")
    if isinstance(result, dsp.ResampledAcc):
        return result.coverage < 1.0 or not holds_nan(result.acc_g)
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
        values = fields.get("values")
        if fields.get("reason") is not None or not holds_nan(fields):
            return True
        known = fields.get("reasons")
        if isinstance(values, Mapping) and isinstance(known, Mapping):
            return all(name in known for name, value in values.items() if math.isnan(value)) and not holds_nan(
                {name: value for name, value in fields.items() if name != "values"}
            )
        reasons = fields.get("reasons", fields.get("reason"))
        if isinstance(reasons, tuple):  # one for each row
            return all(
                why is not None for why, bad in zip(reasons, rows_with_nan(fields, len(reasons)), strict=True) if bad
            )
        return "coverage" in fields
    if isinstance(result, tuple) and hasattr(result, "reason"):
        return result.reason is not None or not holds_nan(tuple(result))
    if isinstance(result, list | tuple):
        return all(map(reason_of_every_nan, result))
    return not holds_nan(result)


def rows_with_nan(fields: Mapping[str, Any], rows: int) -> list[bool]:
    bad = np.zeros(rows, np.bool_)
    for value in fields.values():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and len(value) == rows:
            bad |= np.isnan(value.reshape(rows, -1)).any(axis=1)
    return list(bad)


def holds_nan(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" and bool(np.isnan(value).any())
    if isinstance(value, Mapping):
        return any(map(holds_nan, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_nan, value))
    return isinstance(value, float) and math.isnan(value)


def public_functions() -> set[str]:
    return {name for name in dsp.__all__ if inspect.isfunction(getattr(dsp, name))}


def public_streams() -> set[str]:
    classes = {name for name in dsp.__all__ if inspect.isclass(getattr(dsp, name))}
    return {name for name in classes if issubclass(getattr(dsp, name), Resumable)}


def test_every_function_and_stream_has_a_row() -> None:
    assert public_functions() == set(ROWS)
    assert public_streams() == set(STREAMS)
    assert set(PLAIN) <= set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_nothing_raises_and_every_nan_has_a_reason(name: str) -> None:
    for kind, signal in FAILURES.items():
        kept = signal.copy()
        result = ROWS[name].call(signal)
        assert np.array_equal(signal, kept, equal_nan=True), f"{kind}: the input was changed"
        if name not in PLAIN:
            assert reason_of_every_nan(result), f"{kind}: a NaN without a reason in {result}"


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.wrong])
def test_wrong_arguments_are_value_errors(name: str) -> None:
    for k, call in enumerate(ROWS[name].wrong):
        with pytest.raises(ValueError, match=r"\w"):
            call()
            pytest.fail(f"call {k} of {name} was let through")


# Streams


@dataclasses.dataclass(frozen=True)
class Live:
    make: Callable[[], Any]
    feed: Callable[[Any, int, int], Sequence[Any]]
    """Samples a..b of the signal of this row."""
    n: int
    twin: Callable[[], Sequence[Any]] | None
    lost: tuple[int, ...] = (3,)
    """What `gap` is told: a number of samples, or nothing where the data carry their own clock."""


WEARER: Final = dsp.synthetic.wearer(0.03, seed=3)
BEATS_S: Final = WEARER.beats_s[WEARER.beats_s < 90.0]
ECG: Final = dsp.synthetic.ecg(BEATS_S, 130.0)[: 90 * 130]
ECG[4000:4400] = np.nan
PULSE: Final = dsp.synthetic.pulse_wave(BEATS_S, FS, motion=0.2, seed=4)
PPG: Final = PULSE.ppg.copy()
PPG[2000:2200] = np.nan
MOTION: Final = dsp.synthetic.motion([dsp.synthetic.Bout("walk", 60.0), dsp.synthetic.Bout("sit", 30.0)], FS, seed=1)
ACC: Final = MOTION.acc_g.copy()
ACC[1500:1700] = np.nan
RR: Final = np.rint(800 + 40 * RNG.standard_normal(900))
RR[400:410] = np.nan
COUNTS: Final = np.abs(np.rint(60 * RNG.standard_normal(400)))
COUNTS[100:103] = np.nan
RR_TIMES: Final = np.cumsum(np.where(np.isnan(RR), 800.0, RR) * 1000).astype(np.int64)
R_PEAKS: Final = dsp.detect_r_peaks(ECG, 130.0)


def at_rest() -> Floats:
    """Forty attitudes of 12 s each, of a sensor that is a little off."""
    still = np.repeat(RNG.standard_normal((40, 3)), 600, axis=0)
    still /= np.linalg.norm(still, axis=1, keepdims=True)
    return np.asarray(still * [1.02, 0.98, 1.01] + 0.003 * RNG.standard_normal(still.shape))


STILL: Final = at_rest()


def beats_in(a: int, b: int) -> NDArray[np.int64]:
    return R_PEAKS[(a <= R_PEAKS) & (b > R_PEAKS)]


def ecg(stream: Any, a: int, b: int) -> Any:
    return stream.update(ECG[a:b])


def ppg(stream: Any, a: int, b: int) -> Any:
    return stream.update(PPG[a:b])


def acc(stream: Any, a: int, b: int) -> Any:
    return stream.update(ACC[a:b])


def beats(stream: Any, a: int, b: int) -> Any:
    return stream.update(RR_TIMES[a:b], RR[a:b])


def causal(x: Floats) -> list[float]:
    """What `scipy.signal.sosfilt` gives, each stretch settled on its first sample."""
    from scipy.signal import sosfilt, sosfilt_zi

    out = np.full(len(x), np.nan)
    for begin, end in runs(np.isfinite(x)):
        run = slice(begin, end)
        out[run] = sosfilt(SECTIONS, x[run], zi=sosfilt_zi(np.array(SECTIONS)) * x[run][0])[0]
    return list(out.tolist())


def beats_of_pulses() -> list[Any]:
    found = dsp.pulse_beats(PPG, FS)
    return list(zip(found.onset, found.upstroke, found.peak, found.amplitude, strict=True))


def intervals_of_pulses() -> list[Any]:
    found = dsp.pulse_intervals(PPG, FS)
    return list(zip(found.time_us, found.rr_ms, found.quality, found.reasons, strict=True))


STREAMS: Final[dict[str, Live]] = {
    "AccCalibrator": Live(
        lambda: dsp.AccCalibrator(FS),
        lambda stream, a, b: stream.update(STILL[a:b]) or [],
        len(STILL),
        lambda: [dsp.calibrate_acc(STILL, FS)],
        (),
    ),
    "AccMetricsStream": Live(
        lambda: dsp.AccMetricsStream(FS), acc, len(ACC), lambda: dsp.acc_metrics(ACC, FS).windows()
    ),
    "ActivityCountsStream": Live(
        lambda: dsp.ActivityCountsStream(50.0, 10), acc, len(ACC), lambda: dsp.activity_counts(ACC, 50.0, 10).windows()
    ),
    "BeatStream": Live(
        lambda: dsp.BeatStream(130.0),
        lambda stream, a, b: stream.update(ECG[a:b], beats_in(a, b)),
        len(ECG),
        lambda: dsp.beat_features(ECG, 130.0, R_PEAKS),
    ),
    "EcgQualityStream": Live(lambda: dsp.EcgQualityStream(130.0), ecg, len(ECG), None),
    "EcgStream": Live(lambda: dsp.EcgStream(130.0), ecg, len(ECG), None),
    "FallStream": Live(lambda: dsp.FallStream(FS), acc, len(ACC), lambda: dsp.fall_candidates(ACC, FS)),
    "FilterStream": Live(lambda: dsp.FilterStream(SECTIONS), ppg, len(PPG), lambda: causal(PPG), ()),
    "HrvStream": Live(
        lambda: dsp.HrvStream(120.0), beats, len(RR), lambda: dsp.hrv_windows(RR_TIMES, RR, window_s=120.0), ()
    ),
    "PpgQualityStream": Live(lambda: dsp.PpgQualityStream(FS), ppg, len(PPG), None),
    "PulseIntervalStream": Live(lambda: dsp.PulseIntervalStream(FS), ppg, len(PPG), intervals_of_pulses),
    "PulsePeakStream": Live(lambda: dsp.PulsePeakStream(FS), ppg, len(PPG), beats_of_pulses),
    "PulseRateStream": Live(
        lambda: dsp.PulseRateStream(FS),
        lambda stream, a, b: stream.update(PPG[a:b], PULSE.acc_g[a:b]),
        len(PPG),
        lambda: dsp.pulse_rate(PPG, PULSE.acc_g, FS),
    ),
    "PulseWaveStream": Live(
        lambda: dsp.PulseWaveStream(FS), ppg, len(PPG), lambda: dsp.pulse_wave_features(PPG, FS).windows()
    ),
    "RPeakStream": Live(lambda: dsp.RPeakStream(130.0), ecg, len(ECG), lambda: dsp.causal_r_peaks(ECG, 130.0).tolist()),
    "RespiratoryRateStream": Live(
        lambda: dsp.RespiratoryRateStream(FS), ppg, len(PPG), lambda: dsp.respiratory_rate(PPG, FS)
    ),
    "RhythmStream": Live(
        lambda: dsp.RhythmStream(16), beats, len(RR), lambda: dsp.rhythm_windows(RR_TIMES, RR, hop=16), ()
    ),
    "SleepWakeStream": Live(
        lambda: dsp.SleepWakeStream(),
        lambda stream, a, b: stream.update(COUNTS[a:b]),
        len(COUNTS),
        lambda: dsp.sleep_wake(COUNTS, rescore=False).asleep.tolist(),
    ),
    "Spo2Stream": Live(
        lambda: dsp.Spo2Stream(FS),
        lambda stream, a, b: stream.update(PULSE.red[a:b], PULSE.ir[a:b]),
        len(PPG),
        lambda: dsp.spo2(PULSE.red, PULSE.ir, FS),
    ),
    "StepStream": Live(lambda: dsp.StepStream(FS), acc, len(ACC), lambda: dsp.steps(ACC, FS).times_s.tolist()),
    "TremorStream": Live(lambda: dsp.TremorStream(FS), acc, len(ACC), lambda: dsp.tremor_power(ACC, FS).windows()),
    "WindowFeatureStream": Live(
        lambda: dsp.WindowFeatureStream(FS, 10.0),
        acc,
        len(ACC),
        lambda: dsp.acc_window_features(ACC, FS, 10.0).windows(),
    ),
}


def ended(stream: Any) -> list[Any]:
    """What a stream gives when no more comes: a filter nothing, a calibrator its fit, all others by `end`."""
    if isinstance(stream, dsp.AccCalibrator):
        return [stream.result()]
    return [] if isinstance(stream, dsp.FilterStream) else list(stream.end())


def numbers(results: Any) -> list[Any]:
    """All that results hold, flat."""
    if dataclasses.is_dataclass(results) and not isinstance(results, type):
        return numbers([getattr(results, field.name) for field in dataclasses.fields(results)])
    if isinstance(results, Mapping):
        return [item for key in sorted(results) for item in (key, *numbers(results[key]))]
    if isinstance(results, np.ndarray):
        return list(results.ravel().tolist())
    if isinstance(results, list | tuple):
        return [item for result in results for item in numbers(result)]
    return [results]


def assert_same(found: Any, want: Any) -> None:
    one, other = numbers(found), numbers(want)
    assert len(one) == len(other)
    for x, y in zip(one, other, strict=True):
        if isinstance(x, float) and isinstance(y, float):
            assert (math.isnan(x) and math.isnan(y)) or abs(x - y) <= 1e-9 * max(1.0, abs(y))
        else:
            assert x == y


WHOLE: dict[str, list[Any]] = {}


def whole(name: str) -> list[Any]:
    if name not in WHOLE:
        row = STREAMS[name]
        stream = row.make()
        WHOLE[name] = [*row.feed(stream, 0, row.n), *ended(stream)]
        assert WHOLE[name], f"{name} gave nothing: the test would prove nothing"
    return WHOLE[name]


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_any_split_and_any_restart_give_the_whole(name: str, data: st.DataObject) -> None:
    row = STREAMS[name]
    want = whole(name)
    cuts = sorted(data.draw(st.lists(st.integers(0, row.n), min_size=1, max_size=12)))
    restart = data.draw(st.integers(0, len(cuts)))
    stream, found = row.make(), []
    for k, (a, b) in enumerate(zip([0, *cuts], [*cuts, row.n], strict=True)):
        if k == restart:
            kept = stream.to_bytes()
            json.loads(kept)
            stream = type(stream).from_bytes(kept)
        found += list(row.feed(stream, a, b))
    assert_same(found + ended(stream), want)


@pytest.mark.parametrize("name", [name for name, row in STREAMS.items() if row.twin is not None])
def test_the_batch_twin_gives_the_same(name: str) -> None:
    twin = STREAMS[name].twin
    assert twin is not None
    assert_same(whole(name), list(twin()))


@pytest.mark.parametrize("name", STREAMS)
def test_windows_of_a_stream_say_what_they_are_worth(name: str) -> None:
    for result in whole(name):
        if isinstance(result, dsp.FeatureWindow):
            assert 0.0 <= result.coverage <= 1.0
            assert 0.0 <= result.corrected_share <= 1.0
            assert result.method
            assert result.end_us > result.start_us
        if not isinstance(result, float):
            assert reason_of_every_nan(result)


@pytest.mark.parametrize("name", STREAMS)
def test_a_gap_is_told_in_samples_and_state_of_others_is_refused(name: str) -> None:
    stream = STREAMS[name].make()
    told = stream.gap(*STREAMS[name].lost)
    assert told is None if isinstance(stream, dsp.FilterStream | dsp.AccCalibrator) else isinstance(told, list)
    if STREAMS[name].lost:
        with pytest.raises(ValueError, match="0"):
            stream.gap(-1)
    other = next(each for each in STREAMS if each != name)
    with pytest.raises(ValueError, match="state"):
        type(stream).from_bytes(STREAMS[other].make().to_bytes())
    with pytest.raises(ValueError, match="state"):
        type(stream).from_bytes(b"{}")


LIVE: Final = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("table", sys.argv[1])
table = importlib.util.module_from_spec(spec)
sys.modules["table"] = table
spec.loader.exec_module(table)
for row in table.STREAMS.values():
    stream = row.make()
    row.feed(stream, 0, row.n)
    stream = type(stream).from_bytes(stream.to_bytes())
    stream.gap(*row.lost)
    table.ended(stream)
print(*sorted({name.split(".")[0] for name in sys.modules} & {"scipy", "pandas", "matplotlib", "sklearn", "vitals"}))
"""


def test_no_stream_loads_scipy() -> None:
    """In a process of its own: the first 0.7 s and 78 MB of a live monitor would be SciPy's."""
    done = subprocess.run([sys.executable, "-c", LIVE, __file__], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
