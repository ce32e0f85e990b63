"""`vitals scan`, `record` and `live` as a user runs them, with a strap in another process, in real time."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import vitals
from vitals import Store
from vitals.virtual import VirtualRadio, hci_server, run

PASSPHRASE = "correct horse battery staple 42"
NAME = "Far H10"


@dataclass(frozen=True)
class Done:
    status: int
    output: str
    words: str


@asynccontextmanager
async def bench() -> AsyncIterator[tuple[Any, dict[str, Any], VirtualRadio]]:
    """A radio, and a strap in another process; yields what runs a command beside them."""
    radio = VirtualRadio(seed=1)
    async with hci_server(radio) as port:
        hci = ("--hci", f"tcp-client:127.0.0.1:{port}")
        played = ("-m", "vitals.virtual", "strap", *hci, "--name", NAME, "--seed", "5")
        strap = await asyncio.create_subprocess_exec(sys.executable, *played, stdout=asyncio.subprocess.PIPE)
        assert strap.stdout is not None

        async def command(*argv: str, connected: Callable[[], object] = lambda: None) -> Done:
            """Run a command; `connected` is called when it says that it is."""
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "vitals", *argv, *hci),
                env={**os.environ, "VITALS_PASSPHRASE": PASSPHRASE},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            assert process.stderr is not None
            words: list[str] = []
            async with asyncio.timeout(60):
                reading = asyncio.create_task(process.stdout.read())
                async for line in process.stderr:
                    words.append(line.decode())
                    if words[-1].startswith("connected to"):
                        connected()
                output, status = await reading, await process.wait()
            return Done(status, output.decode(), "".join(words))

        try:
            async with asyncio.timeout(30):
                said = json.loads(await strap.stdout.readline())
            yield command, said, radio
        finally:
            strap.kill()
            await strap.wait()
            await asyncio.sleep(0)


def test_what_a_strap_in_another_process_sends_is_in_the_store(tmp_path: Path) -> None:
    store = tmp_path / "store"

    async def main() -> tuple[dict[str, Any], Done, Done, Done]:
        async with bench() as (command, strap, radio):
            scanned = await command("scan", "--for", "1s", "--json")
            later = partial(asyncio.get_running_loop().call_later, 3, radio.drop, strap["address"])
            recorded = await command("record", NAME, "--store", str(store), "--for", "12s", connected=later)
            lived = await command("live", strap["address"], "--store", str(store), "--for", "6s", "--journal")
            return strap, scanned, recorded, lived

    strap, scanned, recorded, lived = run(main(), real_time=True)
    assert (scanned.status, recorded.status, lived.status) == (0, 0, 0), recorded.words + lived.words
    (found,) = map(json.loads, scanned.output.splitlines())
    assert (found["name"], found["address"]) == (NAME, strap["address"])
    assert found["services"] == ["0000180d-0000-1000-8000-00805f9b34fb"]

    assert "connected to Far H10 (vitals Virtual strap)" in recorded.words
    assert "link lost; waiting for the device to come back" in recorded.words
    assert " bpm" in lived.words
    assert PASSPHRASE not in recorded.words + recorded.output + lived.words + lived.output

    with Store.open(store, key=vitals.passphrase(PASSPHRASE)) as opened:
        assert [device.device.name for device in opened.devices()] == [NAME]
        first, second = opened.sessions()
        assert (first.source, second.source) == ("live", "live")
        for session, kinds in ((first, {"hr", "rr", "ecg", "acc", "battery"}), (second, {"hr", "rr", "journal"})):
            held = {stream.kind: stream.n for stream in opened.streams() if stream.session.id == session.id}
            assert kinds <= {kind for kind, n in held.items() if n}, held
        ecg = next(stream for stream in opened.streams("ecg") if stream.session.id == first.id)
        assert [gap.reason for gap in opened.gap_list(ecg)] == ["link lost"]
        assert 130 * 2 < ecg.n <= 130 * 12.5
        assert opened.verify().ok


def test_a_transport_that_is_none_and_one_where_nobody_answers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitals.cli import main

    assert main(["scan", "--for", "1", "--hci", "smoke-signals:3"]) == 1
    assert "tcp-client:127.0.0.1:9000" in capsys.readouterr().err
    assert main(["scan", "--for", "1", "--hci", "tcp-client:127.0.0.1:1"]) == 1
    assert capsys.readouterr().err.startswith("vitals: ")
