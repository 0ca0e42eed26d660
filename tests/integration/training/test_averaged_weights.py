"""Averaged weights are what is validated, kept and exported; training goes on with its own."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mtlzoo.training import Recipe, Stage, Trainer, fit

pytestmark = pytest.mark.usefixtures("eagerly")
STAGE = Stage(3, 2e-2, optimizer="sgd", schedule="constant")
SETTINGS = {"batch_size": 24, "seed": 3, "augment": None, "verbose": False, "calibrate": False}
MOMENTUM = 0.5


class Follow(keras.callbacks.Callback):
    """Averages the trainable weights by itself, step by step."""

    def __init__(self):
        super().__init__()
        self.average, self.after = None, []

    def on_train_batch_end(self, batch, logs=None):
        values = [variable.numpy() for variable in self.model.trainable_variables]
        if self.average is None:
            self.average = values
        self.average = [MOMENTUM * old + (1 - MOMENTUM) * new for old, new in zip(self.average, values)]
        self.live = values

    def on_epoch_end(self, epoch, logs=None):
        self.after.append(([variable.numpy() for variable in self.model.trainable_variables], self.average, self.live))


def close(ones, others) -> bool:
    return all(np.allclose(one, other, atol=1e-5) for one, other in zip(ones, others, strict=True))


def test_callbacks_and_files_see_averages_and_steps_their_own_weights(drawn, network):
    heads = {"color": drawn[0].heads["color"]}
    plain, follow, seen = network(heads), Follow(), []
    without = fit(plain, *drawn, STAGE, **SETTINGS)
    model = network(heads)
    history = fit(model, *drawn, STAGE, average=MOMENTUM, callbacks=[follow], on_best=seen.append, **SETTINGS)
    np.testing.assert_allclose(history.history["loss"], without.history["loss"], rtol=1e-5)  # the same steps
    for validated, average, live in follow.after:
        assert close(validated, average)
        assert not close(validated, live)
    assert seen
    best = follow.after[history.best_epoch][1]
    assert close([variable.numpy() for variable in model.trainable_variables], best)


def test_without_validation_the_averages_are_left(drawn, network):
    model, follow = network({"color": drawn[0].heads["color"]}), Follow()
    fit(model, drawn[0], stages=STAGE, average=MOMENTUM, callbacks=[follow], **SETTINGS)
    assert close([variable.numpy() for variable in model.trainable_variables], follow.average)


@pytest.mark.parametrize("settings", [{"average": MOMENTUM}, {"batch_norm": "fresh"}], ids=["average", "fresh"])
def test_an_interrupted_training_ends_as_if_it_had_not_been(drawn, network, tmp_path, settings):
    heads = {"color": drawn[0].heads["color"]}
    whole = network(heads)
    expected = fit(whole, *drawn, STAGE, **settings, **SETTINGS)

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    broken = network(heads)
    fit(broken, *drawn, STAGE, callbacks=[Interrupt()], resume=tmp_path, **settings, **SETTINGS)
    for _ in range(2):  # the second time it is over
        resumed = network(heads)
        history = fit(resumed, *drawn, STAGE, resume=tmp_path, **settings, **SETTINGS)
        np.testing.assert_equal(history.history, expected.history)
        for one, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_frozen_statistics_stay_while_scales_are_trained(drawn, network):
    model = network({"color": drawn[0].heads["color"]})
    layer = model.backbone.get_layer("first_bn")
    before = [variable.numpy() for variable in layer.weights]
    fit(model, *drawn, STAGE, batch_norm="frozen", **SETTINGS)
    changed = [not np.array_equal(variable.numpy(), value) for variable, value in zip(layer.weights, before)]
    assert [variable.name for variable in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert changed == [True, True, False, False]
    assert not model.backbone.inference_mode  # which is the training's alone


def test_minutes_become_epochs_and_are_said(drawn, network, capsys, tmp_path):
    heads = {"color": drawn[0].heads["color"]}
    recipe = Recipe([Stage(1, 1e-2, "heads"), Stage(2, 1e-2)], batch_size=24, minutes=0.05)
    first = network(heads)
    start = first.get_weights()
    trainer = Trainer(first, *drawn, recipe, resume=tmp_path)
    history = trainer.run()
    epochs = [stage.epochs for stage in trainer.stages]
    assert len(history.epoch) <= sum(epochs)
    assert "0.05 minutes: a step takes " in capsys.readouterr().out
    assert any(not np.array_equal(one, other) for one, other in zip(first.get_weights(), start))
    # Gone on with, the plan is the one that was made.
    again = Trainer(network(heads), *drawn, recipe, resume=tmp_path, verbose=False)
    assert again.run().epoch == history.epoch
    assert [stage.epochs for stage in again.stages] == epochs


def test_small_images_first_and_the_models_own_at_the_end(drawn, network):
    heads, sizes = {"color": drawn[0].heads["color"]}, []

    class Sizes(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            sizes.append(self.model.input_shape[1:3])

    stages = [Stage(1, 1e-2, "heads", image_size=(9, 8)), Stage(2, 1e-2, image_size=9), Stage(1, 1e-2)]
    model, seen = network(heads), []
    history = fit(
        model, *drawn, stages, callbacks=[Sizes()], on_best=lambda best: seen.append(best.input_shape), **SETTINGS
    )
    assert sizes == [(9, 8), (9, 9), (9, 9), (12, 10)]
    assert set(seen) == {(None, 12, 10, 3)}
    assert history.best_epoch == 3  # nothing before was measured on the model's own size
    assert model.input_shape == (None, 12, 10, 3)
    with pytest.raises(
        ValueError, match="Expected the last stage to see images of the model's own size, 12 x 10 pixels"
    ):
        fit(network(heads), *drawn, stages[:2], **SETTINGS)
