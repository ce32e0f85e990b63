"""The supervisor over bleak's own BlueZ backend: Bluetooth services that die, hang or are switched off come back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

import vitals
from vitals.values import Block, Connected, Disconnected, LossReason, Stall

if TYPE_CHECKING:
    from .conftest import Computer

BEAT = bytes([0x10, 60, 0x00, 0x04])


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitals.session.watch.SILENCE_US", 500_000)
    monkeypatch.setattr("vitals.session.exchange.EXCHANGE_S", 1.0)
    monkeypatch.setattr("vitals.session.supervisor.RECONNECT_TIMEOUT_S", 4.0)
    monkeypatch.setattr("vitals.session.comeback.CEILING_S", 0.3)
    monkeypatch.setattr("vitals.session.comeback.LISTEN_S", 1.0)
    monkeypatch.setattr("vitals.link.adapter.RENEW_S", 1.0)
    monkeypatch.setattr("vitals.link.connection.FAREWELL_S", 0.5)
    monkeypatch.setattr("vitals.link.connection.NOTICE_S", 0.2)
    monkeypatch.setattr("vitals.link.adapter.ANSWER_S", 1.5)


async def beat(computer: Computer) -> None:
    while True:
        with suppress(Exception):  # there is no daemon now
            async with asyncio.timeout(0.2):
                await computer.daemon.notify(computer.strap, "2a37", BEAT)
        await asyncio.sleep(0.05)


async def until(items: AsyncIterator[Any], kind: type) -> list[Any]:
    seen: list[Any] = []
    async for item in items:
        seen.append(item)
        if isinstance(item, kind):
            return seen
    raise AssertionError(f"no {kind.__name__}")


@pytest.mark.parametrize("trouble", ["lost", "died", "restarted", "switched off"])
async def test_the_stream_goes_on_after(computer: Computer, trouble: str) -> None:
    beating = asyncio.create_task(beat(computer))
    try:
        async with (
            asyncio.timeout(90),
            vitals.connect(computer.strap.address, timeout_s=10, kinds=("hr",), rng=random.Random(1)) as device,
            device.items() as items,
        ):
            await until(items, Block)
            match trouble:
                case "lost":
                    await computer.daemon.lose(computer.strap)
                case "died":
                    await computer.daemon.die()
                case "restarted":
                    await computer.daemon.die()
                    await computer.daemon.start()
                case "switched off":
                    computer.daemon.power(False)
            seen = await until(items, Disconnected)
            assert seen[-1].reason in (LossReason.LOST, LossReason.SILENT)
            if trouble in ("died", "restarted"):  # no callback comes: silence tells
                assert any(isinstance(one, Stall) for one in seen)
            await asyncio.sleep(0.3)
            if trouble == "died":
                await computer.daemon.start()
            if trouble == "switched off":
                computer.daemon.power(True)
            await until(items, Connected)
            await until(items, Block)
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
