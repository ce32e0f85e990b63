"""Polar offline recordings under every encryption, written here without vitals."""

from __future__ import annotations

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from vitals.decode import polar as p
from vitals.decode.polar.frame import HEADER
from vitals.decode.polar.gatt import FILE_TRANSFER
from vitals.errors import DecodeError

M = p.Measurement


def encrypted(head: bytes, frames: bytes, strategy: p.Strategy, key: bytes, inner: p.Strategy) -> bytes:
    """A recording as a device writes it; nothing of `vitals` is used to encrypt it."""

    def cipher(kind: p.Strategy, k: bytes, data: bytes) -> bytes:
        if kind is p.Strategy.NONE:
            return data
        if kind is p.Strategy.XOR:
            return bytes(b ^ k[0] for b in data)
        e = Cipher(algorithms.AES(k), modes.ECB()).encryptor()
        return e.update(data) + e.finalize()

    pad = strategy in (p.Strategy.AES128, p.Strategy.AES256)
    info = {p.Strategy.XOR: bytes((2, 1, 5))}.get(inner, bytes((1, inner)))
    meta = head + info
    meta += bytes(16 - len(meta) % 16) if pad else b""
    meta += len(frames).to_bytes(2, "little")
    meta += bytes(16 - len(meta) % 16) if pad else b""
    inner_key = key[5:6] if inner is p.Strategy.XOR else key
    return bytes((strategy,)) + cipher(strategy, key, meta) + cipher(inner, inner_key, frames)


HEAD = bytes.fromhex("2b4c7c3d 01000000 00000000 11223344") + b"2024-02-29 23:59:58\0" + b"\x04\x00\x01\x34\x00"


@pytest.mark.parametrize(
    ("strategy", "inner", "size"),
    [
        (p.Strategy.NONE, p.Strategy.NONE, 0),
        (p.Strategy.XOR, p.Strategy.XOR, 16),
        (p.Strategy.AES128, p.Strategy.XOR, 16),
        (p.Strategy.AES128, p.Strategy.AES128, 16),
        (p.Strategy.AES256, p.Strategy.AES256, 32),
    ],
)
def test_recordings_of_every_strategy(strategy: p.Strategy, inner: p.Strategy, size: int) -> None:
    key = bytes(range(40, 40 + size))
    samples = np.arange(66, dtype=np.int32).reshape(22, 3)
    frame = p.encode_frame(M.ACC, 1, 9_000_000_000, samples[:9], offline=True)
    assert len(frame) % 16 == 0
    data = encrypted(HEAD, frame, strategy, key, inner)
    recording = p.decode_recording(data, key=key)
    assert (recording.strategy, recording.firmware_hash, recording.start.second) == (strategy, 0x44332211, 58)
    assert recording.kind is M.ACC
    assert recording.settings.sample_rate_hz == (52,)
    (only,) = recording.frames
    assert isinstance(only, p.PmdFrame)
    assert np.array_equal(only.samples, samples[:9])
    (times,) = recording.times_ns()
    assert times[-1] == 9_000_000_000
    assert times[0] == 9_000_000_000 - round(8e9 / 52)
    if strategy is not p.Strategy.NONE:
        for wrong in (b"", bytes(5), bytes(size)):
            with pytest.raises(DecodeError) as caught:
                p.decode_recording(data, key=wrong)
            assert key.hex() not in str(caught.value)
            assert caught.value.uuid in (FILE_TRANSFER, p.PMD_DATA)


def test_a_malformed_frame_of_an_encrypted_recording_stays_encrypted() -> None:
    key, frame = bytes(range(16)), HEADER.pack(0x82, 1, 0x55) + bytes(6)
    data = encrypted(HEAD, frame, p.Strategy.AES128, key, p.Strategy.AES128)
    with pytest.raises(DecodeError, match="decrypted frame is malformed") as caught:
        p.decode_recording(data, key=key)
    assert frame.hex() not in str(caught.value)
    assert caught.value.payload == data[-16:]


def test_a_head_of_whole_blocks_is_followed_by_a_whole_block_of_padding() -> None:
    key, frame = bytes(range(16)), p.encode_frame(M.ACC, 1, 9, np.ones((9, 3), np.int32))
    head = HEAD[:36] + b"\x08\x00\x01\x34\x00\x01\x01\x10\x00"
    assert (len(head) + 3) % 16 == 0
    data = encrypted(head, frame, p.Strategy.AES128, key, p.Strategy.XOR)
    assert len(p.decode_recording(data, key=key).frames) == 1
