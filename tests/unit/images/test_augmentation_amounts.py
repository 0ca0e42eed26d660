"""Colors, quality, crops and random operations: each does what it says, and none changes what else is drawn."""

from __future__ import annotations

import json
import math

import cv2
import numpy as np
import pytest

from mtlzoo.images.augmentation import Augmentation
from mtlzoo.images.colors import LUMA, Colors, change_colors, change_gamma, color_matrix
from mtlzoo.images.draws import MORE
from mtlzoo.images.loading import load_batch
from mtlzoo.images.quality import AREA
from mtlzoo.images.random_operations import OPERATIONS, change_values, moves
from mtlzoo.images.warping import resize_matrix, transform_points, warp
from mtlzoo.system.registries import AUGMENTATIONS

NOTHING = {"flip": False, "rotation": 0, "zoom": 0, "brightness": 0}
EACH = {
    "scale": (0.5, 1.0),
    "aspect": (0.75, 1.3),
    "shear": 0.2,
    "hue": 20,
    "saturation": 0.5,
    "gamma": 0.5,
    "blur": 0.05,
    "jpeg": 1.0,
    "erase": 1.0,
    "random_ops": 2,
}
MOVING = ("scale", "aspect", "shear", "random_ops")


def smooth_image(height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def encoded(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


# === What is drawn ===


def test_an_image_of_some_seed_stays_as_it_was():
    matrix = Augmentation(shift=0.1).draw(generator(7)).matrix((50, 70), (96, 64))
    expected = [[-0.9660154185669861, -0.10468893518771626, 64.03054088796522]]
    expected += [[-0.049851873898912505, 2.028632378990671, -7.4178827155263605]]
    np.testing.assert_allclose(matrix, expected, rtol=1e-12)
    assert generator(7).random(7).tolist() == Augmentation().draw(generator(7)).first


@pytest.mark.parametrize("amount", EACH)
def test_a_new_amount_changes_nothing_of_the_older_ones(amount):
    before = Augmentation(contrast=0.3, shift=0.1).draw(generator(3))
    after = Augmentation(contrast=0.3, shift=0.1, **{amount: EACH[amount]}).draw(generator(3))
    assert after.first == before.first
    assert len(after.more) == len(MORE) + (6 if amount == "random_ops" else 0)
    if amount not in MOVING:
        np.testing.assert_array_equal(after.matrix((40, 50), (32, 32)), before.matrix((40, 50), (32, 32)))


def test_amounts_beside_each_other_draw_what_each_draws_alone():
    both = Augmentation(hue=10, erase=0.5).draw(generator(5))
    assert both.more == Augmentation(gamma=0.2).draw(generator(5)).more


@pytest.mark.parametrize("amount", EACH)
def test_images_depend_on_their_seed_alone(amount):
    sources = [encoded(smooth_image(seed=seed)) for seed in range(4)]
    augmentation = Augmentation(**{amount: EACH[amount]})
    together, geometry = load_batch(sources, (32, 32), augmentation, seeds=[1, 2, 3, 4])
    alone, _ = load_batch(sources[2:3], (32, 32), augmentation, seeds=[3])
    np.testing.assert_array_equal(alone[0], together[2])
    plain, _ = load_batch(sources, (32, 32), Augmentation(), seeds=[1, 2, 3, 4])
    assert any((plain != together).reshape(4, -1).any(axis=1))
    assert np.isfinite(geometry.matrices).all()


@pytest.mark.parametrize("name", AUGMENTATIONS.names(plugins=False))
def test_presets_survive_json(name):
    augmentation = AUGMENTATIONS[name]
    assert Augmentation.from_config(json.loads(json.dumps(augmentation.get_config()))) == augmentation


@pytest.mark.parametrize(
    "wrong",
    [
        *({"hue": 181}, {"saturation": -0.1}, {"gamma": 5}, {"blur": 0.2}, {"jpeg": 1.5}, {"jpeg_quality": 0}),
        *({"jpeg_quality": 50.5}, {"erase": 2}, {"erase_fill": "black"}, {"random_ops": -1}, {"random_ops": 1.5}),
        *({"strength": 0}, {"scale": (0, 1)}, {"scale": (0.5, 1.2)}, {"scale": 0.5}, {"aspect": (2, 1)}, {"shear": 1}),
    ],
)
def test_wrong_amounts_are_refused(wrong):
    with pytest.raises(ValueError, match=f"Expected {next(iter(wrong))} .*received: "):
        Augmentation(**wrong)


# === Geometry ===


@pytest.mark.parametrize("amounts", [{name: EACH[name]} for name in MOVING] + [EACH])
@pytest.mark.parametrize("seed", range(4))
def test_points_move_with_the_pixels(amounts, seed):
    drawn = Augmentation(**{**amounts, "jpeg": 0, "erase": 0, "blur": 0, "strength": 0.5}).draw(generator(seed))
    matrix = drawn.matrix((120, 160), (96, 128))
    for point in ([80, 60], [70, 52], [92, 66]):
        image = np.zeros((120, 160, 3), np.uint8)
        cv2.circle(image, point, 5, (255, 255, 255), -1)
        result = warp(image, matrix, (96, 128), fill="constant")[..., 0].astype(float)
        moved = transform_points(point, matrix)
        if (np.abs(moved - [63.5, 47.5]) < [50, 35]).all():
            centre = np.array([(result * np.arange(128)).sum(), (result.T * np.arange(96)).sum()]) / result.sum()
            np.testing.assert_allclose(centre, moved, atol=0.3)


def test_crops_lie_inside_and_have_the_area_and_aspect():
    augmentation = Augmentation(**NOTHING, scale=(0.3, 0.6), aspect=(0.75, 4 / 3))
    areas, aspects, centres = [], [], []
    for seed in range(300):
        matrix = augmentation.draw(generator(seed)).matrix((100, 200), (50, 50))
        corners = transform_points([[-0.5, -0.5], [49.5, 49.5]], cv2.invertAffineTransform(matrix))
        assert (corners > -0.5 - 1e-9).all()
        assert (corners < [199.5 + 1e-9, 99.5 + 1e-9]).all()
        wide, high = (corners[1] - corners[0]) / [200, 100]
        areas.append(wide * high)
        aspects.append(wide / high)
        centres.append(corners.mean(axis=0))
    assert min(areas) + 1e-9 >= 0.3
    assert max(areas) <= 0.6 + 1e-9
    assert max(areas) - min(areas) > 0.28
    assert 0.75 <= min(aspects) < 0.77
    assert 1.3 < max(aspects) <= 4 / 3
    np.testing.assert_allclose(np.mean(centres, axis=0), [99.5, 49.5], rtol=0.1)


def test_shear_moves_by_a_part_of_the_distance():
    drawn = Augmentation(**NOTHING, shear=0.4).draw(generator(1))
    matrix = drawn.matrix((60, 60), (60, 60))
    assert 0 < abs(matrix[0, 1]) <= 0.4
    np.testing.assert_allclose(np.diag(matrix[:, :2]), [1, 1])
    np.testing.assert_allclose(transform_points([29.5, 29.5], matrix), [29.5, 29.5])


@pytest.mark.parametrize("name", [name for name in OPERATIONS if moves(name, 0.5) is not None])
def test_operations_that_move_keep_the_image_in_sight(name):
    linear, shift = moves(name, 1.0)
    assert abs(linear[0] * linear[3] - linear[1] * linear[2] - 1) < 1e-9
    assert max(map(abs, shift)) < 0.5
    assert moves(name, 0.0) == ((1, 0, 0, 1), (0, 0))


# === Colors ===


def test_a_turn_keeps_gray_and_luma():
    for hue, saturation in ((0, 1), (30, 1), (-90, 0.5), (180, 2)):
        matrix = color_matrix(hue, saturation)
        np.testing.assert_allclose(matrix @ np.ones(3), 1, atol=1e-9)
        np.testing.assert_allclose(LUMA @ matrix, LUMA, atol=1e-9)
    np.testing.assert_allclose(color_matrix(0, 1), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(color_matrix(0, 0), np.tile(LUMA, (3, 1)), atol=1e-9)
    np.testing.assert_allclose(color_matrix(30, 1) @ color_matrix(40, 1), color_matrix(70, 1), atol=1e-9)


def test_all_colors_at_once_are_one_after_the_other():
    image = smooth_image() // 2 + 60
    at_once = change_colors(image, Colors(1.1, 0.8, 10, 1.2))
    one_by_one = change_colors(change_colors(image, Colors(1.1, 0.8)), Colors(hue=10, saturation=1.2))
    assert np.abs(at_once.astype(int) - one_by_one).max() <= 2
    assert np.abs(change_gamma(image, 0.5) - 255 * (image / 255) ** 0.5).max() <= 0.51


def test_gamma_before_the_warp_and_after_it_look_alike():
    image, drawn = smooth_image(40, 40), Augmentation(**NOTHING, gamma=1).draw(generator(2))
    large = drawn.apply(image, resize_matrix((40, 40), (80, 80)), (80, 80))
    after = drawn.adjust(warp(image, resize_matrix((40, 40), (80, 80)), (80, 80)))
    assert np.abs(large.astype(int) - after).mean() < 2
    np.testing.assert_array_equal(image, smooth_image(40, 40))


# === Quality ===


def test_blur_grows_with_the_image_and_jpeg_shows():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, 64, 3), np.uint8)
    blurred = Augmentation(**NOTHING, blur=0.1).draw(generator(0)).adjust(noise)
    assert blurred.std() < 0.7 * noise.std()
    jpeg = Augmentation(**NOTHING, jpeg=1.0, jpeg_quality=5).draw(generator(0)).adjust(smooth_image())
    assert 0 < np.abs(jpeg.astype(int) - smooth_image()).mean() < 20


@pytest.mark.parametrize("fill", ["noise", "mean"])
def test_erased_rectangles(fill):
    image = np.full((60, 80, 3), 7, np.uint8)
    image[0] = 250
    areas = []
    for seed in range(60):
        result = Augmentation(**NOTHING, erase=1.0, erase_fill=fill).draw(generator(seed)).adjust(image)
        changed = (result != image).any(axis=2)
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        areas.append((rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1) / (60 * 80))
    assert min(areas) > 0.8 * AREA[0]
    assert max(areas) < 1.1 * AREA[1]
    half = [Augmentation(**NOTHING, erase=0.5).draw(generator(seed)).adjust(image) for seed in range(200)]
    assert 0.35 < np.mean([(result != image).any() for result in half]) < 0.65


# === Random operations ===


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_in_place_and_for_any_strength(name):
    image = smooth_image()
    for strength in (-1.0, -0.3, 0.0, 0.6, 1.0):
        result = change_values(image, name, strength)
        assert result.shape == image.shape
        assert result.dtype == np.uint8
        own = image.copy()
        np.testing.assert_array_equal(change_values(own, name, strength, out=own), result)
        np.testing.assert_array_equal(own, result)
    np.testing.assert_array_equal(image, smooth_image())
    if name not in ("autocontrast", "equalize"):
        np.testing.assert_array_equal(change_values(image, name, 0.0), image)


def test_operations_as_pillow_has_them():
    pillow = pytest.importorskip("PIL.ImageOps")
    from PIL import Image, ImageEnhance

    image = smooth_image() // 2 + 40
    as_pillow = Image.fromarray(image)
    expected = {
        "posterize": pillow.posterize(as_pillow, 6),
        "solarize": pillow.solarize(as_pillow, 128),
        "autocontrast": pillow.autocontrast(as_pillow),
        "color": ImageEnhance.Color(as_pillow).enhance(1.45),
        "brightness": ImageEnhance.Brightness(as_pillow).enhance(1.45),
    }
    for name, other in expected.items():
        assert np.abs(change_values(image, name, 0.5).astype(int) - np.asarray(other)).max() <= 2, name


def test_trivial_augment_takes_all_operations_and_strengths():
    drawn = [AUGMENTATIONS["trivial"].draw(generator(seed)).operations() for seed in range(600)]
    assert {len(operations) for operations in drawn} == {1}
    names = [operations[0][0] for operations in drawn]
    assert min(names.count(name) for name in OPERATIONS) > 600 / 14 / 2
    strengths = [operations[0][1] for operations in drawn]
    assert -1 <= min(strengths) < -0.95
    assert 0.95 < max(strengths) <= 1
    fixed = Augmentation(random_ops=3, strength=0.4).draw(generator(0)).operations()
    assert [abs(strength) for _, strength in fixed] == [0.4] * 3


def test_random_operations_that_move_are_in_the_matrix():
    for seed in range(40):
        drawn = Augmentation(**NOTHING, random_ops=1).draw(generator(seed))
        matrix = drawn.matrix((50, 50), (50, 50))
        [(name, strength)] = drawn.operations()
        moved = moves(name, strength) is not None
        assert moved == (not np.allclose(matrix, [[1, 0, 0], [0, 1, 0]]))
        if name == "rotate":
            assert math.atan2(matrix[1, 0], matrix[0, 0]) == pytest.approx(math.radians(30 * strength))
