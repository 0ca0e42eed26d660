"""What a prediction rests on, for each kind of head: fixed values, and gradients where a network is sure."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

import mtlzoo as mtl


def evidence(head, outputs):
    return np.asarray(ops.convert_to_numpy(head.evidence(ops.convert_to_tensor(np.asarray(outputs, "float32")))))


def softmax(logits):
    powers = np.exp(np.asarray(logits, "float64"))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_classes_by_the_logit_of_the_predicted_one():
    logits = np.array([[3.0, 0.0, 0.0], [-1.0, 2.0, 5.0]])
    found = evidence(mtl.ClassificationHead(3), softmax(logits))
    np.testing.assert_allclose(found, [2.0, 3.0], rtol=1e-4)  # less the mean of all


def test_two_classes_by_the_logit_of_the_predicted_one():
    sigmoid = 1 / (1 + np.exp([[-2.0], [3.0]]))
    np.testing.assert_allclose(evidence(mtl.BinaryHead(), sigmoid), [2.0, 3.0], rtol=1e-4)


def test_tags_by_those_that_are_given_or_the_likeliest():
    logits = np.array([[1.0, -3.0, 2.0], [-4.0, -1.0, -2.0]])
    found = evidence(mtl.MultiLabelHead(["hood", "belt", "zip"]), 1 / (1 + np.exp(-logits)))
    np.testing.assert_allclose(found, [3.0, -1.0], rtol=1e-4)


def test_levels_and_numbers_by_their_size():
    np.testing.assert_allclose(evidence(mtl.OrdinalHead(3), [[0.2, 0.3, 0.5]]), [1.3], rtol=1e-5)
    np.testing.assert_allclose(evidence(mtl.ExpectationHead((5, 7)), [[0.2, 0.3, 0.5]]), [6.3], rtol=1e-5)
    np.testing.assert_allclose(evidence(mtl.RegressionHead(), [[4.0], [-2.0]]), [4.0, -2.0])
    np.testing.assert_allclose(evidence(mtl.RegressionHead(2), [[4.0, 1.0]]), [5.0])


def test_places_by_how_far_they_are_from_where_they_begin():
    np.testing.assert_allclose(evidence(mtl.LandmarkHead(1), [[[0.5, 0.5]], [[0.1, 0.8]]]), [0, 0.125], atol=1e-6)
    boxes = [[0.35, 0.35, 0.65, 0.65], [0.35, 0.35, 0.65, 0.95]]
    np.testing.assert_allclose(evidence(mtl.BoxHead(), boxes), [0, 0.045], atol=1e-6)
    shapes = [[112.0, 112, 112, 112, 112], [224.0, 112, 112, 112, 112]]
    np.testing.assert_allclose(evidence(mtl.DualTaskHead(), shapes), [0, 0.125], atol=1e-6)


def test_objects_by_the_best_score():
    cells = np.zeros((2, 3, 6))
    cells[..., 4:] = 0.1
    cells[0, 2, 5] = 1 / (1 + np.exp(-2.0))
    np.testing.assert_allclose(evidence(mtl.DetectionHead(2), cells), [2.0, np.log(1 / 9)], rtol=1e-4)


def test_the_gradient_does_not_fade_where_a_network_is_sure():
    tf = pytest.importorskip("tensorflow")
    for scale in (1.0, 30.0, 60.0):
        logits = tf.Variable([[scale, 0.0, 0.0]])
        with tf.GradientTape() as tape:
            # By the logarithm of probabilities, as on backends that do not remember logits.
            probabilities = tf.nn.softmax(logits)
            score = mtl.ClassificationHead(3).evidence(probabilities)
        np.testing.assert_allclose(tape.gradient(score, logits), [[2 / 3, -1 / 3, -1 / 3]], rtol=1e-4)
