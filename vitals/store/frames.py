"""What a query found as pandas DataFrames: time-zone-aware index, units in the column names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vitals.errors import MissingExtra
from vitals.store.arrays import Samples, Summary
from vitals.store.query import EventRow, FeatureRow, StreamInfo
from vitals.values import Gap

if TYPE_CHECKING:
    import pandas as pd

_UNITS = {
    "%": "percent",
    "°C": "celsius",
    "degC": "celsius",
    "m/s²": "m_s2",
    "m/s^2": "m_s2",
    "°/s": "deg_s",
    "µV": "uv",
}
_AXES = {"acc", "gyro", "mag"}


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise MissingExtra("pandas", extra="frames") from None
    return pandas


def column_names(stream: StreamInfo) -> list[str]:
    """Kind, unit and channel: "rr_ms", "ecg_mv", "acc_g_x"."""
    unit = _UNITS.get(stream.unit, re.sub(r"[^a-z0-9]+", "_", stream.unit.lower()).strip("_"))
    name = f"{stream.kind}_{unit}" if unit else stream.kind
    if stream.channels <= 1:
        return [name]
    axes = "xyz" if stream.kind in _AXES and stream.channels == 3 else [str(k) for k in range(stream.channels)]
    return [f"{name}_{axis}" for axis in axes]


def _index(times_us: NDArray[np.int64]) -> Any:
    return _pandas().DatetimeIndex(times_us.astype("datetime64[us]"), name="time").tz_localize("UTC")


def samples(found: Sequence[Samples]) -> pd.DataFrame:
    """One row per sample, by time, in physical units; `stream` says which stream it is of."""
    return _by_time([_table(one.stream, one.times_us, {"": one.values}) for one in found])


def summaries(found: Sequence[Summary]) -> pd.DataFrame:
    """One row per bin, by time: "ecg_mv_min", "ecg_mv_max", "ecg_mv_mean", `count`, and `stream`."""
    frames = []
    for one in found:
        frame = _table(one.stream, one.times_us, {"_min": one.low, "_max": one.high, "_mean": one.mean})
        frame.insert(len(frame.columns) - 1, "count", one.count)
        frames.append(frame)
    return _by_time(frames)


def _table(stream: StreamInfo, times_us: NDArray[np.int64], columns: dict[str, NDArray[np.float64]]) -> pd.DataFrame:
    names = [name + ending for ending in columns for name in column_names(stream)]
    wide = [values.reshape(len(times_us), max(1, stream.channels)) for values in columns.values()]
    table = wide[0] if len(wide) == 1 else np.concatenate(wide, axis=1)
    frame: pd.DataFrame = _pandas().DataFrame(table, _index(times_us), names, copy=False)
    frame["stream"] = stream.id
    return frame


def _by_time(frames: list[pd.DataFrame]) -> pd.DataFrame:
    held = [frame for frame in frames if len(frame)] or frames[:1]
    if len(held) == 1:
        return held[0]
    together: pd.DataFrame = _pandas().concat(held).sort_index(kind="stable")
    return together


def _spans(columns: dict[str, list[Any]], starts: list[int], ends: list[int]) -> pd.DataFrame:
    frame: pd.DataFrame = _pandas().DataFrame(columns, index=_index(np.array(starts, np.int64)))
    frame.insert(0, "end", _index(np.array(ends, np.int64)))
    return frame


def features(rows: Sequence[FeatureRow]) -> pd.DataFrame:
    """One row per window, indexed by its start: end, source, coverage, reason, maker, and a column per number."""
    found = [row.features for row in rows]
    names = list(dict.fromkeys(name for f in found for name in f.values))
    columns: dict[str, list[Any]] = {
        "source": [f.source for f in found],
        "coverage": [f.coverage for f in found],
        "reason": [f.reason for f in found],
        "algorithm": [f.made_by.algorithm for f in found],
        "version": [f.made_by.version for f in found],
        "stream": [row.stream_id for row in rows],
    }
    columns |= {name: [f.values.get(name, float("nan")) for f in found] for name in names}
    return _spans(columns, [f.start_us for f in found], [f.end_us for f in found])


def events(rows: Sequence[EventRow]) -> pd.DataFrame:
    """One row per event, indexed by its start."""
    found = [row.event for row in rows]
    columns: dict[str, list[Any]] = {
        "kind": [e.kind for e in found],
        "source": [e.source for e in found],
        "score": [e.score for e in found],
        "sqi": [e.sqi for e in found],
        "state": [str(e.state) for e in found],
        "algorithm": [e.made_by.algorithm for e in found],
        "version": [e.made_by.version for e in found],
        "stream": [row.stream_id for row in rows],
        "id": [row.id for row in rows],
    }
    return _spans(columns, [e.start_us for e in found], [e.end_us for e in found])


def gaps(found: Sequence[Gap]) -> pd.DataFrame:
    """One row per gap, indexed by its start: end, kind, reason."""
    columns: dict[str, list[Any]] = {"kind": [gap.kind for gap in found], "reason": [gap.reason for gap in found]}
    return _spans(columns, [gap.start_us for gap in found], [gap.end_us for gap in found])
