"""One tester that every backbone runs through: built as the registry says, of built-in layers.

The first of each family goes forwards, backwards and through an `.h5` file; with `scripts/test --all` all others do so too.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from asked import ALL, usually
from families import FIRST
from memory import release_memory
from quick_groups import convolve_quickly
from quick_weights import draw_from_pool, start_at_zero

import mtlzoo as mtl
from mtlzoo.backbones import expected_preprocessing
from mtlzoo.backbones.registry import BACKBONES
from mtlzoo.keras_compat import flatten_layers
from mtlzoo.models.batch_norm import MOMENTUM, fitting_momentum, keeping_up, normalization_layers

WHOLE = BACKBONES if ALL else FIRST
# Others take longer, or are much like these.
USUAL = ["MobileNetV2", "EfficientNetLite0", "ResNet50", "TCDCN"]
HEADS = {"kind": 3, "size": mtl.RegressionHead(mean=5.0, scale=2.0)}
WIDER = [name for name in BACKBONES if name.startswith("ConvNeXt") and name != "ConvNeXtTiny"]


def pixels(name: str) -> int:
    return max(BACKBONES[name].minimum_size[0], 32)


@pytest.fixture(autouse=True)
def _memory_is_given_back_each_time():
    """The next one may be larger. Python looks for garbage then only: among this many layers it would do so all the time."""
    gc.disable()
    yield
    gc.enable()
    release_memory()


@pytest.fixture(autouse=True)
def _quick_groups(request, monkeypatch):
    """The wider ConvNeXts are ConvNeXtTiny with more of the same blocks; ConvNeXtTiny goes the way of users."""
    if request.getfixturevalue("name") in WIDER:
        convolve_quickly(monkeypatch)


def built(name: str, rng: np.random.Generator) -> tuple[keras.Model, keras.Model]:
    """The network with heads, and that of `keras.applications` which it was made from."""
    spec = BACKBONES[name]
    module, made = importlib.import_module(spec.module), []
    constructor = getattr(module, name)

    @functools.wraps(constructor)
    def keep(*args, **kwargs):
        made.append(constructor(*args, **kwargs))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, keep)
        if name in WHOLE:
            draw_from_pool(patch, rng)
        else:
            start_at_zero(patch)
        model = getattr(mtl, name)(HEADS, input_shape=(pixels(name), pixels(name), 3), weights=None)
    (original,) = made
    return model, original


def assert_it_is_what_the_registry_says(name: str, model: keras.Model, original: keras.Model) -> None:
    spec, (height, width) = BACKBONES[name], BACKBONES[name].minimum_size
    if spec.module == "keras.applications":
        assert original.count_params() == spec.parameters
        with pytest.raises(ValueError, match=r"[Ii]nput size must be at least"):
            getattr(keras.applications, name)(input_shape=(height - 1, width - 1, 3), weights=None, include_top=False)
        # It is known whatever it is called, and cut.
        cut = keras.Model(original.input, original.layers[-2].output, name="features")
        assert [expected_preprocessing(each) for each in (original, cut)] == [spec.preprocessing] * 2
    assert model.backbone.preprocessing == spec.preprocessing


def assert_it_is_made_of_builtin_layers(model: keras.Model, original: keras.Model) -> None:
    kinds = {type(part) for part in (*model.backbone.operations, *flatten_layers(model.backbone))}
    assert [kind for kind in kinds - {keras.Sequential} if getattr(keras.layers, kind.__name__, None) is not kind] == []
    assert model.backbone.output_shape == original.output_shape
    assert model.backbone.count_params() == original.count_params()
    assert len({weight.path for weight in model.weights}) == len(model.weights)  # a file tells them apart by it


def assert_its_statistics_keep_up(model: keras.Model, original: keras.Model) -> None:
    """What trained for long on ImageNet has a momentum to match, in layers of Keras that are all found."""
    found = normalization_layers(model)
    assert len(found) == len(normalization_layers(original))
    assert all(layer.momentum <= MOMENTUM for layer in found)
    with keeping_up(model, 1):
        assert {layer.momentum for layer in found} <= {fitting_momentum(1)}


def make_lively(model: keras.Model, rng: np.random.Generator) -> None:
    """Give it weights that let all of it take part in what comes out."""
    for weight in model.weights:
        # Statistics of pixels of 0 and 1 would hide a mistake, and ConvNeXt's blocks add a millionth of what they compute.
        if "layer_scale" in weight.path or (not weight.trainable and weight.dtype == "float32" and len(weight.shape)):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    for layer in model.backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # statistics are those of the last batch, others would silence all that comes after


def assert_every_variable_has_a_gradient(model: keras.Model, images: np.ndarray) -> None:
    # Paths that are dropped at random would leave statistics of other images than those that the model answers for.
    rates = {layer: layer.rate for layer in model.backbone.layers if isinstance(layer, keras.layers.Dropout)}
    for layer in rates:
        layer.rate = 0.0
    model.compile()
    with tf.GradientTape() as tape:
        outputs = model(images, training=True)
        loss = model.compute_loss(y={"kind": np.array([1, -1]), "size": np.array([4.0, np.nan])}, y_pred=outputs)
    for layer, rate in rates.items():
        layer.rate = rate
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(gradient is not None for gradient in gradients)
    assert any(np.abs(gradient).max() > 0 for gradient in gradients)


@pytest.mark.slow
@pytest.mark.parametrize("name", usually(USUAL, BACKBONES))
def test_backbone(name, tmp_path):
    rng = np.random.default_rng(0)
    model, original = built(name, rng)
    assert_it_is_what_the_registry_says(name, model, original)
    assert_it_is_made_of_builtin_layers(model, original)
    assert_its_statistics_keep_up(model, original)
    del original
    if name not in WHOLE:
        return

    make_lively(model, rng)
    images = rng.integers(0, 256, (2, pixels(name), pixels(name), 3)).astype("uint8")
    assert_every_variable_has_a_gradient(model, images)

    answers = {head: np.asarray(output) for head, output in model(images, training=False).items()}
    assert {head: output.shape for head, output in answers.items()} == {"kind": (2, 3), "size": (2, 1)}
    assert all(np.isfinite(output).all() for output in answers.values())
    # An answer that is the same whatever the image would come back from a file of other weights too.
    assert max(np.ptp(output, axis=0).max() for output in answers.values()) > 1e-3

    mtl.export(model, tmp_path / "model.h5")
    with pytest.MonkeyPatch.context() as patch:
        start_at_zero(patch)  # what the file does not give stays so
        plain = keras.models.load_model(tmp_path / "model.h5")
    assert "mtlzoo" not in json.dumps(plain.get_config(), default=str)
    for head, output in plain(images, training=False).items():
        np.testing.assert_allclose(output, answers[head], atol=1e-5, rtol=1e-5)
