"""A training step is traced once: what it needs is there before."""

from __future__ import annotations

import numpy as np
import pytest

import mtlzoo as mtl


@pytest.mark.slow
@pytest.mark.parametrize("balancing", [None, "uncertainty", "nash_mtl"])
def test_a_step_is_traced_once(balancing, monkeypatch):
    import keras

    images = keras.Input((8, 8, 3))
    backbone = keras.Model(images, keras.layers.Conv2D(2, 3)(images))
    model = mtl.build(backbone, {"kind": mtl.BinaryHead(), "size": mtl.RegressionHead()})
    model.compile("adam", balancing=balancing)
    assert not model.optimizer.built  # layers may still be frozen
    traced, step = [], type(model).train_step
    monkeypatch.setattr(type(model), "train_step", lambda self, *data: traced.append(1) or step(self, *data))
    labels = {"kind": np.array([0, 1]), "size": np.array([0.5, 1.5])}
    for _ in range(2):
        model.fit(np.zeros((2, 8, 8, 3), "float32"), labels, verbose=0)
    assert len(traced) == 1
    assert model.optimizer.built
