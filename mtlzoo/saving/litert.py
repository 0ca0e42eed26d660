"""LiteRT, formerly TensorFlow Lite: a `.tflite` file for phones and browsers."""

from __future__ import annotations

import zipfile
from pathlib import Path

import keras

from mtlzoo.saving.formats import ExportFormat
from mtlzoo.saving.metadata import KEY


def write(model: keras.Model, metadata: str, path: Path) -> None:
    """Write a plain model, with the metadata in a zip archive at the end of the file.

    A flatbuffer is read from its start and a zip archive from its end; TensorFlow Lite's own metadata uses the same
    way to pack associated files.
    """
    model.export(path, format="litert", verbose=False)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{KEY}.json", metadata)


FORMAT = ExportFormat(".tflite", write, exact_suffix=True)
