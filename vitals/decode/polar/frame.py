"""Frames of Polar's measurement data characteristic (PMD).

Header, little endian: kind u8 (bit 7: from an offline recording), time stamp u64 (nanoseconds since 2000-01-01 of the
LAST sample), frame type u8 (bit 7: delta compressed). What follows is the business of `LAYOUTS` and `gnss`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitals.decode.polar import delta, gnss
from vitals.decode.polar.gatt import KIND_MASK, OFFLINE_BIT, PMD_DATA, Measurement
from vitals.decode.polar.layouts import COMPRESSED, LAYOUTS, Layout
from vitals.errors import DecodeError, InputError

HEADER = struct.Struct("<BQB")
_KINDS = {int(kind): kind for kind in Measurement}


@dataclass(frozen=True, slots=True)
class FrameType:
    """What the first and the last byte of a header say."""

    kind: Measurement
    number: int  # without the compression bit
    compressed: bool
    offline: bool  # the frame comes from a recording
    layout: Layout | None  # None: not an array (GNSS), or not known


@dataclass(frozen=True, slots=True, eq=False)
class PmdFrame:
    """One frame of one stream."""

    type: FrameType
    timestamp_ns: int  # of the last sample, on the device clock (see `clock`); 0 where the device has none (PPI)
    samples: NDArray[Any]  # (n, channels): int32; float32 where the device sends floats; unsigned for PPG 5 and 6
    scale: float  # signals * scale is in `unit`; the factor of the settings is in it
    layout: Layout

    @property
    def kind(self) -> Measurement:
        """What was measured."""
        return self.type.kind

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the columns of `samples`."""
        return self.layout.channels

    @property
    def unit(self) -> str:
        """Unit of the signal columns; empty where the device counts steps without one."""
        return self.layout.unit

    @property
    def signals(self) -> NDArray[Any]:
        """The physical columns as sent, shape (n, signals)."""
        return self.samples[:, : self.layout.signals]

    def column(self, name: str) -> NDArray[Any]:
        """One column, shape (n,). Raises InputError for a name that this frame type has not."""
        if name not in self.channels:
            raise InputError(f"column {name!r} is not in this frame; it has {', '.join(self.channels)}")
        column: NDArray[Any] = self.samples[:, self.channels.index(name)]
        return column

    def physical(self) -> NDArray[np.float64]:
        """The signal columns in `unit`, float64, shape (n, signals)."""
        return np.asarray(self.signals * np.float64(self.scale), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class FrameHead:
    """The ten bytes that every frame begins with."""

    type: FrameType
    timestamp_ns: int


@cache
def _frame_type(first: int, type_byte: int) -> FrameType | None:
    kind = _KINDS.get(first & KIND_MASK)
    if kind is None:
        return None
    layout = LAYOUTS.get((kind, type_byte))
    return FrameType(kind, type_byte & ~COMPRESSED, type_byte >= COMPRESSED, first >= OFFLINE_BIT, layout)


def decode_head(payload: bytes) -> FrameHead:
    """The header of a frame. Raises DecodeError where it is cut off or of a kind that is not known."""
    if len(payload) < HEADER.size:
        raise _error(f"frame header needs {HEADER.size} bytes, {len(payload)} there", payload, len(payload))
    first, timestamp, type_byte = HEADER.unpack_from(payload)
    form = _frame_type(first, type_byte)
    if form is None:
        raise _error(f"measurement kind {first & KIND_MASK} is not known", payload, 0)
    return FrameHead(form, timestamp)


def decode_frame(payload: bytes, *, factor: float = 1.0) -> PmdFrame | gnss.GnssFrame:
    """One notification of the PMD data characteristic, or one frame of an offline recording.

    `factor` comes from the response to the start request (see `Settings.factor`) and applies to compressed frames
    only. Raises DecodeError where the payload is cut off, has bytes left over, holds no sample, or is of a kind or
    frame type that is not known.
    """
    head = decode_head(payload)
    form, layout = head.type, head.type.layout
    if layout is None:
        if form.kind is Measurement.GNSS:
            return gnss.decode(payload, form.offline, head.timestamp_ns, payload[9])
        how = "compressed" if form.compressed else "raw"
        raise _error(f"{how} frame type {form.number} of {form.kind.name} is not known", payload, 9)
    scale = layout.scale
    if form.compressed:
        samples: NDArray[Any] = delta.decompress(payload, len(layout.channels), layout.bits, offset=HEADER.size)
        if layout.flags >= 0:
            samples[:, -1] &= layout.flags
        if layout.floating:
            samples = samples.view(np.float32)
        scale *= factor
    else:
        samples = _raw(payload, layout, empty=form.kind is Measurement.PPI)
    return PmdFrame(form, head.timestamp_ns, samples, scale, layout)


def _raw(payload: bytes, layout: Layout, *, empty: bool) -> NDArray[Any]:
    start = HEADER.size
    channels = len(layout.channels)
    step = layout.step or channels * layout.bits // 8
    n, rest = divmod(len(payload) - start, step)
    if rest:
        raise _error(f"{rest} bytes left over; a sample has {step}", payload, len(payload) - rest)
    if n == 0 and not empty:
        raise _error("frame holds no sample", payload, start)
    if layout.unpack is not None:
        return layout.unpack(np.frombuffer(payload, np.uint8, offset=start).reshape(n, step))
    if layout.bits == 24:
        # Each number is read with the byte before it as its lowest: the shift drops that byte and extends the sign.
        return np.ndarray((n, channels), "<i4", payload, start - 1, (step, 3)) >> 8
    flat = np.frombuffer(payload, {8: "<i1", 16: "<i2", 32: "<f4"}[layout.bits], offset=start).reshape(n, channels)
    return flat if layout.floating else flat.astype(np.int32)


def encode_frame(
    kind: Measurement,
    frame_type: int,
    timestamp_ns: int,
    samples: NDArray[Any],
    *,
    compressed: bool = False,
    offline: bool = False,
    block: int = 40,
) -> bytes:
    """A frame as a device would send it; `samples` (n, channels) as in `PmdFrame.samples`.

    Raises InputError for frame types that no virtual device sends (ECG 1 to 3, PPG 4 to 6, 9, 14, offline HR 1, GNSS)
    and for samples that do not fit.
    """
    type_byte = frame_type | (COMPRESSED if compressed else 0)
    layout = LAYOUTS.get((kind, type_byte))
    if layout is None or (layout.unpack is not None and layout.pack is None):
        raise InputError(f"{kind.name} frame type {frame_type} (compressed: {compressed}) cannot be written")
    if samples.ndim != 2 or samples.shape[1] != len(layout.channels) or not len(samples):
        raise InputError(f"samples has shape {samples.shape}; (n, {len(layout.channels)}) is needed")
    head = HEADER.pack(kind | (OFFLINE_BIT if offline else 0), timestamp_ns, type_byte)
    if compressed:
        bits = samples.astype(np.float32).view(np.int32) if layout.floating else samples
        return head + delta.compress(np.asarray(bits, dtype=np.int32), layout.bits, block=block)
    if layout.pack is not None:
        return head + layout.pack(samples).tobytes()
    if layout.floating:
        return head + samples.astype("<f4").tobytes()
    limit = 1 << (layout.bits - 1)
    if int(samples.min()) < -limit or int(samples.max()) >= limit:
        raise InputError(f"a sample does not fit into {layout.bits} bits")
    size = layout.bits // 8
    octets = np.ascontiguousarray(samples, dtype="<i4").view(np.uint8).reshape(len(samples), -1, 4)[:, :, :size]
    return head + octets.tobytes()


def _error(message: str, payload: bytes, offset: int) -> DecodeError:
    return DecodeError(message, uuid=PMD_DATA, payload=payload, offset=offset)
