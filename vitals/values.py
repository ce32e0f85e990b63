"""The values that flow through vitals: frames, blocks, gaps, link events, features, scores, events.

Laws of this file:
1. Values are frozen and know no I/O.
2. Times are integer microseconds on one clock. Which clock (session or UTC) is the business of whoever holds the value:
   the engine runs on either, because only differences matter to it.
3. Numbers stay as the source gave them (integers); `scale` and `unit` say what one step is worth.
4. RR intervals keep the integer tick of their source (1/1024 s on BLE, 1/128 s or samples in files).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Timing(enum.StrEnum):
    """How the samples of a block lie in time."""

    REGULAR = "regular"  # sample k at t0 + (first + k) / rate
    INTERVAL = (
        "interval"  # value k is a duration in ticks of 1 / rate; it ends at t0 + (first + sum(values[: k + 1])) / rate
    )
    STAMPED = "stamped"  # sample k at t0 + offsets_us[k]


@dataclass(frozen=True, slots=True)
class Frame:
    """One notification as it arrived."""

    arrival_us: int
    uuid: str  # characteristic, 128-bit lower case
    payload: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A contiguous run of one stream: no gap lies inside a block.

    Times are rounded once, from the number of steps since the anchor `t0_us`: blocks that share an anchor can be split
    and joined at will without moving a sample by a microsecond.
    """

    kind: str  # "rr", "hr", "ecg", "acc", "battery", ...
    t0_us: int  # the anchor: time of step 0
    timing: Timing
    rate_hz: float  # samples per second; for INTERVAL ticks per second; 0 for STAMPED
    values: NDArray[Any]  # integer array, shape (n,) or (n, channels)
    scale: float  # values * scale is in `unit`
    unit: str  # "ms", "bpm", "mV", "g", "%"
    offsets_us: NDArray[np.int64] | None = None  # only for STAMPED, shape (n,), not decreasing
    first: int = (
        0  # step of the first sample; for INTERVAL ticks from the anchor to the beat that opens the first interval
    )

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def times_us(self) -> NDArray[np.int64]:
        """Time of each sample (for INTERVAL: of the beat that ends each interval), shape (n,), microseconds."""
        if self.timing is Timing.STAMPED:
            assert self.offsets_us is not None
            stamped: NDArray[np.int64] = self.offsets_us + self.t0_us
            return stamped
        if self.timing is Timing.INTERVAL:
            steps = self.first + np.cumsum(self.values, dtype=np.int64)
        else:
            steps = self.first + np.arange(len(self), dtype=np.int64)
        times: NDArray[np.int64] = self.t0_us + np.rint(steps * (1e6 / self.rate_hz)).astype(np.int64)
        return times

    @property
    def start_us(self) -> int:
        """Time of the first sample; for INTERVAL of the beat that opens the first interval."""
        if self.timing is Timing.STAMPED:
            assert self.offsets_us is not None
            return self.t0_us + (int(self.offsets_us[0]) if len(self) else 0)
        return self.t0_us + round(self.first * (1e6 / self.rate_hz))

    @property
    def end_us(self) -> int:
        """Time of the last sample; for INTERVAL of the beat that ends the last interval."""
        if self.timing is Timing.STAMPED:
            assert self.offsets_us is not None
            return self.t0_us + (int(self.offsets_us[-1]) if len(self) else 0)
        steps = int(self.values.sum(dtype=np.int64)) if self.timing is Timing.INTERVAL else max(len(self) - 1, 0)
        return self.t0_us + round((self.first + steps) * (1e6 / self.rate_hz))

    def physical(self) -> NDArray[np.float64]:
        """The values in `unit`, float64, same shape as `values`."""
        return self.values * np.float64(self.scale)


def rr_block(t0_us: int, ticks: NDArray[Any], tick_hz: float, first: int = 0) -> Block:
    """RR intervals in ticks of 1 / `tick_hz` s; the first one opens `first` ticks after the anchor `t0_us`."""
    return Block("rr", t0_us, Timing.INTERVAL, tick_hz, ticks, 1000.0 / tick_hz, "ms", first=first)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which a stream has no data. A gap is data: it is stored, queried and exported."""

    kind: str  # the stream's kind
    start_us: int
    end_us: int
    reason: str  # "no data", "missing beats", "implausible", "link lost", "device reset"


@dataclass(frozen=True, slots=True)
class ClockReset:
    """A device's clock jumped: what it stamps before and after does not continue."""

    at_us: int  # arrival of the frame that showed it
    shift_us: int  # how far it jumped against the host's clock; negative: backwards


class LossReason(enum.StrEnum):
    """Why a link ended."""

    LOST = "link lost"  # out of range, switched off, battery empty: the computer's Bluetooth says so
    SILENT = "silent stream"  # connected in name only: nothing came, and restarting the stream did not help
    REFUSED = "device refused"  # it connects, but does not let itself be used


@dataclass(frozen=True, slots=True)
class Connected:
    """The link is up and its streams run (first, or again)."""

    at_us: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The link is gone; what follows is a gap until it is back."""

    at_us: int
    reason: LossReason


@dataclass(frozen=True, slots=True)
class Stall:
    """A stream fell silent although the link is up; it is being restarted."""

    at_us: int
    source: str  # what is silent, as its driver names it: a characteristic, or a kind of measurement
    silent_us: int  # since its last frame, or since it was started


@dataclass(frozen=True, slots=True)
class Overflow:
    """The reader was too slow: frames between the one before and the one after this were dropped."""

    at_us: int
    frames: int


@dataclass(frozen=True, slots=True)
class StreamRefused:
    """The device does not stream this now; it is asked again later."""

    at_us: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class ContactChange:
    """The sensor lost or found the skin."""

    at_us: int
    contact: bool


@dataclass(frozen=True, slots=True)
class BatteryLow:
    """The device's battery will soon be empty; said once until it has been charged."""

    at_us: int
    percent: int


LinkEvent = Connected | Disconnected | Stall | Overflow | StreamRefused | ContactChange | BatteryLow


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who made a number: enough to recompute it identically."""

    algorithm: str  # "irregular-rhythm", "hrv"
    version: str
    params: Mapping[str, Any] = field(default_factory=dict)  # JSON-able
    model_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Features:
    """Named numbers computed from one window of one stream."""

    source: str  # kind of the stream they were computed from
    start_us: int
    end_us: int
    values: Mapping[str, float]  # name -> value; NaN where data did not suffice
    coverage: float  # share of the window that real data support, 0..1
    reason: str | None  # why values are NaN; None when all are numbers
    made_by: Provenance


@dataclass(frozen=True, slots=True)
class Score:
    """A model's opinion of one window; it abstains (NaN and a reason) rather than guess."""

    start_us: int
    end_us: int
    probability: float
    reason: str | None
    made_by: Provenance


class EventState(enum.StrEnum):
    OPEN = "open"  # still going on
    CLOSED = "closed"
    CUT = "cut"  # the data ended (gap or end of stream) before it did


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth a look. `kind` is a neutral word, never a disease."""

    kind: str  # "irregular_rhythm", ...
    source: str  # kind of the stream it was seen in
    start_us: int
    end_us: int  # for OPEN: how far it is known to last
    score: float  # mean probability over the windows that carry it, 0..1
    sqi: float  # share of the span with usable data, 0..1
    state: EventState
    made_by: Provenance


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device says of itself; empty where it does not."""

    name: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    hardware: str = ""
    software: str = ""
