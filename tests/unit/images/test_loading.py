"""From files to arrays: right size, right place, the same image whoever loads it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from mtlzoo.images.augmentation import Augmentation
from mtlzoo.images.decoding import ImageError, decode_image
from mtlzoo.images.loading import ImageLoader, load_batch, load_image
from mtlzoo.images.warping import resize_matrix, transform_points, warp

NOTHING = Augmentation(flip=False, rotation=0, zoom=0, brightness=0)


def smooth_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> list[Path]:
    """JPEG and PNG files of many sizes."""
    folder = tmp_path_factory.mktemp("images")
    sizes = [(240, 320), (97, 61), (64, 64), (500, 130), (33, 400), (16, 12)]
    files = [folder / f"{row}{'.jpg' if row % 2 == 0 else '.png'}" for row in range(len(sizes))]
    for row, (file, size) in enumerate(zip(files, sizes, strict=True)):
        cv2.imwrite(str(file), smooth_image(*size, seed=row), [cv2.IMWRITE_JPEG_QUALITY, 95])
    return files


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("augmentation", [None, "light", "default"])
def test_shape_and_type(paths, resize, augmentation):
    for path in paths:
        image = load_image(path, (48, 80), augmentation, resize, np.random.default_rng(0))
        assert image.shape == (48, 80, 3)
        assert image.dtype == np.uint8
        assert image.flags.c_contiguous


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("augmentation", [None, Augmentation(brightness=0)])
def test_reduced_decoding_changes_little(paths, resize, augmentation):
    fill = "constant" if resize == "pad" else "reflect"
    for path in paths:
        image, matrix, _ = ImageLoader((40, 56), augmentation, resize).load(path, np.random.default_rng(1))
        whole = warp(decode_image(path), matrix, (40, 56), fill)
        assert np.abs(image.astype(int) - whole).mean() < 4


def test_without_augmentation_it_is_resizing(paths):
    for path in paths[:3]:
        whole = decode_image(path)
        size = (whole.shape[0] * 2 // 3, whole.shape[1] * 2 // 3)
        expected = cv2.resize(whole, size[::-1], interpolation=cv2.INTER_LINEAR)
        assert np.abs(load_image(path, size).astype(int) - expected).max() <= 1
        np.testing.assert_array_equal(load_image(path, size, NOTHING), load_image(path, size))


def test_matrix_counts_pixels_of_the_whole_image(tmp_path):
    path, point = str(tmp_path / "dot.jpg"), (400, 260)
    cv2.imwrite(path, cv2.circle(np.zeros((480, 640, 3), np.uint8), point, 30, (255, 255, 255), -1))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        drawn = Augmentation(rotation=30, brightness=0)
        image, matrix, _ = ImageLoader((96, 96), drawn).load(path, rng)
        assert decode_image(path, (96, 96)).shape[0] == 120  # It did come reduced.
        weights = np.where(image[..., 0] > 60, image[..., 0], 0).astype(float)
        centre = np.array([(weights * np.arange(96)).sum(), (weights.T * np.arange(96)).sum()]) / weights.sum()
        np.testing.assert_allclose(centre, transform_points(point, matrix), atol=0.4)


def test_bars_are_black_whatever_the_fill(paths):
    plain = load_image(paths[4], (60, 60), resize="pad")
    assert not plain[:25].any()
    assert plain[30].any()
    augmented = load_image(paths[4], (60, 60), NOTHING, "pad", np.random.default_rng(0))
    np.testing.assert_array_equal(plain, augmented)


def test_batch_is_its_images(paths):
    seeds = np.arange(len(paths)) + 7
    batch, geometry = load_batch(paths, (32, 48), "default", seeds=seeds)
    assert len(geometry) == len(paths)
    assert batch.shape == (len(paths), 32, 48, 3)
    assert batch.dtype == np.uint8
    for row, (path, seed) in enumerate(zip(paths, seeds, strict=True)):
        rng = np.random.Generator(np.random.Philox(int(seed)))
        np.testing.assert_array_equal(batch[row], load_image(path, (32, 48), "default", rng=rng))


def test_a_image_depends_on_its_seed_alone(paths):
    seeds = list(range(len(paths)))
    batch = load_batch(paths, (32, 48), "default", "crop", seeds)[0]
    np.testing.assert_array_equal(load_batch(paths[::-1], (32, 48), "default", "crop", seeds[::-1])[0], batch[::-1])
    with ThreadPoolExecutor(3) as pool:
        rows = list(pool.map(lambda row: load_batch([paths[row]], (32, 48), "default", "crop", [row])[0][0], seeds))
    np.testing.assert_array_equal(rows, batch)
    other = load_batch(paths, (32, 48), "default", "crop", [seed + 100 for seed in seeds])[0]
    assert all(not np.array_equal(first, second) for first, second in zip(batch, other, strict=True))


def test_without_augmentation_no_seeds_are_needed(paths):
    batch = load_batch(paths, (32, 48))[0]
    np.testing.assert_array_equal(batch[2], load_image(paths[2], (32, 48)))
    assert load_batch([], (32, 48))[0].shape == (0, 32, 48, 3)


def test_missing_seeds_are_refused(paths):
    with pytest.raises(ValueError, match="one seed for each of the 6 rows, received: none"):
        load_batch(paths, (32, 32), "default")
    with pytest.raises(ValueError, match="one seed for each of the 6 rows, received: 5"):
        load_batch(paths, (32, 32), "default", seeds=range(5))


def test_errors(paths, tmp_path):
    missing = tmp_path / "missing.jpg"
    with pytest.raises(ImageError, match=r"missing\.jpg: file not found"):
        load_batch([paths[0], missing], (32, 32))
    with pytest.raises(ImageError, match="not an image"):
        load_image(b"no image", (32, 32))
    with pytest.raises(ValueError, match="received: 'heavy'"):
        load_image(paths[0], (32, 32), "heavy")
    with pytest.raises(ValueError, match="received: 'squash'"):
        load_image(paths[0], (32, 32), resize="squash")


def test_opencv_starts_no_threads_of_its_own():
    assert cv2.getNumThreads() == 1


def test_content_instead_of_a_path(paths):
    np.testing.assert_array_equal(load_image(paths[0].read_bytes(), (32, 32)), load_image(str(paths[0]), (32, 32)))


def test_wide_images_are_averaged_along_the_long_side(tmp_path):
    path = str(tmp_path / "stripes.png")
    stripes = np.zeros((40, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    cv2.imwrite(path, stripes)
    assert np.ptp(load_image(path, (40, 50))) <= 2
    narrow = warp(stripes, resize_matrix(stripes.shape, (40, 50)), (40, 50))
    np.testing.assert_array_equal(load_image(path, (40, 50)), narrow)
