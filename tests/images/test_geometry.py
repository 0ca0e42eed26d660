"""Where points come to lie, and back."""

from __future__ import annotations

import numpy as np
import pytest

from mtlzoo.images.augmentation import Augmentation, resize_matrix, transform_points
from mtlzoo.images.geometry import Placement

SIZES = np.array([[100, 200], [64, 64], [37, 91]])


@pytest.fixture
def placement() -> Placement:
    rng = np.random.default_rng(0)
    made = Placement.empty(3, (48, 32))
    for row, size in enumerate(SIZES):
        made.matrices[row] = Augmentation(shift=0.1).sample_matrix(rng, tuple(size), (48, 32), "crop")
        made.sizes[row] = size
    return made


def test_the_way_back_is_the_way_back(placement, rng):
    points = rng.uniform(-50, 250, (3, 7, 2))
    np.testing.assert_allclose(placement.to_picture(placement.to_network(points)), points, rtol=1e-9)
    np.testing.assert_allclose(placement.to_pixels(placement.to_relative(points)), points, rtol=1e-9)


def test_it_is_what_the_matrix_does_to_pixels(placement):
    point = [[10.0, 20.0]]
    moved = placement.to_network(np.array([point] * 3))
    for row in range(3):
        pixels = transform_points(point, placement.matrices[row])
        np.testing.assert_allclose(moved[row], (pixels + 0.5) / (32, 48))


def test_edges_are_zero_and_one():
    placement = Placement.whole(SIZES, (48, 32))
    corners = np.stack([np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]]) for height, width in SIZES])
    np.testing.assert_allclose(placement.to_network(corners), [[[0, 0], [1, 1]]] * 3, atol=1e-12)
    np.testing.assert_allclose(placement.to_relative(corners), [[[0, 0], [1, 1]]] * 3, atol=1e-12)
    for row, size in enumerate(SIZES):
        np.testing.assert_allclose(placement.matrices[row], resize_matrix(tuple(size), (48, 32)))


def test_it_knows_which_pictures_are_mirrored():
    linear = [[[1, 0], [0, 1]], [[-1, 0], [0, 1]], [[0, -1], [1, 0]], [[0, 1], [1, 0]]]
    matrices = np.concatenate([np.array(linear, float), np.zeros((4, 2, 1))], axis=2)
    placement = Placement(matrices, np.full((4, 2), 9), (9, 9))
    assert placement.mirrored.tolist() == [False, True, False, True]
    assert placement.take(np.array([3, 0])).mirrored.tolist() == [True, False]
    assert len(placement.take(np.array([3, 0]))) == 2
