"""What holds for every function and stream of the PPG room: any split, restored state, gaps, gain, broken sensors."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

import vitals_signal as dsp

FS = 50.0
RNG = np.random.default_rng(5)
WEARER = dsp.synthetic.wearer(0.05, seed=3, episodes=[(50.0, 100.0)])
WAVE = dsp.synthetic.pulse_wave(WEARER.beats_s[WEARER.beats_s < 120.0], FS, motion=0.3, seed=4)
TORN = WAVE.ppg.copy()
TORN[2000:2400] = np.nan
TORN[4000:4003] = np.nan


def rate(stream: Any, a: int, b: int) -> Any:
    return stream.update(TORN[a:b], WAVE.acc_g[a:b])


def oxygen(stream: Any, a: int, b: int) -> Any:
    return stream.update(np.where(np.isnan(TORN), np.nan, WAVE.red)[a:b], WAVE.ir[a:b])


def light(stream: Any, a: int, b: int) -> Any:
    return stream.update(TORN[a:b])


STREAMS: dict[str, tuple[Callable[[], Any], Callable[[Any, int, int], Any]]] = {
    "beats": (lambda: dsp.PulsePeakStream(FS), light),
    "intervals": (lambda: dsp.PulseIntervalStream(FS), light),
    "waves": (lambda: dsp.PulseWaveStream(FS), light),
    "quality": (lambda: dsp.PpgQualityStream(FS), light),
    "respiration": (lambda: dsp.RespiratoryRateStream(FS), light),
    "rate": (lambda: dsp.PulseRateStream(FS), rate),
    "oxygen": (lambda: dsp.Spo2Stream(FS), oxygen),
}


def plain(results: list[Any]) -> list[list[Any]]:
    """Numbers and texts of results, in order."""
    rows: list[list[Any]] = []
    for result in results:
        if isinstance(result, tuple):
            rows.append(list(result))
        else:
            rows.append([result.start_us, result.end_us, *result.values.values(), result.coverage])
            rows.append([result.corrected_share, result.method, result.reason, sorted(result.reasons.items())])
    return rows


def assert_same(left: list[Any], right: list[Any]) -> None:
    assert len(left) == len(right)
    for one, other in zip(plain(left), plain(right), strict=True):
        for x, y in zip(one, other, strict=True):
            if isinstance(x, float):
                assert (math.isnan(x) and math.isnan(y)) or abs(x - y) <= 1e-9 * max(1.0, abs(x))
            else:
                assert x == y


WHOLE: dict[str, list[Any]] = {}
for _name, (_make, _feed) in STREAMS.items():
    _stream = _make()
    WHOLE[_name] = [*_feed(_stream, 0, len(TORN)), *_stream.end()]


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(0, len(TORN)), max_size=12), st.integers(0, 11))
def test_any_split_and_a_restart_give_the_numbers_of_the_whole(name: str, cuts: list[int], restart: int) -> None:
    make, feed = STREAMS[name]
    stream, found = make(), []
    for k, (a, b) in enumerate(pairwise([0, *sorted(cuts), len(TORN)])):
        if k == restart:
            stream = type(stream).from_bytes(stream.to_bytes())
        found += feed(stream, a, b)
    assert_same([*found, *stream.end()], WHOLE[name])


@pytest.mark.parametrize("name", STREAMS)
def test_small_blocks_give_the_numbers_of_the_whole(name: str) -> None:
    make, feed = STREAMS[name]
    stream, found = make(), []
    for a in range(0, len(TORN), 11):
        found += feed(stream, a, min(a + 11, len(TORN)))
    assert_same([*found, *stream.end()], WHOLE[name])


def test_streams_have_found_something_to_agree_on() -> None:
    assert {name: len(found) >= 3 for name, found in WHOLE.items()} == dict.fromkeys(STREAMS, True)


def test_batch_twins() -> None:
    beats, intervals = dsp.pulse_beats(TORN, FS), dsp.pulse_intervals(TORN, FS)
    np.testing.assert_allclose(beats.upstroke, [beat.upstroke for beat in WHOLE["beats"]], rtol=0, atol=1e-9)
    np.testing.assert_allclose(intervals.rr_ms, [row.rr_ms for row in WHOLE["intervals"]], rtol=0, atol=1e-7)
    waves = dsp.pulse_wave_features(TORN, FS)
    np.testing.assert_allclose(waves["crest_time_s"], [w.values["crest_time_s"] for w in WHOLE["waves"]])
    assert_same(dsp.pulse_rate(TORN, WAVE.acc_g, FS), WHOLE["rate"])
    assert_same(dsp.respiratory_rate(TORN, FS), WHOLE["respiration"])
    assert dsp.sqi_ppg(TORN[:500], FS) == WHOLE["quality"][0].values["sqi_ppg"]


@pytest.mark.parametrize("name", STREAMS)
def test_after_a_gap_a_stream_is_new_but_for_the_time(name: str) -> None:
    make, feed = STREAMS[name]
    stream = make()
    feed(stream, 0, 1500)
    stream.gap(500)
    after = [*feed(stream, 2500, 5500), *stream.end()]
    fresh = make()
    fresh.gap(2000)
    assert_same(after, [*feed(fresh, 2500, 5500), *fresh.end()])
    assert len(after) >= 2


@pytest.mark.parametrize(("gain", "offset"), [(1e-3, 0.0), (1e4, 0.0), (1.0, 50.0)])
def test_gain_and_offset_do_not_matter(gain: float, offset: float) -> None:
    moved = WAVE.ppg * gain + offset
    np.testing.assert_array_equal(dsp.detect_pulse_peaks(moved, FS), dsp.detect_pulse_peaks(WAVE.ppg, FS))
    assert dsp.sqi_ppg(moved, FS) == pytest.approx(dsp.sqi_ppg(WAVE.ppg, FS), abs=1e-6)
    for one, other in (
        (dsp.pulse_rate(moved, WAVE.acc_g, FS), dsp.pulse_rate(WAVE.ppg, WAVE.acc_g, FS)),
        (dsp.respiratory_rate(moved, FS), dsp.respiratory_rate(WAVE.ppg, FS)),
    ):
        for x, y in zip(one, other, strict=True):
            assert list(x.values.values()) == pytest.approx(list(y.values.values()), abs=1e-4)


SENSOR_FAILURES: dict[str, NDArray[np.float64]] = {
    "nothing": np.empty(0),
    "one sample": np.array([1.0]),
    "sensor off": np.zeros(3000),
    "stuck": np.full(3000, 0.3),
    "missing": np.full(3000, np.nan),
    "infinite": np.full(3000, np.inf),
    "saturated": np.where(np.arange(3000) // 700 % 2, 1.0, -1.0),
    "ramp": np.linspace(0.0, 1.0, 3000),
    "noise": RNG.standard_normal(3000),
    "one alive": np.append(np.full(2999, np.nan), 1.0),
    "every second": np.where(np.arange(3000) % 2, np.nan, RNG.standard_normal(3000)),
    "spike": np.eye(1, 3000, 1500)[0],
    "huge": RNG.standard_normal(3000) * 1e150,
    "tiny": RNG.standard_normal(3000) * 1e-150,
}


def everything(ppg: NDArray[np.float64], fs: float) -> None:
    peaks = dsp.detect_pulse_peaks(ppg, fs)
    assert np.all(np.diff(peaks) > 0)
    assert np.isfinite(ppg[peaks]).all()
    assert np.isfinite(ppg[dsp.detect_pulse_peaks(ppg, fs, method="msptdfast")]).all()
    beats = dsp.pulse_beats(ppg, fs)
    assert np.isfinite(beats.upstroke).all()
    assert np.all(np.diff(beats.upstroke) > 0)
    assert 0.0 <= dsp.sqi_ppg(ppg, fs) <= 1.0
    intervals = dsp.pulse_intervals(ppg, fs)
    for rr, reason in zip(intervals.rr_ms, intervals.reasons, strict=True):
        assert np.isnan(rr) == (reason is not None)
    dsp.perfusion_index(ppg, fs)
    dsp.pulse_wave_features(ppg, fs)
    acc = np.stack([ppg, ppg, ppg], axis=1)
    windows = [*dsp.respiratory_rate(ppg, fs), *dsp.spo2(ppg, ppg, fs), *dsp.spo2(ppg, None, fs)]
    if fs >= 15.0:
        windows += dsp.pulse_rate(ppg, acc, fs)
        windows += dsp.pulse_rate(np.stack((ppg, ppg), axis=1), None, fs)
    for window in windows:
        for name, value in window.values.items():
            assert np.isfinite(value) or window.reason or window.reasons[name]


@pytest.mark.parametrize("ppg", SENSOR_FAILURES.values(), ids=SENSOR_FAILURES.keys())
def test_sensor_failures_neither_raise_nor_warn_nor_give_a_silent_nan(ppg: NDArray[np.float64]) -> None:
    everything(ppg, FS)


@pytest.mark.parametrize("name", ["nothing", "one sample", "sensor off", "stuck", "missing", "infinite", "one alive"])
def test_without_a_signal_there_are_no_beats(name: str) -> None:
    assert len(dsp.detect_pulse_peaks(SENSOR_FAILURES[name], FS)) == 0
    assert dsp.sqi_ppg(SENSOR_FAILURES[name], FS) == 0.0
    for window in dsp.pulse_rate(SENSOR_FAILURES[name], None, FS):
        assert window.reason
        assert np.isnan(window.values["pulse_rate_bpm"])


@settings(max_examples=15, deadline=None)
@given(hnp.arrays(np.float64, st.integers(0, 400), elements=st.floats(width=64)), st.floats(1.0, 60.0))
def test_any_samples_at_any_rate(ppg: NDArray[np.float64], fs: float) -> None:
    everything(ppg, fs)


@pytest.mark.parametrize("fs", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize(
    "call",
    [
        lambda fs: dsp.detect_pulse_peaks(TORN, fs),
        lambda fs: dsp.sqi_ppg(TORN, fs),
        lambda fs: dsp.pulse_rate(TORN, None, fs),
        lambda fs: dsp.respiratory_rate(TORN, fs),
        lambda fs: dsp.spo2(TORN, TORN, fs),
        lambda fs: dsp.perfusion_index(TORN, fs),
        lambda fs: dsp.pulse_intervals(TORN, fs),
        lambda fs: dsp.pulse_wave_features(TORN, fs),
        lambda fs: dsp.PpgQualityStream(fs),
    ],
)
def test_a_wrong_rate_is_named(call: Callable[[float], Any], fs: float) -> None:
    with pytest.raises(ValueError, match="fs"):
        call(fs)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: dsp.detect_pulse_peaks(np.zeros((3, 3)), FS), "ppg"),
        (lambda: dsp.pulse_rate(np.zeros((3, 3, 3)), None, FS), "ppg"),
        (lambda: dsp.pulse_rate(np.zeros(9), np.zeros((8, 3)), FS), "acc_g"),
        (lambda: dsp.PulseRateStream(FS, 0), "channels"),
        (lambda: dsp.PulseRateStream(FS, 2).update(np.zeros(9)), "channels"),
        (lambda: dsp.spo2(np.zeros(9), np.zeros(8), FS), "red and ir"),
        (lambda: dsp.pulse_intervals(np.zeros(9), FS, min_quality=1.5), "min_quality"),
        (lambda: dsp.pulse_wave_features(np.zeros(9), FS, height_m=0.0), "height_m"),
        (lambda: dsp.PpgQualityStream(FS, 0.0), "window_s"),
        (lambda: dsp.RespiratoryRateStream(FS, -1), "others"),
        (lambda: dsp.RespiratoryRateStream(FS, 1).update(np.zeros(9), others=[(0, 0), (0, 0)]), "others"),
    ],
)
def test_a_wrong_argument_is_named(call: Callable[[], Any], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()


def test_no_stream_of_the_room_loads_scipy() -> None:
    code = """
import sys, numpy as np, vitals_signal as dsp
x = np.sin(np.arange(3000) / 8.0)
for stream in (dsp.PulsePeakStream, dsp.PulseIntervalStream, dsp.PulseWaveStream, dsp.PpgQualityStream,
               dsp.RespiratoryRateStream, dsp.PulseRateStream):
    stream(50.0).update(x)
dsp.Spo2Stream(50.0).update(x + 9, x + 9)
print("scipy" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"
