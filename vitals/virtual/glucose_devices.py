"""A blood glucose meter, whose records are fetched, and a continuous monitor, which tells and keeps them."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterable, Sequence
from typing import Any

from vitals.decode import uuids
from vitals.decode.cgm_control import (
    CgmInterval,
    CgmOperation,
    CgmResponse,
    CgmResult,
    decode_cgm_control_request,
    encode_cgm_control_response,
)
from vitals.decode.uuids import sig
from vitals.errors import DecodeError
from vitals.virtual import health_payloads as payloads
from vitals.virtual.battery import Battery
from vitals.virtual.gatt_device import GattDevice, Profile
from vitals.virtual.gatt_table import Characteristic, Connection, Service, refuse
from vitals.virtual.spot_devices import info_of
from vitals.virtual.stored_records import CCCD_IMPROPERLY_CONFIGURED, StoredRecords

GLUCOSE, CGM = sig(0x1808), sig(0x181F)
INVALID_CRC = 0x81  # CGMS 1.0.2, 1.6: missing CRC is 0x80, invalid CRC 0x81
_CRC_SUPPORTED, _TREND = 1 << 12, 1 << 15
_INTERSTITIAL_FLUID_UNDER_THE_SKIN = 0x59


class _Meter(Profile):
    """Records that are notified only when they are asked for."""

    def __init__(self, records: StoredRecords) -> None:
        self._records = records

    def services(self) -> Sequence[Service]:
        self._records.device = self.device
        feature = Characteristic(uuids.GLUCOSE_FEATURE, struct.pack("<H", 0))
        return [Service(GLUCOSE, (Characteristic(uuids.GLUCOSE_MEASUREMENT, notify=True), feature, self._records.row))]


class GlucoseMeter(GattDevice):
    """A meter that has stored `readings`: (local time, mg/dL), numbered from 1."""

    def __init__(
        self, readings: Iterable[tuple[dt.datetime, float]], *, name: str = "Virtual glucose meter", **options: Any
    ) -> None:
        stored = [(n, payloads.glucose(n, value, when)) for n, (when, value) in enumerate(readings, 1)]
        self.stored = StoredRecords(uuids.GLUCOSE_MEASUREMENT, stored)
        profiles = [_Meter(self.stored), Battery(100)]
        super().__init__(profiles, info=info_of(name, "Virtual glucose meter"), advertised=[GLUCOSE], **options)


class _Monitor(Profile):
    def __init__(self, mg_dl: Sequence[float], started: dt.datetime, interval_min: int, crc: bool) -> None:
        self.stored = StoredRecords(uuids.CGM_MEASUREMENT, [])
        self.interval_min = interval_min
        self._mg_dl = mg_dl
        self._started = started
        self._crc = crc
        self._taken = 0

    def services(self) -> Sequence[Service]:
        self.stored.device = self.device
        features = _TREND | (_CRC_SUPPORTED if self._crc else 0)
        told = features.to_bytes(3, "little") + bytes([_INTERSTITIAL_FLUID_UNDER_THE_SKIN])
        feature = payloads.closed(told, crc=True) if self._crc else told + b"\xff\xff"
        start = payloads.date_time(self._started) + bytes([0x80, 0xFF])  # zone and daylight saving unknown
        rows = (
            Characteristic(uuids.CGM_MEASUREMENT, notify=True),
            Characteristic(uuids.CGM_FEATURE, feature),
            Characteristic(uuids.CGM_STATUS, self._status),
            Characteristic(uuids.CGM_SESSION_START_TIME, payloads.closed(start, crc=self._crc)),
            Characteristic(uuids.CGM_SESSION_RUN_TIME, payloads.closed(struct.pack("<H", 14 * 24), crc=self._crc)),
            self.stored.row,
            Characteristic(uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, indicate=True, write=self._on_request),
        )
        return [Service(CGM, rows)]

    def _status(self) -> bytes:
        return payloads.closed(struct.pack("<H", int(self.device.body_s / 60)) + bytes(3), crc=self._crc)

    def _on_request(self, connection: Connection, value: bytes) -> None:
        if connection not in self.device.subscribers(uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, 2):
            raise refuse(CCCD_IMPROPERLY_CONFIGURED)
        try:
            request = decode_cgm_control_request(value)
        except DecodeError as error:
            if self._crc:
                raise refuse(INVALID_CRC) from error
            request = None
        answer: CgmInterval | CgmResponse
        if request and request.operation == CgmOperation.GET_COMMUNICATION_INTERVAL:
            answer = CgmInterval(self.interval_min, self._crc)
        elif request and request.operation == CgmOperation.SET_COMMUNICATION_INTERVAL:
            assert isinstance(request.operand, int)
            self.interval_min = request.operand or self.interval_min
            answer = CgmResponse(request.operation, CgmResult.SUCCESS, self._crc)
        else:
            result = CgmResult.OP_CODE_NOT_SUPPORTED if request else CgmResult.INVALID_OPERAND
            answer = CgmResponse(value[0] if value else 0, result, self._crc)
        said = encode_cgm_control_response(answer)
        self.device.spawn(self.device.indicate(uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, said))

    def subscribed(self, uuid: str) -> None:
        if uuid == uuids.CGM_MEASUREMENT:
            self.device.begin()

    def began(self) -> None:
        self.device.spawn(self._play())

    @property
    def done(self) -> bool:
        return self._taken >= len(self._mg_dl)

    async def _play(self) -> None:
        minute = 0
        while self._taken < len(self._mg_dl):
            minute += self.interval_min
            await self.device.until(minute * 60.0)
            value = self._mg_dl[self._taken]
            before = self._mg_dl[self._taken - 1] if self._taken else value
            self._taken += 1
            record = payloads.cgm(value, minute, trend=round((value - before) / self.interval_min, 1), crc=self._crc)
            self.stored.records.append((minute, record))
            self.device.notify(uuids.CGM_MEASUREMENT, record)
        self.device.played()


class GlucoseMonitor(GattDevice):
    """A continuous monitor (CGM): one value of `mg_dl` every `interval_min` minutes, told and kept.

    The session begins at body time 0, the first subscription; `started` is the local time that it shows for it. With
    `crc` every value carries its end-to-end CRC.
    """

    def __init__(
        self,
        mg_dl: Iterable[float],
        *,
        started: dt.datetime = dt.datetime(2025, 1, 1, 8),
        interval_min: int = 5,
        crc: bool = True,
        name: str = "Virtual CGM",
        **options: Any,
    ) -> None:
        self._monitor = _Monitor(list(mg_dl), started, interval_min, crc)
        self.stored = self._monitor.stored
        profiles = [self._monitor, Battery(100)]
        super().__init__(profiles, info=info_of(name, "Virtual CGM"), advertised=[CGM], **options)
