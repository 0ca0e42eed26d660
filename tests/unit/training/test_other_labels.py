"""What the other labels of a row tell of one that is missing."""

from __future__ import annotations

import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.training.other_labels import OtherLabels

HEADS = {
    "item": mtl.ClassificationHead(["milk", "pear", "apple"]),
    "fruit": mtl.BinaryHead(["no", "yes"]),
    "weight": mtl.RegressionHead(),
}
ROWS = 3000


@pytest.fixture
def truth(rng) -> np.ndarray:
    return rng.integers(3, size=ROWS)


def labels(truth: np.ndarray, rng, kept: float = 0.5) -> dict[str, np.ndarray]:
    """Each row keeps the label of one head."""
    shown = rng.random(len(truth)) < kept
    return {
        "item": np.where(shown, truth, -1),
        "fruit": np.where(shown, -1.0, truth > 0).astype("float32"),
        "weight": truth[:, None].astype("float32"),
    }


def outputs(truth: np.ndarray, rng, noise: float = 1.0) -> dict[str, np.ndarray]:
    """What an honest teacher says that sees the images badly."""
    logits = np.eye(3)[truth] + rng.normal(0, noise, (len(truth), 3))
    item = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    seen = 0.5 * (2 * (truth > 0) - 1) + rng.normal(0, noise, len(truth))
    return {"item": item.astype("float32"), "fruit": (1 / (1 + np.exp(-seen)))[:, None].astype("float32")}


def test_who_knows_that_it_is_no_fruit_knows_the_item(truth, rng):
    given, said = labels(truth, rng), outputs(truth, rng)
    others = OtherLabels(HEADS, given, said)
    found = others.apply("item", said["item"], 1.0)
    hidden = given["item"] < 0
    right, before = ((values.argmax(axis=1) == truth)[hidden].mean() for values in (found, said["item"]))
    assert right > before + 0.05
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert others.ratios.keys() == {("item", "fruit"), ("fruit", "item")}  # numbers tell nothing here


def test_two_classes_keep_their_one_output(truth, rng):
    given, said = labels(truth, rng), outputs(truth, rng)
    found = OtherLabels(HEADS, given, said).apply("fruit", said["fruit"], 2.0)
    hidden = given["fruit"] < 0
    assert found.shape == said["fruit"].shape
    assert ((found[:, 0] >= 0.5) == (truth > 0))[hidden].mean() > ((said["fruit"][:, 0] >= 0.5) == (truth > 0))[
        hidden
    ].mean()


def test_validation_rows_say_how_much_to_believe(truth, rng):
    given, said = labels(truth, rng), outputs(truth, rng)
    others = OtherLabels(HEADS, given, said)
    valid = rng.integers(3, size=2000)
    whole = {"item": valid, "fruit": (valid > 0).astype("float32")}
    assert others.fit("item", whole, outputs(valid, rng)["item"]) > 0.3
    other_way = {"item": valid, "fruit": (valid == 0).astype("float32")}
    assert others.fit("item", other_way, outputs(valid, rng)["item"]) == 0
    assert others.fit("item", {"item": np.full(2000, -1)}, outputs(valid, rng)["item"]) == 0
    assert others.fit("weight", whole, np.ones((2000, 1))) == 0


def test_a_few_validation_rows_are_not_believed_much(truth, rng):
    given, said = labels(truth, rng), outputs(truth, rng)
    others = OtherLabels(HEADS, given, said)
    few = np.array([0, 1, 0])
    whole = {"item": few, "fruit": (few > 0).astype("float32")}
    assert others.fit("item", whole, outputs(few, rng)["item"]) < 1


def test_without_an_exponent_outputs_stay_as_they_are(truth, rng):
    said = outputs(truth, rng)
    assert OtherLabels(HEADS, labels(truth, rng), said).apply("item", said["item"], 0.0) is said["item"]
