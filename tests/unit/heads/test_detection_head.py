from __future__ import annotations

import builtins
import itertools

import keras
import numpy as np
import pandas as pd
import pytest
from head_checks import NAN, ROWS, HeadChecks
from keras import layers

from mtlzoo.heads import DetectionHead, LabelError
from mtlzoo.heads.detections import average_precision, find_hits, find_objects
from mtlzoo.images.geometry import ImageGeometry

NAMES = ["triangle", "rectangle"]
GRID = 3


class TestDetectionHead(HeadChecks):
    heads = [
        DetectionHead(NAMES, max_objects=4, hidden=[8]),
        DetectionHead(NAMES, max_objects=4, hidden=[4, 3], dropout=0.3, loss_weight=2, score_threshold=0.2),
        DetectionHead(NAMES, max_objects=4, format="rel_yxyx", hidden=[3]),
    ]
    cells = [
        "triangle 0.25 0.5 0.75 0.625; rectangle, 0, 0, 0.5, 1",
        "[['rectangle', 0.25, 0.5, 0.875, 0.75]]",
        "[]",
        '[["triangle", [0.25, 0.5, 0.875, 0.75]]]',
    ]
    answers = [
        [["triangle", 0.25, 0.5, 0.75, 0.625], ["rectangle", 0, 0, 0.5, 1]],
        [["rectangle", 0.25, 0.5, 0.875, 0.75]],
        [],
        [["triangle", 0.25, 0.5, 0.875, 0.75]],
    ]
    unknown = "circle 0.25 0.5 0.75 0.625"
    raw_missing = [np.full((1, 4, 6), -1, "float32")]

    def model(self, head):
        features = keras.Input((6,))
        feature_map = layers.Reshape((GRID, GRID, 2))(layers.Dense(GRID * GRID * 2)(features))
        return keras.Model(features, head.build_layers(feature_map, "answer"))

    def targets(self, head, rng, rows=ROWS):
        targets = np.full((rows, 4, 6), NAN, "float32")
        for row, count in enumerate(rng.integers(0, 4, rows)):
            low = np.array([[0, 0], [0.5, 0], [0, 0.5]])[:count]  # none hides another
            targets[row, :count, :4] = np.concatenate([low, low + rng.uniform(0.2, 0.5, (count, 2))], axis=-1)
            targets[row, :count, 4:] = np.eye(2)[rng.integers(2, size=count)]
        targets[0, 0] = [0.1, 0.1, 0.6, 0.4, 1, 0]
        targets[1:][rng.random(rows - 1) < 0.3] = -1
        return targets

    def perfect(self, head, targets):
        cells = np.zeros((len(targets), GRID * GRID, 6), "float32")
        cells[:, : targets.shape[1]] = np.maximum(np.nan_to_num(targets), 0)
        return cells


def objects(*boxes, classes=2):
    """Encoded objects, each given as a class id and four numbers."""
    targets = np.full((1, 5, 4 + classes), NAN, "float32")
    for number, (index, *box) in enumerate(boxes):
        targets[0, number] = [*box, *(np.arange(classes) == index)]
    return targets


# === Labels ===


def test_nothing_is_a_label_and_missing_is_none():
    head = DetectionHead(NAMES)
    targets = head.encode([[], None, [("triangle", 0.1, 0.2, 0.3, 0.4)], "[]", np.empty((0, 5))])
    assert targets.shape == (5, 20, 6)
    assert head.labelled(targets).tolist() == [True, False, True, True, True]
    assert (targets[1] == -1).all()
    assert np.isnan(targets[[0, 3, 4]]).all()
    np.testing.assert_allclose(targets[2, 0], [0.1, 0.2, 0.3, 0.4, 1, 0])
    assert head.strata(targets).tolist() == [[0, 0], [-1, -1], [1, 0], [0, 0], [0, 0]]


def test_classes_are_named_or_numbered():
    box = [0.25, 0.5, 0.75, 1]
    for classes, cell in ((NAMES, [(1, *box)]), (NAMES, "1 0.25 0.5 0.75 1"), (2, [[1, box]]), (3, [("1", *box)])):
        head = DetectionHead(classes)
        assert head.encode([cell])[0, 0, 4:6].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ([("circle", 0.1, 0.2, 0.3, 0.4)], "unknown class 'circle' in .*expected one of: 'triangle', 'rectangle'"),
        ([("triangle", 0.1, 0.2, 0.1, 0.4)], "width and height above 0"),
        ([("triangle", 0.1, 0.2, 0.3, 1.4)], "from 0 to 1"),
        ([("triangle", 0.1, 0.2, 0.3)], "expected a list of objects"),
        (("triangle", 0.1, 0.2, 0.3, 0.4), "expected a list of objects"),
        (7.0, "expected a list of objects"),
        ("[('triangle', 0.1", "expected a list of objects"),
        ([("triangle", 0.1, 0.2, 0.3, 0.4)] * 21, "expected at most 20 objects .*received 21"),
    ],
)
def test_wrong_labels_name_their_row_and_what_was_expected(cell, message):
    with pytest.raises(LabelError, match=message) as caught:
        DetectionHead(NAMES).encode([None, cell])
    assert caught.value.row == 1
    with pytest.raises(LabelError, match="expected encoded objects"):
        DetectionHead(NAMES).encode(np.zeros((1, 3, 6)))


@pytest.mark.parametrize(
    "arguments",
    [
        {"classes": []},
        {"classes": "ab"},
        {"max_objects": 0},
        {"score_threshold": 2},
        {"nms_iou_threshold": -1},
        {"format": "corners"},
    ],
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=r"Expected"):
        DetectionHead(**{"classes": NAMES, **arguments})


def test_without_convolutions_it_is_told_apart():
    assert repr(DetectionHead(2, hidden=[])) == "DetectionHead(classes=['0', '1'], hidden=[])"
    assert DetectionHead(2, hidden=[]) != DetectionHead(2)


def test_a_head_for_labels():
    head = DetectionHead.from_labels(pd.Series(["b 3 4 50 60; a 1 2 3 4", "[]"]))
    assert head == DetectionHead(["a", "b"], format="xyxy", max_objects=2)
    with pytest.raises(ValueError, match="no row has an object"):
        DetectionHead.from_labels(pd.Series(["[]"]))


# === Places ===


@pytest.mark.parametrize("format", ["xywh", "rel_center_xywh"])
def test_objects_move_with_the_pixels_and_come_back(format):
    box = [100, 25, 100, 50] if format == "xywh" else [0.75, 0.5, 0.5, 0.5]
    head = DetectionHead(NAMES, format=format, max_objects=3)
    targets = head.encode([[("rectangle", *box)], None, []])
    geometry = ImageGeometry.whole([(100, 200)] * 3, (50, 50))
    placed = head.to_input_space(targets, geometry)
    np.testing.assert_allclose(placed[0, 0], [0.5, 0.25, 1, 0.75, 0, 1], atol=1e-6)
    assert np.isnan(placed[0, 1:]).all()
    assert (placed[1] == -1).all()
    assert np.isnan(placed[2]).all()
    restored = head.to_image_space(np.nan_to_num(placed[:1]), geometry.take([0]))
    np.testing.assert_allclose(restored[0, 0], targets[0, 0], atol=1e-4)
    for values in (targets, restored):
        marks = head.marks(values, geometry.take(np.arange(len(values))))["boxes"]
        np.testing.assert_allclose(marks[0], [[99.5, 24.5, 199.5, 74.5]], atol=1e-4)
    assert [len(boxes) for boxes in head.marks(targets, geometry)["boxes"]] == [1, 0, 0]


def test_what_is_out_of_sight_is_no_object_and_what_is_out_of_the_image_is_an_error():
    head = DetectionHead(NAMES, format="xyxy", max_objects=3)
    right_half = ImageGeometry(np.array([[[1.0, 0, -50], [0, 1, 0]]]), np.array([[50, 100]]), (50, 50))
    targets = head.encode([[("triangle", 0, 0, 20, 20), ("triangle", 40, 0, 60, 50)]])
    placed = head.to_input_space(targets, right_half)
    assert np.isnan(placed[0, [0, 2]]).all()
    np.testing.assert_allclose(placed[0, 1, :4], [0, 0, 0.2, 1], atol=1e-6)
    with pytest.raises(LabelError, match="within the image of 100 x 50 pixels, received 90, 0, 120, 9"):
        head.to_input_space(head.encode([[("triangle", 90, 0, 120, 9)]]), right_half)


# === From cells to objects ===


def test_of_cells_that_see_the_same_the_surest_is_kept_for_each_class():
    near, far = [0.1, 0.1, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]
    shifted = [0.12, 0.1, 0.52, 0.5]
    cells = np.array([[*near, 0.7, 0.1], [*shifted, 0.9, 0.2], [*far, 0.6, 0], [*near, 0.2, 0.8], [*far, 0.1, 0.39]])
    head = DetectionHead(NAMES)
    decoded = head.decode(cells[None])
    assert decoded["answer"][0] == [["triangle", *shifted], ["rectangle", *near], ["triangle", *far]]
    assert decoded["probability"][0] == pytest.approx([0.9, 0.8, 0.6])
    assert len(DetectionHead(NAMES, nms_iou_threshold=0.99).decode(cells[None])["answer"][0]) == 4
    assert len(DetectionHead(NAMES, score_threshold=0.3).decode(cells[None])["answer"][0]) == 4
    assert DetectionHead(NAMES, score_threshold=0.95).decode(cells[None])["answer"][0] == []


def test_suppression_is_the_usual_greedy_one(rng):
    low = rng.uniform(0, 0.5, (80, 2))
    boxes, scores = np.concatenate([low, low + rng.uniform(0.2, 0.4, (80, 2))], axis=1), rng.uniform(0, 1, (80, 2))
    cells, ids, kept_scores = find_objects(boxes, scores, 0.3, 0.4)

    def nms_iou_threshold(one, other):
        both = np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0).prod()
        return both / ((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - both)

    expected = []
    for cell in np.argsort(-scores.max(axis=1)):
        same = [other for other in expected if scores[other].argmax() == scores[cell].argmax()]
        if scores[cell].max() >= 0.3 and all(nms_iou_threshold(boxes[cell], boxes[other]) <= 0.4 for other in same):
            expected.append(cell)
    assert 5 < len(expected) < 60
    assert cells.tolist() == expected
    np.testing.assert_array_equal(ids, scores[expected].argmax(axis=1))
    np.testing.assert_allclose(kept_scores, scores[expected].max(axis=1))


# === COCO's figures ===


def test_average_precision_is_cocos():
    truths = np.concatenate([objects((0, 0, 0, 0.5, 0.5)), objects((1, 0.2, 0.2, 0.8, 0.8)), objects()])
    cells = np.zeros((3, 2, 6), "float32")
    cells[0, 0] = [0, 0, 0.5, 0.5, 0.9, 0]
    cells[1, 0] = [0.2, 0.2, 0.8, 0.68, 0, 0.9]  # an IoU of 0.8
    figures = average_precision(truths, cells, 0.5)
    assert (figures["ap_50"], figures["ap_75"]) == pytest.approx((1, 1))
    assert figures["ap"] == pytest.approx((1 + 0.6) / 2, abs=0.051)  # 0.8 itself is at the mercy of float32
    cells[2, 0] = [0, 0, 1, 1, 0.95, 0]  # surer than the right one, and wrong
    assert average_precision(truths, cells, 0.5)["ap_50"] == pytest.approx(0.75)
    assert average_precision(truths, np.zeros_like(cells), 0.5)["ap"] == 0
    assert np.isnan(average_precision(truths[2:], cells[2:], 0.5)["ap"])


def test_evaluating_writes_nothing_and_says_what_is_needed(capsys, monkeypatch):
    head = DetectionHead(NAMES, max_objects=5)
    truths = np.concatenate([objects((0, 0, 0, 0.5, 0.5)), objects()])
    figures = head.evaluate(truths, np.nan_to_num(truths))
    assert (figures["value"], figures["ap"], figures["baseline"]) == pytest.approx((1, 1, 0.5))
    assert capsys.readouterr().out == ""
    load = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("pycocotools"):
            raise ImportError(name)
        return load(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"pip install 'mtlzoo\[detection\]'"):
        head.evaluate(truths, np.nan_to_num(truths))


def test_the_metric_counts_hits_answers_and_objects():
    metric = DetectionHead(NAMES).metrics()[0]
    truths = objects((0, 0, 0, 0.5, 0.5), (1, 0.5, 0.5, 1, 1))
    right, other = [0, 0, 0.5, 0.5, 0.9, 0], [0.5, 0.5, 1, 1, 0, 0.8]
    double, wrong = [0, 0, 0.5, 0.48, 0.7, 0], [0.5, 0, 1, 0.5, 0.6, 0]
    unsure = [0, 0.5, 0.5, 1, 0.3, 0.3]
    cases = {
        1.0: [right, other, double, unsure],
        0.8: [right, other, wrong, unsure],
        2 / 3: [right, unsure],
        0.0: [unsure],
    }
    for expected, cells in cases.items():
        metric.reset_state()
        metric.update_state(truths, np.array([cells]))
        assert float(metric.result()) == pytest.approx(expected)
    metric.reset_state()
    metric.update_state(objects(), np.array([[unsure]]))
    assert float(metric.result()) == 1


# === The loss ===


def test_cells_answer_for_the_object_whose_middle_is_near():
    loss = DetectionHead(NAMES, grid=[4, 4]).loss()
    boxes = np.array([[[0.0, 0, 1, 1], [0.5, 0.5, 0.75, 0.75], [0.01, 0.01, 0.03, 0.03], [0, 0, 0, 0]]], "float32")
    answers = np.asarray(loss.assign(boxes, np.array([[True, True, True, False]]), 16))[0].reshape(4, 4, 4)
    assert np.argwhere(answers[..., 2]).tolist() == [[0, 0]]  # too small to hold the middle of a cell
    assert np.argwhere(answers[..., 1]).tolist() == [[2, 2]]  # which the larger one does not get
    large = {(1, 1), (1, 2), (2, 1)}
    assert set(map(tuple, np.argwhere(answers[..., 0]))) == large
    assert answers.sum() == 5


def test_right_cells_cost_little_and_every_mistake_more():
    loss = DetectionHead(NAMES, grid=[2, 2]).loss()
    truth = objects((0, 0.05, 0.05, 0.45, 0.45))
    cells = np.zeros((1, 4, 6), "float32")
    cells[0, :, :4] = [0.05, 0.05, 0.45, 0.45]
    cells[0, 0, 4] = 1
    assert float(loss(truth, cells)) == pytest.approx(0, abs=1e-5)
    for place, value in {(0, 4): 0.2, (0, 5): 0.9, (3, 4): 0.9, (0, 0): 0.3}.items():
        worse = cells.copy()
        worse[0][place] = value
        assert float(loss(truth, worse)) > 0.1
    assert float(loss(objects(), np.where(np.arange(6) < 4, cells, 0))) == 0
    with pytest.raises(ValueError, match="Expected `grid`"):
        DetectionHead(NAMES).loss()(truth, cells[:, :3])
    with pytest.raises(ValueError, match="2 x 2 cells, received: 3"):
        loss(truth, cells[:, :3])


def test_without_a_grid_it_is_square():
    truth = objects((0, 0.05, 0.05, 0.45, 0.45))
    cells = np.random.default_rng(0).random((1, 9, 6)).astype("float32")
    assert float(DetectionHead(NAMES).loss()(truth, cells)) == float(
        DetectionHead(NAMES, grid=[3, 3]).loss()(truth, cells)
    )


# === Network ===


def test_an_object_is_hit_once_by_the_surest_of_its_class():
    targets = np.full((2, 3, 6), np.nan, "float32")
    targets[0, 0] = [0, 0, 0.5, 0.5, 1, 0]
    cells = np.float32(
        [
            [0, 0, 0.5, 0.3, 0.6, 0],  # an IoU of 0.6
            [0, 0, 0.5, 0.5, 0.0, 0.9],  # of the other class
            [0, 0, 0.3, 0.5, 0.8, 0],
            [0.5, 0.5, 1, 1, 0.5, 0],
        ]
    )
    predictions = np.stack([cells, 0.5 * cells])
    sure, right = find_hits(targets, predictions, 0.4, 0.5)
    np.testing.assert_allclose(sure, [0.9, 0.8, 0.6, 0.5, 0.45, 0.4], rtol=1e-6)
    assert right.tolist() == [False, True, False, False, False, False]


def test_the_least_score_is_a_threshold_like_others():
    head = DetectionHead(["a", "b"], score_threshold=0.4)
    assert head.thresholds == {"score": 0.4}
    assert head.with_thresholds({"score": 0.3}).score_threshold == 0.3
    assert DetectionHead(["a", "b"], score_threshold=0).thresholds == {}
    with pytest.raises(ValueError, match="received: 'a'"):
        head.with_thresholds({"a": 0.3})


def test_it_needs_a_map_and_learns_its_size():
    head = DetectionHead(NAMES)
    with pytest.raises(ValueError, match="Expected a feature map"):
        head.build_layers(keras.Input((6,)), "objects")
    with pytest.raises(ValueError, match="Expected a feature map"):
        head.build_layers(keras.Input((None, None, 6)), "objects")
    features = keras.Input((3, 5, 6))
    assert head.build_layers(features, "objects").shape == (None, 15, 6)
    assert head.for_features(features).grid == [3, 5]
    assert head.grid is None


@pytest.mark.long
@pytest.mark.slow
def test_it_finds_blocks():
    rng = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    images = np.zeros((256, 16, 16, 1), "float32")
    cells = []
    for image, count in zip(images, itertools.cycle([0, 1, 2])):
        found = []
        for left in [0, 8][:count]:
            x, y, width = left + rng.integers(3), rng.integers(8), rng.integers(3, 6)
            image[y : y + 5, x : x + width] = 1
            found.append(("wide" if width > 4 else "narrow", x / 16, y / 16, (x + width) / 16, (y + 5) / 16))
        cells.append(found)
    head = DetectionHead(["narrow", "wide"], max_objects=3, hidden=[16, 16])
    inputs = keras.Input((16, 16, 1))
    features = layers.Conv2D(16, 4, strides=2, padding="same", activation="relu")(inputs)
    model = keras.Model(inputs, head.build_layers(features, "blocks"))
    targets = head.encode(cells)
    model.compile(keras.optimizers.Adam(0.01), head.loss())
    model.fit(images, targets, epochs=20, verbose=0)
    figures = head.evaluate(targets, model.predict(images, verbose=0))
    assert figures["f1_50"] > 0.8
    assert figures["ap_50"] > 0.8 > figures["baseline"]


@pytest.mark.slow
def test_files_load_with_plain_keras_and_heads_come_back(tmp_path, rng, tiny_backbone):
    from mtlzoo.models import build
    from mtlzoo.saving import export, load_model

    model = build(tiny_backbone, {"objects": DetectionHead(NAMES, hidden=[4])}, (16, 24, 3))
    assert model.heads["objects"].grid == [2, 3]
    assert model.heads["objects"].loss().grid == [2, 3]
    export(model, tmp_path / "model.h5")
    images = rng.integers(0, 256, (2, 16, 24, 3)).astype("uint8")
    expected = model.predict(images, verbose=0)["objects"]
    assert expected.shape == (2, 6, 6)
    again = keras.models.load_model(tmp_path / "model.h5")
    np.testing.assert_allclose(again.predict(images, verbose=0)["objects"], expected, rtol=1e-6)
    assert load_model(tmp_path / "model.h5").heads == model.heads
