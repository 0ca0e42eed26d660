"""TensorFlow's SavedModel: a folder."""

from __future__ import annotations

from pathlib import Path

import keras

from mtlzoo.files import FolderKind
from mtlzoo.saving.formats import ExportFormat, Run
from mtlzoo.saving.metadata import KEY

FOLDER = FolderKind(
    name="a SavedModel",
    marker=f"assets.extra/{KEY}.json",
    keys=("heads",),
    files=(
        "saved_model.pb",
        "fingerprint.pb",
        "keras_metadata.pb",
        "variables/variables.*",
        "assets/",
        f"assets.extra/{KEY}.json",
    ),
)


def write(model: keras.Model, metadata: str, path: Path) -> None:
    """Write a plain model, and the metadata as `assets.extra/mtlzoo.json`, where TensorFlow leaves room for others."""
    model.export(path, format="tf_saved_model", verbose=False)
    extra = path / "assets.extra"
    extra.mkdir()
    (extra / f"{KEY}.json").write_text(metadata, encoding="utf-8")


def open_signature(path: Path) -> Run:
    """What the folder puts out where TensorFlow serves it."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return lambda images: loaded.signatures["serving_default"](tf.constant(images))


FORMAT = ExportFormat("", write, FOLDER, open=open_signature)
