"""The same seed gives the same soak on another Python: hash seeds, dictionaries and event loops have no part in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaigns.link_soak import soak

ROOT = Path(__file__).parents[2]
NEEDS = "import bleak, bumble, numpy, psutil, scipy"
OTHER = os.environ.get("VITALS_OTHER_PYTHON") or shutil.which("python3.13")  # with the same versions of NEEDS


def in_other_python(code: str) -> subprocess.CompletedProcess[str]:
    assert OTHER is not None
    path = os.pathsep.join(map(str, (ROOT, ROOT / "signal", ROOT / "models")))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "11"}
    return subprocess.run([OTHER, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_a_seed_gives_the_same_digest_on_another_python() -> None:
    if OTHER is None:
        pytest.skip("no other Python here: name one in VITALS_OTHER_PYTHON")
    if in_other_python(NEEDS).returncode:
        pytest.skip(f"{OTHER} cannot {NEEDS}")
    there = in_other_python(
        "import sys; from tests.campaigns.link_soak import soak;"
        "print(sys.version_info[:2], soak(0.1, 3, 7, 'h10').digest)"
    )
    assert there.returncode == 0, there.stderr
    version, _, digest = there.stdout.strip().rpartition(" ")
    assert version != str(sys.version_info[:2])
    assert digest == soak(0.1, 3, 7, "h10").digest
