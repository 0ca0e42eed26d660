"""Predictions for tables, paths and arrays: the same ones, in order, and quickly for a single image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from answered import outputs

from mtlzoo.data import ImageError, LabelTable, TableError, load_image
from mtlzoo.evaluation import predict


@pytest.fixture(scope="module")
def pictures(drawn) -> np.ndarray:
    """The drawn images at the model's size."""
    return np.stack([load_image(path, (12, 10), resize="crop") for path in drawn.paths()])


@pytest.fixture(scope="module")
def expected(model, pictures) -> dict[str, np.ndarray]:
    """The outputs for them, by Keras' own `predict`."""
    return model.predict(pictures, verbose=0)


def assert_equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], rows=slice(None)) -> None:
    assert list(found) == ["color", "bright", "level"]
    for name, array in found.items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, expected[name][rows], rtol=1e-4, atol=1e-5)


# === Outputs ===


@pytest.mark.parametrize("batch_size", [1, 7, 40, 64])
def test_tables_paths_and_arrays_give_the_same(model, drawn, pictures, expected, batch_size):
    assert_equal(outputs(model, drawn, batch_size), expected)
    assert_equal(outputs(model, drawn.paths(), batch_size), expected)
    assert_equal(outputs(model, [Path(path) for path in drawn.paths()], batch_size), expected)
    assert_equal(outputs(model, pictures, batch_size), expected)
    assert_equal(outputs(model, pictures.astype("float32"), batch_size), expected)


def test_the_order_of_rows_is_kept(model, drawn, expected):
    rows = np.random.default_rng(0).permutation(40)
    assert_equal(outputs(model, drawn.take(rows), 8), expected, rows)


def test_one_image_in_any_form(model, drawn, pictures, expected):
    one = slice(3, 4)
    path = drawn.paths()[3]
    for images in (path, Path(path), [path], (path,), drawn.take([3]), pictures[3], pictures[3:4]):
        assert_equal(outputs(model, images), expected, one)


def test_one_image_does_not_set_up_a_pipeline(model, drawn, pictures, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("predict takes ten times as long for one image")

    monkeypatch.setattr(type(model), "predict", refuse)
    for images in (drawn.paths()[3], drawn.take([3]), pictures[3], pictures[:32]):
        outputs(model, images)
    with pytest.raises(AssertionError):
        outputs(model, pictures)


# === Readable predictions ===


def test_predictions_and_their_probabilities(model, drawn, expected):
    frame = predict(model, drawn)
    assert list(frame) == ["image", "color", "color_probability", "bright", "bright_probability", "level"]
    assert frame["image"].tolist() == drawn.frame["image"].tolist()
    assert frame["color"].tolist() == [model.heads["color"].names[place] for place in expected["color"].argmax(axis=1)]
    np.testing.assert_allclose(frame["color_probability"], expected["color"].max(axis=1), rtol=1e-4)
    yes = expected["bright"][:, 0]
    assert frame["bright"].tolist() == ["yes" if probability >= 0.5 else "no" for probability in yes]
    np.testing.assert_allclose(frame["bright_probability"], np.maximum(yes, 1 - yes), rtol=1e-4)
    np.testing.assert_allclose(frame["level"], expected["level"][:, 0], rtol=1e-4)


def test_all_outputs_as_columns(model, drawn, expected):
    frame = predict(model, drawn, probabilities=True)
    added = ["color:blue", "color:green", "color:red", "bright:yes", "level:0"]
    assert [name for name in frame if ":" in name] == added
    np.testing.assert_allclose(frame[added[:3]], expected["color"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(frame[["bright:yes"]], expected["bright"], rtol=1e-4)
    pd.testing.assert_frame_equal(frame.drop(columns=added), predict(model, drawn))


def test_the_column_of_images_is_what_was_given(model, drawn, pictures):
    paths = drawn.paths()
    assert predict(model, paths[:3])["image"].tolist() == paths[:3]
    assert predict(model, [Path(paths[0]), paths[1]])["image"].tolist() == paths[:2]
    assert predict(model, Path(paths[4]))["image"].tolist() == [paths[4]]
    for images, rows in ((pictures[:5], 5), (pictures[0], 1)):
        frame = predict(model, images)
        assert "image" not in frame
        assert len(frame) == rows


# === Refusals ===


def test_arrays_that_are_no_images(model, pictures):
    message = r"^Expected images of shape \(height, width\), .* received: \(.*\)\.$"
    for images in (pictures[..., :2], pictures.transpose(0, 3, 1, 2), pictures[0].transpose(2, 0, 1), pictures[None]):
        with pytest.raises(ValueError, match=message):
            outputs(model, images)


def test_no_images(model, drawn, pictures):
    for images in ([], drawn.take([]), pictures[:0]):
        with pytest.raises(TableError, match=r"no rows|No images"):
            predict(model, images)


def test_images_that_cannot_be_read(model, drawn, tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"nothing")
    for images in (path, [path]):
        with pytest.raises(ImageError, match=r"broken\.jpg: not an image"):
            predict(model, images)
    with pytest.raises(TableError, match=r"^images, .*broken\.jpg: not an image of a known format") as caught:
        predict(model, [drawn.paths()[0], path])
    assert "\n" not in str(caught.value)
    frame = drawn.frame.assign(image=drawn.paths())
    frame.loc[2, "image"] = str(path)
    with pytest.raises(TableError, match=r"^labels\.csv, line 4 \(.*broken\.jpg\): not an image"):
        predict(model, LabelTable(frame, {}, source="labels.csv", first_line=2))


def test_the_images_shape_is_the_models_business(model, tmp_path):
    """Whatever the size of the file, it is cropped as the model was told to."""
    wide = np.zeros((30, 90, 3), np.uint8)
    wide[:, 35:55] = 200
    cv2.imwrite(str(tmp_path / "wide.png"), wide)
    found = outputs(model, tmp_path / "wide.png")
    assert_equal(found, model.predict_on_batch(load_image(tmp_path / "wide.png", (12, 10), resize="crop")[None]))
