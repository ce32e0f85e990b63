"""Features of single beats for a beat classifier: rhythm around the beat, its shape, and how it differs from the usual.

Laws of this file:
1. One kernel serves batch and stream; a beat needs nothing later than the beat after it and 0.55 s of samples.
2. Gain, offset, polarity and rate of the lead do not matter: amplitudes are shares of the usual beat's QRS, which
   counts as upright, and intervals are shares of the usual interval; what is in seconds ends in `_s`.
3. What is usual is learnt from the past of the stream alone: medians of earlier intervals and running templates.
4. Intervals never reach across missing samples; a row that lacks what it needs is NaN, with the reason.
5. A change of any number here is a new `BEAT_VERSION`; models name the version they were trained on.

Sources: RR, interval and waveform features of de Chazal et al. 2004 (doi 10.1109/TBME.2004.827359); prematurity against
the patient's own rhythm and few, patient-relative features of Llamedo & Martinez 2011 (doi 10.1109/TBME.2010.2068048);
templates by correlation with one leader each, as in Lagerholm et al. 2000 (doi 10.1109/10.846677).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._gaps import missing_samples
from vitals_signal._resume import Resumable
from vitals_signal.ecg.bands import LARGEST
from vitals_signal.ecg.beat_shape import QRS, SHAPE_FEATURES, WHOLE, shape_features, unit_rows
from vitals_signal.ecg.beat_waveform import BEAT_GRID_S, beat_waveforms, reach
from vitals_signal.ecg.templates import BeatTemplates

BEAT_VERSION: Final = "beat-2"
RR_FEATURES: Final = (
    "rr_prev_s",
    "rr_next_s",
    "rr_local_s",
    "prev_to_local",
    "next_to_local",
    "prev_to_long",
    "prev_to_slow",
    "long_spread",
    "next_to_prev",
    "prev_to_before",
    "before_to_local",
    "local_irregularity",
    "around_to_local",
    "local_disorder",
    "long_disorder",
    "early_local",
    "early_slow",
)
TEMPLATE_FEATURES: Final = (
    "usual_qrs_correlation",
    "usual_wave_correlation",
    "usual_distance",
    "usual_share",
    "own_qrs_correlation",
    "own_share",
    "previous_qrs_correlation",
    "lasting_qrs_correlation",
    "lasting_log_distance",
    "lasting_share",
)
P_FEATURES: Final = ("p_expected", "p_missing")
BEAT_FEATURES: Final[tuple[str, ...]] = RR_FEATURES + TEMPLATE_FEATURES + SHAPE_FEATURES + P_FEATURES

LONGEST_RR_S: Final = 3.0
MIN_BEATS: Final = 8
NO_BEAT_BEFORE: Final = "no beat before within the same stretch"
NO_BEAT_AFTER: Final = "no beat after within the same stretch"
TOO_FEW_BEATS: Final = "too few beats before to know what is usual"
SAMPLES_MISSING: Final = "samples missing around the beat"
FLAT: Final = "no deflection at the beat"
_LOCAL, _MIDDLE, _LONG = 16, 64, 128  # intervals
_BACK: Final = 4  # a repeating pattern of up to so many beats is order
_DISORDER: Final = 0.05  # by so much disorder an early beat says a third of what it says in a steady rhythm
_LASTING: Final = 0.998  # of the weight of a lasting template, per beat: half is forgotten after 350 beats
_P_STEP: Final = 0.05  # of what is expected of a P wave towards the one that came
_PREMATURE: Final = 0.85  # of the local median: such a beat moves no template, for its P wave is not the usual one
_AT_ONCE: Final = 1024  # beats: bounds the memory of a day
_LATENCY_S: Final = 1.0  # by which any detector has reported a beat
_P_CORRELATION: Final = SHAPE_FEATURES.index("p_correlation")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BeatRow:
    """Features of one beat; `values` are NaN where `reason` says why."""

    peak: int  # sample, counted from the first of the stream
    values: Floats  # in the order of BEAT_FEATURES
    reason: str | None


def beat_features(ecg_mv: ArrayLike, fs: float, peaks: ArrayLike) -> list[BeatRow]:
    """Features of the beats at `peaks`, one row each, the twin of `BeatStream`.

    `ecg_mv`: one lead, shape (n,), any linear unit, NaN where missing; `fs`: Hz; `peaks`: ascending sample indices.

    rr_prev_s, rr_next_s      intervals before and after, at most 3 s; rr_local_s: median of the 16 intervals before
    prev_to_local ...         ratios of them; `long`: median of the 128 before; `before`: the interval before the last;
                              `slow`: 80th percentile of the 128, which a run of early beats does not move
    long_spread               80th over 20th percentile of the 128
    local_irregularity        median absolute change of those 16 over their median
    around_to_local           sum of the two intervals over the local median
    *_disorder                median distance of an interval (16; 64) to the nearest of the four before it over the
                              local median: near 0 in bigeminy and sinus arrhythmia, above 0.03 in fibrillation
    early_local, early_slow   1 - prev_to_local (prev_to_slow), cut at 0 and 0.5, times exp(-disorder / 0.05)
    usual_*                   Pearson correlation with the commonest template of late (QRS; QRS to T), norm of the
                              difference over its norm, and its share of late beats (each beat counts 0.98 of the next)
    own_*                     the same for the template that this beat belongs to; previous_*: for the beat before
    lasting_*                 correlation, log(0.05 + distance) and the beat's own share for templates that outlast runs
                              (each beat counts 0.998 of the next)
    p_expected, p_missing     running mean of the p_correlation of timely beats, and that less this beat's
    and `SHAPE_FEATURES`, see `vitals_signal.ecg.beat_shape`.

    Raises ValueError where `fs` is not a finite number above 0, or `peaks` do not ascend within the lead.
    """
    stream = BeatStream(fs)
    rows = stream.update(ecg_mv, peaks)
    return rows + stream.end()


class BeatStream(Resumable):
    """Beats of a live lead: blocks of samples and the peaks that a detector has found so far, in; rows out."""

    def __init__(self, fs: float) -> None:
        if not (np.isfinite(fs) and fs > 0):
            raise ValueError(f"fs must be a finite number above 0 Hz, got {fs}")
        self._fs = float(fs)
        self._templates = BeatTemplates(len(BEAT_GRID_S))
        self._lasting = BeatTemplates(len(BEAT_GRID_S), keep=_LASTING)
        self._rr = np.full(_LONG + _BACK, np.nan)  # the latest intervals that did not reach across a gap, s
        self._p = 0.5  # expected correlation of a P wave with the usual one
        self._ecg: Floats = np.empty(0)
        self._offset = 0  # sample number of self._ecg[0]
        self._peaks = np.empty(0, np.int64)  # still to do
        self._last = -1  # the latest peak that is done
        self._before = np.nan  # interval that ended at it
        self._after = np.nan  # interval that began at it
        self._qrs: Floats = np.zeros(0)  # its QRS, of unit norm

    def update(self, ecg_mv: ArrayLike, peaks: ArrayLike) -> list[BeatRow]:
        """Take the next samples, shape (n,), and newly found peaks (samples from the first of the stream, ascending).

        A peak is given at most 1 s after its sample, as by `RPeakStream`. Raises ValueError where peaks do not ascend
        or lie beyond what has been given.
        """
        block, found = np.asarray(ecg_mv, np.float64), np.asarray(peaks, np.int64).ravel()
        if block.ndim != 1:
            raise ValueError(f"ecg_mv must have one dimension, got shape {block.shape}")
        end = self._offset + len(self._ecg) + len(block)
        latest = int(self._peaks[-1]) if len(self._peaks) else self._last
        if len(found) and (found[0] <= latest or np.any(np.diff(found) <= 0) or found[-1] >= end):
            raise ValueError("peaks must ascend and lie within the samples given so far")
        self._ecg = np.concatenate((self._ecg, np.where(np.abs(block) <= LARGEST, block, np.nan)))
        self._peaks = np.concatenate((self._peaks, found))
        if not len(self._peaks):
            return self._rows(0)
        ready = int(np.searchsorted(self._peaks, end - reach(self._fs)[1] - 1, "right"))
        if end - int(self._peaks[-1]) <= (LONGEST_RR_S + _LATENCY_S) * self._fs:
            ready = min(ready, len(self._peaks) - 1)  # the last one waits for the beat after it
        return self._rows(ready)

    def gap(self, samples: int = 0) -> list[BeatRow]:
        """`samples` samples were lost; where their number is not known, one missing sample stands for them."""
        return self.update(missing_samples(samples), ())

    def end(self) -> list[BeatRow]:
        """The beats still waiting."""
        return self._rows(len(self._peaks))

    def _rows(self, ready: int) -> list[BeatRow]:
        rows: list[BeatRow] = []
        for first in range(0, ready, _AT_ONCE):
            rows += self._some_rows(first, min(ready, first + _AT_ONCE))
        self._peaks = self._peaks[ready:]
        end = self._offset + len(self._ecg)
        first = int(self._peaks[0]) if len(self._peaks) else end - round(_LATENCY_S * self._fs)
        start = first - reach(self._fs)[0]
        if start > self._offset:
            self._ecg, self._offset = self._ecg[start - self._offset :], start
        return rows

    def _some_rows(self, first: int, last: int) -> list[BeatRow]:
        """Rows of self._peaks[first:last]."""
        here = self._peaks[first:last]
        wave = beat_waveforms(self._ecg, self._fs, here - self._offset)
        after = self._intervals_after(here, self._peaks[first + 1 : last + 1])
        before = np.append(self._after, after[:-1])
        rhythm = self._rhythm(before, after)
        timely = ~(before < _PREMATURE * rhythm[:, 2])
        likeness, usual = self._likeness(wave, timely)
        shape = shape_features(wave, usual)
        values = np.column_stack((rhythm, likeness, shape, self._p_waves(shape[:, _P_CORRELATION], timely)))
        reasons = _reasons(wave, before, after, rhythm, usual)
        values[np.array([reason is not None for reason in reasons])] = np.nan
        self._last, self._after = int(here[-1]), float(after[-1])
        return [BeatRow(int(p), v, r) for p, v, r in zip(here, values, reasons, strict=True)]

    def _intervals_after(self, here: NDArray[np.int64], following: NDArray[np.int64]) -> Floats:
        """Seconds to the beat after, at most 3; NaN where samples are missing within, or no beat is known."""
        longest = round(LONGEST_RR_S * self._fs)
        n = len(self._ecg)
        start = here - self._offset
        stop = np.full(len(here), n)
        stop[: len(following)] = following - self._offset
        missing = np.append(0, np.cumsum(np.isnan(self._ecg)))
        whole = missing[np.minimum(stop, np.minimum(start + longest, n))] == missing[np.maximum(start, 0)]
        known = np.arange(len(here)) < len(following)
        known |= stop - start > (LONGEST_RR_S + _LATENCY_S) * self._fs
        return np.where(whole & known, np.minimum((stop - start) / self._fs, LONGEST_RR_S), np.nan)

    def _rhythm(self, before: Floats, after: Floats) -> Floats:
        real = np.isfinite(before)
        history = np.concatenate((self._rr, before[real]))
        count = np.append(0, np.cumsum(real))[:-1]  # real intervals before each beat's own
        rows = history[count[:, None] + np.arange(_BACK, _LONG + _BACK)]
        fast, long, slow = _quantiles(rows, (0.2, 0.5, 0.8))
        (local,) = _quantiles(rows[:, -_LOCAL:], (0.5,))
        (change,) = _quantiles(np.abs(np.diff(rows[:, -_LOCAL:], axis=1)), (0.5,))
        near = _nearest_change(history)
        local_disorder, long_disorder = (
            _quantiles(near[count[:, None] + np.arange(_LONG + _BACK - size, _LONG + _BACK)], (0.5,))[0] / local
            for size in (_LOCAL, _MIDDLE)
        )
        earlier = np.append(self._before, before[:-1])
        self._rr, self._before = history[-(_LONG + _BACK) :], float(before[-1])
        few = np.isnan(rows[:, -MIN_BEATS])
        out = np.column_stack(
            (
                before,
                after,
                local,
                before / local,
                after / local,
                before / long,
                before / slow,
                slow / fast,
                after / before,
                before / np.where(np.isnan(earlier), local, earlier),
                np.where(np.isnan(earlier), 1.0, earlier / local),
                change / local,
                (before + after) / local,
                local_disorder,
                long_disorder,
                np.clip(1.0 - before / local, 0.0, 0.5) * np.exp(-local_disorder / _DISORDER),
                np.clip(1.0 - before / slow, 0.0, 0.5) * np.exp(-long_disorder / _DISORDER),
            )
        )
        out[few] = np.nan
        return out

    def _likeness(self, wave: Floats, timely: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        out, usual = np.full((len(wave), len(TEMPLATE_FEATURES)), np.nan), np.full_like(wave, np.nan)
        lasting = np.full_like(wave, np.nan)
        unit = unit_rows(wave[:, QRS])
        for k in np.flatnonzero(np.isfinite(unit).all(axis=1)).tolist():
            if self._templates.beats >= MIN_BEATS:
                usual[k], lasting[k] = self._templates.usual, self._lasting.usual
            previous = float(unit[k] @ self._qrs) if len(self._qrs) else 1.0
            out[k, 3:7] = (*self._templates.match(wave[k], unit[k], learn=bool(timely[k])), previous)
            out[k, 9] = self._lasting.match(wave[k], unit[k], learn=bool(timely[k]))[2]
            self._qrs = unit[k]
        out[:, 0] = (unit * unit_rows(usual[:, QRS])).sum(axis=1)
        out[:, 1] = (unit_rows(wave[:, WHOLE]) * unit_rows(usual[:, WHOLE])).sum(axis=1)
        out[:, 2] = _distance(wave, usual)
        out[:, 7] = (unit * unit_rows(lasting[:, QRS])).sum(axis=1)
        out[:, 8] = np.log(0.05 + _distance(wave, lasting))
        return out, usual

    def _p_waves(self, correlation: Floats, timely: NDArray[np.bool_]) -> Floats:
        expected = np.empty(len(correlation))
        for k, (found, learn) in enumerate(zip(correlation.tolist(), timely.tolist(), strict=True)):
            expected[k] = self._p
            if learn and np.isfinite(found):
                self._p += _P_STEP * (found - self._p)
        return np.column_stack((expected, expected - correlation))


def _distance(wave: Floats, model: Floats) -> Floats:
    """Norm of the difference of the QRS complexes over the model's, shape (k,); NaN where that is 0."""
    norm = np.linalg.norm(model[:, QRS], axis=1)
    apart = np.linalg.norm(wave[:, QRS] - model[:, QRS], axis=1)
    return np.asarray(np.divide(apart, norm, out=np.full(len(wave), np.nan), where=norm > 0), np.float64)


def _nearest_change(rr: Floats) -> Floats:
    """Distance of each interval to the nearest of the four before it, shape of `rr`; NaN for the first four."""
    out = np.full(len(rr), np.nan)
    back = [np.abs(rr[_BACK:] - rr[_BACK - lag : len(rr) - lag]) for lag in range(1, _BACK + 1)]
    out[_BACK:] = np.min(back, axis=0)
    return out


def _reasons(wave: Floats, before: Floats, after: Floats, rhythm: Floats, usual: Floats) -> list[str | None]:
    """Why a row is NaN, None where it stands."""
    unknown = np.isnan(rhythm[:, 2]) | ~(np.ptp(usual[:, QRS], axis=1) > 0)
    tests = (
        (np.isnan(wave[:, 0]), SAMPLES_MISSING),
        (~(np.ptp(wave[:, QRS], axis=1) > 0), FLAT),
        (np.isnan(before), NO_BEAT_BEFORE),
        (np.isnan(after), NO_BEAT_AFTER),
        (unknown, TOO_FEW_BEATS),
    )
    out: list[str | None] = [None] * len(wave)
    for test, reason in reversed(tests):
        for k in np.flatnonzero(test).tolist():
            out[k] = reason
    return out


def _quantiles(rows: Floats, at: tuple[float, ...]) -> list[Floats]:
    """Quantiles of what is not NaN in each row, linear between order statistics, shape (k,) each; NaN where all is.

    np.nanquantile would go row by row, and warn.
    """
    ordered = np.sort(rows, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    each, out = np.arange(len(rows)), []
    for share in at:
        place = np.maximum(count - 1, 0) * share
        low = place.astype(np.int64)
        high = np.minimum(low + 1, np.maximum(count - 1, 0))
        out.append(ordered[each, low] + (ordered[each, high] - ordered[each, low]) * (place - low))
    return out
