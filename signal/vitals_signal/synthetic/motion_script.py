"""A wrist accelerometer with known truth: steps, falls, transitions, posture. No recording went into it.

Laws of this file:
1. The motion is a function of time drawn from the seed; the sample rate only says when it is read. Sensor noise alone
   depends on the rate.
2. The truth comes with the data: each step, fall and transition is known, not detected.
3. It is a stand-in, not a person: no accuracy measured on it says anything about people.

Sources: gait as harmonics of the step with a stride-long swing of the arm (Menz 2003, doi
10.1016/S0966-6362(02)00159-5); step-time variability of 2 to 3 % (Hausdorff 2005, doi 10.1186/1743-0003-2-19); falls
as free fall, impact and rest (Noury 2008, doi 10.1016/j.irbm.2008.08.002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["walk", "run", "stand", "sit", "lie", "sleep", "hands", "fall", "stand_up", "sit_down"]

# Forearm at rest: pitch and roll in degrees, deviation from one rest to the next, movements per hour, their size (g)
_REST: Final[dict[str, tuple[float, float, float, float, float]]] = {
    "stand": (-75.0, 0.0, 8.0, 60.0, 0.06),
    "sit": (-10.0, 20.0, 20.0, 40.0, 0.04),
    "lie": (0.0, 60.0, 30.0, 12.0, 0.03),
    "sleep": (0.0, 60.0, 45.0, 4.0, 0.05),
    "hands": (-15.0, 10.0, 20.0, 0.0, 0.0),
}
_TURN_S: Final = 1.5  # from one posture to the next
_ARM_M: Final = 0.35  # lever of the wrist, the elbow giving way


@dataclass(frozen=True, slots=True)
class Bout:
    """One stretch of a script. `cadence` in steps per minute, for walking (default 110) and running (default 165)."""

    kind: Kind
    seconds: float
    cadence: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticMotion:
    """Acceleration at the wrist and the truth about it; sample j is at j / fs seconds."""

    acc_g: NDArray[np.float64]
    """(n, 3), in g, as a sensor gives it: clipped to its range."""
    fs: float
    steps_s: NDArray[np.float64]
    """(k,), seconds, ascending: contact of either foot."""
    falls_s: NDArray[np.float64]
    """(k,), seconds of impact."""
    transitions: tuple[tuple[float, str], ...]
    """Middle (s) and name of each "stand_up" or "sit_down"."""
    bouts: tuple[tuple[float, float, str], ...]
    """Start and end (s) and kind of each bout."""
    seed: int


def motion(
    script: Sequence[Bout],
    fs: float,
    *,
    seed: int = 7,
    noise_g: float = 0.008,
    range_g: float = 8.0,
    step_jitter: float = 0.025,
    arm_swing_deg: float = 22.0,
) -> SyntheticMotion:
    """Acceleration of a wrist that does what `script` says, one bout after the other.

    `fs` in Hz (5..1000); `noise_g` deviation of white noise per axis; `range_g` where the sensor clips; `step_jitter`
    coefficient of variation of step times; `arm_swing_deg` amplitude of the swing (0: the hand in a pocket).
    Gravity is in the signal. The same arguments give the same numbers. Raises ValueError for values outside these
    ranges, bouts without length, or a cadence outside 30..240.
    """
    if not 5 <= fs <= 1000:
        raise ValueError(f"fs must lie in 5..1000 Hz, got {fs}")
    if not (noise_g >= 0 and range_g > 0 and 0 <= step_jitter <= 0.2 and 0 <= arm_swing_deg <= 80):
        raise ValueError("noise_g >= 0, range_g > 0, step_jitter in 0..0.2 and arm_swing_deg in 0..80 are needed")
    for bout in script:
        if bout.kind not in get_args(Kind):
            raise ValueError(f"kind of a bout must be one of {', '.join(get_args(Kind))}, got {bout.kind!r}")
        if bout.seconds <= 0 or not 30 <= (bout.cadence or 100.0) <= 240:
            raise ValueError(f"a bout must last, at a cadence of 30..240 steps/min, got {bout}")
    starts = np.concatenate(([0.0], np.cumsum([bout.seconds for bout in script])))
    n = round(float(starts[-1]) * fs)
    t = np.arange(n) / fs
    truth = _Truth([], [], [], [])
    pitch, roll = np.zeros(n), np.zeros(n)
    up, ahead, aside = np.ones(n), np.zeros(n), np.zeros(n)
    for index, (bout, start) in enumerate(zip(script, starts.tolist(), strict=False)):
        rng = np.random.default_rng([seed, index])
        span = slice(int(np.ceil(start * fs - 1e-9)), int(np.ceil((start + bout.seconds) * fs - 1e-9)))
        local = t[span] - start
        if bout.kind in ("walk", "run"):
            parts = _gait(rng, local, start, bout, step_jitter, np.radians(arm_swing_deg), truth)
        elif bout.kind == "fall":
            parts = _fall(rng, local, start, bout, truth)
        else:
            parts = _rest(rng, local, start, bout, truth)
        pitch[span], roll[span], up[span], ahead[span], aside[span] = parts
        truth.bouts.append((start, start + bout.seconds, bout.kind))
    pitch, roll = (_joined(angle, starts[1:-1], t) for angle in (pitch, roll))
    gravity = np.stack((np.sin(pitch), np.cos(pitch) * np.sin(roll), np.cos(pitch) * np.cos(roll)), axis=1)
    fore = np.stack((np.cos(pitch), -np.sin(pitch) * np.sin(roll), -np.sin(pitch) * np.cos(roll)), axis=1)
    side = np.stack((np.zeros(n), np.cos(roll), -np.sin(roll)), axis=1)
    acc = gravity * up[:, None] + fore * ahead[:, None] + side * aside[:, None]
    acc += noise_g * np.random.default_rng([seed, 1 << 20]).standard_normal((n, 3))
    return SyntheticMotion(
        np.clip(acc, -range_g, range_g), fs, np.array(truth.steps), np.array(truth.falls),
        tuple(truth.transitions), tuple(truth.bouts), seed,
    )  # fmt: skip


@dataclass(slots=True)
class _Truth:
    steps: list[float]
    falls: list[float]
    transitions: list[tuple[float, str]]
    bouts: list[tuple[float, float, str]]


_Parts: TypeAlias = tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]
]


def _gait(
    rng: np.random.Generator,
    t: NDArray[np.float64],
    start: float,
    bout: Bout,
    jitter: float,
    swing: float,
    truth: _Truth,
) -> _Parts:
    running = bout.kind == "run"
    period = 60.0 / (bout.cadence or (165.0 if running else 110.0))
    count = int(bout.seconds / period) + 3
    lengths = period * np.clip(1.0 + jitter * rng.standard_normal(count), 0.7, 1.3)
    contact = rng.uniform(0.3, 0.7) * period + np.concatenate(([0.0], np.cumsum(lengths)))
    truth.steps.extend((start + contact[contact < bout.seconds]).tolist())
    # The phase is the number of steps so far; each contact is a whole number.
    knots = np.concatenate(([contact[0] - period], contact))
    phase = np.interp(t, knots, np.arange(-1, len(contact)))
    force = np.interp(t, knots, np.clip(1.0 + 0.12 * rng.standard_normal(len(knots)), 0.6, 1.4))
    # Faster steps hit harder: from 0.15 g at 60 to 0.45 g at 130 steps a minute; running about 1 g and more.
    size = (0.9 + 0.3 * rng.random()) if running else float(np.interp(60.0 / period, [60, 130], [0.15, 0.45]))
    lead, foot = rng.uniform(-0.5, 0.5, 2), rng.uniform(0.85, 1.15)
    wave = np.cos(2 * np.pi * phase) + 0.35 * np.cos(4 * np.pi * phase + lead[0])
    wave += 0.18 * np.cos(6 * np.pi * phase + lead[1]) + 0.15 * np.cos(np.pi * phase) * (foot - 1.0) / 0.15
    up = 1.0 + size * force * wave
    rate = np.pi / period  # of the stride-long swing
    swung = swing * np.sin(np.pi * phase)
    tangential = -_ARM_M * swing * rate**2 * np.sin(np.pi * phase) / 9.81
    centripetal = _ARM_M * (swing * rate * np.cos(np.pi * phase)) ** 2 / 9.81
    base = np.radians((-20.0 if running else -75.0) + 5.0 * rng.standard_normal())
    ahead = 0.25 * size * np.sin(2 * np.pi * phase + 0.6) + tangential
    aside = 0.15 * size * np.sin(np.pi * phase + 0.3)
    return base + swung, np.full(len(t), np.radians(10.0 * rng.standard_normal())), up + centripetal, ahead, aside


def _fall(rng: np.random.Generator, t: NDArray[np.float64], start: float, bout: Bout, truth: _Truth) -> _Parts:
    impact = min(1.6 + 0.4 * rng.random(), 0.5 * bout.seconds)
    drop = rng.uniform(0.30, 0.55)
    truth.falls.append(start + impact)
    level = rng.uniform(0.15, 0.55)
    falling = _smoothstep((t - impact + drop) / 0.15) * (1.0 - _smoothstep((t - impact + 0.06) / 0.06))
    up = 1.0 - (1.0 - level) * falling
    peak, since = rng.uniform(3.0, 7.0), np.maximum(t - impact, 0.0)
    shock = np.exp(-(((t - impact) / 0.025) ** 2)) + np.where(
        t > impact, 0.45 * np.exp(-since / 0.10) * np.sin(2 * np.pi * 9.0 * since), 0.0
    )
    up = up + peak * shock
    ahead = 0.4 * peak * shock * rng.uniform(-1, 1) + 0.25 * falling * rng.uniform(-1, 1)
    aside = 0.4 * peak * shock * rng.uniform(-1, 1)
    turn = _smoothstep((t - impact + drop) / (drop + 0.3))
    pitch = np.radians(-75.0 + turn * rng.uniform(50.0, 95.0))
    roll = np.radians(turn * rng.uniform(-80.0, 80.0))
    return pitch, roll, up, ahead, aside


def _rest(rng: np.random.Generator, t: NDArray[np.float64], start: float, bout: Bout, truth: _Truth) -> _Parts:
    kind = {"stand_up": "sit", "sit_down": "stand"}.get(bout.kind, bout.kind)
    pitch0, roll0, spread, per_hour, size = _REST[kind]
    count = rng.poisson(per_hour * bout.seconds / 3600.0) if bout.kind == kind else 0
    at = np.sort(rng.uniform(0.0, bout.seconds, count))
    pitches, rolls = (mean + spread * rng.standard_normal(count + 1) for mean in (pitch0, roll0))
    pitch, roll, stir = np.full(len(t), pitches[0]), np.full(len(t), rolls[0]), np.zeros(len(t))
    for k, moment in enumerate(at.tolist()):
        turn = _smoothstep((t - moment) / _TURN_S)
        pitch += turn * (pitches[k + 1] - pitches[k])
        roll += turn * (rolls[k + 1] - rolls[k])
        stir += np.exp(-(((t - moment - _TURN_S / 2) / 0.5) ** 2))
    up, ahead, aside = np.ones(len(t)), np.zeros(len(t)), np.zeros(len(t))
    if bout.kind == "hands":
        # Work comes in bursts; its spectrum is broad, unlike that of gait.
        burst = np.clip(0.5 + 0.7 * _noise(rng, t, 0.02, 0.3), 0.0, 1.5)
        up += 0.07 * burst * _noise(rng, t, 0.4, 5.0)
        ahead += 0.07 * burst * _noise(rng, t, 0.4, 5.0)
        aside += 0.05 * burst * _noise(rng, t, 0.4, 5.0)
        pitch += 8.0 * burst * _noise(rng, t, 0.1, 0.8)
        roll += 10.0 * burst * _noise(rng, t, 0.1, 0.8)
    else:
        up += size * stir * _noise(rng, t, 0.5, 4.0)
        ahead += size * stir * _noise(rng, t, 0.5, 4.0)
    if bout.kind in ("stand_up", "sit_down"):
        middle, length = bout.seconds / 2, min(rng.uniform(1.6, 2.4), bout.seconds)
        truth.transitions.append((start + middle, bout.kind))
        x = np.clip((t - middle) / length + 0.5, 0.0, 1.0)
        sign = 1.0 if bout.kind == "stand_up" else -1.0
        up += sign * 0.25 * np.sin(2 * np.pi * x) * np.sin(np.pi * x)
        ahead += 0.12 * np.sin(np.pi * x) ** 2
        far = _REST["stand" if bout.kind == "stand_up" else "sit"]
        pitch += _smoothstep(x) * (far[0] - pitches[0])
        roll += _smoothstep(x) * (far[1] - rolls[0])
    return np.radians(pitch), np.radians(roll), up, ahead, aside


def _smoothstep(x: NDArray[np.float64]) -> NDArray[np.float64]:
    y = np.clip(x, 0.0, 1.0)
    return np.asarray(y * y * (3.0 - 2.0 * y))


def _noise(rng: np.random.Generator, t: NDArray[np.float64], low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """Unit variance between two frequencies, a function of time: forty sines."""
    frequency = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz), 40))
    phase = rng.uniform(0, 2 * np.pi, 40)
    out = np.zeros(len(t))
    for f, p in zip(frequency.tolist(), phase.tolist(), strict=True):
        out += np.sin(2 * np.pi * f * t + p)
    return np.asarray(out / np.sqrt(20.0))


def _joined(angle: NDArray[np.float64], borders: NDArray[np.float64], t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders between bouts without a jump: the step is spread over the half second around each."""
    out = angle.copy()
    for border in borders.tolist():
        right = int(np.searchsorted(t, border))
        if 0 < right < len(t):
            jump = angle[right] - angle[right - 1]
            near = np.abs(t - border) < 0.25
            x = (t[near] - border) / 0.5 + 0.5
            out[near] += jump * (_smoothstep(x) - (t[near] >= border))
    return out
