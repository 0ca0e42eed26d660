from __future__ import annotations

import keras
import numpy as np
import pytest

from mtlzoo.backbones import BACKBONES, preprocess

# One family a line; the module in `keras.applications` and one of its models.
FAMILIES = {
    "xception": "Xception",
    "vgg16": "VGG16",
    "vgg19": "VGG19",
    "resnet": "ResNet50",
    "resnet_v2": "ResNet50V2",
    "inception_v3": "InceptionV3",
    "inception_resnet_v2": "InceptionResNetV2",
    "mobilenet": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3": "MobileNetV3Small",
    "densenet": "DenseNet121",
    "nasnet": "NASNetMobile",
    "efficientnet": "EfficientNetB0",
    "efficientnet_v2": "EfficientNetV2B0",
    "convnext": "ConvNeXtTiny",
}


def preprocessing_model(mode: str, shape: tuple, dtype: str = "float32") -> keras.Model:
    inputs = keras.Input(shape, dtype=dtype)
    outputs = preprocess(inputs, mode)
    # Keras 3.10 makes no model of an input alone.
    return keras.Model(inputs, keras.layers.Identity()(inputs) if outputs is inputs else outputs)


@pytest.mark.parametrize("module", FAMILIES)
def test_equals_preprocess_input(module, images):
    batch = images(2, 9, 7)
    expected = getattr(keras.applications, module).preprocess_input(batch.copy())
    model = preprocessing_model(BACKBONES[FAMILIES[module]].preprocessing, (9, 7, 3))
    np.testing.assert_allclose(model(batch), expected, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_takes_bytes_of_any_size_and_any_policy(mode, images):
    batch = images(2, 9, 7).astype("uint8")
    expected = keras.applications.imagenet_utils.preprocess_input(batch.astype("float32"), mode=mode)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = preprocessing_model(mode, (None, None, 3), dtype="uint8")
    finally:
        keras.config.set_dtype_policy("float32")
    result = model(batch)
    assert model.output.dtype == "float32"
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_is_built_in_and_has_nothing_to_train(mode):
    model = preprocessing_model(mode, (9, 7, 3))
    assert model.layers[-1].name == "preprocessing"
    assert model.weights == []
    assert all(getattr(keras.layers, type(operation).__name__) is type(operation) for operation in model.operations)
    assert not any(isinstance(layer, keras.layers.Lambda) for layer in model.layers)


@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_survives_h5(mode, images, tmp_path):
    model, batch = preprocessing_model(mode, (9, 7, 3)), images(2, 9, 7)
    model.save(tmp_path / "model.h5")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.h5")(batch), model(batch))


def test_one_channel_gets_the_average_constants():
    grey = np.full((1, 2, 2, 1), 100.0, "float32")
    assert preprocessing_model("caffe", (2, 2, 1))(grey).numpy().ravel()[0] == pytest.approx(100 - 114.799333, abs=1e-4)
    expected = (100 / 255 - 0.449) / 0.226
    assert preprocessing_model("torch", (2, 2, 1))(grey).numpy().ravel()[0] == pytest.approx(expected, abs=1e-5)


def test_none_leaves_the_images_alone():
    images = keras.Input((8, 8, 3))
    assert preprocess(images, "none") is images


def test_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match=r"Expected one of the modes .*received: 'imagenet'"):
        preprocess(keras.Input((8, 8, 3)), "imagenet")
    with pytest.raises(ValueError, match=r"Expected images of 1 or 3 channels.*\(None, 8, 8, 4\)"):
        preprocess(keras.Input((8, 8, 4)), "torch")
