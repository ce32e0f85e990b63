"""Every notebook runs from top to bottom on the demo's store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, demo: Any, unlocked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITALS_STORE", str(demo.store))
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    assert all(not cell.get("outputs") for cell in notebook.cells)  # no reader's data is committed
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    kinds = {kind for cell in notebook.cells for out in cell.get("outputs", []) for kind in out.get("data", {})}
    assert "image/png" in kinds
    text = "".join(str(out.get("data", {})) for cell in notebook.cells for out in cell.get("outputs", []))
    assert "irregular_rhythm" in text
