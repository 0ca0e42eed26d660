"""Which tokens are patches, and what becomes of them."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mtlzoo.backbones.tokens import Layout, feature_map, find_layout


@pytest.mark.parametrize(
    ("count", "size", "patch", "layout"),
    [
        (196, (224, 224), None, Layout(14, 14, 0)),  # SigLIP, Swin
        (197, (224, 224), None, Layout(14, 14, 1)),  # ViT
        (198, (224, 224), None, Layout(14, 14, 2)),  # DeiT
        (201, (224, 224), 16, Layout(14, 14, 5)),  # DINOv3
        (261, (224, 224), 14, Layout(16, 16, 5)),  # DINOv2 with registers
        (99, (224, 112), 16, Layout(14, 7, 1)),
        (49, (224, 224), None, Layout(7, 7, 0)),
        (27, (16, 16), None, None),
        (3, (224, 224), 16, None),
    ],
)
def test_layouts(count, size, patch, layout):
    assert find_layout(count, size, patch) == layout


def features(tokens: np.ndarray, *arguments, pooled: np.ndarray | None = None) -> np.ndarray:
    sequence = keras.Input(tokens.shape[1:])
    if pooled is None:
        return np.asarray(keras.Model(sequence, feature_map(sequence, *arguments))(tokens))
    vector = keras.Input(pooled.shape[1:])
    if arguments[-1] == "class":
        return np.asarray(keras.Model(vector, feature_map(sequence, *arguments, vector))(pooled))
    return np.asarray(keras.Model([sequence, vector], feature_map(sequence, *arguments, vector))([tokens, pooled]))


def test_what_heads_get():
    tokens = np.random.default_rng(0).normal(size=(2, 8, 3)).astype("float32")
    layout = Layout(2, 3, 2)
    patches = tokens[:, 2:].reshape(2, 2, 3, 3)
    np.testing.assert_array_equal(features(tokens, layout, "mean"), patches)
    np.testing.assert_array_equal(features(tokens, layout, "class"), tokens[:, 0])
    both = features(tokens, layout, "both")
    np.testing.assert_array_equal(both, features(tokens, layout, None))
    np.testing.assert_array_equal(both[..., :3], patches)
    np.testing.assert_array_equal(both[..., 3:], np.broadcast_to(tokens[:, None, None, 0], patches.shape))
    # The mean over positions is what DINOv2 is evaluated by.
    np.testing.assert_allclose(both.mean((1, 2)), np.concatenate([patches.mean((1, 2)), tokens[:, 0]], -1), atol=1e-6)


def test_a_vector_of_the_networks_own_stands_for_the_class_token():
    rng = np.random.default_rng(0)
    tokens, pooled = rng.normal(size=(2, 6, 3)).astype("float32"), rng.normal(size=(2, 3)).astype("float32")
    both = features(tokens, Layout(2, 3, 0), None, pooled=pooled)
    np.testing.assert_array_equal(both[..., :3], tokens.reshape(2, 2, 3, 3))
    np.testing.assert_array_equal(both[:, 1, 2, 3:], pooled)
    np.testing.assert_array_equal(features(tokens, Layout(2, 3, 0), "class", pooled=pooled), pooled)


def test_without_a_grid_tokens_are_one_row():
    tokens = np.random.default_rng(0).normal(size=(2, 7, 3)).astype("float32")
    np.testing.assert_array_equal(features(tokens, Layout(1, 7, 0), None), tokens[:, None])
    with pytest.raises(ValueError, match=r"has no class token \(7 tokens, 1 x 7 patches\), received: 'both'"):
        features(tokens, Layout(1, 7, 0), "both")
