"""TensorFlow's own operations decode, resize and name as mtlzoo does."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import mtlzoo as mtl
from mtlzoo.evaluation import Predictions
from mtlzoo.heads.decisions import Decision, decided_heads
from mtlzoo.images.loading import load_batch
from mtlzoo.saving.encoded_images import decode_images
from mtlzoo.saving.named_outputs import name_outputs

SIZE = (32, 48)


def file(kind: str, shape: tuple[int, ...], **options) -> bytes:
    """A smooth drawing as a file."""
    small = np.random.default_rng(shape[0]).integers(0, 256, (5, 7, *shape[2:]), "uint8")
    written = io.BytesIO()
    Image.fromarray(cv2.resize(small, shape[1::-1])).save(written, kind, **options)
    return written.getvalue()


def turned(orientation: int, kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return file(kind, (90, 140, 3), exif=exif)


def sixteen_bits() -> bytes:
    small = np.random.default_rng(0).integers(0, 2**16, (5, 7, 3), "uint16")
    return cv2.imencode(".png", cv2.resize(small, (70, 50)))[1].tobytes()


# One entry: the orientation, a short number, 6.
BIG_ENDIAN = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
FILES = {
    "jpeg": file("JPEG", (60, 100, 3)),
    "small jpeg": file("JPEG", (20, 30, 3)),
    "large jpeg": file("JPEG", (401, 533, 3)),
    "tall jpeg": file("JPEG", (300, 40, 3)),
    "gray jpeg": file("JPEG", (100, 100)),
    "progressive jpeg": file("JPEG", (100, 100, 3), progressive=True),
    **{f"turned {number}": turned(number) for number in range(1, 9)},
    "big-endian": file("JPEG", (90, 140, 3), exif=BIG_ENDIAN),
    "png": file("PNG", (60, 100, 3)),
    "transparent png": file("PNG", (401, 533, 4)),
    "sixteen bits": sixteen_bits(),
    "bmp": file("BMP", (60, 100, 3)),
    **({"webp": file("WEBP", (60, 100, 4), lossless=True)} if hasattr(tf.io, "decode_webp") else {}),
}


@pytest.mark.slow
@pytest.mark.parametrize(("resize", "channels"), [("stretch", 3), ("crop", 3), ("pad", 1)])
def test_images_are_those_of_the_pipeline(resize, channels):
    expected, geometry = load_batch(list(FILES.values()), SIZE, resize=resize, channels=channels)
    decode = tf.function(lambda contents: decode_images(contents, SIZE, resize, channels))
    images, way_back = decode(tf.constant(list(FILES.values())))
    off = np.abs(images.numpy() - expected).reshape(len(FILES), -1)
    assert dict(zip(FILES, off.mean(axis=1) > 0.5)) == dict.fromkeys(FILES, False)
    assert off.max() <= 3  # 2 but with TensorFlow 2.19
    corners = np.array([[[0, 0], [1, 0.25], [0.5, 0.5]]] * len(FILES))
    with_one = np.concatenate([corners, np.ones((*corners.shape[:2], 1))], axis=-1)
    np.testing.assert_allclose(
        with_one @ way_back.numpy().transpose(0, 2, 1), geometry.to_image_points(corners), atol=1e-3
    )


def test_what_is_no_image_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_images(tf.constant([b"no image at all"]), SIZE, "stretch", 3)


HEADS = {
    "kind": mtl.ClassificationHead(["coat", "skirt", "shoe"]),
    "kids": mtl.BinaryHead(only_if={"kind": ["skirt", "coat"]}),
    "fit": mtl.OrdinalHead(["slim", "regular", "wide"], only_if={"kids": "yes"}),
    "tags": mtl.MultiLabelHead(["hood", "belt", "zip"], threshold=0.4),
    "listed": mtl.MultiLabelHead(["a;b", "c"], only_if={"tags": ["hood", "zip"]}),
    "price": mtl.RegressionHead(mean=0.0, scale=1.0, only_if={"kind": "coat"}),
    "age": mtl.ExpectationHead([0, 10, 20]),
}


DECISIONS = {
    "kind": Decision(confidence=0.6),
    "kids": Decision(thresholds={"yes": 0.3}),
    "tags": Decision(thresholds={"belt": 0.8}, confidence=0.4),
}


@pytest.mark.parametrize("decisions", [{}, DECISIONS], ids=["plain", "decided"])
def test_names_and_probabilities_are_those_of_the_data_frame(decisions):
    rng = np.random.default_rng(0)

    def shares(count):
        return rng.dirichlet(np.ones(count), 40).astype("float32")

    outputs = {
        **{"kind": shares(3), "kids": rng.random((40, 1), "float32"), "fit": shares(3)},
        **{"tags": rng.random((40, 3), "float32"), "listed": rng.random((40, 2), "float32")},
        **{"price": rng.random((40, 1), "float32"), "age": shares(3)},
    }
    frame = Predictions(outputs, decided_heads(HEADS, decisions), decisions=decisions).to_frame(probabilities=True)
    assert ("not sure" in set(frame["kind"])) == bool(decisions)
    told = {name: value.numpy() for name, value in name_outputs(HEADS, outputs, decisions).items()}
    for name in ("kind", "kids", "fit", "tags", "listed"):
        assert [text.decode() for text in told[name]] == frame[name].tolist()
        np.testing.assert_allclose(told[f"{name}_probability"], frame[f"{name}_probability"], atol=1e-5)
        for place, label in enumerate(HEADS[name].names):
            if f"{name}:{label}" in frame:  # of two classes the second
                every = told[f"{name}_probabilities"]
                np.testing.assert_allclose(every[:, place], frame[f"{name}:{label}"], atol=1e-5)
    for name in ("price", "age"):
        np.testing.assert_allclose(told[name][:, 0], frame[name], rtol=1e-5)
    assert {"not applicable"} <= set(frame["fit"]) & set(frame["listed"])
    assert frame["price"].isna().any()
