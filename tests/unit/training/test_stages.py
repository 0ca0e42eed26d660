"""A stage: what it refuses, and the optimizer it makes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mtlzoo.training import DEFAULT_STAGES, FASHIONAI_STAGES, Stage


def rates(stage: Stage, steps: int) -> list[float]:
    """The learning rate before each step, and after the last."""
    optimizer = stage.make_optimizer(steps)
    optimizer.build([keras.Variable(0.0)])
    found = []
    for step in range(steps + 1):
        optimizer.iterations.assign(step)
        found.append(float(optimizer.learning_rate))
    return found


# === Schedules ===


@pytest.mark.parametrize("steps", [1, 2, 10, 33])
def test_the_cosine_falls_from_the_learning_rate_to_zero(steps):
    expected = 0.02 * (1 + np.cos(np.pi * np.arange(steps + 1) / steps)) / 2
    np.testing.assert_allclose(rates(Stage(3, 0.02), steps), expected, atol=1e-8)


def test_constant_is_constant():
    np.testing.assert_allclose(rates(Stage(3, 0.02, schedule="constant"), 5), [0.02] * 6)


def test_a_whole_number_is_a_learning_rate_too():
    assert rates(Stage(1, 1, schedule="constant"), 1) == [1.0, 1.0]


def test_the_learning_rate_rises_along_a_line_and_falls_along_the_cosine():
    rising, falling = [0.0, 0.01], 0.02 * (1 + np.cos(np.pi * np.arange(9) / 8)) / 2
    np.testing.assert_allclose(rates(Stage(3, 0.02, warmup=0.2), 10), [*rising, *falling], atol=1e-8)
    constant = rates(Stage(3, 0.02, schedule="constant", warmup=0.5), 4)
    np.testing.assert_allclose(constant, [0.0, 0.01, 0.02, 0.02, 0.02], atol=1e-8)
    np.testing.assert_allclose(rates(Stage(1, 0.02, warmup=1), 2), [0.0, 0.01, 0.02], atol=1e-8)


# === Optimizers ===


def test_gradients_are_clipped_together_whatever_the_optimizer_clipped():
    for optimizer in ("sgd", keras.optimizers.SGD(0.1, clipnorm=3.0)):
        made = Stage(1, 1.0, schedule="constant", optimizer=optimizer, clip_norm=1).make_optimizer(1)
        variable = keras.Variable(np.zeros(2, "float32"))
        made.apply([keras.ops.convert_to_tensor(np.array([3.0, 4.0], "float32"))], [variable])
        np.testing.assert_allclose(variable.numpy(), [-0.6, -0.8], rtol=1e-6)


def test_an_average_is_kept_where_it_is_asked_for():
    assert not Stage(1).make_optimizer(1).use_ema
    made = Stage(1, optimizer=keras.optimizers.SGD(momentum=0.5)).make_optimizer(1, average=0.9)
    assert (made.use_ema, made.ema_momentum, made.momentum) == (True, 0.9, 0.5)


@pytest.mark.parametrize(
    ("name", "cls"), [("adam", "Adam"), ("SGD", "SGD"), ("AdamW", "AdamW"), ("rmsprop", "RMSprop")]
)
def test_optimizers_by_name(name, cls):
    assert type(Stage(1, 0.1, optimizer=name).make_optimizer(1)) is getattr(keras.optimizers, cls)


def test_the_settings_of_an_optimizer_are_taken_over_but_not_its_learning_rate():
    given = keras.optimizers.SGD(0.5, momentum=0.9, nesterov=True, weight_decay=0.01, clipnorm=2.0)
    stage = Stage(1, 0.02, schedule="constant", optimizer=given)
    made, again = stage.make_optimizer(10), stage.make_optimizer(10)
    assert made is not given
    assert made is not again
    config = {**given.get_config(), "learning_rate": pytest.approx(0.02)}
    assert made.get_config() == config
    assert float(given.learning_rate) == 0.5


# === Refusals ===


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "`epochs` to be a positive whole number, received: 0"),
        ({"epochs": -1}, "`epochs` to be a positive whole number, received: -1"),
        ({"epochs": 2.5}, r"`epochs` to be a positive whole number, received: 2\.5"),
        ({"epochs": True}, "`epochs` to be a positive whole number, received: True"),
        ({"epochs": None}, "`epochs` to be a positive whole number, received: None"),
        ({"learning_rate": 0}, "`learning_rate` to be a number above 0, received: 0"),
        ({"learning_rate": -1e-3}, r"`learning_rate` to be a number above 0, received: -0\.001"),
        ({"learning_rate": float("nan")}, "`learning_rate` to be a number above 0, received: nan"),
        ({"learning_rate": float("inf")}, "`learning_rate` to be a number above 0, received: inf"),
        ({"learning_rate": "1e-3"}, "`learning_rate` to be a number above 0, received: '1e-3'"),
        ({"trainable": "head"}, "`trainable` to be .*, received: 'head'"),
        ({"trainable": 0}, "`trainable` to be .*, received: 0"),
        ({"trainable": True}, "`trainable` to be .*, received: True"),
        ({"trainable": []}, r"`trainable` to be .*, received: \[\]"),
        ({"trainable": [1]}, r"`trainable` to be .*, received: \[1\]"),
        ({"schedule": "linear"}, "`schedule` to be one of constant, cosine, received: 'linear'"),
        ({"optimizer": "adamm"}, r"`optimizer` to be a Keras optimizer or one of .*adam, .*, received: 'adamm'"),
        ({"optimizer": 3}, "`optimizer` to be a Keras optimizer or one of .*, received: 3"),
        ({"optimizer": "LossScaleOptimizer"}, "`optimizer` to be"),
        ({"batch_size": 0}, "`batch_size` to be a positive whole number, received: 0"),
        ({"patience": 0}, "`patience` to be a positive whole number, received: 0"),
        ({"warmup": 1.5}, "`warmup` to be a part of the steps, from 0 to 1, received: 1.5"),
        ({"layer_decay": 0}, "`layer_decay` to be a factor above 0 and at most 1, received: 0"),
        ({"layer_decay": 1.1}, "`layer_decay` to be a factor above 0 and at most 1, received: 1.1"),
        ({"weight_decay": -1}, "`weight_decay` to be a number of at least 0, received: -1"),
        ({"clip_norm": 0}, "`clip_norm` to be None or a number above 0, received: 0"),
        ({"clip_norm": "1"}, "`clip_norm` to be None or a number above 0, received: '1'"),
        ({"image_size": 0}, "`image_size` to be None, a number of pixels or two of them, received: 0"),
        ({"image_size": (32,)}, "`image_size` to be None, a number of pixels or two of them"),
        ({"patience": 1.5}, "`patience` to be a positive whole number, received: 1.5"),
    ],
)
def test_what_cannot_be_is_refused_at_once(arguments, message):
    with pytest.raises(ValueError, match=f"^Expected {message}"):
        Stage(**{"epochs": 1, **arguments})


@pytest.mark.parametrize("trainable", ["heads", "all", 3, np.int64(3), ["conv_pw_1"], ("a", "b")])
def test_what_can_be_trained(trainable):
    assert Stage(np.int64(2), np.float32(1e-3), trainable).trainable == trainable


# === Recipes ===


def test_the_recipes_warm_the_heads_up_first():
    for stages in (DEFAULT_STAGES, FASHIONAI_STAGES):
        assert [stage.trainable for stage in stages] == ["heads"] + ["all"] * (len(stages) - 1)
    assert [stage.learning_rate for stage in FASHIONAI_STAGES] == [1e-3, 1e-4, 1e-5, 1e-6]
