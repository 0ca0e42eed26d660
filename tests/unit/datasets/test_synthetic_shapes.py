"""The drawn scenes: what is in them, that their boxes are exact, their files, and the dataset that needs none."""

from __future__ import annotations

import collections
import csv
import itertools
import pathlib

import cv2
import numpy as np
import pytest

from mtlzoo.data import MAKERS
from mtlzoo.datasets import draw_scene, make_shapes, shapes_dataset
from mtlzoo.datasets.shapes import drawing as shape_drawing
from mtlzoo.datasets.shapes.painting import paint_disc, paint_line, paint_polygon
from mtlzoo.heads import BinaryHead, BoxHead, RegressionHead

COLUMNS = ["image", "shape", "x_min", "y_min", "x_max", "y_max"]


def coverage(image: np.ndarray) -> np.ndarray:
    """How much of each pixel is painted, in an image with one target on white and nothing else."""
    ink = 255 - image.astype(float)
    # The channel in which the colour differs most from white; most pixels of the target are painted in full.
    channel = ink.sum(axis=(0, 1)).argmax()
    return ink[..., channel] / ink[..., channel].max()


def measured_box(covered: np.ndarray, name: str) -> np.ndarray:
    """The box of what is painted, from the moments of the area."""
    rows, columns = np.indices(covered.shape) + 0.5
    area = covered.sum()
    places = columns + 1j * rows
    centre = (covered * places).sum() / area
    if name == "rectangle":
        width, height = (np.sqrt(12 * (covered * (part - middle) ** 2).sum() / area) for part, middle in
                         ((columns, centre.real), (rows, centre.imag)))  # fmt: skip
        return np.array([centre.real - width / 2, centre.imag - height / 2, centre.real + width / 2,
                         centre.imag + height / 2])  # fmt: skip
    # The third moment of an equilateral triangle turns three times as fast as the triangle.
    angle = np.angle((covered * (places - centre) ** 3).sum()) / 3
    radius = np.sqrt(4 * area / np.sqrt(3)) / np.sqrt(3)
    corners = centre + radius * np.exp(1j * (angle + 2 * np.pi / 3 * np.arange(3)))
    return np.array([corners.real.min(), corners.imag.min(), corners.real.max(), corners.imag.max()])


# === Painting ===


def test_polygon_covers_its_area(rng):
    for _ in range(30):
        corners = rng.uniform(20, 60, 2) + rng.uniform(20, 50, 2) * [(0, 0), (1, 0), (1, 1), (0, 1)]
        image = np.full((120, 120, 3), 255, np.uint8)
        paint_polygon(image, corners, (0, 0, 0))
        covered = 1 - image[..., 0] / 255
        expected = [np.clip(np.minimum(corners[2, axis], np.arange(120) + 1) -
                            np.maximum(corners[0, axis], np.arange(120)), 0, 1) for axis in (1, 0)]  # fmt: skip
        np.testing.assert_allclose(covered, np.outer(*expected), atol=1.5 / 255)


def test_polygon_may_reach_over_the_edge_of_the_image():
    image = np.full((10, 12, 3), 255, np.uint8)
    paint_polygon(image, np.array([(-5.0, -5.0), (6.0, -5.0), (6.0, 20.0), (-5.0, 20.0)]), (1, 2, 3))
    assert (image[:, :6] == (1, 2, 3)).all()
    assert (image[:, 6:] == 255).all()
    paint_polygon(image, np.array([(50.0, 50.0), (60.0, 50.0), (60.0, 60.0)]), (0, 0, 0))
    assert (image[:, 6:] == 255).all()


def test_discs_and_lines_lie_where_they_should(rng):
    areas, widths = [], []
    for _ in range(50):
        x, y, radius = *rng.uniform(40, 60, 2), rng.uniform(5, 20)
        image = np.full((100, 100, 3), 255, np.uint8)
        paint_disc(image, x, y, radius, (0, 0, 0))
        covered = 1 - image[..., 0] / 255
        rows, columns = np.indices(covered.shape) + 0.5
        assert (covered * columns).sum() / covered.sum() == pytest.approx(x, abs=0.1)
        assert (covered * rows).sum() / covered.sum() == pytest.approx(y, abs=0.1)
        areas.append(np.sqrt(covered.sum() / np.pi) - radius)
        start, end = rng.uniform(10, 40, 2), rng.uniform(60, 90, 2)
        image[:] = 255
        paint_line(image, start, end, (0, 0, 0))
        covered = 1 - image[..., 0] / 255
        middle = [(covered * part).sum() / covered.sum() for part in (columns, rows)]
        along = (end - start) / np.linalg.norm(end - start)
        offset = middle - (start + end) / 2
        assert abs(offset @ along) < 1
        assert abs(offset @ (-along[1], along[0])) < 0.1
        widths.append(covered.sum() / np.linalg.norm(end - start))
    assert np.mean(areas) == pytest.approx(0, abs=0.05)
    assert 1 < np.mean(widths) < 1.5


# === Scenes ===


def test_scene_is_what_it_says(rng):
    scene = draw_scene(rng, objects=3)
    assert scene.image.shape == (224, 224, 3)
    assert scene.image.dtype == np.uint8
    assert len(scene.classes) == 3
    assert set(scene.classes) <= {"triangle", "rectangle"}
    assert scene.boxes.shape == (3, 4)
    assert scene.boxes.dtype == np.float64


@pytest.mark.parametrize("size", [224, 96, (128, 200)])
def test_boxes_are_those_of_what_is_painted(size, rng):
    seen = collections.Counter()
    for _ in range(60):
        scene = draw_scene(rng, size=size, distractors=False)
        covered = coverage(scene.image)
        np.testing.assert_allclose(measured_box(covered, scene.classes[0]), scene.boxes[0], atol=0.15)
        inked = np.argwhere(covered > 0.02)[:, ::-1]
        outer = np.concatenate([inked.min(axis=0), inked.max(axis=0) + 1])
        assert np.abs(outer - scene.boxes[0]).max() < 2.5
        seen.update(scene.classes)
    assert min(seen["triangle"], seen["rectangle"]) > 15


def test_targets_have_the_books_sizes_and_lie_inside(rng):
    scenes = [draw_scene(rng, distractors=False) for _ in range(400)]
    boxes = np.array([scene.boxes[0] for scene in scenes])
    names = np.array([scene.classes[0] for scene in scenes])
    assert boxes.min() >= 0
    assert boxes.max() <= 224
    sides = boxes[:, 2:] - boxes[:, :2]
    rectangles, triangles = sides[names == "rectangle"], sides[names == "triangle"]
    assert 0.4 < len(rectangles) / 400 < 0.6
    for lengths in rectangles.T:
        assert 40 <= lengths.min() < 43
        assert 97 < lengths.max() <= 100
    assert abs(np.corrcoef(rectangles.T)[0, 1]) < 0.2
    # The box of an equilateral triangle is at its widest the side, and never narrower than its height.
    widest = triangles.max(axis=1)
    assert 50 * np.cos(np.pi / 12) <= widest.min() < 53
    assert 95 < widest.max() <= 100
    assert triangles.min() >= 50 * np.sqrt(3) / 2
    room = (boxes[:, :2] / (224 - sides)).ravel()  # 0 at the left or upper edge, 1 at the right or lower one
    np.testing.assert_allclose(np.quantile(room, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.06)


def test_other_sizes_scale_everything(rng):
    boxes = np.array([draw_scene(rng, size=(56, 112)).boxes[0] for _ in range(200)])
    sides = boxes[:, 2:] - boxes[:, :2]
    assert boxes.min() >= 0
    assert (boxes[:, [2, 3]] <= (112, 56)).all()
    assert 10 <= sides.min() < 11
    assert 24 < sides.max() <= 25


def test_ten_circles_and_ten_lines_some_of_them_over_the_target(monkeypatch, rng):
    painted = []
    for name in ("paint_disc", "paint_line", "paint_polygon"):
        monkeypatch.setattr(shape_drawing, name, lambda *arguments, name=name: painted.append((name, arguments[1:])))
    over = 0
    for _ in range(200):
        painted.clear()
        draw_scene(rng)
        names = [name for name, _ in painted]
        assert collections.Counter(names) == {"paint_disc": 10, "paint_line": 10, "paint_polygon": 1}
        assert all(5 <= arguments[2] <= 20 for name, arguments in painted if name == "paint_disc")
        assert np.array([arguments[:2] for name, arguments in painted if name == "paint_disc"]).max() <= 224
        over += 20 - names.index("paint_polygon")
    assert over / 200 / 20 == pytest.approx(0.25, abs=0.03)
    painted.clear()
    draw_scene(rng, occlusion=0)
    assert [name for name, _ in painted] == ["paint_disc"] * 10 + ["paint_line"] * 10 + ["paint_polygon"]
    painted.clear()
    draw_scene(rng, occlusion=1)
    assert painted[0][0] == "paint_polygon"
    painted.clear()
    draw_scene(rng, distractors=False)
    assert [name for name, _ in painted] == ["paint_polygon"]


def test_nothing_lies_over_the_target_of_the_books_scene():
    for occlusion, plain in ((0.0, 40), (0.25, 35), (1.0, 20)):
        rng = np.random.default_rng(2)
        scenes = [draw_scene(rng, occlusion=occlusion) for _ in range(90)]
        scenes = [scene for scene in scenes if scene.classes == ["rectangle"]][:40]
        assert len(scenes) == 40
        inside = []
        for scene in scenes:
            left, upper, right, lower = np.ceil(scene.boxes[0]).astype(int)
            inside.append(scene.image[upper + 1 : lower - 2, left + 1 : right - 2].reshape(-1, 3))
        clean = sum(len(np.unique(pixels, axis=0)) == 1 for pixels in inside)
        assert clean == 40 if occlusion == 0 else clean < plain


def test_distractors_leave_the_targets_where_they_are(rng):
    with_them, without = ([draw_scene(np.random.default_rng(seed), 2, distractors=shown) for seed in range(5)]
                          for shown in (True, False))  # fmt: skip
    for one, other in zip(with_them, without):
        assert one.classes == other.classes
        np.testing.assert_array_equal(one.boxes, other.boxes)
        assert (one.image != other.image).any()


def test_background_is_white_and_colours_are_random(rng):
    scenes = [draw_scene(rng) for _ in range(30)]
    white = [np.mean((scene.image == 255).all(axis=-1)) for scene in scenes]
    assert 0.5 < np.mean(white) < 0.9
    alone = [draw_scene(rng, distractors=False) for _ in range(200)]
    colors = np.array([scene.image[tuple(np.rint([scene.boxes[0][[1, 3]].mean(), scene.boxes[0][[0, 2]].mean()])
                                         .astype(int))] for scene in alone])  # fmt: skip
    assert abs(colors.mean() - 127.5) < 10
    assert np.abs(np.corrcoef(colors.T) - np.eye(3)).max() < 0.25


@pytest.mark.parametrize("objects", [1, 2, 5])
def test_several_targets_do_not_hide_each_other(objects, rng):
    largest = 0.0
    for _ in range(40):
        scene = draw_scene(rng, objects)
        assert len(scene.classes) == objects
        assert scene.boxes.min() >= 0
        assert scene.boxes.max() <= 224
        for one, other in itertools.combinations(scene.boxes, 2):
            shared = np.prod(np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0))
            largest = max(largest, shared / min(np.prod(box[2:] - box[:2]) for box in (one, other)))
    assert largest < 0.2
    assert (largest > 0) == (objects > 1)


def test_the_same_generator_draws_the_same_scene():
    one, other, third = (draw_scene(np.random.default_rng(seed), objects=4) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(one.boxes, other.boxes)
    assert one.classes == other.classes
    assert (one.image != third.image).any()


@pytest.mark.parametrize(
    "wrong",
    [{"objects": 0}, {"objects": 6}, {"objects": 1.5}, {"size": 31}, {"size": (224, 20)}, {"size": 64.0},
     {"size": (32, 32, 3)}, {"occlusion": -0.1}, {"occlusion": 1.1}, {"occlusion": float("nan")}],
)  # fmt: skip
def test_impossible_scenes(wrong, rng):
    with pytest.raises(ValueError, match=r"Expected .* received"):
        draw_scene(rng, **wrong)


# === Files ===


def contents(directory: pathlib.Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def rows(directory: pathlib.Path, part: str) -> list[dict[str, str]]:
    with open(directory / f"{part}.csv", newline="") as file:
        reader = csv.DictReader(file)
        found = list(reader)
        assert reader.fieldnames == COLUMNS
    return found


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    return make_shapes(tmp_path_factory.mktemp("single") / "data", images=30, seed=3, tests=8)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    return make_shapes(tmp_path_factory.mktemp("several") / "data", images=60, seed=3, tests=8, objects=3)


def test_tables_list_all_images(single):
    listed = [row["image"] for part in ("train", "test") for row in rows(single, part)]
    assert len(rows(single, "train")) == 30
    assert len(set(listed)) == 38
    assert set(contents(single)) == {"train.csv", "test.csv", *listed}
    for row in rows(single, "train")[:5]:
        image = cv2.imread(str(single / row["image"]), cv2.IMREAD_UNCHANGED)
        assert image.shape == (224, 224, 3)
        assert row["shape"] in ("triangle", "rectangle")
        x_min, y_min, x_max, y_max = (float(row[column]) for column in COLUMNS[2:])
        assert 0 <= x_min < x_max <= 224
        assert 0 <= y_min < y_max <= 224


def test_files_keep_the_scenes_as_they_were_drawn(single, several):
    for directory, objects in ((single, 1), (several, 3)):
        scene = shape_drawing.draw_numbered_scene("train", 3, 0, 4, objects)
        own = [row for row in rows(directory, "train") if row["image"] == "images/train_000004.png"]
        image = cv2.imread(str(directory / own[0]["image"]))[..., ::-1]
        np.testing.assert_array_equal(image, scene.image)
        assert [row["shape"] for row in own] == scene.classes
        boxes = [[float(row[column]) for column in COLUMNS[2:]] for row in own]
        np.testing.assert_allclose(boxes, scene.boxes, atol=0.0006)


def test_a_row_for_each_object(several):
    counts = collections.Counter(row["image"] for row in rows(several, "train"))
    assert len(counts) == 60
    assert set(counts.values()) == {1, 2, 3}
    assert min(collections.Counter(counts.values()).values()) > 10


@pytest.mark.parametrize("objects", [1, 4])
def test_same_seed_same_bytes_and_other_seed_other_images(tmp_path, objects):
    first, second, other = (
        contents(make_shapes(tmp_path / name, images=6, seed=seed, objects=objects))
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first == second
    assert not set(first.values()) & set(other.values())


def test_larger_set_begins_with_the_smaller_one(tmp_path, single):
    few = make_shapes(tmp_path, images=5, seed=3, tests=2)
    for name in ("train.csv", "test.csv"):
        assert (single / name).read_bytes().startswith((few / name).read_bytes())
    drawn = {name: data for name, data in contents(few).items() if name.endswith(".png")}
    assert len(drawn) == 7
    assert drawn.items() <= contents(single).items()


def test_tests_default_to_a_quarter(tmp_path):
    assert len(rows(make_shapes(tmp_path, images=9), "test")) == 2


def test_no_test_image_is_a_training_image(single):
    digests = [data for name, data in contents(single).items() if name.endswith(".png")]
    assert len(set(digests)) == 38


def test_overwriting_replaces_the_data_and_nothing_else(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        make_shapes(tmp_path, images=2)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]
    make_shapes(tmp_path, images=6, overwrite=True)
    make_shapes(tmp_path, images=3, tests=0, overwrite=True)
    assert (tmp_path / "precious.txt").read_text() == "mine"
    assert len(list(tmp_path.rglob("*.png"))) == 3
    with pytest.raises(FileExistsError, match="received a file"):
        make_shapes(tmp_path / "precious.txt", images=2, overwrite=True)


@pytest.mark.parametrize("wrong", [{"images": 0}, {"seed": -1}, {"tests": -1}, {"objects": 6}, {"occlusion": 2}])
def test_impossible_arguments(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"Expected .* received"):
        make_shapes(tmp_path / "new", **{"images": 2, **wrong})
    assert not (tmp_path / "new").exists()


def test_progress_is_a_line_on_standard_error(tmp_path, capsys):
    MAKERS["shapes"](tmp_path / "loud", images=3, tests=1, progress=True)
    assert capsys.readouterr().err.endswith("Drew 4 of 4 images\n")
    make_shapes(tmp_path / "quiet", images=1)
    captured = capsys.readouterr()
    assert captured.err == captured.out == ""


# === Dataset ===


def collect(dataset) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """One epoch as arrays."""
    batches = list(dataset.as_numpy_iterator())
    images = np.concatenate([images for images, _ in batches])
    return images, {name: np.concatenate([labels[name] for _, labels in batches]) for name in batches[0][1]}


def test_batches_hold_scenes_and_their_labels():
    dataset = shapes_dataset(batch_size=4, steps=3, seed=5, image_size=(48, 64))
    assert len(dataset) == 3
    images, labels = dataset.element_spec
    assert images.shape == (4, 48, 64, 3)
    assert {name: (spec.shape, spec.dtype.name) for name, spec in labels.items()} == {
        "shape": ((4,), "float32"),
        "box": ((4, 4), "float32"),
    }
    images, labels = collect(dataset)
    scenes = [shape_drawing.draw_numbered_scene("fresh", 5, 0, index, 1, (48, 64)) for index in range(12)]
    np.testing.assert_array_equal(images, [scene.image for scene in scenes])
    assert labels["shape"].tolist() == [scene.classes[0] == "rectangle" for scene in scenes]
    relative = np.array([scene.boxes[0] for scene in scenes]) / (64, 48, 64, 48)
    np.testing.assert_allclose(labels["box"], relative, atol=1e-6)


def test_scenes_do_not_depend_on_batches_and_are_new_in_each_epoch():
    one, other = shapes_dataset(4, steps=3, image_size=(32, 32)), shapes_dataset(6, steps=2, image_size=(32, 32))
    epochs = []
    for _ in range(2):
        images, labels = collect(one)
        again, others = collect(other)
        np.testing.assert_array_equal(images, again)
        np.testing.assert_array_equal(labels["box"], others["box"])
        epochs.append(images)
    assert len({image.tobytes() for image in np.concatenate(epochs)}) == 24


def test_scenes_to_validate_on_stay_and_are_none_of_the_others():
    fixed = shapes_dataset(4, steps=2, image_size=(32, 32), fresh=False)
    first, second, fresh = (
        collect(dataset)[0] for dataset in (fixed, fixed, shapes_dataset(4, 2, image_size=(32, 32)))
    )
    np.testing.assert_array_equal(first, second)
    assert not {image.tobytes() for image in first} & {image.tobytes() for image in fresh}


def test_any_head_for_the_columns_reads_the_labels():
    heads = {"box": BoxHead(format="xyxy"), "object": RegressionHead(units=5)}
    _, labels = collect(shapes_dataset(3, steps=1, image_size=(64, 64), heads=heads))
    assert set(labels) == {"box", "object"}
    np.testing.assert_allclose(labels["object"][:, 1:], labels["box"] * 64, atol=1e-4)
    assert set(labels["object"][:, 0]) <= {0, 1}


def test_several_objects_need_no_head():
    images, _ = next(shapes_dataset(3, steps=1, objects=5, image_size=(64, 64)).as_numpy_iterator())
    assert images.shape == (3, 64, 64, 3)


@pytest.mark.parametrize(
    "wrong",
    [{"batch_size": 0}, {"steps": 0}, {"seed": -1}, {"objects": 6}, {"image_size": (8, 8)}, {"occlusion": -1},
     {"heads": {"colour": BinaryHead()}}],
)  # fmt: skip
def test_impossible_datasets(wrong):
    with pytest.raises(ValueError, match=r"Expected .* received"):
        shapes_dataset(**wrong)


@pytest.mark.slow
def test_models_learn_from_it(tiny_backbone):
    from mtlzoo.models import build
    from mtlzoo.training import Stage, fit

    heads = {"shape": BinaryHead(["triangle", "rectangle"]), "box": BoxHead(format="xyxy")}
    model = build(tiny_backbone, heads, input_shape=(32, 32, 3), weights=None, preprocessing="tf")
    train = shapes_dataset(8, steps=6, image_size=(32, 32))
    valid = shapes_dataset(8, steps=1, image_size=(32, 32), fresh=False)
    history = fit(model, train, valid, [Stage(epochs=2, learning_rate=1e-2)], verbose=False).history
    assert len(history["val_score"]) == 2
    assert history["box_loss"][1] < history["box_loss"][0]
