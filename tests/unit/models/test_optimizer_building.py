"""When a model builds its optimizer: before the first step is traced, and not earlier."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from mtlzoo.models import MultiTaskModel, build

IMAGES, LABELS = np.zeros((4, 8, 8, 3), "float32"), {"kind": np.array([0, 1, 2, 0])}


@pytest.fixture
def model() -> MultiTaskModel:
    inputs = keras.Input((8, 8, 3))
    backbone = keras.Model(inputs, layers.Conv2D(2, 3, name="conv")(inputs))
    model = build(backbone, {"kind": 3}, weights=None, preprocessing="tf")
    model.compile(keras.optimizers.Adam(1e-3))
    return model


@pytest.mark.slow
@pytest.mark.parametrize("balancing", [None, "uncertainty", "gradnorm", "nash_mtl"])
def test_a_step_is_traced_once(model, monkeypatch, balancing):
    traced = []
    step = MultiTaskModel.train_step

    def counting(self, *data):
        traced.append(self)
        return step(self, *data)

    monkeypatch.setattr(MultiTaskModel, "train_step", counting)
    model.compile(keras.optimizers.Adam(1e-3), balancing=balancing)
    model.fit(IMAGES, LABELS, batch_size=2, epochs=2, verbose=0)
    assert len(traced) == 1
    assert model.optimizer.iterations == 4


def test_evaluation_makes_no_variables_of_an_optimizer(model):
    model.run_eagerly = True
    model.evaluate(IMAGES, LABELS, verbose=0)
    assert not model.optimizer.built
    model.fit(IMAGES, LABELS, verbose=0)
    assert model.optimizer.built


def test_callbacks_may_still_choose_what_is_trained(model):
    model.run_eagerly = True
    model.set_trainable("heads")
    begins = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: model.set_trainable("all"))
    before = model.get_layer("kind").get_weights()[0]
    model.fit(IMAGES, LABELS, callbacks=[begins], verbose=0)
    assert len(model.optimizer.variables) == 2 + 2 * len(model.trainable_variables)
    assert not np.array_equal(before, model.get_layer("kind").get_weights()[0])


def test_a_model_without_anything_to_train_builds_nothing(model):
    model.run_eagerly = True
    model.trainable = False
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        model.fit(IMAGES, LABELS, verbose=0)
    model.trainable = True
    model.fit(IMAGES, LABELS, verbose=0)
    assert len(model.optimizer.variables) == 2 + 2 * len(model.trainable_variables)
