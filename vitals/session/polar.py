"""Polar's measurement streams (PMD): ECG, acceleration, PPG and more of H10, H9, OH1, Verity Sense and 360.

Facts: Polar's public SDK documentation and issues; no code of it is used. What intake needs to know of a stream, the
start request and its answer (the factor of compressed frames), goes to listeners as frames of the control point before
the data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType

from vitals.decode.polar import (
    PMD_CONTROL_POINT,
    PMD_DATA,
    ControlRequest,
    Measurement,
    Operation,
    Settings,
    Status,
    decode_features,
    decode_settings,
    encode_request,
)
from vitals.decode.polar.gatt import KIND_MASK
from vitals.errors import DecodeError, LinkError
from vitals.link import Link
from vitals.session.control_point import ControlPoint
from vitals.session.driver import Ear, Source
from vitals.values import Frame

KINDS: Mapping[Measurement, tuple[str, ...]] = MappingProxyType(
    {
        Measurement.ECG: ("ecg",),
        Measurement.PPG: ("ppg",),
        Measurement.ACC: ("acc",),
        Measurement.PPI: ("ppi",),
        Measurement.GYRO: ("gyro",),
        Measurement.MAGNETOMETER: ("magnetometer",),
        Measurement.SKIN_TEMPERATURE: ("skin_temperature",),
        Measurement.PRESSURE: ("pressure",),
        Measurement.TEMPERATURE: ("device_temperature",),
    }
)
# Pulse intervals come in bursts, and none without a clean pulse; warmth and air pressure may be told rarely.
UNSTEADY = {Measurement.PPI, Measurement.SKIN_TEMPERATURE, Measurement.PRESSURE, Measurement.TEMPERATURE}
LEAST_MTU = 232  # or frames arrive cut off
UNKNOWN_MTU = 23  # what stacks say that do not know
RATES_HZ: Mapping[str, int] = MappingProxyType({"acc": 50, "gyro": 52, "magnetometer": 20, "ppg": 55, "ecg": 130})
_REMEDIES: dict[int, str] = {
    Status.INVALID_MTU: "update the Bluetooth stack of this computer, or use another adapter",
    Status.IN_CHARGER: "take it out of its charger",
    Status.DISK_FULL: "fetch and delete its recordings",
}
FULL_SCALE = {Measurement.ACC: 8, Measurement.GYRO: 2000, Measurement.MAGNETOMETER: 50}  # g, degrees/s, gauss


class PolarDriver:
    """See the head of this file. `rates` in Hz by kind of stream: the next one that the device offers is taken."""

    def __init__(self, link: Link, ear: Ear, rates: Mapping[str, int]) -> None:
        self._link = link
        self._ear = ear
        self._rates = {**RATES_HZ, **rates}
        self._control = ControlPoint(link, self._on_stopped)
        self._has_data = False
        self.sources: tuple[Source, ...] = ()

    @classmethod
    def matches(cls, characteristics: frozenset[str]) -> bool:
        return {PMD_CONTROL_POINT, PMD_DATA} <= characteristics

    async def prepare(self) -> None:
        try:
            offered = decode_features(await self._link.read(PMD_CONTROL_POINT))
        except DecodeError as error:
            raise LinkError(f"{self._link.name} does not say what it streams: {error}") from error
        self.sources = tuple(
            Source(kind.name, kinds, kind not in UNSTEADY) for kind, kinds in KINDS.items() if kind in offered
        )

    async def start(self, source: str) -> None:
        kind = Measurement[source]
        if UNKNOWN_MTU < self._link.mtu < LEAST_MTU:
            raise LinkError(
                f"{self._link.name} streams {source} only at an MTU of {LEAST_MTU} bytes or more; this link has "
                f"{self._link.mtu}: update the Bluetooth stack of this computer, or use another adapter"
            )
        await self._control.open()
        if not self._has_data:
            await self._link.subscribe(PMD_DATA, self._on_data)
            self._has_data = True
        request = ControlRequest(Operation.START, kind, settings=await self._settings(kind))
        clock = asyncio.get_running_loop().time
        asked = Frame(round(clock() * 1e6), PMD_CONTROL_POINT, encode_request(request))
        try:
            answered, answer = await self._control.exchange(request)
            if answer.status == Status.ALREADY_IN_STATE:  # since before the link was lost, or for another program
                await self.stop(source)
                answered, answer = await self._control.exchange(request)
        except LinkError:
            with suppress(LinkError):
                await self.stop(source)  # it may have started all the same
            raise
        if answer.status != Status.SUCCESS:
            raise self._refusal("start", kind, answer.status)
        self._ear.noted(source, asked)
        self._ear.noted(source, answered)

    async def stop(self, source: str) -> None:
        kind = Measurement[source]
        await self._control.open()
        _, answer = await self._control.exchange(ControlRequest(Operation.STOP, kind))
        if answer.status not in (Status.SUCCESS, Status.ALREADY_IN_STATE):
            raise self._refusal("stop", kind, answer.status)

    async def _settings(self, kind: Measurement) -> Settings:
        if kind is Measurement.PPI:  # there is nothing to choose
            return Settings()
        _, answer = await self._control.exchange(ControlRequest(Operation.GET_SETTINGS, kind))
        if answer.status != Status.SUCCESS:
            raise self._refusal("tell the settings of", kind, answer.status)
        try:
            offered = decode_settings(answer.parameters)
        except DecodeError as error:
            raise LinkError(f"{self._link.name} offers settings that cannot be read: {error}") from error
        rate = self._rates.get(KINDS[kind][0], 0)
        return replace(
            offered,
            sample_rate_hz=_next_above(offered.sample_rate_hz, rate),
            resolution_bits=_next_above(offered.resolution_bits, 1 << 16),
            full_scale=_next_above(offered.full_scale, FULL_SCALE.get(kind, 0)),
            full_scale_milli=_next_above(offered.full_scale_milli, 0),
            channels=_next_above(offered.channels, 255),
            factor=(),
            security=(),
        )

    def _refusal(self, doing: str, kind: Measurement, status: Status | int) -> LinkError:
        what = status.name.lower().replace("_", " ") if isinstance(status, Status) else "not a known one"
        return LinkError(
            f"{self._link.name} ({self._link.address}) refused to {doing} {kind.name}: status {int(status)}, {what}; "
            + _REMEDIES.get(int(status), "switch it off and on, and see that no other program uses it")
        )

    def _on_data(self, frame: Frame) -> None:
        number = frame.payload[0] & KIND_MASK if frame.payload else -1
        for kind in KINDS:
            if kind == number:
                self._ear.heard(kind.name, frame)

    def _on_stopped(self, number: int) -> None:
        for kind in KINDS:
            if kind == number:
                self._ear.stopped(kind.name)


def _next_above(offered: tuple[int, ...], wanted: int) -> tuple[int, ...]:
    """The smallest offered value that is not below `wanted`, else the largest; nothing where nothing is offered."""
    return (min((one for one in offered if one >= wanted), default=max(offered)),) if offered else ()
