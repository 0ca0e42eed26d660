"""Batch normalisation keeps up with weights that are fine-tuned, in every family of backbones, and lagging is noticed."""

from __future__ import annotations

import warnings

import cv2
import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from asked import usually
from families import FIRST
from family_training import bright_and_dark, losses_after_two_epochs
from memory import release_memory

import mtlzoo as mtl
from mtlzoo.models.batch_norm import fitting_momentum, normalization_layers
from mtlzoo.training.statistics_lag import compare_modes, is_far_above

# That momentum is lowered in every family is seen in `tests/integration/models/test_all_backbones.py`.
FAMILIES = usually(["MobileNetV2"], FIRST)


@pytest.fixture(scope="module")
def rows():
    """Bright and dark images of a size, in batches."""
    return bright_and_dark


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_two_short_epochs_leave_both_modes_with_the_same_loss(name):
    inference, training, momentum = losses_after_two_epochs(name)
    assert not is_far_above(inference, training)
    assert np.isfinite(inference)
    # Two of them have no batch normalisation, and nothing that could lag.
    assert set(momentum) <= {fitting_momentum(1)}
    assert bool(momentum) == (name not in ("VGG16", "ConvNeXtTiny"))
    release_memory()


def test_the_momentum_fits_the_steps():
    assert fitting_momentum(1000) == 0.9
    assert fitting_momentum(44) == 0.9 > fitting_momentum(43)
    for steps in (1, 2, 5, 20):
        assert fitting_momentum(steps) ** steps == pytest.approx(0.01)


def test_fit_lowers_the_momentum_for_its_own_time(rows, tiny_backbone):
    model, seen = mtl.build(tiny_backbone, {"bright": mtl.BinaryHead()}, (16, 16, 3)), []
    look = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.extend(layer.momentum for layer in normalization_layers(model))
    )
    mtl.fit(model, rows((16, 16), 64), stages=[mtl.Stage(1)], callbacks=[look], verbose=False)
    assert seen == pytest.approx([fitting_momentum(4)] * 3)
    assert [layer.momentum for layer in normalization_layers(model)] == [0.9] * 3


class Slow(keras.callbacks.Callback):
    """Gives batch normalisation the momentum of a network that was trained for long, and wrong statistics."""

    def on_train_begin(self, logs=None):
        for layer in normalization_layers(self.model):
            layer.momentum = 0.9999
            layer.moving_mean.assign(layer.moving_mean - 3.0)


def test_lagging_statistics_are_told_once(rows, tiny_backbone):
    model = mtl.build(tiny_backbone, {"bright": mtl.BinaryHead()}, (16, 16, 3), dropout=0.0)
    data = rows((16, 16))
    with pytest.warns(UserWarning, match="moving statistics of batch normalisation lag") as caught:
        mtl.fit(model, data, data, [mtl.Stage(4, 1e-2)], callbacks=[Slow()], verbose=False)
    assert len(caught) == 1


def test_overfitting_is_not_taken_for_it(tiny_backbone):
    """The labels of the validation rows are wrong: validation loss is high in both modes."""
    rng = np.random.default_rng(0)
    labels = np.arange(64) % 2
    images = np.broadcast_to(60 + 120 * labels[:, None, None, None], (64, 16, 16, 3)) + rng.normal(
        0, 5, (64, 16, 16, 3)
    )
    images = images.astype("uint8")
    train = tf.data.Dataset.from_tensor_slices((images, {"bright": labels})).batch(8)
    valid = tf.data.Dataset.from_tensor_slices((images, {"bright": 1 - labels})).batch(8)
    model = mtl.build(tiny_backbone, {"bright": mtl.BinaryHead()}, (16, 16, 3), dropout=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = mtl.fit(model, train, valid, [mtl.Stage(4, 1e-2)], verbose=False).history
    assert is_far_above(history["val_loss"][-1], history["loss"][-1])


def test_comparing_leaves_the_model_as_it_is(rows, tiny_backbone):
    model = mtl.build(tiny_backbone, {"bright": mtl.BinaryHead()}, (16, 16, 3))
    before = [variable.numpy() for variable in model.variables]
    compare_modes(model, rows((16, 16)))
    for variable, value in zip(model.variables, before):
        np.testing.assert_array_equal(variable.numpy(), value)


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"),
    [(33, 16, [16, 9, 8]), (40, 16, [16, 16, 8]), (32, 16, [16, 16]), (7, 16, [7]), (17, 16, [9, 8])],
)
def test_no_training_batch_is_of_a_few_rows_only(tmp_path, count, batch_size, sizes):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), "uint8"))
    frame = pd.DataFrame({"image": ["a.png"] * count, "a": np.arange(count) % 2})
    table = mtl.data.LabelTable(frame, {"a": mtl.BinaryHead()}, root=tmp_path)
    trained = mtl.data.image_dataset(table, (8, 8), batch_size, shuffle=True)
    assert [len(images) for images, _ in trained] == sizes
    assert len(trained) == len(sizes)
    assert sum(float(tf.reduce_sum(tf.cast(labels["a"], "float32"))) for _, labels in trained) == count // 2
    judged = mtl.data.image_dataset(table, (8, 8), batch_size)
    assert [len(images) for images, _ in judged][:-1] == [batch_size] * (-(-count // batch_size) - 1)


@pytest.mark.long
def test_real_cells_are_fine_tuned(shared):
    """Three epochs on a ninth of the cells: fine-tuning is better than the frozen stage, in validation too."""
    weights = shared / "keras_home/models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    frame = pd.read_csv(shared / "blood_cells/labels.csv", usecols=["image", "cell_type"]).iloc[::9]
    heads = {"cell_type": mtl.ClassificationHead(sorted(frame["cell_type"].unique()))}
    table = mtl.data.LabelTable(frame.reset_index(drop=True), heads, root=shared / "blood_cells")
    train, valid = mtl.data.split(table, [0.8, 0.2], seed=0)
    model = mtl.MobileNetV2(train.heads, (64, 64, 3), str(weights), alpha=0.35)
    stages = [mtl.Stage(1, 1e-3, "heads"), mtl.Stage(3, 1e-3)]
    history = mtl.fit(model, train, valid, stages, verbose=False)
    assert history.history["val_loss"][-1] < history.history["val_loss"][0]
    assert history.best_epoch > 0
