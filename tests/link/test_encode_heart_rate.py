"""The encoder of virtual straps against bytes that others captured or wrote down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vitals.errors import InputError
from vitals.virtual.encode import heart_rate_measurement, rr_per_notification

HEART_RATE = (
    "hrs-2a37",
    "sig/heart-rate-measurement",
    "sig/hr/HeartRateMeasurement",
)

# Payloads by id in frames/vectors.json, and what their sources say they mean.
FOREIGN: dict[int, dict[str, Any]] = {
    558: {"heart_rate": 60, "rr_ticks": [1041], "contact": True},  # captured from a Polar H7
    560: {"heart_rate": 77, "rr_ticks": [790], "contact": True},  # captured from a Polar H7
    496: {"heart_rate": 81},
    498: {"heart_rate": 67, "rr_ticks": [882]},
    500: {"heart_rate": 103, "rr_ticks": [882, 906, 1173]},
    502: {"heart_rate": 67, "energy_kj": 2000},
    504: {"heart_rate": 67, "contact": False},
    50: {"heart_rate": 0x7F7F},
    390: {"heart_rate": 85, "rr_ticks": [33], "contact": True, "energy_kj": 50},
}


@pytest.mark.parametrize("number", FOREIGN)
def test_encodes_what_others_wrote_down(shared: Path, number: int) -> None:
    frames = json.loads((shared / "frames" / "vectors.json").read_text())["vectors"]
    vectors = {entry["id"]: entry for entry in frames if entry["protocol"] in HEART_RATE}
    assert heart_rate_measurement(**FOREIGN[number]).hex() == vectors[number]["hex"]


def test_all_fields_lie_in_the_order_of_the_specification() -> None:
    payload = heart_rate_measurement(0x0155, [0x0032, 0xFFFF], contact=True, energy_kj=0x0304)
    assert payload.hex() == "1f5501" + "0403" + "3200" + "ffff"
    assert heart_rate_measurement(0x55, contact=False, wide=True).hex() == "055500"


@pytest.mark.parametrize(
    ("mtu", "rate", "energy", "wide", "room"),
    [(23, 60, False, False, 9), (23, 60, True, False, 8), (23, 256, False, False, 8), (23, 60, True, True, 7)],
)
def test_room_for_intervals_is_what_the_bytes_say(mtu: int, rate: int, energy: bool, wide: bool, room: int) -> None:
    assert rr_per_notification(mtu, heart_rate=rate, energy=energy, wide=wide) == room
    kwargs: dict[str, Any] = {"energy_kj": 1 if energy else None, "wide": wide}
    assert len(heart_rate_measurement(rate, [1] * room, **kwargs)) <= mtu - 3
    assert len(heart_rate_measurement(rate, [1] * (room + 1), **kwargs)) > mtu - 3


@pytest.mark.parametrize(
    ("field", "values"),
    [("heart_rate", {"heart_rate": 70000}), ("rr_ticks", {"heart_rate": 60, "rr_ticks": [65536]})],
)
def test_what_does_not_fit_is_refused_by_name(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=field):
        heart_rate_measurement(**values)
