from __future__ import annotations

import keras
import numpy as np
import pytest
from asked import usually
from keras import layers

import mtlzoo as mtl
from mtlzoo.backbones import Backbone, list_backbones
from mtlzoo.models import MultiTaskModel, named_builder

HEADS = {"wear": 3, "age": mtl.RegressionHead()}
SMALL = {"input_shape": (32, 32, 3), "weights": None, "alpha": 0.25}


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (4, 16, 16, 3)).astype("float32")


# === By name ===


@pytest.mark.parametrize("name", ["mobilenet", "MobileNet", "mobile_net"])
def test_builds_by_name_in_any_spelling(name):
    model = mtl.build(name, HEADS, **SMALL)
    assert type(model) is MultiTaskModel
    assert not model.compiled
    assert model.input_shape == (None, 32, 32, 3)
    assert {name: output.shape for name, output in model.output.items()} == {"wear": (None, 3), "age": (None, 1)}
    assert list(model.heads) == ["wear", "age"]
    assert model.name == "mobilenet_0_25_32_multitask"


def test_the_named_builder_builds_the_same():
    by_name, named = mtl.build("mobilenet", HEADS, **SMALL), mtl.MobileNet(HEADS, **SMALL)
    assert [layer.name for layer in by_name.layers] == [layer.name for layer in named.layers]
    assert by_name.count_params() == named.count_params()
    assert mtl.MobileNet.__name__ == "MobileNet"
    assert "MobileNet" in mtl.MobileNet.__doc__


def test_there_is_a_named_builder_for_every_backbone():
    for name in list_backbones():
        assert getattr(mtl, name).__name__ == named_builder(name).__name__ == name
        assert name in dir(mtl)


def test_the_size_is_the_backbones_usual_one_unless_told(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "mtlzoo.models.builders.create_backbone", lambda *args, **kwargs: asked.append(args[1]) or 1 / 0
    )
    for name in ("mobilenet", "inception_resnet_v2"):
        with pytest.raises(ZeroDivisionError):
            mtl.build(name, HEADS)
    assert asked == [(224, 224, 3), (299, 299, 3)]


def test_cuts_the_backbone_at_a_layer():
    whole, cut = (mtl.build("mobilenet", HEADS, **SMALL, feature_layer=layer) for layer in (None, "conv_pw_6_relu"))
    assert cut.backbone.output_shape[-1] == 128
    assert cut.count_params() < whole.count_params()
    with pytest.raises(ValueError, match="name of a layer"):
        mtl.build("mobilenet", HEADS, **SMALL, feature_layer="conv_pw_66")


def test_what_the_backbone_was_trained_with_is_inside_the_graph(rng):
    model = mtl.build("mobilenet", HEADS, **SMALL, dropout=0.0)
    pixels = rng.integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    scaled = keras.applications.mobilenet.preprocess_input(pixels.astype("float32"))
    pooled = model.backbone(scaled, training=False).numpy().mean(axis=(1, 2))
    expected = model.get_layer("wear")(pooled)
    np.testing.assert_allclose(model(pixels, training=False)["wear"], expected, rtol=1e-4, atol=1e-6)
    for mode, scale in {"none": lambda x: x, "tf": lambda x: x / 127.5 - 1}.items():
        model = mtl.build("mobilenet", HEADS, **SMALL, dropout=0.0, preprocessing=mode)
        pooled = model.backbone(scale(pixels.astype("float32")), training=False).numpy().mean(axis=(1, 2))
        expected = model.get_layer("wear")(pooled)
        np.testing.assert_allclose(model(pixels, training=False)["wear"], expected, rtol=1e-4, atol=1e-6)


# === A model of one's own ===


def test_any_functional_model_serves_as_backbone_with_its_weights(tiny_backbone, images):
    model = mtl.build(tiny_backbone, HEADS, (16, 16, 3))
    assert isinstance(model.backbone, Backbone)
    np.testing.assert_allclose(model.backbone(images), tiny_backbone(images), rtol=1e-5)


def test_the_size_of_a_model_of_ones_own_is_its_input_size():
    backbone = keras.Sequential([keras.Input((20, 24, 1)), layers.Conv2D(2, 3)])
    assert mtl.build(backbone, HEADS).input_shape == (None, 20, 24, 1)


def test_a_model_for_any_size_needs_a_size(tiny_backbone):
    with pytest.raises(ValueError, match=r"Expected `input_shape`, since 'tiny' does not take images of one size"):
        mtl.build(tiny_backbone, HEADS)


@pytest.mark.parametrize("backbone", [3, None, layers.Dense(2), keras.Model])
@pytest.mark.parametrize("shape", [None, (16, 16, 3)])
def test_what_is_no_backbone_is_refused(backbone, shape):
    with pytest.raises(TypeError, match=r"name of a backbone or a keras\.Model"):
        mtl.build(backbone, HEADS, shape)


def test_a_model_without_a_known_input_is_refused():
    class Unknown(keras.Model):
        pass

    with pytest.raises(ValueError, match="Expected `input_shape`"):
        mtl.build(Unknown(), HEADS)


# === From features to heads ===


@pytest.mark.parametrize(("pooling", "units"), [("avg", 16), ("max", 16), ("flatten", 64)])
def test_pools_the_feature_map(tiny_backbone, images, pooling, units):
    model = mtl.build(tiny_backbone, HEADS, (16, 16, 3), pooling=pooling)
    features = model.backbone(images, training=False).numpy()
    pooled = model.get_layer("pooling")(features).numpy()
    flat = features.reshape(4, -1, 16)
    expected = {"avg": flat.mean(axis=1), "max": flat.max(axis=1), "flatten": features.reshape(4, -1)}[pooling]
    np.testing.assert_allclose(pooled, expected, rtol=1e-5)
    assert model.get_layer("wear").kernel.shape == (units, 3)


@pytest.mark.parametrize("shape", [(7,), (27, 7)])
def test_features_that_are_no_map_are_taken_as_they_are_or_flattened(shape):
    pixels = keras.Input((16, 16, 3))
    x = layers.Dense(int(np.prod(shape)))(layers.Flatten()(pixels))
    backbone = keras.Model(pixels, layers.Reshape(shape)(x) if len(shape) > 1 else x)
    assert mtl.build(backbone, HEADS).get_layer("wear").kernel.shape == (int(np.prod(shape)), 3)


def test_dropout_is_where_it_is_asked_for(tiny_backbone):
    model = mtl.build(tiny_backbone, HEADS, (16, 16, 3), dropout=0.4)
    assert model.get_layer("dropout").rate == 0.4
    model = mtl.build(
        tiny_backbone, {"wear": mtl.ClassificationHead(3, hidden=[5], dropout=0.1)}, (16, 16, 3), dropout=0
    )
    assert [layer.name for layer in model.layers if isinstance(layer, layers.Dropout)] == ["wear_dropout"]
    assert model.get_layer("wear_hidden_1").units == 5


def test_one_head_is_enough(tiny_backbone, images):
    model = mtl.build(tiny_backbone, {"wear": 3}, (16, 16, 3))
    model.compile(run_eagerly=True)
    assert list(model.predict_on_batch(images)) == ["wear"]
    history = model.fit(images, {"wear": np.array([0, 1, -1, 2])}, verbose=0).history
    assert history["loss"] == pytest.approx(history["wear_loss"])
    assert history["score"] == history["wear_accuracy"]


def test_a_model_may_be_named_and_says_how_images_come_to_its_size(tiny_backbone):
    model = mtl.build(tiny_backbone, HEADS, (16, 16, 3), name="mine", resize="pad")
    assert (model.name, model.resize) == ("mine", "pad")


def test_two_models_from_the_same_heads_learn_by_themselves(tiny_backbone):
    first, second = (mtl.build(tiny_backbone, HEADS, (16, 16, 3)) for _ in range(2))
    first.adapt({"age": np.array([[10.0], [30.0]])})
    assert first.heads["age"].mean == 20
    assert second.heads["age"].mean is None
    assert HEADS["age"].mean is None


def test_training_changes_no_head_that_was_given(tiny_backbone, rng):
    heads = {
        "age": mtl.RegressionHead(),
        "kind": mtl.ClassificationHead(["cat", "dog"], class_weight="balanced"),
        "blocks": mtl.DetectionHead(["one"], hidden=[2]),
    }
    before = {name: head.get_config() for name, head in heads.items()}
    model = mtl.build(tiny_backbone, heads, (16, 16, 3))
    labels = {"age": np.array([[10.0], [30.0]]), "kind": np.array([0, 1])}
    model.adapt(labels)
    model.compile(run_eagerly=True)
    model.fit(rng.integers(0, 256, (2, 16, 16, 3)).astype("uint8"), labels, verbose=0)
    assert {name: head.get_config() for name, head in heads.items()} == before
    assert model.heads["age"] == mtl.RegressionHead(mean=20, scale=10)
    assert model.heads["kind"].label_counts == [1, 1]
    assert model.heads["blocks"].grid is not None


def test_the_heads_of_a_model_are_read_only(tiny_backbone):
    model = mtl.build(tiny_backbone, HEADS, (16, 16, 3))
    with pytest.raises(TypeError):
        model.heads["age"] = mtl.RegressionHead()
    with pytest.raises(AttributeError):
        model.heads = HEADS


# === What is refused ===


@pytest.mark.parametrize("name", ["images", "pooling", "dropout", "tiny"])
def test_a_head_with_the_name_of_a_layer_gets_another_layer(tiny_backbone, images, name):
    model = mtl.build(tiny_backbone, {name: 3, "sex": mtl.BinaryHead()}, (16, 16, 3))
    assert list(model.output) == list(model.predict_on_batch(images)) == [name, "sex"]
    assert model.get_layer("sex").units == 1
    assert len({layer.name for layer in model.layers}) == len(model.layers)


def test_heads_with_the_names_of_each_others_layers_get_others(tiny_backbone, images):
    heads = {"wear": mtl.ClassificationHead(3, hidden=[4]), "wear_hidden_1": 2}
    for order in (heads, dict(reversed(heads.items()))):
        model = mtl.build(tiny_backbone, order, (16, 16, 3))
        shapes = {name: value.shape[-1] for name, value in model.predict_on_batch(images).items()}
        assert shapes == {"wear": 3, "wear_hidden_1": 2}


@pytest.mark.parametrize(
    "name", usually(["领长", "a/b"], ["sleeve length", "领长", "naïve", "a.b", "A", "wear_loss", "a/b"])
)
def test_heads_may_be_called_what_people_call_them(tiny_backbone, images, tmp_path, name):
    model = mtl.build(tiny_backbone, {name: 3, "a": 2}, (16, 16, 3))
    model.compile("sgd")
    logs = model.fit(images, {name: np.array([0, 1, -1, 2])}, verbose=0).history
    assert f"{name}_accuracy" in logs
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(images)[name], model(images)[name], rtol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pooling": "mean"}, "`pooling` to be one of avg, max, flatten, attention, received: 'mean'"),
        ({"resize": "squeeze"}, "`resize` to be one of stretch, crop, pad, received: 'squeeze'"),
        ({"dropout": 1.5}, "dropout|rate"),
        ({"heads": {}}, "Expected a dictionary of heads"),
        ({"backbone": "mobilnet"}, "[Mm]obile"),
    ],
)
def test_wrong_arguments_are_refused_with_the_right_ones(tiny_backbone, wrong, message):
    with pytest.raises(ValueError, match=message):
        mtl.build(**{"backbone": tiny_backbone, "heads": HEADS, "input_shape": (16, 16, 3), "weights": None, **wrong})


def test_arguments_that_the_backbone_does_not_have_are_refused():
    with pytest.raises(TypeError, match="has no argument beta"):
        mtl.build("mobilenet", HEADS, (32, 32, 3), None, beta=1)
