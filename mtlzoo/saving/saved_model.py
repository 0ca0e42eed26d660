"""TensorFlow's SavedModel: a folder."""

from __future__ import annotations

from pathlib import Path

import keras

from mtlzoo.files import FolderKind
from mtlzoo.saving.formats import ExportFormat
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


FORMAT = ExportFormat("", write, FOLDER)
