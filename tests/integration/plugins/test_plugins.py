"""One of each kind from a package of somebody else's: trained with, reported, exported, on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest
from code_blocks import blocks

PAGE = (Path(__file__).parents[3] / "docs" / "guides" / "plugins.md").read_text(encoding="utf-8")
USE = """
import contextlib, io, json
import numpy as np
from mtlzoo.cli.main import main
import mtlzoo as mtl

def run(*arguments):
    assert main(list(arguments)) == 0, arguments

def printed(*arguments):
    page = io.StringIO()
    with contextlib.redirect_stdout(page), contextlib.suppress(SystemExit):
        main(list(arguments))
    return " ".join(page.getvalue().split())

listed = printed("models", "spe*")
pages = printed("train", "--help") + printed("export", "--help")
heads = ["--heads", "grade=stars:1,2,3", "price=regression:loss=log_cosh"]
how = ["--backbone", "speck", "--option", "filters=6", "--balancing", "largest", "--augment", "gentle"]
fit = ["--stages", "all:2:1e-3", "--batch-size", "8", "--out", "run"]
run("train", "labels.txt", "--format", "bars", *heads, *how, *fit)
run("evaluate", "run/model.h5", "labels.txt", "--format", "bars", "--out", "report")
run("export", "run/model.h5", "model.npz")
model = mtl.load_model("run/model.h5")
with np.load("model.npz") as arrays:
    weights, metadata = len(arrays.files) - 1, json.loads(str(arrays["metadata"]))
built = mtl.Speck({"grade": 3}, (16, 16, 3))
try:
    mtl.balancing.get_balancing("broken")
except mtl.errors.PluginError as error:
    broken = str(error)
with contextlib.suppress(ImportError):
    import warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        methods = list(mtl.balancing.BALANCING)
print(json.dumps({
    "listed": listed,
    "pages": pages,
    "kinds": [type(head).__name__ for head in model.heads.values()],
    "loss": type(model.heads["price"].loss()).__name__,
    "filters": model.backbone.output.shape[-1],
    "weights": weights == len(model.get_weights()),
    "metadata": [entry["kind"] for entry in metadata["heads"].values()],
    "built": built.backbone.preprocessing,
    "broken": broken,
    "warned": [str(warning.message) for warning in caught],
    "methods": methods,
}))
"""


@pytest.fixture
def site(tmp_path):
    """A folder of installed packages: the one of the page, with one more entry that cannot be loaded."""
    folder = tmp_path / "site"
    about = folder / "speckle_for_mtlzoo-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "speckle.py").write_text(blocks("python", PAGE)[0], encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: speckle-for-mtlzoo\nVersion: 1.0\n")
    groups = tomllib.loads(blocks("toml", PAGE)[0])["project"]["entry-points"]
    groups["mtlzoo.balancing"]["broken"] = "speckle_that_is_not_there:Method"
    groups["mtlzoo.balancing"]["mgda"] = "speckle:LargestLoss"
    lines = [
        line for group, points in groups.items() for line in (f"[{group}]", *(f"{k} = {v}" for k, v in points.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def labels(tmp_path, rng):
    """Twenty-four small images, and a table that no reader of the package knows."""
    lines = ["image|grade|price"]
    for row in range(24):
        image = rng.integers(0, 60, (20, 20, 3), np.uint8) + np.uint8(60 * (row % 3))
        cv2.imwrite(str(tmp_path / f"{row}.png"), image)
        lines.append(f"{row}.png|{row % 3 + 1}|{row % 3 * 10 + 5}")
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.slow
def test_one_of_each_from_another_package_is_as_good_as_ours(site, labels):
    path = os.pathsep.join([str(site), *(entry for entry in sys.path if entry)])
    process = subprocess.run(
        [sys.executable, "-c", USE],
        capture_output=True,
        text=True,
        cwd=labels.parent,
        env={**os.environ, "PYTHONPATH": path},
        timeout=300,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    found = json.loads(process.stdout.splitlines()[-1])
    assert found["kinds"] == ["StarsHead", "RegressionHead"]
    assert found["metadata"] == ["stars", "regression"]
    assert (found["loss"], found["filters"], found["built"]) == ("LogCosh", 6, "tf")
    assert found["weights"]
    assert "Speck" in found["listed"]
    for name in ("stars", "largest", "bars", "arrays", "gentle"):
        assert name in found["pages"], name
    run = labels.parent / "run"
    assert "\n  balancing: largest\n" in (run / "run.yaml").read_text()
    assert {"model.h5", "report.csv"} <= {path.name for path in run.iterdir()}
    assert (labels.parent / "report" / "report.csv").is_file()
    # What cannot be loaded names its package and stops nobody else.
    assert "of the package 'speckle-for-mtlzoo' cannot be loaded" in found["broken"]
    assert "speckle_that_is_not_there" in found["broken"]
    assert any("'speckle-for-mtlzoo'" in line for line in found["warned"])
    assert "largest" in found["methods"]
    assert "broken" not in found["methods"]
    assert any("'mgda', which mtlzoo has already" in line for line in process.stderr.splitlines() + found["warned"])
