"""Training that was broken off ends with the same numbers as training that was not."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mtlzoo import BalancingMonitor, TaskwiseEarlyStopping
from mtlzoo.training import Stage, fit

STAGES = [Stage(2, 1e-2, "heads"), Stage(4, 2e-2, patience=3, optimizer="adam")]
SETTINGS = {"batch_size": 12, "seed": 3, "balancing": "dwa", "verbose": False}


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch: int):
        super().__init__()
        self.at, self.epoch = epoch, None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (self.at, 1):
            raise KeyboardInterrupt


def same(weights: list, others: list) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(weights, others, strict=True))


def callbacks() -> list[keras.callbacks.Callback]:
    return [BalancingMonitor(), TaskwiseEarlyStopping("color", patience=1, threshold=0.5, verbose=False)]


@pytest.fixture(scope="module")
def whole(drawn, network):
    """The weights, the history and the callbacks of an uninterrupted training, with dropout and augmentation."""
    model, used = network(drawn[0].heads, dropout=0.3), callbacks()
    history = fit(model, *drawn, STAGES, callbacks=used, **SETTINGS)
    return model.get_weights(), history, used


def test_it_ends_as_if_it_had_not_been_interrupted(drawn, network, whole, tmp_path):
    """In the first stage, between the stages and within the second; the network is a new one each time."""
    weights, expected, watched = whole
    for number, epoch in enumerate((1, 2, 4)):
        used = callbacks()
        model = network(drawn[0].heads, dropout=0.3)
        history = fit(model, *drawn, STAGES, resume=tmp_path, callbacks=[*used, Interrupt(epoch)], **SETTINGS)
        assert history.interrupted
        assert history.epoch == list(range(epoch)), number
    used, model = callbacks(), network(drawn[0].heads, dropout=0.3)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    history = fit(model, *drawn, STAGES, resume=tmp_path, callbacks=used, **SETTINGS)
    assert history.epoch == expected.epoch
    np.testing.assert_equal(history.history, expected.history)
    assert (history.best_epoch, history.interrupted) == (expected.best_epoch, False)
    assert same(model.get_weights(), weights)
    assert used[1].stopped == watched[1].stopped
    np.testing.assert_array_equal(used[0].to_frame(), watched[0].to_frame())
    assert [path.name for path in tmp_path.iterdir()] == ["training-state.npz"]

    again = network(drawn[0].heads, dropout=0.3)
    history = fit(again, *drawn, STAGES, resume=tmp_path, callbacks=callbacks(), **SETTINGS)
    np.testing.assert_equal(history.history, expected.history)
    assert same(again.get_weights(), weights)


def test_without_validation_the_last_weights_are_left(drawn, network, tmp_path):
    heads, settings = {"color": drawn[0].heads["color"]}, {**SETTINGS, "balancing": None}
    model = network(heads)
    expected = fit(model, drawn[0], stages=Stage(3, 1e-2), **settings)
    fit(network(heads), drawn[0], stages=Stage(3, 1e-2), resume=tmp_path, callbacks=[Interrupt(2)], **settings)
    resumed = network(heads)
    history = fit(resumed, drawn[0], stages=Stage(3, 1e-2), resume=tmp_path, **settings)
    np.testing.assert_equal(history.history, expected.history)
    assert same(resumed.get_weights(), model.get_weights())


def test_other_arguments_are_refused(drawn, network, tmp_path):
    heads = {"color": drawn[0].heads["color"]}
    given = {"stages": Stage(1, 1e-2), "resume": tmp_path, "verbose": False}
    model = network(heads)
    fit(model, *drawn, **given)
    before = model.get_weights()
    for name, value, message in (
        ("batch_size", 8, "`batch_size` was 32, received: 8. Remove the file"),
        ("seed", 1, "`seed` was 0, received: 1"),
        ("augment", None, "`augment` was default, received: None"),
        ("stages", Stage(2, 1e-2), "`stages` was epochs=1, .*, received: epochs=2"),
        ("sample_weight", "weight", "`sample_weight` was None, received: weight"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(model, *drawn, **{**given, name: value})
    with pytest.raises(ValueError, match=r"`train` was 48 rows \(.*\), received: 47 rows"):
        fit(model, drawn[0].take(range(47)), drawn[1], **given)
    with pytest.raises(ValueError, match=r"`model` was a model of .* parameters"):
        fit(network({"color": 3, "bright": drawn[0].heads["bright"]}), *drawn, **given)
    assert same(model.get_weights(), before)
    (tmp_path / "training-state.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"training-state\.npz: not the state of a training"):
        fit(model, *drawn, **given)
