"""The measurement service of the virtual strap and band, as a plain bleak client sees it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from bleak import BleakClient

from vitals.decode.polar.clock import FALLBACK_NS
from vitals.decode.polar.frame import PmdFrame, decode_frame
from vitals.virtual import Body, OpticalBand, Recording, Scene, Strap, scene, virtual_strap
from vitals_signal.synthetic import wearer

CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
ECG, PPG, ACC, PPI, GYRO = 0, 1, 2, 3, 5
START_ECG = bytes.fromhex("02 00 0001 8200 0101 0e00")
START_ACC = bytes.fromhex("02 02 0001 c800 0101 1000 0201 0200")
BEATS = np.arange(0.5, 40, 0.9)


class Host:
    """A client that collects what the control point says and what the streams send."""

    def __init__(self, client: BleakClient) -> None:
        self.client = client
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()
        self.frames: list[tuple[float, bytes]] = []

    async def listen(self) -> None:
        clock = asyncio.get_running_loop().time
        await self.client.start_notify(CONTROL, lambda _, data: self.answers.put_nowait(bytes(data)))
        await self.client.start_notify(DATA, lambda _, data: self.frames.append((clock(), bytes(data))))

    async def ask(self, request: bytes) -> bytes:
        await self.client.write_gatt_char(CONTROL, request, response=True)
        return await self.answers.get()

    def of(self, kind: int) -> list[bytes]:
        return [data for _, data in self.frames if data[0] == kind]


@asynccontextmanager
async def host(near: Scene) -> AsyncIterator[Host]:
    async with BleakClient(near.address, backend=near.backend.client) as client:
        one = Host(client)
        await one.listen()
        yield one


def samples(frames: list[bytes], **options: float) -> np.ndarray[Any, Any]:
    decoded = [decode_frame(frame, **options) for frame in frames]
    assert all(isinstance(frame, PmdFrame) for frame in decoded)
    return np.concatenate([frame.physical() for frame in decoded])  # type: ignore[union-attr]


def stamps(frames: list[bytes]) -> np.ndarray[Any, Any]:
    return np.array([int.from_bytes(frame[1:9], "little") for frame in frames])


def test_features_and_settings_are_those_of_an_h10(virtual_time: Any) -> None:
    async def main() -> None:
        async with virtual_strap(BEATS) as near, host(near) as strap:
            assert (await strap.client.read_gatt_char(CONTROL))[:2] == b"\x0f\x05"
            assert await strap.ask(b"\x01\x00") == bytes.fromhex("f001000000 00018200 01010e00")
            acc = await strap.ask(b"\x01\x02")
            assert acc == bytes.fromhex("f001020000 0004 1900 3200 6400 c800 0101 1000 0203 0200 0400 0800")

    virtual_time(main())


def test_ecg_and_acc_arrive_as_they_were_recorded(virtual_time: Any) -> None:
    rng = np.random.default_rng(1)
    ecg_uv, acc_mg = rng.integers(-2000, 2000, 130 * 20), rng.integers(-2000, 2000, (200 * 20, 3))

    async def main() -> Host:
        ecg_mv, acc_g = Recording(ecg_uv / 1000, 130), Recording(acc_mg / 1000, 200)
        async with virtual_strap(BEATS, ecg_mv=ecg_mv, acc_g=acc_g) as near, host(near) as strap:
            assert await strap.ask(START_ECG) == bytes.fromhex("f002000000")
            assert await strap.ask(START_ACC) == bytes.fromhex("f002020000")
            await near.devices[0].finished.wait()
            return strap

    strap = virtual_time(main())
    ecg, acc = strap.of(ECG), strap.of(ACC)
    # Raw layouts, read without our decoder: 24-bit signed microvolts, 16-bit signed milli-g.
    raw = b"".join(frame[10:] for frame in ecg)
    got = [int.from_bytes(raw[i : i + 3], "little", signed=True) for i in range(0, len(raw), 3)]
    assert got == ecg_uv.tolist()
    axes = np.frombuffer(b"".join(frame[10:] for frame in acc), "<i2").reshape(-1, 3)
    late = len(acc_mg) - len(axes)  # it was started a moment after the ECG
    assert 0 <= late <= 2
    np.testing.assert_array_equal(axes, acc_mg[late:])
    assert {len(frame) for frame in ecg[:-1]} == {229}
    assert {len(frame) for frame in acc[:-1]} == {226}
    assert {frame[9] for frame in ecg} == {0}
    assert {frame[9] for frame in acc} == {1}


def test_the_time_stamp_is_the_device_clock_at_the_last_sample_and_drifts(virtual_time: Any) -> None:
    async def main() -> Host:
        async with virtual_strap(np.arange(0.5, 600, 0.9), drift_ppm=200) as near, host(near) as strap:
            await strap.ask(START_ECG)
            await near.devices[0].finished.wait()
            return strap

    strap = virtual_time(main())
    arrival = np.array([at for at, data in strap.frames if data[0] == ECG])
    shown = (stamps(strap.of(ECG)) - FALLBACK_NS) / 1e9
    assert shown[0] == pytest.approx(72 / 130, abs=1e-6)
    gained = (shown - shown[0]) - (arrival - arrival[0])
    assert gained[-1] == pytest.approx(200e-6 * (arrival[-1] - arrival[0]), rel=1e-3)
    assert np.diff(shown[:-1]) == pytest.approx(73 / 130, abs=1e-6)  # by its own clock it is on time


def test_r_peaks_of_the_ecg_lie_at_the_beats(virtual_time: Any) -> None:
    async def main() -> Host:
        async with virtual_strap(BEATS) as near, host(near) as strap:
            await strap.ask(START_ECG)
            await near.devices[0].finished.wait()
            return strap

    mv = samples(virtual_time(main()).of(ECG))[:, 0]
    inner = BEATS[(BEATS > 1) & (len(mv) / 130 - 1 > BEATS)]
    for beat in inner:
        window = np.arange(round((beat - 0.3) * 130), round((beat + 0.3) * 130))
        assert abs(window[np.argmax(mv[window])] / 130 - beat) < 0.01


def test_a_refused_start_says_why(virtual_time: Any) -> None:
    requests = {
        "02 00 0001 6400 0101 0e00": 8,  # 100 Hz ECG
        "02 00 0001 8200 0101 1000": 7,  # 16 bits
        "02 02 0001 c800 0101 1000 0201 1000": 9,  # 16 g
        "02 02 0001 c800 0101 1000 0401 05": 11,  # 5 channels
        "02 00": 5,  # no rate
        "02 00 0001 82": 5,  # cut off
        "02 01": 2,  # PPG, which a strap has not
        "02 80": 2,  # an offline recording
        "0a 00": 1,  # no such operation
        "05 00": 3,  # an operation of other devices
        "03 00": 6,  # not running
        "02": 4,
    }

    async def main() -> None:
        async with virtual_strap(BEATS) as near, host(near) as strap:
            for request, status in requests.items():
                answer = await strap.ask(bytes.fromhex(request))
                assert (request, answer[3]) == (request, status)
                assert answer[:2] == b"\xf0" + bytes.fromhex(request)[:1]
            await strap.ask(START_ECG)
            assert (await strap.ask(START_ECG))[3] == 6
            assert (await strap.ask(b"\x03\x00"))[3] == 0
            assert (await strap.ask(START_ECG))[3] == 0

    virtual_time(main())


@pytest.mark.parametrize(("mtu", "status"), [(23, 10), (65, 10), (231, 10), (232, 0), (517, 0)])
def test_streams_need_an_mtu_of_232(virtual_time: Any, mtu: int, status: int) -> None:
    async def main() -> Host:
        async with virtual_strap(BEATS, mtu=mtu) as near, host(near) as strap:
            assert strap.client.mtu_size == mtu
            # Status, more and settings come in parts of 20 bytes at MTU 23.
            parts = [await strap.ask(b"\x01\x02")]
            while parts[-1][4]:
                parts.append(await strap.answers.get())
            assert len(b"".join(part[5:] for part in parts)) == 22
            assert max(map(len, parts)) <= mtu - 3
            assert (await strap.ask(START_ECG))[3] == status
            await asyncio.sleep(2)
            return strap

    frames = virtual_time(main()).frames
    assert len(frames) == (3 if status == 0 else 0)


def test_without_a_subscription_the_control_point_is_silent(virtual_time: Any) -> None:
    async def main() -> None:
        async with (
            virtual_strap(BEATS) as near,
            BleakClient(near.address, backend=near.backend.client) as client,
        ):
            strap = Host(client)
            await client.write_gatt_char(CONTROL, START_ECG, response=True)
            await client.start_notify(CONTROL, lambda _, data: strap.answers.put_nowait(bytes(data)))
            await asyncio.sleep(5)
            assert strap.answers.empty()
            assert near.strap.pmd.running == (ECG,)

    virtual_time(main())


def test_a_stream_outlives_the_link_and_a_reboot_ends_it(virtual_time: Any) -> None:
    async def main() -> None:
        async with virtual_strap(np.arange(0.5, 200, 0.9)) as near:
            async with host(near) as strap:
                await strap.ask(START_ECG)
                await asyncio.sleep(10)
                near.radio.drop()
                await asyncio.sleep(1)
            async with host(near) as strap:
                assert (await strap.ask(START_ECG))[3] == 6
                await asyncio.sleep(5)
                before = stamps(strap.of(ECG))
                assert before[-1] - FALLBACK_NS == pytest.approx(16e9, abs=1e9)
                await near.strap.reboot(off_s=3)
                await asyncio.sleep(5)
            async with host(near) as strap:
                assert near.strap.pmd.running == ()
                assert (await strap.ask(START_ECG))[3] == 0
                await asyncio.sleep(5)
                after = stamps(strap.of(ECG))
                assert after[0] - FALLBACK_NS < before[-1] - FALLBACK_NS  # the clock went back
                assert after[0] - FALLBACK_NS == pytest.approx(8.6e9, abs=1e9)

    virtual_time(main())


def test_the_band_sends_compressed_samples_that_decode_to_what_the_body_showed(virtual_time: Any) -> None:
    body = Body.of(wearer(0.02, seed=3))
    requests = {
        PPG: "02 01 0001 3700 0101 1600 0401 04",
        ACC: "02 02 0001 3400 0101 1000 0201 0800 0401 03",
        GYRO: "02 05 0001 3400 0101 1000 0201 d007 0401 03",
        PPI: "02 03",
    }
    factors: dict[int, float] = {}

    async def main() -> Host:
        async with scene(OpticalBand(body)) as near, host(near) as band:
            for kind, request in requests.items():
                answer = await band.ask(bytes.fromhex(request))
                assert answer[:4] == bytes([0xF0, 2, kind, 0])
                if answer[5:7] == b"\x05\x01":
                    factors[kind] = struct.unpack("<f", answer[7:])[0]
            await near.devices[0].finished.wait()
            return band

    band = virtual_time(main())
    assert sorted(factors) == [ACC, GYRO]
    assert {frame[9] for frame in band.of(PPG)} == {0x80}
    assert max(len(data) for _, data in band.frames) <= 229
    seconds = body.duration_s
    ppg = samples(band.of(PPG))
    assert ppg.shape == (round(seconds * 55), 4)
    np.testing.assert_array_equal(ppg, np.rint(body.ppg().at(np.arange(len(ppg)) / 55)))
    acc = samples(band.of(ACC), factor=factors[ACC])
    assert np.abs(acc[:, 2].mean() - 1) < 0.01
    truth = body.acc_g(52.0).at(np.arange(round(seconds * 52)) / 52)
    assert np.abs(acc - truth[len(truth) - len(acc) :]).max() <= factors[ACC] / 2 + 1e-9
    gyro = samples(band.of(GYRO), factor=factors[GYRO])
    assert np.abs(gyro).max() < 2
    pp = np.concatenate([np.frombuffer(frame[10:], np.uint8).reshape(-1, 6) for frame in band.of(PPI)])
    got = pp[:, 1] + pp[:, 2].astype(int) * 256
    expected = np.rint(np.diff(body.beats_s) * 1000)
    assert len(expected) - len(got) <= 1  # a beat before the start
    np.testing.assert_array_equal(got, expected[len(expected) - len(got) :])


def test_compressed_acceleration_of_a_strap_is_the_same_acceleration(virtual_time: Any) -> None:
    async def main(compressed: bool) -> np.ndarray[Any, Any]:
        async with scene(Strap(BEATS, compressed=compressed)) as near, host(near) as strap:
            await strap.ask(START_ACC)
            await near.devices[0].finished.wait()
            return samples(strap.of(ACC))

    np.testing.assert_array_equal(virtual_time(main(True)), virtual_time(main(False)))


def test_a_rate_that_is_not_kept_shows_in_the_time_stamps(virtual_time: Any) -> None:
    body = Body.of(wearer(0.02, seed=3))

    async def main() -> Host:
        async with scene(OpticalBand(body, actual_hz=52.0)) as near, host(near) as band:
            await band.ask(bytes.fromhex("02 01 0001 3700 0101 1600 0401 04"))
            await asyncio.sleep(30)
            return band

    frames = virtual_time(main()).of(PPG)
    n = len(samples(frames[1:]))
    assert n / ((stamps(frames)[-1] - stamps(frames)[0]) / 1e9) == pytest.approx(52, rel=1e-6)
