"""Which cells are worth asking for: only missing ones that make sense, unsure ones first, the same image once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.data import LabelTable
from mtlzoo.errors import InputError
from mtlzoo.evaluation import Predictions
from mtlzoo.evaluation.cell_worth import Cells
from mtlzoo.evaluation.coverage import Similarity, choose
from mtlzoo.evaluation.feature_views import Views
from mtlzoo.evaluation.uncertainty import LEAST, rarity, uncertainty

KINDS = mtl.ClassificationHead(["cat", "dog", "owl"])


def cells(heads, columns, outputs, features=None, barred=(), seed=0) -> dict[str, list[int]]:
    """The rows that are chosen of each head, from given outputs and features."""
    rows = len(next(iter(columns.values())))
    table = LabelTable(pd.DataFrame({"image": [f"{row}.jpg" for row in range(rows)], **columns}), heads)
    outputs = {name: np.asarray(array, "float32") for name, array in outputs.items()}
    features = np.random.default_rng(seed).normal(size=(rows, 6)) if features is None else features
    views = Views(
        Predictions(outputs, heads, table=table), features, {name: [array] for name, array in outputs.items()}
    )
    no = {name: np.isin(np.arange(rows), [row for head, row in barred if head == name]) for name in heads}
    found = Cells(table, views, no, seed)
    return {name: [row for *_, row in found.of_head(name, rows)] for name in heads}


# === How unsure ===


def test_the_unsure_are_told_from_the_sure():
    sure, unsure = [0.98, 0.01, 0.01], [1 / 3, 1 / 3, 1 / 3]
    assert uncertainty(KINDS, [np.array([sure, unsure])]) == pytest.approx([0.03, 1])
    tags = mtl.MultiLabelHead(["wet", "old"])
    assert uncertainty(tags, [np.array([[0.0, 1.0], [0.5, 1.0], [0.5, 0.5]])]) == pytest.approx([LEAST, 0.5, 1])
    assert uncertainty(mtl.BinaryHead(), [np.array([[1.0], [0.5]])]) == pytest.approx([LEAST, 1])


def test_of_several_views_what_they_disagree_about_counts_and_not_what_all_are_unsure_of():
    views = [np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[0.5, 0.5], [0.0, 1.0]])]
    assert uncertainty(mtl.ClassificationHead(["a", "b"]), views) == pytest.approx([LEAST, 1])
    numbers = [np.array([[1.0], [5.0], [9.0]]), np.array([[1.0], [9.0], [9.0]])]
    spread = uncertainty(mtl.RegressionHead(), numbers)
    assert spread[1] > spread[0] == spread[2] == LEAST
    assert uncertainty(mtl.RegressionHead(), numbers[:1]).tolist() == [1, 1, 1]


def test_rare_answers_weigh_more():
    told = np.eye(2)[[0, 0, 0, 1]][:, None]
    weights = rarity(told, np.ones(4))
    assert weights[3] / weights[0] == pytest.approx(3, rel=0.05)
    assert rarity(np.eye(2)[[0, 1]][:, None], np.ones(2)) == pytest.approx([1, 1], rel=0.05)
    assert rarity(told, np.array([1, 1, 1, 3.0]))[3] == pytest.approx(1, rel=0.05)  # as often asked for as the other


# === Which rows ===


def test_the_choice_is_the_one_that_covers_most_at_each_step(rng):
    points = rng.normal(size=(30, 2))
    alike = np.exp(-((points[:, None] - points[None]) ** 2).sum(axis=-1))
    weights, chance, covered = rng.random(30), rng.random(30), np.zeros(30)
    for row, gain in choose(alike, alike, covered, weights, chance):
        gains = (weights * np.maximum(alike - covered, 0)).sum(axis=1) * chance
        assert gain == pytest.approx(gains.max())
        assert gain == pytest.approx(gains[row])
        covered = np.maximum(covered, alike[row])
    assert covered.min() == 1


def test_the_same_image_is_similar_to_itself_alone(rng):
    features = rng.normal(size=(20, 5))
    features[7] = features[3] * (1 + 1e-7)
    alike = Similarity(features)(np.arange(20), np.arange(20))
    assert np.argwhere(alike > 1 - 1e-4).tolist() == sorted([*([row, row] for row in range(20)), [3, 7], [7, 3]])
    assert Similarity(np.ones((4, 3)))(np.arange(4), np.arange(4)).tolist() == np.eye(4).tolist()
    assert Similarity(np.ones((1, 3)))(np.arange(1), np.arange(1)).tolist() == [[1]]


def test_only_missing_cells_are_asked_for_and_each_image_once(rng):
    features = rng.normal(size=(9, 5))
    features[5] = features[4]  # of which neither is labelled
    features[8] = features[0]  # which is labelled
    labels = ["cat", None, "dog", *[None] * 6]
    found = cells({"kind": KINDS}, {"kind": labels}, {"kind": rng.dirichlet([1, 1, 1], 9)}, features, [("kind", 6)])
    assert sorted(set(found["kind"]) - {4, 5}) == [1, 3, 7]
    assert len({4, 5} & set(found["kind"])) == 1


def test_what_no_prediction_and_no_label_asks_for_is_left_out(rng):
    heads = {"kind": KINDS, "fur": mtl.BinaryHead(only_if={"kind": ["cat", "dog"]})}
    sure = np.array([[0.98, 0.01, 0.01], [0.01, 0.01, 0.98]])[[0, 1, 0, 1, 0, 1]]
    columns = {"kind": ["owl", "dog", *[None] * 4], "fur": [None] * 6}
    found = cells(heads, columns, {"kind": sure, "fur": rng.random((6, 1))})
    assert sorted(found["fur"]) == [1, 2, 4]  # by its label, and by what is predicted
    assert sorted(found["kind"]) == [2, 3, 4, 5]


def test_near_duplicates_wait_for_others(rng):
    features = np.concatenate([rng.normal(size=(4, 4)), np.ones((8, 4)) * 5 + 0.05 * rng.normal(size=(8, 4))])
    found = cells({"kind": KINDS}, {"kind": [None] * 12}, {"kind": np.full((12, 3), 1 / 3)}, features)
    assert sum(row >= 4 for row in found["kind"][:5]) == 1


# === The call ===


def test_the_frame_is_what_a_person_fills_in(model, drawn, tmp_path):
    frame = mtl.suggest_labels(model, drawn, budget=15)
    assert list(frame) == ["row", "image", "head", "prediction", "probability", "worth", "label"]
    assert len(frame) == 15
    assert frame["worth"].is_monotonic_decreasing
    assert frame["worth"].iloc[0] == 1
    missing = ~drawn.labelled()
    assert all(missing.at[row, name] for row, name in zip(frame["row"], frame["head"]))
    predicted = mtl.predict(model, drawn)
    for row, name, answer in frame[["row", "head", "prediction"]].itertuples(index=False):
        assert predicted.at[row, name] == answer
    pd.testing.assert_frame_equal(frame, mtl.suggest_labels(model, drawn, budget=15))
    frame.loc[frame["head"] == "color", "label"] = "red"
    frame.to_csv(tmp_path / "filled.csv", index=False)
    filled = mtl.apply_corrections(drawn, tmp_path / "filled.csv")
    assert filled.labelled()["color"].sum() == drawn.labelled()["color"].sum() + (frame["head"] == "color").sum()
    # What is labelled now, and what was asked for in vain, is not asked for again.
    again = mtl.suggest_labels(model, filled, budget=15, asked=[tmp_path / "filled.csv"])
    cells = [set(zip(each["row"], each["head"])) for each in (frame, again)]
    assert not cells[0] & cells[1]


def test_a_part_keeps_the_numbers_of_its_rows(model, drawn):
    part = drawn.take(np.arange(20, 40))
    frame = mtl.suggest_labels(model, part, budget=200)
    assert set(frame["row"]) <= set(range(20, 40))
    assert [drawn.frame["image"][row] for row in frame["row"]] == frame["image"].tolist()
    assert len(mtl.suggest_labels(model, part, budget=3)) == 3


def test_an_image_that_was_asked_for_without_a_row_is_so_in_all_of_its_rows(model, drawn):
    frame = pd.concat([drawn.frame[["image", "color"]]] * 2, ignore_index=True)
    table = LabelTable(frame.assign(color=None), {"color": drawn.heads["color"]}, root=drawn.root)
    asked = pd.DataFrame({"image": drawn.frame["image"][:10], "head": "color"})
    again = mtl.suggest_labels(model, table, budget=200, asked=asked)
    assert not set(again["image"]) & set(asked["image"])
    assert len(again)


def test_a_head_with_few_labels_gets_more(model, drawn):
    frame = drawn.frame.copy()
    known = frame.index[drawn.labelled()["color"]]
    frame.loc[known[2:], "color"] = None
    few = mtl.suggest_labels(model, replace(drawn, frame=frame), budget=10)["head"].value_counts()
    assert few["color"] > mtl.suggest_labels(model, drawn, budget=10)["head"].value_counts().get("color", 0)


def test_several_models_and_mirror_images_can_be_asked(model, drawn):
    flipped = mtl.suggest_labels(model, drawn, 5, test_time_augmentation="flip")
    committee = mtl.suggest_labels([model, model], drawn, 5)
    assert len(flipped) == len(committee) == 5


def test_a_table_without_missing_labels_and_wrong_budgets(model, drawn):
    full = drawn.frame.assign(color="red", bright="yes", level=1.0)
    frame = mtl.suggest_labels(model, replace(drawn, frame=full))
    assert frame.empty
    assert list(frame)[-1] == "label"
    for budget in (0, -3, 2.5, True):
        with pytest.raises(InputError, match="Expected `budget` to be a whole number of at least 1"):
            mtl.suggest_labels(model, drawn, budget)
