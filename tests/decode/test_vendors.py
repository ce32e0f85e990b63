"""Movesense, InfiniTime, Bangle.js, Colmi, Viatom, Huami: foreign vectors, hand-made frames, assemblers, damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decode.adapters_vendor import ADAPTERS
from vitals.decode import bangle, colmi, huami, infinitime, movesense, viatom
from vitals.errors import DecodeError, InputError

BYTES = st.binary(max_size=64)


def test_every_colmi_vector_says_what_its_source_says(shared: Path) -> None:
    found = json.loads((shared / "frames" / "vectors.json").read_text())["vectors"]
    counts = [ADAPTERS["colmi-r02"](v, shared) for v in found if v["protocol"] == "colmi-r02"]
    assert len(counts) >= 9
    assert all(counts)
    assert sum(counts) >= 325


def test_every_prefix_of_a_colmi_vector_is_refused(shared: Path) -> None:
    found = json.loads((shared / "frames" / "vectors.json").read_text())["vectors"]
    for vector in found:
        if vector["protocol"] == "colmi-r02":
            raws = vector["hex"] if isinstance(vector["hex"], list) else [vector["hex"]]
            for raw in raws:
                for size in range(16):
                    with pytest.raises(DecodeError):
                        colmi.decode_packet(bytes.fromhex(raw)[:size])


DECODERS: list[Callable[[bytes], object]] = [
    colmi.decode_packet,
    colmi.decode_big_data,
    infinitime.decode_step_count,
    infinitime.decode_motion,
    bangle.decode_line,
    viatom.decode_reading,
    huami.decode_request,
    huami.decode_reply,
    movesense.decode_message,
    movesense.decode_command,
]


@given(st.sampled_from(DECODERS), BYTES)
def test_any_bytes_decode_or_are_refused(decode: Callable[[bytes], object], payload: bytes) -> None:
    try:
        decode(payload)
    except DecodeError as err:
        assert err.payload == payload
        assert 0 <= err.offset <= len(payload)


@given(st.binary(min_size=15, max_size=15))
def test_any_colmi_packet_with_a_right_checksum_decodes_or_is_refused(body: bytes) -> None:
    for command in colmi.Command:
        packet = bytes((command,)) + body[1:]
        packet += bytes((sum(packet) & 0xFF,))
        try:
            colmi.decode_packet(packet)
        except DecodeError as err:
            assert err.payload == packet


@given(st.sampled_from(colmi.BigKind), BYTES)
def test_any_big_data_decodes_or_is_refused(kind: colmi.BigKind, content: bytes) -> None:
    message = bytes((0xBC, kind)) + len(content).to_bytes(2, "little") + b"\0\0" + content
    assembler = colmi.BigDataAssembler()
    pieces = [message[i : i + 7] for i in range(0, len(message), 7)]
    assert [assembler.feed(piece) for piece in pieces][-1] == message
    try:
        colmi.decode_big_data(message)
    except DecodeError as err:
        assert err.payload == message


def test_colmi_sleep_and_spo2_by_hand() -> None:
    content = bytes((2, 0, 8, 0x6E, 0x05, 0x2C, 0x01, 2, 30, 9, 12)) + bytes((1, 4, 0, 0, 10, 0))
    message = bytes((0xBC, 0x27)) + len(content).to_bytes(2, "little") + b"\0\0" + content
    assert colmi.decode_big_data(message) == (
        colmi.SleepNight(0, 1390, 300, ((colmi.SleepStage.LIGHT, 30), (9, 12))),
        colmi.SleepNight(1, 0, 10, ()),
    )
    hours = bytes(range(90, 98)) + bytes(40)
    message = bytes((0xBC, 0x2A, 49, 0, 0, 0, 3)) + hours
    (day,) = colmi.decode_big_data(message)
    assert isinstance(day, colmi.SpO2Day)
    assert (day.days_ago, day.low[:5], day.high[:5]) == (3, (90, 92, 94, 96, 0), (91, 93, 95, 97, 0))
    assert colmi.decode_big_data(bytes((0xBC, 0x27, 0, 0, 0xFF, 0xFF))) == ()
    assert colmi.BigDataAssembler().feed(b"\x01\x02") is None


def test_colmi_logs_with_lost_packets_and_without_data() -> None:
    readings = [50 + i % 100 for i in range(288)]
    packets = colmi.encode_heart_rate_log(1_700_000_000, readings)
    assert len(packets) == 24
    log = colmi.LogAssembler()
    kept = [p for i, p in enumerate(packets) if i != 5]
    whole = [log.feed(colmi.decode_packet(p)) for p in kept][-1]
    assert isinstance(whole, colmi.DayLog)
    lost = range(9 + 3 * 13, 9 + 4 * 13)
    assert whole.readings.tolist() == [-1 if i in lost else value for i, value in enumerate(readings)]
    assert log.feed(colmi.decode_packet(packets[3])) is None
    assert isinstance(log.feed(colmi.decode_packet(colmi.encode_packet(0x37, b"\xff"))), colmi.NoData)


def test_colmi_stress_history_has_half_hours() -> None:
    log = colmi.LogAssembler()
    values = list(range(1, 49))
    parts = [bytes((0, 5, 30)), bytes((1, 0, *values[:12])), bytes((2, *values[12:25])), bytes((3, *values[25:38]))]
    parts.append(bytes((4, *values[38:])))
    results = [log.feed(colmi.decode_packet(colmi.encode_packet(0x37, part))) for part in parts]
    whole = results[-1]
    assert isinstance(whole, colmi.DayLog)
    assert (whole.interval_min, whole.day, whole.command) == (30, 0, colmi.Command.STRESS_LOG)
    assert whole.readings.tolist() == values
    assert results[:-1] == [None] * 4


def test_colmi_packets_of_the_virtual_ring_come_back() -> None:
    for battery in (colmi.RingBattery(0, True), colmi.RingBattery(100, False)):
        assert colmi.decode_packet(colmi.encode_battery(battery)) == battery
    reading = colmi.RealTimeReading(colmi.RealTimeKind.SPO2, 0, 97)
    assert colmi.decode_packet(colmi.encode_real_time(reading)) == reading
    parts = tuple(colmi.StepsPart(date(2024, 12, 31), q, i, 2, 40, 500, 300) for i, q in enumerate((3, 95)))
    steps = colmi.StepsAssembler()
    assert [steps.feed(colmi.decode_packet(p)) for p in colmi.encode_steps(parts)][-1] == parts
    assert colmi.decode_packet(colmi.encode_packet(0x83)) == colmi.NoData(colmi.Command.BATTERY)
    # Requests as the reference client (tahnok/colmi_r02_client) writes them.
    assert colmi.encode_battery_request().hex() == "03" + "00" * 14 + "03"
    assert (
        colmi.encode_real_time_request(colmi.RealTimeKind.HEART_RATE, start=True).hex() == "690101" + "00" * 12 + "6b"
    )
    assert colmi.encode_steps_request().hex() == "43000f005f01" + "00" * 9 + "b2"
    assert colmi.encode_heart_rate_settings().hex() == "1601" + "00" * 13 + "17"


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (colmi.encode_packet(0x03, b"\x65"), "above 100"),
        (colmi.encode_packet(0x43, b"\x2a\x08\x13"), "binary coded decimal"),
        (colmi.encode_packet(0x43, b"\x23\x02\x30"), "calendar"),
        (colmi.encode_packet(0x43, b"\x23\x08\x13\x60"), "quarter 96"),
        (colmi.encode_packet(0x03)[:-1] + b"\x04", "checksum"),
        (colmi.encode_packet(0x03) + b"\x00", "16 bytes"),
    ],
)
def test_colmi_packets_that_lie_are_refused(packet: bytes, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        colmi.decode_packet(packet)


def test_infinitime() -> None:
    assert infinitime.decode_step_count(bytes.fromhex("39300000")).steps == 12345
    motion = infinitime.decode_motion(bytes.fromhex("00fc 0004 0180"))
    assert motion == infinitime.Motion(-1024, 1024, -32767)
    assert motion.y / infinitime.STEPS_PER_G == 1.0
    assert infinitime.encode_motion(motion) == bytes.fromhex("00fc00040180")
    assert infinitime.encode_step_count(infinitime.StepCount(12345)) == bytes.fromhex("39300000")
    for wrong in ("3930", "3930000000"):
        with pytest.raises(DecodeError):
            infinitime.decode_step_count(bytes.fromhex(wrong))
    with pytest.raises(InputError):
        infinitime.encode_motion(infinitime.Motion(40000, 0, 0))


def test_bangle_lines_arrive_in_pieces() -> None:
    stream = (
        b'> \r\n{"t":"act","hrm":61,"stp":12,"mov":300,"rt":1}\r\n{"t":"status","bat":87,"volt":3.9,"chg":0}\n{"t":"x'
    )
    lines = bangle.LineAssembler()
    got = [line for i in range(0, len(stream), 20) for line in lines.feed(stream[i : i + 20])]
    assert [bangle.decode_line(line) for line in got] == [
        None,
        bangle.BangleActivity(61, 12, 300, True, None),
        bangle.BangleStatus(87, 3.9, False),
    ]
    assert lines.feed(b'"}\n') == [b'{"t":"x"}']
    assert bangle.decode_line(b'{"t":"info","msg":"hi"}') == bangle.BangleMessage("info", '{"t":"info","msg":"hi"}')


def test_bangle_buffer_is_bounded_and_recovers() -> None:
    lines = bangle.LineAssembler(max_line=10)
    for _ in range(1000):
        assert lines.feed(b"x" * 20) == []
    assert lines.dropped == 20000
    assert lines.feed(b"tail\nok\n") == [b"ok"]
    assert lines.dropped == 20004


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_bangle_lines_do_not_depend_on_the_pieces(pieces: list[bytes]) -> None:
    whole, cut = bangle.LineAssembler(), bangle.LineAssembler()
    assert whole.feed(b"".join(pieces)) == [line for piece in pieces for line in cut.feed(piece)]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b'{"t":1}',
        b'{"t":"act","hrm":"61"}',
        b'{"t":"act","hrm":61.5}',
        b'{"t":"act","hrm":NaN}',
        b'{"t":"status","volt":1e999}',
        b'{"t":"status","volt":true}',
        b'{"a":' * 4000,
        b'{"t":"act","hrm":' + b"9" * 5000 + b"}",
        b'{"t":"\xff"}',
    ],
)
def test_bangle_objects_that_are_none_are_refused(line: bytes) -> None:
    with pytest.raises(DecodeError):
        bangle.decode_line(line)


def test_bangle_lines_of_the_virtual_watch_come_back() -> None:
    activity = bangle.BangleActivity(72, 5, 9, True, 1_700_000_000_000)
    status = bangle.BangleStatus(50, 3.7, True)
    lines = bangle.LineAssembler().feed(bangle.encode_activity(activity) + bangle.encode_status(status))
    assert [bangle.decode_line(line) for line in lines] == [activity, status]
    assert bangle.encode_call({"t": "find", "n": True}) == b'\x10GB({"t":"find","n":true})\n'


def test_viatom_request_is_the_one_that_rings_answer() -> None:
    # The bytes that ecostech/viatom-ble writes: a foreign witness of the checksum.
    assert viatom.encode_request() == bytes.fromhex("aa17e8000000001b")


def test_viatom_readings_over_two_notifications() -> None:
    reading = viatom.OximeterReading(97, 61, 88, False, 3, 45, True)
    frame = viatom.encode_reading(reading)
    assert (len(frame), frame[7], frame[8], frame[14], frame[16], frame[17], frame[18]) == (21, 97, 61, 88, 3, 45, 1)
    frames = viatom.FrameAssembler()
    assert frames.feed(b"\x00\x55\x01" + frame[:17]) == []
    assert frames.feed(frame[17:]) == [frame]
    assert frames.dropped == 3
    assert viatom.decode_reading(frame) == reading
    for size in range(len(frame)):
        with pytest.raises(DecodeError):
            viatom.decode_reading(frame[:size])
    for i in range(len(frame)):
        damaged = bytearray(frame)
        damaged[i] ^= 0x10
        with pytest.raises(DecodeError):
            viatom.decode_reading(bytes(damaged))


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_viatom_assembler_takes_anything(pieces: list[bytes]) -> None:
    frames = viatom.FrameAssembler()
    out = [frame for piece in pieces for frame in frames.feed(piece)]
    assert sum(map(len, out)) + frames.dropped <= sum(map(len, pieces))


def test_huami_requests_and_replies() -> None:
    cases: list[tuple[huami.Request, str]] = [
        (huami.Switch(huami.Mode.CONTINUOUS, True), "150101"),
        (huami.Switch(huami.Mode.MANUAL, False), "150200"),
        (huami.Switch(huami.Mode.SLEEP, True), "150001"),
        (huami.Interval(10), "140a"),
        (huami.KeepAlive(), "16"),
    ]
    for request, raw in cases:
        assert huami.encode_request(request).hex() == raw
        assert huami.decode_request(bytes.fromhex(raw)) == request
    for wrong in ("", "15", "1503", "150301", "150102", "17", "1600", "1401ff"):
        with pytest.raises(DecodeError):
            huami.decode_request(bytes.fromhex(wrong))
    assert huami.decode_reply(huami.encode_reply(0x15, ok=True)) == huami.Reply(0x15, 1, True)
    assert not huami.decode_reply(huami.encode_reply(0x15, ok=False)).ok


def test_movesense_subscription() -> None:
    command = movesense.encode_command(movesense.Command.SUBSCRIBE, 99, b"/Meas/ECG/200/mV")
    assert command[:2] == bytes((1, 99))
    assert movesense.decode_command(command).parameters == b"/Meas/ECG/200/mV"
    answer = movesense.decode_message(movesense.encode_response(99, 200))
    assert (answer.status, answer.reference) == (movesense.OK, 99)
    ecg = movesense.decode_message(movesense.encode_data(99, 1234, np.array([[-18], [900]], np.int16)))
    samples = movesense.decode_samples(ecg, "/Meas/ECG/200/mV")
    assert (samples.timestamp_ms, samples.units, samples.scale) == (1234, ("mV",), 0.001)
    assert samples.samples.tolist() == [[-18], [900]]
    raw = movesense.decode_message(movesense.encode_data(99, 1, np.array([[70000]], np.int32)))
    assert movesense.decode_samples(raw, "/Meas/ECG/200").samples.tolist() == [[70000]]


def test_movesense_motion_over_two_messages() -> None:
    acc = np.arange(6, dtype=np.float32).reshape(2, 3)
    content = (7).to_bytes(4, "little") + acc.tobytes() + (acc + 10).tobytes()
    first = movesense.decode_message(bytes((2, 5)) + content[:20])
    second = movesense.decode_message(bytes((3, 5)) + content[20:])
    samples = movesense.decode_samples(movesense.join_parts(first, second), "/Meas/IMU6/104")
    assert samples.samples.tolist() == [[0, 1, 2, 10, 11, 12], [3, 4, 5, 13, 14, 15]]
    assert samples.channels[3] == "gyro_x"
    assert samples.units == ("m/s2",) * 3 + ("deg/s",) * 3
    with pytest.raises(InputError, match="do not belong"):
        movesense.join_parts(second, first)
    with pytest.raises(DecodeError, match="do not fill"):
        movesense.decode_samples(first, "/Meas/IMU6/104")
    with pytest.raises(InputError, match="not known"):
        movesense.decode_samples(first, "/Meas/Sound")


def test_movesense_heart_rate_temperature_and_hello() -> None:
    rate = np.float32(61.5).tobytes() + (812).to_bytes(2, "little") + (65535).to_bytes(2, "little")
    beat = movesense.decode_samples(movesense.decode_message(bytes((2, 1)) + rate), "Meas/HR")
    assert (beat.samples[0, 0], beat.rr_ms, beat.timestamp_ms) == (61.5, (812, 65535), None)
    kelvin = np.float32(309.5).tobytes()
    for content, time in ((kelvin, None), (bytes((1, 0, 0, 0)) + kelvin, 1)):
        warm = movesense.decode_samples(movesense.decode_message(bytes((2, 1)) + content), "/Meas/Temp")
        assert (warm.samples[0, 0], warm.timestamp_ms, warm.units) == (309.5, time, ("K",))
    texts = b"\x01204730000081\0Movesense\0aa:bb\0app\0001.2.3\0"
    hello = movesense.decode_hello(movesense.decode_message(bytes((1, 100)) + texts))
    assert (hello.protocol, hello.serial, hello.app_version) == (1, "204730000081", "1.2.3")
    with pytest.raises(DecodeError, match="five texts"):
        movesense.decode_hello(movesense.decode_message(bytes((1, 100)) + texts[:20]))


@given(st.sampled_from(["ECG/200", "ecg/200/mv", "Acc/52", "IMU9/13", "HR", "Temp"]), BYTES)
def test_any_movesense_data_decodes_or_is_refused(path: str, content: bytes) -> None:
    message = movesense.GspMessage(movesense.MessageCode.DATA, 1, content)
    for decode in (lambda m: movesense.decode_samples(m, f"/Meas/{path}"), movesense.decode_hello):
        try:
            decode(message)
        except DecodeError as err:
            assert err.payload == content
