"""Properties of geometry: there and back for any image, augmentation and way of resizing; of augmentations' settings."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mtlzoo.images.augmentation import Augmentation
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.warping import FILLS, RESIZES, resize_matrix, transform_points

SIDE = st.integers(1, 4000)
SIZE = st.tuples(SIDE, SIDE)
AUGMENTATION = st.builds(
    Augmentation,
    flip=st.booleans(),
    rotation=st.floats(0, 180),
    zoom=st.floats(0, 0.9),
    shift=st.floats(0, 0.9),
    brightness=st.floats(0, 1),
    contrast=st.floats(0, 1),
    fill=st.sampled_from(sorted(FILLS)),
)
# In sides of the image: points may lie outside.
POINTS = st.lists(st.tuples(st.floats(-1, 2), st.floats(-1, 2)), min_size=1, max_size=5)


@given(AUGMENTATION, SIZE, st.tuples(st.integers(1, 600), st.integers(1, 600)), st.sampled_from(RESIZES), POINTS)
def test_points_come_back_from_where_they_went(augmentation, size, image_size, resize, points):
    matrix = augmentation.draw(np.random.default_rng(0)).matrix(size, image_size, resize)
    geometry = ImageGeometry(matrix[None], np.array([size]), image_size)
    relative = np.array([points])
    pixels = geometry.to_pixels(relative)
    tolerance = 1e-6 * max(size)
    np.testing.assert_allclose(geometry.to_relative(pixels), relative, atol=1e-9)
    np.testing.assert_allclose(geometry.to_image_points(geometry.to_input_points(pixels)), pixels, atol=tolerance)
    np.testing.assert_allclose(
        geometry.to_input_points(pixels)[0], (transform_points(pixels[0], matrix) + 0.5) / image_size[::-1], atol=1e-6
    )


@given(SIZE, SIZE)
def test_a_stretched_image_keeps_relative_places(size, image_size):
    geometry = ImageGeometry.whole([size], image_size)
    relative = np.array([[[0.0, 0.0], [0.25, 0.75], [1.0, 1.0]]])
    np.testing.assert_allclose(geometry.to_input_points(geometry.to_pixels(relative)), relative, atol=1e-9)
    np.testing.assert_allclose(geometry.matrices[0], resize_matrix(size, image_size), atol=1e-9)
    assert not geometry.mirrored.any()


@given(SIZE, SIZE, st.sampled_from(["crop", "pad"]))
def test_what_is_not_stretched_keeps_its_proportions_and_its_middle(size, image_size, resize):
    matrix = resize_matrix(size, image_size, resize)
    np.testing.assert_allclose(matrix[0, 0], matrix[1, 1])
    middle = (np.array(size[::-1]) - 1) / 2
    np.testing.assert_allclose(transform_points([middle], matrix)[0], (np.array(image_size[::-1]) - 1) / 2, atol=1e-6)
    covered = np.array(size) * matrix[0, 0] / image_size
    assert (covered >= 1 - 1e-6).all() if resize == "crop" else (covered <= 1 + 1e-6).all()


@given(AUGMENTATION)
def test_an_augmentation_is_made_again_from_its_settings(augmentation):
    assert Augmentation.from_config(json.loads(json.dumps(augmentation.get_config()))) == augmentation
