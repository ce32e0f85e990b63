"""Pulse beats: against synthetic truth, against the ECG of real recordings, latency, and the intervals made of them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import vitals_signal as dsp
from vitals.formats.wfdb import read_signals
from vitals_signal.ppg.beat_intervals import MISSING, POOR, TOO_LONG

Floats = NDArray[np.float64]


def paired(truth_s: Floats, found_s: Floats, tolerance_s: float) -> int:
    """One-to-one matches within the tolerance, both ascending."""
    i = j = hits = 0
    while i < len(truth_s) and j < len(found_s):
        apart = found_s[j] - truth_s[i]
        if abs(apart) <= tolerance_s:
            hits, i, j = hits + 1, i + 1, j + 1
        elif apart < 0:
            j += 1
        else:
            i += 1
    return hits


def f1_after_transit(r_s: Floats, pulse_s: Floats) -> float:
    """F1 within 150 ms at the constant delay that suits the recording best (Charlton et al. 2022)."""
    hits = max(paired(r_s, pulse_s - delay, 0.15) for delay in np.arange(0.0, 1.0, 0.05))
    return 2.0 * hits / (len(r_s) + len(pulse_s))


@pytest.mark.parametrize("fs", [25.0, 64.0, 100.0, 250.0])
def test_every_synthetic_beat_is_found_where_it_is(fs: float) -> None:
    beats = dsp.synthetic.wearer(0.1, seed=2, episodes=[(120.0, 240.0)]).beats_s
    wave = dsp.synthetic.pulse_wave(beats[beats < 340.0], fs, noise=0.02)
    found = dsp.pulse_beats(wave.ppg, fs)
    hits = paired(wave.upstroke_s, found.upstroke / fs, 0.06)
    assert hits >= 0.99 * len(wave.upstroke_s)
    assert hits >= 0.99 * len(found.upstroke)
    near = np.abs(found.peak[:, None] / fs - wave.peak_s).min(axis=1)
    assert np.median(near) < 0.010
    assert np.all(found.onset < found.upstroke)
    assert np.all(found.upstroke < found.peak)
    assert np.all(found.amplitude > 0.0)


def test_a_dicrotic_wave_is_no_beat_and_a_weak_early_beat_is_one() -> None:
    regular = np.arange(0.5, 60.0, 1.2)
    early = np.sort(np.append(regular, regular[20] + 0.65))
    for beats in (regular, early):
        wave = dsp.synthetic.pulse_wave(beats, 64.0, noise=0.0)
        assert len(dsp.detect_pulse_peaks(wave.ppg, 64.0)) == len(beats)


def test_peaks_are_maxima() -> None:
    wave = dsp.synthetic.pulse_wave(np.arange(0.5, 60.0, 0.8), 100.0, noise=0.0, baseline=0.0)
    peaks = dsp.detect_pulse_peaks(wave.ppg, 100.0)
    assert np.all(wave.ppg[peaks] >= wave.ppg[peaks - 1])
    assert np.all(wave.ppg[peaks] >= wave.ppg[peaks + 1])


def test_missing_samples_hold_no_beats() -> None:
    wave = dsp.synthetic.pulse_wave(np.arange(0.5, 60.0, 0.8), 50.0)
    torn = wave.ppg.copy()
    torn[1000:1500] = np.nan
    peaks = dsp.detect_pulse_peaks(torn, 50.0)
    assert not np.any((peaks >= 1000) & (peaks < 1500))
    assert len(peaks) >= 60


def test_a_beat_comes_out_within_its_latency() -> None:
    wave = dsp.synthetic.pulse_wave(np.arange(0.5, 60.0, 0.8), 50.0)
    stream, latency = dsp.PulsePeakStream(50.0), []
    for end in range(5, len(wave.ppg), 5):
        latency += [end / 50.0 - beat.upstroke / 50.0 for beat in stream.update(wave.ppg[end - 5 : end])]
    assert len(latency) >= 65
    assert max(latency) <= 3.2


# F1 of NeuroKit2 0.2.13, ppg_findpeaks(ppg_clean(x), method="elgendi"), on the same beats: see benchmarks/dsp_ppg.py.
@pytest.mark.parametrize(
    ("name", "peer"), [("mimic_perform_af_001", 0.9769), ("mimic_perform_af_013", 0.9853), ("bidmc_10", 0.9831)]
)
def test_beats_of_real_recordings_against_their_ecg(shared: Path, name: str, peer: float) -> None:
    if name.startswith("bidmc"):
        with np.load(shared / "data" / "bidmc" / f"{name}.npz") as data:
            ppg, ecg = data["pleth"] * 1e-6, data["ii"] * 1e-6
    else:
        recording = read_signals(shared / "data" / "mimic_perform_af" / f"{name}.hea")
        ppg, ecg = recording.physical(0), recording.physical(1)
    r_s = dsp.detect_r_peaks(ecg, 125.0) / 125.0
    assert f1_after_transit(r_s, dsp.detect_pulse_peaks(ppg, 125.0) / 125.0) > peer - 0.002
    beats = dsp.pulse_beats(ppg, 125.0)
    assert f1_after_transit(r_s, beats.upstroke / 125.0) > peer


def test_msptdfast_gives_the_peaks_of_its_peer() -> None:
    """NeuroKit2 0.2.13: `ppg_findpeaks(x, sampling_rate=100, method="charlton")["PPG_Peaks"]` is 104, 184 ... 2904."""
    t = np.arange(3000) / 100.0
    phase = t * 1.25 % 1.0
    x = np.exp(-((phase - 0.3) ** 2) / 0.012) + 0.4 * np.exp(-((phase - 0.62) ** 2) / 0.015)
    x += 0.3 * np.sin(2 * np.pi * 0.21 * t) + 0.02 * np.sin(2 * np.pi * 7.3 * t)
    assert dsp.detect_pulse_peaks(x, 100.0, method="msptdfast").tolist() == list(range(104, 2905, 80))
    torn = x.copy()
    torn[1000:1200] = np.nan
    left = dsp.detect_pulse_peaks(torn, 100.0, method="msptdfast")
    assert not np.any((left >= 1000) & (left < 1200))
    assert len(left) >= 30
    assert dsp.detect_pulse_peaks(np.full(3000, np.nan), 100.0, method="msptdfast").tolist() == []
    assert dsp.detect_pulse_peaks(np.ones(3000), 100.0, method="msptdfast").tolist() == []
    with pytest.raises(ValueError, match="method"):
        dsp.detect_pulse_peaks(x, 100.0, method="qrs")  # type: ignore[arg-type]


def test_intervals_are_those_of_the_heart() -> None:
    beats = dsp.synthetic.wearer(0.05, seed=5).beats_s
    wave = dsp.synthetic.pulse_wave(beats, 64.0, interval_s=0.0, baseline=0.0, amplitude=0.0)
    found = dsp.pulse_intervals(wave.ppg, 64.0)
    assert found.reasons == (None,) * len(found.rr_ms)
    truth = np.diff(beats)[: len(found.rr_ms)] * 1000.0
    assert np.median(np.abs(found.rr_ms - truth)) < 4.0
    np.testing.assert_allclose(np.diff(found.time_us) / 1000.0, found.rr_ms[1:], atol=2e-3)


def test_intervals_say_why_they_are_missing() -> None:
    wave = dsp.synthetic.pulse_wave(np.arange(0.5, 100.0, 0.8), 50.0)
    ppg = wave.ppg.copy()
    ppg[1000:1020] = np.nan
    ppg[2000:2400] = ppg[2000]
    ppg[3000:3500] = np.random.default_rng(1).standard_normal(500)
    found = dsp.pulse_intervals(ppg, 50.0)
    assert {MISSING, TOO_LONG, POOR} <= set(found.reasons)
    at = found.time_us / 1e6
    assert np.isnan(found.rr_ms[(at > 61.0) & (at < 69.5)]).mean() > 0.5
    assert np.isfinite(found.rr_ms[at < 19.0]).all()
    assert len(dsp.pulse_intervals(ppg, 50.0, min_quality=0.0).rr_ms) == len(found.rr_ms)


def test_a_spoilt_beat_spoils_the_interval_before_it_and_the_one_after_it() -> None:
    wave = dsp.synthetic.pulse_wave(np.arange(0.5, 40.0, 0.8), 64.0, noise=0.0)
    ppg = wave.ppg.copy()
    middle = round(wave.upstroke_s[20] * 64.0)
    ppg[middle + 5 : middle + 22] -= 0.9 * np.hanning(17)
    quality = dsp.pulse_intervals(ppg, 64.0, min_quality=0.0).quality
    low = np.flatnonzero(quality < 0.8)
    assert len(low) == 2
    assert low[1] == low[0] + 1
    assert np.delete(quality, low).min() > 0.95


def test_an_irregular_rhythm_shows_in_the_pulse(shared: Path) -> None:
    """Triplet novelty of 64 pulse intervals tells fibrillation from the rest; poor windows abstain."""
    novelty = {}
    for kind in ("af_001", "non_af_001"):
        recording = read_signals(shared / "data" / "mimic_perform_af" / f"mimic_perform_{kind}.hea")
        found = dsp.pulse_intervals(recording.physical(0), 125.0)
        windows = dsp.rhythm_windows(found.time_us, found.rr_ms, hop=32)
        novelty[kind] = np.array([w.values["triplet_novelty"] for w in windows if w.reason is None])
    assert min(len(values) for values in novelty.values()) >= 5
    assert np.median(novelty["af_001"]) > np.quantile(novelty["non_af_001"], 0.95)


def test_the_index_falls_as_noise_rises_and_does_not_mind_fibrillation() -> None:
    rng = np.random.default_rng(3)
    regular = dsp.synthetic.pulse_wave(np.arange(0.5, 21.0, 0.8), 64.0).ppg
    noise = rng.standard_normal(len(regular))
    values = [dsp.sqi_ppg(regular + level * noise, 64.0) for level in (0.0, 0.1, 0.3, 1.0)]
    assert values[0] > 0.9
    assert all(a > b + 0.1 for a, b in pairwise(values[:3]))
    assert values[-1] < 0.2
    beats = dsp.synthetic.wearer(0.05, seed=2, episodes=[(20.0, 100.0)]).beats_s
    fibrillation = dsp.synthetic.pulse_wave(beats[(beats > 30.0) & (beats < 90.0)] - 30.0, 64.0).ppg
    assert dsp.sqi_ppg(fibrillation, 64.0) > 0.6


def test_the_index_knows_saturation_and_missing_samples() -> None:
    ppg = dsp.synthetic.pulse_wave(np.arange(0.5, 21.0, 0.8), 64.0).ppg
    clipped, missing = np.minimum(ppg, 0.5), ppg.copy()
    missing[300:700] = np.nan
    stuck = ppg.copy()
    stuck[300:700] = 0.2
    whole = dsp.sqi_ppg(ppg, 64.0)
    beats = np.arange(0.5, 21.0, 0.8)
    pause = dsp.synthetic.pulse_wave(beats[(beats < 8.0) | (beats > 12.0)], 64.0).ppg
    assert dsp.sqi_ppg(pause, 64.0) < 0.3
    for spoilt in (missing, stuck):
        assert dsp.sqi_ppg(spoilt, 64.0) < 0.5 * whole
    assert dsp.sqi_ppg(np.where(clipped < 0.1, 0.1, clipped), 64.0) < 0.9 * whole
