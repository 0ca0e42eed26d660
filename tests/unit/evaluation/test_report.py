"""The report: scikit-learn's metrics on labelled rows, and honest overall ones."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
from answered import outputs
from sklearn import metrics

from mtlzoo.data import LabelTable, TableError
from mtlzoo.evaluation import Predictions, evaluate
from mtlzoo.heads import BinaryHead, BoxHead, ClassificationHead, MultiLabelHead, OrdinalHead, RegressionHead

HEADS = {
    "size": ClassificationHead(["s", "m", "l"]),
    "kids": BinaryHead(),
    "tags": MultiLabelHead(["a", "b"]),
    "length": OrdinalHead(["short", "knee", "floor", "train"]),
    "price": RegressionHead(mean=10.0, scale=4.0),
}
ROWS = 200


@pytest.fixture
def labelled_rows(rng) -> tuple[LabelTable, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A table with a third of the labels missing, predictions, and which rows are labelled."""
    frame = pd.DataFrame(
        {
            "image": [f"{row}.jpg" for row in range(ROWS)],
            "size": rng.choice(["s", "m", "l"], ROWS, p=[0.6, 0.3, 0.1]),
            "kids": rng.choice(["no", "yes"], ROWS, p=[0.7, 0.3]),
            "tags": [[tag for tag in "ab" if rng.random() < 0.4] for _ in range(ROWS)],
            "length": rng.choice(["short", "knee", "floor", "train"], ROWS),
            "price": rng.normal(10, 4, ROWS),
        }
    ).astype(object)
    labelled = {}
    for name in HEADS:
        labelled[name] = rng.random(ROWS) < 0.67
        frame.loc[~labelled[name], name] = None
    predictions = {
        "size": rng.dirichlet([1, 1, 1], ROWS),
        "kids": rng.random((ROWS, 1)),
        "tags": rng.random((ROWS, 2)),
        "length": rng.dirichlet([1] * 4, ROWS),
        "price": rng.normal(10, 4, (ROWS, 1)),
    }
    return LabelTable(frame, HEADS, source="labels.csv"), predictions, labelled


def report(table: LabelTable, predictions: dict[str, np.ndarray]) -> pd.DataFrame:
    """Known outputs need no model, only its heads."""
    return Predictions({name: predictions[name] for name in table.heads}, table.heads).evaluate(table)


# === Metrics ===


def test_classes_are_measured_as_scikit_learn_does(labelled_rows):
    table, predictions, labelled = labelled_rows
    row = report(table, predictions).loc["size"]
    truth = table.frame["size"][labelled["size"]]
    answers = np.array(["s", "m", "l"])[predictions["size"].argmax(axis=1)][labelled["size"]]
    assert row["labelled"] == labelled["size"].sum()
    assert row["metric"] == "accuracy"
    assert row["value"] == row["score"] == row["accuracy"] == pytest.approx(metrics.accuracy_score(truth, answers))
    assert row["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, answers))
    assert row["baseline"] == row["accuracy_baseline"] == pytest.approx(truth.value_counts().max() / len(truth))


def test_yes_or_no_is_measured_as_scikit_learn_does(labelled_rows):
    table, predictions, labelled = labelled_rows
    row = report(table, predictions).loc["kids"]
    truth = (table.frame["kids"][labelled["kids"]] == "yes").to_numpy()
    yes = predictions["kids"][labelled["kids"], 0]
    assert row["accuracy"] == pytest.approx(metrics.accuracy_score(truth, yes >= 0.5))
    assert row["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, yes >= 0.5))
    assert row["auc"] == pytest.approx(metrics.roc_auc_score(truth, yes))
    assert row["baseline"] == row["accuracy_baseline"] == pytest.approx(max(truth.mean(), 1 - truth.mean()))


def test_tags_levels_and_numbers_are_measured_as_scikit_learn_does(labelled_rows):
    table, predictions, labelled = labelled_rows
    found = report(table, predictions)
    tags = np.array([[tag in row for tag in "ab"] for row in table.frame["tags"][labelled["tags"]]])
    f1 = metrics.f1_score(tags, predictions["tags"][labelled["tags"]] >= 0.5, average="macro")
    assert found.loc["tags", "metric"] == "f1"
    assert found.loc["tags", ["value", "f1", "score"]].tolist() == pytest.approx([f1] * 3)

    levels = table.labels()["length"][labelled["length"]]
    medians = (predictions["length"].cumsum(axis=1)[:, :-1] < 0.5).sum(axis=1)[labelled["length"]]
    assert found.loc["length", "mae"] == pytest.approx(metrics.mean_absolute_error(levels, medians))
    assert found.loc["length", "accuracy"] == pytest.approx(metrics.accuracy_score(levels, medians))
    assert found.loc["length", "accuracy_baseline"] == pytest.approx(np.bincount(levels).max() / len(levels))

    prices = table.frame["price"][labelled["price"]].astype(float)
    guesses = predictions["price"][labelled["price"], 0]
    mae = metrics.mean_absolute_error(prices, guesses)
    assert found.loc["price", ["value", "mae"]].tolist() == pytest.approx([mae] * 2, rel=1e-5)
    assert found.loc["price", "r2"] == pytest.approx(metrics.r2_score(prices, guesses), rel=1e-5)
    assert found.loc["price", "baseline"] == pytest.approx(abs(prices - prices.mean()).mean(), rel=1e-5)
    assert found.loc["price", "score"] == pytest.approx(4 / (4 + mae), rel=1e-5)


def test_beside_every_accuracy_stands_its_baseline(labelled_rows):
    table, predictions, _ = labelled_rows
    found = report(table, predictions)
    metrics_shown = list(found)
    assert metrics_shown.index("accuracy_baseline") == metrics_shown.index("accuracy") + 1
    assert (found["accuracy"].notna() == found["accuracy_baseline"].notna()).all()
    for name, head in HEADS.items():
        names = list(head.evaluate(table.labels()[name], predictions[name]))
        assert ("accuracy" in names) == ("accuracy_baseline" in names)
        assert "accuracy" not in names or names.index("accuracy_baseline") == names.index("accuracy") + 1


def test_what_stands_in_unlabelled_rows_does_not_matter(labelled_rows):
    table, predictions, labelled = labelled_rows
    spoilt = {name: np.where(labelled[name][:, None], array, np.nan) for name, array in predictions.items()}
    pd.testing.assert_frame_equal(report(table, spoilt), report(table, predictions))


def test_the_order_of_rows_does_not_matter(labelled_rows, rng):
    table, predictions, _ = labelled_rows
    order = rng.permutation(ROWS)
    turned = report(table.take(order), {name: array[order] for name, array in predictions.items()})
    pd.testing.assert_frame_equal(turned, report(table, predictions))


# === Overall ===


def test_overall_rows_of_heads_with_one_metric(labelled_rows):
    table, predictions, _ = labelled_rows
    heads = {"size": HEADS["size"], "kids": HEADS["kids"]}
    found = report(table.with_heads(heads), predictions)
    assert list(found.index) == ["size", "kids", "mean", "weighted mean"]
    assert found.index.name == "head"
    each, number = found.iloc[:2], found["labelled"].iloc[:2].astype(float)
    for name in ("value", "baseline", "score", "accuracy", "balanced_accuracy"):
        assert found.loc["mean", name] == pytest.approx(each[name].mean())
        assert found.loc["weighted mean", name] == pytest.approx((each[name] * number).sum() / number.sum())
    assert found.loc["mean", "labelled"] == found.loc["weighted mean", "labelled"] == number.sum()
    assert found.loc["mean", "kind"] == "2 heads"
    assert pd.isna(found.loc["mean", "auc"])
    assert pd.isna(found.loc["mean", "metric"])


def test_accuracies_and_errors_have_no_common_mean(labelled_rows):
    table, predictions, _ = labelled_rows
    found = report(table, predictions)
    assert found.loc[["mean", "weighted mean"], ["value", "baseline", "accuracy", "mae"]].isna().all(axis=None)
    assert found.loc["mean", "score"] == pytest.approx(found["score"].iloc[:5].mean())


def test_heads_without_labels_do_not_count(labelled_rows):
    table, predictions, _ = labelled_rows
    frame = table.frame.assign(kids=None)
    found = report(LabelTable(frame, {"size": HEADS["size"], "kids": HEADS["kids"]}), predictions)
    assert found.loc["kids", "labelled"] == 0
    assert found.loc["kids", ["value", "score", "accuracy"]].isna().all()
    assert found.loc["mean", "score"] == found.loc["size", "score"]
    assert found.loc["mean", "kind"] == "1 heads"


def test_without_any_label_there_are_no_metrics(labelled_rows):
    table, predictions, _ = labelled_rows
    frame = table.frame.assign(kids=None, price=None)
    found = report(LabelTable(frame, {"kids": HEADS["kids"], "price": HEADS["price"]}), predictions)
    assert found["labelled"].tolist() == [0] * 4
    assert found.drop(columns=["kind", "labelled", "metric"]).isna().all(axis=None)


def test_numbers_are_numbers(labelled_rows):
    table, predictions, _ = labelled_rows
    found = report(table, predictions)
    assert found["labelled"].dtype == int
    assert all(found[name].dtype == float for name in found if name not in ("kind", "labelled", "metric"))


# === With a model ===


def test_a_model_on_a_table(model, drawn):
    found = evaluate(model, drawn, batch_size=16)
    pd.testing.assert_frame_equal(found, evaluate(model, drawn, predictions=outputs(model, drawn)), rtol=1e-4)
    assert list(found.index) == ["color", "bright", "level", "mean", "weighted mean"]
    assert found["kind"].tolist()[:3] == [head.describe() for head in model.heads.values()]


def test_classes_in_another_order_and_heads_that_are_lacking(model, drawn):
    frame = drawn.frame.drop(columns=["bright", "level"])
    other = LabelTable(frame, {"color": ClassificationHead(["red", "green", "blue"])}, root=drawn.root)
    found = evaluate(model, other)
    assert list(found.index) == ["color", "mean", "weighted mean"]
    assert found.loc["color", "accuracy"] == evaluate(model, drawn).loc["color", "accuracy"]
    unread = LabelTable(frame, {}, root=drawn.root)
    assert evaluate(model, unread).loc["color", "accuracy"] == found.loc["color", "accuracy"]


def test_refusals(model, drawn):
    with pytest.raises(
        TableError, match=r"no column for any of the heads color, bright, level; the columns are: image"
    ):
        evaluate(model, LabelTable(drawn.frame[["image"]], {}))
    frame = drawn.frame.assign(color="purple")
    with pytest.raises(TableError, match=r"labels\.csv, line 2 \(0\.png\): head 'color': unknown label 'purple'"):
        evaluate(model, LabelTable(frame, {}, root="nowhere", source="labels.csv", first_line=2))
    with pytest.raises(TableError, match=r"drawn\.csv: no rows"):
        evaluate(model, drawn.take([]))
    with pytest.raises(ValueError, match="Expected 40 predictions for 'color', received: 39"):
        evaluate(model, drawn, predictions={name: array[1:] for name, array in outputs(model, drawn).items()})


def test_a_box_outside_of_its_image_is_named_by_its_row(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 30, 3), np.uint8))
    frame = pd.DataFrame({"image": ["a.png"] * 2, "place": [[0, 0, 30, 20], [0, 0, 30, 40]]})
    table = LabelTable(frame, {"place": BoxHead(format="xyxy")}, root=tmp_path, source="labels.csv", first_line=2)
    model = SimpleNamespace(heads=table.heads, input_shape=(None, 8, 8, 3), resize="stretch")
    predictions = {"place": np.array([[0, 0, 1.0, 1.0], [0, 0, 0.5, 1.0]])}
    with pytest.raises(TableError, match=r"line 3 \(a\.png\): head 'place': expected a box within .* 30 x 20 pixels"):
        evaluate(model, table, predictions=predictions)
    row = evaluate(model, table.take([0]), predictions={"place": predictions["place"][:1]}).loc["place"]
    assert (row["metric"], row["value"], row["iou_50"]) == ("mean_iou", 1, 1)
