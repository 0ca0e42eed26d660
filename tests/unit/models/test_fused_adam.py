"""Adam by one operation does what Keras' own does."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from asked import usually

from mtlzoo.models.fused_adam import fuse_adam

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="one operation of TensorFlow")


def _trained(optimizer, fused, **compiling):
    """The weights of a small network after some steps, and the optimizer's variables."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(3)])
    model.compile(optimizer, "mse", **compiling)
    if fused:
        fuse_adam(model.optimizer)
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(24, 5)), rng.normal(size=(24, 3)), batch_size=4, epochs=2, verbose=0)
    return [*model.get_weights(), *(variable.numpy() for variable in optimizer.variables)]


@pytest.mark.parametrize(
    "compiling",
    usually([{}], [{}, {"run_eagerly": True}, {"jit_compile": True}]),
    ids=["graph", "eager", "XLA"],
)
@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda: keras.optimizers.Adam(0.02, clipnorm=0.5),
        lambda: keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.05, 10), weight_decay=0.1),
        lambda: keras.optimizers.Adam(0.02, amsgrad=True, gradient_accumulation_steps=2),
        lambda: keras.optimizers.Adam(0.02, beta_1=0.8, beta_2=0.9, epsilon=0.1, gradient_accumulation_steps=2),
        lambda: keras.optimizers.Adam(0.02, use_ema=True, ema_momentum=0.9),
    ],
    ids=["clipped", "decaying", "amsgrad", "accumulating", "averaging"],
)
def test_trains_as_keras_does(make_optimizer, compiling):
    found = _trained(make_optimizer(), True, **compiling)
    expected = _trained(make_optimizer(), False, **compiling)
    assert len(found) == len(expected) > 8
    for fused, own in zip(found, expected):
        np.testing.assert_allclose(fused, own, rtol=1e-4, atol=1e-6)


def test_float16_scales_the_loss_of_a_fused_one():
    make = keras.optimizers.LossScaleOptimizer
    found, expected = (_trained(make(keras.optimizers.Adam(0.02)), fused) for fused in (True, False))
    for fused, own in zip(found, expected, strict=True):
        np.testing.assert_allclose(fused, own, rtol=1e-4, atol=1e-6)


def _operations(optimizer):
    variable, gradient = keras.Variable(np.ones(3, "float32")), tf.ones(3)
    step = tf.function(lambda: optimizer.apply([gradient], [variable]))
    return [operation.type for operation in step.get_concrete_function().graph.get_operations()]


def test_is_one_operation():
    for optimizer in (keras.optimizers.Adam(), keras.optimizers.AdamW()):
        fuse_adam(optimizer)
        fuse_adam(optimizer)
        assert _operations(optimizer).count("ResourceApplyAdam") == 1


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.Adam(amsgrad=True), keras.optimizers.Nadam(), keras.optimizers.SGD()]
)
def test_others_are_left_to_keras(optimizer):
    fuse_adam(optimizer)
    assert "update_step" not in vars(optimizer)
    assert "ResourceApplyAdam" not in _operations(optimizer)
