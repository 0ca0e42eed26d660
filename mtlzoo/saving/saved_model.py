"""TensorFlow's SavedModel: a folder, with a signature for pixels and one for the bytes of image files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from mtlzoo.files import FolderKind
from mtlzoo.saving.encoded_images import decode_images
from mtlzoo.saving.formats import ExportFormat, Run
from mtlzoo.saving.metadata import KEY, read
from mtlzoo.saving.named_outputs import name_outputs

BYTES, IMAGE_FROM_INPUT = "serving_bytes", "image_from_input"
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
    if keras.backend.backend() == "tensorflow":
        _write_signatures(model, metadata, path)
    else:
        model.export(path, format="tf_saved_model", verbose=False)
    extra = path / "assets.extra"
    extra.mkdir()
    (extra / f"{KEY}.json").write_text(metadata, encoding="utf-8")


def _write_signatures(model: keras.Model, metadata: str, path: Path) -> None:
    """`serving_default` as `model.export` writes it, and `serving_bytes` besides."""
    import tensorflow as tf

    told = read(metadata)
    (images,) = model.inputs
    archive = keras.export.ExportArchive()
    pixels = archive.track_and_add_endpoint("serve", model, [keras.InputSpec(shape=images.shape, dtype=images.dtype)])

    def from_bytes(contents: Any) -> dict[str, Any]:
        height, width, channels = images.shape[1:]
        loaded, way_back = decode_images(contents, (height, width), told["resize"], channels)
        named = name_outputs(told["heads"], pixels(tf.cast(loaded, images.dtype)), told["calibration"].decisions)
        if any(head.spatial for head in told["heads"].values()):
            named[IMAGE_FROM_INPUT] = way_back
        return named

    if None not in images.shape[1:] and images.shape[-1] in (1, 3):  # as image files have them
        archive.add_endpoint(BYTES, from_bytes, [tf.TensorSpec((None,), tf.string, "images")])
    archive.write_out(path, verbose=False)


def open_signature(path: Path) -> Run:
    """What the folder puts out where TensorFlow serves it."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return lambda images: loaded.signatures["serving_default"](tf.constant(images))


FORMAT = ExportFormat("", write, FOLDER, open=open_signature)
