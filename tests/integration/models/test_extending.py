"""Heads added to a trained model, taken away, replaced: what stays answers to the last bit as before."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from asked import usually
from keras import layers

import mtlzoo as mtl
from mtlzoo.errors import HeadError, InputError

HEADS = {
    "kind": mtl.ClassificationHead(["a", "b", "c"], hidden=[6], dropout=0.3),
    "yes": mtl.BinaryHead(),
    "tags": mtl.MultiLabelHead(["x", "y"]),
    "size": mtl.OrdinalHead(["small", "middle", "large"]),
    "age": mtl.RegressionHead(mean=40.0, scale=10.0),
    "years": mtl.ExpectationHead((0, 5)),
    "points": mtl.LandmarkHead(["left", "right"]),
    "box": mtl.BoxHead(),
    "things": mtl.DetectionHead(["cat", "dog"]),
    "shape": mtl.DualTaskHead(),
}


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (4, 16, 16, 3)).astype("float32")


def trained(backbone: keras.Model, heads=HEADS, **settings) -> mtl.MultiTaskModel:
    """A model whose weights, batch normalisation's too, are unlike fresh ones."""
    model = mtl.build(backbone, heads, (16, 16, 3), **settings)
    rng = np.random.default_rng(1)
    model.set_weights([weight + rng.uniform(0.01, 0.2, weight.shape) for weight in model.get_weights()])
    return model


def answers(model: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """As `predict`, which compiles for seconds what is computed once."""
    return {name: np.asarray(output) for name, output in model(images, training=False).items()}


def assert_same(found, expected, names=None):
    for name in expected if names is None else names:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


# === What stays ===


@pytest.mark.parametrize(
    ("pooling", "precision"), usually([("avg", None)], [("avg", None), ("max", None), ("flatten", "mixed_bfloat16")])
)
def test_old_heads_of_every_kind_answer_to_the_last_bit(tiny_backbone, images, pooling, precision):
    model = trained(tiny_backbone, pooling=pooling, dropout=0.4, resize="pad", preprocessing="tf", precision=precision)
    before = model.predict(images, verbose=0)
    more = mtl.build(model, {**model.heads, "hat": mtl.BinaryHead(hidden=[3])})
    assert list(more.heads) == [*HEADS, "hat"]
    assert_same(more.predict(images, verbose=0), before)
    assert (more.resize, more.backbone.preprocessing) == ("pad", "tf")
    assert type(more.get_layer("pooling")) is type(model.get_layer("pooling"))
    assert more.get_layer("dropout").rate == 0.4
    assert more.get_layer("hat_hidden_1").compute_dtype == model.get_layer("kind_hidden_1").compute_dtype
    assert keras.config.dtype_policy().name == "float32"


def test_the_old_model_stays_as_it_is_while_the_new_one_trains(tiny_backbone, images):
    model = trained(tiny_backbone, {"kind": HEADS["kind"], "age": HEADS["age"]})
    before, weights = answers(model, images), model.get_weights()
    more = model.with_heads({"hat": mtl.BinaryHead(), **model.heads})
    assert list(more.heads) == ["hat", "kind", "age"]
    more.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    more.fit(images, {"hat": np.array([0.0, 1, 1, -1]), "kind": np.array([0, 1, 2, 2])}, verbose=0)
    more.adapt({"age": np.array([[1.0], [3.0]])})
    assert np.any(answers(more, images)["kind"] != before["kind"])
    assert_same(answers(model, images), before)
    for old, now in zip(weights, model.get_weights()):
        np.testing.assert_array_equal(old, now)
    assert not model.compiled


def test_what_may_be_trained_stays_and_how_it_is_compiled_does_not(tiny_backbone):
    model = trained(tiny_backbone, {"kind": 3})
    model.compile(balancing="uncertainty")
    for part in ("heads", ["conv_pw_12"], 1, "all"):
        model.set_trainable(part)
        more = model.with_heads({**model.heads, "hat": 2})
        assert not more.compiled
        assert more.backbone.trainable == model.backbone.trainable
        flags = {layer.name: layer.trainable for layer in more.backbone.layers}
        assert flags == {layer.name: layer.trainable for layer in model.backbone.layers}, part
        assert len(more.backbone.trainable_weights) == len(model.backbone.trainable_weights)
        assert len(more.trainable_weights) == len(model.trainable_weights) + 2


def test_heads_are_taken_away(tiny_backbone, images):
    model = trained(tiny_backbone)
    fewer = model.with_heads({name: model.heads[name] for name in ("box", "yes")}, name="fewer")
    assert (list(fewer.heads), fewer.name) == (["box", "yes"], "fewer")
    assert_same(answers(fewer, images), answers(model, images), ["box", "yes"])
    assert not any(layer.name.startswith(("kind", "tags")) for layer in fewer.layers)


def test_a_spatial_head_is_added_to_a_model_without_one(tiny_backbone, images):
    model = trained(tiny_backbone, {"kind": 3})
    more = model.with_heads({**model.heads, "things": mtl.DetectionHead(["cat"]), "nose": mtl.LandmarkHead(1)})
    found = answers(more, images)
    assert_same(found, answers(model, images))
    assert (found["things"].shape, found["nose"].shape) == ((4, 4, 5), (4, 1, 2))


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_model_from_a_file_gets_heads_and_goes_into_a_file(tiny_backbone, images, tmp_path, suffix):
    mtl.export(trained(tiny_backbone, preprocessing="torch"), tmp_path / f"old{suffix}")
    loaded = mtl.load_model(tmp_path / f"old{suffix}")
    more = mtl.build(loaded, {**loaded.heads, "hat": 2})
    mtl.export(more, tmp_path / f"new{suffix}")
    again = mtl.load_model(tmp_path / f"new{suffix}")
    assert again.backbone.preprocessing == loaded.backbone.preprocessing == "torch"
    found = answers(again, images)
    assert_same(found, answers(loaded, images))
    assert_same(found, answers(more, images))


# === What is replaced ===


GROWN = [
    ("kind", mtl.ClassificationHead(["c", "new", "a", "b"], hidden=[6]), [2, None, 0, 1]),
    ("tags", mtl.MultiLabelHead(["y", "z", "x"], threshold=0.4), [1, None, 0]),
    ("size", mtl.OrdinalHead(["tiny", "small", "middle", "large"]), [None, 0, 1, 2]),
    ("years", mtl.ExpectationHead((0, 6)), [0, 1, 2, 3, 4, 5, None]),
    ("points", mtl.LandmarkHead(["nose", "right", "left"]), [None, 1, 0]),
    ("things", mtl.DetectionHead(["bird", "dog", "cat"]), [None, 1, 0]),
]


@pytest.mark.parametrize(("name", "head", "places"), GROWN, ids=[case[0] for case in GROWN])
def test_a_head_gets_more_classes_and_the_old_ones_keep_their_weights(tiny_backbone, images, name, head, places):
    model = trained(tiny_backbone)
    more = model.with_heads({**model.heads, name: head})
    assert more.heads[name].describe() == head.describe()
    before, after = (answers(each, images) for each in (model, more))
    assert_same(after, before, [other for other in HEADS if other != name])
    known = [place for place, source in enumerate(places) if source is not None]
    sources = [places[place] for place in known]
    old, new = before[name], after[name]
    if name == "things":
        np.testing.assert_allclose(new[..., :4], old[..., :4], rtol=1e-6)
        old, new = old[..., 4:], new[..., 4:]
    if name == "points":
        np.testing.assert_allclose(new[:, known], old[:, sources], rtol=1e-5)
        return
    if name in ("kind", "size", "years"):  # of a softmax the proportions stay
        old, new = np.log(old), np.log(new)
        old, new = old - old[:, sources[:1]], new - new[:, known[:1]]
    np.testing.assert_allclose(new[..., known], old[..., sources], rtol=1e-3, atol=1e-4)


def test_other_settings_of_a_head_leave_its_answers(tiny_backbone, images):
    model = trained(tiny_backbone)
    changed = {
        "kind": mtl.ClassificationHead(["a", "b", "c"], hidden=[6], label_smoothing=0.1, loss_weight=3.0),
        "yes": mtl.BinaryHead(class_weight="balanced"),
        "age": mtl.RegressionHead(loss="mae"),  # what it has learned of the labels stays with the weights
        "box": mtl.BoxHead(loss_weight=2.0),
        "shape": mtl.DualTaskHead(loss_weight=2.0),
    }
    more = model.with_heads({**model.heads, **changed})
    assert_same(answers(more, images), answers(model, images))
    assert (more.heads["age"].mean, more.heads["age"].scale) == (40.0, 10.0)
    assert more.heads["kind"].loss_weight == 3.0


def test_classes_that_are_only_counted_are_matched_by_their_places(tiny_backbone, images):
    model = trained(tiny_backbone, {"kind": 3})
    named = model.with_heads({"kind": mtl.ClassificationHead(["a", "b", "c"])})
    assert_same(answers(named, images), answers(model, images))
    more = model.with_heads({"kind": 5})
    np.testing.assert_array_equal(more.get_layer("kind").kernel[:, :3], model.get_layer("kind").kernel)


ANEW = {
    "kind": mtl.ClassificationHead(["a", "b", "c"], hidden=[7]),
    "yes": mtl.BinaryHead(["yes", "no"]),
    "tags": mtl.MultiLabelHead(["p", "q"]),
    "size": mtl.ClassificationHead(["small", "middle", "large"]),
    "shape": mtl.DualTaskHead(labels=["rectangle", "triangle"]),
}


@pytest.mark.parametrize("name", ANEW)
def test_what_does_not_fit_starts_anew(tiny_backbone, name):
    model = trained(tiny_backbone)
    more = model.with_heads({**model.heads, name: ANEW[name]})
    assert more.heads[name] == ANEW[name]
    fresh = more.output[name]._keras_history.operation.get_weights()
    for bias in fresh[1:]:
        assert np.all(bias == 0)  # `trained` moved all weights, biases too


# === What is refused ===


def test_settings_that_a_model_keeps_are_refused(tiny_backbone):
    model = trained(tiny_backbone, {"kind": 3})
    with pytest.raises(InputError, match=r"received also: pooling, alpha\. .*mtl\.build\(model\.backbone"):
        mtl.build(model, {"hat": 2}, pooling="max", alpha=0.5)
    with pytest.raises(ValueError, match="Expected a dictionary of heads"):
        model.with_heads({})
    with pytest.raises(TypeError, match="'kind' to be a head"):
        model.with_heads({"kind": None})


def test_a_graph_made_by_hand_needs_shared_features(tiny_backbone):
    backbone, _ = mtl.backbones.create_backbone(tiny_backbone, (16, 16, 3))
    pixels = keras.Input((16, 16, 3))
    output = layers.Dense(3, activation="softmax", name="kind")(layers.Flatten(name="flat")(backbone(pixels)))
    model = mtl.MultiTaskModel(pixels, {"kind": output}, heads={"kind": mtl.ClassificationHead(3)})
    with pytest.raises(HeadError, match=r"made by `mtl\.build`"):
        model.with_heads({**model.heads, "hat": 2})
    assert list(model.with_heads({**model.heads, "nose": mtl.LandmarkHead(1)}).heads) == ["kind", "nose"]


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("name", ["dropout", "pooling"])
def test_a_head_called_like_a_shared_layer_is_none(tiny_backbone, images, name, dropout):
    pixels = keras.Input((16, 16, 3))
    vector = keras.Model(pixels, layers.Flatten()(layers.Conv2D(2, 3, strides=4)(pixels)))
    for backbone, features in ((tiny_backbone, 16), (vector, 32)):
        model = trained(backbone, {name: mtl.BinaryHead(hidden=[5]), "a": 3}, dropout=dropout)
        more = model.with_heads({**model.heads, "new": mtl.BinaryHead(), "a": 4})
        assert more.output["new"]._keras_history.operation.input.shape == (None, features)
        assert_same(answers(more, images), answers(model, images), [name])
