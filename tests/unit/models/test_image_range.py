"""Images that look as if they had been scaled already are warned of, once a line, and nothing else is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import mtlzoo as mtl


@pytest.fixture
def model(tiny_backbone):
    model = mtl.build(tiny_backbone, {"a": 2}, (16, 16, 3))
    model.compile(run_eagerly=True)
    return model


def scaled(rng) -> np.ndarray:
    return rng.uniform(0, 1, (4, 16, 16, 3)).astype("float32")


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_scaled_images_are_warned_of(model, rng, method):
    arguments = () if method == "predict" else ({"a": np.array([0, 1, 1, -1])},)
    for images in (scaled(rng), scaled(rng) * 2 - 1):
        with pytest.warns(UserWarning, match="numbers from 0 to 255, and these reach from .* to") as caught:
            getattr(model, method)(images, *arguments, verbose=0)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert "\n" not in str(caught[0].message)


def test_a_line_is_told_once(model, rng):
    images = scaled(rng)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            model.predict(images, verbose=0)
    assert len(caught) == 1


def test_other_images_are_not(model, rng):
    images = scaled(rng)
    for usual in (images * 255, (images * 255).astype("uint8"), images.round().astype("int32"), images * 0):
        model.predict(usual, verbose=0)


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_what_is_no_array_of_the_models_size_is_refused_in_one_line(model, rng, method):
    arguments = () if method == "predict" else ({"a": np.array([0, 1, 1, -1])},)
    images = rng.uniform(0, 255, (4, 16, 16, 3)).astype("float32")
    for wrong in (images[:, :8], images[0], images[..., :1], list(images), "images", None, images.reshape(4, -1)):
        with pytest.raises(mtl.errors.InputError, match=r"one array of shape \(rows, 16, 16, 3\), received") as caught:
            getattr(model, method)(wrong, *arguments, verbose=0)
        assert "\n" not in str(caught.value)
