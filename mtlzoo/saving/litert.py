"""LiteRT, formerly TensorFlow Lite: a `.tflite` file for phones and browsers."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import keras

from mtlzoo.saving.formats import ExportFormat
from mtlzoo.saving.metadata import KEY
from mtlzoo.saving.portable_operations import portable_operations
from mtlzoo.system.startup import held_back


def write(model: keras.Model, metadata: str, path: Path) -> None:
    """Write a plain model, with the metadata in a zip archive at the end of the file.

    A flatbuffer is read from its start and a zip archive from its end; TensorFlow Lite's own metadata uses the same
    way to pack associated files.
    """
    convert(model, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{KEY}.json", metadata)


def convert(model: keras.Model, path: Path, signature: Sequence[keras.InputSpec] | None = None) -> None:
    """Write the file itself.

    Keras' own export in this format, which came with Keras 3.15, does the same with the same settings:
    https://github.com/keras-team/keras/blob/v3.15.1/keras/src/export/litert.py.

    Args:
        model: The plain model.
        path: The file.
        signature: The shape of the input, by default the model's, with batches of any size.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        with portable_operations(model):
            model.export(folder, format="tf_saved_model", verbose=False, input_signature=signature)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
        converter.experimental_enable_resource_variables = True
        # TensorFlow 2.20 warns of settings that it has made itself, whatever the log level.
        with held_back():
            content = converter.convert()
        path.write_bytes(content)


FORMAT = ExportFormat(".tflite", write, exact_suffix=True)
