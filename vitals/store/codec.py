"""Integer arrays to bytes and back, exactly. A decoder, once released, is kept for ever.

    blob = dtype u8 | columns u8 | flags u8 | body          (little-endian throughout)
    dtype    0..6: int8, uint8, int16, uint16, int32, uint32, int64
    columns  0: one-dimensional; 1..255: that many channels
    flags    bit 0: the body is a zstd frame (RFC 8878) that states its size

    codec 0  body = the values in C order
    codec 1  body = for each column: (order << 4 | width) u8, then `width` (1..8) planes of n bytes, lowest byte first.
             The column is differenced `order` times (0..2, each time modulo 2**64, the first value kept, as if a zero
             went before it), mapped by zigzag (0, -1, 1, -2 -> 0, 1, 2, 3), and split into planes: plane k holds byte
             k of each value.
    codec 2  body = the columns through pcodec (see pco.py)

A blob that does not describe exactly n rows raises StoreDamaged; the check value of the chunk (see chunks.py) catches
the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from vitals.errors import InputError, StoreDamaged
from vitals.store import pco

RAW, PLANES, PCO = 0, 1, 2
MOST_VALUES = 1 << 20
MOST_COLUMNS = 255
_DTYPES = tuple(np.dtype(code) for code in ("<i1", "<u1", "<i2", "<u2", "<i4", "<u4", "<i8"))
_ZSTD = 1
_LEVEL = 3


def dtype_code(dtype: np.dtype[Any]) -> int:
    """The number of a dtype in a blob's head."""
    return _DTYPES.index(dtype.newbyteorder("<"))


def encode(values: NDArray[Any], *, portable: bool = False) -> tuple[int, bytes]:
    """(codec, blob) of 1 to 1,048,576 integers of shape (n,) or (n, columns): the smallest that decodes to them.

    `portable` leaves out codec 2, which not every installation reads. Raises InputError for anything else.
    """
    dtype = values.dtype.newbyteorder("<")
    if dtype not in _DTYPES:
        raise InputError(f"samples have dtype {values.dtype}; the store keeps integers (up to int64) and a scale")
    columns = 1 if values.ndim == 1 else values.shape[-1]
    if values.ndim not in (1, 2) or columns > MOST_COLUMNS or not 1 <= values.size <= MOST_VALUES:
        raise InputError(
            f"samples have shape {values.shape}; it must be (n,) or (n, channels), 1 to {MOST_VALUES} in all"
        )
    head = bytes([_DTYPES.index(dtype), 0 if values.ndim == 1 else values.shape[1]])
    table = np.ascontiguousarray(values, dtype=dtype).reshape(len(values), -1)
    packed = None if portable else pco.compress(table)
    if packed is not None and len(packed) < table.nbytes:
        return PCO, head + bytes([0]) + packed
    number, rest = _planes(table)
    blob = head + rest
    if not np.array_equal(decode(number, blob, len(values)), values):
        raise StoreDamaged("samples do not come back from their packed form: this machine's memory or zstd is faulty")
    return number, blob


def _planes(table: NDArray[Any]) -> tuple[int, bytes]:
    """Codec 0 or 1, whichever is shorter: flags and body."""
    wide = table.astype(np.int64)
    planes = b"".join(_column(wide[:, k]) for k in range(wide.shape[1]))
    raw = table.tobytes()
    codec, body = (RAW, raw) if len(raw) <= len(planes) else (PLANES, planes)
    packed = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False).compress(planes)
    if len(packed) < len(body):
        return PLANES, bytes([_ZSTD]) + packed
    return codec, bytes([0]) + body


def _column(values: NDArray[np.int64]) -> bytes:
    best = _zigzag(values)
    best_order, best_cost = 0, _cost(best)
    differenced = values
    for order in (1, 2):
        differenced = np.diff(differenced, prepend=np.int64(0))
        mapped = _zigzag(differenced)
        cost = _cost(mapped)
        if cost < best_cost:
            best, best_order, best_cost = mapped, order, cost
    width = max(1, (int(best.max()).bit_length() + 7) // 8)
    planes = best.astype("<u8").view(np.uint8).reshape(-1, 8).T[:width]
    return bytes([best_order << 4 | width]) + planes.tobytes()


def _zigzag(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def _cost(mapped: NDArray[np.uint64]) -> float:
    # In bytes: one per value and plane, which dominates, and the bits that zstd can see within the planes.
    planes = (int(mapped.max()).bit_length() + 7) // 8
    return len(mapped) * planes + float(np.log2(mapped.astype(np.float64) + 1.0).sum()) / 8


def decode(codec: int, blob: bytes, n: int) -> NDArray[Any]:
    """The values that `encode` was given: n rows, same dtype and shape. Raises StoreDamaged."""
    if len(blob) < 4 or not 1 <= n * max(blob[1], 1) <= MOST_VALUES or blob[0] >= len(_DTYPES) or blob[2] & ~_ZSTD:
        raise _damaged("its head")
    dtype, columns = _DTYPES[blob[0]], blob[1]
    shape = (n,) if columns == 0 else (n, columns)
    width = max(columns, 1)
    body = bytes(blob[3:])
    if blob[2] & _ZSTD:
        body = _inflate(body, width * (1 + 8 * n))
    if codec == RAW:
        if len(body) != n * width * dtype.itemsize:
            raise _damaged("its length")
        return np.frombuffer(body, dtype).reshape(shape).copy()
    if codec == PCO:
        if blob[2] or dtype.str not in pco.DTYPES:
            raise _damaged("its head")
        try:
            return pco.decompress(body, dtype, n, width).reshape(shape)
        except ValueError:
            raise _damaged("a column") from None
    if codec != PLANES:
        raise StoreDamaged(f"a chunk has the codec {codec}, unknown here: update vitals, or restore from a backup")
    wide = np.empty((n, width), np.int64)
    offset = 0
    for k in range(width):
        if offset >= len(body):
            raise _damaged("its length")
        order, planes = body[offset] >> 4, body[offset] & 15
        offset += 1
        if order > 2 or not 1 <= planes <= 8 or offset + planes * n > len(body):
            raise _damaged("a column")
        wide[:, k] = _restore(body[offset : offset + planes * n], order, planes, n)
        offset += planes * n
    if offset != len(body):
        raise _damaged("its length")
    values = wide.astype(dtype)
    if not np.array_equal(values, wide):
        raise _damaged("a value")
    return values.reshape(shape)


def _restore(data: bytes, order: int, planes: int, n: int) -> NDArray[np.int64]:
    wide = np.zeros((n, 8), np.uint8)
    wide[:, :planes] = np.frombuffer(data, np.uint8).reshape(planes, n).T
    mapped = wide.view("<u8").reshape(n).astype(np.uint64)
    values = ((mapped >> np.uint64(1)) ^ (np.uint64(0) - (mapped & np.uint64(1)))).view(np.int64)
    for _ in range(order):
        values = np.cumsum(values, dtype=np.int64)
    return values


def _inflate(frame: bytes, most: int) -> bytes:
    try:
        if not 0 < zstandard.frame_content_size(frame) <= most:
            raise _damaged("its stated size")
        return bytes(zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False))
    except zstandard.ZstdError:
        raise _damaged("its zstd frame") from None


def _damaged(part: str) -> StoreDamaged:
    return StoreDamaged(
        f"a chunk of samples was changed outside of vitals ({part} is impossible): restore from a backup"
    )
