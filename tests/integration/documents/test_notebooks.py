"""Every notebook runs from top to bottom, on a small drawn dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))
SMALL = {
    "balancing": "DATA = Path('data')\nIMAGES = 100\nPIXELS = 32\nEPOCHS = 1\nMETHODS = ['pcgrad']",
    "detection": "DATA = Path('data')\nIMAGES = 100\nPIXELS = 32\nEPOCHS = 1\nWEIGHTS = None",
    "fashionai": "DATA = Path('data')\nIMAGES = 160\nPIXELS = 32\nEPOCHS = 1",
    "hydranet": "DATA = Path('data')\nIMAGES = 100\nPIXELS = 32\nEPOCHS = 1\nWEIGHTS = None",
    "landmarks": "DATA = Path('data')\nIMAGES = 80\nPIXELS = 32\nEPOCHS = 1\nSHORT_EPOCHS = 1",
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    parameters.source = SMALL[path.stem]
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert any("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
