"""Heads that share hidden layers, in all that is done with a model."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.errors import HeadError
from mtlzoo.models.head_layers import owners_of
from mtlzoo.models.splitting import split

SHAPE = {"hidden": [6, 5], "tower": "shape"}
HEADS = {
    "kind": mtl.ClassificationHead(["a", "b", "c"], **SHAPE),
    "long": mtl.BinaryHead(**SHAPE),
    "colour": mtl.ClassificationHead(["red", "blue"], hidden=[4]),
    "price": mtl.RegressionHead(mean=3.0, scale=2.0),
}
LABELS = {"kind": [0, 1, -1], "long": [1, -1, 0], "colour": [0, 1, 1], "price": [[1.0], [np.nan], [5.0]]}
LAYERS = ["shape_tower_hidden_1", "shape_tower_hidden_2"]


@pytest.fixture
def model(tiny_backbone):
    return mtl.build(tiny_backbone, HEADS, (16, 16, 3), dropout=0.0)


@pytest.fixture
def batch(rng):
    return rng.integers(0, 256, (3, 16, 16, 3)).astype("uint8")


def labels() -> dict[str, np.ndarray]:
    return {name: np.array(values) for name, values in LABELS.items()}


def outputs(model, batch) -> dict[str, np.ndarray]:
    return {name: np.asarray(output) for name, output in model(batch, training=False).items()}


def test_heads_of_a_tower_share_its_layers(model, batch):
    assert [layer.name for layer in model.layers if "tower" in layer.name] == LAYERS
    features = split(model).trunk(batch)
    for name in LAYERS:
        features = model.get_layer(name)(features)
    for name in ("kind", "long"):
        np.testing.assert_allclose(model.get_layer(name)(features), outputs(model, batch)[name], rtol=1e-5, atol=1e-6)
    assert model.get_layer("kind").kernel.shape == (5, 3)
    assert {name: owners_of(model, model.get_layer(name)) for name in (*LAYERS, "colour_hidden_1", "pooling")} == {
        **{name: ["kind", "long"] for name in LAYERS},
        "colour_hidden_1": ["colour"],
        "pooling": [],
    }


def test_an_only_tower_is_no_part_of_the_trunk(tiny_backbone, batch):
    heads = {name: HEADS[name].with_settings(dropout=0.5) for name in ("kind", "long")}
    model = mtl.build(tiny_backbone, heads, (16, 16, 3))
    assert [layer.name for layer in model.layers if "tower" in layer.name] == [*LAYERS, "shape_tower_dropout"]
    parts = split(model)
    assert parts.trunk.output.shape == (None, 16)
    for name, answer in outputs(model, batch).items():
        np.testing.assert_array_equal(parts.heads(parts.trunk(batch))[name], answer)


@pytest.mark.parametrize(
    ("names", "balancing"), [(("kind", "long"), None), (("kind", "long"), "mgda"), (tuple(HEADS), "mgda")]
)
def test_a_tower_learns_from_all_of_its_heads_whatever_the_balancing(tiny_backbone, batch, names, balancing):
    model = mtl.build(tiny_backbone, {name: HEADS[name] for name in names}, (16, 16, 3), dropout=0.0)
    start = model.get_weights()
    moved = []
    for labelled in (["kind"], ["long"], ["kind", "long"]):
        model.set_weights(start)
        model.set_trainable("heads")
        model.compile(keras.optimizers.SGD(0.1), balancing=balancing, run_eagerly=True)
        before = [layer.get_weights()[0] for layer in map(model.get_layer, LAYERS)]
        model.fit(batch, {name: labels()[name] for name in labelled}, verbose=0)
        moved.append([layer.get_weights()[0] - old for layer, old in zip(map(model.get_layer, LAYERS), before)])
    one, two, both = moved
    assert all(np.any(step) for steps in moved for step in steps)
    if balancing is None:
        for first, second, together in zip(one, two, both):
            np.testing.assert_allclose(together, first + second, rtol=1e-3, atol=1e-6)


def test_equal_heads_keep_their_tower_and_others_join_it(model, batch):
    heads = {**HEADS, "wide": mtl.BinaryHead(**SHAPE)}
    more = model.with_heads({name: head for name, head in heads.items() if name != "long"})
    np.testing.assert_array_equal(outputs(more, batch)["kind"], outputs(model, batch)["kind"])
    assert [layer.name for layer in more.layers if "tower" in layer.name] == LAYERS
    assert owners_of(more, more.get_layer(LAYERS[0])) == ["kind", "wide"]
    with pytest.raises(HeadError, match="heads of tower 'shape' to agree"):
        model.with_heads({**HEADS, "wide": mtl.BinaryHead(hidden=[6], tower="shape")})


def test_a_head_with_more_classes_keeps_its_units_and_the_tower(model, batch):
    more = model.with_heads({**HEADS, "kind": HEADS["kind"].with_settings(classes=["a", "b", "c", "d"])})
    for name in ("long", "colour", "price"):
        np.testing.assert_array_equal(outputs(more, batch)[name], outputs(model, batch)[name])
    np.testing.assert_array_equal(more.get_layer("kind").kernel[:, :3], model.get_layer("kind").kernel)
    both = {name: HEADS[name].with_settings(loss_weight=2.0) for name in ("kind", "long")}
    again = model.with_heads({**HEADS, **both})
    for name, answer in outputs(again, batch).items():
        np.testing.assert_array_equal(answer, outputs(model, batch)[name])


def test_a_head_that_joins_a_tower_changes_no_head_of_it(tiny_backbone, batch):
    heads = {**HEADS, "colour": HEADS["colour"].with_settings(hidden=[6, 5])}
    model = mtl.build(tiny_backbone, heads, (16, 16, 3))
    more = model.with_heads({**heads, "colour": heads["colour"].with_settings(tower="shape")})
    for name in ("kind", "long", "price"):
        np.testing.assert_array_equal(outputs(more, batch)[name], outputs(model, batch)[name])
    apart = model.with_heads({**heads, "long": heads["long"].with_settings(tower=None)})
    for name, answer in outputs(apart, batch).items():  # it takes its tower's weights along
        np.testing.assert_array_equal(answer, outputs(model, batch)[name])
    assert apart.get_layer("long_hidden_1") is not apart.get_layer(LAYERS[0])


def test_a_new_tower_is_not_made_of_the_layers_of_one_head(tiny_backbone):
    apart = {name: HEADS[name].with_settings(tower=None) for name in ("kind", "long")}
    model = mtl.build(tiny_backbone, apart, (16, 16, 3))
    together = model.with_heads({name: head.with_settings(tower="new") for name, head in apart.items()})
    tower = together.get_layer("new_tower_hidden_1").kernel
    for name in apart:
        assert np.any(tower != model.get_layer(f"{name}_hidden_1").kernel)


@pytest.mark.parametrize("tower", ["shape", "Größe der Dinge", "kind", "a/b"])
def test_a_tower_may_be_called_what_people_call_it(tiny_backbone, batch, tmp_path, tower):
    heads = {name: HEADS[name].with_settings(tower=tower) for name in ("kind", "long")}
    heads |= {"shape_tower_hidden_1": 2, "kind_tower": mtl.BinaryHead(hidden=[3])}
    for order in (heads, dict(reversed(heads.items()))):
        model = mtl.build(tiny_backbone, order, (16, 16, 3))
        assert split(model).trunk.output.shape == (None, 16)
        model.save(tmp_path / "model.keras")
        again = mtl.load_model(tmp_path / "model.keras")
        more = again.with_heads({**again.heads, "wide": heads["long"]})
        assert len(more.layers) == len(model.layers) + 1
        for name, answer in outputs(model, batch).items():
            np.testing.assert_array_equal(outputs(more, batch)[name], answer)


def test_models_with_other_towers_have_no_mean(model, tiny_backbone):
    other = mtl.build(
        tiny_backbone, {**HEADS, "long": HEADS["long"].with_settings(tower="other")}, (16, 16, 3), dropout=0.0
    )
    with pytest.raises(ValueError, match="Expected models with the same heads, received two that differ in 'long'"):
        mtl.average([model, other])


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_files_hold_towers(model, batch, tmp_path):
    import tensorflow as tf

    expected = outputs(model, batch[:1])
    for suffix in (".h5", ".keras"):
        again = mtl.load_model(mtl.export(model, tmp_path / f"model{suffix}"))
        assert again.heads == model.heads
        assert owners_of(again, again.get_layer(LAYERS[1])) == ["kind", "long"]
        plain = keras.models.load_model(tmp_path / f"model{suffix}")
        for name, answer in expected.items():
            np.testing.assert_array_equal(outputs(again, batch[:1])[name], answer)
            np.testing.assert_array_equal(plain(batch[:1])[name], answer)
    mtl.export(model, tmp_path / "model.tflite")
    runner = tf.lite.Interpreter(str(tmp_path / "model.tflite")).get_signature_runner()
    for name, answer in runner(images=batch[:1].astype("float32")).items():
        np.testing.assert_allclose(answer, expected[name], rtol=1e-3, atol=1e-5)
