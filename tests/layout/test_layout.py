"""The house stands as drawn: no shadowed standard library, pinned names, light imports, a whole wheel."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import vitals

ROOT = Path(__file__).resolve().parent.parent.parent
HEAVY = [
    "scipy", "pandas", "ai_edge_litert", "tflite_runtime", "sklearn", "sqlite_utils", "bleak", "matplotlib", "bumble",
    "sqlcipher3", "cryptography", "zstandard", "pyrage", "wfdb",
]  # fmt: skip


def child(code: str, *, cwd: Path = ROOT) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(statement: str) -> set[str]:
    out = child(f"{statement}\nimport sys, json\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))")
    return set(json.loads(out.splitlines()[-1]))


def test_no_python_file_lies_directly_in_signal_or_models() -> None:
    assert [p.name for folder in ("signal", "models") for p in (ROOT / folder).glob("*.py")] == []


def test_the_standard_librarys_signal_is_not_shadowed_in_the_root() -> None:
    code = "import asyncio, signal\nasyncio.run(asyncio.sleep(0))\nprint(int(signal.SIGTERM), signal.getsignal)"
    assert child(code).startswith("15 ")


def test_no_module_is_named_like_the_standard_library_or_like_a_public_function() -> None:
    modules = [
        p for top in ("vitals", "signal/vitals_signal", "models/vitals_models") for p in (ROOT / top).rglob("*.py")
    ]
    names = {p.stem if p.stem != "__init__" else p.parent.name for p in modules} - {"__main__"}
    assert names & set(sys.stdlib_module_names) == set()
    functions = {"connect", "discover", "keyring", "monitor", "replay", "passphrase"}
    assert {p.stem for p in (ROOT / "vitals").glob("*.py")} & functions == set()


PUBLIC = [
    "Backend", "Block", "Device", "DeviceInfo", "Event", "EventState", "Features", "Found", "Gap", "Monitoring",
    "Store", "VitalsError", "connect", "discover", "keyring", "models", "monitor", "passphrase", "recovery", "replay",
    "signal", "virtual",
]  # fmt: skip


def test_public_names_are_pinned() -> None:
    assert sorted(vitals.__all__) == PUBLIC
    assert all(getattr(vitals, name) is not None for name in PUBLIC)


def test_import_vitals_loads_nothing_heavy() -> None:
    assert loaded("import vitals") & set(HEAVY) == set()


def test_import_vitals_values_and_engine_load_numpy_only() -> None:
    assert loaded("import vitals.values, vitals.intake, vitals.device, vitals.monitoring") & set(HEAVY) == set()


def test_import_vitals_signal_and_models_load_numpy_only() -> None:
    assert loaded("import vitals_signal, vitals_models") & set(HEAVY) == set()


def test_help_is_light() -> None:
    code = ["import sys", "sys.argv = ['vitals', '--help']", "from vitals.cli import main", "assert main() == 0"]
    assert loaded("\n".join(code)) & {*HEAVY, "numpy"} == set()


def test_no_dependency_with_telemetry_is_declared_or_locked() -> None:
    locked = (ROOT / "requirements.lock").read_text() + (ROOT / "pyproject.toml").read_text()
    for name in ("ray", "flwr", "sentry-sdk", "posthog", "analytics-python", "opentelemetry", "datadog", "wandb"):
        assert f"\n{name}" not in locked
        assert f'"{name}' not in locked


def test_locks_hold_hashes_and_no_index_address() -> None:
    for lock in ("requirements.lock", "requirements-demo.lock"):
        text = (ROOT / lock).read_text()
        assert "--hash=sha256:" in text
        assert "http" not in text.replace("aiohttp", "").replace("httpx", "").replace("httpcore", "")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys\nfrom hatchling.build import build_wheel\nprint(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_three_packages_and_the_model_that_loads(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path)
    assert {n.split("/")[0] for n in names if ".dist-info" not in n} == {"vitals", "vitals_signal", "vitals_models"}
    for package in ("vitals", "vitals_signal", "vitals_models"):
        assert f"{package}/py.typed" in names
    assert any(n.endswith(".dist-info/licenses/NOTICE") for n in names)
    code = (
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "import vitals_models\nassert vitals_models.__file__.startswith(sys.path[0])\n"
        "print(len(vitals_models.load('irregular-rhythm').card.features))"
    )
    assert int(child(code, cwd=tmp_path)) > 4
