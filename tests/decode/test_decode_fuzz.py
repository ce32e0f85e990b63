"""A short, seeded run of the campaign, and proof that the campaign sees what it looks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.campaigns import decode_fuzz
from vitals.decode import DECODERS, REQUESTS, infinitime, uuids
from vitals.decode.cursor import Cursor
from vitals.decode.registry import Decoder
from vitals.errors import DecodeError
from vitals.intake import FEEDS, Intake
from vitals.values import Frame


def test_random_payloads_decode_or_say_where() -> None:
    tallies = decode_fuzz.fuzz_all(count=400, seed="tests")
    assert len(tallies) == len(DECODERS) + len(REQUESTS)
    assert [uuid for uuid, tally in tallies.items() if not tally.decoded] == []
    assert sum(tally.refused for tally in tallies.values()) > 10_000


def test_random_payloads_through_intake_are_items_or_a_counted_refusal() -> None:
    taken = decode_fuzz.fuzz_feeds(count=600, seed="tests")
    assert set(taken) == set(FEEDS)
    assert sum(one.items > 0 for one in taken.values()) > 25
    assert sum(one.refused for one in taken.values()) > 5000


@given(st.lists(st.tuples(st.sampled_from(sorted(FEEDS)), st.binary(max_size=40)), max_size=8))
def test_any_bytes_of_any_characteristic_never_end_a_recording(frames: list[tuple[str, bytes]]) -> None:
    intake = Intake()
    for at, (uuid, payload) in enumerate(frames):
        intake.take(Frame(at * 1_000_000, uuid, payload))
    intake.end("end of stream")


@pytest.mark.parametrize(
    ("uuid", "payload"),
    [
        (infinitime.STEP_COUNT, "00000080"),
        (infinitime.STEP_COUNT, "ffffffff"),
        (uuids.RSC_MEASUREMENT, "020001b4ffffffff"),
    ],
)
def test_a_number_beyond_those_of_a_stream_is_refused_and_counted(uuid: str, payload: str) -> None:
    intake = Intake()
    assert intake.take(Frame(0, uuid, bytes.fromhex(payload))) == []
    assert intake.refused == {uuid: 1}


def wrong_exception(payload: bytes) -> object:
    return payload[0]


def wrong_offset(payload: bytes) -> object:
    raise DecodeError("no", uuid=uuids.BATTERY_LEVEL, payload=payload, offset=99)


def wrong_uuid(payload: bytes) -> object:
    Cursor(uuids.WEIGHT, payload).uint(50, "too much")
    return None


@pytest.mark.parametrize("decode", [wrong_exception, wrong_offset, wrong_uuid])
def test_the_campaign_sees_a_decoder_that_breaks_the_law(decode: Decoder) -> None:
    with pytest.raises(AssertionError, match=uuids.BATTERY_LEVEL):
        decode_fuzz.fuzz(uuids.BATTERY_LEVEL, decode, [], count=200, seed="tests")


@given(st.sampled_from(sorted(DECODERS)), st.binary(max_size=60))
def test_any_bytes_decode_or_say_why(uuid: str, payload: bytes) -> None:
    try:
        decode_fuzz.probe(DECODERS[uuid](payload))
    except DecodeError as err:
        assert (err.uuid, err.payload) == (uuid, payload)
        assert 0 <= err.offset <= len(payload)
