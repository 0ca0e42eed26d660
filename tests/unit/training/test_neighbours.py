"""What the labels of images that look alike tell of one that is missing."""

from __future__ import annotations

import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.training.neighbours import spread_labels

HEADS = {"kind": mtl.ClassificationHead(3), "kids": mtl.BinaryHead()}
SERIES, EACH = 30, 8


@pytest.fixture
def series(rng):
    """Images in series that look alike, of one class each: features and classes."""
    middles = rng.normal(size=(SERIES, 300))
    classes = np.arange(SERIES) % 3
    features = np.repeat(middles, EACH, axis=0) + 0.3 * rng.normal(size=(SERIES * EACH, 300))
    return features.astype("float32"), np.repeat(classes, EACH)


def test_one_label_of_a_series_tells_of_all(series):
    features, truth = series
    kept = np.arange(len(truth)) % EACH == 0
    labels = {"kind": np.where(kept, truth, -1), "kids": np.where(kept, truth == 0, -1.0).astype("float32")}
    told, of_others = spread_labels(features, features[1::EACH], HEADS, labels)
    assert (told["kind"][~kept].argmax(axis=1) == truth[~kept]).mean() > 0.95
    assert ((told["kids"][~kept].argmax(axis=1) == 1) == (truth[~kept] == 0)).mean() > 0.95
    assert (of_others["kind"].argmax(axis=1) == truth[1::EACH]).mean() > 0.95
    assert told["kind"].shape == (SERIES * EACH, 3)


def test_a_rows_own_label_is_not_what_neighbours_tell(series, rng):
    """Where neighbours are those of chance, they tell nothing, although each row has a label."""
    _, truth = series
    features = rng.normal(size=(len(truth), 300)).astype("float32")
    told, _ = spread_labels(features, features[:5], HEADS, {"kind": truth, "kids": np.full(len(truth), -1.0)})
    right = (told["kind"].argmax(axis=1) == truth).mean()
    assert right < 0.55
    np.testing.assert_allclose(told["kids"], 0, atol=1e-6)  # without any label


def test_a_few_rows_are_enough(rng):
    features = rng.normal(size=(3, 4)).astype("float32")
    told, others = spread_labels(
        features, features[:1], HEADS, {"kind": np.array([0, 1, -1]), "kids": np.array([1, 0, -1.0])}
    )
    assert all(np.isfinite(values).all() for values in (*told.values(), *others.values()))
