"""Every Python block of docs/virtual-devices.md runs; blocks with tests run under pytest with the plugin."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "virtual-devices.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
PLUGIN = "vitals.virtual.pytest_plugin"
FAILING = """
import asyncio

def test_a_task_is_left(virtual_time):
    async def main():
        main.left = asyncio.create_task(asyncio.sleep(9))
    virtual_time(main())

def test_an_exception_is_never_retrieved(virtual_time):
    async def fails():
        raise ValueError("lost")
    async def main():
        asyncio.create_task(fails())
        await asyncio.sleep(1)
    virtual_time(main())

def test_a_forgotten_event(virtual_time):
    async def main():
        await asyncio.Event().wait()
    virtual_time(main())
"""


def run_pytest(folder: Path, code: str) -> tuple[int, str]:
    """Exit status and output of pytest over `code`, in a project of its own."""
    (folder / "test_app.py").write_text(code, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    registered = any(point.value == PLUGIN for point in importlib.metadata.entry_points(group="pytest11"))
    load = [] if registered else ["-p", PLUGIN]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio", *load, "test_app.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_page_has_its_blocks() -> None:
    assert len(BLOCKS) >= 6


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_runs(number: int, tmp_path: Path) -> None:
    block = BLOCKS[number]
    if "def test_" in block:
        status, said = run_pytest(tmp_path, block)
        assert status == 0, said
        assert f"{block.count('def test_')} passed" in said
    else:
        exec(compile(block, f"{PAGE.name}, block {number}", "exec"), {"__name__": "example"})


def test_what_is_left_behind_fails_the_test(tmp_path: Path) -> None:
    status, said = run_pytest(tmp_path, FAILING)
    assert status == 1
    assert "tasks left" in said
    assert "lost" in said
    assert "virtual time deadlock" in said
    assert re.search(r"2 failed, 1 passed, 1 error", said), said  # what is told at teardown is an error


def test_the_plugin_loads_as_an_entry_point(tmp_path: Path) -> None:
    """As it is installed: a distribution whose metadata names it, and no option on the command line."""
    metadata = tmp_path / "site" / "virtual_app-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: virtual-app\nVersion: 1\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[pytest11]\nvitals = {PLUGIN}\n", encoding="utf-8")
    (tmp_path / "test_it.py").write_text("def test_it(radio):\n    radio.drop()\n", encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    site = str(tmp_path / "site")
    code = f"import sys; sys.path.append({site!r}); import pytest; sys.exit(pytest.main(['-q', '-p', 'no:asyncio']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
