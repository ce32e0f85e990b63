"""Polar frames: foreign vectors, laws of the delta code, clock and adverts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decode.adapters_vendor import ADAPTERS
from vitals.decode import polar as p
from vitals.decode.polar import delta, layouts
from vitals.decode.polar.frame import HEADER
from vitals.errors import DecodeError, InputError

M = p.Measurement
AXES = st.integers(-2000, 2000)


def polar_vectors(shared: Path) -> list[dict[str, Any]]:
    found = json.loads((shared / "frames" / "vectors.json").read_text())["vectors"]
    return [v for v in found if v["protocol"].startswith("polar")]


def decoder_of(vector: dict[str, Any]) -> Callable[[bytes], object]:
    context, protocol = vector.get("context") or {}, vector["protocol"]
    if protocol == "polar-pmd-delta":
        return lambda b: delta.decompress(b, context["channels"], context["resolution_bits"])
    if protocol == "polar-offline-rec":
        return lambda b: p.decode_recording(b, key=bytes.fromhex(vector["key"] or ""))
    simple: dict[str, Callable[[bytes], object]] = {
        "polar-pmd": p.decode_frame,
        "polar-pmd-head": p.decode_frame,
        "polar-pmd-cp-response": p.decode_control_point,
        "polar-pmd-cp-request": p.decode_request,
        "polar-pmd-features": p.decode_control_point,
    }
    return simple[protocol]


def test_every_polar_vector_says_what_its_source_says(shared: Path) -> None:
    counts = [(v["id"], ADAPTERS[v["protocol"]](v, shared)) for v in polar_vectors(shared)]
    assert len(counts) >= 43
    assert sum(n for _, n in counts) >= 300
    # Only the recording whose source compares nothing may compare nothing.
    assert [number for number, n in counts if n == 0] == [78]


def test_an_adapter_notices_a_wrong_value(shared: Path) -> None:
    for vector in polar_vectors(shared):
        if isinstance(vector.get("expect"), list) and vector["expect"] and "sequence" not in vector:
            path, want = vector["expect"][0]
            wrong = (not want) if isinstance(want, bool) else "x" if isinstance(want, str) else want + 1
            with pytest.raises(AssertionError):
                ADAPTERS[vector["protocol"]]({**vector, "expect": [[path, wrong]]}, shared)


def test_every_prefix_decodes_or_names_bytes_and_offset(shared: Path) -> None:
    for vector in polar_vectors(shared):
        if "hex" not in vector or vector["id"] == 88:
            continue
        payload, decode = bytes.fromhex(vector["hex"]), decoder_of(vector)
        for size in range(len(payload)):
            try:
                decode(payload[:size])
            except DecodeError as err:
                assert err.payload.hex() in str(err) or not err.payload
                assert 0 <= err.offset <= len(payload)


def test_prefixes_of_an_encrypted_recording(shared: Path) -> None:
    vector = next(v for v in polar_vectors(shared) if v["id"] == 88)
    payload, decode = bytes.fromhex(vector["hex"]), decoder_of(vector)
    for size in [*range(120), *range(120, len(payload), 257), len(payload) - 1]:
        with pytest.raises(DecodeError):
            decode(payload[:size])


@given(st.binary(max_size=80))
def test_any_bytes_decode_or_are_refused(payload: bytes) -> None:
    for decode in (
        p.decode_frame,
        p.decode_head,
        p.decode_control_point,
        p.decode_features,
        p.decode_request,
        p.decode_settings,
        p.decode_trigger_status,
        p.decode_measurement_status,
        p.decode_sdk_mode,
        p.decode_hr_advert,
        p.find_hr_advert,
        p.decode_recording,
        lambda b: p.decode_recording(b, key=bytes(16)),
    ):
        try:
            decode(payload)
        except DecodeError as err:
            assert err.payload.hex() in str(err) or not err.payload
            assert 0 <= err.offset <= max(len(payload), 1)


@given(st.sampled_from(sorted(layouts.LAYOUTS)), st.binary(max_size=120), st.booleans())
def test_any_content_of_a_known_frame_type_decodes_or_is_refused(
    form: tuple[int, int], content: bytes, offline: bool
) -> None:
    payload = HEADER.pack(form[0] | (0x80 if offline else 0), 1, form[1]) + content
    try:
        frame = p.decode_frame(payload, factor=0.5)
    except DecodeError as err:
        assert err.payload == payload
        return
    assert isinstance(frame, p.PmdFrame)
    assert frame.type.offline is offline
    assert frame.samples.shape[1] == len(frame.channels)
    assert frame.physical().shape == (len(frame.samples), frame.layout.signals)


@given(
    st.sampled_from([8, 14, 16, 24, 32]),
    st.integers(1, 25),
    st.lists(st.integers(-(1 << 31), (1 << 31) - 1), min_size=1, max_size=200),
    st.integers(1, 255),
)
def test_what_is_compressed_comes_back(bits: int, channels: int, numbers: list[int], block: int) -> None:
    rows = -(-len(numbers) // channels)
    flat = np.resize(np.array(numbers, np.int64), rows * channels) >> (32 - bits)
    samples = flat.reshape(rows, channels).astype(np.int32)
    assert np.array_equal(delta.decompress(delta.compress(samples, bits, block=block), channels, bits), samples)


def test_delta_blocks_by_hand() -> None:
    # Reference 1, 2; no bits: three equal samples; 4 bits: -1, 2; an empty block at the end changes nothing.
    payload = bytes([1, 0, 2, 0, 0, 3, 4, 1, 0x2F, 0, 0])
    assert delta.decompress(payload, 2, 16).tolist() == [[1, 2]] * 4 + [[0, 4]]
    assert delta.decompress(bytes([7, 0, 0, 2]), 1, 16).tolist() == [[7]] * 3
    with pytest.raises(DecodeError, match="33 bits"):
        delta.decompress(bytes([1, 0, 33, 0]), 1, 16)
    with pytest.raises(DecodeError, match="not one frame"):
        delta.decompress(bytes(2) + bytes([0, 255]) * 70, 1, 16)
    with pytest.raises(DecodeError, match="beyond 32 bits"):
        delta.decompress(b"\xff\x7f" + b"\x20\x02" + b"\xff\xff\xff\x7f" * 2, 1, 16)


def test_a_plain_unpacker_agrees(shared: Path) -> None:
    """The bit arithmetic against the layout read number by number."""

    def plain(b: bytes, channels: int, bits: int) -> list[list[int]]:
        size = (bits + 7) // 8
        rows = [[int.from_bytes(b[i * size : i * size + size], "little", signed=True) for i in range(channels)]]
        at = channels * size
        while at < len(b):
            width, count = b[at], b[at + 1]
            length = (width * count * channels + 7) // 8
            whole = int.from_bytes(b[at + 2 : at + 2 + length], "little")
            at += 2 + length
            for i in range(count):
                row = []
                for c in range(channels):
                    raw = whole >> (i * channels + c) * width & (1 << width) - 1
                    row.append(rows[-1][c] + raw - (raw >> width - 1 << width))
                rows.append(row)
        return rows

    for vector in polar_vectors(shared):
        if vector["protocol"] == "polar-offline-rec" and not vector["key"]:
            for frame in p.decode_recording(bytes.fromhex(vector["hex"])).frames:
                if isinstance(frame, p.PmdFrame) and frame.type.compressed:
                    raw = delta.compress(frame.samples, frame.layout.bits, block=17)
                    assert plain(raw, len(frame.channels), frame.layout.bits) == frame.samples.tolist()
        if vector["protocol"] == "polar-pmd-delta" and vector["context"]["encoding"] == "SIGNED_INT":
            b, channels = bytes.fromhex(vector["hex"]), vector["context"]["channels"]
            assert delta.decompress(b, channels, 16).tolist() == plain(b, channels, 16)


@given(st.lists(st.tuples(AXES, AXES, AXES), min_size=1, max_size=60), st.booleans(), st.booleans())
def test_frames_come_back_from_the_virtual_band(
    rows: list[tuple[int, int, int]], compressed: bool, offline: bool
) -> None:
    samples = np.array(rows, np.int32)
    payload = p.encode_frame(M.ACC, 1, 123, samples, compressed=compressed, offline=offline)
    frame = p.decode_frame(payload)
    assert isinstance(frame, p.PmdFrame)
    assert np.array_equal(frame.samples, samples)
    assert (frame.timestamp_ns, frame.type.offline, frame.type.compressed) == (123, offline, compressed)
    assert (frame.unit, frame.scale) == ("g", 0.001)


def test_floats_travel_as_bit_patterns() -> None:
    rates = np.array([[1.5, -0.0, 1e-20], [-3.25, float("inf"), 7.0]], np.float32)
    frame = p.decode_frame(p.encode_frame(M.GYRO, 1, 1, rates, compressed=True), factor=2.0)
    assert isinstance(frame, p.PmdFrame)
    assert frame.samples.dtype == np.float32
    assert np.array_equal(frame.samples, rates)
    assert frame.physical()[1, 0] == -6.5


def test_intervals_of_the_band_come_back() -> None:
    beats = np.array([[812, 5, 74, 0, 1, 1], [65535, 65535, 255, 1, 0, 0]], np.int32)
    frame = p.decode_frame(p.encode_frame(M.PPI, 0, 0, beats))
    assert isinstance(frame, p.PmdFrame)
    assert frame.samples.tolist() == beats.tolist()
    assert frame.column("hr").tolist() == [74, 255]
    with pytest.raises(InputError, match="column 'rr'"):
        frame.column("rr")


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("04 0000000000000000 00", "kind 4 is not known"),
        ("00 0000000000000000 80 000000", "compressed frame type 0 of ECG is not known"),
        ("01 0000000000000000 0b 000000", "raw frame type 11 of PPG is not known"),
        ("0a 0000000000000000 83", "GNSS is not known"),
        ("02 0000000000000000 01 0000000000", "5 bytes left over"),
        ("02 0000000000000000 01", "holds no sample"),
        ("09 0000000000000000 00 00", "SDK_MODE is not known"),
    ],
)
def test_frames_that_are_not_public_are_refused(head: str, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        p.decode_frame(bytes.fromhex(head))


def test_times_of_the_device_clock() -> None:
    assert p.to_unix_ns(0) == 946_684_800_000_000_000
    assert p.from_unix_ns(p.to_unix_ns(12345)) == 12345
    assert p.is_unset(599_616_000_000_000_000)
    assert not p.is_unset(820_000_000_000_000_000)
    for n, previous, rate in ((0, 0, 1.0), (2, 0, 0.0), (2, 100, 0.0), (3, 0, 1e7)):
        with pytest.raises(InputError):
            p.sample_times_ns(100, n, previous_ns=previous, rate_hz=rate)


def test_adverts_among_other_data() -> None:
    advert = p.HrAdvert(False, True, 5, True, False, 100, 70, 68)
    raw = p.encode_hr_advert(advert)
    assert p.decode_hr_advert(raw) == advert
    assert p.find_hr_advert(raw) == advert
    assert p.find_hr_advert(bytes((0x7A, 2, 1, 2)) + raw) == advert
    assert p.find_hr_advert(bytes((0x7A, 200, 1, 2))) is None
    with pytest.raises(DecodeError):
        p.find_hr_advert(b"\0\0")
