"""Synthetic heart beats and ECG with known truth, for demos, virtual devices and tests. No recording went into them.

Laws of this file:
1. The same arguments give the same numbers on every machine (numpy's PCG64 streams).
2. The truth comes with the data: what is an ectopic beat and what an irregular episode is known, not detected.
3. It is a stand-in, not a patient: no accuracy measured on it says anything about people.

Sources: sinus rhythm by integral pulse frequency modulation (Hyndman & Mohn 1975), modulated by respiration, Mayer
waves and 1/f drift (Task Force 1996, doi 10.1161/01.CIR.93.5.1043; Kobayashi & Musha 1982, doi
10.1109/TBME.1982.324972); atrial fibrillation by random atrial impulses on an AV node with two pathways and refractory
periods (Corino et al. 2011, doi 10.1109/TBME.2011.2166262); ECG as a sum of Gaussian waves (McSharry et al. 2003,
doi 10.1109/TBME.2003.808805).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

_GRID_HZ: Final = 8.0  # of the rate modulation
_RESPIRATION_HZ, _RESPIRATION_DEPTH = 0.24, 0.034
_MAYER_HZ, _MAYER_DEPTH = 0.095, 0.024
_DRIFT_DEPTH: Final = 0.035
_BEAT_NOISE_S: Final = 0.004  # standard deviation of what no wave explains

# AV node in fibrillation: impulses per second, refractory periods of two pathways (s), share of the first, jitter (s)
_ATRIAL_HZ: Final = 8.5
_REFRACTORY_S: Final = (0.38, 0.50)
_FIRST_PATHWAY: Final = 0.5
_REFRACTORY_JITTER_S: Final = 0.06

# offset from the R peak (s at 60 bpm), width (s), height (mV)
_QRS: Final = ((-0.028, 0.010, -0.10), (0.0, 0.012, 1.00), (0.030, 0.011, -0.22))
_P: Final = (-0.170, 0.024, 0.12)
_T: Final = (0.290, 0.050, 0.28)
_WIDE: Final = ((-0.020, 0.038, 1.25), (0.080, 0.040, -0.55))  # a ventricular beat


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticWearer:
    """Beats of one wearer and the truth about them."""

    beats_s: NDArray[np.float64]  # (n,), seconds, ascending
    ectopic: NDArray[np.bool_]  # (n,), beats that came too early
    irregular: NDArray[np.bool_]  # (n,), beats conducted during an episode
    episodes: tuple[tuple[float, float], ...]  # start and end in seconds, as asked for
    activity: tuple[tuple[float, float], ...]  # start and end in seconds of the bouts that raise the rate
    seed: int

    @property
    def rr_ms(self) -> NDArray[np.float64]:
        """RR intervals in ms, shape (n - 1,); interval k ends at beat k + 1."""
        return np.diff(self.beats_s) * 1000.0


def wearer(
    hours: float = 3.0,
    *,
    seed: int = 7,
    episodes: Sequence[tuple[float, float]] = (),
    resting_bpm: float = 62.0,
    bouts_per_hour: float = 1.5,
    ectopics_per_hour: float = 6.0,
) -> SyntheticWearer:
    """Heart beats of a healthy adult at rest and in daily motion, with irregular `episodes` (start and end, seconds).

    Defaults give about 62 bpm and an RMSSD of 30 to 40 ms at rest, 85 to 115 bpm in bouts of 3 to 8 min, and in
    episodes about 100 bpm with a coefficient of variation of 0.2 and no serial correlation.
    Raises ValueError where the numbers describe no wearer: nothing to last, rates outside 30..150 bpm, episodes
    that overlap, run backwards or leave the recording.
    """
    duration = hours * 3600.0
    _check(duration, episodes, resting_bpm, bouts_per_hour, ectopics_per_hour)
    spans = tuple(sorted((float(start), float(end)) for start, end in episodes))
    sinus, bouts_rng, ectopics, av_node = (np.random.default_rng([seed, stream]) for stream in range(4))
    activity = _bouts(bouts_rng, duration, bouts_per_hour)
    beats = _sinus_beats(sinus, duration, resting_bpm, activity)
    beats, early = _with_ectopics(ectopics, beats, ectopics_per_hour, spans)
    beats, early, irregular = _with_episodes(av_node, beats, early, spans)
    return SyntheticWearer(beats, early, irregular, spans, activity, seed)


def ecg(
    beats_s: ArrayLike,
    fs: float,
    *,
    duration_s: float | None = None,
    ventricular: ArrayLike | None = None,
    without_p: ArrayLike | None = None,
    noise_mv: float = 0.02,
    wander_mv: float = 0.10,
    seed: int = 7,
) -> NDArray[np.float64]:
    """A lead-II-like ECG in mV whose R peaks lie at `beats_s` (ascending, shape (k,)); sample j is at j / `fs` seconds.

    `ventricular` and `without_p` mark beats, shape (k,): wide complexes without P wave, and beats without P wave (as in
    fibrillation). `noise_mv` is the standard deviation of white noise, `wander_mv` the amplitude of the respiratory
    baseline. Length: `duration_s`, or to one second after the last beat. Raises ValueError for `fs` not above 0 or
    masks of another shape.
    """
    beats = np.asarray(beats_s, np.float64)
    if not (np.isfinite(fs) and fs > 0):
        raise ValueError(f"fs must be a finite number above 0 Hz, got {fs}")
    wide, no_p = (
        np.zeros(len(beats), np.bool_) if mask is None else np.asarray(mask, np.bool_)
        for mask in (ventricular, without_p)
    )
    if wide.shape != beats.shape or no_p.shape != beats.shape:
        raise ValueError("ventricular and without_p must have the shape of beats_s")
    if duration_s is None:
        duration_s = float(beats[-1]) + 1.0 if len(beats) else 0.0
    n = max(0, round(duration_s * fs))
    rng = np.random.default_rng([seed, 9])
    out = rng.standard_normal(n) * noise_mv
    out += wander_mv * np.sin(2 * np.pi * 0.24 * np.arange(n) / fs + rng.uniform(0, 2 * np.pi))
    if not len(beats):
        return out
    rr = np.diff(beats, prepend=beats[0] - 1.0)
    stretch = np.sqrt(np.clip(np.append(rr[1:], rr[-1]), 0.3, 2.0))  # Bazett: the T wave follows the root of RR
    narrow = ~wide
    waves = [(beats[narrow] + at, width, height) for at, width, height in _QRS]
    waves += [(beats[wide] + at, width, height) for at, width, height in _WIDE]
    waves.append((beats[narrow & ~no_p] + _P[0], _P[1], _P[2]))
    waves.append((beats[narrow] + _T[0] * stretch[narrow], _T[1], _T[2]))
    waves.append((beats[wide] + _T[0] * stretch[wide], _T[1], -_T[2]))
    for centres, width, height in waves:
        _add_wave(out, centres, width, height, fs)
    return out


def _add_wave(out: NDArray[np.float64], centres: NDArray[np.float64], width: float, height: float, fs: float) -> None:
    reach = int(np.ceil(4 * width * fs))
    index = np.rint(centres * fs).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    value = height * np.exp(-0.5 * ((index / fs - centres[:, None]) / width) ** 2)
    inside = (index >= 0) & (index < len(out))
    np.add.at(out, index[inside], value[inside])


def _check(duration: float, episodes: Sequence[tuple[float, float]], bpm: float, bouts: float, ectopics: float) -> None:
    if not 10 <= duration <= 31 * 86400:
        raise ValueError(f"hours must give 10 s to 31 days, got {duration} s")
    if not 30 <= bpm <= 150:
        raise ValueError(f"resting_bpm must lie in 30..150, got {bpm}")
    if not (0 <= bouts <= 6 and 0 <= ectopics <= 600):
        raise ValueError(f"bouts_per_hour must lie in 0..6 and ectopics_per_hour in 0..600, got {bouts} and {ectopics}")
    last = 0.0
    for start, end in sorted(episodes):
        if not last <= start < end <= duration:
            raise ValueError(f"episode {start}..{end} s overlaps another, runs backwards or leaves 0..{duration} s")
        last = end


def _bouts(rng: np.random.Generator, duration: float, per_hour: float) -> tuple[tuple[float, float], ...]:
    """One bout in each of equal slots, at a random place in it."""
    count = round(per_hour * duration / 3600.0)
    slots = np.linspace(0.0, duration, count + 1)
    lengths = np.minimum(rng.uniform(180.0, 480.0, count), 0.6 * np.diff(slots))
    starts = slots[:-1] + rng.uniform(0.1, 0.9, count) * (np.diff(slots) - lengths)
    return tuple((float(a), float(a + length)) for a, length in zip(starts, lengths, strict=True))


def _sinus_beats(
    rng: np.random.Generator, duration: float, bpm: float, activity: Sequence[tuple[float, float]]
) -> NDArray[np.float64]:
    n = int((duration + 5.0) * _GRID_HZ)
    t = np.arange(n) / _GRID_HZ
    effort = np.zeros(n)
    for start, end in activity:
        effort[(t >= start) & (t < end)] = rng.uniform(0.4, 0.8)
    rate = bpm / 60.0 * (1.0 + _follow(effort))
    # Vagal modulation fades as the rate rises.
    depth = (bpm / 60.0 / rate) ** 2
    breath = np.cumsum(_RESPIRATION_HZ * (1.0 + 0.12 * _smooth(rng, n, 20.0))) / _GRID_HZ
    mayer = np.cumsum(_MAYER_HZ * (1.0 + 0.10 * _smooth(rng, n, 30.0))) / _GRID_HZ
    swing = _RESPIRATION_DEPTH * (1.0 + 0.25 * _smooth(rng, n, 60.0)) * np.sin(2 * np.pi * breath)
    swing += _MAYER_DEPTH * (1.0 + 0.25 * _smooth(rng, n, 60.0)) * np.sin(2 * np.pi * mayer)
    rate = rate * (1.0 + depth * swing + _DRIFT_DEPTH * np.clip(_pink(rng, n), -2.5, 2.5))
    phase = np.concatenate(([0.0], np.cumsum(rate) / _GRID_HZ))
    grid = np.arange(n + 1) / _GRID_HZ
    beats = np.interp(np.arange(1.0, np.floor(phase[-1]) + 1.0), phase, grid)
    beats += _BEAT_NOISE_S * np.clip(rng.standard_normal(len(beats)), -3, 3)
    return beats[beats <= duration]


def _follow(target: NDArray[np.float64]) -> NDArray[np.float64]:
    """First-order answer of the rate to effort: up in 20 s, down in 50 s, shape (n,)."""
    out, value = np.empty(len(target)), 0.0
    for k, goal in enumerate(target.tolist()):
        value += (goal - value) / (_GRID_HZ * (20.0 if goal > value else 50.0))
        out[k] = value
    return out


def _smooth(rng: np.random.Generator, n: int, seconds: float) -> NDArray[np.float64]:
    """Slow noise of about unit variance: white knots every `seconds`, joined by straight lines."""
    knots = rng.standard_normal(int(n / _GRID_HZ / seconds) + 3)
    return np.interp(np.arange(n) / (_GRID_HZ * seconds), np.arange(len(knots)), np.clip(knots, -2, 2))


def _pink(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """1/f noise of unit variance between 1/3600 and 0.03 Hz."""
    f = np.fft.rfftfreq(n, 1.0 / _GRID_HZ)
    spectrum = rng.standard_normal(len(f)) + 1j * rng.standard_normal(len(f))
    band = (f > 0) & (f <= 0.03)
    spectrum[~band] = 0.0
    spectrum[band] /= np.sqrt(np.maximum(f[band], 1.0 / 3600.0))
    noise = np.fft.irfft(spectrum, n)
    spread = float(noise.std())
    return noise / spread if spread > 0 else noise


def _with_ectopics(
    rng: np.random.Generator, beats: NDArray[np.float64], per_hour: float, episodes: Sequence[tuple[float, float]]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Some beats come early; the sinus node does not notice, so that the pause compensates in full."""
    early = rng.random(len(beats)) < per_hour / 3600.0 * np.diff(beats, prepend=beats[:1])
    early[:3] = early[-3:] = False
    for start, end in episodes:
        early[(beats > start - 5.0) & (beats < end + 5.0)] = False
    for k in np.flatnonzero(early).tolist():
        if early[k - 1] or early[k - 2]:
            early[k] = False
    moved = beats.copy()
    index = np.flatnonzero(early)
    moved[index] -= rng.uniform(0.30, 0.42, len(index)) * (beats[index] - beats[index - 1])
    return moved, early


def _with_episodes(
    rng: np.random.Generator,
    beats: NDArray[np.float64],
    early: NDArray[np.bool_],
    episodes: Sequence[tuple[float, float]],
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    irregular = np.zeros(len(beats), np.bool_)
    for start, end in episodes:
        first = int(np.searchsorted(beats, start))
        before = float(beats[first - 1]) if first else start
        conducted = max(before, start - 0.5) + np.cumsum(_conducted_rr(rng, int((end - start) / 0.38) + 10))
        conducted = conducted[(conducted >= start) & (conducted < end)]
        # The sinus node takes over with a full interval, never on top of the last conducted beat.
        head = beats < start
        tail = (beats >= end) & (beats > (conducted[-1] + 0.4 if len(conducted) else end))
        none, all_ = np.zeros(len(conducted), np.bool_), np.ones(len(conducted), np.bool_)
        beats = np.concatenate((beats[head], conducted, beats[tail]))
        early = np.concatenate((early[head], none, early[tail]))
        irregular = np.concatenate((irregular[head], all_, irregular[tail]))
    return beats, early, irregular


def _conducted_rr(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Refractory period of the pathway taken, then the wait for the next random atrial impulse; seconds, shape (n,)."""
    refractory = np.where(rng.random(n) < _FIRST_PATHWAY, *_REFRACTORY_S) + rng.uniform(0, _REFRACTORY_JITTER_S, n)
    return refractory + rng.exponential(1.0 / _ATRIAL_HZ, n)
