"""Where points come to lie, and back."""

from __future__ import annotations

import numpy as np
import pytest

from mtlzoo.images.augmentation import Augmentation
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.warping import resize_matrix, transform_points

SIZES = np.array([[100, 200], [64, 64], [37, 91]])


@pytest.fixture
def geometry() -> ImageGeometry:
    rng = np.random.default_rng(0)
    made = ImageGeometry.empty(3, (48, 32))
    for row, size in enumerate(SIZES):
        made.matrices[row] = Augmentation(shift=0.1).draw(rng).matrix(tuple(size), (48, 32), "crop")
        made.sizes[row] = size
    return made


def test_the_way_back_is_the_way_back(geometry, rng):
    points = rng.uniform(-50, 250, (3, 7, 2))
    np.testing.assert_allclose(geometry.to_image_points(geometry.to_input_points(points)), points, rtol=1e-9)
    np.testing.assert_allclose(geometry.to_pixels(geometry.to_relative(points)), points, rtol=1e-9)


def test_it_is_what_the_matrix_does_to_pixels(geometry):
    point = [[10.0, 20.0]]
    moved = geometry.to_input_points(np.array([point] * 3))
    for row in range(3):
        pixels = transform_points(point, geometry.matrices[row])
        np.testing.assert_allclose(moved[row], (pixels + 0.5) / (32, 48))


def test_edges_are_zero_and_one():
    geometry = ImageGeometry.whole(SIZES, (48, 32))
    corners = np.stack([np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]]) for height, width in SIZES])
    np.testing.assert_allclose(geometry.to_input_points(corners), [[[0, 0], [1, 1]]] * 3, atol=1e-12)
    np.testing.assert_allclose(geometry.to_relative(corners), [[[0, 0], [1, 1]]] * 3, atol=1e-12)
    for row, size in enumerate(SIZES):
        np.testing.assert_allclose(geometry.matrices[row], resize_matrix(tuple(size), (48, 32)))


def test_it_knows_which_images_are_mirrored():
    linear = [[[1, 0], [0, 1]], [[-1, 0], [0, 1]], [[0, -1], [1, 0]], [[0, 1], [1, 0]]]
    matrices = np.concatenate([np.array(linear, float), np.zeros((4, 2, 1))], axis=2)
    geometry = ImageGeometry(matrices, np.full((4, 2), 9), (9, 9))
    assert geometry.mirrored.tolist() == [False, True, False, True]
    assert geometry.take(np.array([3, 0])).mirrored.tolist() == [True, False]
    assert len(geometry.take(np.array([3, 0]))) == 2
