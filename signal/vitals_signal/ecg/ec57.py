"""Beat-by-beat scoring of a detector against reference annotations, after ANSI/AAMI EC57.

Law: a reference beat and a detection are one pair or none; each counts once, whatever their order.

Source: ANSI/AAMI EC57:1998 (R2008) section 4.3 (150-ms match window, the first 5 min are learning time, ventricular
flutter and fibrillation are excluded); counts as printed by WFDB `bxb`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class BeatScore:
    """Counts and offsets of one or more records; scores of records are pooled ("gross") by `sum_scores`."""

    tp: int
    fn: int
    fp: int
    offset_sum_ms: float  # over matched pairs, detection minus reference
    offset_square_sum_ms2: float

    @property
    def sensitivity(self) -> float:
        """TP / (TP + FN); NaN without reference beats."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def positive_predictivity(self) -> float:
        """TP / (TP + FP); NaN without detections."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FN + FP)."""
        return ratio(2 * self.tp, 2 * self.tp + self.fn + self.fp)

    @property
    def offset_mean_ms(self) -> float:
        """Mean of detection minus reference over matched beats."""
        return ratio(self.offset_sum_ms, self.tp)

    @property
    def offset_sd_ms(self) -> float:
        """Standard deviation (ddof 0) of detection minus reference over matched beats."""
        mean = self.offset_mean_ms
        return float(np.sqrt(max(ratio(self.offset_square_sum_ms2, self.tp) - mean * mean, 0.0)))


def score_beats(
    reference: ArrayLike,
    detected: ArrayLike,
    fs: float,
    *,
    window_s: float = 0.150,
    learning_s: float = 300.0,
    exclude: Iterable[tuple[float, float]] = (),
) -> BeatScore:
    """Compare detected with reference beats.

    `reference` and `detected` are sample numbers at `fs` Hz, shapes (n,) and (m,). Beats before `learning_s` and inside
    the `exclude` stretches (first and last sample) do not count; a detection paired with a beat that does not count is
    left out with it.

    Raises ValueError where `fs` or `window_s` is not above 0.
    """
    if not (fs > 0 and window_s > 0):
        raise ValueError(f"fs and window_s must lie above 0, got {fs} and {window_s}")
    ref, det = (np.sort(np.asarray(beats, np.float64).ravel()) for beats in (reference, detected))
    pair_ref, pair_det = match_beats(ref, det, window_s * fs)
    counts_ref, counts_det = ref >= learning_s * fs, det >= learning_s * fs
    for first, last in exclude:
        counts_ref &= (ref < first) | (ref > last)
        counts_det &= (det < first) | (det > last)
    counts_det[pair_det] = counts_ref[pair_ref]
    kept = counts_ref[pair_ref]
    offset = (det[pair_det[kept]] - ref[pair_ref[kept]]) * (1000.0 / fs)
    tp = int(kept.sum())
    return BeatScore(
        tp, int(counts_ref.sum()) - tp, int(counts_det.sum()) - tp, float(offset.sum()), float((offset * offset).sum())
    )


def sum_scores(scores: Iterable[BeatScore]) -> BeatScore:
    """Pool the counts of several records: gross statistics in the words of EC57."""
    total = BeatScore(0, 0, 0, 0.0, 0.0)
    for one in scores:
        total = BeatScore(
            total.tp + one.tp,
            total.fn + one.fn,
            total.fp + one.fp,
            total.offset_sum_ms + one.offset_sum_ms,
            total.offset_square_sum_ms2 + one.offset_square_sum_ms2,
        )
    return total


def match_beats(
    reference: NDArray[Any], detected: NDArray[Any], window: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair beats one to one: mutual nearest neighbours at most `window` apart, repeated over what is left.

    Both inputs ascend, shapes (n,) and (m,), same unit as `window`. Returns indices into both, shape (k,) each.
    """
    left_ref, left_det = np.arange(len(reference)), np.arange(len(detected))
    pairs_ref: list[NDArray[np.intp]] = []
    pairs_det: list[NDArray[np.intp]] = []
    while len(left_ref) and len(left_det):
        ref, det = reference[left_ref], detected[left_det]
        to_det, to_ref = _nearest(ref, det), _nearest(det, ref)
        mutual = (to_ref[to_det] == np.arange(len(ref))) & (np.abs(det[to_det] - ref) <= window)
        if not mutual.any():
            break
        pairs_ref.append(left_ref[mutual])
        pairs_det.append(left_det[to_det[mutual]])
        left_ref, left_det = left_ref[~mutual], np.delete(left_det, to_det[mutual])
    if not pairs_ref:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    return np.concatenate(pairs_ref), np.concatenate(pairs_det)


def _nearest(points: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.intp]:
    """Index of the target nearest to each point (the earlier one where two are equally near)."""
    right = np.clip(np.searchsorted(targets, points), 0, len(targets) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(np.abs(points - targets[left]) <= np.abs(targets[right] - points), left, right)


def ratio(a: float, b: float) -> float:
    """a / b, NaN where b is 0."""
    return a / b if b else float("nan")
