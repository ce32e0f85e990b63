"""Codec 2: columns of integers through pcodec (Pco), which models what is left of a sensor once it is predicted.

    body = for each column: dtype u8 | length u32 | a pco standalone file (format of pcodec 1.x) of that dtype
    dtype  0..4: int16, uint16, int32, uint32, int64; int64 values that fit are packed as int32

Laws of this file:
1. pcodec is optional: it has no wheels for musl or Windows on ARM. Without it codec 1 writes; a chunk in codec 2 then
   raises StoreError and names the extra.
2. Pco has no check value: what it makes is decoded and compared before it is used, and every chunk has a CRC-32.
3. A convolution of order k is tried only where n mod 512 is 0 or at least k: between, pcodec 1.1 panics. Nor is it
   tried on 64-bit numbers, for which it is not defined.
4. The decoder writes into an array of the expected length: no blob decides how much memory it takes.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitals.errors import StoreError

DTYPES = ("<i2", "<u2", "<i4", "<u4", "<i8")
LEAST_ROWS = 64  # below it the head of a pco file outweighs what it saves
_SHORT = 2048  # rows; from here on the longer predictors pay for themselves
_PAGE = 512


@cache
def _module() -> Any:
    try:
        return importlib.import_module("pcodec")
    except ImportError:
        return None


def available() -> bool:
    """Whether this installation can read and write codec 2."""
    return _module() is not None


@cache
def _candidates() -> tuple[tuple[int, Any], ...]:
    """(order of convolution or 0, configuration); the cheap ones first."""
    p = _module()
    classic = p.ModeSpec.classic()
    consecutive = [(0, p.DeltaSpec.try_consecutive(order)) for order in (1, 2)]
    convolution = [(order, p.DeltaSpec.try_conv1(order)) for order in (4, 8, 32)]
    return tuple((k, p.ChunkConfig(mode_spec=classic, delta_spec=d)) for k, d in (*consecutive, *convolution))


def _worth(column: NDArray[Any]) -> list[Any]:
    """The configurations that are tried for a column: three at most, whatever its length (the CPU budget)."""
    first, second, conv4, conv8, conv32 = _candidates()
    if column.dtype.itemsize > 4:
        return [first[1], second[1]]
    chosen = (first, second, conv4) if len(column) < _SHORT else (first, conv8, conv32)
    rest = len(column) % _PAGE
    return [config for order, config in chosen if not order or rest == 0 or rest >= order]


def compress(columns: NDArray[Any]) -> bytes | None:
    """The body for integers of shape (n, columns); None where pcodec cannot or would not give them back."""
    if not available() or columns.dtype.str not in DTYPES or len(columns) < LEAST_ROWS:
        return None
    body = bytearray()
    for k in range(columns.shape[1]):
        column = _narrow(np.ascontiguousarray(columns[:, k]))
        best = min((_module().standalone.simple_compress(column, config) for config in _worth(column)), key=len)
        if not np.array_equal(_column(best, column.dtype, len(column)), column):
            return None
        body += bytes([DTYPES.index(column.dtype.str)]) + len(best).to_bytes(4, "little") + best
    return bytes(body)


def _narrow(column: NDArray[Any]) -> NDArray[Any]:
    if column.dtype.itemsize == 8 and int(column.min()) >= -(1 << 31) and int(column.max()) < 1 << 31:
        return column.astype("<i4")
    return column


def decompress(body: bytes, dtype: np.dtype[Any], rows: int, columns: int) -> NDArray[Any]:
    """Integers of shape (rows, columns). Raises ValueError where `body` is not theirs, StoreError without pcodec."""
    if not available():
        raise StoreError(
            "these samples are packed by pcodec, which is not installed: pip install 'vitals[pcodec]', or read the "
            "store on a machine that has it"
        )
    out = np.empty((rows, columns), dtype, order="F")
    at = 0
    for k in range(columns):
        length = int.from_bytes(body[at + 1 : at + 5], "little")
        if at + 5 > len(body) or length > len(body) - at - 5 or body[at] >= len(DTYPES):
            raise ValueError("a column is cut off")
        packed = np.dtype(DTYPES[body[at]])
        if not np.can_cast(packed, dtype):
            raise ValueError("a column is wider than its samples")
        out[:, k] = _column(body[at + 5 : at + 5 + length], packed, rows)
        at += 5 + length
    if at != len(body):
        raise ValueError("bytes are left over")
    return np.ascontiguousarray(out)


def _column(packed: bytes, dtype: np.dtype[Any], rows: int) -> NDArray[Any]:
    # One place more than expected shows a column that is too long.
    out = np.empty(rows + 1, dtype)
    try:
        progress = _module().standalone.simple_decompress_into(packed, out)
    except Exception as error:
        raise ValueError(f"not a pco file: {type(error).__name__}") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # pyo3's, for a panic in Rust; not an Exception
            raise
        raise ValueError("not a pco file") from None
    if not progress.finished or progress.n_processed != rows:
        raise ValueError("a column has another length")
    return out[:rows]
