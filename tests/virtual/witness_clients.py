"""Clients that others wrote, at work on our virtual devices. Run by test_witnesses.py as a child; prints JSON.

bleakheart and pycycling take a BleakClient and are unmodified; polar-python and colmi-r02-client make their own, so
that the class they call is replaced.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
import json
import sys
from typing import Any

import numpy as np
from bleak import BleakClient

from vitals.virtual import Body, ColmiRing, OpticalBand, Recording, Scene, Strap, run, scene
from vitals_signal.synthetic import wearer

SECONDS = 30


def beats() -> Any:
    return np.cumsum(np.random.default_rng(1).normal(0.8, 0.05, int(SECONDS / 0.8)))


def ecg_uv() -> Any:
    return np.random.default_rng(2).integers(-3000, 3000, 130 * SECONDS)


def acc_mg() -> Any:
    return np.random.default_rng(3).integers(-2000, 2000, (200 * SECONDS, 3))


def strap() -> Strap:
    return Strap(
        beats(),
        battery=83,
        ecg_mv=Recording(ecg_uv() / 1000, 130),
        acc_g=Recording(acc_mg() / 1000, 200),
        energy_kj=17,
    )


def body() -> Body:
    return Body.of(wearer(SECONDS / 3600, seed=4))


def client_of(near: Scene) -> BleakClient:
    return BleakClient(near.address, backend=near.backend.client)


async def bleakheart() -> dict[str, Any]:
    peer = importlib.import_module("bleakheart")
    out: dict[str, Any] = {"hr": [], "ecg": [], "acc": []}
    async with scene(strap()) as near, client_of(near) as client:
        out["battery"] = await peer.BatteryLevel(client).read()
        queue: asyncio.Queue[Any] = asyncio.Queue()
        pmd = peer.PolarMeasurementData(client, ecg_queue=queue, acc_queue=queue)
        heart = peer.HeartRate(client, queue=queue, unpack=False)
        out["features"] = await pmd.available_measurements()
        out["settings"] = {kind: await pmd.available_settings(kind) for kind in ("ECG", "ACC")}
        await heart.start_notify()
        out["started"] = [(await pmd.start_streaming(kind))[0] for kind in ("ECG", "ACC")]
        out["again"] = (await pmd.start_streaming("ECG"))[1]
        await near.devices[0].finished.wait()
        out["stopped"] = (await pmd.stop_streaming("ECG"))[0]
        while not queue.empty():
            kind, _, payload, *_ = queue.get_nowait()
            out[kind.lower()].append(payload)
    return out


async def pycycling() -> dict[str, Any]:
    rates = importlib.import_module("pycycling.heart_rate_service")
    levels = importlib.import_module("pycycling.battery_service")
    got: list[Any] = []
    async with scene(strap()) as near, client_of(near) as client:
        battery = await levels.BatteryService(client).get_battery_level()
        service = rates.HeartRateService(client)
        service.set_hr_measurement_handler(lambda measured: got.append(measured._asdict()))
        await service.enable_hr_measurement_notifications()
        await near.devices[0].finished.wait()
        await service.disable_hr_measurement_notifications()
    return {"battery": battery, "hr": got}


async def polar() -> dict[str, Any]:
    peer: Any = importlib.import_module("polar_python.device")
    out: dict[str, Any] = {name: [] for name in ("hr", "ecg", "acc", "ppg", "band_acc", "gyro", "ppi")}

    async def connected(near: Scene) -> Any:
        peer.BleakClient = lambda address: BleakClient(address, backend=near.backend.client)
        return peer.PolarDevice(near.address)

    async with scene(strap()) as near, await connected(near) as device:
        out["features"] = [int(kind.value) for kind in await device.get_available_features()]
        await device.start_hr_stream(lambda data: out["hr"].append([data.heartrate, data.rr_intervals]))
        await device.start_ecg_stream(lambda data: out["ecg"].append(data.data), 130, 14)
        await device.start_acc_stream(lambda data: out["acc"].append(data.data), 200, 16, 2)
        await near.devices[0].finished.wait()
    async with scene(OpticalBand(body())) as near, await connected(near) as device:
        await device.start_ppg_stream(lambda data: out["ppg"].append(data.samples), 55, 22, 4)
        await device.start_acc_stream(lambda data: out["band_acc"].append(data.data), 52, 16, 8, 3)
        await device.start_gyro_stream(lambda data: out["gyro"].append(data.data), 52, 16, 2000, 3)
        await device.start_ppi_stream(lambda data: out["ppi"].append([one.ppi for one in data.samples]))
        await near.devices[0].finished.wait()
    return out


LOGGED_S = 1000  # the ring logs heart rate every five minutes


def long_body() -> Body:
    return Body(np.cumsum(np.random.default_rng(1).normal(0.8, 0.02, 2000)))


async def colmi() -> dict[str, Any]:
    peer: Any = importlib.import_module("colmi_r02_client.client")
    ring = ColmiRing(long_body(), battery=64)
    now = dt.datetime(2025, 6, 15, 14, 2, tzinfo=dt.UTC)
    async with scene(ring) as near:
        peer.BleakClient = lambda address: BleakClient(address, backend=near.backend.client)
        async with peer.Client(near.address) as client:
            await client.set_time(now)
            battery = await client.get_battery()
            rates = await client.get_realtime_heart_rate()
            oxygen = await client.get_realtime_spo2()
            await ring.until(LOGGED_S)
            log = await client.get_heart_rate_log(now.replace(hour=0, minute=0))
            empty = await client.get_heart_rate_log(now.replace(hour=0, minute=0) - dt.timedelta(days=1))
            info = await client.get_device_info()
    slots = {slot: rate for slot, rate in enumerate(log.heart_rates) if rate}
    return {
        "battery": battery.battery_level,
        "rates": rates,
        "oxygen": oxygen,
        "log": slots,
        "day": log.timestamp.isoformat(),
        "empty": type(empty).__name__,
        "info": info,
    }


CLIENTS = {"bleakheart": bleakheart, "pycycling": pycycling, "polar": polar, "colmi": colmi}
if __name__ == "__main__":
    print(json.dumps(run(CLIENTS[sys.argv[1]]())))
