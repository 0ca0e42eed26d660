"""The optimizer that other tests train with does what Keras' own does."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest


def trained(make_optimizer, monkeypatch: pytest.MonkeyPatch, graph: bool, own: bool) -> list[np.ndarray]:
    """The weights of a small network after some steps, and the optimizer's variables."""
    update = keras.optimizers.Adam.update_step
    assert inspect.unwrap(update) is not update
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(3)])
    optimizer = make_optimizer()
    model.compile(optimizer, "mse", run_eagerly=not graph)
    rng = np.random.default_rng(0)
    with monkeypatch.context() as patch:
        if own:
            patch.setattr(keras.optimizers.Adam, "update_step", inspect.unwrap(update))
        model.fit(rng.normal(size=(24, 5)), rng.normal(size=(24, 3)), batch_size=4, epochs=2, verbose=0)
    return [*model.get_weights(), *(variable.numpy() for variable in optimizer.variables)]


@pytest.mark.slow
@pytest.mark.parametrize("graph", [True, False])
@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda: keras.optimizers.Adam(0.02, clipnorm=0.5),
        lambda: keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.05, 10), weight_decay=0.1),
        lambda: keras.optimizers.Adam(0.02, amsgrad=True, gradient_accumulation_steps=2),
        lambda: keras.optimizers.Adam(0.02, beta_1=0.8, beta_2=0.9, epsilon=0.1, gradient_accumulation_steps=2),
    ],
    ids=["clipped", "decaying", "amsgrad", "accumulating"],
)
def test_adam_by_one_operation(make_optimizer, graph, monkeypatch):
    found = trained(make_optimizer, monkeypatch, graph, own=False)
    expected = trained(make_optimizer, monkeypatch, graph, own=True)
    assert len(found) == len(expected) > 8
    for quick, own in zip(found, expected):
        np.testing.assert_allclose(quick, own, rtol=1e-4, atol=1e-6)
