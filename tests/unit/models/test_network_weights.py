"""What balancing has learned is among a model's variables, and none of its network's."""

from __future__ import annotations

import numpy as np

import mtlzoo as mtl


def test_a_model_that_was_trained_with_balancing_can_get_other_heads():
    model = mtl.build("tcdcn", {"kids": mtl.BinaryHead(), "kind": mtl.ClassificationHead(3)})
    plain = [weight.path for weight in model.network_weights]
    model.compile(balancing="uncertainty")
    assert len(model.weights) > len(plain)
    assert [weight.path for weight in model.network_weights] == plain
    more = model.with_heads({**model.heads, "hat": mtl.BinaryHead()})
    images = np.random.default_rng(0).random((2, *model.input_shape[1:])) * 255
    for name, output in model.predict_on_batch(images).items():
        np.testing.assert_array_equal(more.predict_on_batch(images)[name], output)
