"""LiteRT, formerly TensorFlow Lite: a `.tflite` file for phones and browsers."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mtlzoo.runtimes.litert import LiteRTRuntime
from mtlzoo.saving.formats import ExportFormat, Run
from mtlzoo.saving.metadata import KEY
from mtlzoo.saving.portable_operations import portable_operations
from mtlzoo.system.startup import held_back

PRECISIONS = ("float32", "float16", "dynamic", "int8")


def write(
    model: keras.Model,
    metadata: str,
    path: Path,
    *,
    precision: str = "float32",
    images: np.ndarray | None = None,
    keep_float: bool = False,
) -> None:
    """Write a plain model, with the metadata in a zip archive at the end of the file.

    A flatbuffer is read from its start and a zip archive from its end; TensorFlow Lite's own metadata uses the same
    way to pack associated files.

    Args:
        model: The plain model.
        metadata: Its heads as a JSON text.
        path: The file.
        precision: `"float32"`; `"float16"`, weights of half the size; `"dynamic"`, weights of 8 bits, and layers that turn
            what comes in to 8 bits as they go; `"int8"`, all in 8 bits, with ranges that were seen in images.
        images: For `"int8"`.
        keep_float: With `"int8"`, whether dense layers, those of the heads above all, stay in float32.
    """
    convert(model, path, precision=precision, images=images, keep_float=keep_float)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{KEY}.json", metadata)


def convert(
    model: keras.Model,
    path: Path,
    signature: Sequence[keras.InputSpec] | None = None,
    *,
    precision: str = "float32",
    images: np.ndarray | None = None,
    keep_float: bool = False,
) -> None:
    """Write the file itself.

    Keras' own export in this format, which came with Keras 3.15, does the same with the same settings:
    https://github.com/keras-team/keras/blob/v3.15.1/keras/src/export/litert.py.

    Args:
        model: The plain model.
        path: The file.
        signature: The shape of the input, by default the model's, with batches of any size.
        precision: As in :func:`write`.
        images: For `"int8"`.
        keep_float: As in :func:`write`.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:  # where there is room for the file, too
        with portable_operations(model):
            model.export(folder, format="tf_saved_model", verbose=False, input_signature=signature)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
        converter.experimental_enable_resource_variables = True
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        # TensorFlow 2.20 warns of settings that it has made itself, whatever the log level.
        with held_back():
            if precision == "int8" and images is not None:
                content = _quantized(converter, images, keep_float)
            else:
                content = converter.convert()
        path.write_bytes(content)


def _quantized(converter: Any, images: np.ndarray, keep_float: bool) -> bytes:
    """The file with all in 8 bits but its input and outputs; operations without such a form stay in float32."""
    import tensorflow as tf

    def examples() -> Iterator[list[np.ndarray]]:
        for image in images:
            yield [image[None].astype("float32")]

    converter.representative_dataset = examples
    if not keep_float:
        return bytes(converter.convert())
    debug = tf.lite.experimental
    options = debug.QuantizationDebugOptions(denylisted_ops=["FULLY_CONNECTED", "SOFTMAX", "LOGISTIC"])
    debugger = debug.QuantizationDebugger(converter=converter, debug_dataset=examples, debug_options=options)
    return bytes(debugger.get_nondebug_quantized_model())


def open_file(path: Path) -> Run:
    """What a file puts out where LiteRT runs it."""
    return LiteRTRuntime(path).run


FORMAT = ExportFormat(".tflite", write, exact_suffix=True, open=open_file, measures=True, precisions=PRECISIONS)
