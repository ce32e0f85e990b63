"""Play a virtual device through an HCI transport: python -m vitals.virtual strap --hci tcp-client:127.0.0.1:PORT

Says {"name": ..., "address": ...} on stdout when it advertises; ends when it has played all, or loses its transport.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

from vitals.errors import VitalsError
from vitals.virtual import (
    BangleWatch,
    Body,
    ColmiRing,
    Cuff,
    GattDevice,
    GlucoseMeter,
    GlucoseMonitor,
    HciMedium,
    HuamiBand,
    MovesenseSensor,
    OpticalBand,
    Oximeter,
    OxygenRing,
    PineTime,
    Scale,
    Strap,
    Thermometer,
    Watch,
    run,
)

_MINUTE = 60.0


def _minutes(body: Body) -> list[float]:
    return [_MINUTE * k for k in range(int(body.duration_s / _MINUTE) + 1)]


def _seconds(body: Body) -> list[float]:
    return [float(second) for second in range(1, int(body.duration_s) + 1)]


DEVICES: Mapping[str, Callable[[Body], GattDevice]] = {
    "strap": lambda body: Strap(body.beats_s),
    "band": OpticalBand,
    "watch": Watch,
    "oximeter": lambda body: Oximeter(
        (t, round(body.spo2_percent(t), 1), round(body.rate_bpm(t))) for t in _seconds(body)
    ),
    "thermometer": lambda body: Thermometer((t, round(body.skin_c(t), 2)) for t in _minutes(body)),
    "scale": lambda body: Scale([(1.0, 72.5)], height_m=1.78),
    "cuff": lambda body: Cuff((t, 122.0, 79.0, round(body.rate_bpm(t))) for t in _minutes(body)),
    "glucose": lambda body: GlucoseMeter(
        (dt.datetime(2025, 1, 1, 7) + dt.timedelta(hours=k), 90.0 + 5 * k) for k in range(12)
    ),
    "pinetime": PineTime,
    "colmi": ColmiRing,
    "movesense": MovesenseSensor,
    "bangle": BangleWatch,
    "o2ring": OxygenRing,
    "huami": HuamiBand,
    "cgm": lambda body: GlucoseMonitor((100.0 for _ in _minutes(body)), interval_min=1),
}


def main(arguments: list[str]) -> int:
    """Run with command-line arguments; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m vitals.virtual", description=__doc__)
    parser.add_argument("device", choices=list(DEVICES))
    parser.add_argument("--hci", required=True, help="a bumble transport: tcp-client:HOST:PORT, usb:0, ...")
    parser.add_argument("--name", help="the name that it advertises")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long the wearer lives")
    parser.add_argument("--seed", type=int, default=7, help="of the wearer and of the address")
    asked = parser.parse_args(arguments)
    try:
        return run(_play(asked), real_time=True)
    except VitalsError as error:
        print(f"vitals: {error}", file=sys.stderr)
        return 1


async def _play(asked: argparse.Namespace) -> int:
    from vitals_signal.synthetic import wearer

    device = DEVICES[asked.device](Body.of(wearer(asked.minutes / 60, seed=asked.seed)))
    if asked.name:
        device.info = replace(device.info, name=asked.name)
    async with HciMedium(asked.hci, seed=asked.seed) as medium:
        await device.start(medium)
        print(json.dumps({"name": device.name, "address": device.address}), flush=True)
        ends = [asyncio.create_task(event.wait()) for event in (device.finished, medium.lost)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        if not medium.lost.is_set():
            await device.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
