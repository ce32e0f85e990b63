"""Watch, oximeter, thermometer, scale, cuff, glucose meter and monitor: what a plain bleak client gets from them."""

from __future__ import annotations

import asyncio
import datetime as dt
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakGATTProtocolError
from hypothesis import given
from hypothesis import strategies as st

from vitals.decode import uuids
from vitals.decode.blood_pressure import decode_blood_pressure
from vitals.decode.cgm import decode_cgm_feature, decode_cgm_measurement, decode_cgm_session_start_time
from vitals.decode.cgm_control import CgmInterval, decode_cgm_control_response
from vitals.decode.glucose import decode_glucose_measurement
from vitals.decode.health_thermometer import decode_temperature_measurement
from vitals.decode.infinitime import MOTION, STEP_COUNT
from vitals.decode.pulse_oximeter import decode_plx_continuous, decode_plx_spot_check
from vitals.decode.weight import decode_body_composition, decode_weight
from vitals.errors import InputError
from vitals.virtual import (
    Body,
    Cuff,
    GattDevice,
    GlucoseMeter,
    GlucoseMonitor,
    Oximeter,
    Scale,
    Strap,
    Thermometer,
    Watch,
    health_payloads,
    scene,
)
from vitals_signal.synthetic import wearer

Log = list[tuple[float, bytes]]


@asynccontextmanager
async def listening(device: GattDevice, *wanted: str) -> AsyncIterator[tuple[BleakClient, dict[str, Log]]]:
    """A client that has subscribed to `wanted`; times are seconds since then."""
    log: dict[str, Log] = {uuid: [] for uuid in wanted}
    began = 0.0

    def receiver(uuid: str) -> Callable[[object, bytearray], None]:
        return lambda _, data: log[uuid].append((clock() - began, bytes(data)))

    async with scene(device) as near, BleakClient(near.address, backend=near.backend.client) as client:
        clock = asyncio.get_running_loop().time
        for uuid in wanted:
            await client.start_notify(uuid, receiver(uuid))
        began = clock()
        yield client, log


async def heard(device: GattDevice, uuid: str) -> Log:
    async with listening(device, uuid) as (_, log):
        await device.finished.wait()
    return log[uuid]


def test_an_oximeter_tells_the_bytes_of_the_specification(virtual_time: Any) -> None:
    async def main() -> dict[str, Log]:
        device = Oximeter([(1, 97, 61), (2, 96.5, 62)], spot_checks=[(1.5, 98, 60)])
        wanted = uuids.PLX_CONTINUOUS_MEASUREMENT, uuids.PLX_SPOT_CHECK_MEASUREMENT
        async with listening(device, *wanted) as (client, log):
            assert len([service for service in client.services if service.uuid.startswith("00001822")]) == 1
            assert await client.read_gatt_char(uuids.PLX_FEATURES) == b"\0\0"
            await device.finished.wait()
        return log

    log = virtual_time(main())
    continuous, spot = log.values()
    assert [data for _, data in continuous] == [b"\x00\x61\x00\x3d\x00", b"\x00\xc5\xf3\x3e\x00"]
    assert [data for _, data in spot] == [b"\x00\x62\x00\x3c\x00"]
    assert [round(at, 3) for at, _ in continuous] == [1, 2]
    assert decode_plx_continuous(continuous[1][1]).spo2_percent == 96.5
    assert decode_plx_spot_check(spot[0][1]).pulse_rate_bpm == 60


def test_readings_wait_until_somebody_confirms_them(virtual_time: Any) -> None:
    async def main() -> list[bytes]:
        got: list[bytes] = []
        device = Thermometer([(0, 36.5), (10, 36.6), (20, 36.7), (60, 36.8)])
        async with scene(device) as near:
            for pause in (5, 0):
                async with BleakClient(near.address, backend=near.backend.client) as client:
                    await client.start_notify(uuids.TEMPERATURE_MEASUREMENT, lambda _, data: got.append(bytes(data)))
                    await asyncio.sleep(pause)
                    if not pause:
                        await device.finished.wait()
                await asyncio.sleep(30)
        return got

    readings = [decode_temperature_measurement(data) for data in virtual_time(main())]
    assert [reading.temperature_c for reading in readings] == [36.5, 36.6, 36.7, 36.8]
    assert {reading.site for reading in readings} == {6}


def test_scale_and_cuff_say_what_was_measured(virtual_time: Any) -> None:
    async def main() -> tuple[dict[str, Log], Log, Log]:
        scale = Scale([(1, 72.5)], height_m=1.8, fat_percent=18.4)
        wanted = uuids.WEIGHT_MEASUREMENT, uuids.BODY_COMPOSITION_MEASUREMENT
        async with listening(scale, *wanted) as (_, log):
            await scale.finished.wait()
        pounds = await heard(Scale([(1, 72.5)], imperial=True, name="Pounds"), uuids.WEIGHT_MEASUREMENT)
        pressure = await heard(Cuff([(2, 128, 83, 71)]), uuids.BLOOD_PRESSURE_MEASUREMENT)
        return log, pounds, pressure

    log, pounds, pressure = virtual_time(main())
    weight = decode_weight(log[uuids.WEIGHT_MEASUREMENT][0][1])
    assert (weight.weight_kg, weight.height_m, weight.bmi_kg_m2) == (72.5, 1.8, 22.4)
    fat = decode_body_composition(log[uuids.BODY_COMPOSITION_MEASUREMENT][0][1])
    assert (fat.body_fat_percent, fat.weight_kg) == (18.4, 72.5)
    assert pounds[0][1] == b"\x01" + struct.pack("<H", 15984)  # 159.835 lb
    assert pressure[0][1] == bytes.fromhex("04 8000 5300 ff07 4700")
    read = decode_blood_pressure(pressure[0][1])
    assert (read.systolic_mmhg, read.diastolic_mmhg, read.pulse_rate_bpm) == (128, 83, 71)


def test_a_watch_counts_steps_and_sends_rates_without_intervals(virtual_time: Any) -> None:
    body = Body(np.arange(0.5, 200, 0.8), activity=[(60, 120)])
    wanted = (
        uuids.HEART_RATE_MEASUREMENT,
        STEP_COUNT,
        MOTION,
        uuids.PLX_CONTINUOUS_MEASUREMENT,
        uuids.TEMPERATURE_MEASUREMENT,
    )

    async def main() -> dict[str, Log]:
        device = Watch(body)
        async with listening(device, *wanted) as (_, log):
            await device.finished.wait()
        return log

    rate, steps, motion, oxygen, warm = virtual_time(main()).values()
    assert {data for _, data in rate[20:]} == {b"\x00\x4b"}  # 75 bpm, as InfiniTime sends it
    assert int.from_bytes(steps[-1][1], "little") == int(60 * 1.8)
    assert [int.from_bytes(data, "little") for _, data in steps[:50]] == [0] * 50
    axes = np.frombuffer(b"".join(data for _, data in motion), "<i2").reshape(-1, 3)
    assert len(axes) == pytest.approx(body.duration_s * 10, abs=15)
    assert axes[:, 2].mean() == pytest.approx(1024, abs=5)
    assert axes[650:1150].std(axis=0)[2] > 100 > axes[:500].std(axis=0)[2]
    assert 96 < np.mean([decode_plx_continuous(data).spo2_percent for _, data in oxygen]) < 98
    assert [round(at) for at, _ in warm] == [60, 120, 180]
    assert 32 < decode_temperature_measurement(warm[0][1]).temperature_c < 34


def test_a_meter_reports_the_records_that_are_asked_for(virtual_time: Any) -> None:
    morning = dt.datetime(2025, 3, 1, 7, 30)
    readings = [(morning + dt.timedelta(hours=k), 90.0 + k) for k in range(10)]
    requests = {
        "0401": ("05000a00", []),
        "0101": ("06000101", list(range(1, 11))),
        "0103010800": ("06000101", [8, 9, 10]),
        "0102010200": ("06000101", [1, 2]),
        "01040103000400": ("06000101", [3, 4]),
        "0105": ("06000101", [1]),
        "0106": ("06000101", [10]),
        "0103016300": ("06000106", []),  # no records found
        "0100": ("06000103", []),  # invalid operator
        "0109": ("06000104", []),  # operator not supported
        "0103010a": ("06000101", [10]),  # a value of one byte
        "010301": ("06000105", []),  # invalid operand
        "0702": ("06000705", []),
        "0206": ("06000201", []),  # delete the last
        "0300": ("06000301", []),  # abort: nothing runs
        "0301": ("06000301", []),
    }

    async def main() -> None:
        device = GlucoseMeter(readings)
        control = uuids.RECORD_ACCESS_CONTROL_POINT
        async with scene(device) as near, BleakClient(near.address, backend=near.backend.client) as client:
            got: list[bytes] = []
            answers: asyncio.Queue[bytes] = asyncio.Queue()
            await client.start_notify(uuids.GLUCOSE_MEASUREMENT, lambda _, data: got.append(bytes(data)))
            with pytest.raises(BleakGATTProtocolError) as refused:
                await client.write_gatt_char(control, b"\x01\x01", response=True)
            assert refused.value.code == 0xFD
            await client.start_notify(control, lambda _, data: answers.put_nowait(bytes(data)))
            for request, (answer, numbers) in requests.items():
                got.clear()
                await client.write_gatt_char(control, bytes.fromhex(request), response=True)
                assert (request, (await answers.get()).hex()) == (request, answer)
                records = [decode_glucose_measurement(data) for data in got]
                assert [record.sequence for record in records] == numbers
                for record in records:
                    assert (record.time, record.concentration_mg_dl) == readings[record.sequence - 1]
            assert len(device.stored.records) == 9
            await client.write_gatt_char(control, b"\x01\x01", response=True)
            with pytest.raises(BleakGATTProtocolError) as refused:
                await client.write_gatt_char(control, b"\x04\x01", response=True)
            assert refused.value.code == 0xFE
            got.clear()
            await client.write_gatt_char(control, b"\x03\x00", response=True)
            assert await answers.get() == bytes.fromhex("06000301")
            await asyncio.sleep(5)
            assert got == []

    virtual_time(main())


@pytest.mark.parametrize("crc", [True, False])
def test_a_monitor_tells_keeps_and_closes_with_its_crc(virtual_time: Any, crc: bool) -> None:
    values = [100.0, 104.0, 110.0, 108.0]

    async def main() -> None:
        device = GlucoseMonitor(values, crc=crc)
        operations = uuids.CGM_SPECIFIC_OPS_CONTROL_POINT
        async with listening(device, uuids.CGM_MEASUREMENT, uuids.RECORD_ACCESS_CONTROL_POINT, operations) as near:
            client, log = near
            assert decode_cgm_feature(bytes(await client.read_gatt_char(uuids.CGM_FEATURE))).e2e_crc == crc
            start = decode_cgm_session_start_time(bytes(await client.read_gatt_char(uuids.CGM_SESSION_START_TIME)))
            assert start.time.datetime == dt.datetime(2025, 1, 1, 8)
            # 02 and its CRC: CRC-16/MCRF4XX by an independent table
            get_interval = b"\x02" + (crc_of(b"\x02") if crc else b"")
            await client.write_gatt_char(operations, get_interval, response=True)
            await device.finished.wait()
            told = [decode_cgm_measurement(data).records[0] for _, data in log[uuids.CGM_MEASUREMENT]]
            assert [record.concentration_mg_dl for record in told] == values
            assert [record.time_offset_min for record in told] == [5, 10, 15, 20]
            assert [record.trend_mg_dl_per_min for record in told] == [0, 0.8, 1.2, -0.4]
            assert {record.e2e_crc for record in told} == {crc}
            interval = decode_cgm_control_response(log[operations][0][1])
            assert interval == CgmInterval(5, crc)
            before = len(log[uuids.CGM_MEASUREMENT])
            await client.write_gatt_char(uuids.RECORD_ACCESS_CONTROL_POINT, bytes.fromhex("0103010f00"), response=True)
            await asyncio.sleep(1)
            again = [decode_cgm_measurement(data).records[0] for _, data in log[uuids.CGM_MEASUREMENT][before:]]
            assert again == told[2:]
            if crc:
                with pytest.raises(BleakGATTProtocolError) as refused:
                    await client.write_gatt_char(operations, b"\x02\x00\x00", response=True)
                assert refused.value.code == 0x81

    virtual_time(main())


def crc_of(data: bytes) -> bytes:
    """CRC-16/MCRF4XX as the reflected CCITT of binascii: bits turned round before and after."""
    import binascii

    def turned(byte: int) -> int:
        return int(f"{byte:08b}"[::-1], 2)

    value = binascii.crc_hqx(bytes(map(turned, data)), 0xFFFF)
    return bytes([turned(value >> 8), turned(value & 0xFF)])


@given(st.integers(20, 2000), st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2099, 1, 1)), st.integers(0, 65535))
def test_glucose_concentrations_are_exact(mg_dl: int, when: dt.datetime, sequence: int) -> None:
    read = decode_glucose_measurement(health_payloads.glucose(sequence, mg_dl, when))
    assert (read.sequence, read.concentration_mg_dl) == (sequence, mg_dl)
    assert read.time == when.replace(microsecond=0)


def test_each_advertises_its_service(virtual_time: Any) -> None:
    body = Body.of(wearer(0.01))
    devices = [
        Oximeter([]),
        Thermometer([]),
        Scale([]),
        Cuff([]),
        GlucoseMeter([]),
        GlucoseMonitor([]),
        Watch(body),
    ]
    services = [0x1822, 0x1809, 0x181D, 0x1810, 0x1808, 0x181F, 0x180D]

    async def main() -> dict[str, list[str]]:
        async with scene(*devices) as near:
            found = await BleakScanner.discover(timeout=1, return_adv=True, backend=near.backend.scanner)
            return {device.name or "": data.service_uuids for device, data in found.values()}

    found = virtual_time(main())
    assert found == {device.name: [uuids.sig(n)] for device, n in zip(devices, services, strict=True)}


def test_an_array_without_a_rate_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match="Recording"):
        Strap([1.0, 2.0], ecg_mv=np.zeros(100))  # type: ignore[arg-type]
