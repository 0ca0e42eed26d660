from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl

HEADS = {"a": 3, "size": mtl.RegressionHead(scale=1.0, mean=0.0), "points": mtl.LandmarkHead(["left", "right"])}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_inside_and_float32_outside(precision, rng, tmp_path):
    model = mtl.build("tcdcn", HEADS, (40, 40, 1), precision=precision)
    assert keras.config.dtype_policy().name == "float32"
    assert {layer.compute_dtype for layer in model.backbone.layers if layer.weights} == {
        precision.removeprefix("mixed_")
    }
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    assert {output.dtype for output in model.outputs} == {"float32"}
    model.compile(keras.optimizers.Adam(1e-3))
    images = rng.integers(0, 256, (8, 40, 40, 1)).astype("uint8")
    labels = {"a": np.arange(8) % 3, "size": rng.normal(size=8).astype("float32")}
    history = model.fit(images, labels, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    path = mtl.export(model, tmp_path / "model.h5")
    again = mtl.load_model(path)
    np.testing.assert_array_equal(keras.models.load_model(path)(images)["a"], model(images)["a"])
    for one in (model, again):
        one.compile("adam")
        assert isinstance(one.optimizer, keras.optimizers.LossScaleOptimizer) == (precision == "mixed_float16")


def test_unknown_precisions_are_refused():
    with pytest.raises(ValueError, match="mixed_float16, mixed_bfloat16, received: 'float16'"):
        mtl.build("tcdcn", HEADS, (40, 40, 1), precision="float16")


@pytest.mark.long
@pytest.mark.slow
def test_xla_does_what_is_asked(rng):
    inputs = keras.Input((8, 8, 3))
    model = mtl.build(keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs)), {"a": 3})
    images, labels = rng.integers(0, 256, (8, 8, 8, 3)).astype("uint8"), {"a": np.arange(8) % 3}
    rows = __import__("tensorflow").data.Dataset.from_tensor_slices((images, labels)).batch(4)
    asked = {}
    for choice in ("auto", True):
        mtl.fit(model, rows, stages=mtl.Stage(1, 1e-3), jit_compile=choice, verbose=False)
        asked[choice] = model.jit_compile
    assert asked == {"auto": False, True: True}
