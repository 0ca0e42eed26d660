"""The temperature at which predictions are likeliest, and where a function has its least value."""

from __future__ import annotations

import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.heads.golden_section import minimize
from mtlzoo.heads.temperature import fit_temperature


def test_the_temperature_of_overconfident_logits_is_found(rng):
    logits = rng.normal(0, 2, (4000, 3))
    powers = np.exp(logits)
    right = powers / powers.sum(axis=1, keepdims=True)
    targets = np.array([rng.choice(3, p=row) for row in right])
    head = mtl.ClassificationHead(3)
    overconfident = head.at_temperature(right.astype("float32"), 1 / 2.5)
    assert fit_temperature(head, overconfident, targets) == pytest.approx(2.5, rel=0.1)
    tags = mtl.MultiLabelHead(["x", "y", "z"])
    yes = (rng.random(right.shape) < right).astype("float32")
    yes[::3, 0] = -1
    assert fit_temperature(tags, tags.at_temperature(right, 0.5), yes) == pytest.approx(2, rel=0.15)
    binary = mtl.BinaryHead()
    assert fit_temperature(binary, binary.at_temperature(right[:, :1], 0.5), yes[:, 0]) == pytest.approx(2, rel=0.15)


def test_the_score_of_an_object_is_the_probability_of_a_hit(rng):
    head = mtl.DetectionHead(1, grid=[1, 1])
    honest = rng.uniform(0.05, 0.95, size=500)
    boxes = np.tile(np.float32([0.1, 0.1, 0.6, 0.6]), (500, 1))
    targets = np.full((500, 20, 5), np.nan, "float32")
    targets[:, 0] = np.concatenate([boxes, np.ones((500, 1))], axis=-1)
    targets[rng.random(500) >= honest, 0] = np.nan
    cells = np.concatenate([boxes, honest[:, None]], axis=-1)[:, None].astype("float32")
    sure = head.at_temperature(cells, 1 / 2.0)
    np.testing.assert_array_equal(sure[..., :4], cells[..., :4])
    assert fit_temperature(head, sure, targets) == pytest.approx(2.0, rel=0.25)
    assert fit_temperature(head, np.zeros_like(cells), targets) == 1  # no object at all


def test_a_few_rows_do_not_make_an_extreme_temperature():
    head, sure = mtl.ClassificationHead(2), np.array([[0.7, 0.3], [0.7, 0.3], [0.3, 0.7]])
    assert 0.1 < fit_temperature(head, sure, np.array([0, 0, 1])) < 1  # all are right
    assert 1 < fit_temperature(head, np.array([[0.99, 0.01]] * 2), np.array([0, 1])) < 15


def test_heads_without_probabilities_or_labels_have_no_temperature():
    assert fit_temperature(mtl.RegressionHead(), np.ones((2, 1)), np.ones((2, 1))) == 1
    assert fit_temperature(mtl.ClassificationHead(2), np.full((2, 2), 0.5), np.array([-1, -1])) == 1


def test_the_least_value_is_found():
    assert minimize(lambda x: (x - 0.7) ** 2, -2, 5) == pytest.approx(0.7, abs=2e-3)
    assert minimize(lambda x: x, 1, 3) == pytest.approx(1, abs=2e-3)
