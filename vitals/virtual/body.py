"""A synthetic body with known truth: its heart, its motion, its oxygen and its warmth, over body time.

Laws of this file:
1. Everything follows from the beat times, the spans of activity and the seed; the same three give the same numbers.
2. Nothing is made before it is asked for: a body of a day costs no more than what is streamed from it.
3. It is a stand-in, not a patient: no accuracy measured on it says anything about people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vitals.virtual.waveform import Computed, Values
from vitals_signal.synthetic import SyntheticWearer, ecg

CADENCE_HZ = 1.8  # steps per second while active
TRANSIT_S = 0.20  # from the R peak to the foot of the pulse at the wrist
_MARGIN_S = 3.0  # how far a beat reaches beyond itself
_SPO2, _SKIN_C = 97.0, 33.0


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A wearer of virtual devices."""

    beats_s: NDArray[np.float64]  # (n,), ascending
    activity: Sequence[tuple[float, float]] = ()  # start and end in seconds of walking
    seed: int = 7
    duration_s: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "beats_s", np.asarray(self.beats_s, np.float64))
        object.__setattr__(self, "duration_s", float(self.beats_s[-1]) + 1.0 if len(self.beats_s) else 0.0)

    @classmethod
    def of(cls, wearer: SyntheticWearer) -> Body:
        """The body of a synthetic wearer."""
        return cls(wearer.beats_s, wearer.activity, wearer.seed)

    def ecg_mv(self, fs: float = 130.0, *, noise_mv: float = 0.0) -> Computed:
        """Lead-II-like ECG in mV, one channel, R peaks at `beats_s`."""

        def make(start_s: float, n: int) -> Values:
            beats = self._around(start_s, n / fs)
            lead = round(min(start_s, _MARGIN_S) * fs)
            whole = ecg(
                beats - (start_s - lead / fs),
                fs,
                duration_s=(lead + n) / fs,
                noise_mv=noise_mv,
                wander_mv=0.0,
                seed=self.seed + round(start_s),
            )
            return whole[lead : lead + n, None]

        return Computed(make, fs, self.duration_s)

    def ppg(self, fs: float = 55.0) -> Computed:
        """Optical counts, shape (n, 4): three channels of reflected light that fall with the pulse, and ambient."""

        def make(start_s: float, n: int) -> Values:
            t = start_s + np.arange(n) / fs
            pulse = np.zeros(n)
            for beat in self._around(start_s, n / fs) + TRANSIT_S:
                since = t - beat
                rise = np.where(since > 0, since, 0.0) / 0.12
                pulse += rise**2 * np.exp(2 * (1 - rise)) + 0.25 * np.exp(-0.5 * ((since - 0.35) / 0.06) ** 2)
            rng = np.random.default_rng([self.seed, round(start_s), 3])
            light = 300_000.0 - 2_000.0 * pulse[:, None] * np.array([1.0, 0.9, 0.8])
            light += rng.normal(0, 40.0, (n, 3))
            return np.concatenate([light, rng.normal(12_000.0, 20.0, (n, 1))], axis=1)

        return Computed(make, fs, self.duration_s)

    def acc_g(self, fs: float = 200.0) -> Computed:
        """Acceleration in g, shape (n, 3): gravity along z, one swing per step while active, 4 mg of noise."""

        def make(start_s: float, n: int) -> Values:
            t = start_s + np.arange(n) / fs
            active = self._active(t)
            out = np.random.default_rng([self.seed, round(start_s), 4]).normal(0, 0.004, (n, 3))
            out[:, 2] += 1.0 + 0.25 * active * np.sin(2 * np.pi * CADENCE_HZ * t)
            out[:, 0] += 0.12 * active * np.sin(np.pi * CADENCE_HZ * t)
            return out

        return Computed(make, fs, self.duration_s)

    def gyro_dps(self, fs: float = 52.0) -> Computed:
        """Rate of turn in degrees per second, shape (n, 3): an arm that swings while active."""

        def make(start_s: float, n: int) -> Values:
            t = start_s + np.arange(n) / fs
            out = np.random.default_rng([self.seed, round(start_s), 5]).normal(0, 0.2, (n, 3))
            out[:, 1] += 90.0 * self._active(t) * np.sin(np.pi * CADENCE_HZ * t)
            return out

        return Computed(make, fs, self.duration_s)

    def magnetic_gauss(self, fs: float = 20.0) -> Computed:
        """The field of the earth, shape (n, 3), as an arm sees it that swings while active."""

        def make(start_s: float, n: int) -> Values:
            t = start_s + np.arange(n) / fs
            swing = 0.5 * self._active(t) * np.sin(np.pi * CADENCE_HZ * t)
            return 0.48 * np.stack([np.cos(swing), np.sin(swing), np.full(n, 0.9)], axis=1)

        return Computed(make, fs, self.duration_s)

    def warmth_c(self, fs: float = 4.0, *, above_skin: float = 0.0) -> Computed:
        """Temperature in degrees Celsius, one channel: of the skin, or of what lies on it."""

        def make(start_s: float, n: int) -> Values:
            t = start_s + np.arange(n) / fs
            return (_SKIN_C + above_skin + 0.5 * np.sin(2 * np.pi * t / 86_400.0))[:, None]

        return Computed(make, fs, self.duration_s)

    def air_bar(self, fs: float = 1.0) -> Computed:
        """Air pressure in bar, one channel, falling slowly."""
        return Computed(lambda start_s, n: 1.013 - 1e-8 * (start_s + np.arange(n) / fs)[:, None], fs, self.duration_s)

    def steps(self, body_s: float) -> int:
        """Steps since body time 0."""
        walked = sum(max(0.0, min(end, body_s) - start) for start, end in self.activity)
        return int(walked * CADENCE_HZ)

    def spo2_percent(self, body_s: float) -> float:
        """Oxygen saturation: 97 %, breathing by half a percent over minutes."""
        return _SPO2 + 0.5 * float(np.sin(2 * np.pi * body_s / 240.0))

    def skin_c(self, body_s: float) -> float:
        """Temperature of the skin, with a daily swing of half a degree."""
        return _SKIN_C + 0.5 * float(np.sin(2 * np.pi * body_s / 86_400.0))

    def rate_bpm(self, body_s: float) -> float:
        """Mean rate over the last ten seconds; 0 without beats."""
        first, last = np.searchsorted(self.beats_s, [body_s - 10.0, body_s], side="right")
        beats = self.beats_s[first:last]
        return 60.0 * (len(beats) - 1) / float(beats[-1] - beats[0]) if len(beats) > 1 else 0.0

    def _around(self, start_s: float, length_s: float) -> NDArray[np.float64]:
        first, last = np.searchsorted(self.beats_s, [start_s - _MARGIN_S, start_s + length_s + _MARGIN_S])
        return self.beats_s[first:last]

    def _active(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.zeros(len(t))
        for start, end in self.activity:
            out[(t >= start) & (t < end)] = 1.0
        return out
