"""The range test of learning rates: what it reads off a curve, that it leaves everything as it was, and its picture."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo as mtl
from mtlzoo.models.seeds import seeds
from mtlzoo.training import LearningRates, find_learning_rate


@pytest.fixture(scope="module")
def small():
    """A model with dropout and two heads, and a dataset of its images, labelled in part."""
    heads = {"kids": mtl.BinaryHead(), "age": mtl.RegressionHead(mean=10.0, scale=5.0)}
    model = mtl.build("tcdcn", heads, dropout=0.2)
    rng = np.random.default_rng(0)
    pixels = rng.random((24, *model.input_shape[1:])).astype("float32") * 255
    labels = {"kids": rng.integers(-1, 2, 24).astype("float32"), "age": np.where(rng.random(24) < 0.5, 9.0, np.nan)}
    return model, tf.data.Dataset.from_tensor_slices((pixels, labels)).batch(8)


def test_what_it_suggests_is_a_tenth_of_where_the_loss_is_lowest():
    rates = np.geomspace(1e-6, 1, 101)
    losses = np.where(rates < 1e-5, 2.0, np.where(rates < 1e-2, 2 - 0.5 * np.log10(rates / 1e-5), 9.0))
    found = LearningRates(tuple(rates), tuple(losses))
    assert 5e-3 < found.lowest <= 1.1e-2
    assert found.suggestion == found.lowest / 10
    assert 1e-5 < found.steepest < found.lowest
    assert found.smoothed[0] == pytest.approx(2)
    assert len(found.smoothed) == 101


def test_losses_that_only_rise_and_those_that_are_no_numbers_are_no_trouble():
    rising = LearningRates((1e-4, 1e-3, 1e-2), (1.0, 2.0, 3.0))
    assert rising.lowest == rising.steepest == 1e-4
    broken = LearningRates((1e-4, 1e-3, 1e-2), (1.0, 0.5, float("nan")))
    assert broken.lowest == 1e-3


@pytest.mark.parametrize("balancing", [None, "uncertainty"])
def test_everything_is_as_it_was(small, balancing):
    model, dataset = small
    model.compile(keras.optimizers.Adam(1e-3))
    model.train_on_batch(*next(iter(dataset)))
    random.seed(5)
    np.random.seed(5)
    before = [model.get_weights(), [variable.numpy() for variable in model.optimizer.variables]]
    drawn, optimizer, heads = [np.asarray(seed.value) for seed in seeds(model)], model.optimizer, dict(model.heads)
    found = find_learning_rate(model, dataset, steps=12, highest=1e-2, balancing=balancing, verbose=False)
    assert 2 <= len(found.rates) == len(found.losses) <= 12
    assert found.rates[:2] == pytest.approx((1e-6, 1e-6 * 1e4 ** (1 / 11)))
    assert np.isfinite(found.losses).all()
    assert (random.random(), np.random.rand()) == (random.Random(5).random(), np.random.RandomState(5).rand())
    assert model.optimizer is optimizer
    assert model.heads == heads
    after = [model.get_weights(), [variable.numpy() for variable in model.optimizer.variables]]
    for one, other in zip([*before[0], *before[1], *drawn], [*after[0], *after[1], *map(_value, seeds(model))]):
        np.testing.assert_array_equal(one, other)


def _value(seed):
    return np.asarray(seed.value)


def test_it_ends_where_the_loss_breaks_out_and_says_how_far_it_is(small, capsys):
    model, dataset = small
    stage = mtl.Stage(1, optimizer="sgd")
    found = find_learning_rate(model, dataset, stage, steps=30, lowest=1e-8, highest=1e3)
    assert len(found.rates) < 30
    assert np.isfinite(found.losses).all()
    assert found.suggestion < 1
    assert "Learning rate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"lowest": 0}, ValueError),
        ({"highest": 1e-7}, ValueError),
        ({"steps": 1}, ValueError),
        ({"epochs": 2}, TypeError),
    ],
)
def test_wrong_arguments_are_refused(small, arguments, error):
    with pytest.raises(error, match="Expected"):
        find_learning_rate(*small, **arguments)


def test_it_is_drawn_with_the_rate_to_begin_with(tmp_path):
    found = LearningRates(tuple(np.geomspace(1e-5, 1, 40)), tuple(np.r_[np.linspace(2, 1, 30), np.full(10, 50.0)]))
    figure = mtl.plotting.plot_learning_rate(found, tmp_path / "rates.png")
    assert (tmp_path / "rates.png").stat().st_size > 1000
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert f"begin with {found.suggestion:.1e}" in [text.get_text() for text in axes.texts]
    assert axes.get_ylim()[1] < 5  # what breaks out does not press the rest to the ground
    with pytest.raises(FileExistsError):
        mtl.plotting.plot_learning_rate(found, tmp_path / "rates.png")
