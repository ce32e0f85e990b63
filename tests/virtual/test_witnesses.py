"""Independent clients read from our virtual devices what was played: witnesses that the devices are credible.

Each peer is installed on demand, pinned by hash, into a folder of its own under pytest's cache (`.pytest_cache`), and
runs in a child process with our bleak. Without a package index the tests skip, unless VITALS_REQUIRE_DATA=1.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
PEERS = {
    "bleakheart": ("bleakheart==0.2.0", "c755846a0471bfe955cd55e328f15a2898b183f91b24f4a3457f6cf3257a5894"),
    "pycycling": ("pycycling==0.4.1", "05581ae053db8ae824d4a9528338a8e10276076ffdffaf6f575ef542baf323ba"),
    "colmi": ("colmi-r02-client==0.1.0", "a25a0f19b7bcd5197a9081d9c6e9d6b6b10ba59963f6862a154d2faa75f2aee3"),
    "polar": ("polar-python==1.1.1", "25ec4f0ff9f548936085c68205585c51a6ce02f0b8f3f5045f7871836c010378"),
}
Witness = Callable[[str], dict[str, Any]]


@pytest.fixture
def witness(request: pytest.FixtureRequest) -> Witness:
    """Runs one of `PEERS` against a virtual device and returns what it saw."""

    def run(name: str) -> dict[str, Any]:
        requirement, digest = PEERS[name]
        folder = Path(str(request.config.cache.mkdir("witnesses"))) / requirement.replace("==", "-")
        if not folder.is_dir():
            install(folder, requirement, digest)
        command = [sys.executable, str(HERE / "witness_clients.py"), name]
        paths = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        child = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
        assert child.returncode == 0, child.stderr
        seen: dict[str, Any] = json.loads(child.stdout)
        return seen

    return run


def install(folder: Path, requirement: str, digest: str) -> None:
    """Into a folder beside it first, so that a broken download leaves nothing."""
    fresh = folder.with_suffix(".new")
    wanted = folder.with_suffix(".txt")
    wanted.write_text(f"{requirement} --hash=sha256:{digest}\n")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, "--target", str(fresh), "--requirement", str(wanted)], capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["pip said nothing"]
        reason = f"{requirement} cannot be installed: {said[0]}"
        if os.environ.get("VITALS_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    fresh.rename(folder)


@pytest.fixture(scope="module")
def played() -> Any:
    """The module whose arrays the child plays."""
    spec = importlib.util.spec_from_file_location("witness_clients", HERE / "witness_clients.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rr_ticks(played: Any) -> list[int]:
    return [int(rr) for rr in np.diff(np.rint(played.beats() * 1024).astype(int))]


def flat(parts: list[Any]) -> list[Any]:
    return [one for part in parts for one in part]


def test_bleakheart_sees_the_strap_that_was_played(witness: Witness, played: Any) -> None:
    seen = witness("bleakheart")
    assert seen["battery"] == 83
    assert seen["features"] == ["ECG", "ACC"]
    assert seen["settings"]["ECG"]["SAMPLE_RATE"] == [130]
    assert seen["settings"]["ACC"]["SAMPLE_RATE"] == [25, 50, 100, 200]
    assert seen["started"] == [0, 0]
    assert seen["again"] == "ALREADY IN STATE"
    assert seen["stopped"] == 0
    assert flat([rr for _, rr in seen["hr"]]) == [round(rr * 1000 / 1024) for rr in rr_ticks(played)]  # it rounds to ms
    settled = [rate for rate, _ in seen["hr"][10:]]
    assert all(70 < rate < 80 for rate in settled)
    ecg, acc = flat(seen["ecg"]), flat(seen["acc"])
    # The body had been worn for a moment when the streams were started.
    assert len(played.ecg_uv()) - len(ecg) <= 2
    assert ecg == played.ecg_uv()[-len(ecg) :].tolist()
    assert len(played.acc_mg()) - len(acc) <= 4
    assert acc == played.acc_mg()[-len(acc) :].tolist()


def test_pycycling_sees_the_heart_that_was_played(witness: Witness, played: Any) -> None:
    seen = witness("pycycling")
    assert seen["battery"] == 83
    assert flat([one["rr_interval"] for one in seen["hr"]]) == rr_ticks(played)
    assert {one["energy_expended"] for one in seen["hr"]} == {17}
    assert {one["sensor_contact"] for one in seen["hr"]} == {True}
    assert all(70 < one["bpm"] < 80 for one in seen["hr"][10:])


def test_polar_python_sees_strap_and_band_that_were_played(witness: Witness, played: Any) -> None:
    seen = witness("polar")
    assert seen["features"] == [0, 2]
    assert flat(seen["ecg"]) == played.ecg_uv()[-len(flat(seen["ecg"])) :].tolist()
    assert flat(seen["acc"]) == played.acc_mg()[-len(flat(seen["acc"])) :].tolist()
    assert len(flat(seen["ecg"])) > 130 * 29
    assert len(flat(seen["acc"])) > 200 * 29
    body = played.body()
    ppg = np.array(flat(seen["ppg"]))
    np.testing.assert_array_equal(ppg, np.rint(body.ppg().at(np.arange(len(ppg)) / 55)))
    assert len(ppg) == round(body.duration_s * 55)
    acc = np.array(flat(seen["band_acc"]))
    assert np.abs(acc[:, 2].mean() - 1000) < 10  # it turns g into mg by the factor that the band told
    assert np.abs(np.array(flat(seen["gyro"]))).max() < 2
    pp = flat(seen["ppi"])
    assert pp == np.rint(np.diff(body.beats_s) * 1000)[-len(pp) :].tolist()
    assert len(pp) >= len(body.beats_s) - 2
    # It takes whatever follows the rate for RR intervals, the energy as well.
    with_energy = [round(rr * 1024 / 1000) for _, intervals in seen["hr"] for rr in intervals]
    assert [rr for rr in with_energy if rr != 17] == rr_ticks(played)


def test_colmi_r02_client_sees_the_ring_that_was_played(witness: Witness, played: Any) -> None:
    seen = witness("colmi")
    body = played.long_body()
    assert seen["battery"] == 64
    assert len(seen["rates"]) == len(seen["oxygen"]) == 6
    assert all(abs(rate - 75) <= 2 for rate in seen["rates"])
    assert all(96 <= value <= 98 for value in seen["oxygen"])
    assert seen["day"].startswith("2025-06-15T00:00:00")
    # Set at 14:02, it has logged 14:05, 14:10 and 14:15 since.
    expected = {str(169 + k): round(body.rate_bpm(180 + 300 * k)) for k in range(3)}
    assert seen["log"].keys() == expected.keys()
    assert all(abs(seen["log"][slot] - rate) <= 1 for slot, rate in expected.items())
    assert seen["empty"] == "NoData"
    assert seen["info"]["fw_version"] == "1.0"
