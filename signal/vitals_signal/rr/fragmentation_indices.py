"""Heart-rate fragmentation: how often acceleration and deceleration change places."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_signal._runs import runs
from vitals_signal.rr.named_values import HrvValues
from vitals_signal.rr.nn import NN
from vitals_signal.rr.nonlinear_measure import (
    NO_VARIATION,
    TOO_LITTLE,
    all_measured,
    all_missing,
    interval_series,
    ratio,
)

FRAGMENTATION_NAMES: Final = ("PIP", "IALS", "PSS", "PAS")


def heart_rate_fragmentation(nn: NN | ArrayLike, *, definition: Literal["costa", "neurokit"] = "costa") -> HrvValues:
    """PIP, IALS, PSS, PAS of the differences d[i] = x[i+1] - x[i]; a segment is a run of d of one sign (not 0).

    n is the number of differences plus one. "costa" (Costa et al. 2017, in %): PIP inflections, d[i] d[i+1] <= 0, per
    n; IALS 1 / mean length of segments; PSS differences in segments shorter than three, per difference in any segment;
    PAS differences in runs of four or more that change sign at each step, per n. "neurokit" (NeuroKit2 0.2.13,
    fractions): PIP changes of sign(d), so that a run of equal intervals counts at its two ends only, per n; IALS the
    same; PSS segments shorter than three per segment; PAS runs of four or more changes of sign(d) in a row, per run.

    Nothing is compared across a gap (NaN). PAS in "neurokit" is 0 where the sign never changes. `nn`: an `NN`, or
    intervals in ms, shape (n,). Raises ValueError for other definitions.

    Source: M. D. Costa, R. B. Davis, A. L. Goldberger, Front. Physiol. 8:255, 2017, doi 10.3389/fphys.2017.00255.
    """
    if definition not in ("costa", "neurokit"):
        raise ValueError(f"definition must be 'costa' or 'neurokit', got {definition!r}")
    d = np.diff(interval_series(nn))
    known = ~np.isnan(d)
    count = int(known.sum())
    if count < 2:
        return all_missing(FRAGMENTATION_NAMES, TOO_LITTLE)
    sign = np.where(known, np.sign(d), np.nan)
    segments = np.concatenate([_run_lengths(sign == 1), _run_lengths(sign == -1)])
    if not len(segments):
        return all_missing(FRAGMENTATION_NAMES, NO_VARIATION)
    both = known[1:] & known[:-1]
    if definition == "neurokit":
        changes = both & (sign[1:] != sign[:-1])
        alternations = _run_lengths(changes)
        values = (
            int(changes.sum()) / (count + 1),
            len(segments) / int(segments.sum()),
            int((segments < 3).sum()) / len(segments),
            ratio(int((alternations >= 4).sum()), len(alternations)) if len(alternations) else 0.0,
        )
    else:
        alternations = _run_lengths(both & (sign[1:] * sign[:-1] < 0)) + 1
        values = (
            100 * int((both & (sign[1:] * sign[:-1] <= 0)).sum()) / (count + 1),
            len(segments) / int(segments.sum()),
            100 * int(segments[segments < 3].sum()) / int(segments.sum()),
            100 * int(alternations[alternations >= 4].sum()) / (count + 1),
        )
    return all_measured(FRAGMENTATION_NAMES, values)


def _run_lengths(hit: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Lengths of the runs of True."""
    return np.array([end - begin for begin, end in runs(hit)], np.intp)
