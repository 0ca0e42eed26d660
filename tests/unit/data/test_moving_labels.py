"""Labels that say where something is move with the pixels, and left and right change places in the mirror."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

from mtlzoo.data import Augmentation, LabelTable, TableError, image_dataset
from mtlzoo.data.row_values import locate
from mtlzoo.heads import BinaryHead, BoxHead, ClassificationHead, LandmarkHead, MultiLabelHead, OrdinalHead
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.system.pipeline_errors import plain_errors

ROWS, SIZE = 12, (96, 80)
COLORS = {"left_eye": (255, 0, 0), "right_eye": (0, 255, 0), "nose": (0, 0, 255)}
STRONG = Augmentation(rotation=25, zoom=0.2, shift=0.05, brightness=0)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> LabelTable:
    """Images of three coloured spots on gray, of several sizes, and where the spots are."""
    folder, rng = tmp_path_factory.mktemp("spots"), np.random.default_rng(0)
    points = []
    for row in range(ROWS):
        height, width = 200 + 20 * row, 340 - 15 * row
        image = np.full((height, width, 3), 90, np.uint8)
        spots = np.array([[0.38, 0.4], [0.6, 0.42], [0.5, 0.6]]) + rng.uniform(-0.05, 0.05, (3, 2))
        spots = np.rint(spots * (width, height))
        for color, spot in zip(COLORS.values(), spots):
            cv2.circle(image, tuple(int(value) for value in spot), 9, color, -1, cv2.LINE_AA)
        cv2.imwrite(str(folder / f"{row}.png"), image[..., ::-1])
        points.append(tuple(map(tuple, spots.tolist())))
    looks = ["left", "right", None] * (ROWS // 3)
    frame = pd.DataFrame({"image": [f"{row}.png" for row in range(ROWS)], "spots": points, "side": looks})
    frame["tags"] = [["left"], ["left", "up"], None] * (ROWS // 3)
    frame["looks"], frame["level"] = looks, ["left", "middle", "right"] * (ROWS // 3)
    pairs = [["left", "right"]]
    heads = {
        "spots": LandmarkHead(list(COLORS), format="xy"),
        "side": BinaryHead(["left", "right"], flip_pairs=pairs),
        "tags": MultiLabelHead(["up", "left", "right"], flip_pairs=pairs),
        "looks": ClassificationHead(["left", "middle", "right"], flip_pairs=pairs),
        "level": OrdinalHead(["left", "middle", "right"], flip_pairs=pairs),
    }
    return LabelTable(frame, heads, root=folder)


def spots_in(image: np.ndarray) -> np.ndarray:
    """The centre of each colour in relative coordinates; `NaN` where it is not seen whole."""
    found = []
    for color in COLORS.values():
        weight = np.clip(image[..., np.argmax(color)].astype(float) - image[..., np.argmin(color)], 0, None)
        weight[weight < 60] = 0
        border = weight[[0, -1]].any() or weight[:, [0, -1]].any()
        if border or not weight.any():
            found.append([np.nan, np.nan])
            continue
        y, x = np.mgrid[: image.shape[0], : image.shape[1]]
        found.append([((x + 0.5) * weight).sum() / weight.sum(), ((y + 0.5) * weight).sum() / weight.sum()])
    return np.array(found) / (image.shape[1], image.shape[0])


def epoch(table, **arguments):
    geometry = ImageGeometry.empty(len(table), SIZE)
    batches = list(image_dataset(table, SIZE, 5, geometry=geometry, **arguments).as_numpy_iterator())
    labels = {name: np.concatenate([batch[1][name] for batch in batches]) for name in table.heads}
    return np.concatenate([batch[0] for batch in batches]), labels, geometry


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("augment", [None, STRONG, "light", "strong"])
def test_points_lie_where_the_pixels_went(table, augment, resize):
    images, labels, geometry = epoch(table, augment=augment, resize=resize, seed=3)
    compared = 0
    for image, points, mirrored in zip(images, labels["spots"], geometry.mirrored):
        seen = spots_in(image)
        if mirrored:
            seen = seen[[1, 0, 2]]  # what was the left spot is the right one now
        known = ~np.isnan(seen).any(axis=1)
        np.testing.assert_allclose(points[known], seen[known], atol=0.012)
        compared += known.sum()
    assert compared > 2 * ROWS
    assert geometry.mirrored.any() == (augment is not None)


@pytest.mark.parametrize("augment", [None, STRONG])
def test_regions_are_what_is_seen_and_points_move_along(table, augment):
    frame = table.frame.copy()
    frame["region"] = [
        (points[0][0] - 40, points[0][1] - 30.5, points[0][0] + 110, points[0][1] + 120.25) if row % 4 else None
        for row, points in enumerate(frame["spots"])
    ]
    table = LabelTable(frame, table.heads, root=table.root)
    images, labels, geometry = epoch(table, augment=augment)
    compared = 0
    for row, (image, points, mirrored) in enumerate(zip(images, labels["spots"], geometry.mirrored)):
        seen = spots_in(image)[[1, 0, 2] if mirrored else [0, 1, 2]]
        known = ~np.isnan(seen).any(axis=1)
        np.testing.assert_allclose(points[known], seen[known], atol=0.012)
        compared += known.sum()
        if augment is None and row % 4:
            np.testing.assert_allclose(points[0], [40 / 150, 30.5 / 150.75], atol=1e-3)
    assert compared > 2 * ROWS
    if augment is None:
        located = locate(table, SIZE)
        np.testing.assert_allclose(located.matrices, geometry.matrices)
        np.testing.assert_array_equal(located.sizes, geometry.sizes)


def test_a_region_may_reach_beyond_the_image(table):
    frame = table.frame.iloc[:1].assign(region=[(-100.0, -50.0, 500.0, 300.0)])
    images, labels, _ = epoch(LabelTable(frame, table.heads, root=table.root))
    np.testing.assert_allclose(labels["spots"][0], spots_in(images[0]), atol=0.012)


def test_classes_and_tags_of_a_pair_change_places_in_the_mirror(table):
    _, labels, geometry = epoch(table, augment="light")
    plain, mirrored = table.labels(), geometry.mirrored
    assert 0 < mirrored.sum() < ROWS
    for name in ("side", "tags", "looks", "level"):
        assert labels[name].dtype == plain[name].dtype
        np.testing.assert_array_equal(labels[name][~mirrored], plain[name][~mirrored])
    known = mirrored & (plain["side"] >= 0)
    assert known.any()
    np.testing.assert_array_equal(labels["side"][known], 1 - plain["side"][known])
    np.testing.assert_array_equal(labels["tags"][mirrored], plain["tags"][mirrored][:, [0, 2, 1]])
    swapped = {-1: -1, 0: 2, 1: 1, 2: 0}
    for name in ("looks", "level"):
        expected = [swapped[label] for label in plain[name][mirrored]]
        np.testing.assert_array_equal(labels[name][mirrored], expected)


def test_soft_labels_change_places_too():
    head = ClassificationHead(["left", "middle", "right"], flip_pairs=[["left", "right"]])
    matrices = np.array([[[-1.0, 0, 0], [0, 1, 0]], [[1.0, 0, 0], [0, 1, 0]]])
    geometry = ImageGeometry(matrices, np.full((2, 2), 9), (9, 9))
    targets = head.encode([(0.6, 0.3, 0.1), (0.6, 0.3, 0.1)])
    np.testing.assert_allclose(head.to_input_space(targets, geometry), [[0.1, 0.3, 0.6], [0.6, 0.3, 0.1]], rtol=1e-6)


def test_gray_images_are_the_luma_of_coloured_ones(table):
    gray, labels, _ = epoch(table, channels=1)
    colored, same, _ = epoch(table)
    assert gray.shape == (ROWS, *SIZE, 1)
    luma = colored @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(gray[..., 0], luma, atol=1)
    np.testing.assert_array_equal(labels["spots"], same["spots"])
    with pytest.raises(ValueError, match="Expected 3 channels"):
        image_dataset(table, SIZE, channels=2)


# === Boxes ===


@pytest.fixture
def boxed(table) -> LabelTable:
    """The same images with the box around their three spots, whose radius is 9."""
    spots = np.array(table.frame["spots"].tolist()) + 0.5
    boxes = np.concatenate([spots.min(axis=1) - 9, spots.max(axis=1) + 9], axis=1).tolist()
    return LabelTable(table.frame.assign(box=boxes), {"box": BoxHead(format="xyxy")}, root=table.root, first_line=2)


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("augment", [None, Augmentation(rotation=0, zoom=0.2, shift=0.1, brightness=0)])
def test_boxes_lie_around_what_they_lay_around(boxed, augment, resize):
    images, labels, _ = epoch(boxed, augment=augment, resize=resize, seed=1)
    for image, box in zip(images, labels["box"]):
        strength = image.max(axis=-1).astype(int) - image.min(axis=-1)
        rows, columns = np.where(strength > 80)
        seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        np.testing.assert_allclose(box * [SIZE[1], SIZE[0], SIZE[1], SIZE[0]], seen, atol=1.6)


def test_a_box_outside_of_its_image_is_named_by_its_line(boxed):
    frame = boxed.frame.copy()
    frame.at[7, "box"] = [10, 20, 400, 100]
    broken = LabelTable(frame, boxed.heads, root=boxed.root, source="labels.csv", first_line=2)
    expected = r"labels\.csv, line 9 \(7\.png\): head 'box': expected a box within the image of 235 x 340 pixels"
    with pytest.raises(TableError, match=expected), plain_errors():
        epoch(broken, shuffle=True)
