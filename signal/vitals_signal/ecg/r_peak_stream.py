"""R peaks of a live ECG, each within 0.4 s.

Laws of this file:
1. Any split of the samples gives the same peaks at the same places (to 1e-9 of a sample).
2. A beat is decided when 0.25 s of envelope behind it are known, and never taken back: `RPeakStream.latency_s` in all,
   below 0.4 s. The first 2.8 s are learning time; their beats come at its end.
3. Polarity, gain and offset of the lead do not matter. No number depends on the record or the lead.
4. Nothing reaches over missing samples (NaN): there are no beats in them, and no interval across them is learnt from.
5. numpy only.

The causal sibling of `detect_r_peaks` (same band, envelope, levels and T-wave rule), with two differences that
causality asks for: levels come from the past alone, and instead of a search back the threshold falls as a beat becomes
due. The place of a peak is found without phase, in the samples around it, so that no delay has to be made good.
"""

from __future__ import annotations

import functools
import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import missing_samples
from vitals_signal._resume import Resumable
from vitals_signal.ecg.bands import LARGEST, LEAST_RATE_HZ, QRS_BAND_HZ
from vitals_signal.ecg.refinement import KERNEL_S, wave_matrix
from vitals_signal.filters.design import Sections, butterworth
from vitals_signal.filters.filter_stream import FilterStream

_ENVELOPE_S: Final = (0.11, 0.055)  # two moving averages in a row
_NEIGHBOURHOOD_S: Final = 0.25  # of two envelope tops closer than this the higher one may be a beat
_BLOCK_S: Final = 1.4
_LEVEL_BLOCKS: Final = 9
_FRESH_BLOCKS: Final = 3  # the level is no higher than the highest of these: it falls sooner than it rises
_LEARNING_BLOCKS: Final = 2
_T_WAVE_S: Final = 0.38
_T_WAVE_SHARE: Final = 0.40  # of the QRS before it
_THRESHOLD: Final = 0.33  # of the level
_DUE_THRESHOLD: Final = 0.18  # of the level, from the median interval on
_DUE_FROM: Final = 0.7  # of the median interval: from here on the threshold falls
_ABOVE_NOISE: Final = 2.5  # times the median envelope, for what is below the full threshold
_FAINT: Final = 0.1  # of the level: no beat, and no rival of one
_INTERVALS: Final = 9
_LONGEST_S: Final = 3.0  # an interval beyond says nothing about the next one
_SNAP_S: Final = 0.08
KEPT_S: Final = 4.0
"""Samples kept for the places of peaks: no beat is reported later than that."""
_OLDEST_S: Final = 3.5

Floats = NDArray[np.float64]


class RPeakStream(Resumable):
    """Detector for one lead at `fs` Hz. Raises ValueError where `fs` is not a finite number of 50 Hz or more."""

    def __init__(self, fs: float) -> None:
        if not (np.isfinite(fs) and fs >= 50):
            raise ValueError(f"fs must be a finite number of 50 Hz or more, got {fs}")
        self._fs = float(fs)
        self._step = max(1, int(fs / LEAST_RATE_HZ))
        self._rate = self._fs / self._step
        self._filter = FilterStream(_band(self._fs))
        self._raw: Floats = np.empty(0)
        self._count = 0  # samples so far
        self._magnitude: Floats = np.empty(0)  # the latest values of the QRS band, one per step
        self._block: Floats = np.empty(0)  # envelope since the last whole block
        self._blocks: list[tuple[int, float, float]] = []  # number, maximum and median of whole blocks
        self._known = 0  # envelope values so far
        self._tail: Floats = np.full(2, np.nan)  # the latest two
        self._candidates: list[tuple[int, float]] = []  # tops of the envelope: place and height
        self._learnt = -1  # number of the block that ended the learning time
        self._voids: list[int] = []  # where the envelope went missing since the latest beat
        self._level = (-1, 0.0, 0.0)  # block number, level and noise there
        self._rival = (-(10**9), 0.0)  # the latest top that was highest around
        self._last = (-(10**9), 0.0)  # the latest beat
        self._intervals: list[int] = []

    @property
    def latency_s(self) -> float:
        """From an R peak to the sample on which it is reported, to within one sample of the envelope; s."""
        return _delay(self._fs) + _NEIGHBOURHOOD_S + 1.0 / self._rate

    def update(self, ecg_mv: ArrayLike) -> list[float]:
        """Places of the beats that became certain, in samples from the first of the stream, between samples.

        `ecg_mv`: the next samples, shape (n,), any linear unit, NaN where missing.
        """
        block = np.asarray(ecg_mv, np.float64)
        self._take(block)
        width = round(_NEIGHBOURHOOD_S * self._rate)
        found = self._decide(self._known - 1 - width) if self._candidates else []
        kept = round(KEPT_S * self._fs)
        if len(self._raw) > 2 * kept:
            self._raw = self._raw[-kept:]
        if len(self._blocks) > 8 * _LEVEL_BLOCKS:
            del self._blocks[: -2 * _LEVEL_BLOCKS]
        if not self._candidates:
            del self._voids[1:]
        return found

    def gap(self, samples: int = 0) -> list[float]:
        """`samples` samples were lost; where their number is not known, one missing sample stands for them."""
        return self.update(missing_samples(samples))

    def end(self) -> list[float]:
        """The beats that could still be decided; the stream is then over."""
        if not self._blocks and len(self._block):
            self._end_block(self._block, self._known // self._per_block)
        return self._decide(self._known, last=True)

    @property
    def _per_block(self) -> int:
        return round(_BLOCK_S * self._rate)

    def _take(self, block: Floats) -> None:
        """Samples to envelope, its tops and its blocks."""
        wave = self._filter.update(np.where(np.abs(block) <= LARGEST, block, np.nan))
        self._raw = np.concatenate((self._raw, block))
        first = -self._count % self._step
        self._count += len(block)
        kernel = _envelope_kernel(self._rate)
        fresh = np.abs(wave[first :: self._step])
        if not len(fresh):
            return
        if not len(self._magnitude):
            self._magnitude = np.zeros(len(kernel) - 1)
        series = np.concatenate((self._magnitude, fresh))
        self._magnitude = series[len(series) - len(kernel) + 1 :]
        envelope = np.convolve(series, kernel, "valid")
        joined = np.concatenate((self._tail, envelope))
        self._tail = joined[-2:]
        inner = joined[1:-1]
        tops = np.flatnonzero((inner > joined[:-2]) & (inner >= joined[2:]))
        self._candidates += zip((tops + (self._known - 1)).tolist(), inner[tops].tolist(), strict=True)
        if math.isnan(float(envelope.sum())):
            self._voids += (np.flatnonzero(np.isnan(envelope)) + self._known).tolist()[:: len(kernel)]
        self._known += len(envelope)
        self._block = np.concatenate((self._block, envelope))
        per = self._per_block
        number = (self._known - len(self._block)) // per
        while len(self._block) >= per:
            self._end_block(self._block[:per], number)
            self._block, number = self._block[per:], number + 1

    def _end_block(self, envelope: Floats, number: int) -> None:
        whole = envelope[np.isfinite(envelope)]
        if len(whole):
            middle = np.partition(whole, len(whole) // 2)[len(whole) // 2]
            self._blocks.append((number, float(whole.max()), float(middle)))
            if self._learnt < 0 and len(self._blocks) == _LEARNING_BLOCKS:
                self._learnt = number + 1

    def _decide(self, until: int, *, last: bool = False) -> list[float]:
        """Judge the tops up to the envelope value `until`, in order."""
        found: list[float] = []
        if self._learnt < 0 and not last:
            return found
        tops, width = self._candidates, round(_NEIGHBOURHOOD_S * self._rate)
        done = 0
        for k, (at, height) in enumerate(tops):
            if at > until:
                break
            done = k + 1
            number = max((at + width) // self._per_block, self._learnt)
            if number * self._per_block - at > _OLDEST_S * self._rate:
                continue  # its samples are gone
            if self._is_beat(k, at, height, number, width):
                place = self._place(at)
                if place is not None:
                    found.append(place)
        del tops[:done]
        return found

    def _is_beat(self, k: int, at: int, height: float, number: int, width: int) -> bool:
        level, noise = self._level_at(number)
        if height < _FAINT * level:
            return False
        for later, other in self._candidates[k + 1 :]:
            if later - at >= width:
                break
            if other > height:
                return False
        if at - self._rival[0] < width and self._rival[1] >= height:
            return False
        self._rival = (at, height)
        since, before = at - self._last[0], self._last[1]
        if since < width:
            return False
        share, unbroken = _THRESHOLD, not any(self._last[0] < void < at for void in self._voids)
        if unbroken and since < _T_WAVE_S * self._rate and height < _T_WAVE_SHARE * before:
            return False
        if unbroken and len(self._intervals) >= 3:
            usual = sorted(self._intervals)[len(self._intervals) // 2]
            due = min(max((since / usual - _DUE_FROM) / (1.0 - _DUE_FROM), 0.0), 1.0)
            share += (_DUE_THRESHOLD - _THRESHOLD) * due
        if height < share * level or (height < _THRESHOLD * level and height < _ABOVE_NOISE * noise):
            return False
        if unbroken and since < _LONGEST_S * self._rate:
            self._intervals = [*self._intervals[1 - _INTERVALS :], since]
        self._last = (at, height)
        self._voids = [void for void in self._voids if void > at]
        return True

    def _level_at(self, number: int) -> tuple[float, float]:
        """Level of beats and of what lies between them, from the blocks before block `number`."""
        if self._level[0] != number:
            past = [block for block in self._blocks if block[0] < number][-_LEVEL_BLOCKS:] or self._blocks[:1]
            tops, middles = sorted(block[1] for block in past), sorted(block[2] for block in past)
            level = _middle(tops)
            fresh = max(block[1] for block in past[-_FRESH_BLOCKS:])
            self._level = (number, min(level, fresh), _middle(middles))
        return self._level[1], self._level[2]

    def _place(self, at: int) -> float | None:
        """The largest deflection of the wave band near an envelope top, between samples; None where samples lack."""
        reach, half = round(_SNAP_S * self._fs), round(KERNEL_S * self._fs)
        centre = round(at * self._step - _delay(self._fs) * self._fs)
        start = self._count - len(self._raw)
        index = np.arange(centre - reach - 1 - half, centre + reach + 2 + half) - start
        samples = self._raw[np.clip(index, 0, len(self._raw) - 1)]
        largest = float(np.abs(samples).max())
        if not largest <= LARGEST:
            bad = ~(np.abs(samples) <= LARGEST)
            if bad[half + reach + 1] or bad.all():
                return None
            samples[bad] = np.interp(np.flatnonzero(bad), np.flatnonzero(~bad), samples[~bad])
            largest = float(np.abs(samples).max())
        wave = wave_matrix(self._fs, reach) @ (samples - samples[half + reach + 1])
        best = 1 + int(np.argmax(np.abs(wave[1:-1])))
        left, middle, right = wave[best - 1 : best + 2].tolist()
        if abs(middle) <= 1e-9 * largest:  # the rounding of a straight line, not a heart beat
            return None
        bend = left - 2.0 * middle + right
        shift = min(max(0.5 * (left - right) / bend, -0.5), 0.5) if bend else 0.0
        place = centre - reach - 1 + best
        there = place - start
        if not (0 <= there < len(self._raw) and abs(self._raw[there]) <= LARGEST):
            return None
        return place + shift


def causal_r_peaks(ecg_mv: ArrayLike, fs: float) -> Floats:
    """What `RPeakStream` finds in a whole recording, in samples, shape (k,); `detect_r_peaks` may look ahead.

    `ecg_mv`: one lead, shape (n,), any linear unit; NaN where missing. Raises ValueError like `RPeakStream`.
    """
    stream = RPeakStream(fs)
    return np.array(stream.update(ecg_mv) + stream.end())


def _middle(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])


@functools.lru_cache(maxsize=16)
def _band(fs: float) -> Sections:
    low, high = QRS_BAND_HZ
    return butterworth(2, (low, min(high, 0.45 * fs)), fs, "band")


@functools.lru_cache(maxsize=16)
def _envelope_kernel(rate: float) -> Floats:
    first, second = (np.ones(max(1, round(width * rate)) | 1) for width in _ENVELOPE_S)
    kernel = np.convolve(first / len(first), second / len(second))
    kernel.setflags(write=False)
    return kernel


@functools.lru_cache(maxsize=16)
def _delay(fs: float) -> float:
    """Seconds from a wave to the top of its envelope: centre of mass of the filter's response, half the averages."""
    pulse = np.eye(1, 2 * math.ceil(fs), 1)[0]
    response = np.abs(FilterStream(_band(fs)).update(pulse))
    centre = float(response @ np.arange(len(pulse)) / response.sum()) - 1.0
    rate = fs / max(1, int(fs / LEAST_RATE_HZ))
    return centre / fs + (len(_envelope_kernel(rate)) - 1) / 2.0 / rate
