"""Rows with rare labels are drawn more often: weights by hand, draws that keep to them, batches that repeat."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.data.row_values import epoch_rows
from mtlzoo.data.sampling import SAMPLINGS, draw_rows, sampling_weights
from mtlzoo.data.sharding import BatchShard


def table_of(heads, **columns):
    rows = len(next(iter(columns.values())))
    return mtl.data.LabelTable(pd.DataFrame({"image": [f"{row}.png" for row in range(rows)], **columns}), heads)


KIDS = {"kids": ["no"] * 6 + ["yes", None]}


def test_balanced_draws_a_head_then_a_label_then_a_row():
    weights = sampling_weights(table_of({"kids": mtl.BinaryHead()}, **KIDS), "balanced")
    np.testing.assert_allclose(weights, 8 * np.array([1 / 12] * 6 + [1 / 2, 0]))
    heads = {"kids": mtl.BinaryHead(), "kind": mtl.ClassificationHead(3)}
    both = sampling_weights(table_of(heads, **KIDS, kind=[0, 0, 0, 1] + [None] * 4), "balanced")
    kind = np.array([1 / 6] * 3 + [1 / 2] + [0] * 4)
    np.testing.assert_allclose(both, 8 * (np.array([1 / 12] * 6 + [1 / 2, 0]) + kind) / 2)


def test_repeat_factors_are_the_largest_of_a_rows_labels():
    weights = sampling_weights(table_of({"kids": mtl.BinaryHead()}, **KIDS), "repeat_factor")
    factors = np.array([1.0] * 6 + [np.sqrt(0.5 / (1 / 7)), 1.0])
    np.testing.assert_allclose(weights, factors / factors.mean())


def test_rows_of_a_rarely_labelled_head_are_drawn_more_often():
    heads = {"often": mtl.RegressionHead(), "seldom": mtl.LandmarkHead(["eye"])}
    table = table_of(heads, often=[1.0] * 9 + [None], seldom=[None] * 9 + [(0.3, 0.4)])
    factors = np.array([1.0] * 9 + [np.sqrt(0.5 / 0.1)])
    np.testing.assert_allclose(sampling_weights(table, "repeat_factor"), factors / factors.mean())


def test_tags_count_one_by_one():
    tags = [["a"], ["a"], ["a"], [], None]
    table = table_of({"tags": mtl.MultiLabelHead(["a", "b"])}, tags=tags)
    factors = np.array([1, 1, 1, np.sqrt(2), 1])
    np.testing.assert_allclose(sampling_weights(table, "repeat_factor"), factors / factors.mean())


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_without_any_label_all_rows_are_alike(sampling):
    table = table_of({"kids": mtl.BinaryHead()}, kids=[None] * 4)
    np.testing.assert_array_equal(sampling_weights(table, sampling), np.ones(4))


def test_an_unknown_sampling_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="None or one of repeat_factor, balanced, received: 'rare'"):
        sampling_weights(table_of({"kids": mtl.BinaryHead()}, **KIDS), "rare")
    with pytest.raises(ValueError, match="repeat_factor"):
        mtl.data.image_dataset(table_of({"kids": mtl.BinaryHead()}, **KIDS), sampling="rare")


def test_rows_are_drawn_as_often_as_expected_and_never_otherwise(rng):
    weights = rng.random(50) ** 3
    expected = weights / weights.sum() * 50
    total = np.zeros(50)
    for _ in range(400):
        counts = np.bincount(draw_rows(weights, rng), minlength=50)
        assert counts.sum() == 50
        assert ((counts >= np.floor(expected)) & (counts <= np.ceil(expected))).all()
        total += counts
    np.testing.assert_allclose(total / 400, expected, atol=0.12)


def test_equal_weights_draw_each_row_once(rng):
    assert sorted(draw_rows(np.ones(101), rng)) == list(range(101))


def test_an_epoch_follows_seed_and_number_alone_and_without_shuffling_nothing_is_drawn():
    weights = np.arange(1.0, 21)
    draws = [epoch_rows(20, True, 7, epoch, weights)[0].tolist() for epoch in (0, 1, 0)]
    assert draws[0] == draws[2] != draws[1]
    assert epoch_rows(20, False, 7, 0, weights)[0].tolist() == list(range(20))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for row in range(8):
        cv2.imwrite(str(folder / f"{row}.png"), np.full((8, 8, 3), 30 * row, np.uint8))
    frame = pd.DataFrame({"image": [f"{row}.png" for row in range(8)], **KIDS})
    return mtl.data.LabelTable(frame, {"kids": mtl.BinaryHead()}, root=folder)


def test_batches_have_the_drawn_rows_on_every_shard(images):
    options = {"shuffle": True, "seed": 3, "sampling": "balanced"}
    whole = mtl.data.image_dataset(images, (8, 8), 4, **options)
    assert len(whole) == 2
    labels = np.concatenate([y["kids"].numpy() for _, y in whole])
    assert len(labels) == 8
    assert (labels == 1).sum() == 4
    assert not (labels == -1).any()
    first = [x.numpy()[:, 0, 0, 0] for x, _ in mtl.data.image_dataset(images, (8, 8), 4, **options)]
    for number in (0, 1):
        shard = mtl.data.image_dataset(images, (8, 8), 4, **options, shard=BatchShard(2, number, 1))
        for (x, *_), batch in zip(shard, first):
            np.testing.assert_array_equal(x.numpy()[:, 0, 0, 0], batch[2 * number : 2 * number + 2])


def test_cached_features_are_those_of_all_rows_and_drawn_likewise(images):
    from mtlzoo.data.pipeline import PipelineSettings, build_pipeline
    from mtlzoo.training.features import feature_dataset, get_features

    model = _small_trunk()
    settings = PipelineSettings((8, 8), 4, shuffle=True, seed=3, sampling="balanced")
    features = get_features(model, images, settings, 1, None, "")
    np.testing.assert_allclose(features.values[0, :, 0], np.arange(8) * 30, atol=1e-4)
    drawn = np.concatenate([x.numpy()[:, 0] for x, _ in feature_dataset(images, features, settings)])
    shown = np.concatenate([x.numpy()[:, 0, 0, 0] for x, _ in build_pipeline(images, settings)])
    np.testing.assert_allclose(drawn, shown, atol=1e-4)


def _small_trunk():
    import keras

    inputs = keras.Input((8, 8, 3))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
