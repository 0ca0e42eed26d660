"""A label is encoded once on its way from the file to the report."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.heads import register_head

ROWS = 48
SEEN: list[list] = []


def noted(values) -> None:
    """Remember what was encoded; a model also asks a head how it writes that a label is missing."""
    if any(not pd.isna(value) for value in values):
        SEEN.append(list(values))


class CountedClasses(mtl.ClassificationHead):
    """Notes what it encodes."""

    def encode(self, values):
        """Note the values."""
        noted(values)
        return super().encode(values)


class CountedNumber(mtl.RegressionHead):
    """Notes what it encodes."""

    def encode(self, values):
        """Note the values."""
        noted(values)
        return super().encode(values)


@pytest.fixture(autouse=True)
def _known():
    """For the length of a test: other modules list the kinds of heads."""
    register_head("counted_classes", CountedClasses)
    register_head("counted_number", CountedNumber)


@pytest.fixture
def labels(tmp_path):
    """A file of labels beside its images; every label of `number` is a different one."""
    rng = np.random.default_rng(0)
    lines = ["image,color,number"]
    for row in range(ROWS):
        cv2.imwrite(str(tmp_path / f"{row}.png"), rng.integers(0, 255, (24, 24, 3), np.uint8))
        lines.append(f"{row}.png,{('red', 'green', 'blue', '')[row % 4]},{row / 2 + 0.25}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    SEEN.clear()
    return tmp_path / "labels.csv"


def heads() -> dict:
    return {"color": CountedClasses(["red", "green", "blue"]), "number": CountedNumber()}


@pytest.mark.slow
def test_from_file_to_report_each_label_is_encoded_once(labels, tiny_backbone):
    table = mtl.data.read_csv(labels, heads())
    train, valid, test = mtl.data.split(table, [0.6, 0.2, 0.2])
    model = mtl.build(tiny_backbone, train.heads, (16, 16, 3), None)
    mtl.fit(model, train, valid, [mtl.Stage(1, 1e-3)], batch_size=16, verbose=False)
    report = mtl.evaluate(model, test)
    assert report["labelled"].loc[["color", "number"]].tolist() == [int((test.labels()["color"] >= 0).sum()), len(test)]
    assert sorted(map(len, SEEN)) == [4, ROWS]  # four different cells, and a number for each row
    assert not any(value is known for value, known in zip(model.heads.values(), table.heads.values()))


def test_a_table_is_encoded_once_for_all_heads_that_encode_alike(labels):
    frame = mtl.data.read_csv(labels).frame
    table = mtl.data.LabelTable(frame, heads(), root=labels.parent)
    other = table.with_heads({"color": CountedClasses(["red", "green", "blue"], hidden=[8], class_weight="balanced")})
    assert other.labels()["color"] is table.labels()["color"]
    assert len([values for values in SEEN if "red" in values]) == 1
    turned = table.with_heads({"color": CountedClasses(["blue", "green", "red"])})
    np.testing.assert_array_equal(turned.labels()["color"][:4], [2, 1, 0, -1])
    np.testing.assert_array_equal(other.labels()["color"][:4], [0, 1, 2, -1])


def test_rows_that_are_taken_are_not_encoded_again(labels):
    table = mtl.data.read_csv(labels, heads())
    SEEN.clear()
    part = table.take([5, 4, 7]).for_heads(heads())
    assert part.labels()["number"].tolist() == [[2.75], [2.25], [3.75]]
    assert part.labels()["color"].tolist() == [1, 0, -1]
    assert not SEEN


def test_what_is_assigned_to_a_frame_is_read(labels):
    table = mtl.data.read_csv(labels, heads())
    table.frame["number"] = table.frame["number"].astype(float) * 2
    table.frame["color"] = table.frame["color"].where(table.frame["image"] != "0.png", "blue")
    assert table.labels()["number"][:2].tolist() == [[0.5], [1.5]]
    assert table.take([0]).with_heads(heads()).labels()["color"].tolist() == [2]
    objects = pd.DataFrame({"image": ["a", "b"], "at": [[1.0, 2.0], [3.0, 4.0]]})
    places = mtl.data.LabelTable(objects, {"at": mtl.RegressionHead(2)})
    assert places.labels()["at"].tolist() == [[1, 2], [3, 4]]
    objects.at[1, "at"] = [5.0, 6.0]
    assert places.labels()["at"].tolist() == [[1, 2], [5, 6]]


def test_heads_are_those_that_were_given():
    given = heads()
    table = mtl.data.LabelTable(pd.DataFrame({"image": ["a"], "color": ["red"], "number": [1]}), given)
    assert all(table.take([0]).heads[name] is head for name, head in given.items())


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (mtl.BinaryHead(["a", "b"], label_smoothing=0.1), mtl.BinaryHead(["a", "b"]), True),
        (mtl.BinaryHead(["a", "b"]), mtl.BinaryHead(["b", "a"]), False),
        (mtl.RegressionHead(mean=3.0, scale=2.0, loss="mae"), mtl.RegressionHead(), True),
        (mtl.RegressionHead(2), mtl.RegressionHead(), False),
        (mtl.ExpectationHead((0, 9), spread=1.0), mtl.ExpectationHead((0, 9)), True),
        (mtl.ExpectationHead((0, 9)), mtl.ExpectationHead((0, 8)), False),
        (mtl.MultiLabelHead(["a", "b"], threshold=0.3), mtl.MultiLabelHead(["a", "b"]), True),
        (mtl.MultiLabelHead(["a", "b"], separator=";"), mtl.MultiLabelHead(["a", "b"]), False),
        (mtl.BoxHead(loss="giou"), mtl.BoxHead(), True),
        (mtl.BoxHead(format="xyxy"), mtl.BoxHead(), False),
        (mtl.OrdinalHead(["a", "b", "c"]), mtl.ClassificationHead(["a", "b", "c"]), False),
    ],
)
def test_which_heads_encode_alike(one, other, alike):
    assert (one.encoding_key() == other.encoding_key()) == alike
