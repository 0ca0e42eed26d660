"""Stages whose kernels move by products of low rank."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
from asked import usually
from keras import layers, ops

import mtlzoo as mtl
from mtlzoo.cli.recipe_options import parse_stages
from mtlzoo.models.low_rank import kernels, rank_of, train_low_rank
from mtlzoo.training import Stage, fit

STAGES = [Stage(1, 1e-2, "heads"), Stage(3, 1e-2, "lora:2")]
SETTINGS = {"batch_size": 24, "seed": 3, "verbose": False, "average": None}


def build(heads, **more) -> mtl.MultiTaskModel:
    """Convolutions, one filter a channel, normalisation, an einsum and a bias: what there is in backbones."""
    keras.utils.set_random_seed(7)
    images = keras.Input((16, 16, 3))
    x = layers.Conv2D(12, 3, strides=2, name="conv")(images)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="conv_bn")(x))
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.EinsumDense("bhwc,cde->bhwde", (None, None, 4, 5), bias_axes="e", name="einsum")(x)
    x = layers.Reshape((5, 5, 20), name="flat")(x)
    x = layers.Dense(8, name="dense")(x)
    return mtl.build(keras.Model(images, x, name="small"), heads, weights=None, preprocessing="tf", **more)


def numbers(model) -> dict[str, np.ndarray]:
    return {variable.path: ops.convert_to_numpy(variable.value).copy() for variable in model.network_weights}


def moved(before, after) -> dict[str, np.ndarray]:
    return {path: after[path] - value for path, value in before.items() if not np.array_equal(after[path], value)}


def rank(change: np.ndarray) -> int:
    matrix = change.reshape(-1, change.shape[-1]).astype("float64")
    return int(np.linalg.matrix_rank(matrix, tol=1e-5 * np.abs(matrix).max() * max(matrix.shape)))


def test_kernels_move_by_products_and_nothing_else_of_the_backbone_does(drawn):
    model = build(drawn[0].heads)
    before = numbers(model)
    fit(model, *drawn, STAGES[1:], **SETTINGS)
    changes = moved(before, numbers(model))
    of_backbone = {path for path in changes if any(path == variable.path for variable in model.backbone.variables)}
    matrices = {"conv/kernel", "einsum/kernel", "dense/kernel"}
    assert of_backbone == matrices | {"conv/bias", "einsum/bias", "dense/bias"}
    assert {path: rank(changes[path]) for path in matrices} == dict.fromkeys(matrices, 2)
    assert len(changes) > len(of_backbone)  # heads learn whole
    model.set_trainable("all")
    assert len(model.backbone.trainable_variables) == 10  # four kernels, four biases, two of the normalisation


def test_a_step_is_that_of_the_factors():
    """With the second factor at zero, plain descent moves a kernel by -rate * A @ A.T @ gradient."""
    model = build({"color": 3}, dropout=0.0)
    model.set_trainable("lora:2")
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    train_low_rank(model, 2)
    before, first = numbers(model), model.optimizer.variables
    factors = {variable.name: ops.convert_to_numpy(variable) for variable in first if variable.name.startswith("lora")}
    assert set(factors) == {"lora_a", "lora_b"}
    drawn = next(ops.convert_to_numpy(variable) for variable in first if variable.name == "lora_a")
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (4, 16, 16, 3)).astype("float32"), {"color": np.array([0, 1, 2, -1])}

    import tensorflow as tf

    kernel = model.backbone.get_layer("conv").kernel
    with tf.GradientTape() as tape:
        loss = model.compute_loss(images, labels, model(images, training=True))
    gradient = tape.gradient(loss, kernel.value).numpy().reshape(27, 12)
    keras.utils.set_random_seed(1)
    model.fit(images, labels, batch_size=4, shuffle=False, verbose=0)
    change = numbers(model)["conv/kernel"] - before["conv/kernel"]
    assert drawn.shape == (27, 2)
    np.testing.assert_allclose(change.reshape(27, 12), -0.1 * drawn @ drawn.T @ gradient, atol=1e-6)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("balancing", [None, "pcgrad"])
@pytest.mark.parametrize("optimizer", usually(["adam"], ["adam", "sgd", "rmsprop"]))
def test_any_optimizer_and_balancing(drawn, optimizer, balancing):
    if optimizer != "adam" and balancing:
        pytest.skip("one optimizer is enough for balancing")
    model = build(drawn[0].heads)
    before = numbers(model)
    fit(model, *drawn, Stage(2, 1e-2, "lora:1", optimizer=optimizer), balancing=balancing, **SETTINGS)
    changes = moved(before, numbers(model))
    assert rank(changes["conv/kernel"]) == rank(changes["einsum/kernel"]) == 1


@pytest.mark.usefixtures("eagerly")
def test_learning_rates_by_depth_are_those_of_the_factors(drawn):
    """With the second factor at zero, plain descent moves a kernel as far as its layer's rate says."""
    table = drawn[0].take(np.arange(24))  # one step
    changes = []
    for layer_decay in (1.0, 0.25):
        model = build(table.heads, dropout=0.0)
        before = numbers(model)
        stage = Stage(1, 1e-2, "lora:2", "constant", optimizer="sgd", layer_decay=layer_decay)
        fit(model, table, None, stage, batch_norm="frozen", augment=None, **SETTINGS)
        changes.append(moved(before, numbers(model)))
    plain, by_depth = changes
    # Five layers have weights: conv, conv_bn, depthwise, einsum, dense.
    for place, name in ((0, "conv"), (3, "einsum"), (4, "dense")):
        factor = 0.25 ** (1 - place / 5)
        for path in (f"{name}/kernel", f"{name}/bias"):
            np.testing.assert_allclose(by_depth[path], factor * plain[path], rtol=2e-2, atol=1e-7)
            assert np.abs(plain[path]).max() > 1e-6
    np.testing.assert_allclose(by_depth["color/kernel"], plain["color/kernel"], rtol=1e-4, atol=1e-7)


def test_a_rank_above_the_sides_is_their_smaller(drawn):
    model = build(drawn[0].heads)
    model.set_trainable("lora:1000")
    model.compile("adam")
    train_low_rank(model, 1000)
    shapes = [tuple(variable.shape) for variable in model.optimizer.variables if variable.name == "lora_a"]
    assert shapes == [(27, 12), (48, 5), (20, 8)]


@pytest.mark.parametrize("optimizer", ["adamw", keras.optimizers.SGD(0.1, weight_decay=0.1)])
def test_whole_kernels_do_not_decay(optimizer):
    """Without a label no gradient moves anything."""
    model = build({"color": 3})
    model.set_trainable("lora:2")
    model.compile(Stage(1, 0.1, "lora:2", optimizer=optimizer).make_optimizer(10))
    train_low_rank(model, 2)
    before = numbers(model)
    model.fit(np.zeros((4, 16, 16, 3)), {"color": np.full(4, -1)}, epochs=2, verbose=0)
    assert not [path for path in moved(before, numbers(model)) if path.endswith("kernel") and "color" not in path]


@pytest.mark.long
@pytest.mark.usefixtures("eagerly")
def test_an_optimizer_comes_back_from_a_file_and_goes_on(drawn, tmp_path):
    model = build(drawn[0].heads)
    fit(model, *drawn, STAGES, **SETTINGS)
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.low_rank == 2
    for one, other in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    model.compile("adam")
    assert model.low_rank is None


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.long
@pytest.mark.usefixtures("eagerly")
def test_it_goes_on_where_it_was_broken_off(drawn, tmp_path):
    whole, broken, resumed = (build(drawn[0].heads) for _ in range(3))
    expected = fit(whole, *drawn, STAGES, **SETTINGS)
    assert fit(broken, *drawn, STAGES, resume=tmp_path, callbacks=[Interrupt()], **SETTINGS).interrupted
    history = fit(resumed, *drawn, STAGES, resume=tmp_path, **SETTINGS)
    assert history.history == expected.history
    for name, value in numbers(whole).items():
        np.testing.assert_array_equal(numbers(resumed)[name], value)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("suffix", usually([".h5"], [".h5", ".keras"]))
def test_files_are_those_of_any_other_training(drawn, tmp_path, suffix):
    model = build(drawn[0].heads)
    fit(model, *drawn, STAGES, **SETTINGS)
    images = np.zeros((2, 16, 16, 3), "uint8")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        path = mtl.export(model, tmp_path / f"model{suffix}")
        plain = keras.models.load_model(path)
        model.save(tmp_path / f"whole{suffix}")
        loaded = mtl.load_model(tmp_path / f"whole{suffix}")
    names = [weight.path for weight in plain.weights]
    assert not any("lora" in name for name in names)
    expected = model.predict(images, verbose=0)
    for other in (plain, loaded):
        for name, output in other.predict(images, verbose=0).items():
            np.testing.assert_allclose(output, expected[name], atol=1e-6)


def test_what_cannot_be_is_refused():
    for part in ("lora", "lora:", "lora:0", "lora:x", "lora:2:3"):
        with pytest.raises(ValueError, match=r'or "lora:" and a rank such as "lora:8", received'):
            Stage(1, 1e-3, part)
        with pytest.raises(ValueError, match=r'or "lora:" and a rank such as "lora:8", received'):
            build({"color": 3}).set_trainable(part)
    with pytest.raises(ValueError, match="no `weight_decay` with trainable='lora:8', whose factors have none"):
        Stage(1, 1e-3, "lora:8", weight_decay=0.1)


def test_on_the_command_line():
    assert parse_stages(["heads:2:1e-3", "lora:8:10:1e-4:constant"])[1] == Stage(10, 1e-4, "lora:8", "constant")
    assert rank_of("lora:16") == 16
    assert rank_of(["lora:16"]) is None
    with pytest.raises(ValueError, match="received: 'lora:8'"):
        parse_stages(["lora:8"])


def test_kernels_of_one_filter_a_channel_are_none():
    assert [variable.path for variable in kernels(build({"color": 3}).backbone)] == [
        "conv/kernel",
        "einsum/kernel",
        "dense/kernel",
    ]
