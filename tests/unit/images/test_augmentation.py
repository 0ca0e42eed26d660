"""The affine matrix, the warp that applies it, and the colours."""

from __future__ import annotations

import dataclasses
import json
import math

import cv2
import numpy as np
import pytest

from mtlzoo.images.augmentation import Augmentation, augmentation
from mtlzoo.images.warping import RESIZES, resize_matrix, scale_matrix, transform_points, warp
from mtlzoo.system.registries import AUGMENTATIONS

# OpenCV 4 takes positions between pixels in steps of a 32nd, which is up to 8 of 255 beside an edge.
EXACT = int(cv2.__version__.split(".")[0]) >= 5
WARPING = 0.51 if EXACT else 8
NOTHING = Augmentation(flip=False, rotation=0, zoom=0, brightness=0)


def random_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def smooth_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return cv2.resize(random_image(5, 7, seed), (width, height), interpolation=cv2.INTER_CUBIC)


def bilinear(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """`tf.image.resize(method="bilinear")`: half-pixel centres, edges repeated, no rounding."""

    def along(values: np.ndarray, length: int) -> np.ndarray:
        position = np.clip((np.arange(length) + 0.5) * len(values) / length - 0.5, 0, len(values) - 1)
        low = np.minimum(position.astype(int), len(values) - 2)
        part = (position - low)[:, None, None]
        return values[low] * (1 - part) + values[low + 1] * part

    rows = along(image.astype(float), height)
    return along(rows.swapaxes(0, 1), width).swapaxes(0, 1)


# === Resizing without augmentation ===


@pytest.mark.parametrize("source", [(60, 80), (45, 33), (96, 96), (97, 127), (48, 64), (191, 127)])
def test_stretch_is_bilinear_resizing(source):
    image, size = random_image(*source), (96, 64)
    result = warp(image, resize_matrix(image.shape, size), size)
    assert np.abs(result - bilinear(image, *size)).max() <= WARPING
    assert np.abs(result.astype(int) - cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)).max() <= (
        1 if EXACT else 8
    )


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("source", [(60, 80), (80, 60), (64, 64)])
def test_no_amounts_is_resizing_alone(source, resize):
    sampled = NOTHING.draw(np.random.default_rng(0)).matrix(source, (96, 64), resize)
    np.testing.assert_allclose(sampled, resize_matrix(source, (96, 64), resize), atol=1e-12)


@pytest.mark.parametrize(
    ("source", "middle"), [((60, 80), np.s_[:, 10:70]), ((80, 60), np.s_[10:70]), ((60, 60), np.s_[:])]
)
def test_crop_is_the_middle(source, middle):
    image = smooth_image(*source)
    result = warp(image, resize_matrix(source, (90, 90), "crop"), (90, 90))
    expected = bilinear(image[middle], 90, 90)
    # At the edges of the crop the whole image has neighbours that the cropped one has not.
    assert np.abs(result - expected)[2:-2, 2:-2].max() <= (0.51 if EXACT else 1)


@pytest.mark.parametrize(
    ("source", "inside"), [((60, 80), np.s_[12:84]), ((80, 60), np.s_[:, 12:84]), ((60, 60), np.s_[:])]
)
def test_pad_is_the_whole_image_between_bars(source, inside):
    image = np.full((*source, 3), 255, np.uint8)
    result = warp(image, resize_matrix(source, (96, 96), "pad"), (96, 96), fill="constant")
    assert result[inside].min() > 100
    bars = np.ones((96, 96), bool)
    bars[inside] = False
    assert (result[bars] < 100).all()
    assert (result == 0).mean() == pytest.approx(max(0, bars.mean() - 2 / 96), abs=0.03)


def test_unknown_resize_is_refused():
    with pytest.raises(ValueError, match=r"stretch, crop, pad, received: 'squash'"):
        resize_matrix((10, 10), (5, 5), "squash")


@pytest.mark.parametrize("factor", [3, 4, 8])
def test_shrinking_averages(factor):
    checkerboard = (np.indices((96, 96)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = np.dstack([checkerboard] * 3)
    size = (96 // factor, 96 // factor)
    assert np.abs(warp(image, resize_matrix(image.shape, size), size).astype(int) - 127).max() <= 127 // factor**2 + 2
    stripes = np.repeat(image[:, :1], 96, axis=1)  # Long sides only along one axis.
    narrow = warp(stripes, resize_matrix(stripes.shape, (96 // factor, 96)), (96 // factor, 96))
    assert np.abs(narrow.astype(int) - 127).max() <= 127 // factor + 2


def test_scale_matrix_keeps_corners():
    matrix = scale_matrix((30, 40), (60, 160))
    corners = transform_points([[-0.5, -0.5], [39.5, 29.5]], matrix[:2])
    np.testing.assert_allclose(corners, [[-0.5, -0.5], [159.5, 59.5]])


# === The matrix ===


@pytest.mark.parametrize("resize", RESIZES)
def test_amounts_stay_in_range_and_are_used_up(resize):
    drawn = Augmentation(rotation=20, zoom=0.2, shift=0.1)
    rng = np.random.default_rng(0)
    base = scale_matrix((50, 70), (50, 70))
    base[:2] = resize_matrix((50, 70), (96, 64), resize)
    angles, zooms, shifts, flips = [], [], [], []
    for _ in range(2000):
        matrix = drawn.draw(rng).matrix((50, 70, 3), (96, 64), resize) @ np.linalg.inv(base)
        flip = np.linalg.det(matrix[:, :2]) < 0
        matrix[0] *= -1 if flip else 1
        angles.append(math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])))
        zooms.append(1 / np.hypot(*matrix[:, 0]))
        centre = transform_points([31.5, 47.5], matrix) - [-31.5 if flip else 31.5, 47.5]
        shifts.append(np.abs(centre) / [64, 96])
        flips.append(flip)
        np.testing.assert_allclose(matrix[:, 0] @ matrix[:, 1], 0, atol=1e-9)
        np.testing.assert_allclose(np.hypot(*matrix[:, 0]), np.hypot(*matrix[:, 1]))
    assert -20 <= min(angles) < -19.5
    assert 19.5 < max(angles) <= 20
    assert 0.8 <= min(zooms) < 0.81
    assert 1.19 < max(zooms) <= 1.2
    assert 0.095 < np.max(shifts) <= 0.1 + 1e-9
    assert 0.45 < np.mean(flips) < 0.55


def test_flip_mirrors_the_image():
    image, size = random_image(40, 50), (40, 50)
    light = AUGMENTATIONS["light"]
    plain = warp(image, resize_matrix(image.shape, size), size)
    results = [
        warp(image, light.draw(np.random.default_rng(seed)).matrix(image.shape, size), size) for seed in range(8)
    ]
    mirrored = [np.array_equal(result, plain[:, ::-1]) for result in results]
    assert [np.array_equal(result, plain) for result in results] == [not each for each in mirrored]
    assert 0 < sum(mirrored) < 8


def test_same_seed_same_matrix_and_amounts_do_not_shift_the_numbers():
    def draw(drawn: Augmentation, seed: int) -> tuple[np.ndarray, float]:
        rng = np.random.default_rng(seed)
        matrix = drawn.draw(rng).matrix((50, 70), (96, 64))
        return matrix, rng.random()

    first, after = draw(Augmentation(), 3)
    np.testing.assert_array_equal(first, draw(Augmentation(), 3)[0])
    assert not np.allclose(first, draw(Augmentation(), 4)[0])
    assert after == draw(NOTHING, 3)[1]
    still = draw(Augmentation(zoom=0), 3)[0]
    np.testing.assert_allclose(first[1, 0] / first[1, 1], still[1, 0] / still[1, 1])


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("seed", range(6))
def test_points_move_with_the_pixels(resize, seed):
    rng = np.random.default_rng(seed)
    matrix = Augmentation(rotation=40, shift=0.1).draw(rng).matrix((120, 160), (96, 128), resize)
    points = np.array([[80.0, 60.0], [60.0, 50.0], [95.0, 75.0]])
    for point, moved in zip(points, transform_points(points, matrix), strict=True):
        image = np.zeros((120, 160, 3), np.uint8)
        cv2.circle(image, (int(point[0]), int(point[1])), 6, (255, 255, 255), -1)
        result = warp(image, matrix, (96, 128), fill="constant")[..., 0].astype(float)
        centre = np.array([(result * np.arange(128)).sum(), (result.T * np.arange(96)).sum()]) / result.sum()
        np.testing.assert_allclose(centre, moved, atol=0.2)


def test_points_of_any_shape():
    matrix = resize_matrix((10, 10), (20, 20))
    assert transform_points(np.zeros((4, 5, 2)), matrix).shape == (4, 5, 2)
    np.testing.assert_allclose(transform_points([0, 0], matrix), [0.5, 0.5])


@pytest.mark.parametrize(("fill", "expected"), [("reflect", 1), ("nearest", 0), ("wrap", 8), ("constant", 0)])
def test_fill(fill, expected):
    image = np.dstack([np.arange(10, dtype=np.uint8)[None].repeat(10, axis=0)] * 3)
    shifted = warp(image, np.array([[1.0, 0, 2], [0, 1, 0]]), (10, 10), fill)
    assert shifted[5, 0, 0] == expected
    np.testing.assert_array_equal(shifted[5, 2:, 0], np.arange(8))


def test_warp_writes_in_place():
    image, out = random_image(30, 40), np.zeros((2, 20, 20, 3), np.uint8)
    matrix = resize_matrix(image.shape, (20, 20))
    assert np.shares_memory(warp(image, matrix, (20, 20), out=out[1]), out)
    np.testing.assert_array_equal(out[1], warp(image, matrix, (20, 20)))
    assert not out[0].any()


# === Colours ===


def test_brightness_multiplies_and_saturates():
    image = random_image(16, 16)
    gains = []
    for seed in range(300):
        gain = 1 + 0.3 * (2 * np.random.default_rng(seed).random(7)[5] - 1)
        result = Augmentation(brightness=0.3).draw(np.random.default_rng(seed)).adjust(image)
        assert np.abs(result - np.clip(image * gain, 0, 255)).max() <= 0.51
        gains.append(gain)
    assert min(gains) < 0.71
    assert max(gains) > 1.29


def test_contrast_spreads_about_the_mean():
    image = random_image(64, 64) // 2 + 60
    drawn = Augmentation(brightness=0, contrast=0.5)
    for seed in range(20):
        result = drawn.draw(np.random.default_rng(seed)).adjust(image)
        factor = 1 + 0.5 * (2 * np.random.default_rng(seed).random(7)[6] - 1)
        assert result.mean() == pytest.approx(image.mean(), abs=0.6)
        assert result.std() == pytest.approx(image.std() * factor, rel=0.02)


def test_no_colour_amounts_change_nothing():
    image = random_image(16, 16)
    np.testing.assert_array_equal(NOTHING.draw(np.random.default_rng(0)).adjust(image), image)


def test_colours_in_place():
    image = random_image(16, 16)
    expected = Augmentation().draw(np.random.default_rng(0)).adjust(image)
    Augmentation().draw(np.random.default_rng(0)).adjust(image, out=image)
    np.testing.assert_array_equal(image, expected)


# === Config ===


def test_config_round_trip():
    drawn = Augmentation(flip=False, rotation=3, zoom=0.1, shift=0.2, brightness=0.3, contrast=0.4, fill="nearest")
    assert Augmentation.from_config(json.loads(json.dumps(drawn.get_config()))) == drawn
    assert set(drawn.get_config()) == {field.name for field in dataclasses.fields(Augmentation)}
    with pytest.raises(dataclasses.FrozenInstanceError):
        drawn.zoom = 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotation": -1},
        {"rotation": 181},
        {"zoom": 1},
        {"zoom": -0.1},
        {"shift": 1},
        {"brightness": 1.1},
        {"contrast": float("nan")},
        {"fill": "mirror"},
    ],
)
def test_wrong_amounts_are_refused(wrong):
    with pytest.raises(ValueError, match=f"Expected {next(iter(wrong))} .*received: "):
        Augmentation(**wrong)


def test_presets():
    assert augmentation(None) is None
    assert augmentation("default") == Augmentation()
    assert augmentation("light") == Augmentation(rotation=0, zoom=0, brightness=0)
    assert augmentation(NOTHING) is NOTHING
    with pytest.raises(
        ValueError, match=r"an augmentation, received: 'heavy'.* names: default, light, strong, color, triv"
    ):
        augmentation("heavy")
    for wrong in (True, {"flip": True}):
        with pytest.raises(
            TypeError, match=r"the name of an augmentation \(default, .*\) or an Augmentation, or None, received: "
        ):
            augmentation(wrong)
