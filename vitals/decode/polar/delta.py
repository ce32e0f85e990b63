"""Polar's delta compression.

Layout, little endian:
    reference sample: channels x ceil(resolution / 8) bytes, signed
    any number of blocks: width u8, count u8, count x channels signed deltas of `width` bits, packed LSB first, the
    block filled up to a whole byte

Laws:
1. Deltas of 32-bit samples add up modulo 2**32: float streams send differences of IEEE 754 bit patterns.
2. Nothing here loops over samples: every delta is one unaligned little-endian word, shifted into place.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitals.decode.polar.gatt import PMD_DATA
from vitals.errors import DecodeError, InputError

MAX_CHANNELS = 25  # PPG type 8
MAX_SAMPLES = 1 << 14  # of one frame; a block of width 0 costs two bytes and would fill memory
MAX_BLOCKS = 1024
_PADDING = bytes(8)  # so that a word may reach beyond the last byte


def _tables(word: int) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """What eight numbers of each width need, by words of `word` bits: the step to it from the one before, in bytes; the
    shift left to its sign; and, for one number, the shift right. Eight fill whole bytes: the ninth lies as the first.
    """
    form = {32: "i", 64: "q"}[word]
    widths = range(33)
    steps = [struct.pack("<8q", *((w * k >> 3) - (w * (k - 1) >> 3) for k in range(8))) for w in widths]
    lefts = [struct.pack(f"<8{form}", *(word - w - (w * k & 7) for k in range(8))) for w in widths]
    return steps, lefts, [struct.pack(f"<{form}", word - w) for w in widths]


_TABLES = {word: _tables(word) for word in (32, 64)}
_FORMS: dict[int, np.dtype[Any]] = {32: np.dtype("<i4"), 64: np.dtype("<i8")}
_HOP = struct.Struct("<q")
_HOPS = [_HOP.pack(k) for k in range(16)]  # steps over a block header
NARROW = 25  # bits of a number that lies within a word of 32 wherever it begins


@lru_cache(maxsize=256)
def _block(width: int, numbers: int, word: int) -> tuple[bytes, bytes, bytes, int]:
    """One block of at least one number: the steps between its numbers (one less than there are), their shifts left, and
    right; and how many bytes before its end the last number begins."""
    step, left, right = _TABLES[word]
    turns = numbers + 7 >> 3
    lefts = (left[width] * turns)[: numbers * (word >> 3)]
    size = width * numbers + 7 >> 3
    before = size - (width * (numbers - 1) >> 3)
    return (step[width] * turns)[8 : numbers * 8], lefts, right[width] * numbers, before


@lru_cache(maxsize=512)
def _plan(blocks: bytes, channels: int, size: int, word: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Where the numbers of a frame lie: byte offset from the reference sample, shift left to the sign, shift right
    (of all bits where a delta has none: NumPy gives 0).

    `blocks` holds width and count of each block. Streams repeat few block structures, made of fewer blocks: that is
    why both are kept.
    """
    inner, left, right, before = _block(size * 8, channels, word)
    steps, lefts, rights = [_HOPS[0], inner], [left], [right]
    for width, count in zip(blocks[0::2], blocks[1::2], strict=True):
        before += 2
        if count:
            inner, left, right, last = _block(width, count * channels, word)
            steps += (_HOPS[before] if before < 16 else _HOP.pack(before), inner)
            lefts.append(left)
            rights.append(right)
            before = last
    form, join = _FORMS[word], b"".join
    byte = np.add.accumulate(np.frombuffer(join(steps), _FORMS[64]))
    return byte, np.frombuffer(join(lefts), form), np.frombuffer(join(rights), form)


def reference(payload: bytes, channels: int, resolution_bits: int, *, offset: int = 0) -> NDArray[np.int32]:
    """The reference sample at `offset`, shape (channels,), sign extended from `resolution_bits`. Raises DecodeError."""
    size = (resolution_bits + 7) // 8
    if len(payload) - offset < channels * size:
        raise _error(f"reference sample needs {channels * size} bytes, {len(payload) - offset} left", payload, offset)
    if size == 2:
        values = np.frombuffer(payload, "<i2", channels, offset).astype(np.int32)
    elif size == 4:
        values = np.frombuffer(payload, "<i4", channels, offset)
    elif size == 1:
        values = np.frombuffer(payload, np.int8, channels, offset).astype(np.int32)
    else:
        values = np.ndarray((channels,), "<i4", b"\0" + payload[offset : offset + channels * 3], 0, (3,)) >> 8
    spare = 32 - resolution_bits
    return values if resolution_bits % 8 == 0 else (values << spare) >> spare


def decompress(payload: bytes, channels: int, resolution_bits: int, *, offset: int = 0) -> NDArray[np.int32]:
    """All samples from `offset` to the end of `payload`, shape (n, channels), n >= 1.

    `channels` 1 to 25, `resolution_bits` 1 to 32. Raises DecodeError where a block is cut off, wider than 32 bits, or
    adds up beyond 32 bits. Source: Polar SDK, issues 187, 294, 331, 527.
    """
    size = (resolution_bits + 7) >> 3
    at = offset + channels * size
    end = len(payload)
    if at > end or resolution_bits & 7:
        first = reference(payload, channels, resolution_bits, offset=offset)
    blocks = bytearray()
    total, reach, widest = 1, 1 << (resolution_bits - 1), 0
    while at < end:
        if at + 2 > end:
            raise _error("block header needs 2 bytes, 1 left", payload, at)
        width, count = payload[at], payload[at + 1]
        if width > widest:
            widest = width
        if width > 32:
            raise _error(f"deltas of {width} bits; at most 32 are possible", payload, at)
        after = at + 2 + ((width * count * channels + 7) >> 3)
        if after > end:
            raise _error(f"block of {count} samples needs {after - at - 2} bytes, {end - at - 2} left", payload, at + 2)
        blocks += payload[at : at + 2]
        total += count
        reach += count << width >> 1
        at = after
    if total > MAX_SAMPLES or len(blocks) > 2 * MAX_BLOCKS:
        raise _error(f"{total} samples in {len(blocks) // 2} blocks are not one frame", payload, offset)
    narrow = widest <= NARROW and resolution_bits <= 24 and reach <= 1 << 31
    word = 32 if narrow else 64
    byte, left, right = _plan(bytes(blocks), channels, size, word)
    flat = np.ndarray((end - offset + 1,), _FORMS[word], payload + _PADDING, offset, (1,)).take(byte)
    np.left_shift(flat, left, flat)
    np.right_shift(flat, right, flat)
    if resolution_bits & 7:
        flat[:channels] = first
    samples = flat.reshape(total, channels)
    np.add.accumulate(samples, 0, None, samples)
    if narrow:
        return samples
    if reach > 1 << 31 and resolution_bits < 32 and (samples.min() < -(1 << 31) or samples.max() >= 1 << 31):
        raise _error("samples add up beyond 32 bits", payload, offset)
    return samples.astype(np.int32)


def compress(samples: NDArray[np.int32], resolution_bits: int, *, block: int = 40) -> bytes:
    """The inverse of `decompress`: a reference sample and blocks of at most `block` samples, each as narrow as fits.

    `samples` has shape (n, channels), n >= 1. Raises InputError where a sample does not fit into the resolution.
    """
    if samples.ndim != 2 or not 1 <= len(samples) <= MAX_SAMPLES or not 1 <= samples.shape[1] <= MAX_CHANNELS:
        raise InputError(f"samples has shape {samples.shape}; (n, channels) with 1 to 25 channels is needed")
    if not 1 <= block <= 255:
        raise InputError(f"block is {block}; a block holds 1 to 255 samples")
    limit = 1 << (resolution_bits - 1)
    if int(samples[0].min()) < -limit or int(samples[0].max()) >= limit:
        raise InputError(f"the first sample does not fit into {resolution_bits} bits")
    size = (resolution_bits + 7) // 8
    out = [b"".join(int(v).to_bytes(size, "little", signed=True) for v in samples[0])]
    whole = samples.astype(np.int64)
    deltas = whole[1:] - whole[:-1]
    if resolution_bits == 32:
        deltas = deltas.astype(np.int32).astype(np.int64)
    for start in range(0, len(deltas), block):
        part = deltas[start : start + block]
        width = max(int(part.max()).bit_length(), (~int(part.min())).bit_length()) + 1
        if width > 32:
            raise InputError("two samples differ by more than 32 bits; they cannot be sent as a delta")
        bits = (part.reshape(-1, 1) >> np.arange(width, dtype=np.int64)) & 1
        out += [bytes((width, len(part))), np.packbits(bits.astype(np.uint8).ravel(), bitorder="little").tobytes()]
    return b"".join(out)


def _error(message: str, payload: bytes, offset: int) -> DecodeError:
    return DecodeError(message, uuid=PMD_DATA, payload=payload, offset=offset)
