"""One page for one stretch of RR intervals: the intervals, the gaps, the quality, the flagged episodes."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from vitals.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vitals.store import Store
    from vitals.store.instants import Instant

NOT_MEDICAL = "Not a medical device"
_PROBABILITY = "irregular_probability"


def overview(
    store: Store, start: Instant | None = None, end: Instant | None = None, *, tz: str | tzinfo = "UTC"
) -> Figure:
    """RR intervals [ms], probability of an irregular rhythm [0..1] and RMSSD [ms] of a store over time.

    Gaps are grey in every panel, flagged episodes orange; windows without support leave a hole. `tz` names the time
    zone of the axis. Raises InputError where the store holds no RR intervals, MissingExtra without an extra.
    """
    plt = _pyplot()
    rr = store.read("rr", start, end)
    if rr.empty:
        raise InputError("the store holds no RR intervals between start and end; see store.streams()")
    zone = ZoneInfo(tz) if isinstance(tz, str) else tz
    features, events, gaps = store.features(start, end), store.events(start, end), store.gaps("rr", start, end)
    figure: Figure
    figure, (top, middle, bottom) = plt.subplots(
        3, 1, sharex=True, figsize=(11, 7), height_ratios=(3, 1, 1), layout="constrained"
    )
    top.plot(rr.index, rr["rr_ms"], ".", markersize=1.5, color="tab:blue")
    top.set_ylabel("RR interval (ms)")
    low, high = np.percentile(rr["rr_ms"], [0.1, 99.9])
    top.set_ylim(max(0.0, low - 150), high + 150)
    top.set_title(f"{len(rr)} beats, {len(gaps)} gaps, {len(events)} flagged episodes", loc="left")
    _windows(middle, features, _PROBABILITY, "tab:purple")
    middle.set_ylabel("irregular\n(probability)")
    middle.set_ylim(-0.05, 1.05)
    _windows(bottom, features, "RMSSD", "tab:green")
    bottom.set_ylabel("RMSSD (ms)")
    bottom.set_xlabel(f"time ({zone})")
    for axes in (top, middle, bottom):
        for begin, finish in gaps["end"].items():
            axes.axvspan(begin, finish, color="0.85", zorder=0)
        for begin, finish in events["end"].items():
            axes.axvspan(begin, finish, color="tab:orange", alpha=0.25, zorder=0)
        axes.xaxis.axis_date(zone)
    figure.text(0.995, 0.005, NOT_MEDICAL, ha="right", va="bottom", fontsize=8, color="0.4")
    return figure


def _windows(axes: Axes, features: Any, name: str, color: str) -> None:
    """A feature at the centre of its windows; a window that abstained is a hole, not a zero."""
    if name not in features:
        return
    one = features[features[name].notna() | features["reason"].notna()]
    centres = one.index + (one["end"] - one.index) / 2
    axes.plot(centres, one[name], "-", linewidth=0.8, color=color)


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise MissingExtra("matplotlib", extra="plot") from error
    return pyplot
