"""Predictions by the names of TensorFlow's Head API."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from answered import outputs
from keras import layers

from mtlzoo.evaluation import Predictions, predict
from mtlzoo.heads import (
    BinaryHead,
    ClassificationHead,
    ExpectationHead,
    Head,
    LandmarkHead,
    MultiLabelHead,
    OrdinalHead,
    RegressionHead,
)
from mtlzoo.models import build

TAGS = ["hat", "scarf", "glasses"]


def test_one_of_several_classes():
    found = ClassificationHead(["s", "m", "l"]).details(np.float32([[0.2, 0.7, 0.1], [0.5, 0.2, 0.3]]))
    assert list(found) == ["probabilities", "class_ids", "classes", "all_classes"]
    np.testing.assert_allclose(found["probabilities"], [[0.2, 0.7, 0.1], [0.5, 0.2, 0.3]])
    assert found["class_ids"].tolist() == [1, 0]
    assert found["classes"].tolist() == ["m", "s"]
    assert found["all_classes"].tolist() == [["s", "m", "l"]] * 2


def test_both_of_two_classes_have_a_probability():
    found = BinaryHead(["male", "female"]).details(np.float32([[0.9], [0.25]]))
    np.testing.assert_allclose(found["probabilities"], [[0.1, 0.9], [0.75, 0.25]], rtol=1e-6)
    assert found["class_ids"].tolist() == [1, 0]
    assert found["classes"].tolist() == ["female", "male"]
    assert found["all_classes"].tolist() == [["male", "female"]] * 2


def test_the_class_of_a_level_is_the_median():
    found = OrdinalHead(["short", "knee", "floor"]).details(np.float32([[0.4, 0.35, 0.25]]))
    assert found["class_ids"].tolist() == [1]
    assert found["classes"].tolist() == ["knee"]


def test_each_tag_is_given_or_not():
    found = MultiLabelHead(TAGS, threshold=0.4).details(np.float32([[0.9, 0.1, 0.5], [0.3, 0.2, 0.1], [0.4, 0.0, 1.0]]))
    assert list(found) == ["probabilities", "class_ids", "classes", "all_classes"]
    assert found["class_ids"].tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 1]]
    assert found["classes"].tolist() == [["hat", "glasses"], [], ["hat", "glasses"]]
    assert found["all_classes"].tolist() == [TAGS] * 3


def test_numbers_are_as_they_are():
    numbers = np.float32([[31.5, 2.0], [4.0, -1.0]])
    found = RegressionHead(2).details(numbers)
    assert list(found) == ["predictions"]
    np.testing.assert_array_equal(found["predictions"], numbers)


@pytest.mark.parametrize(
    "head",
    [
        ClassificationHead(3),
        BinaryHead(),
        OrdinalHead(4),
        MultiLabelHead(TAGS),
        RegressionHead(),
        RegressionHead(2),
        ExpectationHead((0, 9)),
        LandmarkHead(2),
    ],
    ids=repr,
)
@pytest.mark.parametrize("rows", [0, 1, 2, 5])
def test_every_array_has_the_rows_on_its_first_axis_and_agrees_with_decode(head: Head, rows, rng):
    features = keras.Input((6,))
    model = keras.Model(features, head.build_layers(features, "answer"))
    array = model(rng.normal(size=(rows, 6)).astype("float32")).numpy()
    found, decoded = head.details(array), head.decode(array)
    assert {len(value) for value in found.values()} == {rows}
    if "class_ids" not in found:
        answers = np.reshape(decoded["answer"].tolist(), found["predictions"].shape)
        np.testing.assert_allclose(found["predictions"], answers, rtol=1e-6)
        return
    names = [";".join(name) or "none" if isinstance(name, list) else name for name in found["classes"]]
    assert names == list(decoded["answer"])
    assert found["class_ids"].dtype == np.int64
    assert found["classes"].dtype == found["all_classes"].dtype == object
    assert found["all_classes"].shape == found["probabilities"].shape
    assert found["probabilities"].dtype == np.float32


def test_a_model_on_images(model, drawn):
    found, arrays, readable = (
        Predictions.from_model(model, drawn, 16).details(),
        outputs(model, drawn),
        predict(model, drawn),
    )
    assert list(found) == list(model.heads)
    np.testing.assert_allclose(found["color"]["probabilities"], arrays["color"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["bright"]["probabilities"][:, 1:], arrays["bright"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["level"]["predictions"], arrays["level"], rtol=1e-4)
    assert found["color"]["classes"].tolist() == readable["color"].tolist()
    assert found["bright"]["classes"].tolist() == readable["bright"].tolist()
    one = Predictions.from_model(model, drawn.paths()[3]).details()
    np.testing.assert_allclose(one["level"]["predictions"], found["level"]["predictions"][3:4], rtol=1e-4)


def test_places_are_those_of_the_whole_image(drawn):
    images = keras.Input((12, 10, 3))
    features = layers.Conv2D(2, 3, strides=2, name="only")(images)
    heads = {"points": LandmarkHead(2, format="xy")}
    model = build(keras.Model(images, features, name="tiny"), heads, weights=None, preprocessing="tf", resize="crop")
    found = Predictions.from_model(model, drawn.take(range(4))).details()["points"]["predictions"]
    assert found.shape == (4, 2, 2)
    np.testing.assert_allclose(found, predict(model, drawn.take(range(4)))["points"].tolist(), rtol=1e-4)
