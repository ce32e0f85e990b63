"""Fixtures that every room shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real recordings and foreign frames: `VITALS_DATA`, by default `../shared` beside the project."""
    folder = Path(os.environ.get("VITALS_DATA") or ROOT.parent / "shared")
    if not (folder / "data").is_dir():
        reason = f"no recordings at {folder} (set VITALS_DATA to the folder that holds data/ and frames/)"
        if os.environ.get("VITALS_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
