from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from head_checks import NAN, ROWS, HeadChecks

from mtlzoo.heads import DualTaskHead, LabelError
from mtlzoo.images.geometry import ImageGeometry


class TestDualTaskHead(HeadChecks):
    heads = [
        DualTaskHead(),
        DualTaskHead(labels=["round", "square"], canvas=64, hidden=[4], dropout=0.3, loss_weight=2),
        DualTaskHead(scale_shape=False, format="xyxy"),
    ]
    cells = ["[1, [20, 10, 84, 58]]", "0;20;10;84;58.5", "(1, 20, 10, 84, 58)"]
    unknown = "2;20;10;84;58"
    raw_missing = [np.full((1, 5), NAN), np.array([[1, 20, 10, NAN, 30]])]

    @property
    def answers(self):
        raise NotImplementedError  # they depend on the head's names; see below

    def targets(self, head, rng, rows=ROWS):
        edges = np.cumsum(
            rng.uniform(5, 14, (rows, 4)), axis=-1
        )  # a box in the order of the labels, and of the targets
        targets = np.concatenate([rng.integers(2, size=(rows, 1)), edges], axis=-1).astype("float32")
        targets[2:][rng.random(rows - 2) < 0.4] = NAN
        targets[:2, 0] = [0, 1]
        return targets

    def perfect(self, head, targets):
        return np.nan_to_num(targets * [2 * head.threshold, 1, 1, 1, 1]).astype("float32")

    def test_cells_are_encoded_and_read_back(self, head):
        targets = head.encode(self.cells)
        assert head.labelled(targets).all()
        zero, one = head.labels
        expected = [[one, 20, 10, 84, 58], [zero, 20, 10, 84, 58.5], [one, 20, 10, 84, 58]]
        assert list(head.decode(self.perfect(head, targets))["answer"]) == expected
        np.testing.assert_array_equal(head.encode(expected), targets)


# === Labels ===


def test_names_and_ids_are_read():
    head = DualTaskHead()
    cells = [
        "triangle;20;10;84;58",
        ("rectangle", 20, 10, 84, 58),
        ["rectangle", [20, 10, 84, 58]],
        "['triangle', 20, 10, 84, 58]",
    ]
    box = [20, 10, 84, 58]
    np.testing.assert_array_equal(head.encode(cells), [[0, *box], [1, *box], [1, *box], [0, *box]])
    np.testing.assert_array_equal(DualTaskHead(labels=["1", "0"]).encode([["0", *box], ["1", *box]])[:, 0], [1, 0])


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (("circle", 20, 10, 84, 58), "expected triangle or rectangle and a box"),
        (("triangle", 20, 10, 84), "expected a box of 4 numbers"),
        (("triangle", 20, 10, 10, 58), "width and height above 0"),
        ((None, 20, 10, 84, 58), "expected triangle or rectangle"),
        ([], "expected triangle or rectangle"),
    ],
)
def test_wrong_labels_name_their_row_and_what_was_expected(cell, message):
    with pytest.raises(LabelError, match=message) as caught:
        DualTaskHead().encode([None, cell])
    assert caught.value.row == 1


def test_names_are_found_in_the_labels():
    labels = pd.Series(["square;1;2;3;4", "circle;1;2;3;4", ("square", 1, 2, 3, 4)])
    assert DualTaskHead.from_labels(labels).labels == ["circle", "square"]
    with pytest.raises(ValueError, match="expected the names of two shapes and boxes of 4 numbers, received 'square'"):
        DualTaskHead.from_labels(labels[:1])


@pytest.mark.parametrize(
    "arguments", [{"labels": "ab"}, {"labels": ["a"]}, {"labels": ["a", "a"]}, {"canvas": 0}, {"format": "x"}]
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
        DualTaskHead(**arguments)


# === The book's way ===


def test_the_order_is_left_right_top_bottom_in_pixels_of_the_canvas_and_comes_back():
    head = DualTaskHead()
    targets = head.encode([("rectangle", 100, 25, 200, 50), None])
    geometry = ImageGeometry.whole([(100, 200)] * 2, (96, 96))
    placed = head.to_input_space(targets, geometry)
    np.testing.assert_allclose(placed[0], [1, 112, 224, 56, 112], rtol=1e-6)
    assert np.isnan(placed[1]).all()
    answer = placed[:1] * [224, 1, 1, 1, 1]
    restored = head.to_image_space(answer, geometry.take([0]))
    np.testing.assert_allclose(restored, [[224, 100, 25, 200, 50]], rtol=1e-6)
    assert head.decode(restored)["answer"][0] == pytest.approx(["rectangle", 100, 25, 200, 50])
    np.testing.assert_allclose(head.marks(restored, geometry.take([0]))["box"], [[99.5, 24.5, 199.5, 49.5]], rtol=1e-6)


def test_a_box_out_of_sight_takes_its_shape_along():
    head = DualTaskHead()
    geometry = ImageGeometry(np.array([[[1.0, 0, -150], [0, 1, 0]]]), np.array([[100, 200]]), (50, 50))
    assert not head.labelled(head.to_input_space(head.encode([("triangle", 0, 0, 50, 50)]), geometry)).any()


def test_the_loss_is_the_books():
    truth = np.array([[1.0, 20, 84, 10, 58], [0.0, 20, 84, 10, 58], [NAN] * 5])
    answer = np.array([[200.0, 21, 84, 10, 56], [0.0, 20, 84, 10, 58], [9.0] * 5])
    expected = np.square(truth * [224, 1, 1, 1, 1] - answer)[:2].mean()
    assert float(DualTaskHead().loss()(truth, answer)) == pytest.approx(expected)
    figures = DualTaskHead().evaluate(truth, answer)
    assert figures["value"] == figures["mse"] == pytest.approx(expected)
    assert figures["accuracy"] == 1
    unscaled = DualTaskHead(scale_shape=False)
    assert float(unscaled.loss()(truth, answer)) == pytest.approx(np.square(truth - answer)[:2].mean())
    assert (DualTaskHead().threshold, unscaled.threshold) == (112, 0.5)
    assert unscaled.evaluate(truth, answer)["accuracy"] == 1
    assert unscaled.evaluate(truth, answer - [0, 0, 0, 0, 1])["accuracy"] == 1


def test_the_score_is_one_half_at_the_books_hundred():
    assert DualTaskHead().score(100) == 0.5


def test_the_box_is_judged_as_a_box_is():
    truth = np.array([[1.0, 0, 100, 0, 100]] * 2)
    answer = np.array([[224.0, 0, 100, 0, 100], [0, 0, 100, 0, 50]])
    figures = DualTaskHead().evaluate(truth, answer)
    assert figures["mean_iou"] == pytest.approx(0.75)
    assert figures["accuracy"] == 0.5
    assert figures["accuracy_baseline"] == 1
