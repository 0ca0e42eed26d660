from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from asked import usually
from head_checks import NAN, ROWS, HeadChecks

from mtlzoo.heads import BoxHead, LabelError
from mtlzoo.heads.box_formats import FORMATS, from_corners, to_corners
from mtlzoo.images.geometry import ImageGeometry


def random_boxes(rng, rows=ROWS):
    low, sides = rng.uniform(0, 0.5, (rows, 2)), rng.uniform(0.1, 0.5, (rows, 2))
    return np.concatenate([low, low + sides], axis=-1).astype("float32")


class TestBoxHead(HeadChecks):
    heads = [
        BoxHead(),
        BoxHead(loss="giou", hidden=[4], dropout=0.3, loss_weight=2),
        BoxHead(loss="giou+l1"),
        BoxHead(loss="mse", format="rel_yxyx"),
        BoxHead(loss="smooth_l1", hidden=[3]),
    ]
    cells = ["[0.25, 0.5, 0.75, 0.625]", "0.25;0.5;0.75;1", "0.25, 0.5, 0.875, 0.75", "(0, 0, 1, 1)"]
    answers = [[0.25, 0.5, 0.75, 0.625], [0.25, 0.5, 0.75, 1], [0.25, 0.5, 0.875, 0.75], [0, 0, 1, 1]]
    unknown = "0.25;0.5;0.75"
    raw_missing = [np.full((1, 4), NAN)]

    def targets(self, head, rng, rows=ROWS):
        boxes = random_boxes(rng, rows)
        boxes[1:][rng.random(rows - 1) < 0.4] = NAN
        return boxes

    def perfect(self, head, targets):
        return np.nan_to_num(targets)


# === Labels ===


def test_sequences_and_arrays_are_read_too():
    numbers = [0.25, 0.5, 0.75, 0.625]
    cells = [numbers, tuple(numbers), np.array(numbers), [[0.25, 0.5], [0.75, 0.625]], "[[0.25, 0.5], [0.75, 0.625]]"]
    np.testing.assert_array_equal(BoxHead().encode(cells), [numbers] * 5)
    np.testing.assert_array_equal(BoxHead().encode(np.array([numbers, [NAN] * 4])), [numbers, [NAN] * 4])


@pytest.mark.parametrize("format", FORMATS)
def test_formats_are_those_of_keras(format, rng):
    boxes = random_boxes(rng) * 100
    height, width = 80, 120
    there = np.array(keras.utils.bounding_boxes.convert_format(boxes, "xyxy", format, height=height, width=width))
    corners = to_corners(there, format)
    if format.startswith("rel_"):
        corners = corners * [width, height, width, height]
    np.testing.assert_allclose(corners, boxes, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(from_corners(to_corners(there, format), format), there, rtol=1e-6)


def test_the_list_of_formats_is_complete():
    from keras.src.layers.preprocessing.image_preprocessing.bounding_boxes.bounding_box import SUPPORTED_FORMATS

    assert set(FORMATS) == set(SUPPORTED_FORMATS)


@pytest.mark.parametrize(
    ("format", "cell", "message"),
    [
        ("rel_xyxy", [0.5, 0.2, 0.4, 0.6], "width and height above 0"),
        ("rel_xyxy", [0.4, 0.2, 0.4, 0.6], "width and height above 0"),
        ("xywh", [10, 20, -5, 6], "width and height above 0"),
        ("center_xywh", "10;20;5;-6", "width and height above 0"),
        ("rel_xyxy", [0.5, 0.2, 1.4, 0.6], "from 0 to 1"),
        ("rel_xywh", [0.5, 0.2, 0.6, 0.6], "from 0 to 1"),
        ("rel_center_xywh", [0.1, 0.2, 0.6, 0.2], "from 0 to 1"),
        ("xyxy", [0, 0, np.inf, 1], "4 finite numbers"),
        ("xyxy", [0, 0, None, 1], "4 finite numbers"),
        ("xyxy", [0, 0, 1, 1, 1], "a box of 4 numbers"),
        ("xyxy", "a;b;c;d", "a box of 4 numbers"),
        ("xyxy", "[1, 2", "a box of 4 numbers"),
        ("xyxy", 3.0, "a box of 4 numbers"),
    ],
)
def test_wrong_labels_name_their_row_and_what_was_expected(format, cell, message):
    with pytest.raises(LabelError, match=f"expected .*{message}.*received") as caught:
        BoxHead(format=format).encode([None, cell])
    assert caught.value.row == 1


def test_rounding_is_no_mistake():
    assert BoxHead().labelled(BoxHead().encode([[-0.0005, 0, 1.0005, 1]])).all()
    head = BoxHead(format="xyxy")
    placed = head.to_input_space(head.encode([[-0.5, 0, 100.9, 50]]), ImageGeometry.whole([(50, 100)], (20, 20)))
    np.testing.assert_array_equal(placed, [[0, 0, 1, 1]])


@pytest.mark.parametrize("cell", [[0, 0, 102, 50], [-2, 0, 5, 5], [0, 0, 5, 51.5]])
def test_a_box_in_pixels_outside_of_its_image_is_found_when_it_is_placed(cell):
    head = BoxHead(format="xyxy")
    targets = head.encode([None, [0, 0, 100, 50], cell])
    listed = ", ".join(f"{number:g}" for number in cell)
    with pytest.raises(LabelError, match=f"within the image of 100 x 50 pixels, received {listed}") as caught:
        head.to_input_space(targets, ImageGeometry.whole([(50, 100)] * 3, (20, 20)))
    assert caught.value.row == 2


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"`format` to be one of rel_xyxy, .*received: 'yx'"):
        BoxHead(format="yx")
    with pytest.raises(ValueError, match=r"`loss` to be one of .*giou.*, received: 'l3'"):
        BoxHead(loss="l3")


def test_numbers_above_one_are_pixels():
    import pandas as pd

    assert BoxHead.from_labels(pd.Series(["0.1;0.2;0.3;1"])) == BoxHead()
    assert BoxHead.from_labels(pd.Series(["0.1;0.2;0.3;1", [3, 4, 5, 6]])) == BoxHead(format="xyxy")


# === Places ===


@pytest.mark.parametrize("format", FORMATS)
def test_a_quarter_of_the_image_is_one_in_every_format_and_comes_back(format):
    geometry = ImageGeometry.whole([(100, 200)], (50, 50))
    corners = np.array([[0.5, 0.0, 1.0, 0.5]]) * (1 if format.startswith("rel_") else [200, 100, 200, 100])
    head = BoxHead(format=format)
    targets = head.encode(from_corners(corners, format))
    np.testing.assert_allclose(head.to_input_space(targets, geometry), [[0.5, 0, 1, 0.5]], atol=1e-6)
    np.testing.assert_allclose(
        head.to_image_space(head.to_input_space(targets, geometry), geometry), targets, atol=1e-4
    )
    np.testing.assert_allclose(head.marks(targets, geometry)["box"], [[99.5, -0.5, 199.5, 49.5]], atol=1e-4)


@pytest.mark.parametrize("format", ["xywh", "rel_yxyx"])
def test_restoring_undoes_placing_unless_the_image_is_turned_or_cut(format, rng):
    head = BoxHead(format=format)
    sizes = rng.integers(100, 300, (ROWS, 2))
    relative = random_boxes(rng)
    corners = relative * (1 if format.startswith("rel_") else np.tile(sizes[:, ::-1], 2))
    targets = head.encode(from_corners(corners, format))
    geometry = ImageGeometry.whole(sizes, (64, 48))
    mirrored = geometry.matrices.copy()
    mirrored[:, 0] = [[-scale, 0, 47 - shift] for scale, _, shift in mirrored[:, 0]]
    for where in (geometry, ImageGeometry(mirrored, sizes, (64, 48))):
        np.testing.assert_allclose(
            head.to_image_space(head.to_input_space(targets, where), where), targets, rtol=1e-4, atol=1e-4
        )
    np.testing.assert_allclose(
        head.to_input_space(targets, ImageGeometry(mirrored, sizes, (64, 48))),
        np.stack([1 - relative[:, 2], relative[:, 1], 1 - relative[:, 0], relative[:, 3]], axis=-1),
        atol=1e-5,
    )


def test_what_is_not_seen_is_cut_off_and_a_box_out_of_sight_is_missing():
    head = BoxHead()
    targets = head.encode([[0.5, 0.25, 1, 0.75], [0.0, 0, 0.25, 1], None])
    matrices = np.array([[[1.0, 0, -50], [0, 1, 0]]] * 3)  # the right half of 100 x 50 pixels
    geometry = ImageGeometry(matrices, np.array([[50, 100]] * 3), (50, 50))
    placed = head.to_input_space(targets, geometry)
    np.testing.assert_allclose(placed[0], [0, 0.25, 1, 0.75], atol=1e-6)
    assert head.labelled(placed).tolist() == [True, False, False]
    left = head.to_input_space(head.encode([[0.25, 0, 0.75, 1]] * 3), geometry)
    np.testing.assert_allclose(left, [[0, 0, 0.5, 1]] * 3, atol=1e-6)


def test_a_turned_box_is_the_upright_one_around_it():
    head = BoxHead(format="xyxy")
    half = np.sqrt(0.5)
    matrix = np.array([[[half, -half, 0], [half, half, 0]]])  # about the middle of a square of 101 pixels
    matrix[0, :, 2] = 50 - matrix[0, :, :2] @ [50, 50]
    geometry = ImageGeometry(matrix, np.array([[101, 101]]), (101, 101))
    placed = head.to_input_space(head.encode([[40.5, 40.5, 60.5, 60.5]]), geometry) * 101
    np.testing.assert_allclose(
        placed, [[50.5 - 20 * half, 50.5 - 20 * half, 50.5 + 20 * half, 50.5 + 20 * half]], rtol=1e-5
    )


def test_answers_lie_within_the_image():
    head = BoxHead(format="xyxy")
    restored = head.to_image_space(np.array([[-0.5, 0.5, 1.5, 1.25]]), ImageGeometry.whole([(50, 100)], (20, 20)))
    np.testing.assert_allclose(restored, [[0, 25, 100, 50]])


# === Figures ===


def test_the_figures_are_those_of_shares_of_areas():
    head = BoxHead()
    truth = np.array([[0, 0, 0.5, 0.5]] * 4 + [[NAN] * 4])
    answers = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.3], [0.5, 0.5, 1, 1], [0.5, 0, 0, 0.5], [0, 0, 1, 1]])
    figures = head.evaluate(truth, answers)
    assert figures["value"] == figures["mean_iou"] == pytest.approx((1 + 0.6) / 4)
    assert (figures["iou_50"], figures["iou_75"]) == (0.5, 0.25)
    assert figures["baseline"] == 1  # all boxes are the same


def test_a_larger_box_is_of_another_stratum(rng):
    sides = np.linspace(0.1, 0.9, 9)[:, None]
    targets = BoxHead().encode(np.concatenate([np.zeros((9, 2)), np.repeat(sides, 2, axis=1)], axis=1))
    assert BoxHead().strata(targets).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


# === Network ===


@pytest.mark.slow
@pytest.mark.parametrize("loss", usually(["giou+l1"], ["smooth_l1", "giou", "giou+l1", "mse"]))
def test_it_sees_where_things_are(loss):
    """A mean over the image could not tell where the bright block is."""
    rng = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    images, boxes = np.zeros((512, 8, 8, 1), "float32"), np.zeros((512, 4), "float32")
    for image, box in zip(images, boxes):
        left, top = rng.integers(6, size=2)
        right, bottom = left + rng.integers(2, 9 - left), top + rng.integers(2, 9 - top)
        image[top:bottom, left:right] = 1
        box[:] = np.array([left, top, right, bottom]) / 8
    head = BoxHead(loss=loss, hidden=[32])
    features = keras.Input((8, 8, 1))
    model = keras.Model(features, head.build_layers(features, "block"))
    model.compile(keras.optimizers.Adam(0.01), head.loss())
    model.fit(images, boxes, epochs=20, verbose=0)
    figures = head.evaluate(boxes, model.predict(images, verbose=0))
    assert figures["mean_iou"] > 0.7 > 2 * figures["baseline"]


def test_no_answer_is_inverted(rng):
    answers = rng.random((ROWS, 4))
    restored = BoxHead().to_image_space(answers, ImageGeometry.whole([(50, 100)] * ROWS, (20, 20)))
    np.testing.assert_allclose(restored[:, :2], np.minimum(answers[:, :2], answers[:, 2:]))
    np.testing.assert_allclose(restored[:, 2:], np.maximum(answers[:, :2], answers[:, 2:]))


@pytest.mark.parametrize("loss", ["smooth_l1", "giou"])
def test_files_load_with_plain_keras(loss, tmp_path, rng, tiny_backbone):
    from mtlzoo.models import build
    from mtlzoo.saving import export

    model = build(tiny_backbone, {"box": BoxHead(loss=loss, hidden=[4])}, (16, 16, 3))
    export(model, tmp_path / "model.h5")
    images = rng.integers(0, 256, (2, 16, 16, 3)).astype("uint8")
    again = keras.models.load_model(tmp_path / "model.h5")
    np.testing.assert_allclose(
        again.predict(images, verbose=0)["box"], model.predict(images, verbose=0)["box"], rtol=1e-6
    )


# === Formats and what nobody marked ===


@pytest.mark.parametrize(
    ("format", "cell", "others"),
    [
        ("xyxy", "50;40;20;10", "as xywh or center_xywh or center_yxhw"),
        ("rel_xyxy", "0.5;0.4;0.2;0.1", "as rel_xywh or rel_center_xywh"),
        ("rel_xyxy", "10;20;60;80", "as xyxy or yxyx or xywh"),
        ("rel_xywh", "0.5;0.4;0.9;0.8", "as rel_xyxy or rel_yxyx or rel_center_xywh"),
    ],
)
def test_a_box_of_another_format_names_it(format, cell, others):
    with pytest.raises(
        LabelError, match=rf"row 1: expected a box .*\({format}\).*; {others}.* it would be one \(`format`\)"
    ):
        BoxHead(format=format).encode([None, cell])


def test_a_box_out_of_its_image_names_the_format_in_which_it_is_not():
    head = BoxHead(format="xywh")
    with pytest.raises(
        LabelError, match=r"row 0: .*image of 100 x 80 pixels, received 60, 40, 90, 70 \(xywh\); as xyxy"
    ):
        head.to_input_space(head.encode([[60, 40, 90, 70]]), ImageGeometry.whole([(80, 100)], (50, 50)))


def test_shares_given_as_pixels_are_refused():
    with pytest.raises(LabelError, match=r"row 1: expected boxes in pixels \(xyxy\), but all of them lie from 0 to 1"):
        BoxHead(format="xyxy").encode([None, [0.1, 0.2, 0.5, 0.6]])


@pytest.mark.parametrize("format", ["rel_xyxy", "xywh"])
@pytest.mark.parametrize("cell", [-1, "-1", "-1;-1;-1;-1", [0, 0, 0, 0], "(0.0, 0.0, 0.0, 0.0)", [None] * 4])
def test_what_files_write_for_no_box_is_missing(format, cell):
    assert np.isnan(BoxHead(format=format).encode([cell])).all()


@pytest.mark.parametrize(
    ("cells", "format"),
    [
        (["0.1;0.2;0.5;0.6", "-1;-1;-1;-1"], "rel_xyxy"),
        (["10;20;50;60", "0;0;0;0", "-1"], "xyxy"),
        ([(10, 20, 50, 60)], "xyxy"),
    ],
)
def test_the_units_of_a_column_are_seen(cells, format):
    labels = pd.Series(cells, dtype=object)
    assert BoxHead.from_labels(labels) == BoxHead(format=format)
    assert len(BoxHead(format=format).encode(labels)) == len(cells)


def test_a_column_that_cannot_be_corners_asks_for_the_format():
    labels = pd.Series(["10;20;50;60", "50;40;20;10"])
    with pytest.raises(
        ValueError, match=r"received 50, 40, 20, 10; as xywh it would be one; say the format, such as .*box:format=xywh"
    ):
        BoxHead.from_labels(labels)
    assert BoxHead.from_labels(labels, format="xywh") == BoxHead(format="xywh")
    with pytest.raises(ValueError, match=r"expected boxes of 4 numbers, received '1;2;3'"):
        BoxHead.from_labels(pd.Series(["1;2;3"]))


def test_one_box_in_shares_among_pixels_is_refused_with_its_row():
    with pytest.raises(LabelError, match=r"in pixels \(xyxy\), but one lies from 0 to 1, such as 0\.1") as caught:
        BoxHead(format="xyxy").encode(["50;60;70;70", "0.1;0.2;0.5;0.4"])
    assert caught.value.row == 1
