from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from head_checks import NAN, ROWS, HeadChecks

from mtlzoo.heads import LabelError, LandmarkHead
from mtlzoo.images.geometry import ImageGeometry

FACE = ["left_eye", "right_eye", "nose"]


class TestLandmarkHead(HeadChecks):
    heads = [
        LandmarkHead(FACE),
        LandmarkHead(FACE, loss="l1", hidden=[4], dropout=0.3, loss_weight=2),
        LandmarkHead(FACE, loss="l2", normalizer=["left_eye", "nose"], flip_pairs=[]),
        LandmarkHead(3),
    ]
    cells = [
        "[[0.25, 0.5], [0.75, 0.5], [0.5, 0.625]]",
        "0.25;0.5;0.75;0.25;0.5;0.5",
        "0.25, 0.5, 0.875, 0.5, 0.5, 0.625",
    ]
    answers = [
        [[0.25, 0.5], [0.75, 0.5], [0.5, 0.625]],
        [[0.25, 0.5], [0.75, 0.25], [0.5, 0.5]],
        [[0.25, 0.5], [0.875, 0.5], [0.5, 0.625]],
    ]
    unknown = "0.25;0.5"
    raw_missing = [np.full((1, 3, 2), NAN), np.full((1, 6), NAN)]

    def targets(self, head, rng, rows=ROWS):
        points = rng.normal(0.5, 0.2, (rows, 3, 2)).astype("float32")
        points[rng.random(rows) < 0.4] = NAN
        points[0] = [[0.3, 0.4], [0.6, 0.4], [0.5, 0.6]]
        return points

    def perfect(self, head, targets):
        return np.nan_to_num(targets)


# === Labels ===


def test_sequences_and_arrays_are_read_too():
    head = LandmarkHead(FACE)
    pairs = [[0.25, 0.5], [0.75, 0.5], [0.5, 0.625]]
    flat = [number for pair in pairs for number in pair]
    cells = [pairs, tuple(map(tuple, pairs)), flat, np.array(pairs), np.array(flat), list(map(np.array, pairs))]
    for targets in (head.encode(cells), head.encode(np.array([pairs] * 6)), head.encode(np.array([flat] * 6))):
        assert targets.dtype == "float32"
        np.testing.assert_array_equal(targets, [pairs] * 6)


def test_single_points_may_be_missing():
    head = LandmarkHead(FACE)
    targets = head.encode([[[0.1, 0.2], [None, None], [0.5, NAN]], "0.5;0.5;;;0.25;0.75"])
    np.testing.assert_allclose(targets[0], [[0.1, 0.2], [NAN, NAN], [NAN, NAN]], rtol=1e-6)
    np.testing.assert_array_equal(targets[1], [[0.5, 0.5], [NAN, NAN], [0.25, 0.75]])
    assert head.labelled(targets).all()


def test_wrong_labels_name_their_row_and_what_was_expected():
    head = LandmarkHead(FACE)
    with pytest.raises(LabelError, match=r"expected 3 points, 6 numbers, received \[\[0.1, 0.2\]\]") as caught:
        head.encode([None, [[0.1, 0.2]]])
    assert caught.value.row == 1
    with pytest.raises(LabelError, match="row 1: expected finite coordinates"):
        head.encode([None, [0, 0, np.inf, 0, 0, 0]])
    with pytest.raises(LabelError, match="expected 3 points, received shape"):
        head.encode(np.zeros((2, 4)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": 0}, "`points`"),
        ({"points": ["a", "a"]}, "`points`"),
        ({"points": "nose"}, "`points`"),
        ({"points": FACE, "format": "yx"}, "`format` to be one of rel_xy, xy"),
        ({"points": FACE, "loss": "l3"}, "`loss` to be one of wing, l1, l2"),
        ({"points": FACE, "normalizer": ["nose", "nose"]}, "`normalizer`"),
        ({"points": FACE, "normalizer": ["nose", "ear"]}, "`normalizer`"),
        ({"points": FACE, "flip_pairs": [["nose", "ear"]]}, "'ear' in `flip_pairs`"),
        ({"points": FACE, "flip_pairs": [["nose", "left_eye"], ["nose", "right_eye"]]}, "once in `flip_pairs`"),
        ({"points": FACE, "flip_pairs": ["nose"]}, "`flip_pairs` to be pairs"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LandmarkHead(**arguments)


def test_what_the_names_tell():
    head = LandmarkHead(["left_eye", "right_eye", "nose", "left_mouth", "right_mouth"])
    assert head.normalizer == ["left_eye", "right_eye"]
    assert head.flip_pairs == [["left_eye", "right_eye"], ["left_mouth", "right_mouth"]]
    assert LandmarkHead(["tip", "left_end"]).flip_pairs == []
    assert LandmarkHead(2).normalizer is None


# === Places ===


def moved(linear, shift, size=(100, 200), image_size=(50, 50)):
    matrix = np.column_stack([linear, shift])[None].astype(float)
    return ImageGeometry(matrix, np.array([size]), image_size)


def test_pixels_become_shares_of_what_the_network_sees_and_come_back():
    head = LandmarkHead(FACE, format="xy")
    points = head.encode([[[99.5, 49.5], [-0.5, 99.5], [199.5, -0.5]]])
    geometry = ImageGeometry.whole([(100, 200)], (50, 50))
    np.testing.assert_allclose(head.to_input_space(points, geometry), [[[0.5, 0.5], [0, 1], [1, 0]]], atol=1e-6)
    np.testing.assert_allclose(head.to_image_space(head.to_input_space(points, geometry), geometry), points, atol=1e-4)
    relative = LandmarkHead(FACE)
    fractions = relative.encode([[[0.5, 0.5], [0, 1], [1, 0]]])
    np.testing.assert_allclose(relative.to_input_space(fractions, geometry), fractions, atol=1e-6)
    np.testing.assert_allclose(relative.to_image_space(fractions, geometry), fractions, atol=1e-6)
    np.testing.assert_allclose(relative.marks(fractions, geometry)["points"], points)


@pytest.mark.parametrize("format", ["xy", "rel_xy"])
def test_restoring_undoes_placing_whatever_the_matrix(format, rng):
    head = LandmarkHead(FACE, format=format)
    geometry = ImageGeometry(rng.normal(size=(9, 2, 3)), rng.integers(100, 300, (9, 2)), (64, 48))
    points = rng.random((9, 3, 2)) * (100 if format == "xy" else 1)
    placed = head.to_input_space(points, geometry)
    mirrored = geometry.mirrored
    assert mirrored.any()
    assert not mirrored.all()
    restored = head.to_image_space(placed, geometry)
    np.testing.assert_allclose(restored[~mirrored], points[~mirrored], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(restored[mirrored], points[mirrored][:, [1, 0, 2]], rtol=1e-3, atol=1e-3)


def test_in_the_mirror_left_is_right_and_missing_stays_with_its_point():
    head = LandmarkHead(FACE)
    points = head.encode(["0.25;0.5;;;0.5;0.75"])
    mirror = moved([[-0.25, 0], [0, 0.5]], [49.375, -0.25])
    placed = head.to_input_space(points, mirror)
    assert np.isnan(placed[0, 0]).all()
    np.testing.assert_allclose(placed[0, 1], [0.75, 0.5], atol=1e-6)
    np.testing.assert_allclose(placed[0, 2], [0.5, 0.75], atol=1e-6)


# === Figures ===


def test_the_error_is_the_mean_distance_over_that_between_the_eyes():
    head = LandmarkHead(FACE)
    truth = np.array([[[0.2, 0.5], [0.6, 0.5], [0.4, 0.7]]])
    answer = truth + np.array([[0.03, 0.04], [0, 0], [0.05, 0]])
    figures = head.evaluate(truth, answer)
    assert figures["nme"] == pytest.approx((0.05 + 0 + 0.05) / 3 / 0.4)
    assert figures["failure_rate"] == 0
    assert head.evaluate(truth, truth + 0.1)["failure_rate"] == 1
    without = LandmarkHead(FACE, normalizer=None)
    assert without == head
    assert LandmarkHead(3).evaluate(truth, answer)["nme"] == pytest.approx(0.1 / 3)


def test_in_a_stretched_image_distances_are_those_of_its_pixels():
    head = LandmarkHead(FACE, format="xy")
    truth = np.array([[[50.0, 50.0], [150.0, 50.0], [100.0, 80.0]]])
    answer = truth + np.array([[0, 10.0], [0, 0], [0, 0]])  # downwards, where the network sees twice as much of it
    geometry = ImageGeometry.whole([(100, 200)], (50, 50))
    placed = head.to_input_space(truth, geometry), head.to_input_space(answer, geometry)
    assert head.evaluate(*placed, geometry)["nme"] == pytest.approx(10 / 3 / 100, rel=1e-5)
    assert head.evaluate(*placed)["nme"] == pytest.approx(2 * 10 / 3 / 100, rel=1e-5)


def test_rows_without_their_eyes_or_with_both_in_one_place_have_no_error():
    head = LandmarkHead(FACE)
    truth = np.array([[[0.2, 0.5], [0.6, 0.5], [0.4, 0.7]], [[NAN, NAN], [0.6, 0.5], [0.4, 0.7]], [[0.2, 0.5]] * 3])
    answers = truth[[0, 0, 0]] + np.array([0.1, 0])
    assert head.evaluate(truth, answers)["nme"] == pytest.approx(0.1 / 0.4)
    metric = head.metrics()[0]
    metric.update_state(truth, answers)
    assert float(metric.result()) == pytest.approx(0.1 / 0.4)


def test_the_baseline_is_the_mean_shape():
    head = LandmarkHead(2, normalizer=None)
    truth = np.array([[[0.2, 0.5], [0.4, 0.5]], [[0.4, 0.5], [0.6, 0.5]]])
    assert head.evaluate(truth, truth)["baseline"] == pytest.approx(0.1)


# === Network ===


@pytest.mark.slow
def test_it_sees_where_things_are():
    """A mean over the image could not tell where the bright spot is."""
    rng = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    rows, columns = rng.integers(8, size=(2, 256))
    images = np.zeros((256, 8, 8, 1), "float32")
    images[np.arange(256), rows, columns] = 1
    points = np.stack([columns + 0.5, rows + 0.5], axis=-1)[:, None] / 8
    head = LandmarkHead(1)
    features = keras.Input((8, 8, 1))
    model = keras.Model(features, head.build_layers(features, "spot"))
    model.compile(keras.optimizers.Adam(0.05), head.loss())
    model.fit(images, points, epochs=40, verbose=0)
    assert head.evaluate(points, model.predict(images, verbose=0))["nme"] < 0.02


# === Units and what nobody marked ===


@pytest.mark.parametrize("cell", ["200;150", [200, 150], np.array([[200, 150]]), [[0.5, 1.6]], [-3, 0.2]])
def test_pixels_given_as_shares_are_refused(cell):
    with pytest.raises(
        LabelError, match=r'row 1: expected points from 0 to 1, .*received .*; for pixels say format="xy"'
    ):
        LandmarkHead(1).encode(["0.5;0.5", cell])
    with pytest.raises(LabelError, match="row 1: expected points from 0 to 1"):
        LandmarkHead(2).encode(np.array([[[0.5, 0.5], [0.2, 0.2]], [[0.5, 0.5], [48, 20]]]))


def test_shares_given_as_pixels_are_refused():
    head = LandmarkHead(1, format="xy")
    with pytest.raises(LabelError, match=r'row 1: .* all of them lie from 0 to 1, such as 0.3, 0.4; .*format="rel_xy"'):
        head.encode([None, "0.3;0.4", "0.5;0.5"])
    np.testing.assert_allclose(head.encode(["0.3;0.4", "12;0.5"]), [[[0.3, 0.4]], [[12, 0.5]]], rtol=1e-6)


@pytest.mark.parametrize("format", ["rel_xy", "xy"])
@pytest.mark.parametrize("cell", [-1, "-1", "-1;-1", "0;0", [0, 0], [[-1.0, -1.0]], "(0, 0)", "0.0 0.0"])
def test_what_files_write_for_no_point_is_missing(format, cell):
    assert np.isnan(LandmarkHead(1, format=format).encode([cell, "1;1"])[0]).all()


def test_a_missing_point_leaves_the_others():
    targets = LandmarkHead(FACE, format="xy").encode(["12;5;0;0;-1;-1", "0;7;7;0;3;4"])
    np.testing.assert_array_equal(targets, [[[12, 5], [NAN, NAN], [NAN, NAN]], [[0, 7], [7, 0], [3, 4]]])


def test_pixels_far_outside_are_refused_with_their_row():
    head = LandmarkHead(1, format="xy")
    geometry = ImageGeometry.whole([(100, 200)] * 2, (50, 50))
    near = head.encode(["-20;140", "290;-9"])
    assert np.isfinite(head.to_input_space(near, geometry)).all()
    for cell in ("-999;3", "40;1000", "-1;-900"):
        with pytest.raises(LabelError, match=r"row 1: expected points in the image of 200 x 100 pixels, or near it"):
            head.to_input_space(head.encode(["20;40", cell]), geometry)


@pytest.mark.parametrize(
    ("cells", "head"),
    [
        (["200;150;20;30", "0;0;9;1"], LandmarkHead(2, format="xy")),
        (["[[0.1, 0.9]]", "0.2 1.1"], LandmarkHead(1)),
        (["-1", "-1;-1", "30;2"], LandmarkHead(1, format="xy")),
        ([((20, 30), (5, 6))], LandmarkHead(2, format="xy")),
    ],
)
def test_the_units_of_a_column_are_seen(cells, head):
    labels = pd.Series(cells, dtype=object)
    assert LandmarkHead.from_labels(labels) == head
    assert len(head.encode(labels)) == len(cells)


@pytest.mark.parametrize("cell", ["1;2;3", "left", "", [1, 2, 3], 4.0])
def test_a_column_without_points_is_refused(cell):
    with pytest.raises(ValueError, match=r"expected points as x, y, x, y, \.\.\., received|no row has a point"):
        LandmarkHead.from_labels(pd.Series([cell], dtype=object))


def test_shares_of_one_image_among_pixels_are_refused_with_its_row():
    with pytest.raises(LabelError, match="but all of one image lie from 0 to 1") as caught:
        LandmarkHead(2, format="xy").encode(["20;30;40;50", "0.1;0.2;0.3;0.4"])
    assert caught.value.row == 1
    assert LandmarkHead(2, format="xy").encode(["20;30;0.5;0.5", "0.5;0.5;30;40"]).shape == (2, 2, 2)


@pytest.mark.parametrize("sentinel", [-99, -999, -9999])
def test_far_sentinels_are_missing(sentinel):
    head = LandmarkHead(1, format="xy")
    assert head.labelled(head.encode(["20;30", f"{sentinel};{sentinel}"])).tolist() == [True, False]
