"""What only TensorFlow and XLA know is written for other runtimes in operations that they know."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import mtlzoo as mtl
from mtlzoo.saving.portable_operations import portable_operations


class Kept(layers.Layer):
    """Holds a tensor beside its variables."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.numbers = keras.ops.arange(8, dtype="float32")

    def call(self, inputs):
        return inputs + self.numbers


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 4))
    grouped = layers.Conv2D(8, 3, groups=2, activation="gelu")(Kept()(layers.Conv2D(8, 1)(images)))
    return mtl.build(keras.Model(images, grouped, name="small"), {"kind": 3}, preprocessing="tf")


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (2, 8, 8, 4)).astype("float32")


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_litert(model, pixels, tmp_path):
    mtl.export(model, tmp_path / "model.tflite")
    interpreter = tf.lite.Interpreter(str(tmp_path / "model.tflite"))
    assert not [name for o in interpreter._get_ops_details() if "Flex" in (name := o["op_name"])]
    runner = interpreter.get_signature_runner()
    (source,) = runner.get_input_details()
    np.testing.assert_allclose(runner(**{source: pixels})["kind"], model(pixels)["kind"], atol=1e-5)


def test_onnx(model, pixels, tmp_path):
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    mtl.export(model, tmp_path / "model.onnx")
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"))
    (source,) = session.get_inputs()
    (found,) = session.run(["kind"], {source.name: pixels})
    np.testing.assert_allclose(found, model(pixels)["kind"], atol=1e-5)


def test_all_is_as_before(model):
    gelu, function = tf.nn.gelu, tf.function
    (kept,) = [layer for layer in model.backbone.layers if isinstance(layer, Kept)]
    tensor = kept.numbers
    values = tf.constant([-2.0, 0.0, 3.0])
    with portable_operations(model):
        np.testing.assert_allclose(tf.nn.gelu(values), gelu(values), atol=1e-6)
        np.testing.assert_array_equal(tf.nn.gelu(values, approximate=True), gelu(values, approximate=True))
        assert isinstance(kept.numbers, np.ndarray)
        assert (
            float(tf.function(lambda: tf.constant(1.0))()) == float(tf.function(jit_compile=True)(lambda: 1.0)()) == 1.0
        )
    assert tf.nn.gelu is gelu
    assert tf.function is function
    assert kept.numbers is tensor
