"""Every notebook opens in Colab, and runs from top to bottom, on few images and with a small network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import quick_tensorflow

if TYPE_CHECKING:
    from jupyter_client import KernelManager

pytestmark = pytest.mark.long
NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))
SMALL = {
    "balancing": "IMAGES = 60\nPIXELS = 32\nEPOCHS = 1\nMETHODS = ['pcgrad']\nCHANNELS = (8,)",
    "detection": "IMAGES = 80\nPIXELS = 32\nEPOCHS = 1\nWEIGHTS = None\nLAYER = 'conv_pw_1_relu'",
    "fashionai": "IMAGES = 160\nPIXELS = 32\nEPOCHS = 1\nCHANNELS = (8,)",
    "hydranet": "IMAGES = 100\nPIXELS = 32\nEPOCHS = 1\nWEIGHTS = None\nLAYER = 'conv_pw_1_relu'",
    "labels": "EVERY = 25\nPIXELS = 32\nEPOCHS = 1\nSEEDS = (0,)\nKEPT = (6,)",
    "landmarks": "IMAGES = 80\nPIXELS = 32\nEPOCHS = 1\nSHORT_EPOCHS = 1\nCHANNELS = (8,)",
    "quickstart": "EVERY = 25\nPIXELS = 32\nEPOCHS = 1",
}
COLAB = "https://colab.research.google.com/github/mtlzoo/mtlzoo/blob/main/notebooks"
INSTALL = """try:
    import mtlzoo as mtl
except ImportError:  # as in a new Colab runtime
    %pip install -q mtlzoo
    import mtlzoo as mtl"""

QUICK = f"""import sys
sys.path.append({str(Path(quick_tensorflow.__file__).parent)!r})
import mtlzoo, keras
from quick_tensorflow import prepare_tensorflow
prepare_tensorflow()
keras.Model.run_eagerly = property(lambda model: True, lambda model, value: None)"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What the kernel works in; unlike `tmp_path` it stays there between two notebooks."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def kernel(folder) -> Iterator[KernelManager]:
    """One kernel for all notebooks: loading TensorFlow takes most of the time of a small one."""
    from jupyter_client import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder))
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, kernel, folder):
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert _names(SMALL[path.stem]) <= _names(parameters.source)
    data = "DATA = Path('data')\n" if "DATA" in _names(parameters.source) else ""
    parameters.source = data + SMALL[path.stem]
    (folder / path.stem).mkdir()
    # Quick steps and none that is compiled, as in other tests (`tests/support/eager.py`); no names of the one before it,
    # and a folder of its own.
    notebook.cells.insert(0, nbformat.v4.new_code_cell(f"{QUICK}\n%reset -f\n%cd -q {folder / path.stem}"))
    client = NotebookClient(notebook, km=kernel, timeout=600)
    try:
        client.execute()
    finally:
        client.kc.stop_channels()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    errors = [output["text"] for output in outputs if output.get("name") == "stderr"]
    assert [text for text in errors if re.search("absl::|cuda|oneDNN|XLA", text)] == []  # TensorFlow's start-up lines
    assert any("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_opens_in_colab_and_installs_what_is_not_there(path):
    top, install = json.loads(path.read_text(encoding="utf-8"))["cells"][:2]
    badge = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    assert "".join(top["source"]).splitlines()[0] == f"{badge}({COLAB}/{path.name})"
    assert "".join(install["source"]) == INSTALL
    assert install["outputs"] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_printed_is_tidy(path):
    outputs = [
        output for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] for output in cell.get("outputs", [])
    ]
    assert outputs
    assert [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"] == []
    assert [text for output in outputs for text in output.get("text", []) if "\r" in text] == []


def _names(code: str) -> set[str]:
    """The names that lines of parameters give a value."""
    return {line.split(" = ")[0] for line in code.splitlines()}
