"""Missing labels are filled in by a teacher: another network, or the average of the one that learns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from asked import usually
from eager import eager_steps

import mtlzoo as mtl
from mtlzoo.training import FeatureCache, Stage, Teach, fit
from mtlzoo.training import teacher_answers as module

STAGES = [Stage(1, 1e-2, "heads"), Stage(2, 2e-2)]
SETTINGS: dict[str, Any] = {"batch_size": 16, "seed": 3, "verbose": False}


def same(model: mtl.MultiTaskModel, other: mtl.MultiTaskModel) -> bool:
    return all(np.array_equal(*pair) for pair in zip(model.get_weights(), other.get_weights(), strict=True))


@pytest.fixture(scope="module")
def hidden(drawn) -> mtl.data.LabelTable:
    """The training rows with few labels."""
    frame = drawn[0].frame.copy()
    for place, name in enumerate(drawn[0].heads):
        frame.loc[np.arange(len(frame)) % 6 != place, name] = None
    return replace(drawn[0], frame=frame)


@pytest.fixture(scope="module")
def teacher(drawn, network) -> mtl.MultiTaskModel:
    model = network(drawn[0].heads)
    with eager_steps():
        fit(model, *drawn, Stage(8, 2e-2), **SETTINGS)
    return model


@pytest.mark.long
def test_a_teacher_is_worth_labels(drawn, hidden, network, teacher, eagerly):
    alone, taught = network(drawn[0].heads), network(drawn[0].heads)
    before = fit(alone, hidden, drawn[1], Stage(4, 2e-2), **SETTINGS).history["val_loss"]
    after = fit(taught, hidden, drawn[1], Stage(4, 2e-2), teach=Teach(teacher), **SETTINGS).history["val_loss"]
    assert min(after) < min(before)


def test_what_is_hidden_reaches_nothing(drawn, network, teacher, eagerly):
    """The labels that are hidden could be anything: weights are the same to the last bit."""
    shown = np.stack([np.arange(len(drawn[0])) % 6 == place for place in range(3)], axis=1)
    truth, rng, models = drawn[0].frame, np.random.default_rng(0), []
    for noise in (False, True):
        frame = truth.copy()
        for place, name in enumerate(drawn[0].heads):
            if noise:
                frame[name] = truth[name].where(shown[:, place], rng.permutation(truth[name].to_numpy()))
            frame[name] = frame[name].where(shown[:, place], None)
        for teach in (Teach(teacher), Teach()):
            models.append(network(drawn[0].heads))
            fit(models[-1], replace(drawn[0], frame=frame), drawn[1], STAGES, teach=teach, **SETTINGS)
    assert same(models[0], models[2])
    assert same(models[1], models[3])
    assert not same(models[0], models[1])


def test_it_predicts_once_and_is_found_in_the_folder_of_features(
    hidden, drawn, network, teacher, tmp_path, monkeypatch
):
    computed = []
    original = module.get_features

    def counted(*args):
        computed.append(args)
        return original(*args)

    monkeypatch.setattr(module, "get_features", counted)
    models = []
    for _ in range(2):
        models.append(network(drawn[0].heads))
        cache = FeatureCache(folder=tmp_path)
        fit(models[-1], hidden, drawn[1], Stage(2, 1e-2), teach=Teach(teacher), features=cache, **SETTINGS)
    assert len(computed) == 4  # the rows of training and of validation, twice
    assert len(list(tmp_path.iterdir())) == 2  # which were kept
    assert same(*models)


@pytest.mark.parametrize("teach", usually(["teacher"], ["teacher", "itself"]))
def test_frozen_stages_on_cached_features_learn_the_same(hidden, drawn, network, teacher, teach, eagerly):
    models, settings = [], {**SETTINGS, "augment": None}
    for features in ("auto", None):
        models.append(network(drawn[0].heads))
        given = Teach(teacher, labelled=0.5) if teach == "teacher" else Teach()
        fit(models[-1], hidden, drawn[1], Stage(3, 1e-2, "heads"), teach=given, features=features, **settings)
    for one, other in zip(models[0].get_weights(), models[1].get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C at the start of an epoch."""

    def __init__(self, at: int):
        super().__init__()
        self.at = at

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("momentum", usually([None], [None, 0.8]))
def test_an_interrupted_training_ends_as_the_others(hidden, drawn, network, teacher, momentum, tmp_path, eagerly):
    def teach():
        return Teach(teacher) if momentum is None else Teach(momentum=momentum)

    whole, broken = network(drawn[0].heads), network(drawn[0].heads)
    fit(whole, hidden, drawn[1], STAGES, teach=teach(), **SETTINGS)
    for callbacks in ([Interrupt(2)], []):
        fit(broken, hidden, drawn[1], STAGES, teach=teach(), resume=tmp_path, callbacks=callbacks, **SETTINGS)
    assert same(whole, broken)
    with pytest.raises(mtl.errors.StateError, match="teach"):
        fit(network(drawn[0].heads), hidden, drawn[1], STAGES, teach=Teach(missing=0.5), resume=tmp_path, **SETTINGS)


def test_the_average_that_teaches_is_not_what_is_trained(hidden, network, tmp_path, eagerly):
    """Without validation rows the last weights stay: Keras ends by the average where an optimizer keeps one."""
    epochs, broken = [], network(hidden.heads)
    whole, teach = network(hidden.heads), Teach(momentum=0.8)
    see = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(whole.get_weights()))
    stages = [Stage(1, 1e-2, "heads"), Stage(1, 1e-2)]
    fit(whole, hidden, None, stages, teach=teach, callbacks=[see], **SETTINGS)
    assert all(np.array_equal(*pair) for pair in zip(whole.get_weights(), epochs[-1], strict=True))
    for callbacks in ([Interrupt(2)], []):
        fit(broken, hidden, None, stages, teach=teach, resume=tmp_path, callbacks=callbacks, **SETTINGS)
    assert same(whole, broken)


def test_images_without_labels_take_part(hidden, drawn, network, teacher, eagerly):
    model = network(drawn[0].heads)
    history = fit(model, hidden, drawn[1], Stage(2, 1e-2), teach=Teach(teacher, unlabelled=drawn[1]), **SETTINGS)
    assert len(history.epoch) == 2
    alone = network(drawn[0].heads)
    fit(alone, hidden, drawn[1], Stage(2, 1e-2), teach=Teach(teacher), **SETTINGS)
    assert not same(model, alone)


def test_a_dataset_cannot_be_taught(hidden, drawn, network, teacher):
    dataset = mtl.data.image_dataset(hidden, (12, 10))
    with pytest.raises(ValueError, match="Expected a table of training rows for a teacher, received a dataset"):
        fit(network(drawn[0].heads), dataset, drawn[1], STAGES, teach=Teach(teacher), **SETTINGS)


def test_balancing_averages_and_graphs_go_together_with_teachers(hidden, drawn, network):
    model = network(drawn[0].heads)
    settings = {"balancing": "cagrad", "average": 0.8}
    history = fit(model, hidden, drawn[1], Stage(2, 1e-2), teach=Teach(), **settings, **SETTINGS)
    assert np.isfinite(history.history["val_loss"]).all()
