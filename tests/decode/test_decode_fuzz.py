"""A short, seeded run of the campaign, and proof that the campaign sees what it looks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.campaigns import decode_fuzz
from vitals.decode import DECODERS, REQUESTS, uuids
from vitals.decode.cursor import Cursor
from vitals.decode.registry import Decoder
from vitals.errors import DecodeError


def test_random_payloads_decode_or_say_where() -> None:
    tallies = decode_fuzz.fuzz_all(count=400, seed="tests")
    assert len(tallies) == len(DECODERS) + len(REQUESTS)
    assert [uuid for uuid, tally in tallies.items() if not tally.decoded] == []
    assert sum(tally.refused for tally in tallies.values()) > 10_000


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
