"""A virtual Colmi ring: it answers what it is asked, measures what it is told to, and logs heart rate by itself.

Laws of this file:
1. Every packet is answered by notifications of one characteristic; a command that it does not know, with its bit 7 set.
2. One measurement runs at a time, once a second; the first `SETTLE_S` readings are 0, and it ends by itself
   `PATIENCE_S` after the last request to start or to go on.
3. The clock runs from the time that it was set to; a reboot forgets it, and the log with it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from vitals.decode import colmi
from vitals.decode.colmi import Command, RealTimeKind
from vitals.errors import DecodeError
from vitals.virtual.body import Body
from vitals.virtual.gatt_device import GattDevice, Profile
from vitals.virtual.gatt_table import Characteristic, Connection, Service
from vitals.virtual.spot_devices import info_of

SETTLE_S, PATIENCE_S = 3, 60
SLOT_S, DAY_S = 300, 86_400
CONTINUE = 0x1E  # of early firmware
# What a real ring answers to SET_TIME (captured by tahnok/colmi_r02_client): oxygen, but no temperature
CAPABILITIES = bytes.fromhex("000100220000000001003001001066")[:14]


class Ring(Profile):
    """The UART-like service of a ring."""

    def __init__(self, body: Body, battery: int, answers: Mapping[int, Sequence[bytes]]) -> None:
        self.battery = battery
        self.running: RealTimeKind | None = None
        self._body = body
        self._answers = answers
        self._task: asyncio.Task[None] | None = None
        self._until_s = 0.0  # body time at which the measurement ends by itself
        self._set: tuple[int, float] | None = None  # Unix seconds, and the body time at which it was set to them

    def services(self) -> Sequence[Service]:
        rows = (Characteristic(colmi.WRITE, write=self._on_packet), Characteristic(colmi.NOTIFY, notify=True))
        return [Service(colmi.SERVICE, rows)]

    def subscribed(self, uuid: str) -> None:
        if uuid == colmi.NOTIFY:
            self.device.begin()

    def began(self) -> None:
        self.device.spawn(self._live())

    @property
    def done(self) -> bool:
        return self.device.body_s >= self._body.duration_s

    def rebooted(self) -> None:
        self._end()
        self._set = None

    @property
    def clock_s(self) -> int:
        """Unix seconds on its clock; it starts at 2023-01-01 after a reboot."""
        at_s, since = self._set or (1_672_531_200, 0.0)
        return at_s + int(self.device.body_s - since)

    async def _live(self) -> None:
        await self.device.until(self._body.duration_s)
        self.device.played()

    def _on_packet(self, _: Connection, packet: bytes) -> None:
        if len(packet) != colmi.SIZE or packet[-1] != sum(packet[:-1]) & 0xFF:
            return  # a ring does not answer what is damaged
        for answer in self._answers.get(packet[0]) or self._answer(packet):
            self.device.notify(colmi.NOTIFY, answer)

    def _answer(self, packet: bytes) -> Sequence[bytes]:
        match packet[0]:
            case Command.SET_TIME:
                try:
                    when = colmi.decode_set_time(packet).replace(tzinfo=dt.UTC)
                except DecodeError:
                    return []
                self._set = (int(when.timestamp()), self.device.body_s)
                return [colmi.encode_packet(Command.SET_TIME, CAPABILITIES)]
            case Command.BATTERY:
                return [colmi.encode_battery(colmi.RingBattery(self.battery, False))]
            case Command.STEPS:
                return self._steps()
            case Command.HEART_RATE_LOG:
                return self._log(int.from_bytes(packet[1:5], "little"))
            case Command.REAL_TIME_START:
                self._measure(packet[1], packet[2])
                return []
            case Command.REAL_TIME_STOP:
                self._end()
                return []
            case _ if packet[0] == CONTINUE:
                self._until_s = self.device.body_s + PATIENCE_S
                return []
            case command:
                return [colmi.encode_packet(command | 0x80)]

    # Measurements

    def _measure(self, kind: int, action: int) -> None:
        if kind not in (RealTimeKind.HEART_RATE, RealTimeKind.SPO2):
            self.device.notify(colmi.NOTIFY, colmi.encode_packet(Command.REAL_TIME_START, bytes((kind, 1))))
            return
        self._until_s = self.device.body_s + PATIENCE_S
        if self.running != kind or action != 3 or self._task is None:
            self._end()
            self.running = RealTimeKind(kind)
            self._task = self.device.spawn(self._play(self.running))

    def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task, self.running = None, None

    async def _play(self, kind: RealTimeKind) -> None:
        began, count = self.device.body_s, 0
        while self.device.body_s < min(self._until_s, self._body.duration_s):
            count += 1
            await self.device.until(began + count)
            now = self.device.body_s
            shown = self._body.rate_bpm(now) if kind is RealTimeKind.HEART_RATE else self._body.spo2_percent(now)
            value = round(shown) if count > SETTLE_S else 0
            self.device.notify(colmi.NOTIFY, colmi.encode_real_time(colmi.RealTimeReading(kind, 0, value)))
        self._task, self.running = None, None

    # Logs

    def _steps(self) -> Sequence[bytes]:
        now = self.clock_s
        midnight, today = now - now % DAY_S, dt.datetime.fromtimestamp(now, dt.UTC).date()
        walked = [0] * 96  # steps in each quarter of an hour
        for second in range(1, int(self.device.body_s) + 1):
            at = now - int(self.device.body_s) + second
            if at >= midnight:
                walked[(at - midnight) // 900 % 96] += self._body.steps(second) - self._body.steps(second - 1)
        parts = [
            colmi.StepsPart(today, quarter, 0, 0, 4 * steps, steps, round(0.7 * steps))
            for quarter, steps in enumerate(walked)
            if steps
        ]
        return colmi.encode_steps(parts) if parts else [colmi.encode_packet(Command.STEPS, b"\xff")]

    def _log(self, midnight_s: int) -> Sequence[bytes]:
        now, body_s = self.clock_s, self.device.body_s
        readings = [0] * 288
        for slot in range(288):
            body_then = body_s - (now - midnight_s - slot * SLOT_S)
            if 0 <= body_then <= body_s and (self._set is None or body_then >= self._set[1]):
                readings[slot] = round(self._body.rate_bpm(body_then))
        if midnight_s % DAY_S or not any(readings):
            return [colmi.encode_packet(Command.HEART_RATE_LOG, b"\xff")]
        return colmi.encode_heart_rate_log(midnight_s, readings)


class ColmiRing(GattDevice):
    """A ring on the finger of `body`. `answers` (command -> packets) replace its own: a captured log, for example."""

    def __init__(
        self,
        body: Body,
        *,
        battery: int = 100,
        answers: Mapping[int, Sequence[bytes]] | None = None,
        name: str = "R02_A0B1",
        **options: Any,
    ) -> None:
        self.ring = Ring(body, battery, answers or {})
        super().__init__([self.ring], info=info_of(name, "Smart ring"), **options)
