"""Every example of a docstring runs, with the names of its module, and with tables and a model as its reader has them.

What an example may use without making it is in :func:`folder` and :func:`names`. Its model runs without a graph: most
examples train for a few steps, of which tracing would take nearly all the time.
"""

from __future__ import annotations

import importlib
import shutil
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from asked import usually
from code_blocks import blocks, documented, run
from eager import eager_steps

import mtlzoo as mtl

NOT_RUN = {
    "mtlzoo": "downloads weights and trains for minutes",  # the whole recipe, which the README's blocks run in small
    "mtlzoo.serving.many.on_ray.predict_on_ray": "needs Ray; tests/unit/serving/test_on_ray.py calls it",
    "mtlzoo.serving.server.serve": "serves until it is stopped",
}
PACKAGE = Path(mtl.__file__).parent
ROWS = 24
FILES = {"model.h5": "mtl.load_model", "model.tflite": "open_runtime"}  # files that are there, and for which examples
# They train for many seconds.
LONG = {
    "mtlzoo.auditing.result.Audit",
    "mtlzoo.plotting.balancing.plot_balancing",
    "mtlzoo.serving.measuring.benchmark",
    "mtlzoo.training.balancing_monitor.BalancingMonitor",
    "mtlzoo.training.feature_cache.FeatureCache",
    "mtlzoo.training.learning_rate_finder.find_learning_rate",
    "mtlzoo.training.task_stopping.TaskwiseEarlyStopping",
    "mtlzoo.training.tracking.tracking.Tracking",
}
FASHIONS = ["short", "knee", "long"]


def examples() -> dict[str, tuple[str, list[str]]]:
    """The module and the blocks of each docstring that has any, by its name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        for name, text in documented(path):
            if code := blocks("python", text):
                found[f"{module}.{name}".removesuffix(".")] = (module, code)
    return found


EXAMPLES = examples()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Images, label files and published sets by the names that examples give them."""
    folder = tmp_path_factory.mktemp("reader")
    rng, rows = np.random.default_rng(0), np.arange(ROWS)
    for name in [*(f"images/{'ab'[row % 2]}/{row}.png" for row in rows), "face.jpg", "coat.jpg", "=1+1.png"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (32, 32, 3), np.uint8))
    images = [f"images/{'ab'[row % 2]}/{row}.png" for row in rows]
    told = {"sender_id": rows // 2, "split": ["train", "train", "val", "test"] * (ROWS // 4)}
    columns = {**told, "garment": np.array(["coat", "dress"])[rows % 2], "kids": np.where(rows % 3, "yes", "no")}
    pd.DataFrame({"image": images, **columns}).to_csv(folder / "labels.csv", index=False)
    mtl.data.make_fashionai(folder / "fashionAI", images=16)
    mtl.data.make_shapes(folder / "shapes", images=4)
    mtl.data.make_faces(folder / "UTKFace", images=4)
    mtl.data.make_faces(folder / "MTFL", images=4, layout="mtfl")
    return folder


@pytest.fixture(scope="module")
def table(folder) -> mtl.data.LabelTable:
    """A table with heads and columns by the names that examples give them."""
    rows = np.arange(ROWS)
    frame = pd.DataFrame(
        {
            "image": [f"images/{'ab'[row % 2]}/{row}.png" for row in rows],
            "coat_length": np.array([*FASHIONS, None], object)[rows % 4],
            "gender": np.array(["male", "female"], object)[rows // 2 % 2],
            "age": 20.0 + rows,
            "ethnicity": np.array(["a", "b", "c"], object)[rows // 4 % 3],
            "points": [[(0.25, row / ROWS), (0.75, 0.5)] for row in rows],
            "sender_id": rows // 2,
        }
    )
    heads = {
        "coat_length": mtl.ClassificationHead(FASHIONS),
        "gender": mtl.BinaryHead(labels=["male", "female"]),
        "age": mtl.RegressionHead(),
        "ethnicity": mtl.ClassificationHead(["a", "b", "c"]),
        "points": mtl.LandmarkHead(["left", "right"]),
    }
    return mtl.data.LabelTable(frame, heads, root=folder)


@pytest.fixture(scope="module")
def names(folder, table) -> dict[str, Any]:
    """The names that every example knows: libraries, a table, its two parts, and a model of its heads."""
    import keras
    from keras import layers, ops

    images = keras.Input((224, 224, 3))
    x = images
    for name in ["conv_pw_9", "conv_pw_10", "conv_pw_11"]:
        x = layers.Conv2D(4, 3, strides=4, activation="relu", name=name)(x)
    train, valid = mtl.data.split(table, [0.5, 0.5])
    model = mtl.build(keras.Model(images, x, name="tiny"), table.heads, weights=None, preprocessing="tf")
    for name in FILES:
        mtl.export(model, folder / name)
    libraries = {"mtl": mtl, "keras": keras, "np": np, "ops": ops, "pd": pd, "Path": Path}
    dataset = mtl.data.image_dataset(train, (224, 224))
    data = {"table": table, "train": train, "valid": valid, "test": valid, "dataset": dataset, "frame": table.frame}
    return {**libraries, **data, "model": model, "images": next(iter(dataset))[0]}


@pytest.mark.slow
@pytest.mark.parametrize("name", usually(EXAMPLES.keys() - LONG, EXAMPLES))
def test_example(name, names, folder, tmp_path, monkeypatch):
    if name in NOT_RUN:
        pytest.skip(NOT_RUN[name])
    module, code = EXAMPLES[name]
    monkeypatch.chdir(shutil.copytree(folder, tmp_path / "reader"))
    for file, reader in FILES.items():
        if reader not in "".join(code):
            Path(file).unlink()
    names["model"].trainable = True
    names["model"].compile()
    with warnings.catch_warnings(), eager_steps():
        warnings.simplefilter("ignore", UserWarning)  # of so few rows
        run(code, name, {**vars(importlib.import_module(module)), **names})
