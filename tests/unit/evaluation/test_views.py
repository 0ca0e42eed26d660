"""Test-time augmentation and the mean of several models' outputs."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.evaluation import Predictions

SIDE = 8


@pytest.fixture(scope="module")
def model():
    """A network that sees where it is bright, so that a mirrored image gives other outputs."""
    heads = {
        "side": mtl.ClassificationHead(["left", "middle", "right"], flip_pairs=[["left", "right"]]),
        "turn": mtl.BinaryHead(["left", "right"], flip_pairs=[["left", "right"]]),
        "age": mtl.RegressionHead(),
        "nose": mtl.LandmarkHead(["nose"]),
    }
    images = keras.Input((SIDE, SIDE, 3))
    features = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))
    outputs = {name: head.build_layers(features, name) for name, head in heads.items()}
    return mtl.MultiTaskModel(images, outputs, heads=heads)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3)).astype("uint8")


@pytest.fixture(scope="module")
def table(tmp_path_factory, pixels):
    folder = tmp_path_factory.mktemp("images")
    for row, image in enumerate(pixels):
        cv2.imwrite(str(folder / f"{row}.png"), image[..., ::-1])
    frame = pd.DataFrame({"image": [f"{row}.png" for row in range(5)], "turn": ["left", "right", None, "left", "left"]})
    return mtl.data.LabelTable(frame, {"turn": mtl.BinaryHead(["left", "right"])}, root=folder)


def test_outputs_are_the_mean_of_both_views_with_left_and_right_exchanged(model, pixels):
    plain = Predictions.from_model(model, pixels).outputs
    mirrored = Predictions.from_model(model, pixels[:, :, ::-1]).outputs
    both = Predictions.from_model(model, pixels, test_time_augmentation="flip").outputs
    np.testing.assert_allclose(both["side"], (plain["side"] + mirrored["side"][:, [2, 1, 0]]) / 2, rtol=1e-5)
    np.testing.assert_allclose(both["turn"], (plain["turn"] + 1 - mirrored["turn"]) / 2, rtol=1e-5)
    np.testing.assert_allclose(both["age"], (plain["age"] + mirrored["age"]) / 2, rtol=1e-5)
    np.testing.assert_allclose(both["nose"], plain["nose"], rtol=1e-5)
    assert all(both[name].dtype == plain[name].dtype for name in plain)
    assert np.abs(plain["turn"] - (1 - mirrored["turn"])).max() > 0.01


def test_a_mirrored_image_has_the_mirrored_answer(model, pixels):
    there = Predictions.from_model(model, pixels, test_time_augmentation="flip").outputs
    back = Predictions.from_model(model, pixels[:, :, ::-1], test_time_augmentation="flip").outputs
    np.testing.assert_allclose(there["side"], back["side"][:, [2, 1, 0]], rtol=1e-4)
    np.testing.assert_allclose(there["age"], back["age"], rtol=1e-4)


def test_it_is_the_same_for_files_and_small_batches_and_in_frames_and_reports(model, pixels, table):
    options = {"test_time_augmentation": "flip"}
    whole = Predictions.from_model(model, pixels, **options)
    files = Predictions.from_model(model, table, batch_size=2, **options)
    for name, values in whole.outputs.items():
        np.testing.assert_allclose(files.outputs[name], values, rtol=1e-4)
    frame = mtl.predict(model, table, **options)
    np.testing.assert_allclose(frame["age"].to_numpy("float64"), whole.to_frame()["age"].to_numpy("float64"), rtol=1e-4)
    report = mtl.evaluate(model, table, **options)
    pd.testing.assert_frame_equal(report, files.with_heads({"turn": model.heads["turn"]}).evaluate())


def test_an_unknown_one_is_refused_with_those_that_there_are(model, pixels, table):
    for call in (mtl.predict, mtl.evaluate):
        with pytest.raises(ValueError, match="None or one of flip, received: 'turn'"):
            call(model, table, test_time_augmentation="turn")


def test_of_several_models_the_mean_is_taken(model, pixels, table):
    other = keras.models.clone_model(model)
    mean = Predictions.from_model([model, other], pixels).outputs
    for name in model.heads:
        one, two = (Predictions.from_model(each, pixels).outputs[name] for each in (model, other))
        np.testing.assert_allclose(mean[name], (one + two) / 2, rtol=1e-5)
    assert len(mtl.predict([model, other], (image for image in pixels))) == 5
    report = mtl.evaluate([model, other], table)
    pd.testing.assert_frame_equal(report, Predictions.from_model([model, other], table).evaluate())


def test_models_without_the_same_heads_have_no_mean(model, pixels):
    images = keras.Input((SIDE, SIDE, 3))
    head = mtl.BinaryHead()
    outputs = {"kids": head.build_layers(keras.layers.Flatten()(images), "kids")}
    other = mtl.MultiTaskModel(images, outputs, heads={"kids": head})
    with pytest.raises(ValueError, match="same heads"):
        mtl.predict([model, other], pixels)
    with pytest.raises(ValueError, match="at least one model"):
        mtl.predict([], pixels)
